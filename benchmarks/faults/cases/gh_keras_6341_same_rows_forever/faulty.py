import numpy as np
from keras.models import Sequential
from keras.layers import Input, Dense, Dropout
from keras.utils import to_categorical
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X = X / 16.0
x_data_train, x_data_test, y_data_train, y_data_test = train_test_split(X, y, test_size=0.25, random_state=1)
y_onehot = to_categorical(y_data_train, 10)

batch_size = 32


def generate_data_from_memory(batch_size):
    ind_row = np.random.randint(0, x_data_train.shape[0], size=batch_size)
    while True:
        x_data = x_data_train[ind_row]
        y_data = y_onehot[ind_row]
        yield x_data, y_data


model = Sequential()
model.add(Input(shape=(64,)))
model.add(Dense(64, activation="relu"))
model.add(Dropout(0.2))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

model.fit(generate_data_from_memory(batch_size),
          steps_per_epoch=len(x_data_train) // batch_size,
          epochs=10,
          verbose=2)

y_pred = model.predict(x_data_test, verbose=0)
score = np.mean(np.argmax(y_pred, axis=1) == y_data_test)
print("Accuracy on test data: %.3f" % score)
