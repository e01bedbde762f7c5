"""Print what is wrong with each run below a folder, and the code that fixes it; of several runs first a table.

The exit status is 1 if a verdict on any run calls for action, 3 if none does and a run was little checked, 0 if all is
well or only worth watching, and 2 if there is nothing to read. Runs are what `keras_ch8.Doctor("logs")` has written:

    python -m keras_ch8 diagnose logs
"""

import argparse
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
    place = {ranked["name"]: number for number, ranked in enumerate(document["ranking"])}
    runs = sorted(document["runs"], key=lambda one: place.get(one["name"], 0))
    parts = [str(_table(runs, document["ranking"]))] if len(runs) > 1 else []
    text = "\n\n".join([*parts, page.in_words({**document, "runs": runs})])
    sys.stdout.write(coloured(f"{text}\n", sys.stdout))
    states = {one["state"]["name"] for one in runs}
    return next((status for state, status in STATUS.items() if state in states), 0)


def _table(runs: Sequence[Mapping[str, Any]], ranking: Sequence[Mapping[str, Any]]) -> Table:
    """Return the runs in order: the loss of each, how many times the best that is, and what to fix first."""
    of = {ranked["name"]: ranked for ranked in ranking}
    rows = []
    for one in runs:
        ranked, state = of.get(one["name"], {}), one["state"]["name"].replace("_", " ").upper()
        wrong = [verdict["kind"] for verdict in (one["record"] or {}).get("verdicts", ()) if verdict["level"] != "ok"]
        rows.append((one["name"], ranked.get("loss"), ranked.get("times"), state, wrong[0] if wrong else ""))
    columns = ("run", ranking[0]["metric"] if ranking else "loss", "times the best", "state", "fix first")
    return Table(columns, rows, marked=0 if ranking and ranking[0]["loss"] is not None else None)
