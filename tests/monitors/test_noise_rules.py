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
from tests.monitors.logs import AT_REST, INF, check, level, log_of, losses, measured, said, steps, with_steps


def noisy(trace, squared_norm=1.0, values=None, batches=20.0):
    values = losses() if values is None else values
    return log_of(values, batches=batches, gradient_noise=GradientNoise(trace, squared_norm))


def wasteful(values, scale=1.0, batch_size=2000.0, has=()):
    noise = GradientNoise(trace=scale, squared_norm=1.0)
    log = with_steps(values, gradient_noise=noise)
    log.batch_size, log.has = batch_size, frozenset(has)
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
        trace = costs * values[-1] * 4 * 100 / (0.01 / 20)  # a rate of 0.01 / 20, a batch of 100
        seen = GradientNoise(trace, trace / 100 / ratio)
        return level("gradient_noise", log_of(values, batches=20.0, gradient_noise=seen), "noise_dominated")

    check([(3.9, 0.051, "ok"), (4.1, 0.051, "watch"), (5.9, 0.051, "watch"), (6.1, 0.051, "act"),
           (8.1, 0.029, "ok"), (8.1, 0.031, "watch"), (8.1, 0.049, "watch"), (8.1, 0.051, 0.2, 0.19, "watch"),
           (8.1, 0.051, 0.2, 0.21, "ok"), (8.1, 0.051, 0.51, 0.0, "watch"), (8.1, 0.051, 0.91, 0.0, "ok")],
          noise)  # fmt: skip


def test_a_batch_that_is_larger_than_its_noise_asks_for():
    def wasteful(ratio):
        log = log_of(losses(0.4, 0.3), gradient_noise=GradientNoise(1000 * ratio, 1.0))
        log.batch_size = 1000.0
        claim = said("gradient_noise", log, "batch_wasteful")
        return claim.level, claim.cure

    cure = "Take smaller batches, down to some {} examples: as many steps learn the same from fewer."
    check([(0.051, ("ok", "")), (0.049, ("watch", cure.format(49))), (0.0251, ("watch", cure.format(25))),
           (0.0249, ("act", cure.format(25))), (0.001, ("act", cure.format(16))), (0.0, ("ok", ""))],
          wasteful)  # fmt: skip


def test_without_the_size_of_a_batch_nothing_is_said_of_noise():
    log = log_of(losses(), gradient_noise=GradientNoise(1, 1))
    log.batch_size = 0.0
    assert said("gradient_noise", log, "noise_dominated") is None


def test_the_scale_of_noise_without_a_gradient_is_infinite():
    assert GradientNoise(1.0, 0.0).scale == INF
    finding = said("gradient_noise", noisy(1.0, 0.0), "noise_dominated").finding
    assert "(the gradient is lost in its noise on the probe; " in finding
    assert finding.endswith("; a minibatch has 100 examples).")


@pytest.mark.parametrize("start, expected", [(-1.0, "act"), (0.0, "watch")])
def test_noise_where_the_loss_is_below_0_or_0(start, expected):
    """A part of a loss of 0 is unknown, and noise then worth watching."""
    assert level("gradient_noise", noisy(1e6, values=[start] * 9), "noise_dominated") == expected


def test_noise_costs_no_more_than_the_gradients_of_the_minibatches_vary():
    """A rate of 0.01 / |g| and a variance of |g|^2 are 0.0025 |g| of a loss of 0.8."""

    def costs(norm, last=None):
        log = noisy(1e9, batches=norm)
        if last:
            log.add_rows(Rows(np.array([950]), np.array([last]), np.array([0.8])))
        return level("gradient_noise", log, "noise_dominated")

    check([(9.5, "ok"), (9.7, "watch"), (9.5, 1e3, "ok")], costs)


def test_of_several_measurements_of_noise_the_ratio_of_means_counts():
    traces = [0, 0, 0, 0, 0, 900, 900, 900, 900]
    log = log_of(losses(), gradient_noise=[GradientNoise(t, 1.0) for t in traces])
    (monitor,) = chosen(["gradient_noise"])
    assert monitor.measure(log)["noise_over_batch"] == pytest.approx(400 / 100)
    assert "(80 % of the squared gradient" in said("gradient_noise", log, "noise_dominated").finding


