"""Exactness: the classes against the book's algorithms in float64 NumPy."""

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers as ours
from tests.optimizers.algorithms import ALGORITHMS, NAMES, make, run, step

STEPS = 100
CURVATURES = np.logspace(-2, 1.5, 12)  # condition number 3162
START = np.linspace(-1.0, 1.5, 12)


def quadratic(theta):
    return CURVATURES * theta


def sources(seed):
    """The gradients of an ill-conditioned quadratic, and random ones of very different sizes."""
    rng = np.random.default_rng(seed)
    return {"quadratic": quadratic, "random": lambda theta: rng.normal(size=12) * np.logspace(-6, 3, 12)}


@pytest.mark.broad
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", ["quadratic", "random"])
def test_follows_the_algorithm(name, source, float64):
    optimizer, variable, path = make(name), keras.Variable(START, dtype="float64"), []
    gradient = sources(1)[source]
    for _ in range(STEPS):
        step(optimizer, [variable], [gradient(variable.numpy())])
        path.append(optimizer.book_variables()[0])
    expected = ALGORITHMS[name][1](START, sources(1)[source], STEPS)
    assert np.abs(np.array(path) - expected).max() <= 1e-9
    assert np.abs(path[-1] - START).max() > 1e-2, "nothing moved"


@pytest.mark.broad
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", ["quadratic", "random"])
def test_follows_the_algorithm_in_float32(name, source):
    gradient, recorded = sources(2)[source], []

    def rounded(theta):
        recorded.append(gradient(theta).astype("float32"))
        return recorded[-1].astype("float64")

    expected = ALGORITHMS[name][1](START.astype("float32").astype("float64"), rounded, STEPS)
    _, path = run(make(name), recorded, START.astype("float32"))
    assert path[0].dtype == "float32"
    assert np.abs(np.array(path) - expected).max() <= 2e-6 * np.abs(expected).max()


def test_first_step_of_adam_has_delta_outside_the_root():
    _, path = run(keras_adam := make("Adam", epsilon=1e-8), [np.array([1e-8], "float32")], np.zeros(1, "float32"))
    assert keras_adam.epsilon == 1e-8
    assert path[0][0] == pytest.approx(-0.01 * 0.5, rel=1e-6)


def test_rmsprop_nesterov_takes_no_step_where_there_was_no_gradient():
    _, path = run(make("RMSpropNesterov"), [np.array([0.0, 1.0], "float32")] * 3, np.ones(2, "float32"))
    assert path[-1][0] == 1.0
    assert path[-1][1] < 1.0


@pytest.mark.parametrize("name", ["Nesterov", "RMSpropNesterov"])
def test_variables_hold_the_look_ahead_point(name):
    optimizer, grads = make(name), np.ones((3, 2), "float32")
    variable, path = run(optimizer, grads, np.zeros(2, "float32"))
    v = optimizer.state_of(variable)["v"]
    np.testing.assert_allclose(variable.numpy(), path[-1] + optimizer.momentum * v, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", ["Nesterov", "RMSpropNesterov"])
@pytest.mark.parametrize("finish_at_theta", [False, True])
def test_fit_ends_at_the_look_ahead_point_or_at_theta(name, finish_at_theta):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = make(name, finish_at_theta=finish_at_theta)
    model.compile(optimizer, "mse")
    seen = {}

    class Last(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen["theta"] = optimizer.book_variables()
            seen["ahead"] = [v.numpy() for v in model.trainable_variables]

    model.fit(np.eye(3, dtype="float32"), np.ones((3, 2), "float32"), epochs=3, verbose=0, callbacks=[Last()])
    expected = seen["theta"] if finish_at_theta else seen["ahead"]
    assert np.abs(seen["theta"][0] - seen["ahead"][0]).max() > 1e-4
    for variable, value in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    if finish_at_theta:
        assert all(not optimizer.state_of(v)["v"].any() for v in model.trainable_variables)
        np.testing.assert_array_equal(optimizer.book_variables()[0], seen["theta"][0])


@pytest.mark.parametrize("cls", [ours.Nesterov, ours.RMSpropNesterov])
def test_scales_of_float8_have_no_look_ahead(cls):
    weight, scale = keras.Variable([1.0]), keras.Variable([1.0])
    scale.overwrite_with_gradient = True
    optimizer = cls(0.1, finish_at_theta=True)
    optimizer.apply([keras.ops.array([1.0]), keras.ops.array([3.0])], [weight, scale])
    assert optimizer.book_variables()[1].tolist() == [3.0]
    optimizer.finalize_variable_values([weight, scale])
    assert scale.numpy().tolist() == [3.0]


@pytest.mark.bench
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_torch_and_optax_where_their_formula_is_the_books(name):
    optax, torch = pytest.importorskip("optax"), pytest.importorskip("torch")
    grads = np.random.default_rng(3).normal(size=(50, 6)).astype("float32")
    start = np.linspace(-1, 1, 6, dtype="float32")
    in_torch = {
        "SGD": lambda p: torch.optim.SGD(p, 0.01),
        "Momentum": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9),
        "Nesterov": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
        "Adagrad": lambda p: torch.optim.Adagrad(p, 0.05, eps=1e-7),
        "Adam": lambda p: torch.optim.Adam(p, 0.01, eps=1e-8),
        "AdamW": lambda p: torch.optim.AdamW(p, 0.01, eps=1e-8, weight_decay=0.1),
    }
    in_optax = {
        "SGD": lambda: optax.sgd(0.01),
        "Momentum": lambda: optax.sgd(0.01, momentum=0.9),
        "Nesterov": lambda: optax.sgd(0.01, momentum=0.9, nesterov=True),
        "RMSprop": lambda: optax.rmsprop(0.01, decay=0.9, eps=1e-6, eps_in_sqrt=True),
        "Adam": lambda: optax.adam(0.01, eps=1e-8),
        "AdamW": lambda: optax.adamw(0.01, eps=1e-8, weight_decay=0.1),
    }
    variable, _ = run(make(name), grads, start)
    if name in in_torch:
        parameter = torch.tensor(start.copy(), requires_grad=True)
        peer = in_torch[name]([parameter])
        for g in grads:
            parameter.grad = torch.tensor(g)
            peer.step()
        np.testing.assert_allclose(variable.numpy(), parameter.detach().numpy(), atol=4e-6)
    if name in in_optax:
        peer, value = in_optax[name](), start
        state = peer.init(value)
        for g in grads:
            updates, state = peer.update(g, state, value)
            value = optax.apply_updates(value, updates)
        np.testing.assert_allclose(variable.numpy(), np.asarray(value), atol=4e-6)
    assert name in {**in_torch, **in_optax} or name == "RMSpropNesterov"
