"""`skip_nonfinite` leaves all of a bad batch out: weights, slots, statistics of normalization, reported numbers."""

import warnings

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers
from tests import forked
from tests.integration import skipping_cases
from tests.integration.skipping_cases import BAD_X, BATCH, GOOD, X, Y, network, trained, with_nan

WAYS = {
    "in a graph": {},
    "op by op": {"run_eagerly": True},
    "several steps in an execution": {"steps_per_execution": 2},
    "unbuilt": {"built": False},
    "compiled": {"jit_compile": True},
}


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("way", WAYS)
def test_a_training_with_a_bad_batch_is_that_on_the_others(way):
    gap, of_report, skipped, loss = skipping_cases.difference(**WAYS[way])
    assert gap <= (1e-6 if way == "compiled" else 0)  # XLA sums in another order
    assert of_report <= (1e-6 if way == "compiled" else 0)
    assert skipped == 1
    assert np.isfinite(loss)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("way", ["op by op", "in a graph"])
def test_the_first_batch_may_be_bad_though_it_makes_the_metrics(way):
    gap, of_report, skipped, _ = skipping_cases.difference(bad=5, **WAYS[way])
    assert (gap, of_report, skipped) == (0, 0, 1)


@pytest.mark.slow
def test_two_replicas_leave_out_a_batch_that_is_bad_for_one_of_them():
    gap, of_report, skipped, loss = forked.call(skipping_cases.difference, True)
    assert (gap, of_report, skipped) == (0, 0, 1)
    assert np.isfinite(loss)


def test_without_it_the_training_is_lost():
    _, variables, reported = trained(BAD_X, Y, skip=False, run_eagerly=True)
    assert np.isnan(reported["loss"])
    assert all(np.isnan(v).any() for v in variables[2:4])


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("bad", [5, 20], ids=["first of a sum", "last of a sum"])
def test_of_a_sum_that_is_left_out_the_batches_before_the_bad_one_are_counted(bad):
    """Batches 1 and 2 make an update, 3 and 4 another; at a rate of almost 0 all else is that of the batches alone."""
    model, variables, reported = trained(with_nan(bad), Y, rate=1e-30, accumulate=2, run_eagerly=True)
    counted = GOOD if bad == 20 else np.r_[32:64]
    _, expected, as_expected = trained(X[counted], Y[counted], rate=1e-30, run_eagerly=True)
    for a, b in zip(variables, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-20)
    assert reported == as_expected
    assert model.optimizer.skipped_steps == 1
    slots = [np.asarray(v) for v in model.optimizer.variables]
    assert all(np.isfinite(slot).all() for slot in slots)


class Calls(keras.Model):
    """A training step of its own that calls that of Keras."""

    def train_step(self, data):
        return super().train_step(data) | {"own": 1.0}


class Writes(keras.Model):
    """A training step of its own, written out."""

    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return self.compute_metrics(x, y, y_pred)


def own(kind):
    inner = network()
    model = kind(inner.inputs, inner.outputs)
    model.compile(optimizers.Momentum(0.1, skip_nonfinite=True), "mse", metrics=["mae"], jit_compile=False)
    return model


@pytest.mark.slow
def test_a_training_step_of_ones_own_that_calls_super_leaves_out_all_of_it():
    model = own(Calls)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reported = model.fit(BAD_X, Y, batch_size=BATCH, shuffle=False, verbose=0).history
    _, expected, as_expected = trained(X[GOOD], Y[GOOD])
    for a, b in zip(model.get_weights(), [expected[i] for i in places(model)], strict=True):
        np.testing.assert_array_equal(a, b)
    assert reported == {name: [value] for name, value in as_expected.items()} | {"own": [1.0]}


def places(model):
    """Where the weights of a model are among its variables."""
    return [[v.path for v in model.variables].index(v.path) for v in model.weights]


@pytest.mark.slow
def test_a_training_step_that_is_written_out_keeps_weights_and_slots_and_says_once_that_it_is_not_all():
    model = own(Writes)
    said = r"call `super\(\).train_step\(data\)`"
    with pytest.warns(UserWarning, match=said) as once:
        model.fit(BAD_X, Y, batch_size=BATCH, shuffle=False, verbose=0)
    assert len(once) == 1
    reference = own(Writes)
    with pytest.warns(UserWarning, match=said):
        reference.fit(X[GOOD], Y[GOOD], batch_size=BATCH, shuffle=False, verbose=0)
    for a, b in zip(model.trainable_variables, reference.trainable_variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, reference.optimizer.variables, strict=True):
        if a.path.rpartition("/")[2] not in ("iteration", "skipped"):
            np.testing.assert_array_equal(a, b)
    model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0)  # a second warning would be an error
