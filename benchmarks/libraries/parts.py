"""What a training is made of: its parts, the modes in which it is run, and examples that many of them learn from."""

import collections
import functools
import pathlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path += [str(ROOT / "benchmarks/programs"), str(ROOT)]  # whose trainings are compared in the same way

import forms
import keras
import numpy as np
import tensorflow as tf

PAD, START, MASK, FIRST = 0, 1, 2, 4
"""Of the words: those that are none, and the first that is one."""
WORDS = 64


def prefetched(examples, batch):
    """Two data sets: one that is shuffled and read ahead, and one to validate on."""
    train, validation = forms.split(examples, batch)
    held_back = tf.data.Dataset.from_tensor_slices(validation).batch(batch)
    return {"x": forms.shuffled(train, batch, seed=1).prefetch(2), "validation_data": held_back}


Mode = collections.namedtuple(
    "Mode", "policy compiled optimizer form pieces", defaults=("float32", {}, {}, forms.arrays, 1)
)
"""What is done otherwise than by default. Each batch is given to `fit` in so many pieces."""
MODES = {
    "float32": Mode(),
    "mixed_float16": Mode(policy="mixed_float16"),
    "mixed_bfloat16": Mode(policy="mixed_bfloat16"),
    "jit": Mode(compiled={"jit_compile": True}),
    "spe8": Mode(compiled={"steps_per_execution": 8}),
    "accumulate": Mode(optimizer={"gradient_accumulation_steps": 4}, pieces=4),
    "tfdata": Mode(form=prefetched),
}


def built(parts, mode):
    """Return the model, compiled, of the policy of the mode, which a search of KerasTuner clears before each trial."""
    keras.config.set_dtype_policy(mode.policy)
    model = parts.model()
    model.compile(optimizer=parts.optimizer(**mode.optimizer), **parts.compiled | mode.compiled)
    return model


def fitted(parts, mode, arguments, callbacks):
    """Return the model, trained by its own `fit`, and the numbers of each `fit`."""
    model = built(parts, mode)
    history = model.fit(**arguments, epochs=parts.epochs, verbose=0, callbacks=callbacks)
    return model, [history.history]


class Parts(NamedTuple):
    """A training: its model, examples (inputs, labels, weights), and what is given to `compile` and `fit`.

    `optimizer` is a function, which takes more arguments. `train` is what trains, where that is another's search.
    """

    model: Callable[[], keras.Model]
    examples: tuple
    compiled: dict[str, Any]
    optimizer: Callable[..., keras.optimizers.Optimizer] = functools.partial(keras.optimizers.Adam, 1e-3)
    epochs: int = 8
    batch: int = 32
    train: Callable = fitted


def adam(rate):
    """Return what makes an Adam of this rate."""
    return functools.partial(keras.optimizers.Adam, rate)


def classes(metrics="metrics"):
    """Return what is given to `compile` where the model tells classes apart, by logits."""
    return {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics: ["accuracy"]}


def sentences(count, length=16, dialect=0):
    """Return sentences of two topics, padded, and the topics: each word mostly calls for a certain next one.

    A topic has one half of the words, and uses the other, too. In another dialect some words have other next words.
    """
    rng = np.random.default_rng(5)
    topics = rng.integers(0, 2, count)
    half = (WORDS - FIRST) // 2
    follows = np.concatenate([np.random.default_rng(0).permutation(half) + half * side for side in (0, 1)])
    follows[:10] = np.roll(follows[:10], dialect)
    chosen = 1 / (1 + np.arange(half))
    words = np.zeros((count, length), "int32")
    for place in range(length):
        side = np.where(rng.random(count) < 0.75, topics, 1 - topics)
        fresh = rng.choice(half, count, p=chosen / chosen.sum()) + half * side
        goes_on = (rng.random(count) < 0.6) & (place > 0)
        words[:, place] = np.where(goes_on, follows[words[:, place - 1]], fresh)
    ends = rng.integers(length // 2, length + 1, count)
    return np.where(np.arange(length) < ends[:, None], words + FIRST, PAD), topics


def texts(count, length=16, dialect=0):
    """Return sentences to be told on: tokens with their mask, each next token, and where there is one."""
    words, _ = sentences(count, length, dialect)
    words = np.pad(words, ((0, 0), (1, 0)), constant_values=START)
    inputs = {"token_ids": words[:, :-1], "padding_mask": (words[:, :-1] != PAD).astype("int32")}
    return inputs, words[:, 1:], (words[:, 1:] != PAD).astype("float32")


def pictures(count, size=32):
    """Return noisy pictures of a thing each, which of four it is, where, and the box around it."""
    rng = np.random.default_rng(6)
    kinds = rng.integers(0, 4, count)
    radius = rng.uniform(size / 6, size / 4, count)
    centre = rng.uniform(radius, size - radius, (2, count))
    down, across = (
        np.abs(np.arange(size).reshape(shape) - middle[:, None, None])
        for shape, middle in zip(((1, -1, 1), (1, 1, -1)), centre, strict=True)
    )
    far = radius[:, None, None]
    things = (
        np.hypot(down, across) < far,
        np.maximum(down, across) < far * 0.8,
        (np.maximum(down, across) < far) & (np.minimum(down, across) < far / 4),
        (np.hypot(down, across) < far) & (np.hypot(down, across) > far * 0.6),
    )
    where = np.choose(kinds[:, None, None], things)
    colours = rng.uniform(0.5, 1, (count, 1, 1, 3))
    shown = np.clip(where[..., None] * colours + rng.normal(0, 0.15, (count, size, size, 3)), 0, 1)
    boxes = np.stack([*(centre - radius), *(centre + radius)], 1)
    return shown.astype("float32"), kinds, where.astype("int32"), boxes.astype("float32")
