"""Where the generators of random numbers of Python, NumPy and TensorFlow are: what a training may draw from."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypedDict

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.ops import stateful_random_ops


class RandomNumbers(TypedDict):
    """Where the generators are, as plain data and arrays."""

    python: tuple[int, np.ndarray, float | None]
    numpy: tuple[str, np.ndarray, int, int, float]
    operations: tuple[int, np.ndarray] | None
    tensorflow: np.ndarray | None


def taken() -> RandomNumbers:
    """Return where they are."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    seeds = _seeds_of_operations()
    return {
        "python": (version, np.array(words, np.uint32), gauss),
        "numpy": (kind, np.array(keys), int(position), int(has_gauss), float(cached)),
        "operations": None if seeds is None else (seeds.getstate()[0], np.array(seeds.getstate()[1], np.uint32)),
        "tensorflow": None if _global_generator() is None else np.array(_global_generator().state),
    }


def put(state: RandomNumbers) -> None:
    """Put them where they were."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    np.random.set_state(state["numpy"])  # noqa: NPY002
    seeds = _seeds_of_operations()
    if seeds is not None and state["operations"] is not None:
        version, words = state["operations"]
        seeds.setstate((version, tuple(words.tolist()), None))
    if _global_generator() is not None and state["tensorflow"] is not None:
        _global_generator().state.assign(state["tensorflow"])


def seed_state() -> Any:
    """Return the state of the generators that give seeds to random operations in eager code."""
    seeds, generator = _seeds_of_operations(), _global_generator()
    return None if seeds is None else seeds.getstate(), None if generator is None else generator.state.numpy().tolist()


def set_seed_state(state: Any) -> None:
    """Go back to what `seed_state` returned.

    Operations that were run since are cached by their seeds, and would go on from where they are: so forget them.
    """
    if seed_state() == state:
        return
    counter, generator = state
    if counter is not None:
        tf.random.set_seed(context.global_seed())  # this forgets them
        _seeds_of_operations().setstate(counter)
    if generator is None:
        stateful_random_ops.global_generator = None
    else:
        _global_generator().state.assign(generator)


@contextmanager
def generators_kept() -> Iterator[None]:
    """Put back at the end where the generators of Python, NumPy and TensorFlow are, also where a graph is traced."""
    with tf.init_scope():
        states = random.getstate(), np.random.get_state(legacy=False), seed_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        with tf.init_scope():
            set_seed_state(states[2])


def _seeds_of_operations() -> Any:
    """Return the generator of the seeds of random operations in eager code; None before there is one."""
    return getattr(context.context(), "_rng", None)


def _global_generator() -> Any:
    """Return the generator of `tf.random.get_global_generator`, which would make one; None before the first call."""
    return stateful_random_ops.global_generator
