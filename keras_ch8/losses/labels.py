"""Labels brought into the shape of the outputs of a network."""

from keras import ops

from .._types import Tensor


def aligned(y: Tensor, eta: Tensor, entries: int = 1, dtype: str | None = None) -> tuple[Tensor, Tensor]:
    """Return labels and outputs as tensors with a last axis for the outputs, `entries` of eta for each label.

    Of two shapes such as (batch,) and (batch, 1) the shorter gets the axis that it lacks: plain broadcasting would
    compare every label with every example. The labels come in `dtype`, by default in that of the outputs.
    """
    eta = ops.convert_to_tensor(eta)
    y = ops.cast(y, dtype or eta.dtype)
    received = tuple(y.shape), tuple(eta.shape)
    if len(y.shape) == 1 or len(y.shape) == len(eta.shape) - 1:
        y = ops.expand_dims(y, -1)
    if len(eta.shape) == 1 or len(eta.shape) == len(y.shape) - 1:
        eta = ops.expand_dims(eta, -1)
    if not _fit(tuple(y.shape), tuple(eta.shape), entries):
        a_label = "one output" if entries == 1 else f"{entries} outputs"
        raise ValueError(
            f"The network must have {a_label} for each label, in the same shape but for a last axis of 1. Received: "
            f"labels of shape {received[0]} and outputs of shape {received[1]}. Change the last layer, or reshape the "
            "labels."
        )
    return y, eta


def class_numbers(y: Tensor, eta: Tensor) -> Tensor | None:
    """Return labels that are classes as int32 with a last axis of 1; None for labels with one number for each class."""
    y, eta = ops.convert_to_tensor(y), ops.convert_to_tensor(eta)
    if len(y.shape) == len(eta.shape) and y.shape[-1] != 1:
        return None
    return aligned(y, eta[..., :1], dtype="int32")[0]


def _fit(y: tuple[int | None, ...], eta: tuple[int | None, ...], entries: int) -> bool:
    """Whether the shapes may fit; a size that is not known while tracing may."""
    if len(y) != len(eta) or not y:
        return False
    wanted = (*y[:-1], None if y[-1] is None else entries * y[-1])
    return all(None in pair or pair[0] == pair[1] for pair in zip(wanted, eta, strict=True))
