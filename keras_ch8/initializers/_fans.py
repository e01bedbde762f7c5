"""Which axes of a kernel are inputs, which are units, and which are places."""

import dataclasses
import math
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Axes:
    """The axes of one kernel; those that are neither inputs nor outputs are places of a convolution."""

    shape: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def places(self) -> tuple[int, ...]:
        """The other axes."""
        return tuple(i for i in range(len(self.shape)) if i not in self.inputs + self.outputs)

    def size(self, axes: tuple[int, ...]) -> int:
        """Return the product of some sizes."""
        return math.prod(self.shape[i] for i in axes)


def axes_of(shape: tuple[int, ...], inputs: Sequence[int] | None, outputs: Sequence[int] | None) -> Axes:
    """Return the axes as given, or the last two as inputs and outputs."""
    inputs, outputs = (-2,) if inputs is None else inputs, (-1,) if outputs is None else outputs
    rank = len(shape)
    named = [*inputs, *outputs]
    turned = [i + rank if i < 0 else i for i in named]
    if len(set(turned)) < len(turned) or not all(0 <= i < rank for i in turned):
        raise ValueError(
            "`input_axes` and `output_axes` say which axes of a kernel are its inputs and its units, so they must be "
            f"different axes of it. Received: input_axes={list(inputs)}, output_axes={list(outputs)} for a kernel of "
            f"shape {shape}. For `EinsumDense` they are the axes of its kernel as the equation has them."
        )
    return Axes(shape, tuple(turned[: len(inputs)]), tuple(turned[len(inputs) :]))


def fans(
    shape: tuple[int, ...], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """Return m and n, the inputs of a unit and the units that an input goes to, as Keras counts them.

    In a convolution each input goes in, and each unit out, at all places of the kernel. Given axes count alone.
    """
    if input_axes is not None and output_axes is not None:
        axes = axes_of(shape, input_axes, output_axes)
        return axes.size(axes.inputs), axes.size(axes.outputs)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    places = math.prod(shape[:-2])
    return shape[-2] * places, shape[-1] * places
