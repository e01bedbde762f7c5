import keras
import numpy as np
from keras import layers
from sklearn.model_selection import train_test_split

# "the NAME1 [adverb] VERB the NAME2 [adverb]": who did it?
rng = np.random.default_rng(0)
n, names, verbs, adverbs = 2500, 10, 8, 6
THE = 1
name1 = rng.integers(0, names, n)
name2 = (name1 + rng.integers(1, names, n)) % names
sentences = np.column_stack([
    np.full(n, THE),
    2 + name1,
    20 + rng.integers(0, adverbs, n),
    30 + rng.integers(0, verbs, n),
    np.full(n, THE),
    2 + name2,
    20 + rng.integers(0, adverbs, n),
])
length = sentences.shape[1]
x_train, x_test, y_train, y_test = train_test_split(sentences, name1, test_size=0.2, random_state=0)


class Embed(layers.Layer):
    def __init__(self, vocab, length, dim):
        super().__init__()
        self.words = layers.Embedding(vocab, dim)
        self.places = layers.Embedding(length, dim)
        self.range = keras.ops.arange(length)

    def call(self, ids):
        return self.words(ids) + self.places(self.range)


ids = keras.Input((length,), dtype="int32")
x = Embed(40, length, 32)(ids)
for _ in range(2):
    att = layers.MultiHeadAttention(num_heads=2, key_dim=16, dropout=0.1)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(x + att)
    ff = layers.Dense(32)(layers.Dense(64, activation="relu")(x))
    x = layers.LayerNormalization(epsilon=1e-6)(x + ff)
x = layers.GlobalAveragePooling1D()(x)
who = layers.Dense(names, activation="softmax")(x)

model = keras.Model(ids, who)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=10, validation_split=0.1, verbose=2)

score = float(np.mean(model.predict(x_test, verbose=0).argmax(1) == y_test))
print("accuracy:", score)
