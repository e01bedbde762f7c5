"""Tell whether a review is kind from its words in order, with LSTMs that read it in both directions."""

import forms
import keras
import numpy as np
from keras import layers

BATCH, EPOCHS, LENGTH = 32, 8, 20
LEARNS = "val_accuracy", 0.5, 0.85
TRUTH = ()
KIND = ("good", "great", "lovely", "superb", "funny", "moving", "clever", "warm")
UNKIND = ("bad", "dull", "awful", "boring", "silly", "cold", "clumsy", "weak")
NEUTRAL = ("the", "film", "a", "plot", "with", "its", "actors", "and", "music", "one", "scene", "story", "was", "it")


def review(rng):
    """Return a review of some words, in which one opinion or three stand, and whether most of these are kind."""
    words, kind = [str(rng.choice(NEUTRAL)) for _ in range(rng.integers(3, 12))], 0
    for _ in range(rng.choice([1, 3])):
        is_kind, is_negated = rng.random(2) < 0.5
        opinion = str(rng.choice(KIND if is_kind != is_negated else UNKIND))
        words.insert(rng.integers(0, len(words) + 1), f"not {opinion}" if is_negated else opinion)
        kind += 1 if is_kind else -1
    return " ".join(words), kind > 0


def data():
    """Return reviews as rows of numbers, one for each word, and whether each is kind."""
    rng = np.random.default_rng(0)
    texts, labels = zip(*(review(rng) for _ in range(2000)), strict=True)
    numbers = layers.TextVectorization(max_tokens=100, output_sequence_length=LENGTH)
    numbers.adapt(list(texts))
    return np.asarray(numbers(list(texts)), "int32"), np.array(labels, "float32")


def model():
    """Return the compiled reader."""
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(100, 16)(inputs)
    x = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(16))(x)
    reader = keras.Model(inputs, layers.Dense(1, "sigmoid")(x))
    reader.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy", metrics=["accuracy"])
    return reader


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
