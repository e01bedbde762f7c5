"""Models of which a step does not do what most do: watched, they train bit for bit as bare, and the rows are true."""

import functools
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ch8 import callbacks
from keras_ch8 import optimizers as ours
from tests.callbacks import odd_models
from tests.callbacks.runs import Frames

MAKERS = {"foreign": odd_models.FOREIGN, "own": odd_models.OWN}


def trained(odd, make, watching=(), **more):
    """Return history and weights of a model after a training."""
    keras.utils.set_random_seed(3)
    model, x, y, options = odd(make)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist")
        warnings.filterwarnings(
            "ignore", "`Diagnosis` continues without"
        )  # what a probe cannot measure of such a model
        warnings.filterwarnings("ignore", "(?s).*no trainable weights|.*does not have any trainable")
        history = model.fit(
            x, y, batch_size=8, epochs=odd_models.EPOCHS, callbacks=watching, verbose=0, **options, **more
        )
    return history.history, [np.array(v) for v in model.variables]


@pytest.mark.slow
@pytest.mark.broad(slow=4)
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("odd", odd_models.MODELS, ids=lambda odd: odd.__name__)
def test_it_trains_as_bare(odd, kind, tmp_path):
    watching = [
        callbacks.TensorBoard(str(tmp_path), measure_every=1),
        callbacks.Diagnosis(),
        callbacks.GradientClippingLogger(),
    ]
    bare, weights = trained(odd, MAKERS[kind])
    watched, same = trained(odd, MAKERS[kind], watching)
    assert bare == watched
    for one, other in zip(weights, same, strict=True):
        np.testing.assert_array_equal(one, other)


def by_hand(odd, make):
    """Return the norm of the gradient at each step of a loop by hand: of those weights that have one."""
    keras.utils.set_random_seed(3)
    model, x, y, _ = odd(make)
    norms = []
    for epoch in range(odd_models.EPOCHS):
        del epoch
        for first in range(0, odd_models.N, 8):
            at = slice(first, first + 8)
            targets = {name: value[at] for name, value in y.items()} if isinstance(y, dict) else y[at]
            with tf.GradientTape() as tape:
                loss = model.compute_loss(x[at], targets, model(x[at], training=True))
            variables = model.trainable_variables
            grads = tape.gradient(loss, [v.value for v in variables])
            some = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
            norms.append(np.sqrt(sum(float(tf.reduce_sum(tf.square(tf.convert_to_tensor(g)))) for g, _ in some)))
            for g, v in some:
                v.assign(v - RATE * tf.convert_to_tensor(g))
    return np.array(norms)


RATE = 0.125
SGD = {"foreign": keras.optimizers.SGD, "own": ours.SGD}
SOME = [
    odd_models.unused_head,
    odd_models.rounded,
    odd_models.embedding_used_twice,
    odd_models.other_weights_at_each_step,
]


@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("kind", SGD)
@pytest.mark.parametrize("odd", SOME, ids=lambda odd: odd.__name__)
def test_the_rows_are_those_of_the_weights_that_have_a_gradient(odd, kind):
    frames, make = Frames(), functools.partial(SGD[kind], RATE)
    trained(odd, make, [frames], shuffle=False)
    norms = by_hand(odd, make)
    np.testing.assert_allclose(frames.norm, norms, rtol=1e-5)
    np.testing.assert_allclose(frames.update, RATE * norms, rtol=1e-4)
    np.testing.assert_allclose(frames.rates[:, 1], RATE, rtol=1e-3)
    np.testing.assert_array_equal(frames.nonfinite, 0)


@pytest.mark.parametrize(
    "stopped", [lambda x: ops.round(3 * x), pytest.param(ops.stop_gradient, marks=pytest.mark.full)]
)
@pytest.mark.slow
def test_that_no_gradient_gets_through_is_said(stopped):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(128, 6)).astype("float32")
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Dense(1)(stopped(3 * keras.layers.Dense(50)(inputs))))
    model.compile("adam", "mse")
    diagnosis = callbacks.Diagnosis()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist")
        model.fit(x, x[:, :1] > 0, batch_size=16, epochs=4, callbacks=[diagnosis], verbose=0)
    assert ("no_gradient", "act") in [(verdict.kind, verdict.level) for verdict in diagnosis.verdicts]


@pytest.mark.parametrize("kind", MAKERS)
def test_a_variable_that_the_optimizer_does_not_know_is_refused_by_keras(kind):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile(MAKERS[kind](), "mse", run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    model.add_weight(shape=(3,), name="late")
    with pytest.raises(ValueError, match="nknown variable"):
        model.fit(odd_models.X, odd_models.Y, callbacks=[callbacks.GradientClippingLogger()], verbose=0)
