"""Pairs of examples, told by whether they are of one class; a `PyDataset` makes them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from .kinds_custom_steps import reported
from .registry import BATCH, EPOCHS, blobs, first_item, kind


class Pairs(keras.utils.PyDataset):
    """Batches of pairs: half of them of one class."""

    def __init__(self, batches=4):
        super().__init__()
        x, classes = blobs()
        rng = np.random.default_rng(0)
        self.batches = []
        for _ in range(batches):
            left, right = rng.integers(0, len(x), (2, BATCH))
            alike = np.arange(BATCH) % 2
            right = right - right % 3 + (classes[left] + 1 - alike) % 3
            self.batches.append(((x[left], x[right]), alike.astype("float32")[:, None]))

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@keras.saving.register_keras_serializable("scripts")
class Distance(layers.Layer):
    """Euclidean distance of two rows."""

    def call(self, left, right):
        return keras.ops.sqrt(keras.ops.sum(keras.ops.square(left - right), axis=1, keepdims=True) + 1e-7)


@keras.saving.register_keras_serializable("scripts")
def contrastive(alike, distance):
    apart = keras.ops.square(keras.ops.maximum(1.0 - distance, 0.0))
    return keras.ops.mean(alike * keras.ops.square(distance) + (1.0 - alike) * apart)


@keras.saving.register_keras_serializable("scripts")
def mistaken(alike, distance):
    return keras.ops.mean(keras.ops.cast((distance < 0.5) != (alike > 0.5), "float32"))


@kind(pair=("mistaken", "loss", "min"), probe=first_item, has_arrays=False, has_validation=True)
def siamese(optimizer):
    tower = keras.Sequential([keras.Input((6,)), layers.BatchNormalization(), layers.Dense(4, "tanh")])
    left, right = keras.Input((6,)), keras.Input((6,))
    model = keras.Model([left, right], Distance()(tower(left), tower(right)))
    model.compile(optimizer(), contrastive, metrics=[mistaken])
    return model, {"x": Pairs(), "validation_data": Pairs(2), "epochs": EPOCHS}


class AnchorsAndPositives(keras.utils.PyDataset):
    """Batches of two examples of each class, without y."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        x, classes = blobs()
        anchors = [np.flatnonzero(classes == c)[2 * index] for c in range(3)]
        positives = [np.flatnonzero(classes == c)[2 * index + 1] for c in range(3)]
        return ((x[anchors], x[positives]),)


@keras.saving.register_keras_serializable("scripts")
class Similarity(keras.Model):
    """Calls itself twice a step; the loss is told which similarities are of one class."""

    def train_step(self, data):
        ((anchors, positives),) = data
        with tf.GradientTape() as tape:
            of_anchors, of_positives = self(anchors, training=True), self(positives, training=True)
            similarities = tf.einsum("ae,pe->ap", of_anchors, of_positives) / 0.2
            loss = self.compute_loss(y=tf.range(3), y_pred=similarities)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return reported(self, loss, tf.range(3), similarities)


@kind(pair=("accuracy", "loss", "max"), probe=first_item, has_arrays=False, has_call=False)
def metric_learning(optimizer):
    inputs = keras.Input((6,))
    embedded = layers.UnitNormalization()(layers.Dense(4)(layers.Dense(8, "relu")(inputs)))
    model = Similarity(inputs, embedded)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(), loss, metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")])
    return model, {"x": AnchorsAndPositives(), "epochs": EPOCHS}
