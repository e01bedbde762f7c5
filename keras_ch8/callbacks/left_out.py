"""What is known of a step that was left out: where its fault begins, by one pass over its batch after the fact."""

import contextlib
import json
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from .._batches import examples_of, picked
from .._types import Data, Tree
from ..curvature.objective import Objective
from ..data import ArraySource
from ..integration import backend, keras_private
from ..integration.untouched import untouched
from ..monitors.probe import recording
from ..verdicts.wording import digits
from .step_filter import LeftOut

MOST_ALONE = 256
"""Examples of which each gradient is taken by itself, at most."""
STANDS_OUT = 10.0
"""Times the median loss of a batch beyond which that of an example is named as the cause of a spike."""


EXAMINED = 16
"""Steps whose batch is examined; of further ones only what the data hold is."""


class Origin(NamedTuple):
    """Where a fault begins.

    Args:
        place: `"x"`, `"y"` or `"sample_weight"` where the data hold what is not finite; `"forward"`, `"loss"` or
            `"backward"` where it arises there; None where it was not found.
        layer: The name of the layer; None for none.
        examples: Which examples of the batch, counted from 0; [] where no single one stands out.
    """

    place: str | None = None
    layer: str | None = None
    examples: Sequence[int] = ()


def found_origin(model: keras.Model, data: Data, is_spike: bool, before: int) -> Origin:
    """Return where a fault begins, after so many others; an empty origin where the batch is not known (None)."""
    if data is None:
        return Origin()
    if before >= EXAMINED:
        return origin_in(data)
    try:
        return origin_of(model, data, is_spike)
    except Exception as error:  # whatever the model does with the batch, the training goes on
        return Origin(f"not found, {type(error).__name__}: {keras_private.first_sentence(error)}")


def origin_of(model: keras.Model, data: Data, is_spike: bool) -> Origin:
    """Return where the fault in the step on a batch begins; the model stays as it is.

    Args:
        model: The model, with the weights that the step began from.
        data: The batch, as the training step was given it.
        is_spike: Whether all was finite, but too large.
    """
    in_data = origin_in(data)
    if in_data.place is not None:
        return in_data
    parts = x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    objective = Objective(model, x, y, sample_weight=sample_weight, training=True, watches=True)
    objective.refuse_effects()
    values = [backend.as_tensor(v) for v in objective.variables]
    layers = [leaf for leaf in keras_private.leaves_of(model) if leaf is not model] or [model]
    with recording(layers, lambda tensor: None) as calls:
        outputs = objective.evaluate(values).outputs
    size = examples_of(parts)
    for call in calls:
        if not np.isfinite(_array(call.outputs)).all():
            return Origin("forward", call.layer.name, _rows_not_finite(call.outputs, size))
    losses = _losses(objective, outputs, size)
    if not np.isfinite(losses).all():
        return Origin("loss", None, np.flatnonzero(~np.isfinite(losses)).tolist())
    order = [call.layer.name for call in calls]
    return _spike(objective, values, losses) if is_spike else _backward(objective, values, size, order)


def origin_in(data: Data) -> Origin:
    """Return which examples of a batch hold what is not finite; an empty origin where none does."""
    parts = keras.utils.unpack_x_y_sample_weight(data)
    for name, part in zip(("x", "y", "sample_weight"), parts, strict=True):
        if broken := _rows_not_finite(part, examples_of(parts)):
            return Origin(name, None, broken)
    return Origin()


def _array(tensor: Any) -> np.ndarray:
    """Return a tensor as an array of a type that NumPy can test; of bfloat16 it is float32."""
    if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":
        tensor = keras.ops.cast(tensor, "float32")
    array = np.asarray(tensor)
    return array if array.dtype.kind in "fc" else np.zeros(0)


