import numpy as np
import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
pixels = (digits.data * 255 / 16).astype("float32")[:, :, None]   # (n, 64 time steps, 1)
pixels = (pixels - pixels.mean()) / pixels.std()
x_train, x_test, y_train, y_test = train_test_split(pixels, digits.target, test_size=0.2, random_state=0)


def residual_block(x, filters, dilation):
    y = layers.Conv1D(filters, 4, dilation_rate=dilation, padding="causal", activation="tanh")(x)
    y = layers.SpatialDropout1D(0.05)(y)
    if x.shape[-1] != filters:
        x = layers.Conv1D(filters, 1)(x)
    return layers.add([x, y]), y


inp = layers.Input((64, 1))
x = inp
skips = []
for d in (1, 2, 4, 8):
    x, skip = residual_block(x, 20, d)
    skips.append(skip)
x = layers.add(skips)
x = layers.Activation("relu")(x)
x = layers.Lambda(lambda s: s[:, -1, :])(x)
out = layers.Dense(10, activation="softmax")(x)

model = keras.Model(inp, out)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.003), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=12, batch_size=32, verbose=2)

score = np.mean(model.predict(x_test, verbose=0).argmax(axis=1) == y_test)
print(score)
