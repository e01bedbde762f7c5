"""The charts of the page: which there are, in which order, under which heading, and with which limits."""

import dataclasses
import fnmatch
import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ..board import panels, tags
from ..board.panels import Panel
from . import records

Document: TypeAlias = dict[str, Any]
"""Plain data, ready for `json.dumps`."""

MOST_METRICS = 4
"""Of the user's metrics that are not folded."""
LOSS, OPEN, FOLDED = "loss", "groups", "rest"
"""Parts of the page: beside the first verdict, below it, and what is folded."""
GLANCE, WRONG = "At a glance", "Where something is wrong"
"""Headings of what is not folded."""
_RUNNING, _EPOCH, _VALIDATION = tags.RUNNING, tags.EPOCH, "val_"


def panels_of(series: Mapping[str, Mapping[str, str]], said: Iterable[Mapping[str, Any]]) -> Iterator[Document]:
    """Yield the panels: those of the chapter, of the records, of metrics, and one for each series that has none.

    Args:
        series: Text, unit and section of each series.
        said: The records.
    """
    known = [each for panel in panels.PANELS for each in (panel, *_of_optimizers(panel, series))]
    of_records = {json.dumps(panel, sort_keys=True): panel for record in said for panel in record["panels"]}.values()
    shown = [name for panel in known for name in panel.series]
    shown += [name for panel in of_records for name in panel["series"]]
    left = [name for name in series if not any(fnmatch.fnmatchcase(name, pattern) for pattern in shown)]
    metrics = dict.fromkeys(metric for name in left if (metric := _metric(name)))
    yield from (panel.as_data() for panel in known)
    yield from of_records
    yield from (_panel_of_metric(metric, place < MOST_METRICS).as_data() for place, metric in enumerate(metrics))
    yield from (_panel_of_series(name, series[name]).as_data() for name in left if not _metric(name))


def _of_optimizers(panel: Panel, series: Iterable[str]) -> Iterator[Panel]:
    """Yield a panel for each of several optimizers: `step/gradient_norm` is `step/<optimizer>/gradient_norm` then."""
    names = [name.split("/") for name in series if name.count("/") == 2]
    for optimizer in sorted({one for folder, one, rest in names if f"{folder}/{rest}" in panel.series}):
        own = tuple(tags.of_optimizer(tags.Tag(name, "", "", ""), optimizer).name for name in panel.series)
        yield dataclasses.replace(panel, title=f"{panel.title} ({optimizer})", series=own)


def _metric(name: str) -> str:
    """Return the metric of the user's that a series is of; "" if it is of none."""
    for prefix in (_EPOCH, _RUNNING):
        if name.startswith(prefix):
            return name.removeprefix(prefix).removeprefix(_VALIDATION)
    return ""


def _panel_of_metric(metric: str, is_first: bool) -> Panel:
    series = (f"{_EPOCH}{metric}", f"{_EPOCH}{_VALIDATION}{metric}", f"{_RUNNING}{metric}")
    place = panels.OF_METRIC if is_first else 0
    return Panel(metric, "as the metric", "8.1", series, log=False, place=place, read="After each epoch.")


def _panel_of_series(name: str, tag: Mapping[str, str]) -> Panel:
    return Panel(tag["text"].removesuffix(".") or name, tag["unit"] or "as the series", tag["section"], (name,))


# --- their order -----------------------------------------------------------------------------------------------------


def arranged(listed: Iterable[Document], runs: Sequence[Document], cases: Sequence[Document]) -> list[Document]:
    """Return the panels of which a run has something, in the order of the page, each with its part and its heading.

    The loss stands first, then what everyone looks at, then what verdicts are about, in the order of these; the rest
    is folded, in the order of the chapter. A heat map of the layers stands behind the curves that show the same.

    Args:
        listed: The panels.
        runs: The runs.
        cases: The verdicts on them in order, as `headline.cases_of` returns them.
    """
    names = {name for run in runs for name in run["series"]}
    there = _with_maps([panel | {"map": False} for panel in listed if _shown(panel, names)], runs)
    first = sorted((panel for panel in there if panel["place"]), key=lambda panel: panel["place"])
    loss = _loss(first, there, runs)
    left = [panel for panel in there if panel is not loss and not panel["place"]]
    ranks = [next((i for i, case in enumerate(cases) if _concerns(panel, case, runs)), len(cases)) for panel in left]
    by_rank = sorted(zip(ranks, left, strict=True), key=lambda pair: pair[0])
    asked = [panel for rank, panel in by_rank if rank < len(cases)]
    rest = [(_heading(panel), panel) for rank, panel in by_rank if rank == len(cases)]
    order = list(panels.GROUPS.values())
    events = {event["kind"] for run in runs for event in (run["record"] or records.EMPTY)["events"]}
    found = names | events | {case["kind"] for case in cases}
    placed = [
        *([loss | {"part": LOSS, "heading": ""}] if loss else []),
        *(panel | {"part": OPEN, "heading": GLANCE} for panel in first if panel is not loss),
        *(panel | {"part": OPEN, "heading": WRONG} for panel in asked),
        *(p | {"part": FOLDED, "heading": h} for h, p in sorted(rest, key=lambda pair: order.index(pair[0]))),
    ]
    return [panel | {"read": _read(panel, found)} for panel in placed]


