import numpy as np
import keras
from keras.layers import Input, Conv2D

rng = np.random.default_rng(0)

# sharp pictures: coarse coloured blocks plus fine grain
blocks = rng.normal(size=(10, 4, 4, 3))
kind = rng.integers(0, 10, 150)
sharp = np.kron(blocks, np.ones((1, 4, 4, 1)))[kind]
for n in range(len(sharp)):
    sharp[n] = np.roll(sharp[n], rng.integers(-2, 3, 2), axis=(0, 1))
sharp = 128 + 35 * sharp * rng.uniform(0.4, 1, (150, 1, 1, 1)) + rng.normal(0, 40, sharp.shape)
sharp = np.clip(sharp, 0, 255) / 255

# low resolution input: 3x3 mean
blurred = np.zeros_like(sharp)
for i in (-1, 0, 1):
    for j in (-1, 0, 1):
        blurred += np.roll(sharp, (i, j), axis=(1, 2)) / 9

x_train, x_test = blurred[:110].astype("float32"), blurred[110:].astype("float32")
y_train, y_test = sharp[:110].astype("float32"), sharp[110:].astype("float32")

inputs = Input((16, 16, 3))
h = Conv2D(32, 3, padding="same", activation="relu")(inputs)
h = Conv2D(16, 5, padding="same", activation="relu")(h)
outputs = Conv2D(3, 3, padding="same", activation="sigmoid")(h)
srcnn = keras.Model(inputs, outputs)

srcnn.compile(optimizer=keras.optimizers.Adam(learning_rate=0.001), loss="mse")
srcnn.fit(x_train, y_train, batch_size=10, epochs=50, validation_data=(x_test, y_test), verbose=2)

restored = srcnn.predict(x_test, verbose=0)
score = float(1 - np.mean((restored - y_test) ** 2) / np.var(y_test))
print("R2 of the restored pixels:", score)
