"""A class is judged by what it is and says of itself, not by its name: also one of a user's own."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops

import keras_ch8
from keras_ch8.extend import Callback, ClosureOptimizer, RuleOptimizer
from keras_ch8.monitors.model_facts import facts_of_model
from keras_ch8.second_order.methods import LBFGS, SteepestDescent
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.facts import End
from tests.monitors.test_model_facts import plain
from tests.monitors.test_start import output_of

OF_RATES = {Fact.ADAPTIVE_RATES, Fact.STEPS_OF_THE_RATE}
BY_THE_RATE = ("Adam", "Adamax", "AdamW", "Lion", "Nadam", "RMSprop")
ADAPTIVE = (*BY_THE_RATE, "Adadelta", "Adafactor", "Adagrad", "Ftrl", "Lamb", "Muon")
OURS = [
    kind
    for kind in map(keras_ch8.optimizers.__dict__.get, keras_ch8.optimizers.__all__)
    if inspect.isclass(kind) and issubclass(kind, RuleOptimizer)
]
LAYERS = keras.layers


def own(base, name="Mine", **says):
    return type(name, (base,), says)


def rates_of(optimizer):
    return facts_of_model(plain(optimizer=optimizer)) & OF_RATES


@pytest.mark.parametrize("name", [*ADAPTIVE, "SGD"])
def test_an_optimizer_of_keras_and_one_that_derives_from_it_are_the_same_to_the_diagnosis(name):
    kind = getattr(keras.optimizers, name)
    found = rates_of(kind(0.1))
    assert found == rates_of(own(kind)(0.1))
    assert (Fact.ADAPTIVE_RATES in found, Fact.STEPS_OF_THE_RATE in found) == (name in ADAPTIVE, name in BY_THE_RATE)


def test_an_optimizer_of_ones_own_is_what_it_says():
    rule = {"rule": lambda self, g, lr, t: (-lr * ops.sign(g), {})}
    assert rates_of(own(RuleOptimizer, **rule)(0.1)) == set()
    assert rates_of(own(RuleOptimizer, "Adam", **rule)(0.1)) == set()
    assert rates_of(own(RuleOptimizer, **rule, is_adaptive=True)(0.1)) == {Fact.ADAPTIVE_RATES}
    assert rates_of(own(RuleOptimizer, **rule, is_adaptive=True, moves_by_rate=True)(0.1)) == OF_RATES
    assert rates_of(own(keras.optimizers.SGD, is_adaptive=True)(0.1)) == {Fact.ADAPTIVE_RATES}
    assert rates_of(own(keras.optimizers.Adagrad, is_adaptive=False)(0.1)) == set()


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("kind", OURS)
def test_what_ours_say_of_their_rates_is_how_they_move(kind):
    """Of gradients of 1 and 100 all steps of an adaptive one are of one size, and of some of that of the rate."""
    optimizer, rate = kind(learning_rate=0.01), 0.01
    state = dict.fromkeys(optimizer.state_names, ops.zeros(2))
    theta = {"theta": ops.ones(2)} if "theta" in inspect.signature(optimizer.rule).parameters else {}
    for t in range(1, 201):
        step, state = optimizer.rule(ops.array([1.0, 100.0]), ops.array(rate), ops.array(float(t)), **theta, **state)
    small, large = np.abs(step)
    assert kind.is_adaptive == (large < 2 * small)
    assert kind.moves_by_rate == (0.5 * rate < small and large < 20 * rate)


@pytest.mark.parametrize("method, uses_curvature", [(LBFGS, True), (SteepestDescent, False)])
def test_an_optimizer_that_compares_losses_says_whether_it_uses_curvature(method, uses_curvature):
    class Mine(ClosureOptimizer, method=method):
        pass

    Mine.uses_curvature = uses_curvature
    found = facts_of_model(plain(optimizer=Mine()))
    assert (Fact.CURVATURE in found) is uses_curvature
    assert found >= {Fact.COMPARED_LOSSES, Fact.OWN_STEP_LENGTH}


@pytest.mark.parametrize(
    "callback, brings",
    [
        (own(Callback, clips_gradients=True)(), {Fact.CLIPPING, Fact.FIRST_ORDER_ONLY}),
        (own(Callback, skips_steps=True)(), {Fact.SKIPPING, Fact.FIRST_ORDER_ONLY}),
        (own(Callback, sets_learning_rate=True)(), {Fact.LEARNING_RATE_SCHEDULE, Fact.RATE_SET_ELSEWHERE}),
        (
            own(keras.callbacks.Callback, sets_learning_rate=True)(),
            {Fact.LEARNING_RATE_SCHEDULE, Fact.RATE_SET_ELSEWHERE},
        ),
        (
            own(keras.callbacks.LearningRateScheduler)(lambda epoch, rate: rate),
            {Fact.LEARNING_RATE_SCHEDULE, Fact.RATE_SET_ELSEWHERE},
        ),
        (
            own(keras.callbacks.ReduceLROnPlateau)("loss"),
            {Fact.LEARNING_RATE_SCHEDULE, Fact.LOWERED_ON_PLATEAUS},
        ),
        (keras_ch8.callbacks.Guard(), {Fact.SKIPPING, Fact.FIRST_ORDER_ONLY}),
        (
            keras_ch8.callbacks.ClipGradients(keras_ch8.clipping.ByValue(1.0)),
            {Fact.CLIPPING, Fact.FIRST_ORDER_ONLY},
        ),
        (
            keras_ch8.callbacks.LearningRateDecay(lambda epoch, rate: rate),
            {Fact.LEARNING_RATE_SCHEDULE, Fact.RATE_SET_ELSEWHERE},
        ),
        (own(Callback, "Guard")(), set()),
    ],
)
def test_a_callback_brings_what_it_says_or_what_the_one_of_keras_does_that_it_derives_from(callback, brings):
    model = plain()
    assert facts_of_model(model, [callback]) - facts_of_model(model) == brings


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "layer, end",
    [
        (own(LAYERS.LayerNormalization)(), End.ONE_SIZE),
        (own(LAYERS.UnitNormalization)(), End.LENGTH_1),
        (own(LAYERS.Layer, "Dropout", call=lambda self, x: x)(), None),
    ],
)
def test_a_layer_of_ones_own_at_the_end_is_what_it_derives_from(layer, end):
    assert output_of(lambda x: layer(LAYERS.Dense(3)(x))).end is end
    assert output_of(lambda x: own(LAYERS.Reshape)((3,))(layer(LAYERS.Dense(3)(x)))).end is end


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("layer", [own(LAYERS.Dropout)(0.5), own(LAYERS.GaussianNoise)(0.5)])
def test_noise_of_ones_own_is_noise_at_the_end_and_before_its_activation(layer):
    assert output_of(lambda x: own(LAYERS.Reshape)((3,))(layer(LAYERS.Dense(3)(x)))).noise == "Mine"
    found = output_of(lambda x: LAYERS.Activation("softmax")(layer(LAYERS.Dense(3)(x))))
    assert (found.noise, found.noise_at) == ("Mine", 2)
    assert not output_of(lambda x: LAYERS.Dense(3, "softmax")(layer(x))).noise


def test_a_recurrent_layer_of_ones_own_is_recurrent():
    found = output_of(lambda x: own(LAYERS.LSTM)(3)(LAYERS.Reshape((-1, 1))(x)))
    assert (found.end, found.ends_with) == (End.RECURRENT, "Mine")
