"""Train models of others' libraries bare and watched by a `Doctor`, and compare all that is left, bit for bit.

    python benchmarks/libraries/run.py [TRAINING ...] [--mode MODE] [--few] [--json results.json]
    python benchmarks/libraries/run.py --planted [TRAINING ...] [--json planted.json]

A training is a function in hub.py (KerasHub), rankers.py (KerasRS) or others.py (KerasTuner, scikeras, BayesFlow,
kimm): tiny, from no weights of others, and healthy. Each is run in float32 and in the other mode of its row;
`parts.MODES` has the modes. `--few` runs a few quick ones. Each training is in a process of its own, as in
benchmarks/programs, and what is compared is the same: `History`, rates, and all variables of model and optimizer. The
outcome is "equal", "differs" or "crash"; "refused" where it does not even train bare; "not itself" where the bare
training, run again, does not end as the first time either.

What calls for action in a healthy training is wrong, also where it was printed and taken back. With `--planted` one
thing is wrong in each training, by the table of planted.py, and a verdict has to name it.

Each result is written at once; the next call goes on, and runs again what was run with other code. Seconds are of wall
and CPU, of all threads, up to the end of the first step (built, traced) and after it; bare and watched. It fails where
anything differs or crashes, and where a healthy training is told to act.
"""

import argparse
import collections
import hashlib
import importlib
import importlib.metadata
import json
import pathlib
import re
import sys
import time

import hub
import keras
import others
import parts
import rankers
from trainings import AGAIN, Clock, difference, in_a_fork, nothing, optimizers, told
from verdicts import acts, wrong_acts
from verdicts import told as told_in_all

import keras_ch8
from benchmarks.programs.run import save

HERE = pathlib.Path(__file__).parent
TRAININGS = {of.__name__: (of, mode) for each in (hub, rankers, others) for of, mode in each.TRAININGS.items()}
FEW = (
    "distil_bert, tfdata", "gpt2, float32", "resnet, float32", "dlrm, mixed_float16", "retrieval, spe8",
    "classifier, accumulate",
)  # fmt: skip
LIBRARIES = ("keras", "tensorflow", "keras-hub", "keras-rs", "keras-tuner", "scikeras", "bayesflow", "kimm")
OUTCOMES = ("equal", "differs", "not itself", "crash", "refused")
CLOCKS = ("wall to the first step", "wall after it", "CPU to the first step", "CPU after it")

LOGGED = re.compile(r"[EIW]\d{4} [\d:.]+ ")
"""What TensorFlow says of its own."""


class WallClock(Clock):
    """A clock that tells the time of the wall, too; one for all the trainings of a search."""

    def __init__(self):
        super().__init__()
        self.wall = None

    def __deepcopy__(self, memo):
        return self

    def on_train_batch_end(self, batch, logs=None):
        """Look at both clocks once."""
        super().on_train_batch_end(batch, logs)
        if self.wall is None:
            self.wall = time.perf_counter()


def doctor(probe):
    """Return what watches."""
    return [keras_ch8.Doctor("logs", probe=probe)]