def _rows_not_finite(tree: Tree, size: int) -> list[int]:
    """Return the examples of which an array holds what is not finite; all where the arrays have no such axis."""
    broken = np.zeros(size, bool)
    for part in keras.tree.flatten(tree):
        bad = np.zeros(0) if part is None else ~np.isfinite(_array(part))
        if bad.ndim and len(bad) == size:
            broken |= bad.reshape(size, -1).any(axis=1)
    return np.flatnonzero(broken).tolist()


def _losses(objective: Objective, outputs: Tree, size: int) -> np.ndarray:
    """Return the loss of each example, given what the model has put out."""
    losses = []
    with untouched(objective.model, *keras_private.losses_of(objective.model)), keras.StatelessScope():
        for rows in (slice(i, i + 1) for i in range(size)):
            batch = keras_private.Batch(*(picked(part, rows) for part in objective.data))
            loss = keras_private.compute_loss(objective.model, batch, picked(outputs, rows), training=True)
            losses.append(float(keras.ops.cast(loss, "float32")))
    return np.array(losses)


def _gradients(objective: Objective, values: list[Any], data: Tree = None) -> dict[str, float]:
    """Return the norm of the gradient of each layer's own variables, by the name of the layer."""
    owners = keras_private.owners_in(objective.model)
    found: dict[str, float] = {}
    gradients = backend.gradients(lambda v: objective.value_at(v, data), values)
    for variable, g in zip(objective.variables, gradients, strict=True):
        name = getattr(owners.get(id(variable)), "name", variable.path)
        found[name] = float(np.hypot(found.get(name, 0.0), np.linalg.norm(_array(g).astype("float64"))))
    return found


def _spike(objective: Objective, values: list[Any], losses: np.ndarray) -> Origin:
    """Return the layer with the largest gradient, and the examples whose loss stands out."""
    norms = _gradients(objective, values)
    usual = np.median(losses)
    out = np.flatnonzero((losses > STANDS_OUT * usual) & (usual > 0))
    return Origin("backward", max(norms, key=lambda name: norms[name]), out[np.argsort(-losses[out])].tolist())


def _backward(objective: Objective, values: list[Any], size: int, order: list[str]) -> Origin:
    """Return the layer nearest the loss whose gradient is not finite, and the examples that make it so alone."""
    broken = {name for name, norm in _gradients(objective, values).items() if not np.isfinite(norm)}
    if not broken:
        return Origin()
    place = {name: i for i, name in enumerate(order)}
    alone = [
        i
        for i in range(min(size, MOST_ALONE))
        if not np.isfinite(list(_gradients(objective, values, picked(objective.data, slice(i, i + 1))).values())).all()
    ]
    return Origin("backward", max(broken, key=lambda name: place.get(name, -1)), alone if len(alone) < size else [])


# --- what is reported of it: as numbers and words for JSON, and as a sentence ----------------------------------------

NAMED = 8
"""Examples that a sentence names."""
FILE = "guard.jsonl"
DATA = ("x", "y", "sample_weight")
"""Places of a fault that are in the data."""


class BatchPosition(NamedTuple):
    """Where in a training a batch was: all counted from 0, but the step from 1."""

    step: int
    epoch: int
    batch: int


def record_of(fault: LeftOut, place: BatchPosition, origin: Origin, rows: np.ndarray | None) -> dict[str, Any]:
    """Return what is known of a step that was left out; `rows` are the positions of its examples in the source."""
    examples = list(origin.examples)
    return {
        "action": "left out",
        **place._asdict(),
        "fault": "spike" if fault.is_spike else "nan" if math.isnan(fault.loss + fault.norm) else "infinite",
        "loss": _number(fault.loss),
        "gradient_norm": _number(fault.norm),
        "place": origin.place,
        "layer": origin.layer,
        "examples": examples if rows is None else [int(rows[i]) for i in examples],
        "examples_in": "batch" if rows is None else "source",
    }


def rows_of(source: ArraySource, batch: int) -> np.ndarray:
    """Return the positions of the examples of a batch of the running epoch."""
    row = source.plan(source.epoch)[batch]
    return row[row >= 0]


