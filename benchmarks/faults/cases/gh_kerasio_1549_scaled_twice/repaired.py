import numpy as np
import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
images = np.round(digits.images * 255 / 16).astype("uint8")[..., None]
x_train, x_test, y_train, y_test = train_test_split(images, digits.target, test_size=0.2, random_state=0)
x_train = x_train.astype("float32")
x_test = x_test.astype("float32")
t_train = keras.utils.to_categorical(y_train, 10)


def build_backbone(size):
    inputs = keras.Input(shape=(size, size, 1))
    x = keras.layers.Rescaling(1.0 / 255)(inputs)
    x = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.Conv2D(48, 3, padding="same", activation="relu")(x)
    return keras.Model(inputs, x, name="backbone")


model = keras.Sequential(
    [
        keras.Input(shape=(8, 8, 1)),
        keras.layers.Resizing(16, 16),
        build_backbone(16),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, t_train, batch_size=32, epochs=5, validation_split=0.1, verbose=2)

score = np.mean(model.predict(x_test, verbose=0).argmax(-1) == y_test)
print("accuracy:", score)
