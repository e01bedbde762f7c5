"""What `compile` and `fit` offer: precision, compilation, several optimizers in one, loops around them."""

import contextlib
import re

import keras
from keras import layers

from .kinds_supervised import CLASSIFIES, classify, of_blobs, small_network
from .registry import blobs, kind


@contextlib.contextmanager
def policy(name):
    """Make layers and models of a precision, as a script does that sets it once for all."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@kind(**CLASSIFIES)
def mixed_precision(optimizer):
    """Keras puts a `LossScaleOptimizer` around the optimizer."""
    with policy("mixed_float16"):
        inputs = keras.Input((6,))
        model = keras.Model(inputs, layers.Dense(3, dtype="float32")(layers.Dense(8, "tanh")(inputs)))
        return classify(model, optimizer())


@kind(**CLASSIFIES)
def loss_scaled_by_hand(optimizer):
    return classify(small_network(), keras.optimizers.LossScaleOptimizer(optimizer(), initial_scale=2.0**10))


@kind(**CLASSIFIES, needs="MultiOptimizer")
def an_optimizer_for_each_layer(optimizer):
    model = small_network()
    each = keras.optimizers.OptimizerMap(optimizer(), {re.escape(model.layers[-1].name) + "/.*": optimizer()})
    return classify(model, keras.optimizers.MultiOptimizer(each))


@kind(**CLASSIFIES)
def eager(optimizer):
    return classify(small_network(), optimizer(), run_eagerly=True)


@kind(**CLASSIFIES, is_compiled=True)
def compiled(optimizer):
    return classify(small_network(), optimizer(), jit_compile=True)


@kind(**CLASSIFIES)
def several_steps_at_once(optimizer):
    return classify(small_network(), optimizer(), steps_per_execution=2)


@kind(**CLASSIFIES)
def steps_at_once_with_a_rest(optimizer):
    return classify(small_network(), optimizer(), steps_per_execution=3)


@kind(**CLASSIFIES, fits=3)
def loop_of_fits(optimizer):
    model, arguments = classify(small_network(), optimizer())
    return model, arguments | {"epochs": 1}


@kind(**CLASSIFIES)
def classes_that_weigh(optimizer):
    model, arguments = classify(small_network(), optimizer())
    return model, arguments | {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}}


@kind(**CLASSIFIES)
def examples_that_weigh(optimizer):
    model = small_network()
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    x, _ = blobs()
    arguments = of_blobs()
    return model, arguments | {"sample_weight": abs(x[:48, 0])}
