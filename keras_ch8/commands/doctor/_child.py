"""A script run as `python script.py arguments` runs it, in a process of its own that has imported Keras."""

import atexit
import contextlib
import hashlib
import io
import itertools
import multiprocessing
import os
import pickle
import runpy
import shutil
import signal
import sys
import tempfile
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras

from ...integration import keras_private, of_scripts
from ...integration.backend import random_numbers
from ._messages import LARGEST, OLDER, Ended, Job, SeenEvaluate, SeenFit
from ._seen import PACKAGE, Seen, is_in

LONGEST = 120
"""Characters that are told of an error."""
WRITES = ("open", "os.rename")
"""Events of Python at which a file may be written, or moved to its place."""
UNSENT = {"WANDB_MODE": "disabled", "COMET_MODE": "DISABLED", "NEPTUNE_MODE": "debug"}
"""In the environment of a trial: it is no experiment of the user, so that it is not sent to where these go."""


def run(job: Job, screen: Any = None) -> None:
    """Run a script, and tell what is seen of it, at last an `Ended`.

    Args:
        job: The run.
        screen: File descriptors to print to, of another process; `None` for those of this one.
    """
    if job.log and hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is for the command, which ends this process and all that it begins
        threading.Thread(target=_end_with_the_command, args=(os.path.dirname(job.temporary),), daemon=True).start()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets it be ignored by what it runs behind `&`
    _print_to(job.log, screen)
    told = io.FileIO(job.told, "w")

    def tell(message: SeenFit | SeenEvaluate | Ended) -> None:
        told.write(pickle.dumps(message))

    _enter(job)
    written = _files_written(job.temporary)
    Seen(job, tell)
    begun = time.monotonic()
    error, status = _execute(job)
    seconds = time.monotonic() - begun
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    tell(Ended(seconds, error, status, tuple(sorted(written))))


def _enter(job: Job) -> None:
    """Let this process be as one in which Python runs the script: in its folder, with its arguments and its seeds."""
    os.chdir(job.cwd)
    sys.argv = [job.script, *job.arguments]
    sys.path[:] = [job.cwd if job.module else os.path.dirname(job.script), *(job.moved.get(p, p) for p in sys.path[1:])]
    if job.temporary:
        there = {"PWD": job.cwd, "TMPDIR": job.temporary, "MLFLOW_TRACKING_URI": f"file:{job.temporary}/mlruns"}
        os.environ |= UNSENT | there
        tempfile.tempdir = job.temporary
    if job.seed is not None:
        keras.utils.set_random_seed(job.seed)
        random_numbers.shift_seeds(job.seed)
    multiprocessing.set_start_method(None, force=True)  # the script may set its own, which is possible once
    atexit._clear()  # what was registered for the process that this one is a fork of


def _execute(job: Job) -> tuple[str, int]:
    """Run the script; return the error that it ends by, "" for none, and what it gives to `sys.exit`."""
    try:
        if job.module:
            runpy.run_module(job.module, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(job.script, run_name="__main__")
    except SystemExit as end:
        sys.stderr.write(f"{end.code}\n" * isinstance(end.code, str))
        return "", end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as raised:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.write(_traceback(raised, job.root))
        said = f"{type(raised).__name__}: {_said_by(raised) if isinstance(raised, Exception) else raised}"
        return textwrap.shorten(said, LONGEST, placeholder=" ..."), 0
    return "", 0


def _files_written(temporary: str) -> set[str]:
    """Return a set that each file joins that this process opens to write; in a trial, one that is there is kept."""
    written: set[str] = set()

    def see(event: str, given: tuple[Any, ...]) -> None:
        new = {*_written_by(event, given)} - written if event in WRITES else ()
        written.update(new)
        for path in new if temporary else ():
            _keep(path, os.path.dirname(temporary))

    def save(go: Callable[[], Any], _: keras.Model, given: dict[str, Any]) -> Any:
        see("open", (str(given["filepath"]), "w", os.O_CREAT))
        return go()

    sys.addaudithook(see)
    for method in ("save", "save_weights"):  # HDF5 opens its files without Python
        of_scripts.see(method, save)
    return written


def _end_with_the_command(folder: str) -> None:
    """Leave nothing where the command is killed: end this process and all that it has begun, and remove the copies."""
    if command := multiprocessing.parent_process():
        command.join()
        shutil.rmtree(folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)


def _print_to(log: str, screen: Any) -> None:
    """Let this process print to a file, or to the screen of another process."""
    if log:
        with open(log, "wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    elif screen:
        for descriptor, theirs in enumerate(screen, 1):
            os.dup2(theirs.detach(), descriptor)


def _written_by(event: str, given: tuple[Any, ...]) -> Iterator[str]:
    """Yield the file that one of these events writes; Python's own and TensorFlow's, which they make for speed, not."""
    is_written = event != "open" or given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    path = given[0 if event == "open" else 1]
    if is_written and isinstance(path, str) and not path.endswith(".pyc") and "__autograph_generated" not in path:
        with contextlib.suppress(OSError):  # where the folder of the process is gone
            yield os.path.realpath(path)  # a link of the folder, such as one to a disk for checkpoints, leads out of it


def _keep(path: str, folder: str) -> None:
    """Keep a file that a trial is about to write, unless it is one of the copies: `Workplace` puts it back."""
    with contextlib.suppress(OSError):  # one that cannot be read
        if os.path.isfile(path) and not path.startswith(folder) and os.path.getsize(path) <= LARGEST:
            kept = os.path.join(folder, OLDER, hashlib.sha256(path.encode()).hexdigest())
            shutil.copy2(path, kept)
            Path(f"{kept}.path").write_text(path)  # when the copy is whole


def _said_by(error: Exception) -> str:
    """Return what an error says in a line: of one in a graph the last, since the first is that there is one."""
    lines = [line.strip() for line in str(error).splitlines()]
    if lines[:1] == ["Graph execution error:"]:
        return next(line for line in reversed(lines) if line and not line.startswith("[["))
    return keras_private.first_sentence(error)


def _traceback(error: BaseException, root: str) -> str:
    """Return what Python prints of an error, from the first line of the script on and without those of this package."""
    said = traceback.TracebackException.from_exception(error)
    frames = list(itertools.dropwhile(lambda frame: not is_in(root, frame.filename), said.stack))
    said.stack[:] = [frame for frame in frames if not frame.filename.startswith(PACKAGE)]
    return "".join(said.format())
