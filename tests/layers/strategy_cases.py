"""Batch normalization on two replicas beside one device, for processes of their own (see `tests.forked`)."""

import keras
import numpy as np
import tensorflow as tf

from keras_ch8.layers import BatchNormalization
from tests.forked import two_replicas

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 6)).astype("float32")
ROWS, WEIGHTS = RNG.normal(3e3, 1, (64, 4)).astype("float32"), RNG.normal(size=(16, 4)).astype("float32")


def trained(**options):
    """Train on batches of 16; each replica has 8 of them."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(5), BatchNormalization(momentum=0.8, **options), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile(keras.optimizers.SGD(0.05), "mse", jit_compile=False)
    model.fit(X, X[:, :1] ** 2, batch_size=16, epochs=2, shuffle=False, verbose=0)
    return [np.asarray(v, "float64") for v in model.variables]


def trained_together(synchronized):
    """Return the largest difference of a variable from one device, and the number of batches in the averages."""
    with two_replicas().scope():
        together = trained(synchronized=synchronized)
    return max(np.abs(a - b).max() for a, b in zip(trained(), together, strict=True)), float(together[6])


def moments(mean):
    """Take one step on rows of that mean.

    Returns:
        What is stored as the variance, the variance, the largest gradient of a common shift, the largest gradient.
    """
    strategy = two_replicas()
    rows = ROWS[:16] - np.float32(3e3 - mean)
    x, slopes, size = tf.constant(rows), tf.constant(WEIGHTS), len(rows) // 2
    with strategy.scope():
        layer = BatchNormalization(momentum=0.0, synchronized=True)
        layer.build((None, 4))

    @tf.function
    def step():
        def replica():
            at = tf.distribute.get_replica_context().replica_id_in_sync_group * size
            mine, weights = x[at : at + size], slopes[at : at + size]
            with tf.GradientTape() as tape:
                tape.watch(mine)
                loss = tf.reduce_sum(layer(mine, training=True) * weights)
            g = tape.gradient(loss, mine)
            return tf.reduce_sum(g, axis=0), tf.reduce_max(tf.abs(g))

        return strategy.run(replica)

    shift, size_of_g = (strategy.reduce("SUM", part, axis=None).numpy() for part in step())
    return layer.moving_variance.numpy(), rows.var(axis=0, dtype="float64"), np.abs(shift).max(), size_of_g


def one_replica_with_nothing(synchronized):
    """Take one step in which the second replica has no example; return what inference uses then, and the moments."""
    strategy = two_replicas()
    x = tf.constant(X[:16, :4])
    with strategy.scope():
        layer = BatchNormalization(momentum=0.5, synchronized=synchronized)
        layer.build((None, 4))

    @tf.function
    def step(size):
        def replica():
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            return tf.reduce_sum(layer(x[: size * (1 - index)], training=True))

        return strategy.run(replica)

    step(tf.constant(len(x)))
    return [s.numpy() for s in layer.inference_statistics()], [X[:16, :4].mean(axis=0), X[:16, :4].var(axis=0)]
