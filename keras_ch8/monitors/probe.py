"""One compiled measurement of a model on a batch of the user's choice, for any number of monitors at once."""

import contextlib
import dataclasses
import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _batches, _numerics
from .._types import Data, Tensor
from ..curvature.objective import Objective
from ..integration import backend, keras_private, registry
from ..integration.untouched import untouched
from ..verdicts.chance import chance_losses
from .base import Evaluation, LayerCall, Monitor, Snapshot
from .model_facts import activation, is_weighted
from .outputs import Head, heads_of, without_loss

FLAT = 0.05
"""Slope of a saturating activation, over its largest, below which a unit counts as saturated."""

CONSTANT = 1e-6
"""Standard deviation of a feature, over its mean or the largest of all, up to which it is constant but for rounding."""

WEIGHING = ("query", "key")
"""Names that Keras gives to the layers of an attention that only weigh what others give. Their gradient comes through
the softmax alone, and may be next to 0 while all of it passes through the values."""

SLOPES = {
    "tanh": lambda y: 1 - ops.square(y),
    "sigmoid": lambda y: 4 * y * (1 - y),
    "hard_sigmoid": lambda y: ops.cast((y > 0) & (y < 1), y.dtype),
    "softsign": lambda y: ops.square(1 - ops.abs(y)),
}
"""Slope of each saturating activation, over its largest, by what it gives."""


