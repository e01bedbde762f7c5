"""Tell digits with a vision transformer, which reads an image as a row of patches, each time a little moved."""

import forms
import keras
from keras import layers, ops
from sklearn.datasets import load_digits

BATCH, EPOCHS, PATCH, WIDTH = 32, 16, 2, 32
PLACES = (8 // PATCH) ** 2
LEARNS = "val_accuracy", 0.1, 0.85
TRUTH = ()


def data():
    """Return images of digits, and which digit each is."""
    digits = load_digits()
    return digits.images[:1792, ..., None].astype("float32"), digits.target[:1792].astype("int32")


class Patches(layers.Layer):
    """Cuts images into patches, each a row of its pixels."""

    def call(self, images):
        """Return the patches of each image."""
        return ops.reshape(ops.image.extract_patches(images, PATCH), (-1, PLACES, PATCH * PATCH))


class Places(layers.Layer):
    """Brings patches to the width of the transformer, and adds a vector for the place of each."""

    def __init__(self):
        super().__init__()
        self.projection, self.place = layers.Dense(WIDTH), layers.Embedding(PLACES, WIDTH)

    def call(self, patches):
        """Return their sum."""
        return self.projection(patches) + self.place(ops.arange(PLACES))


def network(x, widths, dropout):
    """Return dense layers, each with dropout."""
    for width in widths:
        x = layers.Dropout(dropout)(layers.Dense(width, "gelu")(x))
    return x


def model():
    """Return the compiled transformer."""
    scale = layers.Normalization(axis=None)
    scale.adapt(data()[0])
    inputs = keras.Input((8, 8, 1))
    x = scale(inputs)
    for change in (layers.RandomTranslation(0.1, 0.1), layers.RandomRotation(0.02), layers.RandomZoom(0.1)):
        x = change(x)
    x = Places()(Patches()(x))
    for _ in range(2):
        inner = layers.LayerNormalization(epsilon=1e-6)(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, WIDTH, dropout=0.1)(inner, inner)])
        inner = layers.LayerNormalization(epsilon=1e-6)(x)
        x = layers.Add()([x, network(inner, (2 * WIDTH, WIDTH), 0.1)])
    x = layers.Dropout(0.3)(layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(x)))
    x = network(x, (128, 64), 0.3)
    vit = keras.Model(inputs, layers.Dense(10)(x))
    vit.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=1e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(5, name="top_5")],
    )
    return vit


def train(model, data, callbacks=()):
    """Train, and take the weights that were best on the validation data."""
    best = keras.callbacks.ModelCheckpoint(
        "best.weights.h5", "val_accuracy", save_best_only=True, save_weights_only=True
    )
    history = model.fit(**data, epochs=EPOCHS, callbacks=[best, *callbacks])
    model.load_weights("best.weights.h5")
    return history


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
