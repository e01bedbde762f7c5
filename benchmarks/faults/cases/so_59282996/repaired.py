import numpy as np
from keras.models import Sequential
from keras.layers import Bidirectional, Dense, Dropout, Input, LSTM, Masking, TimeDistributed
from keras.optimizers import SGD

# sequences of up to 20 time steps with 5 features, zero padded; every step is of type 1 or 2
rng = np.random.default_rng(0)
lengths = rng.integers(5, 20, 160)
real = np.arange(20) < lengths[:, None]
step_type = rng.integers(1, 3, (160, 20)) * real
X = rng.normal(size=(160, 20, 5)) + 0.4 + 1.2 * (step_type == 2)[..., None]
X = (X * real[..., None]).astype('float32')
Y = np.maximum(step_type - 1, 0)

X_train, Y_train = X[:60], Y[:60]
X_test, Y_test, real_test = X[60:], Y[60:], real[60:]

model = Sequential()
model.add(Input((20, 5)))
model.add(Masking(mask_value=0.0))
model.add(Bidirectional(LSTM(20, return_sequences=True)))
model.add(Dropout(0.2))
model.add(TimeDistributed(Dense(2, activation='softmax')))
model.compile(loss='sparse_categorical_crossentropy',
              optimizer=SGD(learning_rate=0.01, momentum=0.9, nesterov=True))

model.fit(X_train, Y_train[..., None], batch_size=20, epochs=100, verbose=2)

labels = model.predict(X_test, verbose=0).argmax(axis=-1)
score = float(np.mean(labels[real_test] == Y_test[real_test]))
print('right steps:', score)
