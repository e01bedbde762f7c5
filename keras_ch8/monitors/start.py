"""What is known of a model before its first step: its output and its loss, and one pass forward and backward."""

import contextlib
import dataclasses
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from .._types import Data, Tensor
from ..curvature.objective import Objective
from ..integration import backend, fit, keras_private
from ..verdicts.arrays import inputs_of, order_of, order_of_numbers, runs_of, targets_of
from ..verdicts.chance import chance_level, least_squares_level, neighbours_levels
from ..verdicts.fact import Fact
from ..verdicts.facts import (
    DISTANCES,
    LARGE_TARGETS,
    NAN,
    PROBABILITIES,
    PROBE,
    Facts,
    Layer,
    Output,
    Start,
    Targets,
)
from .model_end import end_of, is_of_keras, name_of_activation
from .model_facts import activation, facts_of_model, form_of, is_weighted, padding_in
from .own_loss import own_loss_of, tried
from .probe import RecordedCall, by_unit, recording

EXAMPLES = 64
"""Examples that go through the model: as many as tell a dead layer, and a small price for a large model."""
EQUAL = 1e-4
"""A difference of two gradients up to this fraction of the largest entry is rounding."""
LAYERS = keras.layers
LOSSES = {
    keras.losses.BinaryCrossentropy: "binary_crossentropy",
    keras.losses.CategoricalCrossentropy: "categorical_crossentropy",
    keras.losses.SparseCategoricalCrossentropy: "sparse_categorical_crossentropy",
    keras.losses.MeanSquaredError: "mean_squared_error",
    keras.losses.MeanAbsoluteError: "mean_absolute_error",
    keras.losses.Huber: "huber",
    keras.losses.LogCosh: "log_cosh",
    keras.losses.MeanSquaredLogarithmicError: "mean_squared_logarithmic_error",
    keras.losses.MeanAbsolutePercentageError: "mean_absolute_percentage_error",
    keras.losses.Poisson: "poisson",
    keras.losses.KLDivergence: "kl_divergence",
    keras.losses.CosineSimilarity: "cosine_similarity",
    keras.losses.CategoricalHinge: "categorical_hinge",
    keras.losses.Hinge: "hinge",
    keras.losses.SquaredHinge: "squared_hinge",
}
"""Losses that checks know, by their classes; the functions have the names on the right."""


@np.errstate(all="ignore")
def facts_of(
    model: keras.Model,
    data: Data,
    probe: Data = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    examples: int = EXAMPLES,
    training: fit.Training | None = None,
    is_traced: bool = False,
) -> tuple[Facts, Exception | None]:
    """Return what is known of a model and some examples before a step; also why one pass through it fails, if it does.

    Args:
        model: A compiled model that is built.
        data: x, y and sample_weight of some examples that are trained on.
        probe: Those of others, to be compared with them; the best constant prediction is that for these.
        loss: Loss to use instead of the compiled one, of which nothing is known then.
        examples: Examples that go through the model, at most.
        training: The `fit` that trains on them, if there is one.
        is_traced: Whether a trace has shown that a call of the model and its loss only computes.
    """
    output = output_of(model) if loss is None else Output()
    labels = [array for _, array in arrays_of(data[1])]
    start, axes, failed = Start(), None, None
    has = facts_of_model(model, training.callbacks if training else ()) | flat_in(model, data[0])
    has |= form_of(training) if training else set()
    examples = model.inputs[0].shape[0] if Fact.STATEFUL in has and Fact.SUBCLASSED not in has else examples
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what Keras says of a model, it says when that is trained
        try:
            few = keras.tree.map_structure(lambda a: None if a is None else a[:examples], data)
            start, output, axes = at_start(model, few, output, loss, is_traced)
        except Exception as error:  # such as labels that the loss cannot read: the output is known all the same
            failed = error
            with contextlib.suppress(Exception):
                start, output, axes = _without_loss(model, few, output)
            if axes is None and len(symbolic := keras.tree.flatten(getattr(model, "outputs", None) or [])) == 1:
                output, axes = _with_last(output, model, [], symbolic[0]), len(symbolic[0].shape)
    if output.units == 1 and axes == 3 and targets_in(data[1], 2).of == "one-hot" and labels[0].ndim == 2:
        units, axes = labels[0].shape[-1], 2  # as Keras does, which leaves the last axis out
        output = dataclasses.replace(output, units=units, places=1, can_be_set=False, replaced=-1)
    targets = targets_in(data[1], axes)
    found: dict[str, Any] = {
        "has": has,
        "is_weighted": data[2] is not None,
        "is_trained": bool(model.trainable_variables),
    }
    if targets.of in ("0 and 1", "classes", "one-hot"):
        found |= {"order_read": order_of(labels[0]), "runs_read": runs_of(labels[0])}
    elif targets.of == "numbers":
        found["order_read"] = order_of_numbers(labels[0])
    if probe is not None:
        others = inputs_of(dict(arrays_of(probe[0])))
        found |= {"other": PROBE, "other_inputs": others, "other_targets": targets_in(probe[1], axes)}
    if axes is not None:
        own = None if failed or loss is not None else own_loss_of(model)
        if own is not None and len(labels) == 1:
            found["own_loss"] = tried(own, labels[0], targets, output, axes)
        found |= _levels(output, start, data, probe)
    return Facts(inputs_of(dict(arrays_of(data[0]))), targets, output, start, **found), failed


