import numpy as np
import keras
from keras.layers import Dense, Input

rng = np.random.default_rng(0)
X = rng.uniform(0, 1000, (900, 4))
# hours of work per order
y = 0.3 * X[:, 0] + 0.2 * X[:, 1] - 0.1 * X[:, 2] + 150

X_train, y_train = X[:600], y[:600]
X_test, y_test = X[600:], y[600:]

model = keras.Sequential()
model.add(Input((4,)))
model.add(Dense(32, activation='relu'))
model.add(Dense(1))

model.compile(loss='binary_crossentropy', optimizer=keras.optimizers.SGD(0.01), metrics=['mse'])
model.fit(X_train, y_train, batch_size=32, epochs=30, validation_split=0.1, verbose=2)

prediction = model.predict(X_test, verbose=0)[:, 0]
score = float(1 - np.mean((prediction - y_test) ** 2) / np.var(y_test))
print('R2', score)
