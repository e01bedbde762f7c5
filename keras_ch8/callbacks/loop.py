"""The usual callbacks: in a list for `fit`, and around a loop that is written by hand."""

import os
import time
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Self, final

import keras
import numpy as np

from .. import _checks, _net, _objects
from .._describe import short
from .._section import section
from .._spelling import spelled
from ..integration import backend, fit, keras_private
from ..telemetry import ring

if not backend.is_tensorflow():
    raise backend.needs_tensorflow("keras_ch8.watch")

from .._types import Data, Tensor
from ..trackers import feeds
from ..trackers.base import Tracker
from ..verdicts.state import State
from ..verdicts.verdict import Verdict
from ._diagnosis import Diagnosis
from ._progress import READ_EVERY
from ._resume import Resume
from ._session import Session
from ._tensorboard import TensorBoard
from .base import Callback


@section("8.2")
def standard(
    log_dir: str | os.PathLike[str] = "logs", probe: Data = None, resume: str | os.PathLike[str] | Resume | None = None
) -> list[Callback]:
    """Return the callbacks to begin with: they watch a training, say what is wrong with it, and change nothing (8.2).

    `TensorBoard(log_dir)` writes the curves and a page, and `Diagnosis(probe)` the verdicts: one that calls for action
    is printed when it first does, and a summary when `fit` ends; the progress bar stays as it is. What stops, averages
    or slows a training, such as `EarlyStopping`, `PolyakAveraging` and `LearningRateDecay`, is added by hand:
    `callbacks=[*standard(), EarlyStopping(patience=5)]`.

    Args:
        log_dir: Folder of the run for TensorBoard. Defaults to `"logs"`.
        probe: What to measure on, best some 64 to 512 examples that are not trained on: `(x_val, y_val)` or a data set
            that neither shuffles nor draws (see `Diagnosis`). Defaults to `None`: the first 256 examples that `fit`
            trains on.
        resume: Folder in which `Resume` keeps the training, so that it goes on when the same script is run again after
            its process has died; or a `Resume`, as in `resume=Resume("states", allow=["epochs"])`. Defaults to `None`:
            nothing is kept.

    Returns:
        A list of callbacks for `fit`, of new ones at each call.

    Raises:
        TypeError: If `log_dir` is not a path, or `resume` neither a path nor a `Resume`.
        ValueError: If `probe` is neither arrays nor a data set.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.Adam(), "mse")
        >>> callbacks = keras_ch8.callbacks.standard(tempfile.mkdtemp())
        >>> [type(callback).__name__ for callback in callbacks]
        ['TensorBoard', 'Diagnosis']

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    if resume is not None and not isinstance(resume, Resume):
        resume = Resume(_objects.path("resume", resume, or_none=True))
    kept = [] if resume is None else [resume]
    return [TensorBoard(log_dir), *kept, Diagnosis(probe)]


@spelled
def watch(
    model: keras.Model,
    optimizers: Any,
    log_dir: Any = None,
    probe: Data = None,
    *,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    callbacks: Sequence[Callback] = (),
    steps: int | None = None,
    log_to: Sequence[Tracker] = (),
) -> "WatchedLoop":
    """Watch a training loop of your own as callbacks watch `fit`: the same curves in TensorBoard, the same verdicts.

    Inside the block every step of the optimizers is observed, in eager code and in every `tf.function` that is traced
    inside it; `run.step(loss=...)` ends a step of the loop. The x axis of every curve counts these. After the block
    nothing is left on the optimizers, even after an error; how the training went is printed in a few lines, and
    `print(run)` says what was found.

    Args:
        model: The model that is trained, or a list of several, as of a GAN.
        optimizers: A Keras optimizer, a list, or a dict by the names of the curves. Of a list they are `optimizer_0`
            and so on; of a single one the curves have no name.
        log_dir: Folder for TensorBoard. Defaults to `None`: nothing is written.
        probe: The batch to measure loss and gradient on, as for `callbacks.Diagnosis`. Defaults to `None`: verdicts
            rest on the steps alone, which tell little: the training counts as little checked.
        loss: A function of `(y, y_pred)` that the loop minimizes, for `probe` where the model is not compiled with it.
            Defaults to `None`.
        callbacks: Other callbacks of the suite that watch, such as `GradientClippingLogger()`; a `Diagnosis` of yours,
            such as `Diagnosis(probe, verbose=False)`, stands in place of that of `watch`. Defaults to `()`.
        steps: Steps of the loop in all, if known: how densely is written and measured follows from it. Defaults to
            `None`.
        log_to: List of `keras_ch8.trackers` that receive what is written for TensorBoard. Defaults to `()`.

    Raises:
        TypeError: If `optimizers` or `log_to` holds something else.
        ValueError: If there are several models and a probe, a probe or loss beside a `Diagnosis` in `callbacks`, or
            `log_to` without `log_dir`.
        OSError: If `log_dir` cannot be written.

    Example:
        >>> import tensorflow as tf
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> optimizer = keras.optimizers.SGD(0.1)
        >>> x, y = tf.ones((8, 2)), tf.ones((8, 1))
        >>> with keras_ch8.watch(model, optimizer, probe=(x, y), loss=keras.losses.MeanSquaredError()) as run:
        ...     @tf.function
        ...     def train_step():
        ...         with tf.GradientTape() as tape:
        ...             loss = tf.reduce_mean((model(x) - y) ** 2)
        ...         gradients = tape.gradient(loss, model.trainable_variables)
        ...         optimizer.apply(gradients, model.trainable_variables)
        ...         run.step(loss=loss)
        ...     for _ in range(5):
        ...         train_step()
        LITTLE CHECKED: 11 of 23 checks could be made.
        Measured 2 times: too few to judge trends. `Diagnosis(when=1)` measures at each
            step.
        >>> run.steps, run.state.name
        (5, 'little_checked')

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """
    for one in model if isinstance(model, list | tuple) else [model]:
        _checks.keras_3(one)
    if isinstance(model, list | tuple) and probe is not None:
        raise ValueError(
            "`probe` is a batch on which the loss of one model is measured. Received: a list of models and a probe. "
            "Give the model whose loss it is, or leave `probe` out: verdicts then rest on the steps."
        )
    if log_dir is None and feeds.checked(log_to):
        raise ValueError(
            "`log_to` is told what is written for TensorBoard, so it needs a `log_dir`. Received: "
            f'log_to={short(log_to)} and log_dir=None. Give a folder too, such as log_dir="logs".'
        )
    given = [callback for callback in callbacks if isinstance(callback, Diagnosis)]
    if given and (probe is not None or loss is not None):
        raise ValueError(
            "`probe` and `loss` are for the Diagnosis of `watch`. Received: one of them, and a `Diagnosis` in "
            "`callbacks`. Give them to that: `Diagnosis(probe, loss=loss)`."
        )
    board = [] if log_dir is None else [TensorBoard(log_dir, log_to=log_to)]
    members = fit.one_of_each([*board, *([] if given else [Diagnosis(probe, loss=loss)]), *callbacks])
    whole = _Several(list(model)) if isinstance(model, list | tuple) else model
    return WatchedLoop(whole, _named(optimizers), members, steps)


@final
class WatchedLoop:
    """A training loop inside `with watch(...) as run`.

    Args:
        model: The model that is trained.
        optimizers: The optimizers by name.
        members: The callbacks that watch.
        total: Steps of the loop in all; None if unknown.
    """

    def __init__(
        self, model: keras.Model, optimizers: dict[str, Any], members: Sequence[Callback], total: int | None
    ) -> None:
        self.model, self.optimizers, self._members, self._total = model, optimizers, list(members), total
        self._begun = time.monotonic()
        self._exits = ExitStack()

    @property
    def steps(self) -> int:
        """The steps of the loop so far."""
        return int(self._clock.numpy())

    @property
    def diagnosis(self) -> Diagnosis:
        """What has judged the loop."""
        return next(member for member in self._members if isinstance(member, Diagnosis))

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that stand, the most serious first."""
        return self.diagnosis.verdicts

    @property
    def state(self) -> State:
        """What they come to, as `state` of a `Diagnosis`."""
        return self.diagnosis.state

    def __str__(self) -> str:
        return str(self.diagnosis)

    def _repr_html_(self) -> str:
        return self.diagnosis._repr_html_()

    def step(self, loss: Tensor = None) -> None:
        """End a step of the loop, in eager code or inside a `tf.function`.

        Args:
            loss: The loss of the step, a scalar. Defaults to `None`: unknown.

        Raises:
            ValueError: Inside a function that XLA compiles, which cannot call Python.
        """
        if backend.in_xla() and self._session is not None:
            raise ValueError(
                "`run.step` calls Python now and then, which a function with jit_compile=True cannot. Received: a call "
                "inside one. Return the loss from that function, and call `run.step(loss=loss)` after it."
            )
        step = backend.add_one(self._clock)
        if self._session is not None:
            self._net.attempt(partial(self._leave, step, float("nan") if loss is None else loss))

    def _leave(self, step: Tensor, loss: Any) -> None:
        """Leave the row of a step, and tell the members how far the loop is where that is due."""
        backend.write_row(self._ring, step, backend.floats(step, loss))
        if backend.calls_would_wait():
            warnings.warn(
                "`watch` measures nothing inside a compiled loop where TensorFlow has one thread for operations, as on "
                "a machine with one CPU: it would wait for itself. Call `run.step` outside of the `tf.function`, or "
                "begin with `tf.config.threading.set_inter_op_parallelism_threads(2)`.",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        told = _unless_gone(self._told_safely)
        backend.call_when(step >= backend.as_tensor(self._due), told, self._variables())

    def _variables(self) -> list[Any]:
        """Return what Python reads when it is called: all of it has to be written by then."""
        observation = None if self._session is None else self._session.observation
        rings = [] if observation is None else observation.rings
        weights = [v for o in self.optimizers.values() for v in (o.iterations, *keras_private.known_variables(o))]
        return [self._clock, self._ring, *rings, *weights]

    def __enter__(self) -> Self:
        self._clock, self._due = backend.scalar(0, "int64"), backend.scalar(0, "int64")
        self._exits, self._net = ExitStack(), _net.Net("What watches this loop")
        self._session: Session | None = None
        """Of those who watch; None where nobody does."""
        self._called = [member for member in self._members if not (_net.watches(member) and _net.off())]
        if not self._called:
            return self
        self._ring = backend.ring(ring.rows_for(READ_EVERY), 2)
        self._read_up_to, self._begun = 0, time.monotonic()
        counted_as = self.model.models[0] if isinstance(self.model, _Several) else self.model
        training = fit.Training(
            self.model, {}, self._called, is_fit=False, optimizers=self.optimizers, counted_as=counted_as
        )
        with ExitStack() as entering:
            entering.enter_context(training.running())
            for member in self._called:
                member.set_model(self.model)
                member.set_params({"epochs": 1, "steps": self._total, "verbose": 2})
                member.on_train_begin()
            self._session = session = training.session
            if session is not None:  # somebody has joined it
                session.read_losses = partial(self._losses, session)
            for member in self._called:
                member.on_epoch_begin(0)
            self._exits = entering.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        if exc_info[0] is None:
            with self._exits:
                self._tell_members()
                for member in self._called:
                    member.on_epoch_end(0, {})
                    member.on_train_end()
            return
        try:
            if self.steps and self._session is not None:  # so that all rows are read
                self._net.attempt(partial(self._session.batch_ended, self._called[0], self.steps - 1, {}))
        finally:
            self._exits.__exit__(*exc_info)

    def _told_safely(self) -> None:
        """Do as `_told`; TensorFlow calls it from a graph, where nothing can be caught."""
        self._net.attempt(self._told)

    def _told(self) -> None:
        """Tell the members how far the loop is, and find out when they have to be told again: after its end never."""
        if self._session is None or not self._session.is_open:
            self._due.assign(np.iinfo("int64").max)
            return
        self._tell_members()
        steps = self.steps
        pace = steps / max(time.monotonic() - self._begun, 1e-9)
        reading = steps + self._session.reading.until_due(pace)
        wished = min((member.next_batch() for member in self._called), default=reading) + 1
        self._due.assign(int(max(steps + 1, min(reading, wished))))

    def _tell_members(self) -> None:
        for member in self._called:
            if self.steps:
                with _net.through():
                    member.on_train_batch_end(self.steps - 1, {})

    def _losses(self, session: Session) -> tuple[np.ndarray, np.ndarray]:
        """Return steps and losses since the last time, in the steps that the model has been trained on."""
        size = int(self._ring.shape[0])
        steps = ring.remembered(self._read_up_to + 1, self.steps, size)
        rows = ring.read(self._ring, steps)
        self._read_up_to = self.steps
        known = ring.is_there(rows[:, 0], steps, size)
        return (steps + session.step - self.steps)[known], rows[known, 1]


def _unless_gone(method: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls a method without keeping its object: TensorFlow may keep a graph for ever."""
    weak = weakref.WeakMethod(method)

    def call() -> None:
        alive = weak()
        if alive is not None:
            alive()

    return call


class _Several(keras.Model):
    """Several models as one, to watch them together."""

    def __init__(self, models: list[Any]) -> None:
        super().__init__()
        self.models = models


def _named(optimizers: Any) -> dict[str, Any]:
    """Return the optimizers of a loop by name."""
    if isinstance(optimizers, Mapping):
        named = dict(optimizers)
    elif isinstance(optimizers, list | tuple):
        named = {f"optimizer_{i}": optimizer for i, optimizer in enumerate(optimizers)}
    else:
        named = {"optimizer": optimizers}
    for name, optimizer in named.items():
        _checks.keras_3(optimizer)
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise TypeError(
                "`optimizers` must be a Keras optimizer, a list or a dict of them. Received: "
                f"{short(optimizer)} of type "
                f"{type(optimizer).__name__}{f' as {short(name)}' if len(named) > 1 else ''}. Give the objects whose "
                "`apply` or `apply_gradients` the loop calls."
            )
    return named
