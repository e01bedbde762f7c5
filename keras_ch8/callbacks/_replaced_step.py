"""What is replaced on a model and its optimizers while callbacks observe or follow the steps."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..integration import backend, fit, keras_private, net, registry
from ..telemetry.observation import Observation
from ..telemetry.recorder import Wishes
from ..telemetry.ring import rows_for
from . import _progress
from ._followed_step import followed

if TYPE_CHECKING:
    from ._session import Session


def replace_the_step(session: "Session", observes: bool, exits: ExitStack, under: net.Net) -> None:
    """Let a training step as its callbacks ask for, until `exits` ends.

    Args:
        session: The training.
        observes: Whether the optimizers leave rows.
        exits: What gives everything back.
        under: The net under what only observes.
    """
    model, training = session.model, session.training
    wishes = _wishes(session) if observes else None
    with model.distribute_strategy.scope():
        if training.is_fit:
            keras_private.build_optimizer(model)  # otherwise the first step would, and be traced twice for it
        if not backend.replicated():
            for given in session.optimizers.values():
                for each in keras_private.optimizers_in(given):
                    exits.enter_context(registry.replaced(each, **keras_private.without_all_reduce(each)))
        if wishes is not None:
            session.observation = _kept(session) or Observation(model, session.optimizers, session.rule)
            session.observation.set_rule_state(session.rule_state)
            session.rule_state = {}
            session.observation.start(model, session.step, wishes, exits, under)
    if session.after_step:
        exits.enter_context(registry.replaced(model, train_step=followed(model, session.after_step)))
    if training.is_fit:
        key = (session.observation, wishes, session.gate, *session.after_step)
        fit.use_train_function(model, key, session.observation, exits)


def _wishes(session: "Session") -> Wishes:
    """Return what the members together ask of every step."""
    rows = rows_for(_progress.READ_EVERY + session.model.steps_per_execution)
    every = min([m.measure_every for m in session.members if m.measure_every], default=0)
    return Wishes(rows, every, any(m.observes_layers for m in session.members))


def _kept(session: "Session") -> Observation | None:
    """Return the observation that the last `fit` has kept, if it is of the same optimizers and rule."""
    kept = fit.kept_with(session.model.train_function)[2] if session.training.is_fit else None
    return kept if kept is not None and kept.serves(session.optimizers, session.rule) else None
