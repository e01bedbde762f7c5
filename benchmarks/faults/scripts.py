"""Run a script of a case, or a training of a set, in a process of its own: bare, watched, or with a cure in it."""

import contextlib
import functools
import multiprocessing
import os
import pathlib
import runpy
import tempfile
import time
import traceback

import keras
import sklearn.datasets  # noqa: F401  (once, not in each fork)
from cases import CASES, SCRIPTS, SETS, text_of

import keras_ch8

SECONDS = 300
"""A script that takes longer is stopped, and has failed."""


# --- what is done to `fit` before the script runs --------------------------------------------------------------------


def bare():
    """Leave it as it is."""


def watched():
    """Give each `fit` of this process one callback more, and return that."""
    doctor, fit = keras_ch8.Doctor(None), keras.Model.fit

    @functools.wraps(fit)
    def of_script(self, *args, callbacks=None, **options):
        return fit(self, *args, callbacks=[*(callbacks or ()), doctor], **options)

    keras.Model.fit = of_script
    return doctor


# --- a process -------------------------------------------------------------------------------------------------------


def train(name, script, seed):
    """Train as the script does, or as a set does, and return the score. A script is one of the case, or a path."""
    if name not in CASES:
        kept, _, training = name.partition("/")
        return SETS[kept].train(training, seed)
    path = pathlib.Path(f"{script}.py").absolute()
    if script in SCRIPTS:
        path.write_text(text_of(name, script))
    return float(runpy.run_path(path, run_name="__main__")["score"])


def told(name, script, seed, prepare):
    """Train, and return the score and what was said."""
    doctor = prepare()
    keras.utils.set_random_seed(seed)
    found = {"score": train(name, script, seed)}
    if doctor:
        found["told"] = [
            {
                "fit": number,
                "level": verdict.level,
                "kind": verdict.kind,
                "step": verdict.step,
                "code": verdict.code,
            }
            for number, run in enumerate(doctor.runs)
            for verdict in run.verdicts
            if verdict.level != "ok"
        ]
        found["state"] = [run.state.name for run in doctor.runs]
    return found


def answer(pipe, work, *args):
    """Do some work in this process, which is a fork, and send what comes of it, or the error."""
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    with open("screen", "wb") as screen:
        os.dup2(screen.fileno(), 1)
        os.dup2(screen.fileno(), 2)
    begun = time.process_time()
    try:
        pipe.send(work(*args) | {"cpu": round(time.process_time() - begun, 1)})
    except BaseException as error:
        traceback.print_exc()
        pipe.send({"error": f"{type(error).__name__}: {str(error)[:300]}"})


def apart(work, *args):
    """Return what comes of some work in a process and a folder of its own."""
    fork = multiprocessing.get_context("fork")
    receive, send = fork.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        process = fork.Process(target=answer, args=(send, work, *args))
        process.start()
        send.close()
        try:
            found = receive.recv() if receive.poll(SECONDS) else {"error": f"takes more than {SECONDS} s"}
        except EOFError:
            found = {"error": "its process died"}
        process.kill()
        process.join()
        return found


def run(name, script, seed, prepare=bare):
    """Return what comes of a script in a process of its own."""
    return apart(told, name, script, seed, prepare)
