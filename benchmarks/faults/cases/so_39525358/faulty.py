import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from keras.models import Sequential
from keras.layers import Dense, Input
from keras.optimizers import Adam

# price, age, mileage -> sold within a month?
rng = np.random.default_rng(0)
z = rng.normal(size=(900, 3))
sold = (z[:, 0] + 0.8 * z[:, 1] * z[:, 2] > 0).astype(int)
table = np.column_stack([1500 + 200 * z[:, 0], 60 + 5 * z[:, 1], 20000 + 4000 * z[:, 2]])

x_train, x_test, y_train, y_test = train_test_split(table, sold, test_size=300, random_state=1)

model = Sequential()
model.add(Input(shape=(3,)))
model.add(Dense(12, kernel_initializer='random_uniform', activation='relu'))
model.add(Dense(3, kernel_initializer='random_uniform', activation='relu'))
model.add(Dense(1, kernel_initializer='random_uniform', activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer=Adam(), metrics=['accuracy'])

model.fit(x_train, y_train, epochs=20, batch_size=10, validation_data=(x_test, y_test), verbose=2)

score = float(np.mean((model.predict(x_test, verbose=0)[:, 0] > 0.5) == (y_test == 1)))
print('accuracy', score)
