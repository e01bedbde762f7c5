"""Tell solids by points on their surface with a PointNet, which learns how to turn them."""

import forms
import keras
import numpy as np
from keras import layers, ops

BATCH, EPOCHS, POINTS = 16, 10, 96
LEARNS = "val_sparse_categorical_accuracy", 0.333, 0.7
TRUTH = ()


def data():
    """Return points of spheres, boxes and cones, each turned and squeezed, and which solid it is."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    points = rng.normal(size=(240, POINTS, 3))
    points /= np.linalg.norm(points, axis=-1, keepdims=True)
    boxes = labels == 1
    points[boxes] /= np.abs(points[boxes]).max(axis=-1, keepdims=True)
    cones = labels == 2
    height = rng.random((cones.sum(), POINTS, 1))
    circle = points[cones][..., :2] / np.linalg.norm(points[cones][..., :2], axis=-1, keepdims=True)
    points[cones] = np.concatenate([height * circle, 1 - 2 * height], axis=-1)
    turns = np.linalg.qr(rng.normal(size=(240, 3, 3)))[0]
    points = points * rng.uniform(0.7, 1.3, (240, 1, 3)) @ turns + rng.normal(0, 0.02, points.shape)
    return points.astype("float32"), labels.astype("int32")


class Orthogonal(keras.regularizers.Regularizer):
    """Keeps a matrix near a turn."""

    def __init__(self, size, strength=1e-3):
        self.size, self.strength = size, strength

    def __call__(self, x):
        """Return how far it is from one."""
        x = ops.reshape(x, (-1, self.size, self.size))
        return self.strength * ops.sum(ops.square(ops.matmul(x, ops.transpose(x, (0, 2, 1))) - ops.eye(self.size)))


def convolved(x, filters):
    """The same layer at each point."""
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(layers.Conv1D(filters, 1)(x)))


def dense(x, units):
    """A layer of all points."""
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(layers.Dense(units)(x)))


def turned(inputs, size):
    """Turn points, each with `size` numbers, as a small network says."""
    x = inputs
    for filters in (16, 32, 128):
        x = convolved(x, filters)
    x = dense(dense(layers.GlobalMaxPooling1D()(x), 64), 32)
    start = keras.initializers.Constant(np.eye(size).ravel())
    x = layers.Dense(size * size, "linear", True, "zeros", start, activity_regularizer=Orthogonal(size))(x)
    return layers.Dot(axes=(2, 1))([inputs, layers.Reshape((size, size))(x)])


def model():
    """Return the compiled PointNet."""
    inputs = keras.Input((POINTS, 3))
    x = convolved(convolved(turned(inputs, 3), 16), 16)
    x = turned(x, 16)
    for filters in (16, 32, 128):
        x = convolved(x, filters)
    x = dense(layers.GlobalMaxPooling1D()(x), 64)
    x = layers.Dropout(0.3)(dense(x, 32))
    net = keras.Model(inputs, layers.Dense(3, "softmax")(x))
    net.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    return net


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
