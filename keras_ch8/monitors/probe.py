"""One compiled look at a model on a batch of the user's choice, for any number of monitors at once."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _batches
from ..curvature.objective import Objective
from ..integration import backend, keras_private
from ._monitor import AbstractMonitor, Met, Pass, Scene
from ._taken import taking


class Probe:
    """Looks at the loss before and after the last update, and changes nothing (see `Objective`).

        L_0, g_0 <- loss and gradient at theta - d
        L_1, g_1 <- loss and gradient at theta

    on the same examples, with the same masks of Dropout. Each is the mean over `parts` equal parts of the probe, whose
    difference tells the noise; the part that is left over, if the examples cannot be shared out, is not looked at.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        sample_weight: Weights of the examples.
        monitors: What is to be computed; one that fails while it is traced is left out, after `on_failure`.
        parts: Number of parts.
        on_failure: Called with the name of the monitor and the error.
        **options: As for `Objective`.
    """

    def __init__(
        self,
        model: Any,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        monitors: Sequence[AbstractMonitor],
        parts: int = 1,
        on_failure: Callable[[str, Exception], None] | None = None,
        **options: Any,
    ) -> None:
        self.objective = Objective(model, x, y, sample_weight=sample_weight, **options)
        self.monitors, self._on_failure = list(monitors), on_failure
        self._parts = _batches.parts_of(self.objective.data, parts)
        self._layers = [leaf for leaf in keras_private.leaves_of(model) if any(m.takes(leaf) for m in monitors)]
        self._inference = None
        if any(m.needs_inference and any(map(m.takes, self._layers)) for m in monitors):
            self._inference = Objective(model, x, y, sample_weight=sample_weight, training=False, **options)
        self._part = backend.trace(self._part_at)
        self._look = backend.trace(self._scene)
        self._copies = backend.trace(lambda: [backend.copy(v) for v in self.objective.variables])
        self._met_layers: list[tuple[Any, bool]] = []
        self._facts: dict[str, dict[str, Any]] = {}
        # The loss of a float16 model is scaled, as its training scales it: small gradients would become 0.
        self._scale = 1024.0 if getattr(model, "compute_dtype", "") == "float16" else 1.0
        self.start = self.weights()

    def weights(self) -> list[Any]:
        """Return a copy of the weights as they are."""
        return list(self._copies())

    def look(self, before: list[Any] | None = None) -> dict[str, Any]:
        """Return the reading of each monitor; `before` are the weights before the last update."""
        found = self._look(self.start, before)
        arrays = {name: {key: np.asarray(t) for key, t in tensors.items()} for name, tensors in found.items()}
        readings = {}
        for monitor in list(self.monitors):
            if monitor.name in arrays:
                try:
                    readings[monitor.name] = monitor.reading(**arrays[monitor.name], **self._facts[monitor.name])
                except Exception as error:
                    self._drop(monitor, error)
        return readings

    def _scene(self, start: list[Any], before: list[Any] | None) -> dict[str, dict[str, Any]]:
        now = self.weights()
        scene = Scene(
            variables=self.objective.variables,
            theta=now,
            start=start,
            d=None if before is None else [a - b for a, b in zip(now, before, strict=True)],
            before=None if before is None else self._pass(before),
            now=self._pass(now),
            inference_loss=self._inference and self._inference.value_at(now),
            examples=sum(map(_batches.length_of, self._parts)),
        )
        found: dict[str, dict[str, Any]] = {}
        for monitor in list(self.monitors):
            if scene.d is None and monitor.needs_step:
                continue
            try:
                computed = monitor.tensors(scene)
            except Exception as error:
                self._drop(monitor, error)
                continue
            if not computed:
                continue
            found[monitor.name] = {k: v for k, v in computed.items() if ops.is_tensor(v)}
            self._facts[monitor.name] = {k: v for k, v in computed.items() if not ops.is_tensor(v)}
        return found

    def _drop(self, monitor: AbstractMonitor, error: Exception) -> None:
        if self._on_failure is None:
            raise error
        self.monitors.remove(monitor)
        self._on_failure(monitor.name, error)

    def _pass(self, values: list[Any]) -> Pass:
        """Return the mean over the parts."""
        looks = [self._part(values, part) for part in self._parts]
        share = 1 / (len(looks) * self._scale)
        size = len(values)
        of_parts = [[self._unscaled(g) for g in slopes[:size]] for _, slopes, _ in looks]
        grads = [functools.reduce(operator.add, gs) / len(looks) for gs in zip(*of_parts, strict=True)]
        slopes = [
            ops.concatenate(s, axis=0) * share for s in zip(*(slopes[size:] for _, slopes, _ in looks), strict=True)
        ]
        values_met = [
            None if None in v else ops.concatenate(v, axis=0) for v in zip(*(met for *_, met in looks), strict=True)
        ]
        met, n = [], iter(slopes)
        for (layer, is_output), (given, mask, output) in zip(self._met_layers, _threes(values_met), strict=True):
            of_given = next(n) if keras.backend.is_float_dtype(given.dtype) else None
            met.append(Met(layer, given, mask, output, of_given, next(n), is_output))
        loss = functools.reduce(operator.add, [loss for loss, *_ in looks]) * share
        return Pass(loss, grads, of_parts, met)

    def _unscaled(self, g: Any) -> Any:
        return g if self._scale == 1.0 else g / self._scale  # dividing by 1 would be a pass over all gradients

    def _part_at(self, values: list[Any], part: Any) -> tuple[Any, list[Any], list[Any]]:
        """Return the loss of some examples, its slopes along weights and layers, and what the layers met."""
        met: list[Any] = []

        def value(values: list[Any], watch: Callable[[Any], None]) -> tuple[Any, list[Any]]:
            with taking(self._layers, watch) as taken:
                loss, y_pred, _ = self.objective.evaluate(values, part)
            given_out = {id(tensor) for tensor in keras.tree.flatten(y_pred)}
            self._met_layers = [(t.layer, id(t.output) in given_out) for t in taken]
            met[:] = [tensor for t in taken for tensor in (t.given, t.mask, t.output)]
            ends = [(t.given, t.output) for t in taken]
            return loss * self._scale, [end for pair in ends for end in pair if keras.backend.is_float_dtype(end.dtype)]

        loss, slopes = backend.value_and_gradients(value, values)
        return loss, slopes, met


def _threes(values: list[Any]) -> list[tuple[Any, Any, Any]]:
    return list(zip(values[0::3], values[1::3], values[2::3], strict=True))
