"""Where the generators of random numbers of Python, NumPy and TensorFlow are: what a training may draw from."""

import functools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypedDict

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.ops import stateful_random_ops


class RandomNumbers(TypedDict):
    """Where the generators are, as plain data and arrays."""

    python: tuple[int, np.ndarray, float | None]
    numpy: dict[str, Any]
    operations: tuple[int, np.ndarray] | None
    tensorflow: np.ndarray | None


def taken() -> RandomNumbers:
    """Return where they are."""
    version, words, gauss = random.getstate()
    seeds, generator = _seeds_of_operations(), _global_generator()
    return {
        "python": (version, np.array(words, np.uint32), gauss),
        "numpy": dict(np.random.get_state(legacy=False)),  # noqa: NPY002
        "operations": None if seeds is None else (seeds.getstate()[0], np.array(seeds.getstate()[1], np.uint32)),
        "tensorflow": None if generator is None else generator.state.numpy(),
    }


def put(state: RandomNumbers) -> None:
    """Put them where they were.

    Operations that were run since are cached by their seeds, and would go on from where they are: so forget them.
    """
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    np.random.set_state(state["numpy"])  # noqa: NPY002
    seeds, then = _seeds_of_operations(), state["operations"]
    if seeds is not None and then is not None and seeds.getstate()[1] != tuple(then[1].tolist()):
        tf.random.set_seed(context.global_seed())  # this forgets them
        _seeds_of_operations().setstate((then[0], tuple(then[1].tolist()), None))
    if state["tensorflow"] is None:
        stateful_random_ops.global_generator = None
    elif _global_generator() is not None:
        _global_generator().state.assign(state["tensorflow"])


@contextmanager
def generators_kept() -> Iterator[None]:
    """Put back at the end where the generators of Python, NumPy and TensorFlow are, also where a graph is traced."""
    with tf.init_scope():
        state = taken()
    try:
        yield
    finally:
        with tf.init_scope():
            put(state)


def shift_seeds(by: int) -> None:
    """Add a number to each seed that Python, NumPy, TensorFlow and Keras are given from now on in this process.

    Where Keras is given none, it takes one from Python's generator, which is another, too. With `np.random.RandomState`
    scikit-learn splits the data by its `random_state`.
    """
    initializer: Any = keras.initializers.RandomNormal.__base__  # what all that draw derive from
    of_keras = (keras.random.SeedGenerator, "__init__"), (initializer, "__init__")
    of_python = (random, "seed"), (random.Random, "seed")
    of_arrays = (np.random, "seed"), (np.random, "default_rng"), (np.random, "RandomState"), (tf.random, "set_seed")
    for owner, name in (*of_keras, *of_python, *of_arrays):
        theirs = getattr(owner, name)
        setattr(owner, name, (_shifted_class if isinstance(theirs, type) else _shifted)(theirs, by))


def _shifted(theirs: Callable[..., Any], by: int) -> Callable[..., Any]:
    def other(seed: Any) -> Any:
        return (int(seed) + by) % 2**32 if isinstance(seed, int | np.integer) else seed

    @functools.wraps(theirs)
    def shifted(*args: Any, **kwargs: Any) -> Any:
        return theirs(*map(other, args), **{name: other(value) for name, value in kwargs.items()})

    return shifted


def _shifted_class(theirs: type, by: int) -> Any:
    """Return a class in place of one of C, whose methods cannot be replaced; what is one of that is one of this."""

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, theirs)

    return Kind(theirs.__name__, (theirs,), {"__init__": _shifted(vars(theirs)["__init__"], by)})


def _seeds_of_operations() -> Any:
    """Return the generator of the seeds of random operations in eager code; None before there is one."""
    return getattr(context.context(), "_rng", None)


def _global_generator() -> Any:
    """Return the generator of `tf.random.get_global_generator`, which would make one; None before the first call."""
    return stateful_random_ops.global_generator
