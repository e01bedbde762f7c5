import numpy as np
import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
images = digits.images[..., None] / 16.0
pool, x_test, pool_labels, y_test = train_test_split(
    images, digits.target, test_size=0.25, random_state=0, stratify=digits.target)

# the scans that have been labelled so far, digit by digit
labelled = [1, 1, 2, 4, 5, 6, 130, 130, 130, 130]
picked = []
for digit in range(10):
    rows = np.flatnonzero(pool_labels == digit)
    picked.append(rows[:labelled[digit]])
picked = np.concatenate(picked)
np.random.shuffle(picked)
x_train, y_train = pool[picked], pool_labels[picked]
print("training pictures:", len(x_train))

model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(16, 5, padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPooling2D(),
    layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(128, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.1),
              loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=10, batch_size=32, verbose=2)

score = float(np.mean(model.predict(x_test, verbose=0).argmax(axis=1) == y_test))
print("accuracy:", score)
