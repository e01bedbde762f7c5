import numpy as np
import keras
from keras import layers

VOCAB, MAXLEN, DIM = 60, 20, 24


class EncoderBlock(layers.Layer):
    def __init__(self, dim, heads, ff_dim, rate=0.1):
        super().__init__()
        self.att = layers.MultiHeadAttention(num_heads=heads, key_dim=dim // heads)
        self.ff1 = layers.Dense(ff_dim, activation="gelu")
        self.ff2 = layers.Dense(dim)
        self.norm1 = layers.LayerNormalization()
        self.norm2 = layers.LayerNormalization()
        self.drop1 = layers.Dropout(rate)
        self.drop2 = layers.Dropout(rate)

    def call(self, x, training=None):
        x = self.norm1(x + self.drop1(self.att(x, x), training=training))
        return self.norm2(x + self.drop2(self.ff2(self.ff1(x)), training=training))


class TinyBert(keras.Model):
    def __init__(self):
        super().__init__()
        self.tokens = layers.Embedding(VOCAB, DIM)
        self.positions = layers.Embedding(MAXLEN, DIM)
        self.block1 = EncoderBlock(DIM, 2, 48)
        self.block2 = EncoderBlock(DIM, 2, 48)
        self.pooler = layers.Dense(DIM, activation="tanh")
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, ids, training=None):
        x = self.tokens(ids) + self.positions(keras.ops.arange(MAXLEN))
        x = self.block1(x, training=training)
        x = self.block2(x, training=training)
        return self.out(self.pooler(x[:, 0]))


# "reviews": tokens 10-19 are friendly, 20-29 unfriendly, the rest says nothing; token 1 is [CLS]
rng = np.random.default_rng(0)
n = 1200
labels = rng.integers(0, 2, n)
ids = rng.integers(30, VOCAB, (n, MAXLEN))
for i in range(n):
    where = rng.choice(np.arange(1, MAXLEN), size=4, replace=False)
    ids[i, where] = rng.integers(10, 20, 4) + 10 * labels[i]
ids[:, 0] = 1
x_train, y_train, x_test, y_test = ids[:900], labels[:900], ids[900:], labels[900:]

model = TinyBert()
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(learning_rate=0.1), metrics=["accuracy"])
model.fit(x_train, y_train, validation_split=0.1, epochs=6, batch_size=32, verbose=2)

pred = model.predict(x_test, verbose=0)
score = np.mean((pred[:, 0] > 0.5) == y_test)
print("test accuracy:", score)
