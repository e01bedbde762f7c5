"""Add two numbers that stand in a text, with an LSTM that reads the question and one that writes the answer."""

import forms
import keras
import numpy as np
from keras import layers

BATCH, EPOCHS, DIGITS = 64, 24, 2
CHARACTERS = "0123456789+ "
LEARNS = "val_accuracy", 0.384, 0.8  # the most frequent character of each place
TRUTH = ()


def encoded(texts):
    """Return texts of one length as rows of 0 and a 1 for each character."""
    return np.array([[[float(c == each) for each in CHARACTERS] for c in text] for text in texts], "float32")


def data():
    """Return sums of two numbers, written from right to left, and the answers."""
    pairs = np.random.default_rng(0).permutation(10_000)[:9600]
    questions = [f"{pair // 100}+{pair % 100}".ljust(2 * DIGITS + 1)[::-1] for pair in pairs]
    answers = [str(pair // 100 + pair % 100).ljust(DIGITS + 1) for pair in pairs]
    return encoded(questions), encoded(answers)


def model():
    """Return the compiled pair of reader and writer."""
    network = keras.Sequential(
        [
            keras.Input((2 * DIGITS + 1, len(CHARACTERS))),
            layers.LSTM(64),
            layers.RepeatVector(DIGITS + 1),
            layers.LSTM(64, return_sequences=True),
            layers.Dense(len(CHARACTERS), "softmax"),
        ]
    )
    network.compile(keras.optimizers.Adam(3e-3), "categorical_crossentropy", metrics=["accuracy"])
    return network


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
