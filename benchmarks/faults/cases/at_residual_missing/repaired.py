import numpy as np
import keras
from keras import layers
from sklearn.model_selection import train_test_split

# sentences "det NAME1 adv VERB det NAME2 adv end": the doer is asked for
rng = np.random.default_rng(0)
n, n_names = 2200, 8
first = rng.integers(0, n_names, n)
second = (first + rng.integers(1, n_names, n)) % n_names
text = np.stack([
    rng.integers(1, 4, n), 4 + first, rng.integers(20, 26, n), rng.integers(26, 34, n),
    rng.integers(1, 4, n), 4 + second, rng.integers(20, 26, n), np.full(n, 34)], axis=1)
x_train, x_test, y_train, y_test = train_test_split(text, first, test_size=0.2, random_state=6)


class Block(layers.Layer):
    def __init__(self, dim, heads):
        super().__init__()
        self.attention = layers.MultiHeadAttention(heads, dim // heads)
        self.up = layers.Dense(2 * dim, activation="relu")
        self.down = layers.Dense(dim)
        self.norm_a = layers.LayerNormalization()
        self.norm_f = layers.LayerNormalization()

    def call(self, x):
        x = self.norm_a(x + self.attention(x, x))
        x = self.norm_f(x + self.down(self.up(x)))
        return x


class Encoder(keras.Model):
    def __init__(self, depth=4, dim=32):
        super().__init__()
        self.words = layers.Embedding(35, dim)
        self.places = layers.Embedding(8, dim)
        self.blocks = [Block(dim, 2) for _ in range(depth)]
        self.pool = layers.GlobalAveragePooling1D()
        self.classify = layers.Dense(n_names, activation="softmax")

    def call(self, ids):
        x = self.words(ids) + self.places(keras.ops.arange(8))
        for block in self.blocks:
            x = block(x)
        return self.classify(self.pool(x))


model = Encoder()
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=10, validation_split=0.1, verbose=2)

score = float(np.mean(model.predict(x_test, verbose=0).argmax(-1) == y_test))
print("test accuracy:", score)
