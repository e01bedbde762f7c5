"""Tries the first cure of every verdict that calls for action, mechanically, and counts how often it helps.

.venv/bin/python -m benchmarks.diagnosis.cures --group 1 --seeds 0
"""

import argparse
import collections
import multiprocessing
import os
import time

from . import confusion

ALL = "all together"
"""Stands for a kind where all cures of a run are applied."""


def tried(build, data, *, held_out, batch_size, epochs, seed, **options):
    """Return for each verdict that calls for action: kind, place in the list, whether it left, both losses, reason.

    As `keras_ch8.cure` does it, with one training without a cure for all of them.
    """
    from keras_ch8 import _cure

    def trained(code="", kind="", without=None):
        fit = _cure.Fit(*data, batch_size, epochs, seed, held_out, options)
        fit.prepare(build, code)
        fit.run(_cure.steps_like(kind, without or fit, fit))
        return fit

    sick, found = trained(), []
    for place, verdict in enumerate(v for v in sick.verdicts if v.level == "act"):
        row = {"kind": verdict.kind, "place": place, "cure": verdict.cure, "code": verdict.code, "reason": ""}
        found.append(row)
        if not verdict.code:
            row["reason"] = "no code"
            continue
        try:
            cured = trained(verdict.code, verdict.kind, sick)
        except Exception as error:
            row["reason"] = f"{type(error).__name__}: {error}"[:200]
            continue
        row["left"] = not any(v.kind == verdict.kind and v.level == "act" for v in cured.verdicts)
        _, row["losses"] = _cure.compared(verdict.kind, sick, cured)
        row["now"] = [v.kind for v in cured.verdicts if v.level == "act"]
    codes = list(dict.fromkeys(v.code for v in sick.verdicts if v.level == "act" and v.code))
    if len(codes) > 1:
        found.append(together(trained, sick, codes))
    return found


def together(trained, sick, codes):
    """Return the same for all cures of a run at once, in the order of its verdicts: several things may be wrong."""
    row = {"kind": ALL, "place": -1, "cure": f"{len(codes)} cures", "code": "\n".join(codes), "reason": ""}
    try:
        cured = trained(row["code"], "", sick)
    except Exception as error:
        return row | {"reason": f"{type(error).__name__}: {error}"[:200]}
    now = [v.kind for v in cured.verdicts if v.level == "act"]
    from keras_ch8 import _cure

    return row | {"left": not set(now) & {v.kind for v in sick.verdicts if v.level == "act"}, "now": now,
                  "losses": _cure.compared("", sick, cured)[1]}  # fmt: skip


def judge(name, seed):
    """Try the cures of one planted run."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS="1")
    planted = next(run for run in confusion.chosen() if run.name == name)
    run, begin = planted.make(seed), time.perf_counter()
    found = tried(
        lambda: planted.make(seed).model, (run.x, run.y), held_out=run.probe, batch_size=run.batch_size,
        epochs=run.epochs, seed=seed, **run.options,
    )  # fmt: skip
    return [row | {"name": name, "seed": seed, "seconds": time.perf_counter() - begin} for row in found]


def _judge(task):
    return judge(*task)


def helps(row):
    """Whether the verdict left and the loss fell."""
    return not row["reason"] and row["left"] and row["losses"][1] < row["losses"][0]


def table(rows):
    """Return a line for each cure, and how often the verdict left, the loss fell, and both."""
    lines = []
    for row in rows:
        said = row["reason"] or (
            f"{'left' if row['left'] else 'stays'}, {row['losses'][0]:.4g} -> {row['losses'][1]:.4g}; act {row['now']}"
        )
        lines.append(
            f"{'+' if helps(row) else '-'} {row['name']} {row['seed']} {row['kind']} ({row['cure'][:60]}): {said}"
        )
    runs = [row for row in rows if row["kind"] == ALL]
    rows = [row for row in rows if row["kind"] != ALL]
    lines.append(summary("all cures of a run together, where there are several", runs))
    lines.append(summary("all that call for action", rows))
    lines.append(summary("the first of each run", [row for row in rows if row["place"] == 0]))
    by_kind = collections.Counter((row["kind"], helps(row)) for row in rows)
    kinds = sorted({kind for kind, _ in by_kind})
    lines += [f"  {kind}: {by_kind[kind, True]} of {by_kind[kind, True] + by_kind[kind, False]}" for kind in kinds]
    return "\n".join(lines)


def summary(what, rows):
    """Return in one line how often the verdict left, the loss fell, and both."""
    there = [row for row in rows if not row["reason"]]
    left = sum(row["left"] for row in there)
    fell = sum(row["losses"][1] < row["losses"][0] for row in there)
    both = sum(map(helps, rows))
    return f"{what}: {len(rows)} cures, {len(there)} applied, left {left}, loss lower {fell}, both {both}"


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", nargs="+", type=int, default=[1])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--names", nargs="+")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    names = options.names or [run.name for run in confusion.chosen(groups=options.group) if run.kind]
    tasks = [(name, seed) for name in names for seed in options.seeds]
    rows = []
    with multiprocessing.get_context("spawn").Pool(options.processes, maxtasksperchild=4) as pool:
        for found in pool.imap(_judge, tasks):
            rows += found
            for row in found:
                print(table([row]).splitlines()[0], f"{row['seconds']:.0f} s", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
