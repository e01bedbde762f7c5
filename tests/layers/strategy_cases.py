"""Batch normalization on two replicas beside one device, in a process of its own; prints one JSON line."""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

from keras_ch8.layers import BatchNormalization

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
    return [np.asarray(w, "float64") for w in model.get_weights()]


def moments(layer, x):
    """Return the variance that is stored after one step on each replica, and the largest gradient of a shift."""
    strategy = tf.distribute.get_strategy()
    size = len(x) // strategy.num_replicas_in_sync

    slopes = tf.constant(WEIGHTS)

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

    shift, size_of_g = step()
    total = strategy.reduce("SUM", shift, axis=None).numpy()
    return layer.moving_variance.numpy().tolist(), float(np.abs(total).max()), float(np.max(
        strategy.reduce("SUM", size_of_g, axis=None).numpy()))  # fmt: skip


def one_replica_with_nothing(layer, x):
    """Take one step in which the second replica has no example; return what inference uses then."""
    strategy = tf.distribute.get_strategy()

    @tf.function
    def step(size):
        def replica():
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            return tf.reduce_sum(layer(x[: size * (1 - index)], training=True))

        return strategy.run(replica)

    step(tf.constant(len(x)))
    return [layer.inference_statistics()[i].numpy().tolist() for i in range(2)]


def main():
    """Compare."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    alone, x = trained(), tf.constant(ROWS[:16])
    found = {}
    for name, options in (("synchronized", {"synchronized": True}), ("apart", {})):
        with strategy.scope():
            together = trained(**options)
        found[name] = max(np.abs(a - b).max() for a, b in zip(alone, together, strict=True))
        found[f"{name} weight"] = float(together[6])
    with strategy.scope():
        norm = BatchNormalization(momentum=0.0, synchronized=True)
        norm.build((None, 4))
    found["variance"], _, _ = moments(norm, x)
    _, found["shift"], found["gradient"] = moments(norm, x - 3e3)
    small = tf.constant(X[:16, :4])
    for name, options in (("nothing synchronized", {"synchronized": True}), ("nothing apart", {})):
        with strategy.scope():
            norm = BatchNormalization(momentum=0.5, **options)
            norm.build((None, 4))
            found[name] = one_replica_with_nothing(norm, small)
    found["expected nothing"] = [small.numpy().mean(axis=0).tolist(), small.numpy().var(axis=0).tolist()]
    found["expected"] = ROWS[:16].astype("float64").var(axis=0).tolist()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
