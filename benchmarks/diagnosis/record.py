"""Records once what each training has measured, so that `replay` can judge it by other rules.

    python -m benchmarks.diagnosis.record [--seeds 0 1 2] [planted zoo3 programs faults/NAME ...]

Each training runs in a process of its own, and has a file of its own: the next call goes on with those that have none.
Nothing of the training changes: what the judge is given is heard from outside.
"""

import contextlib
import functools
import gzip
import importlib
import itertools
import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np

from keras_ch8 import _state
from keras_ch8.callbacks.diagnosis import judging
from keras_ch8.monitors import base, progress

from . import confusion, replay

# modules that are in no package
sys.path += [str(Path(__file__).parents[1] / name) for name in ("faults", "programs")]
import cases
import scripts
import trainings as programs


def trainings():
    """Yield what is known of each training, and what runs it with a seed: planted, of sets, real, twins, programs.

    Of the kinds that are true those in `truth` are roots, and `also` is what else is true.
    """
    for run in confusion.chosen():
        truth = [kind for kind in (run.kind, run.also) if kind]  # either name is that of the root
        known = _known("planted", run.name, bool(run.kind), {"truth": truth})
        yield known, functools.partial(confusion.judge, run.name)
    for name in (*cases.OF_SETS, *cases.CASES):
        for script in cases.scripts_of(name):
            group, whole = name.split("/") if name in cases.OF_SETS else ("faults", f"{name}/{script}")
            known = _known(group, whole, script == "faulty", cases.case_of(name))
            yield known, functools.partial(scripts.told, name, script, prepare=scripts.watched)
    for name in programs.PROGRAMS:
        truth = list(importlib.import_module(name).TRUTH)
        known = _known("programs", name, bool(truth), {"truth": truth})
        yield known, functools.partial(programs.trained, name, "arrays", programs.SETS["doctor"])


def _known(group, name, is_sick, case):
    truth, also = (list(case.get(part, ())) if is_sick else [] for part in ("truth", "also"))
    return {"group": group, "name": f"{group}/{name}", "is_sick": is_sick, "truth": truth, "also": also}


@contextlib.contextmanager
def listening():
    """Yield a list that gets, after the block, what the judge of each `fit` in it was given, and what it has said."""
    fits, heard, given = [], {}, {}
    judge_log, judge_rules = judging.Judge.judge, base.judge

    def of_monitor(rules, *args):
        given[id(rules)] = args
        return judge_rules(rules, *args)

    @np.errstate(all="ignore")
    def of_log(judge, log, monitors):
        new, facts = sorted(log.new), log.facts
        given.clear()
        judged = judge_log(judge, log, monitors)
        asked = {m.name: given[id(m.rules)] for m in monitors if id(m.rules) in given and m.name not in log.left_out}
        names = "measured", "remarks", "newest", "drawn"
        *_, known, has = next(iter(asked.values()), ({}, ()))
        call = {
            "step": log.step,
            "done": log.done,
            "total": log.total,
            "new": new,
            "facts": _state.dump(facts),
            "progress": progress.progress_measured(log),
            "asked": {name: dict(zip(names, args, strict=False)) for name, args in asked.items()},
            "known": known,
            "has": sorted(fact.name for fact in has),
        }
        heard.setdefault(id(judge), (judge, log, monitors, []))[-1].append(call)
        return judged

    with mock.patch.object(judging.Judge, "judge", of_log), mock.patch.object(base, "judge", of_monitor):
        yield fits
    for judge, log, monitors, calls in heard.values():
        with mock.patch.object(judging, "state_of", lambda _, *basis: basis):
            judged, applicable, is_compared, _ = judge.standing(log, monitors, ())
        fits.append(
            {
                "calls": calls,
                "basis": {"judged": sorted(judged), "applicable": sorted(applicable), "is_compared": is_compared},
                "said": replay.plain(judge.tracker.verdicts),
                "state": judge.standing(log, monitors, ()).name,
            }
        )


def recorded(known, train, seed):
    """Train, and return the record as plain data."""
    with listening() as fits:
        train(seed=seed)
    return json.loads(json.dumps(known | {"seed": seed, "fits": fits}, default=lambda value: value.item()))


def write(path, record):
    """Write a record, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".part").write_bytes(gzip.compress(json.dumps(record).encode()))
    path.with_suffix(".part").replace(path)


def main():
    """Record what is asked for and not there yet."""
    parser = replay.parser(__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    asked = [pair for pair in trainings() if pair[0]["name"].startswith(tuple(options.names))]
    for seed, (known, train) in itertools.product(options.seeds, asked):
        path = (options.records / f"{known['name']}-{seed}.json.gz").absolute()
        if not path.exists():
            found = scripts.apart(recorded, known, train, seed)
            if "error" not in found:
                write(path, found)
            print(f"{known['name']} {seed}: {found.get('error') or found['cpu']}", flush=True)


if __name__ == "__main__":
    main()
