import numpy as np
import tensorflow as tf
import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class StackedProjection(keras.layers.Layer):
    """A stack of dense projections with tanh between them."""

    def __init__(self, sizes, **kwargs):
        super().__init__(**kwargs)
        self.sizes = sizes
        self.kernels = []
        self.biases = []

    def build(self, input_shape):
        fan_in = input_shape[-1]
        init = keras.initializers.GlorotUniform()
        for i, units in enumerate(self.sizes):
            self.kernels.append(self.add_weight(shape=(fan_in, units), initializer=init, name=f"kernel_{i}", trainable=True))
            self.biases.append(self.add_weight(shape=(units,), initializer="zeros", name=f"bias_{i}", trainable=True))
            fan_in = units

    def call(self, inputs):
        x = inputs
        for kernel, bias in zip(self.kernels, self.biases):
            x = tf.tanh(tf.matmul(x, kernel) + bias)
        return x


class Classifier(keras.Model):
    def __init__(self, num_classes):
        super().__init__()
        self.features = StackedProjection([24, 8])
        self.head = keras.layers.Dense(num_classes, activation="softmax")

    def call(self, inputs):
        return self.head(self.features(inputs))


X, y = load_digits(return_X_y=True)
X = (X / 16).astype("float32")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

clf = Classifier(10)
clf.compile(optimizer=keras.optimizers.Adam(0.005), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
clf.fit(X_train, y_train, epochs=20, batch_size=32, validation_split=0.1, verbose=2)

score = (clf.predict(X_test, verbose=0).argmax(-1) == y_test).mean()
print("accuracy", score)
