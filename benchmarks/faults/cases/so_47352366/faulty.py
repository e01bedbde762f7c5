import numpy as np
from sklearn.datasets import load_digits
from keras.models import Sequential
from keras.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from keras.initializers import Constant
from keras.utils import to_categorical

digits = load_digits()
mix = np.random.default_rng(0).permutation(len(digits.target))
images = digits.images[mix].repeat(2, axis=1).repeat(2, axis=2)[..., None] / 16.0
labels = digits.target[mix]
train_images, test_images = images[:1200], images[1200:]
train_labels, test_labels = to_categorical(labels[:1200], 10), labels[1200:]


def next_batch(size=50):
    while True:
        order = np.random.permutation(len(train_images))
        for at in range(0, len(order), size):
            pick = order[at:at + size]
            yield train_images[pick], train_labels[pick]


model = Sequential()
model.add(Input((16, 16, 1)))
model.add(Conv2D(8, (5, 5), padding='same', activation='relu', bias_initializer=Constant(0.1)))
model.add(MaxPooling2D((2, 2)))
model.add(Conv2D(16, (5, 5), padding='same', activation='relu', bias_initializer=Constant(0.1)))
model.add(MaxPooling2D((2, 2)))
model.add(Flatten())
model.add(Dense(128, activation='relu', bias_initializer=Constant(0.1)))
model.add(Dropout(0.5))
model.add(Dense(10, activation='relu'))

model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])
model.fit(next_batch(), steps_per_epoch=24, epochs=8, verbose=2)

answers = np.argmax(model.predict(test_images, verbose=0), axis=1)
score = np.mean(answers == test_labels)
print('test accuracy %g' % score)
