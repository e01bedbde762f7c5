import numpy as np
import keras
from keras.layers import Input, LSTM, Dense
from keras.models import Sequential

batch_size = 16      # parallel series
tsteps = 8           # steps in a window
windows = 24         # windows in a series
epochs = 25


def make_series(rng):
    u = rng.normal(size=(batch_size, tsteps * windows))
    level = np.zeros_like(u)
    for t in range(1, u.shape[1]):
        level[:, t] = 0.97 * level[:, t - 1] + 0.25 * u[:, t]
    # window k of all series, then window k + 1 of all series, and so on
    cut = lambda a: a.reshape(batch_size, windows, tsteps).swapaxes(0, 1).reshape(-1, tsteps, 1)
    return cut(u).astype("float32"), cut(level).astype("float32")


rng = np.random.default_rng(0)
x_train, y_train = make_series(rng)
x_test, y_test = make_series(rng)

model = Sequential()
model.add(Input(batch_shape=(batch_size, tsteps, 1)))
model.add(LSTM(16, stateful=True, return_sequences=True))
model.add(Dense(1))
model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.01))

for i in range(epochs):
    model.fit(x_train, y_train, batch_size=batch_size, epochs=1, shuffle=False, verbose=2)
    model.layers[0].reset_state()

predicted = model.predict(x_test, batch_size=batch_size, verbose=0)
score = 1 - np.mean((predicted - y_test) ** 2) / np.var(y_test)
print("R2 on new series:", score)
