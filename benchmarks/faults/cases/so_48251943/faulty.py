import numpy as np
from keras.models import Sequential
from keras.layers import Dense, Input
from keras.optimizers import SGD

rng = np.random.default_rng(0)
inputs = rng.normal(size=(400, 2))
outputs = np.tanh(0.9 * inputs[:, 0] - 0.7 * inputs[:, 1])

model = Sequential()
model.add(Input((2,)))
model.add(Dense(4, activation='relu'))
model.add(Dense(1, activation='relu'))
model.compile(loss='mse', optimizer=SGD(learning_rate=0.01), metrics=['mse'])

model.fit(inputs[:200], outputs[:200], batch_size=10, epochs=50, verbose=0)

p = model.predict(inputs[200:], verbose=0)[:, 0]
t = outputs[200:]
score = 1 - np.mean((p - t) ** 2) / np.var(t)
print('r2 =', score)
