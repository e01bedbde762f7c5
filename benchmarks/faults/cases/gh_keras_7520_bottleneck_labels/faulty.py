import math
import numpy as np
import keras
from keras import layers
from sklearn.datasets import load_digits


class ImageLoader(keras.utils.PyDataset):
    """Gives batches of pictures, like flow_from_directory(class_mode=None)."""

    def __init__(self, images, labels, batch_size=32, shuffle=True, **kwargs):
        super().__init__(**kwargs)
        self.images = images
        self.classes = labels
        self.batch_size = batch_size
        self.index = np.arange(len(images))
        if shuffle:
            np.random.shuffle(self.index)

    def __len__(self):
        return math.ceil(len(self.index) / self.batch_size)

    def __getitem__(self, i):
        rows = self.index[i * self.batch_size:(i + 1) * self.batch_size]
        return self.images[rows]


digits = load_digits()
images = digits.images[..., None].astype("float32") / 16
labels = digits.target
train_images, train_labels = images[:1300], labels[:1300]
test_images, test_labels = images[1300:], labels[1300:]

# 1. a base network, trained before on another task (odd or even)
base = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(16, 3, activation="relu"),
    layers.Conv2D(32, 3, activation="relu"),
    layers.Flatten(),
])
pretrain = keras.Sequential([base, layers.Dense(1, activation="sigmoid")])
pretrain.compile("adam", "binary_crossentropy")
pretrain.fit(train_images, train_labels % 2, epochs=3, verbose=0)

# 2. save the bottleneck features
train_generator = ImageLoader(train_images, train_labels, shuffle=True)
bottleneck_train = base.predict(train_generator, verbose=0)
bottleneck_labels = keras.utils.to_categorical(train_generator.classes, num_classes=10)

test_generator = ImageLoader(test_images, test_labels, shuffle=False)
bottleneck_test = base.predict(test_generator, verbose=0)

# 3. train the top
top = keras.Sequential([
    keras.Input(bottleneck_train.shape[1:]),
    layers.Dense(64, activation="relu"),
    layers.Dropout(0.3),
    layers.Dense(10, activation="softmax"),
])
top.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
top.fit(bottleneck_train, bottleneck_labels, epochs=10, batch_size=32, verbose=2)

score = np.mean(top.predict(bottleneck_test, verbose=0).argmax(axis=1) == test_generator.classes)
print("score:", score)
