import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
x = digits.images[..., np.newaxis].astype(np.float32) / 16
y = np.eye(10, dtype=np.float32)[digits.target]
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=0)


def my_cross_entropy(labels, probabilities):
    probabilities = tf.clip_by_value(probabilities, 1e-32, 1.0)
    per_example = -tf.reduce_mean(labels * tf.math.log(probabilities), axis=1)
    return tf.reduce_sum(per_example)


model = keras.Sequential([
    layers.Input((8, 8, 1)),
    layers.Conv2D(32, 5, padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPooling2D(),
    layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(256, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss=my_cross_entropy, metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=15, validation_data=(x_test, y_test), verbose=2)

probs = model.predict(x_test, verbose=0)
score = float(np.mean(probs.argmax(1) == y_test.argmax(1)))
print(score)
