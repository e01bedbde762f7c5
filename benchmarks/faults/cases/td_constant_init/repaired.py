import keras
from keras import initializers, layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

data = load_digits()
x = data.images.reshape(-1, 8, 8, 1) / 16
y = keras.utils.to_categorical(data.target)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)

init = initializers.HeNormal()

model = keras.Sequential([
    layers.Input((8, 8, 1)),
    layers.Conv2D(32, 5, padding="same", activation="relu", kernel_initializer=init),
    layers.MaxPooling2D(),
    layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer=init),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(128, activation="relu", kernel_initializer=init),
    layers.Dense(10, activation="softmax", kernel_initializer=init),
])
model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.SGD(learning_rate=0.1),
              metrics=["accuracy"])
model.fit(x_train, y_train, epochs=10, batch_size=32, validation_split=0.1, verbose=2)

predictions = model.predict(x_test, verbose=0)
score = float((predictions.argmax(axis=1) == y_test.argmax(axis=1)).mean())
print("Test accuracy: %.4f" % score)
