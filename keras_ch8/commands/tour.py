"""Watch a network that learns nothing be diagnosed and fixed: a demo of a minute on real handwritten digits.

It needs scikit-learn (`pip install "keras_ch8[examples]"`), prints one screen, and opens nothing:

    python -m keras_ch8 tour
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--logs", default="runs/tour", metavar="FOLDER", help="where the logs go; runs/tour if not given"
    )
    parser.add_argument("--quick", action="store_true", help="fewer epochs, for tests")


def run(arguments: argparse.Namespace) -> int:
    """Play the demo."""
    from .. import tour

    tour.main(arguments.logs, epochs=3 if arguments.quick else tour.EPOCHS)
    return 0
