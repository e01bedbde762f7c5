"""Lets `keras_ch8.cure` find the fixes of planted runs, and counts what it proposes.

.venv/bin/python -m benchmarks.diagnosis.cures --group 1 --seeds 0
"""

import argparse
import collections
import multiprocessing
import os

from . import confusion


def judge(name, seed, **options):
    """Return what is tried for one planted run, and whether something is proposed."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS="1")
    import keras_ch8

    planted = next(run for run in confusion.chosen() if run.name == name)
    run = planted.make(seed)
    proof = keras_ch8.cure(
        lambda: planted.make(seed).model, (run.x, run.y), validation_data=run.probe,
        fit={"batch_size": run.batch_size, "epochs": run.epochs, **run.options}, **options,
    )  # fmt: skip
    tried = [
        {
            "kind": " + ".join(verdict.kind for verdict in each.cures),
            "level": each.judgement.level if each.judgement else "not tried",
        }
        for each in proof.tried
    ]
    return {"name": name, "seed": seed, "kind": planted.kind, "state": proof.state, "tried": tried, "said": repr(proof),
            "seconds": proof.seconds}  # fmt: skip


def table(rows):
    """Return how many runs have a proven patch, and how often each fix was proven where it was tried."""
    lines = []
    for name, of in (("sick", [row for row in rows if row["kind"]]), ("healthy", [r for r in rows if not r["kind"]])):
        states = collections.Counter(row["state"] for row in of)
        lines.append(f"{name}: {len(of)} runs, {', '.join(f'{state} {count}' for state, count in states.items())}")
    levels = collections.Counter((tried["kind"], tried["level"]) for row in rows for tried in row["tried"])
    return "\n".join([*lines, *(f"  {kind}, {level}: {count}" for (kind, level), count in sorted(levels.items()))])


def _judge(task):
    return judge(*task)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", nargs="+", type=int, default=[1])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--names", nargs="+")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    names = options.names or [run.name for run in confusion.chosen(groups=options.group)]
    tasks = [(name, seed) for name in names for seed in options.seeds]
    with multiprocessing.get_context("spawn").Pool(options.processes, maxtasksperchild=4) as pool:
        rows = []
        for row in pool.imap(_judge, tasks):
            print(f"{row['state']:8} {row['name']} {row['seed']} {row['seconds']:.0f} s: {row['said']}", flush=True)
            rows.append(row)
    print(table(rows))


if __name__ == "__main__":
    main()
