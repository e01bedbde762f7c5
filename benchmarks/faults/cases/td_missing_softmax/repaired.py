import keras
from keras import layers
from keras.utils import to_categorical
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
X = digits.images.reshape(len(digits.images), 8, 8, 1) / digits.images.max()
y = to_categorical(digits.target)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

model = keras.models.Sequential([
    layers.Input((8, 8, 1)),
    layers.Conv2D(16, (5, 5), padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPool2D(),
    layers.Conv2D(32, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPool2D(),
    layers.Flatten(),
    layers.Dense(128, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, validation_data=(X_test, y_test), epochs=10, batch_size=32, verbose=2)

y_pred = model.predict(X_test, verbose=0)
score = float((y_pred.argmax(axis=1) == y_test.argmax(axis=1)).mean())
print("accuracy = ", score)
