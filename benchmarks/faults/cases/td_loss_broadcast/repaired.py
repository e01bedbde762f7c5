import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.preprocessing import StandardScaler

# fuel use of cars, as in the tutorial
rng = np.random.default_rng(0)
n = 500
cylinders = rng.choice([4, 6, 8], n, p=[0.52, 0.21, 0.27])
horsepower = 22 * cylinders - 15 + rng.normal(0, 14, n)
weight = 1000 + 330 * cylinders + rng.normal(0, 300, n)
acceleration = 22 - 0.06 * horsepower + rng.normal(0, 1.5, n)
year = rng.integers(70, 83, n)
japan = rng.random(n) < 0.2
mpg = 45 - 0.0067 * weight + 0.75 * (year - 76) + 2.0 * japan + rng.normal(0, 1.5, n)
features = np.column_stack([cylinders, horsepower, weight, acceleration, year, japan])

split = int(0.8 * n)
scaler = StandardScaler().fit(features[:split])
x_train = scaler.transform(features[:split]).astype("float32")
x_test = scaler.transform(features[split:]).astype("float32")
mean, std = mpg[:split].mean(), mpg[:split].std()
y_train = ((mpg[:split] - mean) / std).astype("float32").reshape(-1, 1)
y_test = (mpg[split:] - mean) / std

dataset = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(500).batch(32)


class Regressor(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden1 = layers.Dense(64, activation="relu", kernel_initializer="he_normal")
        self.hidden2 = layers.Dense(64, activation="relu", kernel_initializer="he_normal")
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden2(self.hidden1(x)))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            prediction = self(x, training=True)
            loss = tf.reduce_mean(tf.square(prediction - y))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}


model = Regressor()
model.compile(optimizer=keras.optimizers.Adam(0.001))
model.fit(dataset, epochs=40, verbose=2)

prediction = model.predict(x_test, verbose=0)[:, 0]
score = float(1 - np.mean((prediction - y_test) ** 2) / np.var(y_test))
print("R2 =", score)
