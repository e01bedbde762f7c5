import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
x = (digits.images / 16.0)[..., np.newaxis].astype("float32")
y = tf.one_hot(digits.target, 10).numpy()
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=5)


def softmax_loss(labels, predictions):
    return tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=predictions)


model = keras.Sequential([
    layers.Input((8, 8, 1)),
    layers.Conv2D(16, 5, padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPooling2D(),
    layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(128, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss=softmax_loss, metrics=["categorical_accuracy"])
model.fit(x_train, y_train, batch_size=64, epochs=5, verbose=2)

p = model.predict(x_test, verbose=0)
score = float(np.mean(p.argmax(1) == y_test.argmax(1)))
print("accuracy on the test pictures:", score)
