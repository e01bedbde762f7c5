import numpy as np
import tensorflow as tf
import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

BATCH_SIZE = 32
EPOCHS = 8

# the pictures lie on disk in one folder per digit
digits = load_digits()
x_train, x_test, y_train, y_test = [], [], [], []
for label in range(10):
    folder = digits.images[digits.target == label]
    seen, unseen = train_test_split(folder, test_size=0.25, random_state=0)
    x_train.extend(seen)
    x_test.extend(unseen)
    y_train.extend([label] * len(seen))
    y_test.extend([label] * len(unseen))
x_train = np.array(x_train, "float32")[..., None] / 16.0
x_test = np.array(x_test, "float32")[..., None] / 16.0
y_train, y_test = np.array(y_train), np.array(y_test)

train_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train))
train_ds = train_ds.shuffle(buffer_size=64).batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)
test_ds = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(BATCH_SIZE)

model = keras.Sequential([
    keras.Input(shape=(8, 8, 1)),
    layers.Conv2D(16, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(32, activation="relu"),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9),
              loss="sparse_categorical_crossentropy",
              metrics=["accuracy"])
model.fit(train_ds, epochs=EPOCHS, validation_data=test_ds, verbose=2)

pred = model.predict(x_test, verbose=0).argmax(axis=1)
score = float(np.mean(pred == y_test))
print("test accuracy:", score)
