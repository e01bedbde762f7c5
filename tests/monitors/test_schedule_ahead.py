"""What a schedule will give in a training is known before its first step."""

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.monitors.model_facts import ahead
from keras_ch8.verdicts.checks import claims_of
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.facts import Facts

SCHEDULES = keras.optimizers.schedules
RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 4)).astype("float32")
Y = X[:, :1]


def model(rate, **options):
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(rate, **options), "mse")
    return made


def told(rate, batches=400, **options):
    claims = claims_of(Facts(**ahead(model(rate, **options), batches, set())), unexpected)
    return [(claim.kind, claim.level) for claim in claims]


@pytest.mark.parametrize(
    "schedule, expected",
    [
        (lambda: 0.1, []),
        (lambda: SCHEDULES.CosineDecay(0.1, 400), []),
        (lambda: SCHEDULES.CosineDecay(0.1, 30), [("step_too_short", "act")]),  # counted in epochs
        (lambda: SCHEDULES.CosineDecay(0.1, 180), []),
        (lambda: SCHEDULES.ExponentialDecay(0.1, 400, 0.1), []),
        (lambda: SCHEDULES.ExponentialDecay(0.1, 10, 0.5), [("step_too_short", "act")]),
        (lambda: SCHEDULES.PiecewiseConstantDecay([200, 300], [0.1, 0.01, 0.001]), []),
        (lambda: SCHEDULES.InverseTimeDecay(0.1, 1, 0.5), [("step_too_short", "act")]),  # counted in epochs
        (lambda: SCHEDULES.InverseTimeDecay(0.1, 40, 0.5), []),
        (lambda: SCHEDULES.CosineDecay(0.0, 360, warmup_target=0.1, warmup_steps=40), []),
        (lambda: SCHEDULES.CosineDecay(0.0, 400, warmup_target=0.1, warmup_steps=800), [("step_too_short", "watch")]),
        (lambda: SCHEDULES.CosineDecay(0.0, 400, warmup_target=0.1, warmup_steps=9000), [("step_too_short", "act")]),
        (lambda: SCHEDULES.PolynomialDecay(0.1, 4000, 0.0), []),  # a training that is stopped early
    ],
)
def test_a_schedule_that_ends_before_its_training_and_a_warm_up_beyond_it_are_told(schedule, expected):
    assert told(schedule()) == expected


def test_where_gradients_are_added_up_the_schedule_of_keras_counts_batches():
    assert told(SCHEDULES.CosineDecay(0.1, 400), gradient_accumulation_steps=8) == []


def test_a_schedule_of_ones_own_is_not_asked():
    class Own(SCHEDULES.LearningRateSchedule):
        def __call__(self, step):
            raise AssertionError

    assert ahead(model(Own()), 400, set()) == {}


@pytest.mark.parametrize("rate, expected", [(1e-7, [("step_too_short", "act")]), (1e-4, [])])
def test_a_rate_that_moves_no_weight_is_told_of_optimizers_that_move_each_by_the_rate(rate, expected):
    made = model(0.1)
    made.optimizer = keras.optimizers.Adam(rate)
    for has, claimed in (({Fact.STEPS_OF_THE_RATE}, expected), (set(), [])):
        claims = claims_of(Facts(**ahead(made, 400, has)), unexpected)
        assert [(claim.kind, claim.level) for claim in claims] == claimed
    assert "keras_ch8.find_learning_rate" in "".join(claim.code for claim in claims_of(Facts(reach=1e-5), unexpected))


@pytest.mark.parametrize("decay, expected", [(40.0, [("underfitting", "act")]), (10.0, [])])
def test_a_weight_decay_counts_by_the_mean_of_the_rates_where_a_schedule_begins_at_0(decay, expected):
    assert told(SCHEDULES.CosineDecay(0.0, 360, warmup_target=1e-3, warmup_steps=40), weight_decay=decay) == expected


def unexpected(name, error):
    raise error


@pytest.mark.slow
def test_in_fit_it_is_said_at_once_and_the_cure_keeps_the_peak():
    small, diagnosis = model(SCHEDULES.CosineDecay(0.02, 8)), keras_ch8.callbacks.Diagnosis((X, Y), verbose=False)
    small.fit(X, Y, batch_size=16, epochs=10, verbose=0, callbacks=[diagnosis])
    (verdict,) = [v for v in diagnosis.verdicts if v.kind == "step_too_short" and v.level == "act"]
    assert verdict.step == 0
    assert verdict.code == 'model.optimizer.learning_rate = keras_ch8.schedules.LinearDecay(0.02, "100%")'
