"""Reads the JSON record of a run: what it lacks is filled in, and what is not as it should be is left out.

The file may be of another version, or of somebody who means no good. After this the page can rely on the type of
everything that it walks through; texts are only ever shown as text, and have nothing in them that a terminal obeys.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from ..board.record import VERSION
from ..verdicts.state import NOT_DIAGNOSED, STATES, OverallState
from ..verdicts.verdict import LEVELS, Verdict

Record: TypeAlias = dict[str, Any]
"""Plain data, as `json.loads` returns it."""

_NUMBER = (int, float)
_DEEPEST, _LONGEST_NUMBER = 32, 18
"""Lists and objects within each other, and digits of an integer: more has no record that this package writes."""

EMPTY: Mapping[str, Any] = {
    "version": VERSION, "begun": None, "now": None, "ended": None, "step": None, "hyperparameters": {},
    "diagnosis": None, "state": NOT_DIAGNOSED.as_data(),
    "verdicts": [], "events": [], "lines": {}, "tags": {}, "panels": [], "layers": [],
    "stopping": None,
}  # fmt: skip
"""A record that says nothing."""
_OPTIONAL: Mapping[str, Any] = {
    "begun": _NUMBER, "now": _NUMBER, "ended": bool, "step": int, "diagnosis": dict, "stopping": dict,
}  # fmt: skip
"""What stands where `EMPTY` has None."""
_VERDICT = {
    "kind": "", "level": "", "finding": "", "cure": "", "section": "", "step": 0, "measured": 0, "why": [], "code": "",
    "series": "", "value": None, "then": "", "then_code": "", "expects": "", "explained_by": "",
    "is_of_probe": False, "shows": "", "bars": [],
}  # fmt: skip
_EVENT = {"step": 0, "kind": "", "text": ""}
_TAG = {"text": "", "unit": "", "section": ""}
_PANEL = {
    "title": "", "unit": "", "section": "", "series": [], "kinds": [], "events": [], "lines": [], "log": True,
    "place": 0, "read": "",
}  # fmt: skip
_LAYERS = {"name": "", "title": "", "unit": "", "section": "", "rows": [], "steps": [], "values": [], "kinds": []}


def loads(text: str | bytes) -> Any:
    """Return what a JSON text says, as plain data: finite numbers, no control characters, and no endless nesting.

    Raises:
        ValueError: If it is no JSON, or nested too deeply.
    """
    try:
        read = json.loads(text, parse_int=_integer, parse_float=_finite, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return _plain_data(read, _DEEPEST)


def plain(text: str) -> str:
    """Return a text without what a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else " " if c.isspace() else "" for c in text)


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


def _finite(digits: str) -> float | None:
    return number if math.isfinite(number := float(digits)) else None


def _plain_data(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list | dict) and not levels:
        raise ValueError("it is nested too deeply")
    if isinstance(value, list):
        return [_plain_data(one, levels - 1) for one in value]
    if isinstance(value, dict):
        return {plain(key): _plain_data(one, levels - 1) for key, one in value.items()}
    return value


def read(text: str | bytes) -> tuple[Record, list[str]]:
    """Return a record as it should be, and a sentence for each thing in it that was not.

    Raises:
        ValueError: If it is no record at all.
    """
    read = loads(text)
    if not isinstance(read, dict) or not isinstance(read.get("version"), int):
        raise ValueError("it is not an object with a version")
    problems = []
    if read["version"] > VERSION:
        problems.append("It was written by a newer keras_ch8, whose additions are not shown.")
    record = dict(EMPTY)
    for key, empty in EMPTY.items():
        value = read.get(key)
        if isinstance(value, _OPTIONAL.get(key, type(empty))):
            record[key] = value
        elif value is not None:
            problems.append(f"The {key!r} of its newest record cannot be read: it is a {type(value).__name__}.")
    verdicts = [_filled(_VERDICT, verdict) for verdict in record["verdicts"]]
    verdicts = [verdict | {"bars": list(filter(_is_bar, verdict["bars"]))} for verdict in verdicts]
    record["verdicts"] = [verdict for verdict in verdicts if verdict["level"] in LEVELS]
    record["state"] = _state(read.get("state"))
    events = [_filled(_EVENT, event) for event in record["events"]]
    record["events"] = [event for event in events if event["kind"]]
    record["lines"] = {name: _lines(lines) for name, lines in record["lines"].items()}
    record["tags"] = {name: _filled(_TAG, tag) for name, tag in record["tags"].items()}
    panels = [_filled(_PANEL, panel) for panel in record["panels"]]
    record["panels"] = [
        panel | {"lines": _lines(panel["lines"])} | {key: list(map(str, panel[key])) for key in ("series", "kinds")}
        for panel in panels
        if panel["series"]
    ]
    layers = (_filled(_LAYERS, one) for one in record["layers"])
    record["layers"] = [one | {"kinds": list(map(str, one["kinds"]))} for one in layers if _is_whole(one)]
    return record, problems


def _state(given: Any) -> Record:
    """Return what the verdicts come to."""
    is_one = isinstance(given, dict) and given.get("name") in STATES
    said = _filled(NOT_DIAGNOSED.as_data(), given if is_one else {})
    return said | {key: [str(each) for each in said[key]] for key in ("missing", "reasons")}


def _filled(like: Mapping[str, Any], given: Any) -> Record:
    """Return what is given of the keys of an example, each of the type that it has there; for the rest the example."""
    given = given if isinstance(given, dict) else {}
    return {key: given[key] if _is_like(given.get(key), value) else value for key, value in like.items()}


def _is_like(given: Any, example: Any) -> bool:
    """Return whether something is of the type of an example; a number is where that is one, or None."""
    return isinstance(given, _NUMBER if example is None or type(example) is int else type(example))


def _lines(given: Any) -> list[Record]:
    """Return the reference lines that have a number, or the name of a hyperparameter."""
    lines = [line for line in given if isinstance(line, dict)] if isinstance(given, list) else []
    return [
        {"value": line["value"], "label": str(line.get("label", "")), "direction": str(line.get("direction", ""))}
        for line in lines
        if isinstance(line.get("value"), (*_NUMBER, str))
    ]


def _is_bar(given: Any) -> bool:
    """Return whether something is a text, a number, and whether that is what is wrong."""
    return isinstance(given, list) and len(given) == 3 and all(map(_is_like, given, ("", None, True)))


def _is_whole(layers: Record) -> bool:
    """Return whether a heat map has a column for each step, with a number for each row."""
    columns, rows = layers["values"], len(layers["rows"])
    return len(layers["steps"]) == len(columns) and all(
        isinstance(column, list) and len(column) == rows and all(_is_like(x, None) or x is None for x in column)
        for column in columns
    )


def state_in(data: Mapping[str, Any]) -> OverallState:
    """Return the state of a run as its document has it."""
    counts = data["name"], data["judged"], data["applicable"]
    return OverallState(*counts, missing=tuple(data["missing"]), reasons=tuple(data["reasons"]))


def verdicts_of(record: Mapping[str, Any] | None) -> list[Verdict]:
    """Return the verdicts of a record, the gravest first."""
    said = [Verdict(**verdict) for verdict in record["verdicts"]] if record else []
    return sorted(said, key=lambda verdict: -LEVELS.index(verdict.level))
