"""Each block of docs/choose.md trains a network as it is printed."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

CARDS = dict(
    re.findall(
        r"^### ([^\n]+)\n\n```python\n(.*?)```",
        (Path(__file__).parent.parent / "docs/choose.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
)
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(64, 6, 6, 1)).astype("float32")
WORDS = RNG.integers(0, 9, size=(64, 5))
L = keras.layers


def transformer():
    inputs = keras.Input((5,), dtype="int32")
    x = L.Embedding(9, 8)(inputs)
    x = L.LayerNormalization()(x + L.MultiHeadAttention(2, 4)(x, x))
    return keras.Model(inputs, L.Dense(2)(L.GlobalAveragePooling1D()(x))), WORDS, (WORDS == 3).any(axis=1)


def fine_tuned():
    base = keras.Sequential([keras.Input((6, 6, 1)), L.Flatten(), L.Dense(8, "relu")], name="base")
    inputs = keras.Input((6, 6, 1))
    return keras.Model(inputs, L.Dense(2)(base(inputs))), IMAGES, IMAGES[:, 0, 0, 0] > 0


def convolutional():
    layers = [L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU(), L.GlobalAveragePooling2D(), L.Dense(2)]
    return keras.Sequential([keras.Input((6, 6, 1)), *layers]), IMAGES, IMAGES.mean(axis=(1, 2, 3)) > 0


NETWORKS = {"A small transformer": transformer, "Fine-tuning": fine_tuned, "A convolutional network": convolutional}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_block_to_paste_trains_its_network(name):
    model, x, y = NETWORKS[name]()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    exec(CARDS[name], {"model": model, "loss": loss})
    losses = model.fit(x, y.astype("int32"), batch_size=8, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert len(model.optimizer.grouping.rates) == 2, "one group, and the others"


def test_every_block_has_its_network():
    assert CARDS.keys() == NETWORKS.keys()
