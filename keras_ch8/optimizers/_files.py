"""The state of an optimizer in a file: plain variables, then the state of each weight in the weight's own shape.

Keras's optimizers write the same arrays in the same order. They lack what only the suite keeps: the count of skipped
steps, the memory of a clipping rule, and what rounding has dropped from narrow weights, all of which start at 0.
"""

import warnings
from collections.abc import MutableMapping

import keras
import numpy as np

from ._layout import Layout

Store = MutableMapping[str, np.ndarray]
"""What Keras hands over to be filled or read: arrays by name."""


def save(store: Store, plain: list[keras.Variable], layout: Layout) -> None:
    """Write under "0", "1", ... as Keras does."""
    for i, value in enumerate([*(v.numpy() for v in plain), *layout.export()]):
        store[str(i)] = value


def load(
    store: Store,
    plain: list[keras.Variable],
    layout: Layout,
    *,
    into: keras.optimizers.Optimizer,
    of_keras: int | None = None,
) -> None:
    """Read what `save` or Keras's optimizer wrote; everything is checked before anything is assigned.

    The first `of_keras` plain variables (None: all) are those of Keras.
    """
    shapes = [*(tuple(v.shape) for v in plain), *(shape for *_, shape in layout.slots())]
    ours = [i >= (of_keras or len(plain)) for i in range(len(plain))] + [n == "residual" for n, *_ in layout.slots()]
    found = len(store.keys())
    if found == len(shapes):
        ours = [False] * found
    elif found != ours.count(False):
        warnings.warn(
            f"Skipping the state of optimizer {into.name!r}: it expects {len(shapes)} arrays and the file has {found}. "
            f"{_fix(into)}",
            stacklevel=3,
        )
        return
    values = _read(store, shapes, ours, into)
    for variable, value in zip(plain, values, strict=False):
        variable.assign(value)
    layout.restore(values[len(plain) :])


def _read(
    store: Store, shapes: list[tuple[int, ...]], missing: list[bool], into: keras.optimizers.Optimizer
) -> list[np.ndarray]:
    """Return an array of each shape: the next of the file, or zeros where it is missing there."""
    values, read = [], 0
    for shape, is_missing in zip(shapes, missing, strict=True):
        if is_missing:
            values.append(np.zeros(shape, "float32"))
            continue
        value = np.asarray(store[str(read)])
        if value.shape != shape:
            raise ValueError(
                f"Array {read} of the saved state of optimizer {into.name!r} has shape {value.shape}, and {shape} was "
                f"expected. Nothing was loaded. {_fix(into)}"
            )
        values.append(value)
        read += 1
    return values


def _fix(into: keras.optimizers.Optimizer) -> str:
    if not into.built:
        return "It has no state yet: call `model.optimizer.build(model.trainable_variables)`, then load."
    cls = type(into).__name__
    twin = f" or of Keras's `{found}`" if (found := getattr(into, "twin_in_keras", "")) else ""
    return (
        f"Load a file of `{cls}`{twin} that was made for the same variables, with the same arguments (`use_ema`, "
        "`gradient_accumulation_steps`, a number or a schedule as `learning_rate`), or build this one so."
    )
