import numpy as np
import keras
from keras.layers import Input, Conv2D
from keras.models import Model

size = 24
batch_size = 16


def make_data(n, seed):
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:size, :size]
    x = np.zeros((n, size, size, 1), "float32")
    y = np.zeros((n, size, size, 1), "float32")
    for i in range(n):
        # a dark pipe that runs across the picture
        angle = rng.uniform(0, np.pi)
        cx, cy = rng.choice([5, size - 6]), rng.uniform(6, size - 6)
        d = np.abs((xx - cx) * np.sin(angle) - (yy - cy) * np.cos(angle))
        y[i, ..., 0] = d < 2.5
        x[i, ..., 0] = 0.6 - 0.35 * y[i, ..., 0] + rng.normal(scale=0.12, size=(size, size))
    return x, y


x_train, y_train = make_data(256, 0)
x_test, y_test = make_data(64, 1)


def augmented(data, seed=None):
    """Endless batches of randomly flipped and shifted pictures."""
    rng = np.random if seed is None else np.random.RandomState(seed)
    while True:
        for start in range(0, len(data), batch_size):
            batch = data[start:start + batch_size].copy()
            for i in range(len(batch)):
                if rng.rand() < 0.5:
                    batch[i] = batch[i, :, ::-1]
                if rng.rand() < 0.5:
                    batch[i] = batch[i, ::-1]
                batch[i] = np.roll(batch[i], rng.randint(-4, 5), axis=1)
            yield batch


image_gen = augmented(x_train)
mask_gen = augmented(y_train)
train_gen = ((images, masks) for images, masks in zip(image_gen, mask_gen))

inp = Input((size, size, 1))
h = Conv2D(8, 3, activation="relu", padding="same")(inp)
h = Conv2D(16, 3, activation="relu", padding="same")(h)
out = Conv2D(1, 1, activation="sigmoid")(h)
model = Model(inp, out)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.003), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(train_gen, steps_per_epoch=len(x_train) // batch_size, epochs=10, verbose=2)

pred = np.round(model.predict(x_test, verbose=0))
score = np.mean(pred == y_test)
print("accuracy per pixel:", score)
