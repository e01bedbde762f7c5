import numpy as np
from keras.models import Sequential
from keras.layers import Dense, Input
from keras.optimizers import Adam, RMSprop

# is the salary below 20k?
rng = np.random.default_rng(0)
salary = rng.normal(20000, 2500, size=(1100, 1))
low = (salary < 20000).astype('float32')

x_train, x_test = salary[:800], salary[800:]
y_train, y_test = low[:800], low[800:]
mean, std = x_train.mean(), x_train.std()
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std

model = Sequential()
model.add(Input((1,)))
model.add(Dense(1, activation='sigmoid'))
model.add(Dense(1, kernel_initializer='random_normal', activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer=Adam(0.01), metrics=['accuracy'])

model.fit(x_train, y_train, epochs=100, batch_size=200, verbose=0)

answer = model.predict(x_test, verbose=0) > 0.5
score = float(np.mean(answer == (y_test > 0.5)))
print('right answers', score)
