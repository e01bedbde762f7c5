"""Every numeric guard of the suite, each with its reason. Formulae elsewhere stay as the book prints them."""

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from ._types import Tensor
from .integration import backend

# Explicit mantissa bits, and the smallest normal number, of the types that are stored narrow and computed wide.
_NARROW = {"float16": (10, 2.0**-14), "bfloat16": (7, 2.0**-126)}
_WIDE_MANTISSA_BITS = 23

LARGE = 16_384
"""Entries from which on it takes longer to copy a tensor than to run one operation more."""


def is_narrow(dtype: str) -> bool:
    """Whether sums of small steps are lost in this type: 1 - 1e-3 is 1 in bfloat16."""
    return dtype in _NARROW


def working_dtype(dtype: str) -> str:
    """Return the type to compute in: float32 for float16 and bfloat16, otherwise the type itself."""
    return "float32" if is_narrow(dtype) else dtype


def round_to(x: Tensor, dtype: str) -> Tensor:
    """Round float32 to the nearest number of a narrow type, and stay in float32.

    Adding and subtracting 1.5 * 2^k rounds to multiples of 2^(k - 23). A cast there and back would do the same, but
    XLA is allowed to drop such a pair of casts, and with it the rounding. (Numbers below 1e-38 become 0.)
    """
    mantissa_bits, smallest_normal = _NARROW[dtype]
    binade = ops.maximum(backend.power_of_two_below(x), smallest_normal)
    magic = binade * (1.5 * 2.0 ** (_WIDE_MANTISSA_BITS - mantissa_bits))
    return (x + magic) - magic


def narrow(full: Tensor, dtype: str) -> tuple[Tensor, Tensor]:
    """Return the number to store in a narrow type and the float32 residual that it leaves."""
    rounded = round_to(full, dtype)
    return ops.cast(rounded, dtype), full - rounded


def where(active: Tensor | None, new: Tensor, old: Tensor) -> Tensor:
    """Return `new` where a step counts and `old` where it does not (None: it always does).

    Multiplying by 0 instead would turn what is infinite into NaN.
    """
    return new if active is None else ops.where(active, new, old)


def and_(active: Tensor | None, condition: Tensor) -> Tensor:
    """Return where both hold; an `active` of None always does."""
    return condition if active is None else active & condition


def widen(stored: Tensor, residual: Tensor, dtype: str) -> Tensor:
    """Return the float32 number of which `stored` is the rounding and `residual` the rest.

    A residual that does not round back to `stored` is stale (somebody has assigned the variable since) and is dropped;
    one that still does is below half a unit of the last place, whoever wrote it.
    """
    stored = ops.cast(stored, "float32")
    full = stored + residual
    return ops.where(round_to(full, dtype) == stored, full, stored)


def debias(average: Tensor, rho: float, t: Tensor) -> Tensor:
    """Return average / (1 - rho^t), which lifts a running average that started at 0.

    1 - rho^t is taken as -expm1(t log rho): for rho = 0.999 and t = 1 in float32 the plain form is off by 3e-5.
    """
    log_rho = math.log(rho) if rho > 0 else -math.inf
    return average * (-1 / ops.expm1(t * log_rho))


def safe_ratio(a: Tensor, b: Tensor, otherwise: float) -> Tensor:
    """Return a / b, or `otherwise` where b is exactly 0: before the first gradient of an entry that is not 0."""
    nonzero = b != 0
    return ops.where(nonzero, a / ops.where(nonzero, b, 1), otherwise)


def norm(x: Tensor) -> Tensor:
    """Return the Euclidean norm; the entries are divided by the largest first, so that no square overflows."""
    largest = ops.max(ops.abs(x), initial=0)  # without it Keras refuses what has no entries
    scale = ops.where((largest > 0) & ops.isfinite(largest), largest, 1)
    return scale * ops.sqrt(ops.sum(ops.square(x / scale)))


