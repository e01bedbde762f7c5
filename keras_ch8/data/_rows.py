"""From a plan to the tables that batches are gathered from."""

from typing import Any

import numpy as np

from ._plan import Plan


def check(plan: Any, shape: tuple[int, int], count: int, sampler: Any) -> Plan:
    """Return the plan of a sampler; raise ValueError if the source cannot follow it."""
    try:
        indices, weights = np.asarray(plan[0]), None if plan[1] is None else np.asarray(plan[1])
    except (TypeError, IndexError, KeyError) as error:
        raise _unfit(sampler, f"{plan!r:.80}", "`plan(epoch)` returns a `keras_ch8.data.Plan`") from error
    if indices.shape != shape or indices.dtype.kind not in "iu":
        expected = f"`indices` are integers of shape {shape}, as many batches as the source has"
        raise _unfit(sampler, f"{indices.dtype}{list(indices.shape)}", expected)
    if indices.min() < -1 or indices.max() >= count:
        expected = f"`indices` are numbers of examples, from 0 to {count - 1}, or -1 for a place without one"
        raise _unfit(sampler, f"some from {indices.min()} to {indices.max()}", expected)
    if (indices[:, 0] < 0).any():
        batch = int(np.argmax(indices[:, 0] < 0))
        raise _unfit(
            sampler, f"a first row of -1 in batch {batch}", "places without an example stand at the end of a batch"
        )
    if weights is not None and (weights.shape != shape or not np.isfinite(weights).all() or weights.min() < 0):
        received = f"{weights.dtype}{list(weights.shape)} from {weights.min():g} to {weights.max():g}"
        raise _unfit(sampler, received, f"`weights` are finite numbers of at least 0, of shape {shape}")
    return Plan(indices, weights)


def is_weighted(plan: Plan, padded: bool) -> bool:
    """Whether the examples of a plan count differently in the loss: those that pad a batch do."""
    return plan.weights is not None or (padded and bool((plan.indices < 0).any()))


def tables(plan: Plan, weighted: bool, padded: bool) -> list[np.ndarray]:
    """Return the examples of each batch, and their weights if asked for; -1 where a place is left out.

    A padded row is a copy of the first example of its batch: something that the model can compute, whatever it is.
    Keras divides the loss by the batch size, hence the factor of the others.
    """
    real = plan.indices >= 0
    indices = np.where(real, plan.indices, plan.indices[:, :1] if padded else -1).astype(np.int64)
    if not weighted:
        return [indices]
    factors = real * (real.shape[1] / real.sum(axis=1, keepdims=True)) if padded else real
    return [indices, (factors if plan.weights is None else factors * plan.weights).astype(np.float32)]


def _unfit(sampler: Any, received: str, expected: str) -> ValueError:
    return ValueError(
        f"A plan of the sampler {sampler!r:.80} does not fit its source: {expected}. Received: {received}. "
        "A sampler's plans are a function of the epoch only, all of one size."
    )