def trained(training, mode, added, alter):
    """Train in this process, which is a fork; return what can be compared and told. `added` is made of a probe."""
    mode, clock = parts.MODES[mode], WallClock()
    keras.utils.set_random_seed(0)
    made = alter(training())
    arguments = mode.form(made.examples, made.batch // mode.pieces)
    begun = time.perf_counter(), time.process_time()
    listed = added(arguments["validation_data"])
    model, numbers = made.train(made, mode, arguments, [*listed, clock])
    sys.stdout.flush()  # the process is ended as soon as it has answered
    marks = zip(begun, (clock.wall, clock.first), (time.perf_counter(), time.process_time()), strict=True)
    variables = [*model.variables, *(variable for each in optimizers(model) for variable in each.variables)]
    return {
        "numbers": [dict(each) for each in numbers],
        "rates": clock.rates,
        "variables": [(variable.path, keras.ops.convert_to_numpy(variable)) for variable in variables],
        "seconds": [round(end - start, 2) for each in marks for start, end in (each[:2], each[1:])],
        "steps": clock.steps,
        **told(listed),
    }


def unaltered(made):
    """Return the parts as they are."""
    return made


def compared(name, kinds=(), alter=unaltered):
    """Return the row of a training in a mode: healthy, or with a fault that verdicts of these kinds name."""
    name, _, mode = name.partition(", ")
    training = TRAININGS[name][0]
    row = {"teaches": training.__doc__.partition("\n")[0].rstrip("."), "truth": list(kinds), "why": "", "said": []}
    bare = in_a_fork(trained, training, mode, nothing, alter)
    if "error" in bare:
        return row | {"outcome": "refused", "why": bare["error"], "said": bare["said"]}
    row |= {"went": [summary(numbers) for numbers in bare["numbers"]]}
    watched = in_a_fork(trained, training, mode, doctor, alter)
    if "error" in watched:
        return row | {"outcome": "crash", "why": watched["error"], "said": watched["said"]}
    why, outcome = difference(bare, watched), "equal"
    if why:
        again = (in_a_fork(trained, training, mode, nothing, alter) for _ in range(AGAIN))
        outcome = "not itself" if any("error" in each or difference(bare, each) for each in again) else "differs"
    seconds = dict(zip(CLOCKS, zip(bare["seconds"], watched["seconds"], strict=True), strict=True))
    row |= {"outcome": outcome, "why": why, "seconds": seconds}
    row |= {name: watched[name] for name in ("steps", "verdicts", "states")}
    said = (line for line in watched["said"] if line not in bare["said"])
    return row | {"said": [line for line in said if not LOGGED.match(line)]}


def summary(numbers):
    """Return in words how losses and scores went: the first, the least and the last."""
    shown = {name: values for name, values in numbers.items() if name in ("loss", "val_loss", "score")}
    return ", ".join(
        f"{name} {values[0]:.3g} to {values[-1]:.3g} (least {min(values):.3g})" for name, values in shown.items()
    )


def right(row):
    """Whether what is said of a training is right: nothing that calls for action, or what names its fault."""
    if row["truth"]:
        return any(verdict.split()[1] in row["truth"] for verdict in row.get("verdicts", ()))
    return not wrong_acts(row)


def line(name, row):
    """Return the line of a training."""
    times = "".join(f"{bare:6.1f} ->{watched:5.1f} s" for bare, watched in row.get("seconds", {}).values())
    verdicts = ", ".join(told_in_all(row)) or "-"
    judged = "right" if right(row) else "WRONG"
    return f"{name:30}{row['outcome']:11}{times}  {verdicts}: {judged}; {'; '.join(row.get('went', ()))} {row['why']}"


def table(rows):
    """Return in Markdown how each training ended, what watching costs, and what is said."""
    names = ("training, mode", "what it does", "steps", "bits", *(f"{clock}, s" for clock in CLOCKS), "verdicts")
    lines = [f"| {' | '.join((*names, 'right?'))} |", "|---" * (len(names) + 1) + "|"]
    for name, row in rows.items():
        times = [f"{bare:.1f} → {watched:.1f}" for bare, watched in row.get("seconds", {}).values()] or [""] * 4
        cells = [name, row["teaches"], str(row.get("steps", "")), row["outcome"], *times]
        cells += [", ".join(told_in_all(row)) or "-", "yes" if right(row) else "NO"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def total(rows):
    """Return the last line: how many trainings there were, how they ended, and what was said of them."""
    count = collections.Counter(row["outcome"] for row in rows.values())
    more = "".join(f", {count[each]} {each}" for each in ("differs", "not itself", "refused") if count[each])
    healthy = [row for row in rows.values() if not row["truth"]]
    said = [
        f"{sum(len(acts(row)) for row in healthy)} wrong ACT",
        f"{sum(told.startswith('watch') for row in healthy for told in row.get('verdicts', ()))} WATCH",
    ]
    if planted := [row for row in rows.values() if row["truth"]]:
        said = [f"{sum(map(right, planted))} of {len(planted)} faults named"]
    ended = f"{len(rows)} trainings: {count['equal']} bit-equal, {count['crash']} crashes{more}, {', '.join(said)}"
    return f"{ended}; {versions()}"


def versions():
    """Return the versions of all libraries."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)


def code_of(training):
    """Return a sign for the code that a result depends on."""
    ours = sorted(pathlib.Path(keras_ch8.__file__).parent.rglob("*.py"))
    files = [*ours, HERE / "parts.py", HERE / "planted.py", pathlib.Path(sys.modules[training.__module__].__file__)]
    return hashlib.sha256(versions().encode() + b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def wanted(options):
    """Return what is asked for: the names of rows, and what `compared` is given beside them."""
    if options.planted:
        planted = importlib.import_module("planted").PLANTED
        return {
            f"{name}: {training}, {options.mode or 'float32'}": (f"{training}, {options.mode or 'float32'}", *fault)
            for name, (training, *fault) in planted.items()
            if training in (options.trainings or TRAININGS)
        }
    every = [f"{name}, {mode}" for name, row in TRAININGS.items() for mode in ("float32", row[1])]
    every = [name for name in every if name in FEW or not options.few]
    chosen = options.trainings or TRAININGS
    return {
        name: (name,)
        for name in every
        if name.partition(", ")[0] in chosen and name.partition(", ")[2] == (options.mode or name.partition(", ")[2])
    }


def main():
    """Run what is asked for, and fail where watching has changed anything, or says what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trainings", nargs="*", metavar="TRAINING", help=f"of {', '.join(TRAININGS)}; by default all")
    parser.add_argument("--mode", choices=parts.MODES, help="by default the two of each training")
    parser.add_argument("--few", action="store_true", help=f"only {'; '.join(FEW)}")
    parser.add_argument("--planted", action="store_true", help="trainings with a fault each")
    parser.add_argument("--json", type=pathlib.Path, help="by default results.json or planted.json, here")
    options = parser.parse_args()
    if unknown := set(options.trainings) - set(TRAININGS):
        parser.error(f"there is no training {', '.join(sorted(unknown))}. There are: {', '.join(TRAININGS)}")
    path = options.json or HERE / ("planted.json" if options.planted else "results.json")
    kept = json.loads(path.read_text())["rows"] if path.exists() else {}
    asked = wanted(options)
    for name, arguments in asked.items():
        code = code_of(TRAININGS[arguments[0].partition(", ")[0]][0])
        if kept.get(name, {}).get("code") != code:
            kept[name] = {"code": code, **compared(*arguments)}
            save(path, {"rows": kept, "table": table(kept), "total": total(kept)})
        print(line(name, kept[name]), flush=True)
    rows = {name: kept[name] for name in asked}
    print(f"\n{table(rows)}\n\n{total(rows)}")
    sys.exit(any(row["outcome"] in ("differs", "crash", "refused") or not right(row) for row in rows.values()))


if __name__ == "__main__":
    main()