def test_a_batch_is_wasteful_by_its_noise_and_by_what_that_usually_was():
    def wasteful(noise, usual, batch=1000):
        once, small = GradientNoise(batch * noise, 1.0), GradientNoise(1e-9 * batch * usual, 1e-9)
        log = log_of(losses(0.4, 0.3), gradient_noise=[*[small] * 8, once])
        log.batch_size = float(batch)
        return level("gradient_noise", log, "batch_wasteful")

    check([(0.051, 0.001, "ok"), (0.049, 0.001, "watch"), (0.0251, 0.001, "watch"), (0.0249, 0.001, "act"),
           (0.001, 0.051, "ok"), (0.001, 0.049, "watch"), (0.001, 0.0251, "watch"), (0.001, 0.0249, "act"),
           (0.001, 0.001, 256, "act"), (0.001, 0.001, 255, "ok")], wasteful)  # fmt: skip


def test_noise_whose_cost_has_no_end_is_one_whose_cost_is_not_known():
    log = log_of(losses(), step_length=steps(*[{"length": INF}] * 9), gradient_noise=GradientNoise(1e6, 1.0))
    assert np.isnan(measured("gradient_noise", log)["excess"])
    assert level("gradient_noise", log, "noise_dominated") == "watch"


@pytest.mark.parametrize(
    "scale, size, level", [(15, 100, "ok"), (300, 2000, "act"), (500, 2000, "watch"), (700, 2000, "ok")]
)
def test_a_large_batch_is_wasteful_where_it_had_little_noise_over_the_training(scale, size, level):
    noise = GradientNoise(trace=0.1 * scale, squared_norm=0.1)
    log = log_of(np.geomspace(1, 0.2, 9), gradient_noise=noise)
    log.batch_size = float(size)
    assert said("gradient_noise", log, "batch_wasteful").level == level


@pytest.mark.parametrize(
    "scale, fallen, batch, expected",
    [(100.0, 0.98, 4096, "act"), (300.0, 0.98, 4096, "watch"), (100.0, 0.98, 512, "ok")],
)
def test_a_batch_is_wasteful_by_the_part_of_the_training_in_which_the_loss_fell(scale, fallen, batch, expected):
    values = np.array([1.0, *np.linspace(0.9, 0.3, 4), *[1 - fallen] * 4])
    early = GradientNoise(trace=scale, squared_norm=1.0)
    late = GradientNoise(trace=1e-9, squared_norm=-1.0)  # what is left of the gradient is noise of the probe
    log = with_steps(values, gradient_noise=[*[early] * 5, *[late] * 4])
    log.batch_size = batch
    assert level("gradient_noise", log, "batch_wasteful") == expected


def test_a_batch_is_called_wasteful_only_where_the_loss_gets_on():
    falling, stuck, diverging = losses(0.6, 0.3), losses(0.0), [1.0, 1.0, *[2.0] * 7]
    assert [wasteful(values).level for values in (falling, stuck, diverging)] == ["act", "ok", "ok"]


def test_no_batch_is_wasteful_for_an_optimizer_that_compares_losses_of_the_same_examples():
    """L-BFGS wants all examples at once: fewer would be another loss at each step."""
    assert wasteful(losses(0.6, 0.3), has=[Fact.COMPARED_LOSSES]).level == "ok"
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


def test_noise_that_takes_back_what_the_steps_gain_is_worth_watching_though_the_loss_hardly_suffers():
    def noisy(ratio, fallen=0.2, recent=0.1, scale=500.0):
        noise = GradientNoise(trace=1e-3 * scale, squared_norm=1e-3)
        return level(
            "gradient_noise", with_steps(losses(fallen, recent), ratio, gradient_noise=noise), "noise_dominated"
        )

    assert [noisy(ratio) for ratio in (0.9, 1.1)] == ["ok", "watch"]
    assert noisy(1.1, scale=300.0) == "ok"  # the gradient is not mostly noise
    assert noisy(1.1, recent=0.3) == "ok"  # the loss falls fast
    assert noisy(1.1, fallen=0.6) == "ok"  # the loss is good
