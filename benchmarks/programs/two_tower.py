"""Find the films that a viewer would watch: two towers of embeddings; the other films of a batch are wrong answers."""

import forms
import keras
import numpy as np
import tensorflow as tf
from keras import layers

BATCH, EPOCHS, VIEWERS, FILMS = 64, 4, 50, 80
LEARNS = "val_top10", 0.156, 0.7  # ten of the 64 films of a batch
TRUTH = ()


def data():
    """Return who has watched what, as names, and at which hour; each viewer likes one of eight kinds."""
    rng = np.random.default_rng(0)
    viewers = rng.integers(0, VIEWERS, 1920)
    films = (viewers % 8 + 8 * rng.integers(0, FILMS // 8, len(viewers))) % FILMS
    names = {
        "viewer": np.array([f"viewer {number}" for number in viewers], "object"),
        "film": np.array([f"film {number}" for number in films], "object"),
        "hour": rng.uniform(0, 24, (len(viewers), 1)).astype("float32"),
    }
    return (names,)


class TwoTowers(keras.Model):
    """A vector for what is known of the viewer, and one for the film: who watches it has a similar one."""

    def __init__(self, width=16):
        super().__init__()
        self.viewer = layers.StringLookup(vocabulary=[f"viewer {number}" for number in range(VIEWERS)])
        self.film = layers.StringLookup(vocabulary=[f"film {number}" for number in range(FILMS)])
        self.viewer_vector = layers.Embedding(VIEWERS + 1, width)
        self.film_vector = layers.Embedding(FILMS + 1, width)
        self.tower = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(width)])
        self.loss_tracker = keras.metrics.Mean("loss")
        self.top = keras.metrics.SparseTopKCategoricalAccuracy(k=10, name="top10")

    @property
    def metrics(self):
        """What is reported."""
        return [self.loss_tracker, self.top]

    def scores(self, x):
        """Return how well each viewer of the batch and each film of it go together."""
        known = keras.ops.concatenate([self.viewer_vector(self.viewer(x["viewer"])), x["hour"] / 24], axis=-1)
        return keras.ops.matmul(self.tower(known), keras.ops.transpose(self.film_vector(self.film(x["film"]))))

    def judged(self, x):
        """Return the loss of a batch, and keep what is reported."""
        scores = self.scores(x)
        right = keras.ops.arange(keras.ops.shape(scores)[0])
        loss = keras.losses.sparse_categorical_crossentropy(right, scores, from_logits=True)
        self.loss_tracker.update_state(loss)
        self.top.update_state(right, scores)
        return keras.ops.mean(loss)

    def train_step(self, data):
        """One step."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.judged(x)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        """The same without a step."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.judged(x)
        return {metric.name: metric.result() for metric in self.metrics}


def model():
    """Return the compiled towers."""
    towers = TwoTowers()
    towers.compile(optimizer=keras.optimizers.Adam(0.02))
    return towers


def train(model, data, callbacks=()):
    """Train, with a lower rate once the validation stands still."""
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1)
    return model.fit(**data, epochs=EPOCHS, callbacks=[slower, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
