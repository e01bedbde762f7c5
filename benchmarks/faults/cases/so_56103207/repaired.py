import numpy as np
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D, Input
from keras.models import Sequential
from keras.utils import to_categorical

# five kinds of doodles: circle, square, diamond, plus, x
rng = np.random.default_rng(0)
rows, cols = np.mgrid[:28, :28]


def doodle(kind):
    dy = rows - rng.integers(11, 18)
    dx = cols - rng.integers(11, 18)
    r = rng.uniform(5, 9)
    box = np.maximum(abs(dx), abs(dy))
    if kind == 0:
        ink = abs(np.hypot(dx, dy) - r) < 1.2
    elif kind == 1:
        ink = abs(box - r) < 1.2
    elif kind == 2:
        ink = abs(abs(dx) + abs(dy) - r) < 1.2
    elif kind == 3:
        ink = ((abs(dx) < 1.5) | (abs(dy) < 1.5)) & (box < r)
    else:
        ink = ((abs(dx - dy) < 1.8) | (abs(dx + dy) < 1.8)) & (box < r)
    return np.clip(ink * rng.uniform(0.6, 1.0) + rng.normal(0, 0.15, ink.shape), 0, 1)


x = np.stack([doodle(k) for k in range(5) for _ in range(200)])[..., None].astype("float32")
y = to_categorical(np.repeat(np.arange(5), 200), 5)
x_test = np.stack([doodle(k) for k in range(5) for _ in range(80)])[..., None].astype("float32")
labels_test = np.repeat(np.arange(5), 80)

order = np.random.permutation(len(x))
x, y = x[order], y[order]

model = Sequential()
model.add(Input((28, 28, 1)))
model.add(Conv2D(filters=32, kernel_size=5, activation="relu"))
model.add(MaxPooling2D())
model.add(Conv2D(filters=16, kernel_size=3, activation="relu"))
model.add(MaxPooling2D())
model.add(Flatten())
model.add(Dense(units=128, activation="relu"))
model.add(Dense(units=64, activation="relu"))
model.add(Dense(units=5, activation="softmax"))

model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])

model.fit(x, y, batch_size=50, epochs=10, validation_split=0.2, verbose=2)

score = float(np.mean(model.predict(x_test, verbose=0).argmax(axis=1) == labels_test))
print("test accuracy:", score)