def _levels(output: Output, start: Start, data: Data, probe: Data) -> dict[str, float]:
    """Return the losses of the simplest predictions for the probe, or else for the examples that are trained on."""
    x, y, weights = data if probe is None else probe
    inputs, targets = _only(x), _only(y)
    if targets is None or (data[2] is not None and weights is None):
        # Also where `class_weight` weights it, what is trained on is another loss than that of the probe.
        return {}
    found = {"chance": chance_level(output, targets, weights)}
    if inputs is not None and weights is None:
        read = (_only(data[0]), _only(data[1])) if probe is not None else (None, None)
        further = None if read[0] is None or read[1] is None else read
        found["neighbours"], found["neighbours_of_read"] = neighbours_levels(output, inputs, targets, further)
        found["least_squares"], found["unevenness"] = least_squares_level(output, start, inputs, targets)
    return found


def _only(part: Data) -> np.ndarray | None:
    """Return the array of a part of a batch that has one; None of others."""
    arrays = [array for _, array in arrays_of(part)]
    return arrays[0] if len(arrays) == 1 else None


def targets_in(y: Data, axes: int | None) -> Targets:
    """Return the facts about the targets of one output, whose predictions have so many axes; nothing without."""
    targets = _only(y)
    return Targets() if targets is None or axes is None else targets_of(targets, axes)


def _without_loss(model: keras.Model, data: Data, output: Output) -> tuple[Start, Output, int | None]:
    """Return what one pass forward says."""
    start, output, axes = at_start(model, data, output, lambda y, y_pred: keras.ops.zeros(()))
    layers = tuple(dataclasses.replace(layer, gradient=NAN, copies=0) for layer in start.layers)
    return Start(layers=layers), output, axes


def there_in(training: fit.Training, x: Data, y: Data) -> frozenset[Fact]:
    """Return what is there before the first measurement, with some examples."""
    model = training.model
    has = facts_of_model(model, training.callbacks) | form_of(training)
    return has | flat_in(model, x) | padding_in(model, x) | large_targets_in(model, y)


def flat_in(model: keras.Model, x: Data) -> frozenset[Fact]:
    """Return that inputs are flat where each example is one number: Keras gives it the axis that the model has."""
    inputs = getattr(model, "inputs", None) or []
    is_flat = len(inputs) == 1 and len(inputs[0].shape) == 2 and len(getattr(x, "shape", ())) == 1
    return frozenset({Fact.FLAT_INPUTS} if is_flat else ())


@np.errstate(all="ignore")
def large_targets_in(model: keras.Model, y: Data) -> frozenset[Fact]:
    """Return that targets are large where the only output is to give numbers that vary much, which no layer scales."""
    targets = _only(y)
    if targets is None or targets.dtype.kind not in "fiu" or output_of(model).loss not in DISTANCES:
        return frozenset()
    is_scaled = any(isinstance(part, LAYERS.Rescaling) for part in keras_private.parts_of(model))
    return frozenset({Fact.LARGE_TARGETS} if targets.std() > LARGE_TARGETS and not is_scaled else ())


def output_of(model: keras.Model) -> Output:
    """Return what the settings of a model say of its loss; the layer that gives the output is seen in a pass."""
    if not model.compiled or keras_private.has_own_loss(model):
        return Output()
    arguments = keras_private.compile_arguments(model)
    names, weighted = (_names(arguments.get(of)) for of in ("metrics", "weighted_metrics"))
    return dataclasses.replace(_loss_of(arguments), metrics=names, weighted_metrics=weighted)


