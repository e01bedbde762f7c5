"""Train each program bare and watched, and compare all that is left: every bit has to be equal.

    python benchmarks/programs/run.py [PROGRAM ...] [--form FORM] [--callbacks SET] [--pairs] [--json kept.json]
    python benchmarks/programs/run.py [PROGRAM ...] --cost 10,60 [--json costs.json]

A program is a script of a user of Keras, in this folder; `forms.py` has the forms of its data, `SETS` the callbacks
that are added to its own at each `fit`. By default every combination of what is chosen is run. With `--pairs` it is one
set for each program and form, so that every program meets every set, and every form does. Each training is in a process
of its own, a fork of one that has only imported. Compared are `History` of each `fit`, the learning rates after each
epoch, and all variables of the model and its optimizers, seeds and statistics included. The outcome is "equal",
"differs" or "crash"; "refused" where the program, bare, is not trained on this form at all; "not itself" where the bare
training, run again up to five times, does not always end as the first time either, as several calls of `fit` of one
generator, in which Keras reads ahead.

Each result is written at once; the next call goes on, and runs again what was run with other code. What is written to
benchmarks/programs/results.json is shown in docs/benchmarks.md. CPU is in seconds, of all threads: of the first step
with all that comes before it (built, traced), and in all; bare and watched. The table has the medians of a program.

With `--cost` programs are trained on arrays, bare and with a `Doctor`, for as many epochs as take about so many seconds
of CPU bare, three times in turn if that is less than half a minute. The table has medians: what the Doctor costs before
the first step has ended, over what the first step itself takes, and in all the rest, over the bare rest and over the
whole bare training; the file has the seconds. Best on a quiet machine.
"""

import argparse
import contextlib
import functools
import hashlib
import importlib
import json
import multiprocessing
import os
import pathlib
import re
import statistics
import sys
import tempfile
import time
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import forms
import keras
import numpy as np
import sklearn.datasets  # noqa: F401  (once, not in each fork)
import tensorflow as tf

import keras_ch8
from keras_ch8 import callbacks, trackers

HERE = pathlib.Path(__file__).parent
PROGRAMS = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in ("forms", "run"))
COSTLY = (
    "captcha_ctc", "conditional_gan", "point_net", "real_nvp", "stateful_forecast", "transformer", "unet", "unet_large",
)  # fmt: skip
"""Programs whose graphs or steps are large, for `--cost`."""
SETS = {
    "doctor, probe": lambda probe: [keras_ch8.Doctor("logs", probe=probe)],
    "doctor": lambda probe: [keras_ch8.Doctor("logs")],
    "curves": lambda probe: [
        callbacks.TensorBoard("logs", layers=True, log_to=[trackers.CSV("numbers.csv")]),
        callbacks.GradientClippingLogger(),
    ],
    "full": lambda probe: [callbacks.Diagnosis(probe, "full")],
    "resume": lambda probe: [keras_ch8.Doctor("logs", resume="states")],
}
"""What watches, made of the data that `fit` validates on."""
ACTING = {"resume": lambda probe: [callbacks.Resume("states")]}
"""What is in a set and acts, and so is in the bare training too: `Resume` reads arrays in an order of its own."""
CLOCKS = ("first", "cpu")
OUTCOMES = ("refused", "equal", "not itself", "differs", "crash")
SECONDS = 900
"""A training that takes longer is stopped, and has failed."""
AGAIN = 5
"""Bare trainings that all have to end alike, before it is watching that makes a difference."""


PROGRESS = re.compile(r"━|^Epoch \d+/\d+$|^Epoch \d+: |^Restoring|^\d+/\d+ ")
"""What Keras says in any training."""


class Clock(keras.callbacks.Callback):
    """Tells when the first step has been made, and the rates of each epoch."""

    def __init__(self):
        super().__init__()
        self.first, self.rates = None, []

    def on_train_batch_end(self, batch, logs=None):
        """Look at the clock, once."""
        if self.first is None:
            self.first = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        """Keep the rates."""
        self.rates.append([float(keras.ops.convert_to_numpy(each.learning_rate)) for each in optimizers(self.model)])


