import keras
import numpy as np
import tensorflow as tf
from keras.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
x = digits.images[..., None].astype("float32") / 16
y = np.eye(10, dtype="float32")[digits.target]
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=4)


def softmax(logits):
    logits = logits - tf.reduce_max(logits, axis=0, keepdims=True)
    e = tf.exp(logits)
    return e / tf.reduce_sum(e, axis=0, keepdims=True)


def cross_entropy(labels, p):
    return -tf.reduce_sum(labels * tf.math.log(tf.clip_by_value(p, 1e-30, 1.0)), axis=1)


model = keras.Sequential([
    Input((8, 8, 1)),
    Conv2D(16, 5, padding="same", activation="relu", kernel_initializer="he_normal"),
    MaxPooling2D(),
    Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
    MaxPooling2D(),
    Flatten(),
    Dense(128, activation="relu", kernel_initializer="he_normal"),
    Dense(10, activation=softmax),
])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss=cross_entropy, metrics=["accuracy"])
model.fit(x_train, y_train, epochs=8, batch_size=32, verbose=2)

right = [np.argmax(model(picture[None])) == np.argmax(label) for picture, label in zip(x_test, y_test)]
score = float(np.mean(right))
print("test accuracy:", score)
