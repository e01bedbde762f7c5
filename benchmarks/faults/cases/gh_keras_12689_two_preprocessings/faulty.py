import math
import numpy as np
import keras
from keras.layers import Dense, Flatten, Input
from keras.models import Sequential
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

data = load_digits()
pictures = (data.images * 15.9).astype("uint8")[..., None]
X_train, X_val, y_train, y_val = train_test_split(pictures, data.target, test_size=0.2, random_state=3)

pixel_mean = X_train.mean(axis=0)
pixel_std = X_train.std(axis=0) + 1e-3


def standardize(batch):
    return (batch - pixel_mean) / pixel_std


def rescale(batch):
    return batch / 255.0


class PictureGenerator(keras.utils.PyDataset):
    def __init__(self, x, y, preprocessing, batch_size=32):
        super().__init__()
        self.x, self.y = x, y
        self.preprocessing = preprocessing
        self.batch_size = batch_size

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx):
        s = slice(idx * self.batch_size, (idx + 1) * self.batch_size)
        return self.preprocessing(self.x[s]), self.y[s]


train_generator = PictureGenerator(X_train, y_train, standardize)
val_generator = PictureGenerator(X_val, y_val, rescale)

model = Sequential()
model.add(Input(shape=(8, 8, 1)))
model.add(Flatten())
model.add(Dense(64, activation="tanh"))
model.add(Dense(64, activation="tanh"))
model.add(Dense(10, activation="softmax"))
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["acc"])
model.fit(train_generator, validation_data=val_generator, epochs=12, verbose=2)

predictions = model.predict(val_generator, verbose=0)
score = float((predictions.argmax(axis=1) == y_val).mean())
print("validation accuracy", score)
