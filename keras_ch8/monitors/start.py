"""What is known of a model before its first step: its output and its loss, and one pass forward and backward."""

import contextlib
import dataclasses
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from .._batches import picked, take
from .._types import Data, Tensor
from ..curvature.objective import Objective
from ..integration import backend, fit, keras_private
from ..verdicts.arrays import (
    copied_from,
    heaviest_of,
    inputs_of,
    leading_of,
    order_of,
    order_of_numbers,
    parts_of,
    runs_of,
    targets_of,
)
from ..verdicts.chance import chance_losses, least_squares_level, neighbours_levels
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
    OwnLoss,
    Start,
    Targets,
)
from ..verdicts.images import mirrored_of, roughened_by
from .equal_units import copies_in
from .model_end import end_of, held_in, name_of_activation
from .model_facts import (
    activation,
    facts_of_model,
    form_of,
    frozen_and_moving,
    frozen_in,
    is_batch_normalization,
    is_weighted,
    overridden_in,
    padding_in,
    untracked_in,
)
from .outputs import Head, heads_of
from .own_loss import chance_of, compares_all, is_own, tried
from .probe import RecordedCall, by_unit, recording
from .seen_ahead import sees_next

EXAMPLES = 64
"""Examples that go through the model: as many as tell a dead layer, and a small price for a large model."""
LAYERS = keras.layers


@np.errstate(all="ignore")
def facts_of(
    model: keras.Model,
    data: Data,
    probe: Data = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    examples: int = EXAMPLES,
    training: fit.Training | None = None,
    is_traced: bool = False,
    batch_size: int | None = None,
) -> tuple[Facts, Exception | None]:
    """Return what is known of a model and some examples before a step; also why one pass through it fails, if it does.

    Args:
        model: A compiled model that is built.
        data: x, y and sample_weight of some examples that are trained on.
        probe: Those of others, to be compared with them; the best constant prediction is that for these.
        loss: Loss to use instead of the compiled one.
        examples: Examples that go through the model, at most.
        training: The `fit` that trains on them, if there is one.
        is_traced: Whether a trace has shown that a call of the model and its loss only computes.
        batch_size: Examples of a batch, in which their order says nothing; None of arrays.
    """
    has = facts_of_model(model, training.callbacks if training else ()) | flat_in(model, data[0])
    has |= form_of(training) if training else set()
    examples = model.inputs[0].shape[0] if Fact.STATEFUL in has and Fact.SUBCLASSED not in has else examples
    start, calls, given, failed = _passed(model, data, examples, loss, is_traced)
    outputs = keras.tree.flatten(getattr(model, "outputs", None) or [] if given is None else given)
    heads = heads_of(model, given, loss)
    is_own_tried = failed is None and loss is None
    each = []
    for head in heads:
        output = _with_last(head.output, model, calls, outputs[head.place], head.place) if outputs else head.output
        each.append(_of_output(head, output, data, probe, is_own_tried, batch_size))
    common: dict[str, Any] = {"has": has, "other": "" if probe is None else PROBE}
    of_all: dict[str, Any] = {"inputs": inputs_of(dict(arrays_of(data[0]))), "start": start}
    of_all |= {"is_trained": bool(model.trainable_variables), "frozen": frozen_in(model)}
    of_all["has_changed_trainable"] = training is not None and training.goes_on_with_old_weights
    if probe is not None:
        of_all["other_inputs"] = inputs_of(dict(arrays_of(probe[0])))
    if len(outputs) <= 1:
        alone = each[0] if each else {}
        if alone and failed is None and (loss is not None or keras_private.has_own_compute_loss(model)):
            known = alone.get("own_loss", OwnLoss())
            is_mixed = _compares_all(model, take(data, slice(examples)), outputs, loss)
            alone["own_loss"] = dataclasses.replace(known, compares_all=is_mixed)
        further = _further_levels(alone["output"], start, data, probe) if alone and alone["output"].axes else {}
        x, y = _only(data[0]), _only(data[1])
        if x is not None:
            further |= {"roughened": roughened_by(x), "layout": x.shape[1:]}
        if x is not None and y is not None:
            further["mirrored"] = mirrored_of(x, y)
            further["copied"] = copied_from(x, y, x.ndim == 3 or bool(has & {Fact.RECURRENCE, Fact.TOKENS}))
        if y is not None and failed is None and Fact.STATEFUL not in has:
            further["sees_next"] = sees_next(model, picked(data[0], slice(examples)), y[:examples])
        return Facts(**common, **of_all, **alone, **further), failed
    common["has"] = has | {Fact.SEVERAL_OUTPUTS}
    chance = sum(one["chance"] for one in each) if each else NAN
    return Facts(**common, **of_all, chance=chance, outputs=tuple(Facts(**common, **one) for one in each)), failed


