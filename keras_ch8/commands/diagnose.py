"""Print what is wrong with each run below a folder, and the code that fixes it; of several runs first a table.

The exit status is 1 if a verdict on any run calls for action, 3 if none does and a run was little checked, 0 if all is
well or only worth watching, and 2 if there is nothing to read. Runs are what `keras_ch8.Doctor("logs")` has written:

    python -m keras_ch8 diagnose logs
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .._result import Table, coloured

STATUS = {"act": 1, "little_checked": 3}
"""The exit status of each state, the first that a run has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("log_dir", metavar="LOG_DIR", help="a folder of runs, or of folders of runs")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; return what the states of the runs say."""
    from ..cockpit import event_files, page

    document = event_files.read(arguments.log_dir)
    of, losses = _losses(document["runs"])
    runs = sorted(document["runs"], key=lambda one: losses[one["name"]])
    parts = [str(_table(runs, of, losses))] if len(runs) > 1 else []
    text = "\n\n".join([*parts, page.in_words({**document, "runs": runs})])
    sys.stdout.write(coloured(f"{text}\n", sys.stdout))
    states = {one["state"]["name"] for one in runs}
    return next((status for state, status in STATUS.items() if state in states), 0)


def _losses(runs: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, float]]:
    """Return by what runs are compared, and that of each: the best loss of validation, if any run has one."""
    held_out = {one["name"]: (one["summary"]["validation"] or {}).get("best") for one in runs}
    own = {one["name"]: one["summary"]["loss"] for one in runs}
    of, found = ("loss", own) if set(held_out.values()) == {None} else ("best val_loss", held_out)
    return of, {name: loss if isinstance(loss, float) else math.inf for name, loss in found.items()}


def _table(runs: Sequence[Mapping[str, Any]], of: str, losses: Mapping[str, float]) -> Table:
    """Return the runs, best first, with how many times the best loss each has, and what to fix first."""
    best = losses[runs[0]["name"]]
    rows = []
    for one in runs:
        loss = losses[one["name"]]
        is_known = math.isfinite(loss)
        times = loss / best if is_known and best > 0 else None
        state = one["state"]["name"].replace("_", " ").upper()
        wrong = [verdict["kind"] for verdict in (one["record"] or {}).get("verdicts", ()) if verdict["level"] != "ok"]
        rows.append((one["name"], loss if is_known else None, times, state, wrong[0] if wrong else ""))
    return Table(("run", of, "times the best", "state", "fix first"), rows, 0 if math.isfinite(best) else None)
