import math
import numpy as np
import keras
from keras.models import Sequential
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D

batch_size = 16
epochs = 10

# photos of minor, moderate and severe damage
rng = np.random.default_rng(0)
look = np.kron(rng.normal(size=(3, 6, 6, 3)), np.ones((1, 4, 4, 1)))
severity = rng.integers(0, 3, 480)
photos = []
for s in severity:
    photo = np.roll(look[s], rng.integers(-2, 3, 2), axis=(0, 1)) * rng.uniform(0.4, 1.0)
    photo = 128 + 35 * photo + rng.normal(0, 40, photo.shape) + rng.normal(0, 15)
    photos.append(np.clip(photo, 0, 255).astype("uint8"))
photos = np.array(photos)
targets = keras.utils.to_categorical(severity, 3)


class Photos(keras.utils.PyDataset):
    def __init__(self, pictures, targets, augment=False, **kwargs):
        super().__init__(**kwargs)
        self.pictures, self.targets, self.augment = pictures, targets, augment
        self.order = np.arange(len(pictures))

    def __len__(self):
        return math.ceil(len(self.pictures) / batch_size)

    def __getitem__(self, i):
        pick = self.order[i * batch_size:(i + 1) * batch_size]
        x = self.pictures[pick] / 255.0
        if self.augment:
            x = np.roll(x, np.random.randint(-1, 2), axis=2)
        return x, self.targets[pick]

    def on_epoch_end(self):
        if self.augment:
            np.random.shuffle(self.order)


train_generator = Photos(photos[:300], targets[:300], augment=True)
validation_generator = Photos(photos[300:360], targets[300:360])

model = Sequential()
model.add(Input((24, 24, 3)))
model.add(Conv2D(8, (3, 3)))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Conv2D(8, (3, 3)))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(64))
model.add(Activation('relu'))
model.add(Dropout(0.5))
model.add(Dense(3))
model.add(Activation('softmax'))

model.compile(loss='categorical_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
model.fit(train_generator, epochs=epochs, validation_data=validation_generator, verbose=2)

out = model.predict(photos[360:] / 255.0, verbose=0)
said = out.argmax(axis=1)
score = float(np.mean(said == severity[360:]))
print('accuracy on new photos', score)
