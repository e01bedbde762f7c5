"""Which weights of a tensor go into one unit.

A variable does not know its layer. So the axes that run over the weights of one unit follow from the variable's rank
and path alone; the first line that fits counts:

    variable                                                               axes of one unit
    a vector or a scalar; a name that ends with `bias`                     all: it is one unit
    `embeddings` (also `lora_embeddings_a`, `lora_embeddings_b`)           the last: a row is a unit
    `depthwise_kernel`, and `kernel` of `depthwise_conv1d` or `..2d`       all but the last two
    `kernel` of `conv1d_transpose`, `conv2d_transpose`, ...                all but the last but one
    `kernel` of `query`, `key` or `value`, of rank 3 or more               the first
    `kernel` of `attention_output`, of rank 3 or more                      the first two
    anything else                                                          all but the last, as of a Dense kernel

The names of layers are Keras's own; a number behind them (`conv2d_transpose_3`) and a word before them
(`decoder_conv2d_transpose`) may be there.
"""

import re

import keras

_ROWS = re.compile(r"(^|/)(lora_)?embeddings(_[ab])?$")
_DEPTHWISE = re.compile(r"(^|/)depthwise_kernel$|depthwise_conv[12]d(_\d+)?/kernel$")
_TRANSPOSED = re.compile(r"conv[123]d_transpose(_\d+)?/kernel$")
_PROJECTED = re.compile(r"(^|/)(query|key|value)/kernel$")
_JOINED = re.compile(r"(^|/)attention_output/kernel$")


def unit_axes(variable: keras.Variable) -> tuple[int, ...]:
    """Return the axes that run over the weights of one unit, by the table above."""
    rank, path = len(variable.shape), variable.path
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
