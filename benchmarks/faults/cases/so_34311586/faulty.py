import numpy as np
from keras.models import Sequential
from keras.layers import Dense, Input
from keras.optimizers import SGD

# noisy logic levels of two lines, output is high when exactly one of them is
rng = np.random.default_rng(0)
bits = rng.integers(0, 2, size=(700, 2))
X = bits + rng.normal(0, 0.15, size=bits.shape)
y = (bits[:, 0] != bits[:, 1]).astype(float).reshape(-1, 1)
X_train, y_train = X[:500], y[:500]
X_new, y_new = X[500:], y[500:]

model = Sequential()
model.add(Input(shape=(2,)))
model.add(Dense(8, activation='tanh'))
model.add(Dense(4, activation='tanh'))
model.add(Dense(1, activation='softmax'))

sgd = SGD(learning_rate=0.05, momentum=0.9, nesterov=True)
model.compile(loss='mean_squared_error', optimizer=sgd)

history = model.fit(X_train, y_train, epochs=40, batch_size=16, verbose=0)
print('last loss', history.history['loss'][-1])

print(model.predict(np.array([[1., 0.], [0., 0.]]), verbose=0))
score = float(np.mean(np.round(model.predict(X_new, verbose=0)) == y_new))
print('right:', score)
