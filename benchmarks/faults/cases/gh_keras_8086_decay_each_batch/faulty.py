import numpy as np
import keras
from keras.layers import Activation, Dense, Input
from keras.models import Sequential
from keras.optimizers import SGD
from keras.optimizers.schedules import InverseTimeDecay
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, Y = load_digits(return_X_y=True)
X = X / X.max()
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=5)

batch_size = 32

model = Sequential()
model.add(Input((64,)))
model.add(Dense(64))
model.add(Activation("tanh"))
model.add(Dense(10))
model.add(Activation("softmax"))

# lr = lr0 / (1 + decay * epoch)
learning_rate = InverseTimeDecay(initial_learning_rate=0.05, decay_steps=1, decay_rate=0.5)
model.compile(loss="sparse_categorical_crossentropy", optimizer=SGD(learning_rate), metrics=["accuracy"])
model.fit(X_train, Y_train, batch_size=batch_size, epochs=8, verbose=2)

score = np.mean(model.predict(X_test, verbose=0).argmax(axis=1) == Y_test)
print("Accuracy:", score)
