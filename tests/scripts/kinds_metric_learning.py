"""Pairs of examples, told by whether they are of one class; a `PyDataset` makes them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from .kinds_custom_steps import reported
from .registry import EPOCHS, blobs, first_item, kind


class AnchorsAndPositives(keras.utils.PyDataset):
    """Batches of two examples of each class, without y."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        x, classes = blobs()
        anchors = [np.flatnonzero(classes == c)[2 * index] for c in range(3)]
        positives = [np.flatnonzero(classes == c)[2 * index + 1] for c in range(3)]
        return ((x[anchors], x[positives]),)


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


@kind(pair=("accuracy", "loss", "max"), probe=first_item, has_call=False)
def metric_learning(optimizer):
    inputs = keras.Input((6,))
    embedded = layers.UnitNormalization()(layers.Dense(4)(layers.Dense(8, "relu")(inputs)))
    model = Similarity(inputs, embedded)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(), loss, metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")])
    return model, {"x": AnchorsAndPositives(), "epochs": EPOCHS}
