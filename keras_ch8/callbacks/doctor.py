"""The object to begin with: one callback for all that watches a training, which says what is wrong with it."""

import copy
import html
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, final

import keras

from .. import _checks, _describe, _net, _objects
from .._describe import short
from .._result import coloured_html
from .._types import Data, Logs, Tensor
from ..integration import backend, fit, tuner

if not backend.is_tensorflow():
    raise backend.needs_tensorflow("keras_ch8.Doctor")

from ..cockpit import page
from ..trackers import feeds
from ..trackers.base import Tracker
from ..verdicts.kinds import ignored, title_of
from ..verdicts.texts import report
from ..verdicts.verdict import LEVELS, Verdict, VerdictError
from ._diagnosis import Diagnosis
from ._resume import Resume
from ._tensorboard import TensorBoard
from ._watched_loop import WatchedLoop, compiled, named, together
from ._watched_run import WatchedRun, search_report
from .base import Callback
from .diagnosis.probe_data import ProbeData


@final
class Doctor(keras.callbacks.Callback):
    """Watch a training, tell what is wrong with it and how to fix it, and change nothing (section 8.2).

    One callback, to begin with: `callbacks=[doctor]`. In its place `fit` has `TensorBoard(log_dir)`, which writes the
    curves and a page, `Diagnosis(probe)`, which finds the verdicts, and `Resume(resume)` where that is asked for. A
    verdict that calls for action is printed once, when it first does, and `fit` ends with a summary of a few lines.
    `print(doctor)` then has the first verdict in full, with the code that fixes it, and two lines for each other;
    `print(doctor.verdicts[1].code)` is the code of the second. Whoever wants more of one of the three, such as
    `Diagnosis(checks="full")`, lists them instead. What stops, averages or slows a training is added by hand:
    `callbacks=[doctor, EarlyStopping(patience=5)]`.

    `doctor.runs` has one result for each `fit`, and for each loop of `watch`, in order, each with `verdicts`, `state`
    and `log_dir`; it prints. Copies share them: a search for hyperparameters, which gives each trial a copy of the
    callbacks, leaves all its results with the doctor that it was given. In a search of KerasTuner each has the `name`
    and the `hyperparameters` of its trial and is written to a folder of that name in `log_dir`, with these values among
    its settings; `print(doctor)` then says which trials need action.

    Args:
        log_dir: Folder of the run for TensorBoard; `None` writes nothing. Defaults to `"logs"`.
        probe: What to measure on, best some 64 to 512 examples that are not trained on: `(x_val, y_val)` or a data set
            that neither shuffles nor draws (see `callbacks.Diagnosis`). Defaults to `None`: the first 256 examples that
            `fit` trains on, or those of its first step where Python makes them. A loop of one's own has none.
        resume: Folder in which `callbacks.Resume` keeps the training, so that it goes on when the same script is run
            again after its process has died; or a `Resume`, as in `resume=Resume("states", allow=["epochs"])`. Defaults
            to `None`: nothing is kept.
        ignore: Kinds of verdicts of which no more is said than how many they are, such as `["too_short"]`. Defaults to
            `()`.
        log_to: List of `keras_ch8.trackers` that receive what is written to `log_dir`. Defaults to `()`.

    Raises:
        TypeError: If `log_dir` is not a path, `resume` neither a path nor a `Resume`, or `log_to` no list of trackers.
        ValueError: If `probe` is neither arrays nor a data set, `ignore` has a kind that there is not, or `log_to` is
            given without `log_dir`.

    Warns:
        UserWarning: In `fit`, if there is a second `Doctor`, or another `TensorBoard` or `Diagnosis`: one of a kind
            watches, the first in the list.
        RuntimeWarning: If something else than Keras's `fit` trains, so that it cannot watch.

    Example:
        >>> x, y = np.random.default_rng(0).normal(size=(2, 256, 1))
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(1e-7), "mse")
        >>> doctor = keras_ch8.Doctor(log_dir=None, probe=(x[:64], y[:64]))
        >>> _ = model.fit(x, y, batch_size=8, epochs=6, callbacks=[doctor], verbose=0)
        >>> doctor.verdicts[0].kind
        'step_too_short'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section = "8.2"
    _is_alone = True

    @_describe.spelled
    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = "logs",
        probe: Data = None,
        *,
        resume: str | os.PathLike[str] | Resume | None = None,
        ignore: Sequence[str] = (),
        log_to: Sequence[Tracker] = (),
    ) -> None:
        super().__init__()
        self.log_dir = None if log_dir is None else os.fspath(_objects.path("log_dir", log_dir))
        self.log_to = feeds.checked(log_to)
        if log_dir is None and log_to:
            raise ValueError(
                "`log_to` forwards what is written for TensorBoard, so it needs a `log_dir`. Received: "
                f'log_to={short(log_to)} and log_dir=None. Pass a folder too, such as log_dir="logs".'
            )
        self.resume = resume if isinstance(resume, Resume) else _objects.path("resume", resume, or_none=True)
        self.ignore = ignored(ignore)
        self.probe, self._has_probe = ProbeData(probe), probe is not None
        self.runs: list[WatchedRun] = []
        """What it has found, one for each training, the last one too that still runs."""
        fit.install("Doctor")

    # --- what it has found -------------------------------------------------------------------------------------------

    @property
    def verdicts(self) -> list[Verdict]:
        """What is wrong in the last training, the most serious first; [] before any."""
        return [verdict for verdict in self.runs[-1].verdicts if verdict.level != "ok"] if self.runs else []

    def report(self, file: str | os.PathLike[str] | None = None) -> page.Page:
        """Return the page of the last training, as `keras_ch8.report` makes it of the folder that it was written to.

        Args:
            file: File to write the page to, such as `"report.html"`. Defaults to `None`: no file is written.

        Raises:
            ValueError: If nothing was written.
            FileNotFoundError: If there is no run in the folder yet.
            OSError: If `file` cannot be written.
        """
        folder = self.runs[-1].log_dir if self.runs else self.log_dir
        if folder is None:
            raise ValueError(
                "`report` makes a page from the log folder. Received: log_dir=None, which writes nothing. Create "
                '`Doctor("logs")` and train again; `print(doctor)` says what was found.'
            )
        return page.report(folder, file)

    def raise_if(self, level: str = "act") -> None:
        """Raise an error if the last training has a verdict of this level or above: for a script that nobody reads.

        What could hardly be checked is no verdict: see `runs[-1].state`. With `KERAS_CH8_OFF` nothing is raised.

        Args:
            level: `"act"`, or `"watch"` for both. Defaults to `"act"`.

        Raises:
            VerdictError: If there is such a verdict; its attribute `verdicts` has all of them.
            ValueError: If there is no such level, or no training was watched.
        """
        grave = LEVELS[1:]
        if level not in grave:
            guess = _describe.meant(level, grave) if isinstance(level, str) else ""
            raise ValueError(
                f"`level` must be {' or '.join(map(repr, grave))}. Received: level={short(level)}. "
                f"{guess or 'Try `act`.'}"
            )
        if _net.off():
            return
        if not self.runs:
            raise ValueError(
                "`raise_if` judges the last training. Received: a `Doctor` that has watched no training. Pass it to "
                "`fit` in `callbacks`, and call `raise_if` afterwards."
            )
        found = [verdict for verdict in self.verdicts if LEVELS.index(verdict.level) >= LEVELS.index(level)]
        if found:
            titles = ", ".join(title_of(verdict.kind) for verdict in found)
            said = f'The training has verdicts of the level "{level}" or above: {titles}.'
            raise VerdictError(f"{said}\n\n{report(found, of='doctor')}", found)

    def __repr__(self) -> str:
        names = ("log_dir", "probe", "resume", "ignore", "log_to")
        return _describe.call_of(self, {name: vars(self)[name] for name in names})

    def __str__(self) -> str:
        if not self.runs:
            return _net.off() or "It has watched no training yet: pass it to `fit` in `callbacks`."
        if self.runs[-1].name:
            return search_report(self.runs, self.log_dir)
        return report(self.runs[-1].verdicts, self.runs[-1].state, "doctor")

    def _repr_html_(self) -> str:
        """Return the verdicts for a notebook: one line, a card for each, and the passed checks folded."""
        if self.runs and not self.runs[-1].name:
            return self.runs[-1]._repr_html_()
        return f"<p>{coloured_html(html.escape(str(self))).replace(chr(10), '<br>')}</p>"

    # --- in `fit`: the hook around it calls the first two ------------------------------------------------------------

    def _parts_in_fit(self) -> list[Callback]:
        """Return new callbacks that stand in the place of this one, so that one training knows nothing of another."""
        resume = self.resume if self.resume is None or isinstance(self.resume, Resume) else Resume(self.resume)
        kept = [] if resume is None else [resume]
        return [*self._boards(), *kept, self._diagnosis(self.probe)]

    def _enter_fit(self, training: fit.Training) -> None:
        """Begin a result, where anybody looks; it is complete when all callbacks have finished."""
        found: dict[type, Any] = {type(callback): callback for callback in training.callbacks}
        if Diagnosis not in found or _net.off():
            return
        trial, board = tuner.trial_of(training.callbacks), found.get(TensorBoard)
        if trial and board and board.log_dir == self.log_dir:  # KerasTuner has moved one that the user lists
            board.log_dir = os.path.join(board.log_dir, trial.name)
        run = WatchedRun(found[Diagnosis], board.log_dir if board else None, trial)
        self.runs.append(run)
        training.exits.callback(_net.Net("What `Doctor` keeps of a training").attempt, run.end)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Say that it cannot watch: where it can, its parts are called and not itself."""
        if not _net.off():
            warnings.warn(
                "`Doctor` watches `Model.fit`, but something else is training here, so it watches nothing. In a loop "
                "of your own, use `with doctor.watch(model)`. After `keras_ch8.integration.uninstall()`, create a new "
                "`Doctor`.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _boards(self) -> list[Callback]:
        return [] if self.log_dir is None else [TensorBoard(self.log_dir, log_to=self.log_to)]

    def _diagnosis(self, probe: ProbeData, loss: Callable[[Tensor, Tensor], Tensor] | None = None) -> Diagnosis:
        made = Diagnosis(loss=loss, ignore=self.ignore)
        made.probe = probe  # what it has read of one `fit` stays for the next of that model
        made.called = "doctor"
        return made

    # --- in a loop of one's own --------------------------------------------------------------------------------------

    @_describe.spelled
    def watch(
        self,
        model: keras.Model | Sequence[keras.Model],
        optimizers: Any = None,
        *,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        callbacks: Sequence[Callback] = (),
        steps: int | None = None,
    ) -> WatchedLoop:
        """Watch a training loop of your own as `fit` is watched: the same curves in TensorBoard, the same verdicts.

        Inside the block every step of the optimizers is observed, in eager code and in every `tf.function` that is
        traced inside it; `run.step(loss=...)` ends a step of the loop. The x axis of every curve counts these. After
        the block nothing is left on the optimizers, even after an error; how the training went is printed in a few
        lines, and `print(doctor)` says what was found. Without a `probe` verdicts rest on the steps alone, which show
        little: the training counts as little checked.

        Args:
            model: The model that is trained, or a list of several, as of a GAN.
            optimizers: A Keras optimizer, a list, or a dict by the names of the curves. Of a list they are
                `optimizer_0` and so on; of a single one the curves have no name. Defaults to `None`: what the model is
                compiled with.
            loss: A function of `(y, y_pred)` that the loop minimizes, for the probe where the model is not compiled
                with it. Defaults to `None`.
            callbacks: Other callbacks of the suite that watch, such as `GradientClippingLogger()`; a `Diagnosis` of
                yours, such as `Diagnosis(probe, verbose=False)`, stands in place of that of the doctor. Defaults to
                `()`.
            steps: Steps of the loop in all, if known: how densely is written and measured follows from it. Defaults to
                `None`.

        Raises:
            TypeError: If `optimizers` holds something else.
            ValueError: If the model is not compiled and `optimizers` is left out, there are several models and a probe,
                a probe, `ignore` or `loss` beside a `Diagnosis` in `callbacks`, or the doctor has a `resume`.
            OSError: If the folder of the doctor cannot be written.

        Example:
            >>> import tensorflow as tf
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            >>> model.compile(keras.optimizers.SGD(0.1), "mse")
            >>> x, y = tf.ones((8, 2)), tf.ones((8, 1))
            >>> doctor = keras_ch8.Doctor(log_dir=None, probe=(x, y))
            >>> with doctor.watch(model) as run:
            ...     @tf.function
            ...     def train_step():
            ...         with tf.GradientTape() as tape:
            ...             loss = tf.reduce_mean((model(x) - y) ** 2)
            ...         gradients = tape.gradient(loss, model.trainable_variables)
            ...         model.optimizer.apply(gradients, model.trainable_variables)
            ...         run.step(loss=loss)
            ...     for _ in range(5):
            ...         train_step()
            LITTLE CHECKED: 11 of 24 checks could run.
            The probe was measured 2 times, too few to judge trends.
                `Diagnosis(measure_every=1)` measures at each step.
            >>> run.steps, doctor.runs[0].state.name
            (5, 'little_checked')

        References:
            Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
        """
        models = list(model) if isinstance(model, list | tuple) else [model]
        for one in models:
            _checks.keras_3(one)
        if self.resume is not None:
            raise ValueError(
                f"`resume` works only with `fit`, not with a loop of your own. Received: resume={short(self.resume)}. "
                "Remove `resume` from the `Doctor`, or train with `fit`."
            )
        if self._has_probe and isinstance(model, list | tuple):
            raise ValueError(
                "`probe` is for measuring the loss of a single model. Received: a list of models and a probe. Pass "
                "only that model, or omit `probe`: the verdicts are then based on the steps."
            )
        own = any(isinstance(callback, Diagnosis) for callback in callbacks)
        if own and (self._has_probe or self.ignore or loss is not None):
            raise ValueError(
                "`probe`, `ignore` and `loss` belong to the `Diagnosis`. Received: one of them, and a `Diagnosis` in "
                "`callbacks`. Pass them to that one: `Diagnosis(probe, loss=loss)`."
            )
        of_fit = [] if own else [self._diagnosis(self.probe if self._has_probe else ProbeData(None), loss)]
        members = fit.one_of_each([*self._boards(), *of_fit, *callbacks])
        given = compiled(models) if optimizers is None else named(optimizers)
        return WatchedLoop(together(model), given, members, steps, self._enter_fit)

    # --- copies ------------------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> "Doctor":
        """Return a doctor with a probe of its own, whose results are results of this one too."""
        copied = object.__new__(Doctor)
        copied.__dict__.update(self.__getstate__(), probe=copy.deepcopy(self.probe, memo))
        return copied

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_model": None, "params": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        fit.install("Doctor")
