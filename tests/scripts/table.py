"""Scripts x callbacks, as a Markdown table: `python -m tests.scripts.table [--optimizers NAME ...] [--kinds NAME ...]`.

A cell says how the training with that callback differs from the bare one: `=` where every bit of logs and weights is
the same, else the largest relative difference, or the error.
"""

import argparse
import sys
import tempfile
import warnings

from . import KINDS
from .runs import OPTIMIZERS, WATCHING, bare, can_watch, difference, made, train, watching


def cell(kind, watcher, optimizer):
    """Return what one training with a callback, or with all, says beside the bare one."""
    if kind.loop or (watcher in WATCHING and not can_watch(watcher, kind)):
        return ""
    with tempfile.TemporaryDirectory() as log_dir, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plain = bare(kind.name, optimizer)  # before the seeds are set for the other
            model, arguments = made(kind, optimizer)
            if watcher in WATCHING:
                listed = [WATCHING[watcher](kind, arguments, log_dir)]
            else:
                listed = watching(kind, arguments, log_dir)
            value = difference(plain, train(kind, model, arguments, listed))
        except Exception as error:
            return type(error).__name__
    return "=" if value == 0 else f"{value:.0e}"


def table(optimizers=("Momentum", "keras SGD"), kinds=tuple(KINDS)):
    """Yield the lines of the table, as they are known."""
    columns = [*WATCHING, "all"]
    yield f"| optimizer | kind | {' | '.join(columns)} |"
    yield f"|{'---|' * (len(columns) + 2)}"
    for optimizer in optimizers:
        for kind in (KINDS[name] for name in kinds):
            if kind.is_available:
                cells = [cell(kind, watcher, optimizer) for watcher in columns]
                yield f"| {optimizer} | {kind.name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--optimizers", nargs="+", choices=OPTIMIZERS, default=["Momentum", "keras SGD"])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    asked = parser.parse_args()
    for line in table(asked.optimizers, asked.kinds):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
