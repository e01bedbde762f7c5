import numpy as np
import tensorflow as tf
import keras
from keras import layers

# short commands to a robot; intents 0..5
rng = np.random.default_rng(0)
n, length, n_intents = 2800, 12, 6
verbs = 2 + np.arange(n_intents * 8).reshape(n_intents, 8)       # words that go with an intent
others = 2 + n_intents * 8 + np.arange(70)
y = rng.integers(0, n_intents, n)
x = rng.choice(others, (n, length))
for i in range(n):
    places = rng.choice(np.arange(1, length), 3, replace=False)
    x[i, places] = rng.choice(verbs[y[i]], 3)
x[:, 0] = 1                                                      # [CLS]
vocab = 2 + n_intents * 8 + 70

x_train, y_train, x_test, y_test = x[:2240], y[:2240], x[2240:], y[2240:]
train = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(2240).batch(32)
test = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(64)


class Encoder(layers.Layer):
    def __init__(self, dim, heads, ff, dropout=0.1):
        super().__init__()
        self.att = layers.MultiHeadAttention(heads, dim // heads)
        self.norm1 = layers.LayerNormalization(epsilon=1e-6)
        self.norm2 = layers.LayerNormalization(epsilon=1e-6)
        self.ffn = keras.Sequential([layers.Dense(ff, activation="relu"), layers.Dense(dim)])
        self.drop1 = layers.Dropout(dropout)
        self.drop2 = layers.Dropout(dropout)

    def call(self, x, training=None):
        att = self.att(x, x)
        x = self.norm1(x + self.drop1(att, training=training))
        return self.norm2(x + self.drop2(self.ffn(x), training=training))


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.tokens = layers.Embedding(vocab, 32)
        self.positions = layers.Embedding(length, 32)
        self.encoder = Encoder(32, 2, 64)
        self.head = layers.Dense(n_intents, activation="softmax")

    def call(self, x, training=None):
        h = self.tokens(x) + self.positions(tf.range(length))
        h = self.encoder(h, training=training)
        return self.head(h[:, 0])


model = Classifier()
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train, epochs=10, validation_data=test, verbose=2)

score = float(np.mean(np.argmax(model.predict(test, verbose=0), axis=1) == y_test))
print("accuracy", score)
