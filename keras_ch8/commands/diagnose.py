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
from ..verdicts.kinds import title_of
from ..verdicts.state import STATES

STATUS = {"act": 1, "little_checked": 3}
"""The exit status of each state, the first that a run has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("log_dir", metavar="LOG_DIR", help="a folder of runs, or of folders of runs")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; return what the states of the runs say."""
    from ..cockpit import event_files, page
    from ..cockpit.headline import candidates, ranking

    document = event_files.read(arguments.log_dir)
    ranked, groups = ranking(document["runs"]), candidates(document["runs"])
    groups = {one["name"]: groups[one["name"]] for one in ranked} or groups  # the best first
    runs = [one for group in groups.values() for one in group]
    parts = [str(_table(groups, ranked))] if len(groups) > 1 else []
    text = "\n\n".join([*parts, page.in_words({**document, "runs": runs})])
    sys.stdout.write(coloured(f"{text}\n", sys.stdout))
    states = {one["state"]["name"] for one in runs}
    return next((status for state, status in STATUS.items() if state in states), 0)


def _table(groups: Mapping[str, Sequence[Mapping[str, Any]]], ranked: Sequence[Mapping[str, Any]]) -> Table:
    """Return the candidates in order: the loss of each, how many times the best that is, and what to fix first."""
    of = {one["name"]: one for one in ranked}
    rows = []
    for name, runs in groups.items():
        states = {one["state"]["name"] for one in runs}
        state = next(each for each in STATES if each in states).replace("_", " ").upper()
        verdicts = [verdict for one in runs for verdict in (one["record"] or {}).get("verdicts", ())]
        wrong = [title_of(verdict["kind"]) for verdict in verdicts if verdict["level"] != "ok"]
        loss, times = (of.get(name, {}).get(key) for key in ("loss", "times"))
        rows.append((name, loss, times, state, wrong[0] if wrong else ""))
    columns = ("run", ranked[0]["metric"] if ranked else "loss", "times the best", "state", "fix first")
    return Table(columns, rows, marked=0 if ranked and ranked[0]["loss"] is not None else None)
