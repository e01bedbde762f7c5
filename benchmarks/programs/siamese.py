"""Tell whether two images show the same digit: one encoder sees both, each moved a little at random."""

import forms
import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

BATCH, EPOCHS = 32, 8
LEARNS = "val_accuracy", 0.5, 0.75
TRUTH = ()


def data():
    """Return pairs of images, half of them of one digit."""
    rng = np.random.default_rng(0)
    images, y = (load_digits().images[..., None] / 16).astype("float32"), load_digits().target
    left = rng.integers(0, len(y), 800)
    right = np.array([rng.choice(np.flatnonzero((y == y[i]) == (n % 2))) for n, i in enumerate(left)])
    return {"left": images[left], "right": images[right]}, (y[left] == y[right]).astype("float32")


def model():
    """Return the compiled pair."""
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1),
            layers.RandomRotation(0.05),
            layers.Conv2D(16, 3, activation="relu"),
            layers.SpatialDropout2D(0.1),
            layers.Flatten(),
            layers.Dense(32),
            layers.UnitNormalization(),
        ],
        name="encoder",
    )
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    far = ops.abs(encoder(left) - encoder(right))
    pair = keras.Model({"left": left, "right": right}, layers.Dense(1, "sigmoid")(far))
    pair.compile(keras.optimizers.SGD(0.2, momentum=0.9, nesterov=True), "binary_crossentropy", metrics=["accuracy"])
    return pair


def train(model, data, callbacks=()):
    """Train, with half the rate in each second epoch, and in between once the validation stands still."""
    falls = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * (0.5 if epoch % 2 else 1.0))
    slower = keras.callbacks.ReduceLROnPlateau("val_accuracy", factor=0.5, patience=0)
    return model.fit(**data, epochs=EPOCHS, callbacks=[falls, slower, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
