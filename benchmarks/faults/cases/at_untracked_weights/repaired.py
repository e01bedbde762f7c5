import keras
import numpy as np
import tensorflow as tf
from keras import layers

# events of a machine: 6 kinds (one-hot), alarm lamp, load; which kind of event came with the alarm?
rng = np.random.default_rng(0)
n, steps, kinds = 3000, 12, 6
kind = rng.integers(0, kinds, (n, steps))
alarm = rng.integers(0, steps, n)
events = np.zeros((n, steps, kinds + 2), "float32")
events[np.arange(n)[:, None], np.arange(steps)[None, :], kind] = 1.0
events[np.arange(n), alarm, kinds] = 1.0
events[:, :, kinds + 1] = rng.normal(0, 0.5, (n, steps))
target = kind[np.arange(n), alarm]

x_train, y_train = events[:2400], target[:2400]
x_test, y_test = events[2400:], target[2400:]


class SelfAttention(layers.Layer):
    """softmax(Q K' / sqrt(d)) V"""

    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.wq = self.add_weight(shape=shape, initializer=keras.initializers.RandomNormal(stddev=0.2), name="wq")
        self.wk = self.add_weight(shape=shape, initializer=keras.initializers.RandomNormal(stddev=0.2), name="wk")
        self.wv = self.add_weight(shape=shape, initializer=keras.initializers.RandomNormal(stddev=0.2), name="wv")

    def call(self, x):
        q = tf.matmul(x, self.wq)
        k = tf.matmul(x, self.wk)
        v = tf.matmul(x, self.wv)
        scores = tf.matmul(q, k, transpose_b=True) / np.sqrt(self.units)
        return tf.matmul(tf.nn.softmax(scores, axis=-1), v)


model = keras.Sequential([
    layers.Input((steps, kinds + 2)),
    SelfAttention(24),
    layers.GlobalAveragePooling1D(),
    layers.Dense(kinds, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=20, batch_size=32, validation_split=0.1, verbose=2)

score = float(np.mean(model.predict(x_test, verbose=0).argmax(-1) == y_test))
print("test accuracy:", score)
