import numpy as np
import keras
from keras import layers
from sklearn.datasets import load_digits

# 8x8 pictures of digits, one byte per pixel
pictures = (load_digits().images * 255 / 16).astype("uint8")
x_train, x_test = pictures[:1500], pictures[1500:]
x_train = x_train.reshape((len(x_train), -1))
x_test = x_test.reshape((len(x_test), -1))

encoding_dim = 16
input_img = keras.Input(shape=(64,))
encoded = layers.Dense(encoding_dim, activation="relu")(input_img)
decoded = layers.Dense(64, activation="sigmoid")(encoded)
autoencoder = keras.Model(input_img, decoded)
encoder = keras.Model(input_img, encoded)

autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
autoencoder.fit(x_train, x_train, epochs=40, batch_size=32, shuffle=True,
                validation_data=(x_test, x_test), verbose=2)

reconstructed = autoencoder.predict(x_test, verbose=0)
error = np.mean((reconstructed - x_test) ** 2)
score = 1 - error / np.mean((x_test - x_test.mean(axis=0)) ** 2)
print("R2 of the reconstruction", score)
