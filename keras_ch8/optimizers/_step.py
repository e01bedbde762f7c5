"""One step of an optimizer, in order: sum, accumulate, look for non-finite entries, clip, write, average."""

from functools import partial
from typing import TYPE_CHECKING, Any

from keras import ops

from .. import _numerics, telemetry
from ..integration import backend
from . import _average
from ._update import Step

if TYPE_CHECKING:
    from .base import AbstractOptimizer


def take(optimizer: "AbstractOptimizer", indices: tuple[int, ...], grads: list[Any], lr: Any, loss: Any) -> None:
    """Take one step with the gradients of the variables `indices`; `loss` is None unless somebody listens."""
    grads, loss = _sum_over_replicas(grads, loss)
    grads, active = _accumulate(optimizer, indices, grads)
    number = t = backend.as_tensor(optimizer.iterations) + 1
    if optimizer.skip_nonfinite:
        finite = backend.all_finite(grads)
        t = t - backend.as_tensor(optimizer.skipped)
        _count_skipped(optimizer, finite, active)
        active = _numerics.both(active, finite)
    optimizer.telemetry.write_layers(number, dict(zip(indices, grads, strict=True)))
    variables = [optimizer.known_variables[i] for i in indices]
    grads, *before = optimizer._clipper.tensors(grads, variables, indices)
    grad_of = dict(zip(indices, grads, strict=True))
    blocks = [block for block in optimizer._layout.blocks if grad_of.keys() & set(block.indices)]
    gathered = [block.gather([grad_of.get(i) for i in block.indices]) for block in blocks]
    halves = _numerics.half_squares(gathered)
    factor = optimizer._clipper.factor(gathered, halves, active)
    note = telemetry.Note(number, loss, *before) if optimizer.telemetry.listening else None
    decay = None if optimizer.weight_decay is None else lr * optimizer.weight_decay
    total = None if note is None else _numerics.half_of_all(halves)
    due = note is not None and optimizer.telemetry.is_due(number, total)
    step = Step(lr, t, active, factor, decay, note)
    backend.merge_replicas(partial(_write, optimizer, blocks, set(indices)), gathered, halves, total, step, due)


def _sum_over_replicas(grads: list[Any], loss: Any) -> tuple[list[Any], Any]:
    """Return the mean gradient, in which no row of a sparse one occurs twice, and the mean loss."""
    told = [] if loss is None else [loss]
    summed = backend.all_reduce_sum([*grads, *told])
    loss = summed.pop() if told else None
    return [backend.sum_duplicates(g) for g in summed], loss


def _accumulate(optimizer: "AbstractOptimizer", indices: tuple[int, ...], grads: list[Any]) -> tuple[list[Any], Any]:
    """Return the mean over the micro-steps so far, and whether the last of them has come."""
    if not optimizer.gradient_accumulation_steps:
        return grads, None
    due = (backend.as_tensor(optimizer.micro_steps) + 1) % optimizer.gradient_accumulation_steps == 0
    sums = {i: optimizer.accumulators[i] for i in optimizer._layout.block_of}
    totals = {i: backend.as_tensor(s) for i, s in sums.items()}
    for i, g in zip(indices, grads, strict=True):
        totals[i] = totals[i] + backend.densify(g, sums[i].shape)
    after = [_numerics.choose(due, ops.zeros_like(total), total) for total in totals.values()]
    backend.write(list(sums.values()), after)
    return [totals[i] / optimizer.gradient_accumulation_steps for i in indices], due


def _count_skipped(optimizer: "AbstractOptimizer", finite: Any, active: Any) -> None:
    skipped = backend.as_tensor(optimizer.skipped) + ops.cast(_numerics.both(active, ~finite), "int64")
    backend.write([optimizer.skipped], [skipped])


def _write(
    optimizer: "AbstractOptimizer",
    blocks: list[Any],
    given: set[int],
    gathered: list[Any],
    halves: list[Any],
    total: Any,
    step: Step,
    due: Any,
) -> None:
    """Update each block of variables, then the averages; where `due` each leaves a row, else one for all."""
    update = partial(_update, optimizer, blocks, given, gathered, step)
    of_one = [total, *[None] * (len(halves) - 1)]
    backend.branch(backend.one_of(due), lambda: update(halves, due=True), lambda: update(of_one, due=False))
    if optimizer.use_ema:
        _write_averages(optimizer, step)


def _update(
    optimizer: "AbstractOptimizer",
    blocks: list[Any],
    given: set[int],
    gathered: list[Any],
    step: Step,
    halves: list[Any],
    due: bool,
) -> None:
    updater = optimizer._updater
    for block, g, half in zip(blocks, gathered, halves, strict=True):
        variables = [optimizer.known_variables[i] for i in block.indices]
        thetas = [backend.native(v) for v in variables]
        decays = [step.decay is not None and optimizer.decays(v) for v in variables]
        state = {name: backend.native(v) for name, v in block.state.items()}
        place = optimizer._layout.blocks.index(block)
        row = None if step.note is None or half is None else optimizer.telemetry.row(place, half, due)
        with backend.on(block.device):
            if block.length is None:
                backend.each_replica(thetas[0], updater.single, decays[0], g, row, step, state)
            else:
                has_g = [i in given for i in block.indices]
                backend.each_replica(thetas[0], updater.tile, thetas, has_g, decays, g, row, step, state)


def _write_averages(optimizer: "AbstractOptimizer", step: Step) -> None:
    move = partial(_average.move, optimizer.ema_momentum, optimizer.ema_overwrite_frequency)
    for variable, average in zip(optimizer.known_variables, optimizer.averages, strict=True):
        if average is not None:
            state = optimizer._layout.block_of[optimizer.index_of(variable)].state
            residual = backend.native(state["residual"]) if "residual" in state else None
            args = backend.native(average), residual, step.t, step.active
            backend.each_replica(backend.native(variable), move, *args)