def optimizers(model):
    """Return the optimizers of a model."""
    return [value for value in vars(model).values() if isinstance(value, keras.optimizers.Optimizer)]


def nothing(probe):
    """Return no callbacks."""
    return []


def trained(program, form, added, epochs=None):
    """Train a program in this process, which is a fork; return what can be compared and told.

    `added` returns callbacks, made of a probe. There are as many epochs as the program has, or these.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)  # every sum in one order
    tf.config.threading.set_inter_op_parallelism_threads(1)
    script = importlib.import_module(program)
    if epochs:
        script.EPOCHS = epochs
    strategy = contextlib.nullcontext()
    if form == "replicas":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()
    keras.utils.set_random_seed(0)
    with strategy:
        model = script.model()
    examples, clock = script.data(), Clock()
    arguments = forms.FORMS[form](examples, script.BATCH)
    begun = time.process_time()
    listed = added(forms.probe(arguments, examples, script.BATCH))
    histories = script.train(model, arguments, [*listed, clock])
    ended = time.process_time()
    histories = histories if isinstance(histories, list) else [histories]
    variables = [*model.variables, *(variable for each in optimizers(model) for variable in each.variables)]
    return {
        "numbers": [dict(each.history) for each in histories],
        "rates": clock.rates,
        "variables": [(variable.path, keras.ops.convert_to_numpy(variable)) for variable in variables],
        "first": round(clock.first - begun, 2),
        "cpu": round(ended - begun, 2),
        "epochs": len(clock.rates),
        "verdicts": [
            f"{verdict.level} {verdict.kind}"
            for callback in listed
            for verdict in getattr(callback, "verdicts", ())
            if verdict.level != "ok"
        ],
    }


def answer(pipe, folder, *arguments):
    """Send what `trained` returns, or its error."""
    os.environ["KERAS_CH8_RAISE"] = "1"  # what a user would not see is a crash here
    os.chdir(folder)
    with open("screen", "wb") as screen:
        os.dup2(screen.fileno(), 1)
        os.dup2(screen.fileno(), 2)
    try:
        pipe.send(trained(*arguments))
    except Exception as error:
        traceback.print_exc()
        pipe.send({"error": f"{type(error).__name__}: {error}"})


def in_a_fork(*arguments):
    """Return what `trained` returns in a process and a folder of its own, or its error; and what it said."""
    receive, send = multiprocessing.get_context("fork").Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("fork").Process(target=answer, args=(send, folder, *arguments))
        process.start()
        send.close()
        try:
            found = receive.recv() if receive.poll(SECONDS) else {"error": f"takes more than {SECONDS} s"}
        except EOFError:
            process.join()
            found = {"error": f"its process died (exit code {process.exitcode})"}
        process.kill()
        process.join()
        return found | {"said": said((pathlib.Path(folder) / "screen").read_text(errors="replace"))}


def said(screen):
    """Return the lines of a screen, without those of Keras's progress."""
    lines = [re.split(r"[\r\x08]", line)[-1].rstrip() for line in re.sub(r"\x1b\[\w+", "", screen).splitlines()]
    return [line for line in lines if line and not PROGRESS.search(line)]


def difference(bare, watched):
    """Return in words what differs first and by how much; nothing where every bit is equal."""
    if len(bare["numbers"]) != len(watched["numbers"]):
        return f"{len(watched['numbers'])} fits instead of {len(bare['numbers'])}"
    for number, (its, own) in enumerate(zip(bare["numbers"], watched["numbers"], strict=True), 1):
        if list(its) != list(own):
            return f"fit {number}: History has {sorted(own)} instead of {sorted(its)}"
        for name in its:
            if not np.array_equal(its[name], own[name], equal_nan=True):
                return f"fit {number}: {name} {shown(own[name])} instead of {shown(its[name])}"
    if bare["rates"] != watched["rates"]:
        return f"rates {watched['rates']} instead of {bare['rates']}"
    if [path for path, _ in bare["variables"]] != [path for path, _ in watched["variables"]]:
        return "other variables"
    for (path, its), (_, own) in zip(bare["variables"], watched["variables"], strict=True):
        if not np.array_equal(its, own, equal_nan=its.dtype.kind == "f"):
            return f"{path} by {np.abs(np.subtract(own, its, dtype='float64')).max():.1e}"
    return ""


