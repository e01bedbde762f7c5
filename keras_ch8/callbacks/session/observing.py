"""The training step of a session, in which optimizers are observed and done what callbacks have asked for."""

import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

import keras

from ... import _net
from ..._describe import short
from ..._types import Data
from ...integration import backend, fit, keras_private, registry
from ...integration.untouched import has_own_code
from ...telemetry.observation import Observation
from ...telemetry.recorder import Wishes, rows_for
from . import batch_counter


def replace_step(session: Any, observes: bool, exits: ExitStack, under: _net.Net) -> None:
    """Let the model of a session train with another step until `exits` ends: see `Session`.

    Args:
        session: The session.
        observes: Whether a callback wants the rows of the steps.
        exits: Gives the optimizers and the model back.
        under: Lies under what only observes.
    """
    model = session.model
    wishes = wishes_of(session) if observes else None
    with model.distribute_strategy.scope():
        if session.training.is_fit:
            known = len(keras_private.known_state(model.optimizer))
            keras_private.build_optimizer(model)  # otherwise the first step would, and be traced twice for it
            is_larger = len(keras_private.known_state(model.optimizer)) > known
            has_one_copy = session.training.replicas == 1
            if is_larger and has_one_copy and has_own_code(model, *keras_private.losses_of(model)):
                apply = partial(_apply_and_make, model.optimizer.apply, [])
                exits.enter_context(registry.replaced(model.optimizer, apply=apply))
        if not backend.replicated():
            for given in session.optimizers.values():
                for each in keras_private.optimizers_in(given):
                    exits.enter_context(registry.replaced(each, **keras_private.without_all_reduce(each)))
        if wishes is not None or session.judge is not None:
            wanted = session.optimizers, session.rule, session.judge
            kept = fit.kept_with(model.train_function)[2] if session.training.is_fit else None
            session.observation = kept if kept is not None and kept.serves(*wanted) else Observation(model, *wanted)
            session.observation.set_rule_state(session.rule_state)
            session.rule_state = {}
            session.observation.start(model, session.step, wishes, exits, under)
    if session.after_step:
        exits.enter_context(registry.replaced(model, train_step=_followed(model, session.after_step)))
    if session.training.is_fit:
        key = (session.observation, wishes, *session.after_step)
        fit.use_train_function(model, key, session.observation, exits)


def wishes_of(session: Any) -> Wishes:
    """Return what the callbacks together ask of every step."""
    rows = rows_for(batch_counter.READ_EVERY + session.model.steps_per_execution)
    every = min([m.observes_updates for m in session.callbacks if m.observes_updates], default=0)
    return Wishes(rows, every)


def warn_of_own_train_function(model: keras.Model, acts: bool) -> None:
    """Warn that steps are not observed, or refuse that where a callback has to act in them."""
    _go_without(
        "`model.train_function` is not what `make_train_function` makes, so it is left alone and its steps are not "
        f"observed. Received: {short(model.train_function)}. Override `train_step` instead, or set it to None.",
        acts,
    )


def warn_of_changed_trainable(acts: bool) -> None:
    """Warn that steps are not observed which go on with the weights of before, or refuse that as above."""
    _go_without(
        "You changed `trainable` after `compile`, but `fit` still uses the old setting, so its steps are not "
        "observed. Call `model.compile` again, as before.",
        acts,
    )


def _go_without(message: str, acts: bool) -> None:
    if acts:
        raise _net.let_pass(ValueError(f"A callback must act in each step. {message}"))
    warnings.warn(message, UserWarning, stacklevel=3)


def _apply_and_make(apply: Callable[..., Any], made: list[Any], *args: Any, **kwargs: Any) -> Any:
    """Apply gradients, and make a variable at the first call, as an optimizer does that is not built.

    For that TensorFlow traces the first step twice, and calls the user's Python as often as in the bare training.
    """
    if not made:
        made.append(backend.scalar(0.0, "float32"))
    return apply(*args, **kwargs)


def _followed(model: keras.Model, after_step: Iterable[Callable[[Any], None]]) -> Callable[[Any], Any]:
    """Return the training step of a model, which also lets each of `after_step` know whether it has made an update."""
    theirs = model.train_step

    def train_step(data: Data) -> Any:
        before = _updates(model)
        logs = theirs(data)
        moved = _updates(model) != before
        for follow in after_step:
            follow(moved)
        return logs

    return train_step


def _updates(model: keras.Model) -> Any:
    """Return how many updates the optimizers of a model have made, those that were skipped left out."""
    inner = keras_private.inner_optimizers_of(model)
    skipped = [backend.as_tensor(each.skipped) for each in inner if getattr(each, "skipped", None) is not None]
    return sum(backend.as_tensor(each.iterations) for each in inner) - sum(skipped)
