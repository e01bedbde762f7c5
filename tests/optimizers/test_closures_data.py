"""What an optimizer that is given the loss makes of a batch: metrics, moving statistics, random masks, many batches."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import optimizers as ours
from keras_ch8.integration import keras_private
from tests.marks import mostly
from tests.optimizers.closure_cases import X, Y, fit, flat, network

Z = np.random.default_rng(1).normal(size=(24, 2)).astype("float32")
TARGETS = {"mean": Y, "kind": np.random.default_rng(2).integers(0, 3, 24)}
WEIGHTS = {name: np.random.default_rng(seed).uniform(0.2, 2, 24).astype("float32") for seed, name in enumerate(TARGETS)}


def many(optimizer, **options):
    """Two inputs, two outputs, all that a loss can be made of."""
    keras.utils.set_random_seed(3)
    inputs = {"x": keras.Input((3,), name="x"), "z": keras.Input((2,), name="z")}
    hidden = keras.layers.Concatenate()(list(inputs.values()))
    hidden = keras.layers.Dense(4, "tanh", kernel_regularizer=keras.regularizers.L2(0.01))(hidden)
    hidden = keras.layers.ActivityRegularization(l2=0.01)(hidden)
    outputs = {"mean": keras.layers.Dense(2, name="mean")(hidden)}
    outputs["kind"] = keras.layers.Dense(3, "softmax", name="kind")(hidden)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer,
        loss={"mean": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights={"mean": 1.0, "kind": 0.5},
        metrics={"mean": ["mae"], "kind": ["accuracy"]},
        weighted_metrics={"mean": ["mse"], "kind": []},
        **options,
    )
    return model


@functools.cache
def reference():
    return many(keras.optimizers.SGD(0.0))


def logs_of(model, epochs=1):
    return fit(model, epochs=epochs, x={"x": X, "z": Z}, y=TARGETS, sample_weight=WEIGHTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "way", mostly(pytest.mark.full, [{}, {"jit_compile": True}, {"run_eagerly": True}], {}), ids=str
)
def test_what_fit_reports_is_what_keras_reports_at_the_weights_before_the_step(way):
    model, theirs = many(ours.SteepestDescent(), **way), reference()
    for _ in range(3):
        theirs.set_weights(model.get_weights())
        before = model.evaluate({"x": X, "z": Z}, TARGETS, sample_weight=WEIGHTS, batch_size=24, verbose=0)
        expected, logs = logs_of(theirs), logs_of(model)
        assert logs.keys() == expected.keys() | {"gradient_norm", "step", "evaluations"}
        assert {"kind_accuracy", "kind_loss", "mean_mae", "mean_loss", "mean_mse"} < logs.keys()
        for name, value in expected.items():
            # Sums of 24 float32 terms, in another order.
            np.testing.assert_allclose(logs[name], value, rtol=2e-6, err_msg=name)
        np.testing.assert_allclose(logs["loss"], before[0], rtol=2e-6)
    assert np.linalg.norm(flat(model) - flat(theirs)) > 1e-3


@pytest.mark.slow
def test_class_weights_are_those_of_keras():
    def classifier(optimizer):
        layers = [keras.layers.Dense(3, "softmax")]
        return network(optimizer, loss="sparse_categorical_crossentropy", layers=layers)

    options = {"y": TARGETS["kind"], "class_weight": {0: 1.0, 1: 5.0, 2: 0.5}}
    model, reference = classifier(ours.LBFGS()), classifier(keras.optimizers.SGD(0.0))
    for _ in range(3):
        reference.set_weights(model.get_weights())
        np.testing.assert_allclose(fit(model, **options)["loss"], fit(reference, **options)["loss"], rtol=2e-6)


# --- what changes besides the weights ---------------------------------------------------------------------------------


class Noise(keras.layers.Layer):
    """Asks for random numbers without a seed of its own, in training only."""

    def call(self, x, training=False):
        return x + 0.1 * keras.random.normal(keras.ops.shape(x)) if training else x


class Random(keras.Model):
    """Dropout, noise and batch normalization behind it, so that its statistics tell which masks there were."""

    def __init__(self):
        super().__init__()
        self.all_layers = [
            keras.layers.Dropout(0.3), Noise(), keras.layers.Dense(4, "tanh"), keras.layers.BatchNormalization(),
            keras.layers.Dense(2),
        ]  # fmt: skip

    def call(self, x, training=False):
        for layer in self.all_layers:
            x = layer(x, training=training)
        return x


def random_model(optimizer):
    """Unbuilt, and before the first unseeded call for a random number."""
    keras_private.forget_global_seed_generator()
    keras.utils.set_random_seed(5)
    model = Random()
    # XLA rounds another way than a graph, so both are compiled.
    model.compile(optimizer, "mse", jit_compile=True)
    return model


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`SteepestDescent` minimizes the loss of one batch after the other:UserWarning")
def test_masks_stay_within_a_step_and_statistics_and_seeds_move_once_as_in_keras():
    reference = random_model(keras.optimizers.SGD(0.0))
    reference.train_on_batch(X, Y)
    theirs = [*reference.variables, *keras_private.global_seeds()]
    start = [v.numpy() for v in reference.non_trainable_variables + keras_private.global_seeds()]

    model = random_model(ours.SteepestDescent())
    model.train_on_batch(X, Y)
    seeds = keras_private.global_seeds()
    for v, value in zip(model.non_trainable_variables + seeds, start, strict=True):
        np.testing.assert_array_equal(v.numpy(), value, err_msg=v.path)

    for _ in range(2):
        before = seeds[0].numpy()
        for v, w in zip(theirs, [*model.variables, *seeds], strict=True):
            v.assign(w)
        np.testing.assert_allclose(model.train_on_batch(X, Y), reference.train_on_batch(X, Y), rtol=2e-6)
        for v, w in zip(
            model.non_trainable_variables + seeds, reference.non_trainable_variables + theirs[-1:], strict=True
        ):
            # XLA adds up 24 numbers of about 1 in its own order in each program: 1 % of the mean goes in, rounded once.
            tolerance = 24 * 6e-8 * 0.01 if v.dtype == "float32" else 0
            np.testing.assert_allclose(
                v.numpy(), w.numpy(), rtol=1.2e-7 if tolerance else 0, atol=tolerance, err_msg=v.path
            )
        assert not np.array_equal(seeds[0].numpy(), before)

    variables, theta = [*model.variables, *seeds, *model.optimizer.variables], flat(model)
    before = [v.numpy() for v in variables]
    model.train_on_batch(X, Y)
    once = [v.numpy() for v in variables]
    for v, value in zip(variables, before, strict=True):
        v.assign(value)
    model.train_on_batch(X, Y)
    for v, value in zip(variables, once, strict=True):
        np.testing.assert_array_equal(v.numpy(), value, err_msg=v.path)
    assert np.linalg.norm(flat(model) - theta) > 0
    assert not model.stop_training


# --- many batches in a step -------------------------------------------------------------------------------------------


def check_accumulation(make, rtol):
    weight = WEIGHTS["mean"]

    def regularized(*args, **options):
        layers = [keras.layers.Dense(4, "tanh", kernel_regularizer=keras.regularizers.L2(0.01)), keras.layers.Dense(2)]
        return network(*args, layers=layers, metrics=["mae"], **options)

    whole, parts = regularized(make()), regularized(make(accumulate_batches=True), steps_per_execution=3)
    parts.set_weights(whole.get_weights())
    expected = fit(whole, epochs=6, sample_weight=weight)
    found = fit(parts, epochs=6, sample_weight=weight, batch_size=9)  # 9, 9 and 6
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=rtol, err_msg=name)
    np.testing.assert_allclose(flat(parts), flat(whole), rtol=rtol)
    assert int(parts.optimizer.iterations.numpy()) == int(whole.optimizer.iterations.numpy()) == 6
    assert not parts.optimizer.has_warned


@pytest.mark.slow
def test_accumulated_batches_are_one_large_batch(float64):
    check_accumulation(ours.SteepestDescent, 1e-12)


def test_accumulated_batches_refuse_batch_normalization_and_a_single_batch():
    layers = [keras.layers.BatchNormalization(), keras.layers.Dense(2)]
    model = network(ours.LBFGS(accumulate_batches=True), layers=layers, steps_per_execution=2)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"Received: '.*moving_mean'.* Use `keras.layers.LayerNormalization`"):
        fit(model, batch_size=12)
    for value, start in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, start)
    model = network(ours.LBFGS(accumulate_batches=True))
    with pytest.raises(ValueError, match=r"Received: steps_per_execution=1. Pass `compile\(steps_per_execution="):
        fit(model)


@pytest.mark.slow
def test_data_sets_whose_batches_have_no_length_of_their_own():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(24)
    assert data.element_spec[0].shape[0] is None
    found = network(ours.LBFGS()).fit(data, epochs=3, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(found, fit(network(ours.LBFGS()), epochs=3)["loss"], rtol=1e-5)


@pytest.mark.slow
def test_levenberg_marquardt_takes_weights_in_batches_without_a_length():
    x, y, weight = np.ones((24, 2), "float32"), np.zeros((24, 1), "float32"), WEIGHTS["mean"]
    x[:, 0] = np.arange(24) / 24

    def losses(*data, **given):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1)])
        model.compile(ours.LevenbergMarquardt(), "mse")
        return model.fit(*data, epochs=2, shuffle=False, verbose=0, **given).history["loss"]

    of_unknown = tf.data.Dataset.from_tensor_slices((x, y, weight)).batch(24)
    np.testing.assert_allclose(losses(of_unknown), losses(x, y, sample_weight=weight, batch_size=24), rtol=1e-5)
