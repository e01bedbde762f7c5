"""What is reported of a step that was left out: as numbers and words for JSON, and as a sentence."""

import contextlib
import json
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...data import ArraySource
from ...verdicts.wording import digits
from .origin import Origin
from .step_filter import LeftOut

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
    """Return the positions of the examples that this worker is given of a batch of the running epoch."""
    row = source.plan(source.epoch).indices[batch][source.part]
    there = row >= 0  # another place is left out, or has a copy of the first example
    return row[there] if source.has_smaller_batch else np.where(there, row, row[0])


@contextlib.contextmanager
def _disk_may_fail() -> Iterator[None]:
    """Warn where the disk fails."""
    try:
        yield
    except OSError as error:
        warnings.warn(f"`Guard` cannot write {FILE}: {error}. The training goes on.", RuntimeWarning, stacklevel=4)


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
    at = f"Step {record['step']} (epoch {record['epoch'] + 1}, batch {record['batch'] + 1}) was left out: "
    numbers = record["loss"], record["gradient_norm"]
    loss, norm = (value if isinstance(value, str) else digits(value, 3) for value in numbers)
    what = "a spike, " if record["fault"] == "spike" else ""
    return f"{at}{what}loss {loss}, gradient norm {norm}. {_origin_sentence(record)}"


def _origin_sentence(record: Mapping[str, Any]) -> str:
    place, layer, examples = record["place"], record["layer"], record["examples"]
    which = f" {_examples(examples, record['examples_in'])}" if examples else ""
    if place not in (*DATA, "forward", "loss", "backward"):
        return f"Where it begins is not known.{which}"
    if place in DATA:
        return f"It begins in the data, `{place}`.{which}"
    if place == "loss":
        return f"It begins in the loss.{which}"
    if record["fault"] == "spike":
        return f"The largest gradient is that of `{layer}`.{which}"
    return f"It begins {'in the output' if place == 'forward' else 'in the gradient'} of `{layer}`.{which}"


def summary_of(records: Sequence[Mapping[str, Any]], rollbacks: Sequence[int]) -> str:
    """Return what was left out in one sentence, and another that names the examples of a source."""
    spikes = sum(record["fault"] == "spike" for record in records)
    kinds = ((len(records) - spikes, "not finite"), (spikes, "spike" if spikes == 1 else "spikes"))
    named = ", ".join(f"{count} {kind}" for count, kind in kinds if count)
    steps = "1 step" if len(records) == 1 else f"{len(records)} steps"
    went = f"went back {times(len(rollbacks))}" if rollbacks else "never went back"
    of_source = {example for r in records if r["examples_in"] == "source" for example in r["examples"]}
    which = f" {_examples(sorted(of_source), 'source')}" if of_source else ""
    return f"Guard: left out {steps} ({named}), {went}.{which}"


def _examples(examples: Sequence[int], of: str) -> str:
    """Return the sentence that names the examples of a batch or a source."""
    more = f" and {len(examples) - NAMED} more" if len(examples) > NAMED else ""
    word = "Example" if len(examples) == 1 else "Examples"
    return f"{word} of the {of}: {', '.join(map(str, examples[:NAMED]))}{more}."


def times(count: int) -> str:
    """Return a count in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