def _read(panel: Document, found: Container[str]) -> str:
    """Return how a panel is read, with what is to be said where something was found."""
    notes = [said for what, said in panel.get("notes", ()) if what in found]
    return " ".join(dict.fromkeys([*filter(None, [panel["read"]]), *notes]))


def _shown(panel: Document, names: Iterable[str]) -> list[str]:
    """Return those of some series that a panel shows."""
    return [name for name in names if any(fnmatch.fnmatchcase(name, like) for like in panel["series"])]


def _with_maps(curves: list[Document], runs: Iterable[Document]) -> list[Document]:
    """Return the panels of curves with those of heat maps, each behind the first that is about the same, or last."""
    maps = {layers["name"]: layers for run in runs for layers in (run["record"] or records.EMPTY)["layers"]}
    there = list(curves)
    for name, layers in reversed(maps.items()):
        kinds, section = layers["kinds"], layers["section"]
        same = [p for p in curves if p["section"] == section and set(p["kinds"]) & set(kinds)] or curves[-1:]
        panel = Panel(layers["title"], layers["unit"], section, (name,), tuple(kinds)).as_data() | {"map": True}
        there.insert(there.index(same[0]) + 1 if same else 0, panel)
    return there


def _loss(first: Sequence[Document], there: Sequence[Document], runs: Sequence[Document]) -> Document | None:
    """Return the panel beside the first verdict: losses after epochs or, where at most one is finite, after batches."""
    of_batches = next((panel for panel in there if tags.LOSS.name in panel["series"]), None)
    if not first or of_batches is None:
        return first[0] if first else of_batches
    found = (run["series"][name]["values"] for run in runs for name in _shown(first[0], run["series"]))
    longest = max(sum(value is not None for value in values) for values in found)
    return first[0] if longest > 1 else of_batches


def _concerns(panel: Document, case: Document, runs: Iterable[Document]) -> bool:
    """Whether one of the verdicts of a case is on what a panel shows."""
    if panel["map"]:  # for comparison those of other runs, too
        return case["kind"] in panel["kinds"]
    there = [run for run in runs if run["name"] in case["runs"] and _shown(panel, run["series"])]
    series = [v["series"] for run in there for v in run["record"]["verdicts"] if v["kind"] == case["kind"]]
    return bool(there) and (case["kind"] in panel["kinds"] or bool(_shown(panel, series)))


def _heading(panel: Document) -> str:
    """Return under what a panel stands that is folded, by the longest section with which its own begins."""
    sections = sorted(panels.GROUPS, key=len, reverse=True)
    return panels.GROUPS[next(each for each in sections if not each or f"{panel['section']}.".startswith(f"{each}."))]


# --- their limits ----------------------------------------------------------------------------------------------------


def limits_of(record: Mapping[str, Any] | None, series: Mapping[str, Document]) -> Document:
    """Return by series the limits that it is beyond, of the verdicts on it: `{"value", "level", "direction"}`.

    It is the limit of the level of a verdict or, where one number is that of both or only the other is reached, that.
    """
    found: Document = {}
    for verdict in record["verdicts"] if record else ():
        name, level = verdict["series"], verdict["level"]
        lines = record["lines"].get(name, ()) if record and name in series and level != "ok" else ()
        own = [line for line in lines if verdict["kind"] in re.split(": |, ", line["label"])]
        beyond = [line for line in own if _is_beyond(line, series[name]["values"])]
        for line in [line for line in beyond if line["label"].startswith(level)] or beyond:
            limit = {"value": line["value"], "level": level, "direction": line["direction"]}
            found[name] = [*(each for each in found.get(name, ()) if each != limit), limit]
    return found


def _is_beyond(line: Mapping[str, Any], values: Iterable[float | None]) -> bool:
    if isinstance(line["value"], str) or not line["direction"]:
        return False
    known = (value for value in values if value is not None)
    return any(value >= line["value"] if line["direction"] == "above" else value <= line["value"] for value in known)
