import numpy as np
from keras.models import Sequential
from keras.layers import Input, Conv2D, MaxPooling2D, Flatten, Dense, Dropout
from keras.optimizers import SGD
from keras.utils import to_categorical
from sklearn.datasets import load_digits

nb_classes = 5
digits = load_digits()

# read the pictures folder by folder
X, Y, X_test, Y_test = [], [], [], []
for folder in range(nb_classes):
    pictures = digits.images[digits.target == folder]
    X.extend(pictures[:140])
    Y.extend([folder] * 140)
    X_test.extend(pictures[140:])
    Y_test.extend([folder] * len(pictures[140:]))
X = np.array(X, dtype="float32")[..., np.newaxis] / 16
X_test = np.array(X_test, dtype="float32")[..., np.newaxis] / 16
Y, Y_test = np.array(Y), np.array(Y_test)

perm = np.random.permutation(len(X))
X, Y = X[perm], Y[perm]

model = Sequential()
model.add(Input(shape=(8, 8, 1)))
model.add(Conv2D(16, (3, 3), activation="relu", padding="same"))
model.add(Conv2D(16, (3, 3), activation="relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(64, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(nb_classes, activation="softmax"))

sgd = SGD(learning_rate=0.01, momentum=0.9, nesterov=True)
model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
model.fit(X, to_categorical(Y, nb_classes), batch_size=32, epochs=20, shuffle=True,
          validation_split=0.2, verbose=2)

score = np.mean(np.argmax(model.predict(X_test, verbose=0), axis=1) == Y_test)
print("Test accuracy:", score)
