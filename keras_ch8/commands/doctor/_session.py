"""A session of `doctor`: a first run, and the trials after it."""

import argparse
import dataclasses
import functools
import itertools
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from ..._result import coloured
from ...cockpit.page import report
from ...proof.program import Outcome
from ...proof.result import Proof
from ...proof.rounds import prove
from ...verdicts.texts import alarm, brief, pasted
from .. import _json
from ._messages import LARGEST, STOPS, VALIDATION
from ._process import Interrupted, Ran, Target, Workplace, files_in
from ._script import Scoring, Script, gravest, lines_of, outcome_of

HEALTHY, PROVEN, REFUSED, SICK, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit status."""
SEEDS, ROUNDS = 3, 3
"""Trainings in a comparison, and fixes in a patch, at most."""


def start(line: Sequence[str], is_module: bool, arguments: argparse.Namespace) -> int:
    """Run a script, and return the exit status.

    Args:
        line: The script, or the module, and its arguments.
        is_module: Whether it is a module.
        arguments: The options of the command.
    """
    try:
        target = _target(line, is_module)
        size = _size(target, arguments.in_place)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    say = functools.partial(_say, sys.stderr if arguments.json else sys.stdout)
    if arguments.dry_run:
        say(_plan(target, size, arguments))
        return HEALTHY
    screen = (2, 2) if arguments.json else (1, 2)
    try:
        with Workplace(target, say, in_place=arguments.in_place, draws=arguments.write, screen=screen) as work:
            return _Session(work, arguments, say).run()
    except KeyboardInterrupt:
        return INTERRUPTED


# --- what is to be run ------------------------------------------------------------------------------------------------


def _target(line: Sequence[str], is_module: bool) -> Target:
    """Return what is to be run; raise ValueError with a sentence where that cannot be."""
    cwd = Path.cwd()
    if not line:
        raise ValueError("Name the script that trains, such as `python -m keras_ch8 doctor train.py`.")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise ValueError(f"`doctor` needs TensorFlow. Received: KERAS_BACKEND={os.environ['KERAS_BACKEND']}.")
    name = line[0]
    if is_module:
        parts = cwd.joinpath(*name.split("."))
        found = [path for path in (parts.with_suffix(".py"), parts / "__main__.py") if path.is_file()]
        if not found:
            raise ValueError(f"There is no module {name} in {cwd}. Run `doctor` where you run `python -m {name}`.")
        return Target(found[0].resolve(), name, tuple(line[1:]), cwd)
    if name.endswith(".ipynb"):
        raise ValueError(
            f"`doctor` runs scripts. {name} is a notebook: call `keras_ch8.cure(model_factory, data)` in it."
        )
    if not Path(name).is_file():
        raise ValueError(f"{name} is {'a folder' if Path(name).is_dir() else 'not there'}. Name a Python script.")
    return Target(Path(name).resolve(), "", tuple(line[1:]), cwd)


def _size(target: Target, in_place: bool) -> int:
    """Return the bytes of the folders that each trial copies; raise ValueError if they are too many."""
    size = 0
    for root in target.roots:
        for _, of_file in () if in_place else files_in(root):
            size += of_file.st_size
            if size > LARGEST:
                raise ValueError(
                    f"Each trial works on a copy of {root}, which has more than {LARGEST // 10**6} MB. Call it in "
                    "a smaller folder, or pass --in-place: then trials read all files but Python's where they are, and "
                    "may change them."
                )
    return size


def _plan(target: Target, size: int, arguments: argparse.Namespace) -> str:
    """Return what would be run, and about how long."""
    command = " ".join(
        [f"python -m {target.module}" if target.module else f"python {target.script}", *target.arguments]
    )
    folders = " and ".join(map(str, target.roots))
    copied = "links to all other files" if arguments.in_place else f"{size / 10**6:.1f} MB"
    most = "without a limit of time" if arguments.minutes is None else f"for at most {arguments.minutes:g} minutes"
    return (
        f"First, once as you do, in {target.cwd}: {command}\n"
        f"If something calls for action, trials follow, {most}, each in a copy of {folders} ({copied}).\n"
        f"Each takes about as long as the first run. A fix that helps takes {4 * SEEDS} of them, and one that does not "
        "2 or more."
    )


# --- a session --------------------------------------------------------------------------------------------------------


class _Session:
    """A first run, and the trials after it."""

    def __init__(self, work: Workplace, arguments: argparse.Namespace, say: Callable[[str], None]) -> None:
        self.work, self.arguments, self.say = work, arguments, say
        self._begun = time.monotonic()

    def run(self) -> int:
        """Return the exit status."""
        try:
            first, is_over = self.work.first_run(), True
        except Interrupted as end:
            first, is_over = end.ran, False
        name = self.work.target.script.name
        failed = bool(first.ended.error or (first.ended.status and not first.fits))
        if is_over and not first.fits and not failed:
            self.say(
                f"{name} ended without a `fit` of a Keras model, which is what `doctor` watches. A loop of your own is "
                "watched by `with keras_ch8.Doctor().watch(model)`."
            )
            return REFUSED
        outcome = outcome_of(first)
        if first.fits:
            said = [line for verdict in outcome.acts for line in alarm(verdict)]
            self.say("\n".join(["", *(said or brief(outcome.verdicts, gravest(first)))]))
        fails_later = failed and bool(outcome.curve)  # after `fit`, which no fix of a training mends
        proof = None
        try:
            if is_over and outcome.acts and not fails_later:
                proof = self._prove(first, outcome)
        except KeyboardInterrupt:  # before a trial has ended: what the first run has shown is told all the same
            is_over = False
        patched = proof.patched if proof else None
        seeds = [pair.seed for pair in proof.fresh.pairs] if proof and proof.fresh else []
        page = self._write(patched, seeds) if isinstance(patched, Script) and self.arguments.write else None
        if self.arguments.json:
            units = {series: unit for fit in first.fits for series, unit in fit.units.items()}
            where, state = lines_of(first), gravest(first)
            run = _json.run(name, outcome.verdicts, state, error=outcome.error, units=units, where=where)
            sys.stdout.write(_json.report("doctor", [run], proof=proof, page=page))
        if not is_over:
            return INTERRUPTED
        return PROVEN if patched else FAILED if failed else SICK if outcome.acts else HEALTHY

    def _prove(self, first: Ran, outcome: Outcome) -> Proof | None:
        """Say what trials are, what they have shown, and the code of each fix for which there is no patch."""
        scoring = Scoring(first)
        script = Script(self.work, scoring, first.fits)
        minutes, seconds = self.arguments.minutes, f"{max(1.0, first.ended.seconds):.0f} s"
        left = None if minutes is None else max(0.0, minutes - (time.monotonic() - self._begun) / 60)
        if left is not None and 60 * left < first.ended.seconds:
            self.say(f"No fix was tried: a trial takes about {seconds}, and `--minutes {minutes:g}` leaves less.")
            return None
        roots = " and ".join(map(str, self.work.target.roots))
        self.say(f"Trials run in copies of {roots}, each for about {seconds}, and are scored on {scoring.on}.")
        if self.work.outside:
            files = ", ".join(self.work.outside)
            self.say(f"Trials write to files elsewhere, too, which are put back in the end: {files}.")
        proof = prove(script, outcome.acts, seeds=SEEDS, rounds=ROUNDS, minutes=left, tell=self.say)
        stops = any(fit.stops for fit in first.fits) or any("EarlyStopping" in each.code for each in proof.cures)
        if stops and scoring.on == VALIDATION:
            proof = dataclasses.replace(proof, unchecked=(*proof.unchecked, STOPS))
        self.say(f"\n{proof}")
        mended = {verdict.kind for verdict in proof.cures}
        for verdict in (each.cures[-1] for each in proof.tried if each.judgement is None):
            if verdict.code and verdict.kind not in mended:
                self.say(f"\n{pasted(verdict)}")
        if proof.patched and not self.arguments.write:
            self.say(f"Apply the patch with `git apply` in {self.work.target.roots[0]}, or call again with --write.")
        return proof

    def _write(self, patched: Script, seeds: Sequence[int]) -> str | None:
        """Put the patch into the files, unless one was changed in the meantime, and return the page with the curves.

        They are those of the fresh seeds. There is no page where the script has a `Doctor` or `Diagnosis` of its own.
        """
        for name, content in patched.encoded().items():
            path = self.work.target.roots[0] / name
            copies = (path.with_name(f"{path.name}.orig{number or ''}") for number in itertools.count())
            kept = next(copy for copy in copies if not copy.exists())
            try:
                if path.read_bytes() != self.work.found(name).read_bytes():
                    self.say(f"{path} was changed in the meantime, so that it is left as it is.")
                    continue
                shutil.copy2(path, kept)
                path.write_bytes(content)
            except OSError as error:  # the patch itself is still to be told
                copied = f" {kept.name} is a copy of what it was." if kept.exists() else ""
                self.say(f"{path} cannot be written: {error.strerror}.{copied}")
                return None
            self.say(f"{path} has the patch; {kept.name} is a copy of what it was.")
        if not self.work.runs.exists():
            return None
        for run in self.work.runs.glob("*/seed_*"):
            if int(run.name.removeprefix("seed_")) not in seeds:
                shutil.rmtree(run)
        page = str(self.work.target.script.with_suffix(".doctor.html"))
        report(self.work.runs, page)
        self.say(f"{page} has the curves before and after.")
        return page


def _say(stream: TextIO, text: str) -> None:
    stream.write(coloured(f"{text}\n", stream))
    stream.flush()
