"""Optimizers on six small workloads by the protocol of `keras_ch8.compare`: tuned alike, five seeds, time to a target.

    python benchmarks/compare.py                      # 20 minutes of two cores at most; docs/compare.md and .json
    python benchmarks/compare.py --quick              # two of them, two optimizers: that it runs

It needs scikit-learn and SciPy. Our Adam and Keras's are one algorithm: their losses must not differ, and the protocol
is suspect if they do, or if one optimizer wins everywhere. Of `quadratic_deep` the losses that DeepOBS has published
are reproduced at its own settings.
"""

import json
import statistics
import time

import harness
import keras
import numpy as np
from compare_workloads import WORKLOADS, itself, quadratic, quadratic_data

from keras_ch8 import choosing, optimizers, schedules
from keras_ch8.choosing._numbers import holm, paired_test

PUBLISHED = {"SGD": 87.4, "heavy ball": 87.2, "Adam": 87.9}
"""Losses of DeepOBS on its test set after 100 epochs."""


def candidates(solver, quick):
    """Return what is compared: the two Adams alone, if it is to be quick."""
    found = {
        "Adam": optimizers.Adam(3e-3),
        "Keras Adam": keras.optimizers.Adam(3e-3),
        "heavy ball": optimizers.Momentum(0.03, momentum=0.9),
        "heavy ball, cosine": optimizers.Momentum(schedules.CosineDecay(0.03), momentum=0.9),
    }
    if quick:
        return {name: found[name] for name in ("Adam", "Keras Adam")}
    return found | ({"L-BFGS": optimizers.LBFGS()} if solver else {})


def compared(name, quick):
    """Return the comparison on a workload."""
    load = WORKLOADS[name]
    data, held_out = load.data()
    if quick:
        data = tuple(part[:200] for part in data)
    return choosing.compare(
        candidates(load.solver, quick), load.model, data, target=load.target, epochs=2 if quick else load.epochs,
        seeds=2 if quick else 5, trials=2 if quick else 5, validation_data=held_out, batch_size=load.batch_size,
        verbose=0,
    )  # fmt: skip


def published(seeds, epochs):
    """Return the losses of three optimizers on quadratic_deep, as DeepOBS ran them, for each seed.

    Its settings, batches of 128 that are drawn once, the last of an epoch left out; measured on 896 test points.
    """
    made = {
        "SGD": lambda: optimizers.SGD(10**-1.8),
        "heavy ball": lambda: optimizers.Momentum(10**-2.6, momentum=0.99),
        "Adam": lambda: optimizers.Adam(10**-1.4),
    }
    (x, y), (x_test, y_test) = quadratic_data()
    found = {}
    for name, optimizer in made.items():
        found[name] = []
        for seed in range(seeds):
            model = quadratic()
            model.compile(optimizer(), itself)
            drawn = np.random.default_rng(seed).permutation(1000)[:896]
            model.fit(x[drawn], y[drawn], batch_size=128, epochs=epochs, shuffle=False, verbose=0)
            found[name].append(model.evaluate(x_test[:896], y_test[:896], batch_size=896, verbose=0))
    return found


def of_adams(found):
    """Return how our Adam compares with Keras's: differences of the loss, and the ratio of CPU seconds."""
    names = found.names
    ours, theirs = names.index("Adam"), names.index("Keras Adam")
    test = found.differences()["Adam", "Keras Adam"]
    ratios = found.cpu_seconds[ours] / found.cpu_seconds[theirs]
    return {
        "difference": test.difference,
        "margin": test.margin,
        "p": paired_test(found.values[ours], found.values[theirs]).p,
        "p_holm_of_all_pairs": test.p,
        "cpu_ratio": statistics.median(map(float, ratios)),
        "cpu_ratios": [float(ratio) for ratio in ratios],
    }


def as_json(found):
    """Return a comparison as plain data."""
    return {
        "target": found.target,
        "winner": found.winner,
        "said": [repr(found), *found.sentences],
        "candidates": {
            one.name: {
                "setting": dict(one.setting),
                "band": None if np.isnan(one.band[0]) else one.band,
                "tried": [[dict(setting), run.last] for setting, run in zip(one.tried, one.tuning, strict=True)],
                "seconds_to_target": [None if np.isinf(x) else float(x) for x in found.time_to_target[i]],
                "steps_to_target": [None if np.isinf(x) else float(x) for x in found.steps_to_target[i]],
                "loss": [float(x) for x in found.values[i]],
                "cpu_seconds": [float(x) for x in found.cpu_seconds[i]],
            }
            for i, one in enumerate(found.contenders)
        },
        "adams": of_adams(found),
    }


def median(values):
    """Return the median as a text; None is infinite."""
    middle = statistics.median(float("inf") if value is None else value for value in values)
    return "missed" if middle == float("inf") else f"{middle:.3g}"


