"""Segment images of boxes and discs with a U-Net."""

import forms
import keras
import numpy as np
from keras import layers

BATCH, EPOCHS, SIZE = 16, 10, 24
LEARNS = "val_accuracy", 0.8, 0.9  # all background
TRUTH = ()


def data():
    """Return noisy images, and the class of each pixel: background, box or disc."""
    rng = np.random.default_rng(0)
    images, masks = np.zeros((160, SIZE, SIZE, 1), "float32"), np.zeros((160, SIZE, SIZE), "int32")
    down, right = np.mgrid[:SIZE, :SIZE]
    for image, mask in zip(images, masks, strict=True):
        top, left, height, width = rng.integers(1, 10, 4)
        mask[top : top + height + 4, left : left + width + 4] = 1
        y, x, radius = rng.integers(6, 18), rng.integers(6, 18), rng.integers(3, 6)
        mask[(down - y) ** 2 + (right - x) ** 2 < radius**2] = 2
        image[..., 0] = np.array([0.0, 0.6, 1.0])[mask] + rng.normal(0, 0.3, mask.shape)
    return images, masks


def block(x, filters):
    """A convolution with batch normalization."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("relu")(x)


def model():
    """Return the compiled U-Net."""
    inputs = x = keras.Input((SIZE, SIZE, 1))
    skipped = []
    for filters in (8, 16):
        x = block(x, filters)
        skipped.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, 32)
    for filters in (16, 8):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = block(layers.Concatenate()([x, skipped.pop()]), filters)
    outputs = layers.Conv2D(3, 1, activation="softmax")(x)
    unet = keras.Model(inputs, outputs)
    iou = keras.metrics.MeanIoU(num_classes=3, sparse_y_pred=False)
    unet.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy", iou])
    return unet


def train(model, data, callbacks=()):
    """Train, with a lower rate once the validation stands still."""
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=2)
    best = keras.callbacks.ModelCheckpoint("unet.keras", save_best_only=True)
    return model.fit(**data, epochs=EPOCHS, callbacks=[slower, best, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