def _passed(
    model: keras.Model, data: Data, examples: int, loss: Any, is_traced: bool
) -> tuple[Start, list[RecordedCall], Data, Exception | None]:
    """Return what `at_start` does, of a pass forward alone where another fails, and of none; and why one has failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what Keras says of a model, it says when that is trained
        try:
            few = keras.tree.map_structure(lambda a: None if a is None else a[:examples], data)
            return *at_start(model, few, loss, is_traced), None
        except Exception as error:  # such as labels that the loss cannot read: the output is known all the same
            with contextlib.suppress(Exception):
                return *_without_loss(model, few), error
            return Start(), [], None, error


def _of_output(
    head: Head, output: Output, data: Data, probe: Data, is_own_tried: bool, batch_size: int | None
) -> dict[str, Any]:
    """Return the facts about an output, and about the labels that it is compared with, by their names in `Facts`.

    Args:
        head: What was compiled for it.
        output: What is known of it.
        data: As for `facts_of`.
        probe: Likewise.
        is_own_tried: Whether a loss of the user's own is tried.
        batch_size: As for `facts_of`.
    """
    y = head.part_of(data[1])
    labels = _only(y)
    is_column = (output.units, output.axes) == (1, 3)
    if labels is not None and labels.ndim == 2 and is_column and targets_in(y, 2).of == "one-hot":
        units = labels.shape[-1]  # as Keras does, which leaves the last axis out
        output = dataclasses.replace(output, units=units, axes=2, places=1, can_be_set=False, replaced=-1)
    targets = targets_in(y, output.axes)
    found: dict[str, Any] = {"output": output, "targets": targets, "chance": _chance(head, output, data, probe)}
    if labels is not None and targets.of in ("0 and 1", "classes", "one-hot") and targets.places == 1:
        places = np.arange(len(labels))
        stirred = np.random.default_rng(0).random(len(labels)) if batch_size else 0.0
        read = labels[np.argsort(places // (batch_size or 1) + stirred)]
        found |= {"order_read": order_of(read), "runs_read": runs_of(read), "commonest_read": parts_of(read)}
        found["leading_read"] = leading_of(read)
    elif labels is not None and targets.of == "numbers" and len(labels) > (batch_size or 1):
        found["order_read"] = order_of_numbers(labels)
    if data[2] is not None:
        weights = _only(head.weights_of(data[2])) if targets.places == 1 else None
        found["heaviest"] = heaviest_of(labels, weights)
    if probe is not None:
        found["other_targets"] = targets_in(head.part_of(probe[1]), output.axes)
    if is_own_tried and labels is not None and output.axes and is_own(head.loss):
        found["own_loss"] = tried(head.loss, labels, targets, output, output.axes)
    return found


def _compares_all(model: keras.Model, data: Data, outputs: Sequence[Tensor], loss: Any) -> bool:
    """Whether a loss of one's own compares each prediction with all targets, where their shapes are (n, 1) and (n,)."""
    y = _only(data[1])
    shapes = {tuple(part.shape) for part in (y, *outputs) if part is not None}
    if y is None or data[2] is not None or shapes != {(len(y),), (len(y), 1)}:
        return False
    objective = Objective(model, data[0], y, loss=loss, watches=True)
    theta = [backend.as_tensor(v.value) for v in objective.variables]
    x, targets = objective.data[0], keras.tree.flatten(objective.data[1])
    return compares_all(
        lambda y: float(objective.value_at(theta, (x, keras.ops.convert_to_tensor(y, targets[0].dtype), None))), y
    )