def _loss_of(arguments: Mapping[str, Any]) -> Output:
    """Return what the arguments of `compile` say of the loss."""
    given = keras.tree.flatten(arguments.get("loss"))
    if len(given) != 1 or given[0] is None or arguments.get("loss_weights") is not None:
        return Output()
    with contextlib.suppress(ValueError, TypeError):
        loss = keras.losses.get(given[0])
        if not is_of_keras(type(loss)) and not is_of_keras(loss):
            return Output()
        if not isinstance(loss, keras.losses.Loss):
            return Output(loss=loss.__name__, from_logits=False)
        config = loss.get_config()
        return Output(
            loss=LOSSES.get(type(loss), ""),
            from_logits=bool(config.get("from_logits", False)),
            label_smoothing=float(config.get("label_smoothing") or 0.0),
            is_mean=config.get("reduction") in ("sum_over_batch_size", "mean"),
        )
    return Output()


def _names(metrics: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(_metric, keras.tree.flatten(metrics or []))))


def _metric(metric: Any) -> str:
    return metric if isinstance(metric, str) else str(getattr(metric, "name", getattr(metric, "__name__", "")))


def at_start(
    model: keras.Model,
    data: Data,
    output: Output,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    is_traced: bool = False,
) -> tuple[Start, Output, int | None]:
    """Return what one pass forward and backward says, the output as it was seen, and how many axes it has.

    The model stays as it is. A pass made once is cheaper op by op, so nothing is traced but code of the user's, which
    may do more than compute.

    Args:
        model: A compiled model that is built.
        data: x, y and sample_weight of some examples.
        output: What the settings of the model say.
        loss: Loss to use instead of the compiled one.
        is_traced: As for `facts_of`.
    """
    x, y, sample_weight = data
    objective = Objective(model, x, y, sample_weight=sample_weight, loss=loss, watches=True)
    if not is_traced:
        objective.refuse_effects()
    leaves = keras_private.leaves_of(model)
    seen: dict[str, Any] = {}

    def value(values: list[Tensor], watch: Callable[[Tensor], None]) -> tuple[Tensor, list[Tensor]]:
        with recording([leaf for leaf in leaves if _is_recorded(leaf)], lambda _: None) as calls:
            found = objective.evaluate(values)
        seen.update(calls=list(calls), outputs=keras.tree.flatten(found.outputs), penalty=found.penalty)
        return found.loss, []

    theta = [backend.as_tensor(v.value) for v in objective.variables]
    reached, slopes = backend.value_and_gradients(value, theta)
    of = {id(v): np.asarray(g, "float64") for v, g in zip(objective.variables, slopes, strict=True)}
    calls, outputs = seen["calls"], seen["outputs"]
    returned = {id(tensor) for tensor in outputs}
    layers = tuple(_layer(call, of, id(call.outputs) in returned) for call in calls)
    norm = math.sqrt(sum(float((g**2).sum()) for g in of.values())) if of else NAN
    penalty = 0.0 if seen["penalty"] is None else float(seen["penalty"])
    start = Start(float(reached), layers, norm, penalty)
    if len(outputs) != 1:
        return start, Output(metrics=output.metrics), None
    return start, _with_last(output, model, calls, outputs[0]), len(outputs[0].shape)


def _is_recorded(layer: keras.layers.Layer) -> bool:
    return is_weighted(layer) or bool(name_of_activation(layer)) or isinstance(layer, LAYERS.Embedding)


def _with_last(output: Output, model: keras.Model, calls: list[RecordedCall], given: Tensor) -> Output:
    """Return an output with what the graph of the model tells of it, and what it has given in a pass.

    Without calls there was none: then it is the symbolic output of the model.
    """
    units = int(given.shape[-1] or 0) if len(given.shape) > 1 else 0
    found = dict(end_of(model, units), units=units)
    if not calls:
        return dataclasses.replace(output, **found, hides_logits=found["activation"] in PROBABILITIES)
    last = next((call.layer for call in calls if call.outputs is given), None)
    if last is not None:
        found |= {"layer": last.name, "activation": name_of_activation(last)}
    found |= _given(np.asarray(keras.ops.convert_to_numpy(given), "float64"), units)
    if keras_private.mask_of(given) is not None:
        found["is_mean"] = False  # what the mask leaves out does not count
    places = math.prod(given.shape[1:-1]) if units else 0
    return dataclasses.replace(output, **found, hides_logits=hasattr(given, "_keras_logits"), places=places)


def _given(values: np.ndarray, units: int) -> dict[str, float]:
    """Return the range of what a model gives at the start, and how far the sums of its units are from 1."""
    if not values.size or not np.isfinite(values).all():
        return {}
    off = float(np.abs(values.sum(axis=-1) - 1).max()) if units > 1 else NAN
    return {"low": float(values.min()), "high": float(values.max()), "off": off}


