"""Scripts x callbacks, as a Markdown table: `python -m tests.scripts.table [--optimizers NAME ...] [--kinds NAME ...]`.

A cell says how the training with that callback differs from the bare one: `=` where every bit of logs and weights is
the same, else the largest relative difference, or the error. The last columns are the last loss without callbacks, and
with all of them.
"""

import argparse
import sys
import tempfile
import warnings

from . import KINDS
from .runs import OPTIMIZERS, WATCHING, bare, can_watch, difference, made, train, watching


def watched(kind, watcher, optimizer):
    """Return one training with a callback, or with all; None where there is none, and the error where it fails."""
    if kind.loop or (watcher in WATCHING and not can_watch(watcher, kind)):
        return None
    with tempfile.TemporaryDirectory() as log_dir, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            bare(kind.name, optimizer)  # before the seeds are set for the other
            model, arguments = made(kind, optimizer)
            if watcher in WATCHING:
                listed = [WATCHING[watcher](kind, arguments, log_dir)]
            else:
                listed = watching(kind, arguments, log_dir)
            return train(kind, model, arguments, listed)
        except Exception as error:
            return error


def cell(kind, optimizer, run):
    """Return what one training says beside the bare one."""
    if run is None or isinstance(run, Exception):
        return "" if run is None else type(run).__name__
    value = difference(bare(kind.name, optimizer), run)
    return "=" if value == 0 else f"{value:.0e}"


def last_loss(kind, run):
    """Return the last loss of a training, where it tells one."""
    logs = run.logs[-1] if run and not isinstance(run, Exception) else {}
    return f"{logs[kind.monitor]:.6g}" if kind.monitor in logs else ""


def table(optimizers=("Momentum", "keras SGD"), kinds=tuple(KINDS)):
    """Yield the lines of the table, as they are known."""
    columns = [*WATCHING, "all"]
    yield f"| optimizer | kind | {' | '.join(columns)} | loss | with all |"
    yield f"|{'---|' * (len(columns) + 4)}"
    for optimizer in optimizers:
        for kind in (KINDS[name] for name in kinds):
            if kind.is_available:
                runs = [watched(kind, watcher, optimizer) for watcher in columns]
                cells = [cell(kind, optimizer, run) for run in runs]
                losses = [last_loss(kind, bare(kind.name, optimizer)), last_loss(kind, runs[-1])]
                yield f"| {optimizer} | {kind.name} | {' | '.join([*cells, *losses])} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--optimizers", nargs="+", choices=OPTIMIZERS, default=["Momentum", "keras SGD"])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    asked = parser.parse_args()
    for line in table(asked.optimizers, asked.kinds):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
