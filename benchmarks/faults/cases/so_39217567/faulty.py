import numpy as np
from keras.models import Sequential
from keras.layers import Dense, Input
from keras.initializers import RandomNormal

# all 8-bit patterns, in random order
rng = np.random.default_rng(0)
codes = (rng.permutation(256)[:, None] >> np.arange(8)) & 1
codes = codes.astype("float32")
train, test = codes[:200], codes[200:]

model = Sequential([
    Input((8,)),
    Dense(8, activation="sigmoid", kernel_initializer=RandomNormal()),
    Dense(8, activation="sigmoid", kernel_initializer=RandomNormal()),
    Dense(8, activation="sigmoid", kernel_initializer=RandomNormal(), name="bits"),
])
model.compile(optimizer="sgd", loss="mean_squared_error")
model.fit(train, train, batch_size=50, epochs=200, verbose=0)

out = model.predict(test, verbose=0)
print(np.round(out[:3], 2))
score = float(np.mean(np.round(out) == test))
print("share of right bits", score)
