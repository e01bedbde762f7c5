"""Bad arguments: what came, what was expected, and the fix."""

import math

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers as ours
from keras_ch8.extend import RuleOptimizer

BAD = [
    (ours.Adam, {"epsilon": -1}, r"`epsilon` .* in \[1e-37, inf\)\. Received: epsilon=-1\. The book's value is 1e-08"),
    (ours.Adam, {"beta_1": 1.0}, r"`beta_1` .* in \[0, 1\)\. Received: beta_1=1\.0\. Try 0\.9 for a memory of"),
    (ours.Adam, {"amsgrad": True}, r"`Adam` .* no `amsgrad`.*Received: amsgrad=True.*keras\.optimizers\.Adam"),
    (ours.AdamW, {"amsgrad": True}, r"`AdamW` .* no `amsgrad`.*keras\.optimizers\.AdamW"),
    (ours.AdamW, {"weight_decay": None}, r"Received: weight_decay=None\. Use `Adam` for no decay"),
    (ours.RMSprop, {"momentum": 0.9}, r"Use `keras_ch8\.optimizers\.RMSpropNesterov`"),
    (ours.RMSprop, {"centered": True}, r"Keras's `keras\.optimizers\.RMSprop` has it"),
    (ours.RMSpropNesterov, {"use_ema": True, "finish_at_theta": True}, r"Received both; leave one of them out"),
    (ours.Adagrad, {"initial_accumulator_value": 0.1}, r"takes initial_accumulator_value=0\.0 only"),
    (ours.SGD, {"momentum": 1.0}, r"`momentum` .* in \[0, 1\)\. Received: momentum=1\.0\."),
    (ours.Momentum, {"nesterov": True}, r"Use `keras_ch8\.optimizers\.Nesterov`"),
    (ours.Nesterov, {"nesterov": False}, r"Use `keras_ch8\.optimizers\.Momentum`"),
    (ours.SGD, {"clipnorm": -1}, r"`clipnorm` .* in \(0, inf\)\. Received: clipnorm=-1\. Leave it out"),
    (ours.SGD, {"clipnorm": 1.0, "clipvalue": 1.0}, r"Only one of"),
    (ours.SGD, {"gradient_accumulation_steps": 1}, r"must be an integer of at least 2"),
]
RATES = ["fast", None, True, -1e-3, math.nan, math.inf, [0.1], 1j]


@pytest.mark.parametrize("cls, arguments, message", BAD)
def test_a_bad_argument_raises_at_construction(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(**arguments)


BASES = ("ClosureOptimizer", "RuleOptimizer")
FIRST_ORDER = [n for n in ours.__all__ if n not in BASES and issubclass(getattr(ours, n), RuleOptimizer)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", FIRST_ORDER)
def test_a_learning_rate_that_is_no_rate(name, rate):
    with pytest.raises(ValueError, match=r"`learning_rate` is the step size .* Received: learning_rate=.* Try 0.001"):
        getattr(ours, name)(rate)


@pytest.mark.parametrize("rate", [1, np.float32(0.5), np.int64(2), 0])
def test_any_real_number_is_a_learning_rate(rate):
    assert float(ours.Adam(rate).learning_rate) == float(rate)


def test_default_rates():
    for rate, names in ((0.01, ("SGD", "Momentum", "Nesterov")), (0.001, ("Adagrad", "RMSprop", "Adam", "AdamW"))):
        assert [round(float(getattr(ours, name)().learning_rate), 6) for name in names] == [rate] * len(names)
    assert round(float(ours.RMSpropNesterov().learning_rate), 6) == 0.001


@pytest.mark.parametrize("cls, arguments, attributes", [
    (ours.Adam, (0.1, 0.8, 0.9, 1e-4), {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}),
    (ours.AdamW, (0.1, 0.2, 0.8, 0.9, 1e-4), {"weight_decay": 0.2, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}),
    (ours.RMSprop, (0.1, 0.8), {"rho": 0.8}),
    (ours.SGD, (0.1, 0.8, True), {"momentum": 0.8}),
    (ours.Momentum, (0.1, 0.8), {"momentum": 0.8}),
    (ours.Nesterov, (0.1, 0.8), {"momentum": 0.8}),
])  # fmt: skip
def test_keras_common_prefix_may_be_positional(cls, arguments, attributes):
    optimizer = cls(*arguments)
    assert {name: getattr(optimizer, name) for name in attributes} == attributes


@pytest.mark.parametrize("call", [
    lambda: ours.Adam(0.1, 0.9, 0.99, 1e-8, False, 0.1),
    lambda: ours.RMSprop(0.1, 0.9, 0.0, 1e-6, False, 0.1),
    lambda: ours.SGD(0.1, 0.0, False, 0.1),
    lambda: ours.SGD(0.1, 0.9, False, 0.1),
])  # fmt: skip
def test_arguments_that_all_optimizers_share_are_keyword_only(call):
    with pytest.raises(TypeError, match="positional argument"):
        call()


def test_a_variable_without_a_gradient_in_the_usual_sense():
    optimizer = ours.SGD()
    with pytest.raises(ValueError, match=r"`SGD` updates variables of floating point type\. Received: .* dtype int32"):
        optimizer.build([keras.Variable([1], dtype="int32")])
    assert not optimizer.built
