import numpy as np
from tensorflow import keras
from tensorflow.keras.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

# grey pictures, 0 ... 255
digits = load_digits()
pictures = (digits.images * (255 / 16)).astype("uint8")
x_train, x_test, y_train, y_test = train_test_split(pictures, digits.target, test_size=0.2, random_state=10)

x_train = x_train.reshape(-1, 8, 8, 1).astype("float32")
x_test = x_test.reshape(-1, 8, 8, 1).astype("float32")
y_train = keras.utils.to_categorical(y_train, 10)

model = keras.models.Sequential([
    Input(shape=(8, 8, 1)),
    Conv2D(32, (5, 5), padding="same", activation="relu", kernel_initializer="he_normal"),
    MaxPooling2D((2, 2)),
    Conv2D(32, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal"),
    MaxPooling2D((2, 2)),
    Flatten(),
    Dense(128, activation="relu", kernel_initializer="he_normal"),
    Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.1),
              loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=8, batch_size=32, verbose=2)

pred = np.argmax(model.predict(x_test, verbose=0), axis=1)
score = float((pred == y_test).sum() / len(y_test))
print("Accuracy: {:.2%}".format(score))
