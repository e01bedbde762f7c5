"""Sequences: recurrent networks and transformers."""

import keras
import numpy as np
from keras import layers

from .registry import BATCH, EPOCHS, kind, normal


@kind(pair=("accuracy", "loss", "max"), has_arrays=False, has_validation=True)
def sequence_to_sequence(optimizer):
    """Say digits backwards: an encoder hands its state to a decoder, which is told the answer so far."""
    words, units, length = 6, 6, 4
    rng = np.random.default_rng(0)
    source = rng.integers(1, words, (60, length))
    target = source[:, ::-1]
    so_far = np.pad(target[:, :-1], [(0, 0), (1, 0)])  # 0 begins
    encoder, decoder = keras.Input((length,), dtype="int32"), keras.Input((length,), dtype="int32")
    _, *state = layers.LSTM(units, return_state=True)(layers.Embedding(words, 4)(encoder))
    told = layers.LSTM(units, return_sequences=True)(layers.Embedding(words, 4)(decoder), initial_state=state)
    model = keras.Model([encoder, decoder], layers.Dense(words, "softmax")(told))
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    validation = [source[48:], so_far[48:]], target[48:]
    return model, {
        "x": [source[:48], so_far[:48]],
        "y": target[:48],
        "validation_data": validation,
        "batch_size": BATCH,
        "epochs": EPOCHS,
    }


@keras.saving.register_keras_serializable("scripts")
class Embedded(layers.Layer):
    """Words and their places."""

    def __init__(self, words, length, width, **kwargs):
        super().__init__(**kwargs)
        self.sizes = {"words": words, "length": length, "width": width}
        self.word, self.place = layers.Embedding(words, width), layers.Embedding(length, width)

    def call(self, x):
        return self.word(x) + self.place(keras.ops.arange(keras.ops.shape(x)[-1]))

    def get_config(self):
        return super().get_config() | self.sizes


@kind(pair=("accuracy", "loss", "max"), has_validation=True)
def transformer(optimizer):
    """Say whether the first word comes again."""
    words, length, width = 8, 6, 8
    x = np.random.default_rng(0).integers(0, words, (60, length))
    y = (x[:, 1:] == x[:, :1]).any(axis=1).astype("int32")
    inputs = keras.Input((length,), dtype="int32")
    h = Embedded(words, length, width)(inputs)
    attended = layers.MultiHeadAttention(2, width // 2, dropout=0.1)(h, h)
    h = layers.LayerNormalization(epsilon=1e-6)(h + attended)
    h = layers.LayerNormalization(epsilon=1e-6)(h + layers.Dense(width)(layers.Dense(width, "relu")(h)))
    outputs = layers.Dense(2, "softmax")(layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(h)))
    model = keras.Model(inputs, outputs)
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    validation = x[48:], y[48:]
    return model, {"x": x[:48], "y": y[:48], "validation_data": validation, "batch_size": BATCH, "epochs": EPOCHS}


@kind(pair=("mae", "loss", "min"), has_parts=False)
def stateful_recurrent(optimizer):
    """Go on from the state in which the last batch has left the network."""
    model = keras.Sequential([keras.Input(batch_shape=(BATCH, 5, 2)), layers.GRU(4, stateful=True), layers.Dense(1)])
    model.compile(optimizer(), "mse", metrics=["mae"])
    x = normal(48, 5, 2)
    y = x.sum(axis=(1, 2))[:, None]
    return model, {"x": x, "y": y, "batch_size": BATCH, "epochs": EPOCHS, "shuffle": False}
