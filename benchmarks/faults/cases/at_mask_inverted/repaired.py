import keras
import numpy as np
from keras import layers, ops
from sklearn.model_selection import train_test_split

# messages as token numbers: 0 padding, 1 start, then ordinary words and words of 8 topics
rng = np.random.default_rng(0)
MAX_LEN, TOPICS, WORDS, PER_TOPIC = 20, 8, 60, 12
VOCAB = 2 + WORDS + TOPICS * PER_TOPIC
n = 3000
topic = rng.integers(0, TOPICS, n)
texts = np.zeros((n, MAX_LEN), dtype="int32")
texts[:, 0] = 1
for row, t in zip(texts, topic):
    length = rng.integers(7, MAX_LEN - 2)
    words = 2 + rng.integers(0, WORDS, length)
    special = rng.random(length) < 0.45
    words[special] = 2 + WORDS + t * PER_TOPIC + rng.integers(0, PER_TOPIC, special.sum())
    row[1:1 + length] = words
x_train, x_test, y_train, y_test = train_test_split(texts, topic, test_size=0.2, random_state=0)


class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, maxlen, vocab_size, embed_dim):
        super().__init__()
        self.token_emb = layers.Embedding(vocab_size, embed_dim)
        self.pos_emb = layers.Embedding(maxlen, embed_dim)
        self.maxlen = maxlen

    def call(self, x):
        return self.token_emb(x) + self.pos_emb(ops.arange(self.maxlen))


tokens = keras.Input((MAX_LEN,), dtype="int32")
mask = ops.expand_dims(ops.not_equal(tokens, 0), 1)
x = TokenAndPositionEmbedding(MAX_LEN, VOCAB, 32)(tokens)
attention = layers.MultiHeadAttention(num_heads=2, key_dim=16)(x, x, attention_mask=mask)
x = layers.LayerNormalization(epsilon=1e-6)(x + attention)
ffn = layers.Dense(64, activation="relu")(x)
ffn = layers.Dense(32)(ffn)
x = layers.LayerNormalization(epsilon=1e-6)(x + ffn)
outputs = layers.Dense(TOPICS, activation="softmax")(x[:, 0])
model = keras.Model(tokens, outputs)

model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=8, validation_split=0.1, verbose=2)

score = float(np.mean(model.predict(x_test, verbose=0).argmax(axis=1) == y_test))
print("test accuracy:", score)