def page(results):
    """Return the document."""
    lines = [
        INTRODUCTION,
        "## Winners\n",
        "| workload | loss to reach | first | in s (CPU) | after it |",
        "|---|---|---|---|---|",
    ]
    loads = results["workloads"]
    for name, one in loads.items():
        order = sorted(one["candidates"], key=lambda c: _time(one["candidates"][c]))
        best = one["candidates"][order[0]]["seconds_to_target"]
        after = ", ".join(f"{c} {median(one['candidates'][c]['seconds_to_target'])}" for c in order[1:])
        lines.append(f"| {name} | {one['target']} | {order[0]} | {median(best)} | {after} |")
    lines += [f"\n{SAME} (paired t test, Holm) between\n"]
    for name, one in loads.items():
        lines += [f"- {name}: {said.split(SAME + ' between ')[-1].split(' (paired')[0]}" for said in one["said"][1:]]
    lines += ["\n## Our Adam and Keras's Adam\n", ADAMS]
    lines += [
        "| workload | difference of the loss | p | p after Holm, of these six | CPU, ours / Keras's |",
        "|---|---|---|---|---|",
    ]
    corrected = holm([one["adams"]["p"] for one in loads.values()])
    for (name, one), p in zip(loads.items(), corrected, strict=True):
        a = one["adams"]
        lines.append(
            f"| {name} | {a['difference']:.2g} ± {a['margin']:.2g} | {a['p']:.2g} | {p:.2g} | {a['cpu_ratio']:.2f} |"
        )
    lines += [
        "\n## All runs\n",
        "| workload | optimizer | s to the target, median (from, to) | steps | missed | loss at the end (from, to) | "
        "CPU s of a training | setting | within 5 % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in loads.items():
        for optimizer, c in sorted(one["candidates"].items(), key=lambda item: _time(item[1])):
            reached = [x for x in c["seconds_to_target"] if x is not None]
            ends = f" ({min(reached):.3g}, {max(reached):.3g})" if reached else ""
            setting = ", ".join(f"{key} {value:.2g}" for key, value in c["setting"].items()) or "its own"
            band = f"{c['band'][0]:.2g} to {c['band'][1]:.2g}" if c["band"] else ""
            losses, cpu = c["loss"], statistics.median(c["cpu_seconds"])
            lines.append(
                f"| {name} | {optimizer} | {median(c['seconds_to_target'])}{ends} | {median(c['steps_to_target'])} | "
                f"{c['seconds_to_target'].count(None)} of {len(losses)} | {statistics.median(losses):.4g} "
                f"({min(losses):.4g}, {max(losses):.4g}) | {cpu:.2f} | {setting} | {band} |"
            )
    lines += [
        "\n## The losses of DeepOBS\n",
        PUBLISHED_TEXT,
        "| optimizer | DeepOBS | here, median (from, to) | apart |",
        "|---|---|---|---|",
    ]
    for name, losses in results["published"].items():
        here = statistics.median(losses)
        lines.append(
            f"| {name} | {PUBLISHED[name]} | {here:.2f} ({min(losses):.2f}, {max(losses):.2f}) | "
            f"{100 * abs(here / PUBLISHED[name] - 1):.2f} % |"
        )
    return "\n".join(lines) + "\n"


def _time(candidate):
    times = [float("inf") if x is None else x for x in candidate["seconds_to_target"]]
    return statistics.median(times), statistics.median(candidate["loss"])


INTRODUCTION = """# Optimizers compared

Made by `python benchmarks/compare.py` with `keras_ch8.compare`: each optimizer gets five trials, with learning rates
spaced evenly on a log scale from 1/30 to 30 times a usual one, and up to three more if the best lies at a boundary.
The best setting is run with five new seeds. The measure is the time until the held-out loss reaches a target,
including tracing and compiling, in seconds on one core. L-BFGS sees all examples in each step and has nothing to
tune. `schedule_factor` multiplies the learning rates of a schedule.
"""

SAME = "No significant difference in the time to the target"
"""What `keras_ch8.compare` says of those that are no slower than the first, as far as is known."""

ADAMS = """Final loss, ours minus Keras's, with the 95 % interval and p of a paired t test; and CPU seconds of a whole
training, as the median of the ratios per seed. In a model with one variable, our update does not win back the time
that its compilation takes. The two algorithms differ only in epsilon: Keras adds 1e-7 to the root of r before the
bias correction, which acts like 3e-6 in the first step; the book adds 1e-8 after it.
"""

PUBLISHED_TEXT = """`quadratic_deep` with DeepOBS's own draws, settings and number of epochs (100); batches of 128 that
are drawn once, as in its runs. Loss on its test set.
"""


def main():
    """Run it all."""
    args = harness.options(__doc__, "docs/compare.json", quick=False, only="")
    results = {"workloads": {}}
    names = [args.only] if args.only else list(WORKLOADS)[: 2 if args.quick else None]
    for name in names:
        start = time.process_time()
        found = compared(name, args.quick)
        print(f"\n{name}: {time.process_time() - start:.0f} CPU seconds\n{found}", flush=True)
        results["workloads"][name] = as_json(found)
    if args.only:
        return
    results["published"] = published(2 if args.quick else 5, 3 if args.quick else 100)
    for name, losses in results["published"].items():
        print(f"DeepOBS {name}: {statistics.median(losses):.2f}, published {PUBLISHED[name]}")
    if not args.quick:
        harness.save(args.json, results, page(results))
    winners = {name: one["winner"] for name, one in results["workloads"].items()}
    print(json.dumps(winners, indent=1))


if __name__ == "__main__":
    main()
