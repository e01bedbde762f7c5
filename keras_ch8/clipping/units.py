"""Which weights of a tensor go into one unit, for rules that clip unit by unit.

An optimizer is given variables only, and a variable does not know its layer. So the axes that run over the weights of
one unit follow from the variable's rank and path alone; the first line that fits counts:

    variable                                                               axes of one unit
    a vector or a scalar; a name that ends with `bias`                     all: it is one unit
    `embeddings` (also `lora_embeddings_a`, `lora_embeddings_b`)           the last: a row is a unit
    `depthwise_kernel`, and `kernel` of `depthwise_conv1d` or `..2d`       all but the last two
    `kernel` of `conv1d_transpose`, `conv2d_transpose`, ...                all but the last but one
    `kernel` of `query`, `key` or `value`, of rank 3 or more               the first
    `kernel` of `attention_output`, of rank 3 or more                      the first two
    anything else                                                          all but the last, as of a Dense kernel

The names of layers are Keras's own; a number behind them (`conv2d_transpose_3`) and a word before them
(`decoder_conv2d_transpose`) may be there. What the path does not say, such as the equation of an EinsumDense whose
kernel has three axes or more, can be said by hand (`unit_axes` of `clipping.Adaptive`).
"""

import re
import warnings
from collections.abc import Mapping, Sequence

import keras

from .._describe import short

Axes = tuple[int, ...]

_ROWS = re.compile(r"(^|/)(lora_)?embeddings(_[ab])?$")
_DEPTHWISE = re.compile(r"(^|/)depthwise_kernel$|depthwise_conv[12]d(_\d+)?/kernel$")
_TRANSPOSED = re.compile(r"conv[123]d_transpose(_\d+)?/kernel$")
_PROJECTED = re.compile(r"(^|/)(query|key|value)/kernel$")
_JOINED = re.compile(r"(^|/)attention_output/kernel$")


def unit_axes(variable: keras.Variable) -> Axes:
    """Return the axes that run over the weights of one unit, by the table above."""
    rank, path = len(variable.shape), path_of(variable)
    every = tuple(range(rank))
    if rank < 2 or path.endswith("bias"):
        return every
    if _ROWS.search(path):
        return every[-1:]
    if _DEPTHWISE.search(path):
        return every[:-2]
    if _TRANSPOSED.search(path):
        return (*every[:-2], rank - 1)
    if rank > 2 and _PROJECTED.search(path):
        return every[:1]
    if rank > 2 and _JOINED.search(path):
        return every[:2]
    return every[:-1]


def axes_of_all(variables: Sequence[keras.Variable], overrides: Mapping[str, Axes]) -> list[Axes]:
    """Return the axes of one unit of each variable: of the first pattern found in its path, else by the table.

    Raises:
        ValueError: If a variable that a pattern is found in does not have the axes that it is given.
    """
    for pattern in overrides:
        if not any(re.search(pattern, path_of(v)) for v in variables):
            warnings.warn(
                f"`unit_axes` names {pattern!r}, which is found in the path of no variable: "
                f"{', '.join(path_of(v) for v in variables)}. Correct the pattern, or leave it out.",
                stacklevel=2,
            )
    return [_axes_of(variable, overrides) for variable in variables]


def _axes_of(variable: keras.Variable, overrides: Mapping[str, Axes]) -> Axes:
    rank, path = len(variable.shape), path_of(variable)
    for pattern, axes in overrides.items():
        if re.search(pattern, path):
            places = tuple(axis + rank if axis < 0 else axis for axis in axes)
            if len(set(places)) < len(places) or not all(0 <= place < rank for place in places):
                raise ValueError(
                    f"The axes of one unit are different axes of the variable. Received: unit_axes={{{short(pattern)}: "
                    f"{axes}}}, which is found in {path!r} of shape {tuple(variable.shape)}. Give axes from {-rank} to "
                    f"{rank - 1}, or a pattern that is found in other paths."
                )
            return places
    return unit_axes(variable)


def path_of(variable: keras.Variable) -> str:
    """Return the path of a variable, such as `dense/kernel`."""
    return str(getattr(variable, "path", variable.name))
