"""Telemetry of an optimizer that is not of the suite, and clipping for it: `apply` is wrapped on the instance."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from .. import _numerics, _telemetry, clipping
from ..integration import backend


class Tap:
    """Sees what goes into an optimizer and what comes out, and may clip what goes in.

    Args:
        optimizer: Any Keras optimizer.
        variables: The variables that it trains.
        rule: A clipping rule, or None. It acts on each call of `apply`: with `gradient_accumulation_steps`, on each
            micro-step. What it remembers lives as long as the tap.
    """

    def __init__(self, optimizer: Any, variables: Sequence[Any], rule: clipping.AbstractRule | None) -> None:
        self.optimizer = optimizer
        self.rule = rule
        self.recorder = _telemetry.Recorder()
        self._variables = list(variables)
        self._place = {id(v): i for i, v in enumerate(self._variables)}
        self._clipper = clipping.Clipper(rule, self._variables, _new_state)

    def listen(self, *, rows: int, every: int, layers: bool) -> bool:
        """Wrap the optimizer, and leave a row at each step from now on; return whether the last rings serve again."""
        self.optimizer.apply, self.optimizer.scale_loss = self._apply, self._scale_loss
        size = sum(int(ops.size(v)) for v in self._variables)
        return self.recorder.listen([size], rows=rows, every=every, layers=len(self._variables) if layers else 0)

    def remove(self) -> None:
        """Give the optimizer its own methods back."""
        del self.optimizer.apply, self.optimizer.scale_loss

    def _scale_loss(self, loss: Any) -> Any:
        self.recorder.hear_loss(loss)
        return type(self.optimizer).scale_loss(self.optimizer, loss)

    def _apply(self, grads: Any, trainable_variables: Any = None) -> None:
        variables = self._variables if trainable_variables is None else list(trainable_variables)
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        grads, variables = [g for g, _ in pairs], [v for _, v in pairs]
        indices = [self._place[id(v)] for v in variables]
        step = backend.as_tensor(self.optimizer.iterations) + 1
        rate = backend.as_tensor(getattr(self.optimizer, "learning_rate", math.nan))  # a MultiOptimizer has several
        grads, clipped, half, factor, note = self._clip(grads, variables, indices, step)
        row = self.recorder.row(0, half, self.recorder.is_due(step, half))
        before = backend.copy_when(row.is_due, [backend.native(v) for v in variables])
        with backend.start_after(before):
            type(self.optimizer).apply(self.optimizer, grads, variables)

        def moved() -> list[Any]:
            return [backend.as_tensor(v) - b for v, b in zip(variables, before, strict=True)]

        made = row.make(note, rate, factor, clipped, moved)
        backend.merge_replicas(partial(_telemetry.publish, row.ring), step, made)

    def _clip(
        self, grads: list[Any], variables: list[Any], indices: list[int], step: Any
    ) -> tuple[list[Any], list[Any], Any, Any, _telemetry.Note]:
        """Return what the optimizer is given, and for the row: true gradients, half their squares, factor and note."""
        scale = self.optimizer.loss_scale_factor or 1.0
        types = [backend.dtype_of(v) for v in variables]
        wide = [backend.as_gradient(g, _numerics.working_dtype(t)) for g, t in zip(grads, types, strict=True)]
        *summed, loss = backend.all_reduce_sum([*wide, self.recorder.take_loss()])
        true = [_scaled(backend.sum_duplicates(g), 1 / scale) for g in summed]
        self.recorder.write_layers(step, dict(zip(indices, true, strict=True)))
        clipped, *norm_before = self._clipper.tensors(true, variables, indices)
        halves = _numerics.half_squares(clipped)
        factor = self._clipper.factor(clipped, halves, None)
        half = _numerics.half_of_all(halves)
        if self._clipper.rule is not None:
            share = scale / backend.replicas()  # Keras divides by the scale and sums over the replicas
            handed = [_scaled(g, share if factor is None else share * factor) for g in clipped]
            grads = [backend.as_gradient(g, t) for g, t in zip(handed, types, strict=True)]
        return grads, clipped, half, factor, _telemetry.Note(step, loss, *norm_before)


def _scaled(g: Any, factor: Any) -> Any:
    if isinstance(factor, float) and factor == 1.0:
        return g
    values = backend.values(g)
    values = values * ops.cast(factor, values.dtype)
    return backend.with_values(g, values) if backend.is_sparse(g) else values


def _new_state(shape: tuple[int, ...], name: str) -> keras.Variable:
    return keras.Variable("zeros", shape=shape, dtype="float32", trainable=False, name=name)
