"""Print what a Diagnosis has found in each run below a folder, and what to do about it.

The exit status is 1 if a verdict calls for action, 0 if none does, and 2 if there is nothing to read. Runs are what
`keras_ch8.callbacks.TensorBoard` has written beside `keras_ch8.callbacks.Diagnosis`:

    python -m keras_ch8 diagnose logs
"""

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("logdir", metavar="LOGDIR", help="a folder of runs, or of folders of runs")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; return whether one calls for action, and 2 if there is nothing to read."""
    from ..cockpit import event_files, text

    try:
        document = event_files.read(arguments.logdir)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{text.in_words(document)}\n")
    return int(text.must_act(document))
