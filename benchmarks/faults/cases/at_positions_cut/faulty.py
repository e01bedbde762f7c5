import keras
import numpy as np
from keras import layers, ops

# transactions: sender comes before receiver, both somewhere in a fixed form of 18 fields
rng = np.random.default_rng(0)
n, fields, parties = 2500, 18, 8
forms = rng.integers(10, 60, (n, fields))
sender = rng.integers(0, parties, n)
receiver = (sender + rng.integers(1, parties, n)) % parties
forms[:, 11] = 1 + sender
forms[:, 15] = 1 + receiver

x_train, x_test = forms[:2000], forms[2000:]
y_train, y_test = sender[:2000], sender[2000:]

MAX_POSITION = 8


class PositionEmbedding(layers.Layer):
    def __init__(self, dim, **kwargs):
        super().__init__(**kwargs)
        self.table = layers.Embedding(MAX_POSITION, dim)

    def call(self, x):
        positions = ops.minimum(ops.arange(ops.shape(x)[1]), MAX_POSITION - 1)
        return x + self.table(positions)


inputs = keras.Input((fields,), dtype="int32")
x = layers.Embedding(60, 32)(inputs)
x = PositionEmbedding(32)(x)
x = layers.LayerNormalization()(x)
a = layers.MultiHeadAttention(4, 8)(x, x)
x = layers.LayerNormalization()(x + a)
f = layers.Dense(64, activation="relu")(x)
f = layers.Dense(32)(f)
x = layers.LayerNormalization()(x + f)
x = layers.GlobalAveragePooling1D()(x)
outputs = layers.Dense(parties, activation="softmax")(x)

model = keras.Model(inputs, outputs)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=12, batch_size=32, validation_data=(x_test, y_test), verbose=2)

score = float(np.mean(model.predict(x_test, verbose=0).argmax(axis=1) == y_test))
print("sender found:", score)
