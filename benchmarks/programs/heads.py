"""Say which digit it is and whether it is even; a third head, an embedding for later use, has no loss yet."""

import forms
import keras
from keras import layers, ops
from sklearn.datasets import load_digits

BATCH, EPOCHS = 32, 4
LEARNS = "val_loss", 2.65, 1.0  # log 10 and half of log 2
TRUTH = ("no_gradient",)  # the gate is 0 or 1, and so its layer never learns


def data():
    """Return digits, and what is to be said of them."""
    x, y = load_digits(return_X_y=True)
    return (x[:1440] / 16).astype("float32"), {"digit": y[:1440], "even": (y[:1440] % 2 == 0).astype("float32")}


def model():
    """Return the compiled network; a hard gate, which is 0 or 1, chooses among its features."""
    inputs = keras.Input((64,))
    x = layers.Dense(64, "relu")(inputs)
    gate = layers.Dense(64, "sigmoid", name="gate")(inputs)
    x = x * ops.round(gate)
    x = layers.Dense(32, "relu")(x)
    heads = {
        "digit": layers.Dense(10, "softmax", name="digit")(x),
        "even": layers.Dense(1, "sigmoid", name="even")(x),
        "embedding": layers.Dense(8, name="embedding")(x),
    }
    network = keras.Model(inputs, heads)
    network.compile(
        keras.optimizers.RMSprop(3e-3),
        {"digit": "sparse_categorical_crossentropy", "even": "binary_crossentropy"},
        loss_weights={"digit": 1.0, "even": 0.5},
    )
    return network


def train(model, data, callbacks=()):
    """Train, with a lower rate once the validation stands still."""
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=0, min_delta=0.05)
    return model.fit(**data, epochs=EPOCHS, callbacks=[slower, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
