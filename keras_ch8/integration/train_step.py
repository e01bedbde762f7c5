"""The hook around `Model.train_step` and `Model.make_train_function`, for optimizers that need more than the gradient.

An optimizer that has a method `train_step_for(model, data, keras_train_step)` takes the training step itself, one that
has `make_train_function_for(model, keras_make)` makes the train function. For all others both functions do what they
did. A `train_step` of a subclass reaches the first by `super().train_step(data)`. What only a step knows it reports to
who has asked for it (`asking`).
"""

import contextlib
import contextvars
import functools
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras

from .._types import Data
from . import backend, fit, keras_private, registry

TRAIN_STEP, MAKE_TRAIN_FUNCTION = "keras.Model.train_step", "keras.Model.make_train_function"


def install(for_: str) -> None:
    """Put the hook around the training step."""
    why = (
        "An optimizer is given gradients only. Those of section 8.6 evaluate the loss several times in a step, and "
        "`skip_nonfinite` keeps statistics and metrics that are written before there is a gradient."
    )
    registry.install(registry.attribute(keras.Model, "train_step", TRAIN_STEP), _train_step, why, for_)


def install_maker(for_: str) -> None:
    """Put the hook around the maker of the train function."""
    why = (
        "Here a training can be refused before it starts, several batches can be given to one step, and the training "
        "can be ended when a method of section 8.6 has converged."
    )
    place = registry.attribute(keras.Model, "make_train_function", MAKE_TRAIN_FUNCTION)
    registry.install(place, _make_train_function, why, for_)


def _asked(model: keras.Model, name: str) -> Callable[..., Any] | None:
    """Return a method of the optimizer of a model, if it has it."""
    return getattr(keras_private.unscaled(getattr(model, "optimizer", None)), name, None)


def _train_step(theirs: Callable[..., Any], is_active: Callable[[], bool]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def train_step(self: keras.Model, data: Data) -> Any:
        take = _asked(self, "train_step_for") if is_active() else None
        return theirs(self, data) if take is None else take(self, data, functools.partial(theirs, self))

    return train_step


def _make_train_function(theirs: Callable[..., None], is_active: Callable[[], bool]) -> Callable[..., None]:
    @functools.wraps(theirs)
    def make_train_function(self: keras.Model, force: bool = False) -> None:
        make = _asked(self, "make_train_function_for") if is_active() else None
        if make is None or (self.train_function is not None and not force):
            theirs(self, force)
        else:
            make(self, functools.partial(theirs, self, force=True))

    return make_train_function


# --- steps that are skipped --------------------------------------------------------------------------------------

_keeping: contextvars.ContextVar[bool] = contextvars.ContextVar("keras_ch8_keeping", default=False)


class SkippedBatches:
    """The batches of steps that were skipped, each with its number among all, as the step hands them over.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.come = False
        """Whether the step hands them over: XLA and replicas cannot call Python."""
        self.taken: list[tuple[int, Any]] = []

    def take(self, number: int, data: Any) -> None:
        """Take one."""
        if len(self.taken) < self._most:
            self.taken.append((number, data))


def unless_gone(method: Callable[..., None]) -> Callable[..., None]:
    """Return a function that calls a method without keeping its object: TensorFlow keeps the function with a graph."""
    weak = weakref.WeakMethod(method)

    def call(*args: Any) -> None:
        alive = weak()
        if alive is not None:
            alive(*args)

    return call


def keeping_what_is_skipped(
    optimizer: keras.optimizers.Optimizer, model: keras.Model, data: Data, keras_train_step: Any
) -> dict[str, Any]:
    """Take Keras's training step; if the optimizer skips it, put back what the forward pass has written.

    That is the statistics of layers and the running means of metrics: they are written before there is a gradient.
    Seeds go on.
    """
    if keras_private.lacks_variables(model):
        with contextlib.suppress(Exception) if model.built else contextlib.nullcontext():  # then metrics alone are late
            keras_private.build_on(model, keras.utils.unpack_x_y_sample_weight(data))
    optimizer.build(model.trainable_variables)
    seeds = {id(seed) for seed in keras_private.seeds_of(model)}
    kept = [v for v in (*model.non_trainable_variables, *model.metrics_variables) if id(v) not in seeds]
    before = [backend.copy(v) for v in kept]
    skipped = backend.copy(optimizer.skipped)
    token = _keeping.set(True)
    try:
        logs = keras_train_step(data)
    finally:
        _keeping.reset(token)
    with backend.start_after([backend.as_tensor(v) for v in model.trainable_variables[-1:]]):
        counted = backend.as_tensor(optimizer.skipped) == skipped
    if optimizer.gradient_accumulation_steps:  # in the middle of a sum that will be skipped
        sums = [backend.as_tensor(total) for total in optimizer.accumulators if total is not None]
        counted = counted & backend.all_finite(sums)
    training = fit.running_training(model)
    batches: SkippedBatches | None = None if training is None else training.skipped_batches
    take = None if batches is None else (unless_gone(batches.take), optimizer.micro_steps, data)
    takes = backend.put_back_when(~counted, kept, before, take)
    if batches is not None:
        batches.come = takes
    results = model.get_metrics_result()
    return {name: results.get(name, value) for name, value in logs.items()}


def warn_of_what_is_not_kept(optimizer: keras.optimizers.Optimizer) -> None:
    """Say once that a training step of the user's own keeps weights and slots only."""
    training = fit.running_training()
    if _keeping.get() or training is None or optimizer.has_warned:
        return
    if keras_private.unscaled(getattr(training.model, "optimizer", None)) is optimizer:
        optimizer.has_warned = True
        warnings.warn(
            "When `skip_nonfinite` skips a step, weights and optimizer state stay unchanged. But this model overrides "
            "`train_step`, so batch normalization statistics and metrics still change: call "
            "`super().train_step(data)` in it to protect them, too.",
            UserWarning,
            stacklevel=2,
        )


# --- what only a step knows, handed from inside `apply` of an optimizer to who has asked for it around that call -----
#
# A strategy calls `apply` in a thread for each replica, and each has what was asked in it.


class Ending:
    """What a step of one optimizer ends with: inside the step, so that op by op both are one graph.

    Args:
        run: `run(report, *given)`. What it returns is handed to who has asked; in a graph, each tensor of it costs.
    """

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run
        self.graphs: dict[Any, Callable[..., Any]] = {}
        """The graphs of steps that end so, which live no longer than who has asked."""


_Request = tuple[Any, Ending, tuple[Any, ...], list[Any]]
_request: contextvars.ContextVar[_Request | None] = contextvars.ContextVar("keras_ch8_asked", default=None)
"""The optimizer that is asked, how its step is to end, what that is given, and what has come out."""


@contextlib.contextmanager
def asking(optimizer: Any, ending: Ending, *given: Any) -> Iterator[list[Any]]:
    """Let a step that an optimizer takes inside end so, and collect what comes out: nothing, if it reports nothing."""
    answers: list[Any] = []
    token = _request.set((optimizer, ending, given, answers))
    try:
        yield answers
    finally:
        _request.reset(token)


def asked_of(optimizer: Any, otherwise: Ending) -> tuple[Ending, tuple[Any, ...], list[Any]]:
    """Return how a step of an optimizer is to end, what that is given, and the list that takes what comes out.

    It is `otherwise` where nobody asks, or asks an optimizer around this one, or inside it.
    """
    asked = _request.get()
    return asked[1:] if asked is not None and asked[0] is optimizer else (otherwise, (), [])
