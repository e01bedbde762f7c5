import numpy as np
import keras
from keras import layers

# ten correlated sensor channels, values in (-1, 1)
rng = np.random.default_rng(0)
causes = rng.normal(size=(1200, 3))
channels = np.tanh(0.7 * causes @ rng.normal(size=(3, 10))).astype("float32")
x_train, x_val, x_test = np.split(channels, [800, 900])


class Autoencoder(keras.Model):
    def __init__(self, n_in, n_code):
        super().__init__()
        self.encoder = keras.Sequential([
            layers.Dense(20, activation="relu"),
            layers.Dense(20, activation="relu"),
            layers.Dense(n_code, activation="relu"),
        ])
        self.decoder = keras.Sequential([
            layers.Dense(20, activation="relu"),
            layers.Dense(20, activation="relu"),
            layers.Dense(n_in, activation="tanh"),
        ])

    def call(self, x):
        return self.decoder(self.encoder(x))


ae = Autoencoder(10, 4)
ae.compile(optimizer="adam", loss="mse")
ae.fit(x_train, x_train, epochs=20, batch_size=32, validation_data=(x_val, x_val), verbose=2)

rebuilt = ae.predict(x_test, verbose=0)
score = float(1 - np.mean((rebuilt - x_test) ** 2) / np.mean(x_test.var(axis=0)))
print("explained:", score)