def _chance(head: Head, output: Output, data: Data, probe: Data) -> float:
    """Return what of the loss the best constant prediction has, for the probe, or else for what is trained on."""
    read, weights = head.weights_of(data[2]), head.weights_of((data if probe is None else probe)[2])
    targets = _only(head.part_of((data if probe is None else probe)[1]))
    if targets is None or not output.axes or (read is not None and weights is None):
        # Also where `class_weight` weights it, what is trained on is another loss than that of the probe.
        return NAN
    each = chance_losses(output, targets, weights)
    if np.isnan(each).all() and weights is None and head.loss is not None:
        each = chance_of(head.loss, targets, targets_in(targets, output.axes), output)
    return head.output.share * float(np.mean(each))


def _further_levels(output: Output, start: Start, data: Data, probe: Data) -> dict[str, Any]:
    """Return the losses of other simple predictions for the probe, or else for the examples that are trained on."""
    x, y, weights = data if probe is None else probe
    inputs, targets = _only(x), _only(y)
    if inputs is None or targets is None or weights is not None or data[2] is not None:
        return {}
    read = (_only(data[0]), _only(data[1])) if probe is not None else (None, None)
    further = None if read[0] is None or read[1] is None else read
    near, of_read = neighbours_levels(output, inputs, targets, further)
    least, unevenness = least_squares_level(output, start, inputs, targets)
    of_loss = {"neighbours": near, "neighbours_of_read": of_read, "least_squares": least}
    return {name: output.share * level for name, level in of_loss.items()} | {"unevenness": unevenness}


def _only(part: Data) -> np.ndarray | None:
    """Return the array of a part of a batch that has one; None of others."""
    arrays = [array for _, array in arrays_of(part)]
    return arrays[0] if len(arrays) == 1 else None


def targets_in(y: Data, axes: int) -> Targets:
    """Return the facts about the targets of one output, whose predictions have so many axes; nothing without."""
    targets = _only(y)
    return Targets() if targets is None or not axes else targets_of(targets, axes)


def _without_loss(model: keras.Model, data: Data) -> tuple[Start, list[RecordedCall], Data]:
    """Return what one pass forward says."""
    start, calls, given = at_start(model, data, lambda y, y_pred: keras.ops.zeros(()))
    layers = tuple(dataclasses.replace(layer, gradient=NAN, copies=0) for layer in start.layers)
    return Start(layers=layers), calls, given


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
    targets, heads = _only(y), heads_of(model)
    is_one = len(heads) == 1 and not heads[0].names and heads[0].output.loss in DISTANCES
    if not is_one or targets is None or targets.dtype.kind not in "fiu":
        return frozenset()
    is_scaled = any(isinstance(part, LAYERS.Rescaling) for part in keras_private.parts_of(model))
    return frozenset({Fact.LARGE_TARGETS} if targets.std() > LARGE_TARGETS and not is_scaled else ())


def at_start(
    model: keras.Model,
    data: Data,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    is_traced: bool = False,
) -> tuple[Start, list[RecordedCall], Data]:
    """Return what one pass forward and backward says, the calls of layers in it, and what the model has given.

    The model stays as it is. A pass made once is cheaper op by op, so nothing is traced but code of the user's, which
    may do more than compute.

    Args:
        model: A compiled model that is built.
        data: x, y and sample_weight of some examples.
        loss: Loss to use instead of the compiled one.
        is_traced: As for `facts_of`.
    """
    x, y, sample_weight = data
    objective = Objective(model, x, y, sample_weight=sample_weight, loss=loss, watches=True)
    if not is_traced:
        objective.refuse_effects()
    leaves = keras_private.leaves_of(model)
    norms = [leaf for leaf in leaves if is_batch_normalization(leaf) and getattr(leaf, "moving_mean", None) is not None]
    watched = [*norms, *(leaf for leaf in leaves if _is_recorded(leaf))]
    seen: dict[str, Any] = {}

    def value(values: list[Tensor], watch: Callable[[Tensor], None]) -> tuple[Tensor, list[Tensor]]:
        with recording(watched, lambda _: None) as calls, backend.reading() as read:
            found = objective.evaluate(values, states=[layer.moving_mean for layer in norms])
        seen.update(found._asdict(), calls=list(calls), read=read)
        return found.loss, []

    theta = [backend.as_tensor(v.value) for v in objective.variables]
    reached, slopes = backend.value_and_gradients(value, theta)
    of = {id(v): np.asarray(g, "float64") for v, g in zip(objective.variables, slopes, strict=True)}
    calls, outputs = [call for call in seen["calls"] if _is_recorded(call.layer)], seen["outputs"]
    returned = {id(tensor) for tensor in keras.tree.flatten(outputs)}
    layers = tuple(_layer(call, of, id(call.outputs) in returned) for call in calls)
    norm = math.sqrt(sum(float((g**2).sum()) for g in of.values())) if of else NAN
    penalty = 0.0 if seen["penalty"] is None else float(seen["penalty"])
    stored = [(layer, now) for layer, now in zip(norms, seen["states"], strict=True) if now is not None]
    moved = [layer for layer, now in stored if bool(keras.ops.any(keras.ops.not_equal(now, layer.moving_mean)))]
    still_moving = frozen_and_moving(model, [call.layer for call in seen["calls"]], moved, of)
    start = Start(
        float(reached),
        layers,
        norm,
        penalty,
        still_moving,
        overridden_in(model, moved),
        untracked_in(model, seen["read"]),
    )
    return start, calls, outputs


