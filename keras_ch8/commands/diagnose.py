"""Print what a Diagnosis has found in each run below a folder, and what to do about it.

The exit status is 1 if a verdict on any run calls for action, 3 if none does and a run was little checked, 0 if all is
well or only worth watching, and 2 if there is nothing to read. Runs are what `keras_ch8.callbacks.TensorBoard` has
written beside `keras_ch8.callbacks.Diagnosis`:

    python -m keras_ch8 diagnose logs
"""

import argparse
import sys

STATUS = {"act": 1, "little_checked": 3}
"""The exit status of each state, the first that a run has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("log_dir", metavar="LOG_DIR", help="a folder of runs, or of folders of runs")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; return what the states of the runs say."""
    from ..cockpit import event_files, page

    document = event_files.read(arguments.log_dir)
    sys.stdout.write(f"{page.in_words(document)}\n")
    states = {run["state"]["name"] for run in document["runs"]}
    return next((status for state, status in STATUS.items() if state in states), 0)
