import numpy as np
import keras
from keras.layers import LSTM, Dense, Dropout, Input
from keras.models import Sequential

# hourly load of a power station from the three sensor series of the last hours
rng = np.random.default_rng(0)
N_SAMPLES, MAX_TIMESTEPS, MAX_FEATURES = 1000, 16, 3
X = rng.normal(size=(N_SAMPLES, MAX_TIMESTEPS, MAX_FEATURES)).cumsum(axis=1) / 3
X = X.astype("float32")
Y = 4200 + 900 * X[:, -4:, 0].mean(axis=1) - 600 * X[:, -1, 1] + 60 * rng.normal(size=N_SAMPLES)

X_train, Y_train = X[:800], Y[:800]
X_test, Y_test = X[800:], Y[800:]

# Build the Keras Model
model = Sequential()
model.add(Input((MAX_TIMESTEPS, MAX_FEATURES)))
model.add(LSTM(32))
model.add(Dropout(0.1))
model.add(Dense(1))
model.compile(loss="mean_absolute_error", optimizer=keras.optimizers.Adam(0.005))

print("Training the LSTM model")
model.fit(X_train, Y_train, batch_size=32, epochs=15, validation_split=0.2, verbose=2)

prediction = model.predict(X_test, verbose=0)[:, 0]
score = 1 - np.mean((prediction - Y_test) ** 2) / np.var(Y_test)
print("R2 on the test data:", score)
