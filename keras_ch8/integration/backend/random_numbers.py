"""Where the generators of random numbers of Python, NumPy and TensorFlow are: what a training may draw from."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.python.eager import context
from tensorflow.python.ops import stateful_random_ops


def taken() -> dict[str, Any]:
    """Return where they are, as plain data and arrays."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    seeds = getattr(context.context(), "_rng", None)
    return {
        "python": [version, np.array(words, np.uint32), gauss],
        "numpy": [kind, np.array(keys), int(position), int(has_gauss), float(cached)],
        "operations": None if seeds is None else [seeds.getstate()[0], np.array(seeds.getstate()[1], np.uint32)],
        "tensorflow": None if _global_generator() is None else np.array(_global_generator().state),
    }


def put(state: Mapping[str, Any]) -> None:
    """Put them where they were."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    np.random.set_state(tuple(state["numpy"]))  # noqa: NPY002
    seeds = getattr(context.context(), "_rng", None)
    if seeds is not None and state["operations"] is not None:
        version, words = state["operations"]
        seeds.setstate((version, tuple(words.tolist()), None))
    if _global_generator() is not None and state["tensorflow"] is not None:
        _global_generator().state.assign(state["tensorflow"])


def _global_generator() -> Any:
    """Return the generator of `tf.random.get_global_generator`, which would make one; None before the first call."""
    return stateful_random_ops.global_generator