def shown(values):
    """Return the numbers of some epochs."""
    return " ".join(f"{value:.9g}" for value in values)


@functools.cache
def trained_bare(program, form, added):
    """Return what the program leaves with what acts alone."""
    return in_a_fork(program, form, added)


def compared(program, form, watching):
    """Return the row of one combination."""
    acting = ACTING.get(watching, nothing)
    bare = trained_bare(program, form, acting)
    if "error" in bare:
        return {"outcome": "refused", "why": bare["error"]}
    watched = in_a_fork(program, form, SETS[watching])
    if "error" in watched:
        return {"outcome": "crash", "why": watched["error"], "said": watched["said"]}
    why, outcome = difference(bare, watched), "equal"
    if why:
        again = (in_a_fork(program, form, acting) for _ in range(AGAIN))
        outcome = "not itself" if any("error" in each or difference(bare, each) for each in again) else "differs"
    times = {name: [bare[name], watched[name]] for name in CLOCKS}
    added = [line for line in watched["said"] if line not in bare["said"]]
    return {"outcome": outcome, "why": why, **times, "verdicts": watched["verdicts"], "said": added}


def cost(program, seconds):
    """Return what watching costs in a training of about so many seconds of CPU."""
    short = in_a_fork(program, "arrays", nothing)
    an_epoch = (short["cpu"] - short["first"]) / short["epochs"]
    epochs = max(1, round((seconds - short["first"]) / an_epoch))
    both = [nothing, SETS["doctor"]] * (3 if seconds < 30 else 1)
    runs = [in_a_fork(program, "arrays", added, epochs) for added in both]
    bare, watched = (
        {name: round(statistics.median(run[name] for run in some), 2) for name in CLOCKS}
        for some in (runs[::2], runs[1::2])
    )
    bare_rest, watched_rest = (each["cpu"] - each["first"] for each in (bare, watched))
    return {
        "bare": bare["cpu"],
        "watched": watched["cpu"],
        "bare_first": bare["first"],
        "watched_first": watched["first"],
        "first": round(watched["first"] / bare["first"] - 1, 3),
        "rest": round(watched_rest / bare_rest - 1, 3),
        "verdicts": runs[1]["verdicts"],
    }


def costs(programs, seconds, path):
    """Print and keep what watching costs each program."""
    kept = json.loads(path.read_text()) if path.exists() else {"rows": {}}
    for program in programs:
        for about in seconds:
            name, code = f"{program}, {about} s", code_of(program)
            if kept["rows"].get(name, {}).get("code") != code:
                kept["rows"][name] = {"code": code, **cost(program, about)}
                save(path, kept | {"table": table_of_costs(kept["rows"])})
    print(table_of_costs(kept["rows"]))


def table_of_costs(rows):
    """Return in Markdown what watching costs each program."""
    lines = [
        "| program | bare, s | watched, s | up to the first step, s | more | in the rest, of the rest | of the whole |",
        7 * "|---" + "|",
    ]
    for name, row in sorted(rows.items()):
        first = f"{row['bare_first']:.1f} -> {row['watched_first']:.1f} | {row['first']:.0%}"
        rest = f"{row['rest']:.0%} | {row['rest'] * (row['bare'] - row['bare_first']) / row['bare']:.0%}"
        lines += [f"| {name} | {row['bare']:.1f} | {row['watched']:.1f} | {first} | {rest} |"]
    return "\n".join(lines)


def pairs():
    """Return combinations in which every two of program, form and set meet: the set is next to its neighbours'."""
    sets = list(SETS)
    return [
        (program, form, sets[(row + column) % len(sets)])
        for row, program in enumerate(PROGRAMS)
        for column, form in enumerate(forms.FORMS)
    ]


