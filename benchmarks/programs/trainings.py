"""Train a program in a process of its own, bare, watched or with a cure in it, and compare all that is left."""

import contextlib
import functools
import importlib
import multiprocessing
import os
import pathlib
import re
import sys
import tempfile
import time
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.append(str(ROOT / "benchmarks/faults"))  # which pastes cures, too

import forms
import keras
import numpy as np
import sklearn.datasets  # noqa: F401  (once, not in each fork)
import tensorflow as tf
from pasting import pasted

import keras_ch8
from keras_ch8 import callbacks, trackers

HERE = pathlib.Path(__file__).parent
PROGRAMS = sorted(path.stem for path in HERE.glob("*.py") if "\ndef data():" in path.read_text())
SETS = {
    "doctor, probe": lambda probe: [keras_ch8.Doctor("logs", probe=probe)],
    "doctor": lambda probe: [keras_ch8.Doctor("logs")],
    "curves": lambda probe: [
        callbacks.TensorBoard("logs", log_to=[trackers.JSONL("numbers.jsonl")]),
        callbacks.GradientClippingLogger(),
    ],
    "full": lambda probe: [callbacks.Diagnosis(probe, "full")],
    "resume": lambda probe: [keras_ch8.Doctor("logs", resume="states")],
}
"""What watches, made of the data that `fit` validates on."""
ACTING = {"resume": lambda probe: [callbacks.Resume("states")]}
"""What is in a set and acts, and so is in the bare training too: `Resume` reads arrays in an order of its own."""
CLOCKS = ("first", "cpu")
TOLD = ("steps", "verdicts", "states", "cures")
SECONDS = 900
"""A training that takes longer is stopped, and has failed."""
AGAIN = 5
"""Bare trainings that all have to end alike, before it is watching that makes a difference."""
PROGRESS = re.compile(r"━|^Epoch \d+/\d+$|^Epoch \d+: |^Restoring|^\d+/\d+ ")
"""What Keras says in any training."""


class Clock(keras.callbacks.Callback):
    """Tells when the first step has been made, how many there are, and the rates of each epoch."""

    def __init__(self):
        super().__init__()
        self.first, self.steps, self.rates = None, 0, []

    def on_train_batch_end(self, batch, logs=None):
        """Count, and look at the clock once."""
        self.steps += 1
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


def trained(program, form, added, epochs=None, cure=None, seed=0):
    """Train a program in this process, which is a fork; return what can be compared and told.

    `added` returns callbacks, made of a probe. Each `fit` has as many epochs as the program says, or these. A cure is
    code, and the number of the `fit` in front of which it is pasted.
    """
    script = importlib.import_module(program)
    if epochs:
        script.EPOCHS = keras.tree.map_structure(lambda _: epochs, getattr(script, "EPOCHS", epochs))
    strategy = contextlib.nullcontext()
    if form == "replicas":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()
    keras.utils.set_random_seed(seed)
    with strategy:
        model = script.model()
    examples, clock = script.data(), Clock()
    arguments = forms.FORMS[form](examples, script.BATCH)
    begun = time.process_time()
    listed = added(forms.probe(arguments, examples, script.BATCH))
    if cure:
        pasted(*cure)
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
        "steps": clock.steps,
        **told(listed),
    }


def told(listed):
    """Return what callbacks say of each `fit`: verdicts and the state, and the cures of those that have code."""
    runs = [
        run
        for callback in listed
        for run in enumerate(getattr(callback, "runs", [callback]))
        if hasattr(run[1], "verdicts")
    ]
    found = [(fit, verdict) for fit, run in runs for verdict in run.verdicts if verdict.level != "ok"]
    return {
        "verdicts": list(dict.fromkeys(f"{verdict.level} {verdict.kind}" for _, verdict in found)),
        "states": list(dict.fromkeys(run.state.name for _, run in runs)),
        "cures": [{"fit": fit, "kind": verdict.kind, "code": verdict.code} for fit, verdict in found if verdict.code],
    }


def answer(pipe, folder, work, *arguments):
    """Send what comes of some work in this process, which is a fork, or the error."""
    os.environ["KERAS_CH8_RAISE"] = "1"  # what a user would not see is a crash here
    os.chdir(folder)
    tf.config.threading.set_intra_op_parallelism_threads(1)  # every sum in one order
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with open("screen", "wb") as screen:
        os.dup2(screen.fileno(), 1)
        os.dup2(screen.fileno(), 2)
    try:
        pipe.send(work(*arguments))
    except Exception as error:
        traceback.print_exc()
        pipe.send({"error": f"{type(error).__name__}: {error}"})


def in_a_fork(work, *arguments):
    """Return what comes of some work in a process and a folder of its own, or its error; and what it said."""
    return begun_in_a_fork(work, *arguments)()


def begun_in_a_fork(work, *arguments):
    """Begin some work as `in_a_fork` does, and return what waits for it."""
    receive, send = multiprocessing.get_context("fork").Pipe(duplex=False)
    folder = tempfile.TemporaryDirectory()
    process = multiprocessing.get_context("fork").Process(target=answer, args=(send, folder.name, work, *arguments))
    process.start()
    send.close()

    def ended():
        with folder:
            try:
                found = receive.recv() if receive.poll(SECONDS) else {"error": f"takes more than {SECONDS} s"}
            except EOFError:
                process.join()
                found = {"error": f"its process died (exit code {process.exitcode})"}
            process.kill()
            process.join()
            return found | {"said": said((pathlib.Path(folder.name) / "screen").read_text(errors="replace"))}

    return ended


def said(screen):
    """Return the lines of a screen, without those of Keras's progress, and with paths that begin at this repository."""
    plain = re.sub(r"\x1b\[\w+", "", screen).replace(f"{ROOT}/", "")
    lines = [re.split(r"[\r\x08]", line)[-1].rstrip() for line in plain.splitlines()]
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
def trained_bare(program, form, added, epochs=None):
    """Return what the program leaves with what acts alone."""
    return in_a_fork(trained, program, form, added, epochs)


def compared(program, form, watching, epochs=None):
    """Return the row of one combination, of as many epochs as the program says, or these."""
    acting = ACTING.get(watching, nothing)
    bare = trained_bare(program, form, acting, epochs)
    if "error" in bare:
        return {"outcome": "refused", "why": bare["error"]}
    watched = in_a_fork(trained, program, form, SETS[watching], epochs)
    if "error" in watched:
        return {"outcome": "crash", "why": watched["error"], "said": watched["said"]}
    why, outcome = difference(bare, watched), "equal"
    if why:
        again = (in_a_fork(trained, program, form, acting, epochs) for _ in range(AGAIN))
        outcome = "not itself" if any("error" in each or difference(bare, each) for each in again) else "differs"
    times = {name: [bare[name], watched[name]] for name in CLOCKS}
    added = [line for line in watched["said"] if line not in bare["said"]]
    of_doctor = {name: watched[name] for name in TOLD}
    return {"outcome": outcome, "why": why, **times, **of_doctor, "said": added}
