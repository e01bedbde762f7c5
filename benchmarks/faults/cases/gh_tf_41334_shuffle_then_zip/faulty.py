# Denoising autoencoder for small digit images
import numpy as np
import tensorflow as tf
import keras
from keras.layers import Dense, Input
from keras.models import Model
from sklearn.datasets import load_digits

images = load_digits().data.astype("float32") / 16.0
x_train, x_test = images[:1400], images[1400:]


def add_noise(img):
    noise = tf.random.normal(tf.shape(img), stddev=0.3)
    return tf.clip_by_value(img + noise, 0.0, 1.0)


clean = tf.data.Dataset.from_tensor_slices(x_train).shuffle(len(x_train))
noisy = clean.map(add_noise, num_parallel_calls=tf.data.AUTOTUNE)
train_ds = tf.data.Dataset.zip((noisy, clean)).batch(64).prefetch(tf.data.AUTOTUNE)

inp = Input(shape=(64,))
h = Dense(96, activation="relu")(inp)
code = Dense(24, activation="relu")(h)
h = Dense(96, activation="relu")(code)
out = Dense(64, activation="sigmoid")(h)
autoencoder = Model(inp, out)
autoencoder.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mse")
autoencoder.fit(train_ds, epochs=30, verbose=2)

# how well are unseen noisy digits restored?
rng = np.random.default_rng(0)
x_test_noisy = np.clip(x_test + rng.normal(scale=0.3, size=x_test.shape), 0, 1).astype("float32")
restored = autoencoder.predict(x_test_noisy, verbose=0)
mse = np.mean((restored - x_test) ** 2)
score = 1 - mse / np.mean((x_test - x_test.mean(axis=0)) ** 2)
print("R2 of the restored images:", score)
