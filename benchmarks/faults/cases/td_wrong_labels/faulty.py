import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(
    digits.images[..., np.newaxis] / 16, digits.target, test_size=0.2, random_state=11)


class DigitLoader(keras.utils.PyDataset):
    """Batches of digits, in a new order for every epoch."""

    def __init__(self, features, targets, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.features = features
        self.targets = targets
        self.batch_size = batch_size
        self.shuffle()

    def shuffle(self):
        order = np.random.permutation(len(self.features))
        self.features = self.features[order]

    def on_epoch_end(self):
        self.shuffle()

    def __len__(self):
        return int(np.ceil(len(self.features) / self.batch_size))

    def __getitem__(self, idx):
        low = idx * self.batch_size
        high = min(low + self.batch_size, len(self.features))
        return self.features[low:high], self.targets[low:high]


loader = DigitLoader(x_train, y_train, batch_size=32)

model = keras.Sequential()
model.add(keras.Input((8, 8, 1)))
model.add(layers.Conv2D(16, 5, padding="same", activation="relu", kernel_initializer="he_normal"))
model.add(layers.MaxPooling2D())
model.add(layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal"))
model.add(layers.MaxPooling2D())
model.add(layers.Flatten())
model.add(layers.Dense(128, activation="relu", kernel_initializer="he_normal"))
model.add(layers.Dense(10, activation="softmax"))
model.compile(optimizer=keras.optimizers.SGD(0.1),
              loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(loader, epochs=10, verbose=2)

guess = model.predict(x_test, verbose=0).argmax(axis=-1)
score = float(np.mean(guess == y_test))
print("test accuracy", score)
