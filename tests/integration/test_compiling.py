"""How graphs are run."""

import keras
import numpy as np
import tensorflow as tf

import keras_ch8
from keras_ch8.integration import backend


def test_a_graph_runs_as_it_was_traced_only_where_that_is_asked_for():
    x = np.random.default_rng(0).normal(size=500).astype("float32")
    scaled = tf.function(lambda x: x * 0.1 * 10.0)  # TensorFlow makes one product of the constants, and leaves x
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    try:
        with backend.as_traced():
            as_traced = scaled(x).numpy()
        np.testing.assert_array_equal(scaled(x), x)
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": before["disable_meta_optimizer"]})
    np.testing.assert_array_equal(as_traced, x * np.float32(0.1) * np.float32(10.0))
    assert not np.array_equal(as_traced, x)


def test_to_xla_no_shape_of_a_watched_step_changes(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    x, y = tf.ones((16, 4)), tf.ones((16, 1))
    with keras_ch8.Doctor(tmp_path).watch(model):
        step = tf.function(lambda: model.train_step((x, y)), jit_compile=True, autograph=False)
        hlo = step.experimental_get_compiler_ir()(stage="hlo")
    assert "conditional(" in hlo, "the step leaves no row"
    assert "set-dimension-size(" not in hlo, "XLA inlines the random numbers of a Dropout: 20 times as slow"