@contextlib.contextmanager
def _disk_may_fail() -> Iterator[None]:
    """Warn where the disk fails."""
    try:
        yield
    except OSError as error:
        warnings.warn(f"`Guard` cannot write {FILE}: {error}. Training continues.", RuntimeWarning, stacklevel=4)


@_disk_may_fail()
def append(folder: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Write a line of JSON for each record; where the disk fails, a warning says so."""
    with open(os.path.join(folder, FILE), "a", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


@_disk_may_fail()
def keep_first(folder: str, count: int) -> None:
    """Keep the first lines: what was written after the state that a training goes on from is written again.

    Where the disk fails, a warning says so.
    """
    path = os.path.join(folder, FILE)
    if os.path.isfile(path):
        with open(path, "rb+") as file:
            for _ in range(count):
                file.readline()
            file.truncate(file.tell())  # where it stands: no moment without the lines that are kept


def _number(value: float) -> float | str:
    """Return a number as JSON has it: what is not finite is a word."""
    return value if math.isfinite(value) else str(value)


def because(record: Mapping[str, Any]) -> str:
    """Return in words why a step was left out."""
    words = {"spike": "a spike", "nan": "NaN", "infinite": "an infinite number"}
    where = f" in `{record['layer']}`" if record.get("layer") else ""
    return words.get(record.get("fault", ""), "a fault") + where


def sentence_of(record: Mapping[str, Any]) -> str:
    """Return the sentence for a step that was left out."""
    at = f"Skipped step {record['step']} (epoch {record['epoch'] + 1}, batch {record['batch'] + 1}): "
    numbers = record["loss"], record["gradient_norm"]
    loss, norm = (value if isinstance(value, str) else digits(value, 3) for value in numbers)
    what = "a spike, " if record["fault"] == "spike" else ""
    return f"{at}{what}loss {loss}, gradient norm {norm}. {_origin_sentence(record)}"


def _origin_sentence(record: Mapping[str, Any]) -> str:
    place, layer, examples = record["place"], record["layer"], record["examples"]
    which = f" {_examples(examples, record['examples_in'])}" if examples else ""
    if place not in (*DATA, "forward", "loss", "backward"):
        return f"Its source is unknown.{which}"
    if place in DATA:
        return f"It starts in the data, in `{place}`.{which}"
    if place == "loss":
        return f"It starts in the loss.{which}"
    if record["fault"] == "spike":
        return f"`{layer}` has the largest gradient.{which}"
    return f"It starts in the {'output' if place == 'forward' else 'gradient'} of `{layer}`.{which}"


def summary_of(records: Sequence[Mapping[str, Any]], rollbacks: Sequence[int]) -> str:
    """Return what was left out in one sentence, and another that names the examples of a source."""
    spikes = sum(record["fault"] == "spike" for record in records)
    kinds = ((len(records) - spikes, "not finite"), (spikes, "spike" if spikes == 1 else "spikes"))
    named = ", ".join(f"{count} {kind}" for count, kind in kinds if count)
    steps = "1 step" if len(records) == 1 else f"{len(records)} steps"
    went = f"rolled back {times(len(rollbacks))}" if rollbacks else "never rolled back"
    of_source = {example for r in records if r["examples_in"] == "source" for example in r["examples"]}
    which = f" {_examples(sorted(of_source), 'source')}" if of_source else ""
    return f"Guard: skipped {steps} ({named}), {went}.{which}"


def _examples(examples: Sequence[int], of: str) -> str:
    """Return the sentence that names the examples of a batch or a source."""
    more = f" and {len(examples) - NAMED} more" if len(examples) > NAMED else ""
    word = "Example" if len(examples) == 1 else "Examples"
    return f"{word} of the {of}: {', '.join(map(str, examples[:NAMED]))}{more}."


def times(count: int) -> str:
    """Return a count in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
