import numpy as np
from keras.models import Sequential
from keras.layers import Dense, Input

# src, dst, proto, ttl, seq, port, flags, length, tos, version, checksum
rng = np.random.default_rng(0)
centre = np.array([3.2e9, 3.2e9, 6, 128, 5.2e5, 3e4, 12, 61, 6, 1, 206])
spread = np.array([50, 50, 2, 30, 5e3, 1.5e4, 4, 20, 3, 1, 80])
z = rng.normal(size=(1100, 11))
packets = np.round(z * spread + centre)
attack = (z[:, 5] + z[:, 6] - z[:, 9] > 0).astype(int)

X, Y = packets[:800], attack[:800]
X_test, Y_test = packets[800:], attack[800:]

# create model
model = Sequential()
model.add(Input((11,)))
model.add(Dense(12, kernel_initializer='random_normal', activation='relu'))
model.add(Dense(12, kernel_initializer='random_normal', activation='relu'))
model.add(Dense(1, kernel_initializer='random_normal', activation='relu'))
# Compile model
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
# Fit the model
model.fit(X, Y, epochs=8, batch_size=5, verbose=2)

# calculate predictions
predictions = np.round(model.predict(X_test, verbose=0))[:, 0]
score = np.mean(predictions == Y_test)
print('share of packets recognised: %.3f' % score)
