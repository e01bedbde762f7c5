"""Tell whether brackets are balanced, with a small transformer, whose rate warms up and falls along a cosine."""

import forms
import keras
import numpy as np
from keras import layers, ops

BATCH, EPOCHS, LENGTH = 32, 12, 16
LEARNS = "val_accuracy", 0.5, 0.7
TRUTH = ()


def data():
    """Return rows of brackets of two kinds, ended by 0, and whether they are balanced; the others are shuffled."""
    rng = np.random.default_rng(0)
    tokens, labels = np.zeros((1280, LENGTH), "int32"), np.arange(1280) % 2
    for row, label in zip(tokens, labels, strict=True):
        stack, place = [], 0
        for place in range(2 * rng.integers(3, LENGTH // 2)):
            if stack and (rng.random() < 0.5 or len(stack) >= LENGTH - 2 - place):
                row[place] = stack.pop() + 2
            else:
                stack.append(int(rng.integers(1, 3)))
                row[place] = stack[-1]
        if not label:
            row[: place + 1] = rng.permutation(row[: place + 1])
    return tokens, labels.astype("float32")


class Tokens(layers.Layer):
    """Embeds tokens and their places."""

    def __init__(self, width):
        super().__init__()
        self.token = layers.Embedding(5, width, mask_zero=True)
        self.place = layers.Embedding(LENGTH, width)

    def call(self, x):
        """Return their sum."""
        return self.token(x) + self.place(ops.arange(LENGTH))

    def compute_mask(self, x, mask=None):
        """Return where there is a token."""
        return self.token.compute_mask(x)


class Block(layers.Layer):
    """Attention and a network for each place, with what goes past them."""

    def __init__(self, width):
        super().__init__()
        self.supports_masking = True
        self.attention = layers.MultiHeadAttention(2, width // 2, dropout=0.1)
        self.network = keras.Sequential([layers.Dense(2 * width, "gelu"), layers.Dense(width), layers.Dropout(0.1)])
        self.before, self.between = layers.LayerNormalization(), layers.LayerNormalization()

    def call(self, x, training=None):
        """Return what the block makes of it."""
        inner = self.before(x)
        x = x + self.attention(inner, inner, training=training)
        return x + self.network(self.between(x), training=training)


def model():
    """Return the compiled transformer."""
    inputs = keras.Input((LENGTH,), dtype="int32")
    x = Tokens(32)(inputs)
    x = Block(32)(x)
    x = layers.GlobalAveragePooling1D()(x)
    classifier = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    rate = keras.optimizers.schedules.CosineDecay(0.0, 350, alpha=0.01, warmup_target=3e-3, warmup_steps=30)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.01, global_clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    classifier.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return classifier


def train(model, data, callbacks=()):
    """Train, and stop when the validation gets worse."""
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2)
    return model.fit(**data, epochs=EPOCHS, callbacks=[stop, *callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
