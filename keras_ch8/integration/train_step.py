"""The hook around `Model.train_step` and `Model.make_train_function`, for optimizers that need more than the gradient.

An optimizer that has a method `train_step_for(model, data, keras_train_step)` takes the training step itself, one that
has `make_train_function_for(model, keras_make)` makes the train function. For all others both functions do what they
did. A `train_step` of a subclass reaches the first by `super().train_step(data)`.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras

from . import keras_private, registry

TRAIN_STEP, MAKE_TRAIN_FUNCTION = "keras.Model.train_step", "keras.Model.make_train_function"


def install(for_: str) -> None:
    """Put the hook around the training step."""
    why = (
        "An optimizer is given gradients only. Those of section 8.6 evaluate the loss several times in a step, and "
        "`skip_nonfinite` keeps statistics and metrics that are written before there is a gradient."
    )
    registry.install(keras.Model, "train_step", _train_step, replaces=TRAIN_STEP, why=why, for_=for_)


def install_maker(for_: str) -> None:
    """Put the hook around the maker of the train function."""
    why = (
        "Here a training can be refused before it starts, several batches can be given to one step, and the training "
        "can be ended when a method of section 8.6 has converged."
    )
    registry.install(
        keras.Model, "make_train_function", _make_train_function, replaces=MAKE_TRAIN_FUNCTION, why=why, for_=for_
    )


def _asked(model: Any, name: str, hook: str) -> Callable[..., Any] | None:
    """Return a method of the optimizer of a model, if it has it and the hook is in force."""
    optimizer = keras_private.unscaled(getattr(model, "optimizer", None))
    return getattr(optimizer, name, None) if registry.is_installed(hook) else None


def _train_step(theirs: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def train_step(self: Any, data: Any) -> Any:
        take = _asked(self, "train_step_for", TRAIN_STEP)
        return theirs(self, data) if take is None else take(self, data, functools.partial(theirs, self))

    return train_step


def _make_train_function(theirs: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(theirs)
    def make_train_function(self: Any, force: bool = False) -> None:
        make = _asked(self, "make_train_function_for", MAKE_TRAIN_FUNCTION)
        if make is None or (self.train_function is not None and not force):
            theirs(self, force)
        else:
            make(self, functools.partial(theirs, self, force=True))

    return make_train_function
