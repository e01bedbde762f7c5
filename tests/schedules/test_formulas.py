"""Every schedule beside its formula in float64, saved and made again, and what bad arguments get."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8._duration import Clock, Duration
from keras_ch8.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    CyclicalLearningRate,
    ExponentialDecay,
    InverseTimeDecay,
    LinearDecay,
    OneCycle,
    PolynomialDecay,
    ScaledSchedule,
    SequentialSchedule,
    Warmup,
    WarmupStableDecay,
)

STEPS = [0, 1, 7, 49, 50, 51, 99, 100, 101, 1000, 10_000_000]


def one_cycle(k):
    u = min(k / 100, 1)
    start, end, share = (0.02, 0.5, u / 0.25) if u < 0.25 else (0.5, 5e-6, (u - 0.25) / 0.75)
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def cosine(k):
    return 0.001 + 0.099 * (1 + math.cos(math.pi * min(k / 100, 1))) / 2


def restarts(k, first, t_mul, m_mul, alpha):
    """Go from one half cosine to the next."""
    length, height = first, 1.0
    while k >= length:
        k, length, height = k - length, length * t_mul, height * m_mul
    return 0.1 * (alpha + (1 - alpha) * height * (1 + math.cos(math.pi * k / length)) / 2)


def polynomial_that_begins_anew(k):
    length = 30 * max(1, math.ceil(k / 30))
    return 0.001 + 0.099 * (1 - k / length) ** 2


def triangle(k, half):
    """Return how high in its cycle a step is, from 0 to 1, and the number of cycles before it."""
    cycles, place = divmod(k, 2 * half)
    return 1 - abs(place - half) / half, cycles


def warmup_stable_decay(k):
    if k < 7:
        return 0.1 * k / 7
    return 0.1 * 0.2 ** min(max((k - 80) / 20, 0), 1)


FORMULAS = {
    "CosineDecayRestarts": (CosineDecayRestarts(0.1, 7, 2.0, 0.5, 0.1), lambda k: restarts(k, 7, 2, 0.5, 0.1)),
    "CosineDecayRestarts, equal lengths": (CosineDecayRestarts(0.1, 25, 1.0), lambda k: restarts(k, 25, 1, 1.0, 0.0)),
    "PolynomialDecay": (PolynomialDecay(0.1, 100, 0.001, 0.5), lambda k: 0.001 + 0.099 * (1 - min(k / 100, 1)) ** 0.5),
    "PolynomialDecay, cycle": (PolynomialDecay(0.1, 30, 0.001, 2.0, True), polynomial_that_begins_anew),
    "CyclicalLearningRate": (CyclicalLearningRate(0.01, 0.1, 30), lambda k: 0.01 + 0.09 * triangle(k, 30)[0]),
    "CyclicalLearningRate, triangular2": (
        CyclicalLearningRate(0.01, 0.1, 30, "triangular2"),
        lambda k: 0.01 + 0.09 * triangle(k, 30)[0] * 0.5 ** triangle(k, 30)[1],
    ),
    "CyclicalLearningRate, exp_range": (
        CyclicalLearningRate(0.01, 0.1, 30, "exp_range", 0.99),
        lambda k: 0.01 + 0.09 * triangle(k, 30)[0] * 0.99**k,
    ),
    "WarmupStableDecay": (WarmupStableDecay(0.1, 7, 20, 100, 0.2), warmup_stable_decay),
    "LinearDecay": (LinearDecay(0.1, 100), lambda k: 0.1 + min(k / 100, 1) * (0.001 - 0.1)),
    "InverseTimeDecay": (InverseTimeDecay(0.1, 50, 2.0), lambda k: 0.1 / (1 + 2 * k / 50)),
    "ExponentialDecay": (ExponentialDecay(0.1, 50, 0.9), lambda k: 0.1 * 0.9 ** (k / 50)),
    "CosineDecay": (CosineDecay(0.1, 100, 0.01), cosine),
    "OneCycle": (OneCycle(0.5, 100), one_cycle),
    "Warmup": (Warmup(0.1, 50, 0.01), lambda k: 0.01 + 0.09 * min(k / 50, 1)),
    "SequentialSchedule": (
        SequentialSchedule([Warmup(0.1, 50), CosineDecay(0.1, 100, 0.01), InverseTimeDecay(0.001, 10)], [50, 100]),
        lambda k: 0.1 * k / 50 if k < 50 else cosine(k - 50) if k < 100 else 0.001 / (1 + (k - 100) / 10),
    ),
    "ScaledSchedule": (ScaledSchedule(LinearDecay(0.1, 100), 0.5), lambda k: 0.05 + min(k / 100, 1) * (0.0005 - 0.05)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_follows_its_law(name):
    schedule, formula = FORMULAS[name]
    expected = np.array([formula(k) for k in STEPS]).astype("float32")
    for as_step in (int, np.int64, tf.constant, lambda k: keras.Variable(k, dtype="int64")):
        found = [schedule(as_step(k)) for k in STEPS]
        assert all(rate.dtype == tf.float32 for rate in found)
        np.testing.assert_allclose(np.array(found), expected, rtol=1e-6, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("jit", [False, True])
def test_a_schedule_is_part_of_the_graph(jit):
    step = tf.Variable(0, dtype="int64")
    rates = tf.function(lambda: [schedule(step) for schedule, _ in FORMULAS.values()], jit_compile=jit)
    for k in STEPS[:-1]:
        step.assign(k)
        np.testing.assert_allclose(rates(), [formula(k) for _, formula in FORMULAS.values()], rtol=1e-6)
    assert rates.experimental_get_tracing_count() == 1


THEIRS = keras.optimizers.schedules
OF_KERAS = {
    "restarts": (CosineDecayRestarts, THEIRS.CosineDecayRestarts, (0.1, 10, 2.0, 0.5, 0.1)),
    "restarts of equal length": (CosineDecayRestarts, THEIRS.CosineDecayRestarts, (0.1, 10, 1.0)),
    "restarts that grow by half": (CosineDecayRestarts, THEIRS.CosineDecayRestarts, (0.1, 10, 1.5, 0.9)),
    "polynomial": (PolynomialDecay, THEIRS.PolynomialDecay, (0.1, 60, 0.01, 2.0)),
    "polynomial that starts from scratch": (PolynomialDecay, THEIRS.PolynomialDecay, (0.1, 20, 0.01, 0.5, True)),
    "the defaults of the polynomial": (PolynomialDecay, THEIRS.PolynomialDecay, (0.1, 60)),
}


@pytest.mark.parametrize("name", OF_KERAS)
def test_the_rates_are_those_of_keras(name):
    ours, theirs, arguments = OF_KERAS[name]
    steps = np.arange(150) + 0.5  # at a whole one Keras's restart may be late
    found, expected = ([float(kind(*arguments)(k)) for k in steps] for kind in (ours, theirs))
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("t_mul", [1.0, 2.0, 3.0, 7.0])
def test_each_half_cosine_begins_at_its_first_step(t_mul):
    schedule, begins = CosineDecayRestarts(0.1, 2, t_mul, 0.5), np.cumsum([0, *(2 * t_mul**i for i in range(6))])
    np.testing.assert_allclose([schedule(k) for k in begins], [0.1 * 0.5**i for i in range(7)], rtol=1e-6)


def test_the_numbers_of_the_book():
    assert LinearDecay(0.3).end_learning_rate == pytest.approx(0.003)
    assert LinearDecay(0.3).decay_steps == "100ep"


@pytest.mark.slow
def test_the_rates_of_inverse_time_meet_the_conditions_for_convergence():
    k = np.arange(10_000_000)
    rates = np.asarray(InverseTimeDecay(1.0, 1)(k))
    of_sum = [rates[:n].sum(dtype="float64") for n in (10_000, 100_000, 1_000_000, 10_000_000)]
    assert np.diff(of_sum) == pytest.approx(math.log(10), rel=1e-4)  # grows without end
    assert np.square(rates, dtype="float64").sum() == pytest.approx(math.pi**2 / 6, rel=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_is_saved_and_made_again(name):
    schedule, _ = FORMULAS[name]
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(schedule)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    np.testing.assert_array_equal([again(k) for k in STEPS], [schedule(k) for k in STEPS])


def test_a_sequence_takes_schedules_of_keras():
    theirs = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    schedule = SequentialSchedule([theirs, LinearDecay(0.1, 10)], [20])
    assert float(schedule(10)) == pytest.approx(0.05)
    assert float(schedule(20)) == pytest.approx(0.1)
    again = SequentialSchedule.from_config(schedule.get_config())
    assert float(again(10)) == pytest.approx(0.05)


def test_a_factor_changes_what_a_traced_step_reads_and_is_saved():
    schedule = ScaledSchedule(LinearDecay(0.1, 100))
    rate = tf.function(lambda: schedule(50))
    assert float(rate()) == pytest.approx(0.0505)
    schedule.factor = 0.1
    assert float(rate()) == pytest.approx(0.00505)
    assert rate.experimental_get_tracing_count() == 1
    assert ScaledSchedule.from_config(schedule.get_config()).factor == 0.1


BAD = [
    (lambda: LinearDecay(0.1, "10 epochs"), r"Received: decay_steps='10 epochs'"),
    (lambda: LinearDecay(0.1, "130%"), "Received: decay_steps='130%'"),
    (
        lambda: SequentialSchedule([Warmup(0.1, 10)], [10]),
        "one entry fewer than there are schedules. Received: 1 schedules and boundaries=.10.",
    ),
    (lambda: SequentialSchedule([Warmup(0.1, 1)] * 3, [10, 10]), r"must increase, .* Received: boundaries=\[10, 10\]"),
    (
        lambda: SequentialSchedule([0.1, Warmup(0.1, 1)], [10]),
        r"must be a list of LearningRateSchedule. Received: schedules=.0.1",
    ),
    (lambda: ScaledSchedule(0.1), "Received: 0.1 of type float"),
    (lambda: WarmupStableDecay(0.1, 20, 90, 100), "which are 20, 90 and 100 steps. Shorten one"),
    (lambda: LinearDecay(0.1)(0), r"`decay_steps='100ep'` of LinearDecay is unknown.*schedule.resolve"),
]


@pytest.mark.parametrize("make, message", BAD)
def test_bad_arguments_are_refused_with_the_fix(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_share_of_the_training_is_whole_where_it_can_be():
    for steps in range(2, 3000, 2):
        clock = Clock(steps_per_epoch=1.0, batches_per_step=1.0, steps=float(steps))
        assert Duration(50.0, "%").steps(clock) == steps / 2
        assert Duration(100.0, "%").steps(clock) == steps
