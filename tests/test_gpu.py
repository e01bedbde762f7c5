"""On a GPU come the numbers of the CPU. Each test runs on the CPU as well, so that it is known to run."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, extend, layers, optimizers, second_order

FIRST_ORDER = ["Adam", "SGD", "Momentum", "Nesterov", "Adagrad", "RMSprop", "RMSpropNesterov", "AdamW"]
SHAPES = [(3,), (20, 10), (300, 200), (100, 300), ()]
"""Two that are updated in place or as a vector of their own, and three that share a tile."""


@pytest.fixture(params=["CPU:0", pytest.param("GPU:0", marks=pytest.mark.gpu)])
def device(request):
    if request.param == "GPU:0" and not tf.config.list_physical_devices("GPU"):
        pytest.skip("There is no GPU that TensorFlow sees.")
    return request.param


def updated(name, device):
    """Return weights and state after three updates with one of them left out, and where they are."""
    rng = np.random.default_rng(0)
    with tf.device(device):
        thetas = [keras.Variable(rng.normal(size=shape).astype("float32")) for shape in SHAPES]
        optimizer = getattr(optimizers, name)(learning_rate=0.01, clipnorm=1.0, skip_nonfinite=True)
        for bad in (False, True, False):
            grads = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
            optimizer.apply([tf.constant(np.inf * g if bad else g) for g in grads], thetas)
    state = [value for theta in thetas for value in optimizer.state_of(theta).values()]
    return [theta.numpy() for theta in thetas] + state, {theta.value.device for theta in thetas}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*skip_nonfinite")
def test_updates_stay_on_the_device_with_the_numbers_of_the_cpu(device):
    for name in FIRST_ORDER if device == "GPU:0" else FIRST_ORDER[:1]:
        (found, places), (expected, _) = updated(name, device), updated(name, "CPU:0")
        assert all(place.endswith(device) for place in places)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6, err_msg=name)


class Steps(extend.Callback):
    """Keeps the numbers of the steps that it hears of."""

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.steps = []

    def on_telemetry(self, frames, logs):
        self.steps += [int(step) for frame in frames.values() for step in frame.steps]


def trained(device, jit_compile, listed):
    """Return the weights after a training."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(320, 20)).astype("float32"), rng.integers(0, 4, 320)
    with tf.device(device):
        stack = [keras.layers.Dense(32, "tanh"), layers.BatchNormalization(), keras.layers.Dense(4)]
        model = keras.Sequential([keras.Input((20,)), *stack])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizers.Adam(0.01), loss, jit_compile=jit_compile)
        model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0, callbacks=listed)
    return model.get_weights()


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_callbacks_leave_a_training_on_the_device_what_it_is_and_see_each_step(jit_compile, device, tmp_path):
    seen, steps = callbacks.Diagnosis(verbose=False), Steps()
    listed = [callbacks.TensorBoard(tmp_path), callbacks.GradientClippingLogger(), callbacks.Guard(), seen, steps]
    found, expected = (trained(device, jit_compile, own) for own in (listed, []))
    for ours, bare in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, bare, rtol=1e-3, atol=1e-4)
    assert sorted(set(steps.steps)) == list(range(1, 31))
    assert seen.measurements > 0


@pytest.mark.slow
def test_lbfgs_finds_the_minimum_on_the_device(device):
    with tf.device(device):
        found = second_order.minimize(
            lambda x: tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), np.zeros(4), "lbfgs"
        )
    np.testing.assert_allclose(found.x, np.ones(4), atol=1e-4)
