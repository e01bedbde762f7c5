"""Tell digits with a ConvMixer, which mixes the places of an image and its channels in turn."""

import forms
import keras
from keras import layers
from sklearn.datasets import load_digits

BATCH, EPOCHS = 32, 10
LEARNS = "val_accuracy", 0.1, 0.9
TRUTH = ()


def data():
    """Return images of digits, of 0 to 255, and which digit each is."""
    digits = load_digits()
    return (digits.images[:1792, ..., None] * 255 / 16).astype("float32"), digits.target[:1792].astype("int32")


def activated(x):
    """What follows each convolution."""
    return layers.BatchNormalization(momentum=0.9)(layers.Activation("gelu")(x))  # for some hundred steps


def model(filters=32, depth=4):
    """Return the compiled ConvMixer."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    x = activated(layers.Conv2D(filters, 2, strides=2)(x))  # patches
    for _ in range(depth):
        mixed = activated(layers.DepthwiseConv2D(3, padding="same")(x))
        x = activated(layers.Conv2D(filters, 1)(layers.Add()([mixed, x])))
    x = layers.GlobalAvgPool2D()(x)
    mixer = keras.Model(inputs, layers.Dense(10, "softmax")(x))
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=1e-4)
    mixer.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return mixer


def train(model, data, callbacks=()):
    """Train, and keep the weights that were best on the validation data."""
    best = keras.callbacks.ModelCheckpoint(
        "best.weights.h5", "val_accuracy", save_best_only=True, save_weights_only=True
    )
    return model.fit(**data, epochs=EPOCHS, callbacks=[best, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
