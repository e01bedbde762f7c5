import numpy as np
from keras.models import Sequential
from keras.layers import Input, LSTM, Dense, Activation

# two saw-like columns that run from 1 to 10
n = 1300
t = np.arange(n)
rng = np.random.default_rng(0)
series = np.stack([1 + t % 10, 10 - (t // 2) % 10], axis=1).astype("float32")
series += rng.normal(scale=0.1, size=series.shape).astype("float32")

n_prev = 12
X = np.array([series[i:i + n_prev] for i in range(n - n_prev)])
Y = np.array([series[i + n_prev] for i in range(n - n_prev)])
X_train, y_train = X[:1000], Y[:1000]
X_test, y_test = X[1000:], Y[1000:]

in_out_neurons = 2
hidden_neurons = 32

model = Sequential()
model.add(Input(shape=(n_prev, in_out_neurons)))
model.add(LSTM(hidden_neurons, return_sequences=False))
model.add(Dense(in_out_neurons))
model.add(Activation("linear"))
model.compile(loss="mean_squared_error", optimizer="rmsprop")
model.fit(X_train, y_train, batch_size=32, epochs=25, validation_split=0.05, verbose=2)

predicted = model.predict(X_test, verbose=0)
mse = np.mean((predicted - y_test) ** 2)
score = 1 - mse / np.mean((y_test - y_test.mean(axis=0)) ** 2)
print("R2 =", score)
