"""A training loop that is written by hand, watched as `fit` is."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Self, final

import keras
import numpy as np

from .. import _checks, _net
from .._describe import short
from .._types import Tensor
from ..integration import backend, fit, keras_private, train_step
from ..telemetry.recorder import read_ring, rows_for
from ._diagnosis import Diagnosis
from .base import Callback
from .session.batch_counter import READ_EVERY
from .session.session import Session


@final
class WatchedLoop:
    """A training loop inside `with doctor.watch(...) as run`.

    Args:
        model: The model that is trained.
        optimizers: The optimizers by name.
        callbacks: The callbacks that watch.
        total: Steps of the loop in all; None if unknown.
        begins: Called with the training when it begins.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizers: dict[str, Any],
        callbacks: Sequence[Callback],
        total: int | None,
        begins: Callable[[fit.Training], None],
    ) -> None:
        self.model, self.optimizers, self._callbacks, self._total = model, optimizers, list(callbacks), total
        self._begins = begins
        self._begun = time.monotonic()
        self._exits = ExitStack()

    @property
    def steps(self) -> int:
        """The steps of the loop so far."""
        return int(self._clock.numpy())

    @property
    def diagnosis(self) -> Diagnosis:
        """What has judged the loop."""
        return next(callback for callback in self._callbacks if isinstance(callback, Diagnosis))

    def step(self, loss: Tensor = None) -> None:
        """End a step of the loop, in eager code or inside a `tf.function`.

        Args:
            loss: The loss of the step, a scalar. Defaults to `None`: unknown.

        Raises:
            ValueError: Inside a function that XLA compiles, which cannot call Python.
        """
        if backend.in_xla() and self._session is not None:
            raise ValueError(
                "`run.step` sometimes calls Python, which a function with jit_compile=True cannot do. Received: a "
                "call inside one. Return the loss from that function, and call `run.step(loss=loss)` after it."
            )
        step = backend.add_one(self._clock)
        if self._session is not None:
            self._net.attempt(partial(self._leave, step, float("nan") if loss is None else loss))

    def _leave(self, step: Tensor, loss: Any) -> None:
        """Leave the row of a step, and let the callbacks know how far the loop is where that is due."""
        write = self._write_as_graph if backend.in_eager_loop() else self._write
        write(step, keras.ops.convert_to_tensor(loss))
        if backend.calls_would_wait():
            warnings.warn(
                "`Doctor.watch` measures nothing in a compiled loop if TensorFlow has a single inter-op thread: it "
                "would wait for itself. Call `run.step` outside the `tf.function`, or start with "
                "`tf.config.threading.set_inter_op_parallelism_threads(2)`.",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        notify = train_step.unless_gone(self._notify_safely)
        backend.call_when(step >= backend.as_tensor(self._due), notify, self._variables())

    def _write(self, step: Tensor, loss: Tensor) -> None:
        backend.write_row(self._ring, step, backend.floats(step, loss))

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
        self._called = [callback for callback in self._callbacks if not (_net.watches(callback) and _net.off())]
        if not self._called:
            return self
        self._ring = backend.ring(rows_for(READ_EVERY), 2)
        self._write_as_graph = backend.trace(self._write)
        self._read_up_to, self._begun = 0, time.monotonic()
        counted_as = self.model.models[0] if isinstance(self.model, _Several) else self.model
        training = fit.Training(
            self.model, {}, self._called, is_fit=False, optimizers=self.optimizers, counted_as=counted_as
        )
        with ExitStack() as entering:
            entering.enter_context(training.running())
            self._begins(training)
            for callback in self._called:
                callback.set_model(self.model)
                callback.set_params({"epochs": 1, "steps": self._total, "verbose": 2})
                callback.on_train_begin()
            self._session = session = training.session
            if session is not None:  # somebody has joined it
                session.read_losses = partial(self._losses, session)
            for callback in self._called:
                callback.on_epoch_begin(0)
            self._exits = entering.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        if exc_info[0] is None:
            with self._exits:
                self._tell_members()
                for callback in self._called:
                    callback.on_epoch_end(0, {})
                    callback.on_train_end()
            return
        try:
            if self.steps and self._session is not None:  # so that all rows are read
                self._net.attempt(partial(self._session.batch_ended, self._called[0], self.steps - 1, {}))
        finally:
            self._exits.__exit__(*exc_info)

    def _notify_safely(self) -> None:
        """Do as `_notify`; TensorFlow calls it from a graph, where nothing can be caught."""
        self._net.attempt(self._notify)

    def _notify(self) -> None:
        """Let the callbacks know how far the loop is, and find out when to do so again: after its end never."""
        if self._session is None or not self._session.is_open:
            self._due.assign(np.iinfo("int64").max)
            return
        self._tell_members()
        steps = self.steps
        pace = steps / max(time.monotonic() - self._begun, 1e-9)
        reading = steps + self._session.reading.until_due(pace)
        wished = min((callback.next_batch() for callback in self._called), default=reading) + 1
        self._due.assign(int(max(steps + 1, min(reading, wished))))

    def _tell_members(self) -> None:
        for callback in self._called:
            if self.steps:
                with _net.through():
                    callback.on_train_batch_end(self.steps - 1, {})

    def _losses(self, session: Session) -> tuple[np.ndarray, np.ndarray]:
        """Return steps and losses since the last time, in the steps that the model has been trained on."""
        steps, rows = read_ring(self._ring, self._read_up_to + 1, self.steps)
        self._read_up_to = self.steps
        return steps + session.step - self.steps, rows[:, 1]


class _Several(keras.Model):
    """Several models as one, to watch them together."""

    def __init__(self, models: list[Any]) -> None:
        super().__init__()
        self.models = models


def together(model: keras.Model | Sequence[keras.Model]) -> keras.Model:
    """Return what is trained as one model, also of a list of several."""
    return _Several(list(model)) if isinstance(model, list | tuple) else model


def compiled(models: Sequence[keras.Model]) -> dict[str, Any]:
    """Return the optimizers that the models of a loop are compiled with, by name."""
    found = [keras_private.optimizers_of(model) for model in models]
    if not any(found):
        raise ValueError(
            "`Doctor.watch` needs the optimizers of the loop, and the model is not compiled with one. Received: "
            "optimizers=None. Pass them: `doctor.watch(model, optimizer)`."
        )
    return found[0] if len(found) == 1 else named([each for some in found for each in some.values()])


def named(optimizers: Any) -> dict[str, Any]:
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
                f"`optimizers` must be a Keras optimizer, a list or a dict of them. Received: {short(optimizer)} of "
                f"type {type(optimizer).__name__}{f' as {short(name)}' if len(named) > 1 else ''}. Pass the objects "
                "whose `apply` or `apply_gradients` the loop calls."
            )
    return named
