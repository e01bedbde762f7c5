import numpy as np
import keras
from keras import layers, ops
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

NUM_CLASSES = 10


def custom_loss(y_true, y_pred, e=0.1):
    hard = ops.categorical_crossentropy(y_true, y_pred)
    uniform = ops.categorical_crossentropy(ops.ones_like(y_pred) / NUM_CLASSES, y_pred)
    return (1 - e) * hard + e * uniform


x, y = load_digits(return_X_y=True)
x = x.astype("float32") / 16
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=7)
t_train = keras.utils.to_categorical(y_train, NUM_CLASSES)

inputs = keras.Input(shape=(64,))
h = layers.Dense(128, activation="relu")(inputs)
h = layers.Dense(64, activation="relu")(h)
outputs = layers.Dense(NUM_CLASSES, activation="softmax")(h)
model = keras.Model(inputs, outputs)

opt = keras.optimizers.SGD(learning_rate=0.05, momentum=0.9)
model.compile(optimizer=opt, loss=custom_loss, metrics=["acc"])
model.fit(x_train, t_train, batch_size=32, epochs=15, verbose=2)

p = model.predict(x_test, verbose=0)
score = (p.argmax(axis=1) == y_test).mean()
print("test acc", score)