def _layer(call: RecordedCall, slopes: dict[int, np.ndarray], is_output: bool) -> Layer:
    layer, name = call.layer, activation(call.layer)
    inputs, outputs = (np.asarray(keras.ops.convert_to_numpy(t), "float32") for t in (call.inputs, call.outputs))
    matrices = [v for v in layer.trainable_variables if len(v.shape) > 1 and id(v) in slopes]
    columns = np.asarray(by_unit(layer, keras.ops.convert_to_tensor(outputs)))
    with np.errstate(over="ignore", invalid="ignore"):
        return Layer(
            name=layer.name,
            activation=name_of_activation(layer),
            units=int(columns.shape[1]),
            has_matrix=is_weighted(layer),
            is_trained=bool(matrices),
            is_output=is_output,
            input_rms=_rms(inputs),
            input_largest=float(np.abs(inputs).max(initial=0.0)),
            signal=_rms(outputs),
            variation=_rms(outputs - outputs.mean(axis=0)) / _rms(outputs) if outputs.any() else NAN,
            is_finite=bool(np.isfinite(outputs).all()),
            gradient=math.sqrt(sum(float((slopes[id(v)] ** 2).sum()) for v in matrices)) if matrices else NAN,
            dead=float(1 - (columns > 0).any(axis=0).mean()) if name == "relu" else NAN,
            copies=_copies(layer, slopes),
            is_recurrent=isinstance(layer, LAYERS.RNN | LAYERS.Bidirectional),
            fractions=float(np.mean(inputs != np.round(inputs))) if isinstance(layer, LAYERS.Embedding) else NAN,
        )


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype="float64")))) if values.size else NAN


def _copies(layer: keras.layers.Layer, slopes: dict[int, np.ndarray]) -> int:
    """Return the units of a layer that are copies of others by all of its matrices; 0 where no axis counts its units.

    The gates of a recurrent layer stand side by side on the last axis of its matrices. Of one that goes both ways each
    way is looked at by itself.
    """
    if isinstance(layer, LAYERS.Bidirectional):
        least = min(_copies(one, slopes) for one in (layer.forward_layer, layer.backward_layer))
        return 2 * least + (least > 0)
    one_axis = LAYERS.Dense | LAYERS.Conv1D | LAYERS.Conv2D | LAYERS.Conv3D | LAYERS.EinsumDense | LAYERS.Embedding
    cell = getattr(layer, "cell", None)
    if not isinstance(layer, one_axis) and not isinstance(
        cell, LAYERS.SimpleRNNCell | LAYERS.LSTMCell | LAYERS.GRUCell
    ):
        return 0
    found = []
    for variable in layer.trainable_variables:
        if len(variable.shape) > 1 and id(variable) in slopes:
            theta, slope = variable.numpy(), slopes[id(variable)]
            gates = theta.shape[-1] // cell.units if cell is not None else 1
            found.append(copies(*(_by_gate(part, gates) for part in (theta, slope))))
    return min(found, default=0)


def _by_gate(matrix: np.ndarray, gates: int) -> np.ndarray:
    """Return a matrix with the gates of each unit below each other: its last axis counts the units."""
    units = matrix.shape[-1] // gates
    return matrix.reshape(-1, units) if gates == 1 else matrix.reshape(-1, gates, units).reshape(-1, units)


def copies(theta: np.ndarray, slope: np.ndarray) -> int:
    """Return the number of units, on the last axis, with weights and gradient of one before them."""
    units = theta.shape[-1]
    if len(np.unique(theta.reshape(-1, units)[0])) == units:
        return 0
    theta, slope = (np.asarray(a, "float64").reshape(-1, units) for a in (theta, slope))
    _, first, group = np.unique(theta, axis=1, return_index=True, return_inverse=True)
    difference = np.abs(slope - slope[:, first[group.ravel()]]).max(axis=0, initial=0.0)
    equal = difference <= EQUAL * np.abs(slope).max(initial=0.0)
    return int(equal.sum()) - len(first)


def arrays_of(part: Data) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of a part of a batch, with their names; what is no array of numbers or words is left out."""
    for path, array in keras.tree.flatten_with_path(part):
        if array is not None:
            with contextlib.suppress(TypeError, ValueError, AttributeError, NotImplementedError):
                yield ".".join(map(str, path)), np.asarray(keras.ops.convert_to_numpy(array))
