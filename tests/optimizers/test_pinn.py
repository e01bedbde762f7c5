"""Networks that solve a differential equation, as their users write them: residuals, edges, new points, float64."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ch8 import callbacks
from keras_ch8 import optimizers as ours
from keras_ch8.integration import backend
from keras_ch8.optimizers._batch_loss import BatchLoss, stacks_of

pytestmark = pytest.mark.usefixtures("float64")


class Wave(keras.Model):
    """u'' = -pi^2 sin(pi x) on [-1, 1], 0 at both ends: u = sin(pi x)."""

    def __init__(self):
        super().__init__()
        self.net = keras.Sequential([keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
        self.ends = np.array([[-1.0], [1.0]])

    def call(self, x):
        return self.net(x["inside"])

    def compute_residuals(self, x, y, sample_weight):
        inside = x["inside"]
        with tf.GradientTape() as outer:
            outer.watch(inside)
            with tf.GradientTape() as inner:
                inner.watch(inside)
                u = self.net(inside)
            slope = inner.gradient(u, inside)
        equation = outer.gradient(slope, inside) + np.pi**2 * ops.sin(np.pi * inside)
        return {"equation": equation, "known": 3 * (self.net(x["known"]) - y), "ends": 10 * self.net(self.ends)}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        residuals = self.compute_residuals(x, y, sample_weight)
        return sum(ops.mean(ops.square(r)) for r in residuals.values())


def points(seed, n=40):
    rng = np.random.default_rng(seed)
    x = {"inside": rng.uniform(-1, 1, (n, 1)), "known": rng.uniform(-1, 1, (n, 1))}
    return x, np.sin(np.pi * x["known"])


def wave(optimizer):
    keras.utils.set_random_seed(0)
    model = Wave()
    model(points(0)[0])
    model.compile(optimizer)
    return model


def fit(model, seed=0, **options):
    x, y = points(seed)
    return model.fit(x, y, batch_size=40, shuffle=False, verbose=0, **options).history["loss"]


def error(model):
    x = np.linspace(-1, 1, 101)[:, None]
    return np.max(np.abs(model.net(x).numpy() - np.sin(np.pi * x)))


def test_each_residual_has_its_own_slope_whether_of_an_example_or_not():
    model = wave(None)
    x, y = points(0)
    batch = ({name: ops.convert_to_tensor(each) for name, each in x.items()}, ops.convert_to_tensor(y), None)
    loss = BatchLoss(model, stacks_of([batch]), "float64")
    theta = ops.convert_to_tensor(np.concatenate([v.numpy().ravel() for v in model.trainable_variables]))
    r, J = backend.compile_xla(loss.own_jacobian)(theta)
    expected = backend.compile_xla(lambda theta: backend.value_and_jacobian(loss.own_residuals, theta))(theta)
    assert J.shape == (82, 25)
    np.testing.assert_allclose(r, expected[0], rtol=1e-12)
    np.testing.assert_allclose(J, expected[1], atol=1e-10)
    assert float(ops.sum(r * r)) == pytest.approx(float(model.compute_loss(*batch[:2])), rel=1e-12)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "name, iterations", [("NaturalGradient", 60), ("GaussNewton", 100), ("LevenbergMarquardt", 150), ("SSBroyden", 600)]
)
def test_the_equation_is_solved(name, iterations):
    model = wave(getattr(ours, name)(iterations_per_step=iterations // 2))
    fit(model, epochs=2)
    assert error(model) < 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["NaturalGradient", "SSBroyden"])
def test_new_points_between_calls_of_fit_are_begun_with_what_is_true_of_them(name):
    model = wave(getattr(ours, name)(iterations_per_step=40))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model)
        for seed in (1, 2, 3):
            x, y = points(seed)
            before = float(model.compute_loss(keras.tree.map_structure(ops.convert_to_tensor, x), y))
            first, last = fit(model, seed, epochs=2)
            assert first == pytest.approx(before, rel=1e-9)
            assert last < before
            assert model.optimizer.stop_reason is None


@pytest.mark.slow
def test_adam_then_ssbroyden():
    model = wave(ours.Adam(0.01))
    switch = callbacks.SwitchOptimizer("100ep", to=ours.SSBroyden(iterations_per_step=50))
    losses = fit(model, epochs=110, callbacks=[switch])
    assert losses[-1] < 1e-3 * losses[99]
    assert error(model) < 2e-3