def code_of(program):
    """Return a sign for the code that a result depends on."""
    ours = sorted(pathlib.Path(keras_ch8.__file__).parent.rglob("*.py"))
    files = [*ours, *(HERE / f"{name}.py" for name in ("forms", "run", program))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def line(name, row):
    """Return the line of one combination."""
    cpu = "".join(f"{bare:6.1f} ->{watched:5.1f} s" for bare, watched in (row.get(key, (0, 0)) for key in CLOCKS))
    return f"{name:44}{row['outcome']:10}{cpu}  {'; '.join([*row.get('verdicts', ()), row['why'][:300]])}"


def table(rows):
    """Return in Markdown the outcomes of each program and form, the gravest of all sets, and what watching costs."""
    names = list(forms.FORMS)
    lines = [f"| program | {' | '.join(names)} | bare, s | more at the first step, s | more in all, s |"]
    lines += ["|---" * (len(names) + 4) + "|"]
    for program in PROGRAMS:
        own = {name: row for name, row in rows.items() if name.split(", ")[0] == program}
        found = [[row["outcome"] for name, row in own.items() if name.split(", ")[1] == form] for form in names]
        gravest = [max(outcomes, key=OUTCOMES.index, default="") for outcomes in found]
        times = [
            [row["cpu"][0], *(row[clock][1] - row[clock][0] for clock in CLOCKS)]
            for row in own.values()
            if "cpu" in row
        ]
        medians = [f"{statistics.median(column):.1f}" for column in zip(*times, strict=True)] or 3 * [""]
        lines += [f"| {' | '.join([program, *gravest, *medians])} |"] if own else []
    return "\n".join(lines)


def summary(rows):
    """Return the last line: how many runs there were, and how they ended."""
    count = {outcome: sum(row["outcome"] == outcome for row in rows.values()) for outcome in OUTCOMES}
    ran = len(rows) - count["refused"]
    line = f"{ran} runs: {count['crash']} crashes, {count['equal']} bit-equal"
    line += "".join(f", {count[outcome]} {outcome}" for outcome in ("differs", "not itself") if count[outcome])
    return f"{line}; {count['refused']} more are refused bare"


def save(path, kept):
    """Write the results, whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(kept, indent=1) + "\n")
    part.replace(path)


def main():
    """Run what is asked for and not kept yet, print a line for each and the total, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(PROGRAMS)}; by default all")
    parser.add_argument("--form", action="append", choices=forms.FORMS, help="by default all")
    parser.add_argument("--callbacks", action="append", choices=SETS, help="by default all")
    parser.add_argument("--pairs", action="store_true", help="one set for each program and form")
    parser.add_argument("--cost", help="about how many seconds of CPU the bare trainings take, such as 10,60")
    parser.add_argument("--json", type=pathlib.Path, help="by default kept.json, or costs.json, here")
    options = parser.parse_args()
    if unknown := set(options.programs) - set(PROGRAMS):
        parser.error(f"there is no program {', '.join(sorted(unknown))}. There are: {', '.join(PROGRAMS)}")
    options.json = options.json or HERE / ("costs.json" if options.cost else "kept.json")
    if options.cost:
        costs(options.programs or COSTLY, [int(each) for each in options.cost.split(",")], options.json)
        return
    chosen = (options.programs or PROGRAMS, options.form or forms.FORMS, options.callbacks or SETS)
    every = pairs() if options.pairs else [(p, f, s) for p in PROGRAMS for f in forms.FORMS for s in SETS]
    kept = json.loads(options.json.read_text()) if options.json.exists() else {"rows": {}}
    rows, codes = {}, {program: code_of(program) for program in chosen[0]}
    for combination in every:
        if all(part in parts for part, parts in zip(combination, chosen, strict=True)):
            name, code = ", ".join(combination), codes[combination[0]]
            if kept["rows"].get(name, {}).get("code") != code:
                kept["rows"][name] = {"code": code, **compared(*combination)}
                save(options.json, kept)
            rows[name] = kept["rows"][name]
            print(line(name, rows[name]), flush=True)
    save(options.json, kept | {"table": table(rows), "total": summary(rows)})
    print(f"\n{table(rows)}\n\n{summary(rows)}")
    sys.exit(any(row["outcome"] in ("differs", "crash") for row in rows.values()))


if __name__ == "__main__":
    main()
