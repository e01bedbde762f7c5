"""Print what is wrong with each run below a folder, and the code that fixes it; of several runs first a table.

The exit status is 1 if a verdict on any run calls for action, 3 if none does and a run was little checked, 0 if all is
well or only worth watching, and 2 if there is nothing to read. Runs are what `keras_ch8.Doctor("logs")` has written:

    python -m keras_ch8 diagnose logs
"""

import argparse
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from .._result import Table, coloured
from ..verdicts.state import STATES
from . import _json

STATUS = {"act": 1, "little_checked": 3}
"""The exit status of each state, the first that a run has."""
_WIDTH = 48
"""Of what the table says of a run, in characters."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("log_dir", metavar="LOG_DIR", help="a folder of runs, or of folders of runs")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, as docs/verdicts.schema.json has it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; return what the states of the runs say."""
    from ..cockpit import event_files, page

    document = event_files.read(arguments.log_dir)
    named = {one["name"]: one for one in document["runs"]}
    runs = [named[name] for row in document["rows"] for name in row["runs"]]  # the best first
    states = {one["state"]["name"] for one in runs}
    status = next((status for state, status in STATUS.items() if state in states), 0)
    if arguments.json:
        sys.stdout.write(_json.report("diagnose", map(_json.of_document, runs)))
        return status
    parts = [str(_table(document))] if len(document["rows"]) > 1 else []
    text = "\n\n".join([*parts, page.in_words({**document, "runs": runs})])
    sys.stdout.write(coloured(f"{text}\n", sys.stdout))
    return status


def _table(document: Mapping[str, Any]) -> Table:
    """Return the table of the page in 80 columns: each candidate, its loss, and how it stands."""
    rows = [(row["name"], row["cells"][0][1], _in_words(row["said"])) for row in document["rows"]]
    is_best = any(level == "best" for level, _ in document["rows"][0]["said"])
    return Table(("run", document["columns"][0][0], "state"), rows, marked=0 if is_best else None)


def _in_words(said: Sequence[tuple[str, str]]) -> str:
    levels = {state: f"{state.replace('_', ' ').upper()} " for state in STATES}
    text = ", ".join(levels.get(level.partition(".")[0], "") + words for level, words in said)
    return textwrap.shorten(text, _WIDTH, placeholder=" ...")
