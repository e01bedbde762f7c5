"""What is said of the noise of the gradient, and of batches larger than it asks for: each limit on its two sides."""

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.monitors import _gradient_noise
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.measurement_log import Rows
from keras_ch8.monitors.model_facts import facts_of_model
from keras_ch8.verdicts.fact import Fact
from tests.monitors.logs import AT_REST, INF, check, level, log_of, losses, measured, said, steps


def noisy(trace, squared_norm=1.0, values=None, batches=20.0):
    values = losses() if values is None else values
    return log_of(values, batches=batches, gradient_noise=GradientNoise(trace, squared_norm))


def wasteful(noise, batch=1000, has=()):
    """Return what is said of a batch whose noise was this part of the squared gradient, while the loss halved."""
    log = log_of(losses(0.5), gradient_noise=GradientNoise(noise * batch, 1.0))
    log.batch_size, log.has = float(batch), frozenset(has)
    return said("gradient_noise", log, "batch_wasteful")


def test_noise_keeps_gradient_descent_above_the_floor_of_a_quadratic_by_what_is_said():
    """theta' = theta - rate (h theta + noise), with the loss h theta^2 / 2."""
    h, rate, deviation, theta, heights = 2.0, 0.05, 3.0, 0.0, []
    for noise in deviation * np.random.default_rng(0).normal(size=40_000):
        theta -= rate * (h * theta + noise)
        heights.append(h * theta**2 / 2)
    log = log_of(AT_REST, batches=100.0)  # steps of 0.01
    noise = _gradient_noise.GradientNoise(deviation**2 * log.batch_size, 0.0)
    expected = _gradient_noise.excess(noise, log) * rate / (0.01 / 100)
    assert np.mean(heights) == pytest.approx(expected, rel=0.1)


def test_noise_by_the_batch_and_by_what_it_costs():
    def noise(ratio, costs, fallen=0.2, recent=0.0):
        values = losses(fallen, recent)
        trace = costs * values[-1] * 4 * 100 / (0.01 / 200)  # a rate of 0.01 / 200, a batch of 100
        seen = GradientNoise(trace, trace / 100 / ratio)
        claim = said("gradient_noise", log_of(values, batches=200.0, gradient_noise=seen), "noise_dominated")
        assert not claim.proven
        return claim.level

    check([(2.9, 0.051, "ok"), (3.1, 0.051, "act"), (8.1, 0.049, "ok"),
           (8.1, 0.2, 0.2, 0.199, "act"), (8.1, 0.2, 0.2, 0.201, "ok"),  # the loss falls fast
           (8.1, 0.2, 0.89, 0.0, "act"), (8.1, 0.2, 0.91, 0.0, "ok"),  # it is low
           (8.1, 0.119, 0.2, 0.1, "ok"), (8.1, 0.121, 0.2, 0.1, "act"),  # it still falls
           (8.1, 0.119, 0.2, 0.049, "act"), (8.1, 0.119, 0.2, 0.051, "ok")], noise)  # fmt: skip


@pytest.mark.parametrize(
    "noise, level, size",
    [(0.0251, "ok", ""), (0.0249, "act", 25), (0.001, "act", 16)],
)
def test_a_batch_that_is_larger_than_its_noise_asks_for(noise, level, size):
    claim = wasteful(noise)
    cure = f"Lower the batch size to about {size}: each step will make almost as much progress with fewer examples."
    assert (claim.level, claim.proven, claim.cure) == (level, False, cure if size else "")


def test_a_batch_that_is_small_has_nothing_to_save():
    assert [wasteful(0.001, batch).level for batch in (255, 256)] == ["ok", "act"]


def test_without_the_size_of_a_batch_nothing_is_said_of_noise():
    log = log_of(losses(), gradient_noise=GradientNoise(1, 1))
    log.batch_size = 0.0
    assert said("gradient_noise", log, "noise_dominated") is None


def test_the_scale_of_noise_without_a_gradient_is_infinite():
    assert GradientNoise(1.0, 0.0).scale == INF
    claim = said("gradient_noise", noisy(1.0, 0.0), "noise_dominated")
    assert claim.why[0].startswith("The minibatch gradient is nothing but noise: ")


