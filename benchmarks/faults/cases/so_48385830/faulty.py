import numpy as np
import tensorflow as tf
import keras
from keras import layers
from sklearn.datasets import load_digits

X, labels = load_digits(return_X_y=True)
p = np.random.default_rng(0).permutation(len(X))
X, labels = X[p].astype("float32") / 16, labels[p]
Y = keras.utils.to_categorical(labels, 10)


class Network(keras.Model):
    """30 hidden neurons, trained with plain stochastic gradient descent."""

    def __init__(self):
        super().__init__()
        normal = dict(kernel_initializer=keras.initializers.RandomNormal(stddev=1.0),
                      bias_initializer=keras.initializers.RandomNormal(stddev=1.0))
        self.hidden = layers.Dense(30, **normal)
        self.out = layers.Dense(10, **normal)

    def call(self, x):
        return self.out(self.hidden(x))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


net = Network()
net.compile(optimizer=keras.optimizers.SGD(learning_rate=3.0), loss="mse", metrics=["accuracy"])
net.fit(X[:1200], Y[:1200], batch_size=10, epochs=6, verbose=2)

guess = np.argmax(net.predict(X[1200:], verbose=0), axis=1)
score = np.mean(guess == labels[1200:])
print("correct:", score)
