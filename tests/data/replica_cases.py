"""Two replicas; run in a process of its own."""

import keras
import numpy as np
import tensorflow as tf

from keras_ch8.data import ArraySource

X = np.random.default_rng(0).normal(size=(22, 3)).astype("float32")
Y = X.sum(axis=1)


def train(last_batch):
    """Return what comes of two fits of one source: weights, position, loss, predictions."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1)])  # built by its first batch
    model.compile(keras.optimizers.SGD(0.1), "mse")
    source, seen = ArraySource(X, Y, batch_size=8, seed=0, last_batch=last_batch), []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(source.step))
    for _ in range(2):
        model.fit(source, epochs=2, verbose=0, validation_data=source, callbacks=[watch])
    loss = model.evaluate(source, verbose=0)
    return [*model.get_weights(), [source.epoch, source.step], seen, loss, model.predict(source, verbose=0)]


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    for last_batch in ("pad", "keep"):
        one = train(last_batch)
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            two = train(last_batch)
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert one[2] == [4, 0], one[2]
        assert one[3] == [1, 2, 3] * 4, one[3]


if __name__ == "__main__":
    main()