class ProbeEvaluator:
    """Measures the loss before and after the last update, and changes nothing (see `Objective`).

        L_0, g_0 <- loss and gradient at theta - d
        L_1, g_1 <- loss and gradient at theta

    on the same examples, with the same masks of Dropout. Each is the mean over `parts` equal parts of the probe, whose
    difference tells the noise; examples that are left over, if they cannot be divided equally, are not used.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        sample_weight: Weights of the examples.
        monitors: What is to be computed; one that fails is not asked again.
        parts: Number of parts.
        **options: As for `Objective`.
    """

    def __init__(
        self,
        model: keras.Model,
        x: Data,
        y: Data = None,
        sample_weight: Data = None,
        *,
        monitors: Sequence[Monitor],
        parts: int = 1,
        **options: Any,
    ) -> None:
        self.objective = Objective(model, x, y, sample_weight=sample_weight, **options)
        self.monitors = list(monitors)
        self.failed: dict[str, Exception] = {}
        """Errors of those that have failed, by name."""
        self._number_of_parts = parts
        self._layers = [leaf for leaf in keras_private.leaves_of(model) if any(m.records(leaf) for m in monitors)]
        self._inference = None
        if any(m.needs_inference and any(map(m.records, self._layers)) for m in monitors):
            self._inference = Objective(model, x, y, sample_weight=sample_weight, **options | {"training": False})
        heads = heads_of(model, loss=options.get("loss")) if self.objective.data[2] is None else []
        self._head = heads[0] if len(heads) == 1 and heads[0].output.loss and _is_one(self.objective.data[1]) else None
        """The only output, if its loss is one of Keras's and no example has a weight."""
        self.take(self.objective.data)
        self.passes = passes_of(model, monitors)
        self._part = backend.trace(self._part_at)
        self._compute = backend.trace(self._tensors)
        self.operations = 0
        """Operations of loss and gradient on a part of the probe, once they are traced."""
        self._recorded: list[tuple[keras.layers.Layer, bool]] = []
        self._facts: dict[str, dict[str, Any]] = {}
        # The loss of a float16 model is scaled, as its training scales it: small gradients would become 0.
        self._scale = 1024.0 if getattr(model, "compute_dtype", "") == "float16" else 1.0

    @property
    def is_traced(self) -> bool:
        """Whether the graph of a measurement is there."""
        return bool(self._facts)

    def take(self, data: Data) -> None:
        """Measure on these x, y and sample_weight from now on; what is traced serves all examples of one shape."""
        self.objective.take(data)
        self._parts = _batches.parts_of(self.objective.data, self._number_of_parts)
        self.examples = sum(map(_batches.examples_of, self._parts))
        _, y, _ = _batches.take(self.objective.data, slice(self.examples))
        self._chance = None if self._head is None else _chance(self._head, self.objective.model, y)

    def refuse_effects(self) -> None:
        """Raise where a call of the model or the loss would do more than compute: trace what a measurement traces."""
        with untouched() as self._seeds:
            self._part.get_concrete_function(self.weights(), self._parts[0])

    def weights(self) -> list[Tensor]:
        """Return a copy of the weights as they are."""
        return [backend.copy(v) for v in self.objective.variables]

    def evaluate(self, before: list[Tensor] | None = None) -> dict[str, Any]:
        """Return what `readings` does; raise the error of a monitor that fails."""
        found = self.readings(before)
        for error in self.failed.values():
            raise error
        return found

    def readings(self, before: list[Tensor] | None = None) -> dict[str, Any]:
        """Return the reading of each monitor, or its error.

        Args:
            before: The weights before the last update.
        """
        of_inference = self._inference and self.objective.data
        with backend.as_traced():
            found = self._compute(before, self._parts, of_inference, self._chance)
        arrays = {name: {key: _number_or_array(t) for key, t in tensors.items()} for name, tensors in found.items()}
        readings: dict[str, Any] = {}
        for monitor in list(self.monitors):
            if monitor.name in arrays:
                try:
                    readings[monitor.name] = monitor.reading(**arrays[monitor.name], **self._facts[monitor.name])
                except Exception as error:
                    self._drop(monitor, error)
        return readings | self.failed

    def _tensors(
        self, before: list[Tensor] | None, parts: list[Data], data: Data, chance: Tensor | None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the tensors of each monitor; the facts that do not change are kept."""
        now = self.weights()
        snapshot = Snapshot(
            variables=self.objective.variables,
            theta=(theta := _numerics.end_to_end(now)),
            d=None if before is None else theta - _numerics.end_to_end(before),
            before=None if before is None else self._evaluate(before, parts),
            now=self._evaluate(now, parts),
            inference_loss=self._inference and self._inference.value_at(now, data),
            examples=self.examples,
            without_loss=without_loss(self.objective.model) if self.objective.loss is None else (),
            chance=chance,
        )
        found: dict[str, dict[str, Tensor]] = {}
        for monitor in list(self.monitors):
            if snapshot.d is None and monitor.needs_step:
                continue
            try:
                computed = monitor.tensors(snapshot)
            except Exception as error:
                self._drop(monitor, error)
                continue
            if not computed:
                continue
            found[monitor.name] = {k: v for k, v in computed.items() if ops.is_tensor(v)}
            self._facts[monitor.name] = {k: v for k, v in computed.items() if not ops.is_tensor(v)}
        return found

    def _drop(self, monitor: Monitor, error: Exception) -> None:
        self.monitors.remove(monitor)
        self.failed[monitor.name] = error.with_traceback(None)  # which would keep what was being traced

    def _evaluate(self, values: list[Tensor], data: list[Data]) -> Evaluation:
        """Return the mean over the parts of the data."""
        parts = [self._part(values, part) for part in data]
        scale = 1 / (len(parts) * self._scale)
        gradients = [self._unscaled(part[3]) for part in parts]
        slopes = [ops.concatenate(s, axis=0) * scale for s in zip(*(part[4] for part in parts), strict=True)]
        recorded = [
            None if None in v else ops.concatenate(v, axis=0) for v in zip(*(part[5] for part in parts), strict=True)
        ]
        calls, n = [], iter(slopes)
        for (layer, is_output), (inputs, mask, outputs) in zip(self._recorded, _threes(recorded), strict=True):
            input_gradient = next(n) if keras.backend.is_float_dtype(inputs.dtype) else None
            calls.append(LayerCall(layer, inputs, mask, outputs, input_gradient, next(n), is_output))
        sums = zip(*(part[:2] for part in parts), strict=True)
        loss, penalty = (functools.reduce(operator.add, some) * scale for some in sums)
        losses = None if self._head is None else ops.concatenate([part[2] for part in parts], axis=0)
        gradient = functools.reduce(operator.add, gradients) / len(parts)
        return Evaluation(loss, gradient, gradients, calls, penalty, losses)

    def _unscaled(self, g: Tensor) -> Tensor:
        return g if self._scale == 1.0 else g / self._scale  # dividing by 1 would be a pass over all gradients

    def _part_at(self, values: list[Tensor], part: Data) -> tuple[Any, ...]:
        """Return loss, penalties in it, the loss of each example, the gradient, and slopes and tensors of the calls."""
        tensors: list[Tensor] = []
        of_loss: list[Tensor] = []

        def value(values: list[Tensor], watch: Callable[[Tensor], None]) -> tuple[Tensor, list[Tensor]]:
            with recording(self._layers, watch) as calls:
                found = self.objective.evaluate(values, part)
            returned = {id(tensor) for tensor in keras.tree.flatten(found.outputs)}
            self._recorded = [(call.layer, id(call.outputs) in returned) for call in calls]
            tensors[:] = [tensor for call in calls for tensor in (call.inputs, call.mask, call.outputs)]
            penalty = ops.zeros_like(found.loss) if found.penalty is None else found.penalty
            of_loss[:] = [penalty * self._scale, self._losses_of(part[1], found.outputs)]
            ends = [end for call in calls for end in (call.inputs, call.outputs)]
            return found.loss * self._scale, [end for end in ends if keras.backend.is_float_dtype(end.dtype)]

        loss, slopes = backend.value_and_gradients(value, values)
        size, self.operations = len(values), backend.operations()
        return loss, *of_loss, _numerics.end_to_end(slopes[:size]), slopes[size:], tensors

    def _losses_of(self, y: Data, outputs: Data) -> Tensor | None:
        """Return the loss of each example; None where that is not known or fails, which leaves all else as it is."""
        if self._head is not None:
            try:
                return self._head.losses_of(y, outputs)
            except Exception:
                self._head = None
        return None


def passes_of(model: keras.Model, monitors: Sequence[Monitor]) -> float:
    """Return how often the examples pass forward and backward in a measurement."""
    leaves = keras_private.leaves_of(model)
    return 2 + sum(m.passes for m in monitors if not m.needs_inference or any(map(m.records, leaves)))


def _is_one(part: Data) -> bool:
    """Whether a part of some data is one tensor."""
    return len(leaves := keras.tree.flatten(part)) == 1 and ops.is_tensor(leaves[0])


def _chance(head: Head, model: keras.Model, y: Data) -> Tensor | None:
    """Return the loss of each example by the best constant prediction; None where it is not known."""
    outputs, (targets,) = keras.tree.flatten(getattr(model, "outputs", None) or []), keras.tree.flatten(y)
    axes = len(outputs[head.place].shape) if outputs else len(targets.shape) + (len(targets.shape) == 1)
    each = np.full(1, np.nan)
    with contextlib.suppress(TypeError, ValueError, AttributeError, NotImplementedError):
        labels = np.asarray(ops.convert_to_numpy(targets))
        each = head.output.share * chance_losses(dataclasses.replace(head.output, axes=axes), labels)
    return None if np.isnan(each).any() else ops.convert_to_tensor(each, "float32")


def _number_or_array(tensor: Tensor) -> float | np.ndarray:
    array = np.asarray(tensor)
    return array if array.ndim else array.item()


def _threes(values: list[Tensor]) -> list[tuple[Tensor, Tensor, Tensor]]:
    return list(zip(values[0::3], values[1::3], values[2::3], strict=True))


# --- recording the calls of layers while the model is traced -------------------------------------------------------


@dataclasses.dataclass
class RecordedCall:
    """One call of one layer: its first argument, its mask and its output, as tensors of the graph."""

    layer: keras.layers.Layer
    inputs: Tensor
    mask: Tensor
    outputs: Tensor


@contextlib.contextmanager
def recording(layers: Sequence[keras.layers.Layer], watch: Callable[[Tensor], None]) -> Iterator[list[RecordedCall]]:
    """Record every call of these layers inside, in order; `watch` is called with their inputs.

    Only `call` of the instance is replaced, and only for so long; calls inside a loop of the graph are left out, since
    their tensors are nothing outside it.
    """
    calls: list[RecordedCall] = []
    layers = list({id(layer): layer for layer in layers}.values())  # two models may hold the same
    with contextlib.ExitStack() as exits:
        for layer in layers:
            exits.enter_context(registry.replaced(layer, call=_recorded(layer, calls, watch)))
        yield calls
    calls[:] = [call for call in calls if backend.is_reachable(call.outputs)]


def _recorded(
    layer: keras.layers.Layer, calls: list[RecordedCall], watch: Callable[[Tensor], None]
) -> Callable[..., Tensor]:
    """Return the `call` of a layer that also records what goes through."""
    call = layer.call

    def recorded(inputs: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if ops.is_tensor(inputs) and keras.backend.is_float_dtype(inputs.dtype):
            inputs = backend.copy(inputs)  # whoever else has the same tensor as input has a gradient of its own
            watch(inputs)
        outputs = call(inputs, *args, **kwargs)
        if ops.is_tensor(inputs):
            calls.append(RecordedCall(layer, inputs, kwargs.get("mask"), keras.tree.flatten(outputs)[0]))
        return outputs

    return recorded


# --- what one call of a layer gives and gets back, in the graph of the probe ------------------------------------------


def by_unit(layer: keras.layers.Layer, x: Tensor) -> Tensor:
    """Return inputs or outputs of a layer as a matrix with a column for each unit, or for each channel of images."""
    is_image = len(x.shape) > 3 and not is_weighted(layer)
    layout = getattr(layer, "data_format", keras.config.image_data_format() if is_image else None)
    last = ops.moveaxis(x, 1, -1) if layout == "channels_first" else x
    return ops.reshape(last, (-1, last.shape[-1]))


def gradients(calls: Sequence[LayerCall], examples: int) -> Tensor:
    """Return for each call the root mean square over the examples of the gradient of their loss by the output."""
    return ops.sqrt(2 * examples * _half_squares([call.output_gradient for call in calls]))


def dead(call: LayerCall) -> Tensor | None:
    """Return the fraction of ReLUs that give 0 for every example; None of another layer."""
    if activation(call.layer) != "relu":
        return None
    positive = ops.any(by_unit(call.layer, call.outputs) > 0, axis=0)
    return 1 - ops.mean(ops.cast(positive, "float32"))


def saturated(call: LayerCall) -> Tensor | None:
    """Return the fraction of its outputs that are on the flat ends; None of another layer."""
    slope = SLOPES.get(activation(call.layer))
    if slope is None:
        return None
    return ops.mean(ops.cast(slope(ops.cast(call.outputs, "float32")) < FLAT, "float32"))


def input_spread(x: Tensor) -> Tensor:
    """Return the largest over the smallest standard deviation of the columns, but for those next to constant."""
    spread = ops.std(x, axis=0)
    largest = ops.max(spread)
    varies = spread > CONSTANT * ops.maximum(ops.abs(ops.mean(x, axis=0)), largest)
    return largest / ops.min(ops.where(varies, spread, largest + 1e-30))


def relative_updates(layers: Sequence[keras.layers.Layer], moved: dict[int, tuple[Tensor, Tensor]]) -> Tensor:
    """Return |d| / |W| of the matrices of each layer; NaN without any."""
    matrices = [
        [moved[id(v)] for v in layer.trainable_variables if len(v.shape) > 1 and id(v) in moved] for layer in layers
    ]
    of_weights, of_change = (
        with_gaps([_numerics.squared_norm([pair[i] for pair in own]) if own else None for own in matrices])
        for i in range(2)
    )
    return ops.sqrt(of_change / of_weights)


def with_gaps(numbers: Sequence[Tensor | None]) -> Tensor:
    """Return numbers as a vector, with NaN in the place of None."""
    missing = ops.full((), float("nan"), "float32")
    return ops.stack([missing if number is None else number for number in numbers])


def largest_size(gradient: Tensor) -> Tensor:
    """Return the largest size of an entry: squares of small ones would be 0."""
    return ops.cast(ops.max(ops.abs(backend.values(gradient))), "float32")


def root_mean_squares(tensors: Sequence[Tensor]) -> Tensor:
    """Return sqrt(mean(x^2)) in float32 for each tensor: few operations, since they are traced for every layer."""
    sizes = ops.stack([ops.cast(ops.size(x), "float32") for x in tensors])
    return ops.sqrt(2 * _half_squares(tensors) / sizes)


def _half_squares(tensors: Sequence[Tensor]) -> Tensor:
    return ops.stack(_numerics.half_squares([ops.cast(x, "float32") for x in tensors]))
