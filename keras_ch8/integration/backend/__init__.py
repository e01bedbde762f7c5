"""The seam between the suite and TensorFlow: the algorithms above it are written on `keras.ops`.

On the other backends on which parts of the suite work (`WORKS`) it has what these need.
"""

import sys
from typing import Any

import keras

from ..._registration import IN_PARTS

WORKS = (
    "callbacks.EarlyStopping", "callbacks.LearningRateDecay", "clipping", "extend", "initializers", "integration",
    "layers.BatchNormalization", "layers.Maxout", "layers.Residual", "losses", "metrics", "read_run", "report",
    "schedules", "stopping",
)  # fmt: skip
"""What works on the backends of `IN_PARTS`: packages (of `extend`, what belongs to the others), or names in them."""


def is_tensorflow() -> bool:
    """Whether Keras runs on TensorFlow, where all works."""
    return bool(keras.backend.backend() == "tensorflow")


def needs_tensorflow(part: str) -> ImportError:
    """Return the error of a part that does not work on this backend."""
    given = keras.backend.backend()
    works = f"What works with {given!r}: {', '.join(WORKS)}."
    others = f"With {' and '.join(map(repr, IN_PARTS))} there are {', '.join(WORKS)}."
    return ImportError(
        f"`{part}` needs Keras's TensorFlow backend. Received: backend {given!r}. Set the environment variable "
        f'KERAS_BACKEND="tensorflow" before the first `import keras`. {works if given in IN_PARTS else others}'
    )


def require_tensorflow(part: str) -> None:
    """Raise the error of a part that works on TensorFlow alone, before it imports what fails on another backend."""
    if not is_tensorflow():
        raise needs_tensorflow(part)


def refuse_the_rest(package: str) -> None:
    """Let each name of a package's `__all__` that it does not have on this backend raise the error."""
    module: Any = sys.modules[package]
    everything = list(module.__all__)

    def missing(name: str) -> Any:
        if name in everything:
            raise needs_tensorflow(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    if not is_tensorflow():
        module.__getattr__ = missing
        module.__all__ = [name for name in everything if name in vars(module)]


if not is_tensorflow() and keras.backend.backend() not in IN_PARTS:
    raise needs_tensorflow("keras_ch8")

if is_tensorflow():
    from . import random_numbers as random_numbers
    from .compiling import *
    from .datasets import *
    from .random_numbers import generators_kept
    from .strategies import *
    from .tensorflow import *
else:
    from .portable import *
