import tensorflow as tf
import keras
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, t = load_diabetes(return_X_y=True)
X_train, X_test, t_train, t_test = train_test_split(X, t, test_size=0.25, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
t_mean, t_std = t_train.mean(), t_train.std()


class MyRegressor(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense1 = keras.layers.Dense(32, activation="relu")
        self.dense2 = keras.layers.Dense(1)
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def call(self, inputs, training=False):
        return self.dense2(self.dense1(inputs))

    @property
    def metrics(self):
        return [self.loss_tracker]

    def train_step(self, data):
        x, y = data
        y = y[:, tf.newaxis]
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = tf.reduce_mean(tf.square(y - y_pred))
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}


train_ds = tf.data.Dataset.from_tensor_slices(
    (X_train.astype("float32"), ((t_train - t_mean) / t_std).astype("float32")))
train_ds = train_ds.shuffle(500).batch(16)

model = MyRegressor()
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.003))
model.fit(train_ds, epochs=25, verbose=2)

t_pred = model.predict(X_test.astype("float32"), verbose=0)[:, 0] * t_std + t_mean
score = 1 - np.mean((t_pred - t_test) ** 2) / np.var(t_test)
print("R2:", score)
