import numpy as np
from keras import layers, models, optimizers
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

# cars: cylinders, displacement, horsepower, weight, acceleration, year, Europe, Japan, USA
rng = np.random.default_rng(0)
n = 392
cylinders = rng.choice([4, 6, 8], n, p=[0.52, 0.21, 0.27])
displacement = 48 * cylinders - 60 + rng.normal(0, 30, n)
horsepower = 22 * cylinders - 15 + rng.normal(0, 14, n)
weight = 1000 + 330 * cylinders + rng.normal(0, 300, n)
acceleration = 22 - 0.06 * horsepower + rng.normal(0, 1.5, n)
year = rng.integers(70, 83, n)
origin = rng.choice(3, n, p=[0.18, 0.2, 0.62])
X = np.column_stack([cylinders, displacement, horsepower, weight, acceleration, year, np.eye(3)[origin]])
mpg = 45 - 0.0067 * weight + 0.75 * (year - 76) + 2.0 * (origin == 1) + rng.normal(0, 1.5, n)
y = 10 * mpg    # tenths of a mile per gallon

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
scaler = MinMaxScaler().fit(X_train)
X_train = scaler.transform(X_train)
X_test = scaler.transform(X_test)

y_scaler = MinMaxScaler().fit(y_train.reshape(-1, 1))
y_train = y_scaler.transform(y_train.reshape(-1, 1))

model = models.Sequential([
    layers.Input((9,)),
    layers.Dense(64, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(64, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(1),
])
model.compile(optimizer=optimizers.Adam(0.001), loss="mse", metrics=["mae"])
model.fit(X_train, y_train, epochs=20, batch_size=32, validation_split=0.1, verbose=2)

y_pred = y_scaler.inverse_transform(model.predict(X_test, verbose=0)).ravel()
score = float(1 - np.mean((y_test - y_pred) ** 2) / np.var(y_test))
print("R2:", score)
