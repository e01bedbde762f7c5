"""How graphs are run."""

import numpy as np
import tensorflow as tf

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
