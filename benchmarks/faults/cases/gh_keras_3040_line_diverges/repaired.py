import numpy as np
from keras.models import Sequential
from keras.layers import Dense, Input
from keras.optimizers import SGD

rng = np.random.default_rng(0)
x = 1.0 * np.arange(200)
y = 2.0 * x + rng.normal(scale=5.0, size=200)
test = np.arange(200) % 4 == 0
x_train, y_train, x_test, y_test = x[~test], y[~test], x[test], y[test]

model = Sequential()
model.add(Input((1,)))
model.add(Dense(1))

sgd = SGD(learning_rate=0.00001, momentum=0.0, nesterov=False)
model.compile(loss="mean_squared_error", optimizer=sgd)
model.fit(x_train, y_train, epochs=3, batch_size=1, verbose=2)

pred = np.nan_to_num(model.predict(x_test, batch_size=10, verbose=0)[:, 0].astype("float64"))
for layer in model.layers:
    print(layer.name, layer.get_weights())
score = 1 - np.mean((pred - y_test) ** 2) / np.var(y_test)
print(score)