def half_squares(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return half the plain sum of squares of each tensor: a single fast kernel outside XLA."""
    return [backend.half_sum_of_squares(t) for t in tensors]


def half_of_all(halves: Sequence[Tensor]) -> Tensor:
    """Return half the sum of squares over all tensors, given those of `half_squares`, in the widest of their types."""
    return functools.reduce(ops.add, _wide(halves))


def total_norm(tensors: Sequence[Tensor], halves: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the Euclidean norm of all tensors together and the number of infinite or NaN entries, as scalars.

    The plain sum of squares is right nearly always, and cheap; the careful one is taken where it is not.
    """
    return norms((tensors, halves))[0]


def norms(*groups: tuple[Sequence[Tensor], Sequence[Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """Return what `total_norm` does for each of several groups, with one branch for all: that is what it costs."""
    plain = [2 * half_of_all(halves) for _, halves in groups]
    none = ops.zeros((), "float32")
    of_type: dict[str, list[Tensor]] = {}
    for squares in plain:
        of_type.setdefault(squares.dtype.name, []).append(squares)
    found = backend.branch(
        functools.reduce(ops.logical_and, [ops.all(is_exact(ops.stack(some))) for some in of_type.values()]),
        lambda: [(ops.sqrt(squares), none) for squares in plain],
        lambda: [careful_norm(tensors) for tensors, _ in groups],
    )
    return [tuple(pair) for pair in found]


def careful_norm(tensors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return what `total_norm` does; the entries are divided by the largest before they are squared.

    With an infinite or NaN entry the norm is infinite or NaN.
    """
    sparse = [backend.values(t) for t in tensors if backend.is_sparse(t)]
    wide = _wide([end_to_end([t for t in tensors if not backend.is_sparse(t)]), *sparse])
    largest = functools.reduce(ops.maximum, [ops.max(ops.abs(v), initial=0) for v in wide])
    scale = ops.where((largest > 0) & ops.isfinite(largest), largest, 1)
    total = functools.reduce(ops.add, [ops.sum(ops.square(v / scale)) for v in wide])
    broken = [ops.sum(ops.cast(~ops.isfinite(v), "float32")) for v in wide]
    return scale * ops.sqrt(total), functools.reduce(ops.add, broken)


def is_exact(squares: Tensor) -> Tensor:
    """Whether a sum of squares has lost nothing to overflow or underflow."""
    limits = np.finfo(squares.dtype.name)
    return (squares > limits.tiny / limits.eps) & (squares <= limits.max)


def shrink_to(limit: Tensor, size: Tensor) -> Tensor:
    """Return the factor, at most 1, that takes what is `size` long to `limit` at most."""
    return ops.where(size > limit, limit / ops.maximum(size, limit), 1)


def scaled(g: Tensor, factor: Tensor) -> Tensor:
    """Return a gradient, which may be sparse, times a number; by the number 1.0 it is left as it is."""
    if isinstance(factor, float) and factor == 1.0:
        return g
    values = backend.values(g)
    values = values * ops.cast(factor, values.dtype)
    return backend.with_values(g, values) if backend.is_sparse(g) else values


def squared_norm(tensors: Sequence[Tensor]) -> Tensor:
    """Return the plain sum of squares over all tensors, taken in the widest of their types."""
    return 2 * half_of_all(half_squares(_wide([backend.values(t) for t in tensors])))


def end_to_end(tensors: Sequence[Tensor]) -> Tensor:
    """Return the entries of all tensors in one vector, in the widest of their types; a single 0 where there are none.

    What is computed of it is one operation, where it would be one for each tensor: graphs are traced in that much less.
    """
    size = sum(math.prod(t.shape) for t in tensors)
    return backend.join(_wide(tensors), size) if size else ops.zeros((1,), "float32")


def pieces(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return large tensors as vectors, then the entries of all small ones in one more, in the widest of their types.

    Few operations are traced for many small ones, and no large one is copied.
    """
    wide = _wide(tensors)
    large = [ops.reshape(t, (-1,)) for t in wide if _is_large(t.shape)]
    small = [t for t in wide if not _is_large(t.shape)]
    return [*large, end_to_end(small)] if small else large


def of_pieces(vectors: Sequence[Tensor], shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Undo `pieces` of tensors of these shapes."""
    small = [shape for shape in shapes if not _is_large(shape)]
    large, cut = iter(vectors), iter(backend.cut(vectors[-1], small) if small else [])
    return [ops.reshape(next(large), shape) if _is_large(shape) else next(cut) for shape in shapes]


def entries(vectors: Sequence[Tensor], count: int) -> Tensor:
    """Return so many entries of vectors, evenly spread over all of them, in float32."""
    ends = np.cumsum([0, *(v.shape[0] for v in vectors)])
    places = np.linspace(0, ends[-1] - 1, count).round().astype("int32")
    of_each = [places[(begin <= places) & (places < end)] - begin for begin, end in itertools.pairwise(ends)]
    found = [backend.rows(v, own) for v, own in zip(vectors, of_each, strict=True) if len(own)]
    return ops.cast(ops.concatenate(found), "float32")


def _is_large(shape: Sequence[int]) -> bool:
    return math.prod(shape) >= LARGE


def _wide(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return tensors in the widest of their types; those that have it already as they are."""
    widest = "float64" if any(t.dtype.name == "float64" for t in tensors) else "float32"
    return [t if t.dtype.name == widest else ops.cast(t, widest) for t in tensors]
