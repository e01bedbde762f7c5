import numpy as np
import keras
from keras.layers import Dense, Input
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

rng = np.random.default_rng(0)
X, y = load_digits(return_X_y=True)
X = X / 16.0
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)

# labels as the students typed them in
slips = rng.random(len(y_train)) < 0.25
y_train = np.where(slips, rng.integers(0, 10, len(y_train)), y_train)

model = keras.Sequential()
model.add(Input((64,)))
model.add(Dense(256, activation="relu", kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.L2(0.01)))
model.add(Dense(256, activation="relu", kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.L2(0.01)))
model.add(Dense(10, activation="softmax", kernel_regularizer=keras.regularizers.L2(0.01)))

model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(X_train, y_train, validation_split=0.15, epochs=60, batch_size=32, verbose=0)
print("train", history.history["accuracy"][-1], "validation", history.history["val_accuracy"][-1])

score = float(np.mean(model.predict(X_test, verbose=0).argmax(1) == y_test))
print("test", score)
