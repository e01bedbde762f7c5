import numpy as np
import keras
from keras import layers

SIZE = 24
BN_MOMENTUM = 0.9


def sample_pictures(n, rng):
    yy, xx = np.mgrid[:SIZE, :SIZE]
    x = np.empty((n, SIZE, SIZE, 1), "float32")
    y = np.empty((n, SIZE, SIZE, 1), "float32")
    for i in range(n):
        cy, cx = rng.uniform(7, SIZE - 7, 2)
        a, b = rng.uniform(4, 8, 2)
        cell = ((yy - cy) / a) ** 2 + ((xx - cx) / b) ** 2 < 1
        y[i, ..., 0] = cell
        x[i, ..., 0] = 0.45 + 0.12 * cell + 0.08 * rng.normal(size=cell.shape)
    return x, y


rng = np.random.default_rng(0)
x_train, y_train = sample_pictures(96, rng)
x_val, y_val = sample_pictures(48, rng)


def conv_block(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=BN_MOMENTUM)(x)
    return layers.Activation("relu")(x)


inputs = keras.Input((SIZE, SIZE, 1))
down = conv_block(inputs, 8)
bottom = layers.MaxPooling2D()(down)
bottom = conv_block(bottom, 16)
up = layers.UpSampling2D()(bottom)
up = layers.Concatenate()([up, down])
up = conv_block(up, 8)
outputs = layers.Conv2D(1, 1, activation="sigmoid")(up)
unet = keras.Model(inputs, outputs)

unet.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["binary_accuracy"])
unet.fit(x_train, y_train, batch_size=16, epochs=8, validation_data=(x_val, y_val), verbose=2)

score = np.mean((unet.predict(x_val, verbose=0) > 0.5) == (y_val > 0.5))
print("pixel accuracy:", score)
