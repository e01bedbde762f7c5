import math

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
x_train, x_test, y_train, y_test = train_test_split(images, digits.target, test_size=0.2, random_state=8)


class AugmentedDigits(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size=32, noise=0.1, erase=0.2, area=(0.05, 0.15), **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size
        self.noise, self.erase, self.area = noise, erase, area

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, i):
        rows = slice(i * self.batch_size, (i + 1) * self.batch_size)
        batch = self.x[rows].copy()
        # noise on about half of the pixels
        mask = np.random.binomial(1, 0.5, size=batch.shape)
        batch += (mask * np.random.uniform(-self.noise, self.noise, size=batch.shape)).astype("float32")
        # a box of white somewhere
        for picture in batch:
            if np.random.rand() < self.erase:
                size = np.random.uniform(*self.area) * 64
                ratio = np.random.uniform(0.7, 1.4)
                h = min(8, int(round(math.sqrt(size * ratio))))
                w = min(8, int(round(math.sqrt(size / ratio))))
                top = np.random.randint(0, 8 - h + 1)
                left = np.random.randint(0, 8 - w + 1)
                picture[top:top + h, left:left + w] = 1.0
        return batch, self.y[rows]


train = AugmentedDigits(x_train, y_train)

model = keras.Sequential([
    layers.Input((8, 8, 1)),
    layers.Conv2D(16, 5, padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPooling2D(),
    layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(128, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.1),
              loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train, epochs=10, validation_data=(x_test, y_test), verbose=2)

score = float(np.mean(model.predict(x_test, verbose=0).argmax(axis=1) == y_test))
print("accuracy without augmentation:", score)
