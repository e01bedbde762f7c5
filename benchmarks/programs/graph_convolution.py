"""Tell what papers are about from some of their words and from whom they cite, with a graph network."""

import forms
import keras
import numpy as np
from keras import layers, ops

BATCH, EPOCHS, PAPERS, SUBJECTS, WORDS = 64, 40, 640, 5, 100
LEARNS = "val_accuracy", 0.2, 0.7
TRUTH = ()


def graph():
    """Return the subject of each paper, the words that it has, and both ends of all citations."""
    rng = np.random.default_rng(0)
    subjects = rng.integers(0, SUBJECTS, PAPERS)
    likely = np.where(rng.random((SUBJECTS, WORDS)) < 0.3, 0.25, 0.1)
    words = rng.random((PAPERS, WORDS)) < likely[subjects]
    citing, cited = rng.integers(0, PAPERS, (2, 20 * PAPERS))
    kept = rng.random(len(citing)) < np.where(subjects[citing] == subjects[cited], 0.6, 0.05)
    ends = citing[kept], cited[kept]
    return subjects, words.astype("float32"), (np.concatenate(ends), np.concatenate(ends[::-1]))


def data():
    """Return the numbers of all papers, and their subjects."""
    return np.arange(PAPERS).astype("int32"), graph()[0].astype("int32")


def network(units):
    """Return two dense layers for each paper, which skip some inputs in training."""
    parts = [(layers.BatchNormalization(momentum=0.9), layers.Dropout(0.2), layers.Dense(units, "gelu")) for _ in "12"]
    return keras.Sequential([layer for part in parts for layer in part])


class GraphConvolution(layers.Layer):
    """Adds to what is known of a paper what those say that it is joined with."""

    def __init__(self, units, ends):
        super().__init__()
        self.ends, degrees = ends, np.bincount(ends[0], minlength=PAPERS)
        self.degrees = np.maximum(degrees, 1)[:, None].astype("float32")
        self.message, self.update = network(units), network(units)

    def call(self, papers, training=None):
        """Return what is known of all papers now."""
        to, origin = self.ends
        messages = ops.take(self.message(papers, training=training), origin, axis=0)
        heard = ops.segment_sum(messages, to, num_segments=PAPERS) / self.degrees
        return papers + self.update(ops.concatenate([papers, heard], axis=1), training=training)


class GraphClassifier(keras.Model):
    """A network for each paper, two convolutions of the graph, and logits of the papers that are asked for."""

    def __init__(self, units=32):
        super().__init__()
        _, self.words, ends = graph()
        self.before = network(units)
        self.convolutions = [GraphConvolution(units, ends) for _ in range(2)]
        self.after, self.logits = network(units), layers.Dense(SUBJECTS)

    def call(self, numbers, training=None):
        """Return the logits of papers."""
        papers = self.before(ops.convert_to_tensor(self.words), training=training)
        for convolution in self.convolutions:
            papers = convolution(papers, training=training)
        return self.logits(ops.take(self.after(papers, training=training), numbers, axis=0))


def model():
    """Return the compiled classifier."""
    classifier = GraphClassifier()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.Adam(1e-2), loss, metrics=["accuracy"])
    return classifier


def train(model, data, callbacks=()):
    """Train, and go back to where the validation was best."""
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=15, restore_best_weights=True)
    return model.fit(**data, epochs=EPOCHS, callbacks=[stop, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
