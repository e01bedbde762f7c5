import numpy as np
from sklearn.model_selection import train_test_split
from keras.models import Sequential
from keras.layers import Dense, Input

rng = np.random.default_rng(0)
x = rng.uniform(0, 5000, size=(800, 2))
y = x[:, 0] * np.sqrt(x[:, 1]) / 3

x = (x - x.min()) / (x.max() - x.min())
y = (y - y.min()) / (y.max() - y.min())

x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=3)

model = Sequential()
model.add(Input((2,)))
model.add(Dense(64, activation="relu"))
model.add(Dense(32, activation="relu"))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
model.fit(x_train, y_train, epochs=25, batch_size=32, validation_data=(x_test, y_test), verbose=0)

fit = model.predict(x_test, verbose=0).ravel()
score = float(1 - ((fit - y_test) ** 2).mean() / y_test.var())
print("R^2 on unseen points: %.3f" % score)
