import numpy as np
from keras import layers, models, optimizers, utils
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
n_samples = len(digits.images)
X = digits.images.reshape((n_samples, 8, 8, 1)) / 16.0
Y = utils.to_categorical(digits.target, num_classes=10)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, shuffle=True)

cnn = models.Sequential()
cnn.add(layers.Input(shape=(8, 8, 1)))
cnn.add(layers.Conv2D(16, (5, 5), padding="same", activation="relu", kernel_initializer="he_normal"))
cnn.add(layers.MaxPooling2D((2, 2)))
cnn.add(layers.Conv2D(32, (3, 3), padding="same", activation="relu", kernel_initializer="he_normal"))
cnn.add(layers.MaxPooling2D((2, 2)))
cnn.add(layers.Flatten())
cnn.add(layers.Dense(128, activation="relu", kernel_initializer="he_normal"))
cnn.add(layers.Dense(10, activation="softmax"))
cnn.compile(optimizer=optimizers.SGD(learning_rate=0.1), loss="categorical_crossentropy", metrics=["accuracy"])
cnn.fit(X_train, Y_train, epochs=8, batch_size=64, validation_split=0.2, verbose=2)

Y_pred = cnn.predict(X_test, verbose=0)
score = float(np.mean(np.argmax(Y_pred, axis=1) == np.argmax(Y_test, axis=1)))
print("Accuracy:", score)
