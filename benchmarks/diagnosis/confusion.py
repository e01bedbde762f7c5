"""Judges the planted runs and prints the confusion table.

.venv/bin/python -m benchmarks.diagnosis.confusion --split judged_once --seeds 0 1 2 --processes 2
"""

import argparse
import collections
import concurrent.futures
import importlib
import multiprocessing
import os
import time

TOPICS = (
    "step_length", "conditioning", "batch_size", "flat_regions", "cliffs", "depth", "recurrent", "units", "batch_norm",
    "scale", "generalization", "healthy_images", "healthy_sequences", "healthy_tables", "wrong_set_up", "wrong_course",
    "healthy_practice", "faults_of_set_up", "faults_of_course", "healthy_at_second_sight", "users_set_up",
    "users_course", "users_healthy", "strangers_sick", "strangers_healthy",
    "newcomers_set_up", "newcomers_course", "newcomers_healthy",
    "visitors_set_up", "visitors_course", "visitors_healthy",
    "travellers_set_up", "travellers_course", "travellers_healthy",
)  # fmt: skip
SPLITS = ("calibration", "judged_once")


def runs_of(topic):
    """Return the planted runs of one file."""
    from . import runs

    module = importlib.import_module(f".{topic}", __package__)
    return [run for run in runs.RUNS if run.build.__module__ == module.__name__]


def chosen(split=None, groups=None, topics=TOPICS):
    """Return the runs of these topics that are in this split and in one of these groups; all of them by default."""
    return [
        run
        for topic in topics
        for run in runs_of(topic)
        if split in (None, run.split) and (groups is None or run.group in groups)
    ]


def judge(name, seed):
    """Train one run as it is, with the default diagnosis, and return what is said of it."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS="1")
    import keras_ch8

    from . import runs

    planted = next(run for run in chosen() if run.name == name)
    run, begin = planted.make(seed), time.perf_counter()
    diagnosis = keras_ch8.callbacks.Diagnosis(run.probe)
    runs.fit(run, [diagnosis])
    said = {v.kind: v.level for v in diagnosis.verdicts if v.level != "ok"}
    of = {"name": name, "kind": planted.kind, "also": planted.also, "seed": seed}
    return of | {"said": said, "seconds": time.perf_counter() - begin}


def is_right(result):
    """Whether the planted trouble is named; of a healthy run, whether nothing calls for action."""
    if not result["kind"]:
        return "act" not in result["said"].values()
    return not {result["kind"], result["also"]}.isdisjoint(result["said"])


def judge_all(names, seeds=(0,), processes=2):
    """Return what is said of the runs with these names; in processes of their own, since graphs stay."""
    tasks = [(name, seed) for name in names for seed in seeds]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        return list(pool.map(judge, *zip(*tasks, strict=True)))


def table(results):
    """Return a line for each run: how often it was judged rightly, and how often anything was said of it."""
    lines = [f"{'run':44}{'planted':18}{'right':>7}   said (act / watch)"]
    for name, group in _grouped(results, "name"):
        said = collections.Counter((kind, level) for r in group for kind, level in r["said"].items())
        kinds = sorted({kind for kind, _ in said}, key=lambda k: (-said[k, "act"], -said[k, "watch"]))
        words = ", ".join(f"{kind} {said[kind, 'act']}/{said[kind, 'watch']}" for kind in kinds)
        right = f"{sum(map(is_right, group))}/{len(group)}"
        lines.append(f"{name:44}{group[0]['kind'] or 'healthy':18}{right:>7}   {words}")
    sick, healthy = ([r for r in results if bool(r["kind"]) == is_sick] for is_sick in (True, False))
    for what, group in (("sick runs named", sick), ("healthy runs without an act", healthy)):
        lines.append(f"{what}: {sum(map(is_right, group))} of {len(group)}")
    return "\n".join(lines)


def _grouped(results, key):
    groups = collections.defaultdict(list)
    for result in results:
        groups[result[key]].append(result)
    return groups.items()


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=SPLITS, help="all runs, if neither this nor a group or a topic is named")
    parser.add_argument("--group", nargs="+", type=int, help="groups of runs by one author each, from 1 to 18")
    parser.add_argument("--topic", nargs="+", default=TOPICS, choices=TOPICS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    names = [run.name for run in chosen(options.split, options.group, options.topic)]
    if not names:
        parser.error("no run is in this split, this group and this topic at once")
    begin = time.perf_counter()
    print(table(judge_all(names, options.seeds, options.processes)), f"{time.perf_counter() - begin:.0f} s", sep="\n")


if __name__ == "__main__":
    main()
