"""`SGD` with Keras's arguments: the algorithm that has this momentum, whole."""

import copy
import pickle

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers as ours
from tests.optimizers.algorithms import random_grads, run, step

START = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
CALLS = [
    ((), {}, "SGD"),
    ((0.1, 0.0, True), {}, "SGD"),
    ((0.1,), {"nesterov": True}, "SGD"),
    ((0.1, 0.9), {}, "Momentum"),
    ((0.1,), {"momentum": 0.9, "nesterov": False}, "Momentum"),
    ((0.1, 0.9, True), {}, "Nesterov"),
    ((), {"momentum": 0.5, "nesterov": True}, "Nesterov"),
]
every_call = pytest.mark.parametrize("args, kwargs, name", CALLS)


@every_call
def test_it_is_the_algorithm_that_has_this_momentum_and_moves_as_keras_does(args, kwargs, name):
    optimizer, theirs = ours.SGD(*args, **kwargs), keras.optimizers.SGD(*args, **kwargs)
    assert type(optimizer) is getattr(ours, name)
    assert isinstance(optimizer, ours.SGD) == (name == "SGD")
    grads, other = random_grads(), keras.Variable(START)
    variable, _ = run(optimizer, grads, START)
    for g in grads:
        step(theirs, [other], [g])
    np.testing.assert_allclose(variable.numpy(), other.numpy(), atol=1e-6)


def test_all_other_arguments_go_with_it():
    arguments = {"clipnorm": 1.5, "weight_decay": 0.01, "use_ema": True, "skip_nonfinite": True, "name": "mine"}
    made = ours.SGD(0.5, 0.8, True, finish_at_theta=False, **arguments)
    assert made.get_config() == ours.Nesterov(0.5, 0.8, **arguments).get_config()


@every_call
def test_copies_configurations_and_pickles_are_the_same_class(args, kwargs, name):
    optimizer = ours.SGD(*args, clipnorm=1.5, **kwargs)
    others = [
        type(optimizer).from_config(optimizer.get_config()),
        keras.optimizers.deserialize(keras.optimizers.serialize(optimizer)),
        copy.copy(optimizer),
        copy.deepcopy(optimizer),
        pickle.loads(pickle.dumps(optimizer)),
    ]
    for other in others:
        assert type(other) is type(optimizer)
        assert other.get_config() == optimizer.get_config()
    of_keras = keras.optimizers.SGD(*args, **kwargs).get_config()
    assert type(ours.SGD.from_config(of_keras)) is type(optimizer)


@pytest.mark.slow
def test_the_file_says_momentum(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(ours.SGD(momentum=0.9), "mse")
    model.fit(START, START[:, :2], verbose=0)
    model.save(tmp_path / "model.keras")
    optimizer = keras.models.load_model(tmp_path / "model.keras").optimizer
    assert type(optimizer) is ours.Momentum
    for a, b in zip(model.optimizer.variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_class_made_from_it_has_no_momentum():
    class Own(ours.SGD):
        pass

    assert type(Own(0.1)) is Own
    with pytest.raises(TypeError, match=r"Received: Own\(momentum=0.9\). Make it from `keras_ch8.optimizers.Momentum`"):
        Own(momentum=0.9)
