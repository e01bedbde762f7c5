"""Which weights of a tensor go into one unit, for rules that clip unit by unit."""

from typing import Any

from keras import layers

_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)


def unit_axes(variable: Any, layer: Any) -> tuple[int, ...]:
    """Return the axes that run over the weights of one unit of `layer` (None for a variable without a layer).

    Dense, convolution and recurrent kernels end with the axis of units, so all axes but the last. A vector, and a bias
    of any shape, is one unit.
    """
    rank, name = len(variable.shape), variable.name
    every = tuple(range(rank))
    if rank < 2 or name.endswith("bias"):
        return every
    if isinstance(layer, layers.EinsumDense) and name == "kernel":
        return _contracted(layer.equation)
    if isinstance(layer, layers.Embedding):
        return (rank - 1,)
    if isinstance(layer, _DEPTHWISE) or name == "depthwise_kernel":
        return every[:-2]
    if isinstance(layer, _TRANSPOSED):
        return (*every[:-2], rank - 1)
    return every[:-1]


def _contracted(equation: str) -> tuple[int, ...]:
    """Return the axes of the kernel that the equation of an EinsumDense sums over."""
    kernel, output = equation.split(",")[1].split("->")
    return tuple(axis for axis, letter in enumerate(kernel) if letter not in output)
