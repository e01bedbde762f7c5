"""Where a loss may rise in a healthy training, what is said of its fall calls for no action."""

import keras
import numpy as np
import pytest

from keras_ch8.callbacks import Diagnosis
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors.measurement_log import Rows
from keras_ch8.monitors.model_facts import facts
from keras_ch8.verdicts.causes import OF_FALL
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.rules import judge
from keras_ch8.verdicts.table import RULES
from tests.monitors import logs

RISING = np.array([1.0, *[0.4] * 5, *[0.8] * 3])
STEPS = np.arange(1, 201)
EACH = Rows(STEPS, np.ones(200), np.ones(200))


def rising(**more):
    """Return the log of a training whose loss rises by steps beyond where it is flat along them."""
    steps = [StepLength(v, v, slope=-0.005 * v, curvature=0.012 * v, length=0.01) for v in RISING]
    log = logs.log_of(RISING, step_length=steps)
    for name, value in more.items():
        setattr(log, name, value)
    return log


def of_two():
    log = rising()
    log.add_rows(EACH, {"generator": EACH, "critic": EACH})
    return log


def of_rewards():
    """As of REINFORCE, where an action that paid less than usual has a weight below 0."""
    log = rising()
    log.add_epoch({"loss": -0.1})
    return log


def of_densities():
    log = rising()
    log.add_rows(Rows(np.array([901]), np.array([1.0]), np.array([-2.0])))
    return log


@pytest.mark.parametrize(
    "make, expected", [(rising, "act"), (of_two, "watch"), (of_rewards, "watch"), (of_densities, "watch")]
)
def test_a_loss_that_rises_is_worth_watching_at_most_where_it_may(make, expected):
    log = make()
    claim = logs.said("step_length", log, "step_too_long")
    assert claim.level == expected
    assert (Fact.LOSS_MAY_RISE in facts(log)) == (expected == "watch")
    assert ("ACT at" in claim.why[0]) == (expected == "act"), "the reasons say the levels that there are"


def test_every_rule_of_a_fall_is_worth_watching_at_most():
    for rule in RULES:
        quantities = {limit.quantity.name: limit.act for limit in rule.limits if hasattr(limit, "quantity")}
        for has in (frozenset(), frozenset({Fact.LOSS_MAY_RISE})):
            for claim in judge([rule], quantities, has=has):
                assert claim.level != "act" or not (has and rule.kind in OF_FALL), rule


@pytest.mark.broad(slow="all")
def test_returns_as_weights_have_no_best_constant():
    """The step of a policy: the actions that were taken, weighted by what they paid above the usual."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    states, actions = rng.normal(size=(256, 3)).astype("float32"), rng.integers(0, 2, 256)
    paid = rng.normal(size=256).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    diagnosis = Diagnosis()
    model.fit(states, actions, sample_weight=paid, epochs=20, batch_size=32, verbose=0, callbacks=[diagnosis])
    assert np.isnan(diagnosis.log.chance)
    assert not [verdict.kind for verdict in diagnosis.verdicts if verdict.level == "act"]