def test_of_a_minibatch_the_size_is_said_in_full():
    log = noisy(1e9, batches=1e3)
    log.batch_size = 1024.0
    assert "The batch size is 1024." in said("gradient_noise", log, "noise_dominated").why


@pytest.mark.parametrize("start, expected", [(-1.0, "watch"), (0.0, "ok")])
def test_noise_where_the_loss_is_below_0_or_0(start, expected):
    """What part of a loss of 0 is, nobody knows; one below 0 may rise in a healthy training."""
    assert level("gradient_noise", noisy(1e6, values=[start] * 9), "noise_dominated") == expected


def test_noise_costs_no_more_than_the_gradients_of_the_minibatches_vary():
    """A rate of 0.01 / |g| and a variance of |g|^2 are 0.0025 |g| of a loss of 0.8."""

    def costs(norm, last=None):
        log = noisy(1e9, batches=norm)
        if last:
            log.add_rows(Rows(np.array([950]), np.array([last]), np.array([0.8])))
        return level("gradient_noise", log, "noise_dominated")

    check([(15.9, "ok"), (16.1, "act"), (15.9, 1e3, "ok")], costs)


def test_of_several_measurements_of_noise_the_ratio_of_means_counts():
    traces = [0, 0, 0, 0, 0, 900, 900, 900, 900]
    log = log_of(losses(), gradient_noise=[GradientNoise(t, 1.0) for t in traces])
    (monitor,) = chosen(["gradient_noise"])
    assert monitor.measure(log)["noise_over_batch"] == pytest.approx(400 / 100)
    assert (
        said("gradient_noise", log, "noise_dominated")
        .why[0]
        .startswith("80 % of the squared minibatch gradient norm is noise")
    )


def test_noise_whose_cost_has_no_end_is_one_whose_cost_is_not_known():
    log = log_of(losses(), step_length=steps(*[{"length": INF}] * 9), gradient_noise=GradientNoise(1e6, 1.0))
    assert np.isnan(measured("gradient_noise", log)["excess"])
    assert level("gradient_noise", log, "noise_dominated") == "ok"


@pytest.mark.parametrize(
    "noise, batch, at, expected",
    [
        (0.101, 1024, 0.101, "ok"),
        (0.099, 1024, 0.101, "act"),
        (0.049, 1023, 0.101, "ok"),  # there is little to save
        (0.049, 1024, 0.099, "ok"),  # before the loss was low there were three measurements
    ],
)
def test_a_batch_is_wasteful_by_the_part_of_the_training_in_which_the_loss_fell(noise, batch, at, expected):
    early = GradientNoise(trace=noise * batch, squared_norm=1.0)
    late = GradientNoise(trace=1e-9, squared_norm=-1.0)  # what is left of the gradient is noise of the probe
    log = log_of([1.0, 0.8, 0.6, at, *[0.02] * 5], gradient_noise=[*[early] * 4, *[late] * 5])
    log.batch_size = float(batch)
    claim = said("gradient_noise", log, "batch_wasteful")
    assert (claim.level, claim.proven, "batch_size // 4" in claim.code) == (expected, False, expected != "ok")


def test_no_batch_is_wasteful_for_an_optimizer_that_compares_losses_of_the_same_examples():
    """L-BFGS wants all examples at once: fewer would be another loss at each step."""
    assert [wasteful(0.001, 2000, has).level for has in ([], [Fact.COMPARED_LOSSES])] == ["act", "ok"]
    switch = keras_ch8.callbacks.SwitchOptimizer(to=keras_ch8.optimizers.LBFGS())
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert Fact.COMPARED_LOSSES not in facts_of_model(model)
    assert Fact.COMPARED_LOSSES in facts_of_model(model, [switch])
    assert not {Fact.CURVATURE, Fact.OWN_STEP_LENGTH} & facts_of_model(model, [switch]), "until it has come"
    clipped = keras_ch8.callbacks.ClipGradients(keras_ch8.clipping.ByGlobalNorm(1.0))
    assert Fact.FIRST_ORDER_ONLY in facts_of_model(model, [clipped])
    model.compile(keras_ch8.optimizers.BFGS(), "mse")
    assert Fact.COMPARED_LOSSES in facts_of_model(model)