def _is_recorded(layer: keras.layers.Layer) -> bool:
    return is_weighted(layer) or bool(name_of_activation(layer)) or isinstance(layer, LAYERS.Embedding)


def _with_last(output: Output, model: keras.Model, calls: list[RecordedCall], given: Tensor, place: int) -> Output:
    """Return an output with what the graph of the model tells of it, and what it has given in a pass.

    Without calls there was none: then it is the symbolic output of the model.
    """
    units = int(given.shape[-1] or 0) if len(given.shape) > 1 else 0
    found = dict(end_of(model, units, place), units=units, axes=len(given.shape))
    if not calls:
        return dataclasses.replace(output, **found, hides_logits=found["activation"] in PROBABILITIES)
    last = next((call.layer for call in calls if call.outputs is given), None)
    if last is not None:
        found |= {"layer": last.name, "activation": name_of_activation(last), **held_in(model, last)}
    found |= _given(np.asarray(keras.ops.convert_to_numpy(given), "float64"), units)
    if keras_private.mask_of(given) is not None:
        found["is_mean"] = False  # what the mask leaves out does not count
    places = math.prod(given.shape[1:-1]) if units else 0
    return dataclasses.replace(output, **found, hides_logits=hasattr(given, "_keras_logits"), places=places)


def _given(values: np.ndarray, units: int) -> dict[str, float]:
    """Return the range of what a model gives at the start, and how far its sums are from 1."""
    if not values.size or not np.isfinite(values).all():
        return {}
    off, off_by_example = (float(np.abs(values.sum(axis) - 1).max()) if units > 1 else NAN for axis in (-1, 0))
    return {"low": float(values.min()), "high": float(values.max()), "off": off, "off_by_example": off_by_example}


def _layer(call: RecordedCall, slopes: dict[int, np.ndarray], is_output: bool) -> Layer:
    layer, name = call.layer, activation(call.layer)
    inputs, outputs = (np.asarray(keras.ops.convert_to_numpy(t), "float32") for t in (call.inputs, call.outputs))
    matrices = [v for v in layer.trainable_variables if len(v.shape) > 1 and id(v) in slopes]
    columns = np.asarray(by_unit(layer, keras.ops.convert_to_tensor(outputs)))
    # An embedding gives a vector for each index. One that is called in reverse, as for the words at the end of a
    # language model, multiplies vectors by its matrix: its other calls look up.
    looks_up = isinstance(layer, LAYERS.Embedding) and outputs.ndim == inputs.ndim + 1
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
            copies=copies_in(layer, slopes, columns),
            is_recurrent=isinstance(layer, LAYERS.RNN | LAYERS.Bidirectional),
            fractions=float(np.mean(inputs != np.round(inputs))) if looks_up else NAN,
        )


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype="float64")))) if values.size else NAN


def arrays_of(part: Data) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of a part of a batch, with their names; what is no array of numbers or words is left out."""
    for path, array in keras.tree.flatten_with_path(part):
        if array is not None:
            with contextlib.suppress(TypeError, ValueError, AttributeError, NotImplementedError):
                yield ".".join(map(str, path)), np.asarray(keras.ops.convert_to_numpy(array))
