import numpy as np
import keras
from keras import layers

# token numbers of short news texts, two topics with overlapping vocabulary
rng = np.random.default_rng(0)
vocab_size, length = 200, 30
p0 = rng.dirichlet(np.full(vocab_size, 0.6))
p1 = 0.72 * p0 + 0.28 * rng.dirichlet(np.full(vocab_size, 0.6))
topic = rng.integers(0, 2, size=1500)
tokens = np.array([rng.choice(vocab_size, size=length, p=p1 if t else p0) for t in topic])
x_train, y_train = tokens[:1200], topic[:1200]
x_test, y_test = tokens[1200:], topic[1200:]


class TextClassifier(keras.Model):
    """Embedding, convolution, pooling and a head that gives a logit."""

    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(vocab_size, 32)
        self.conv = layers.Conv1D(32, 3, activation="relu")
        self.pool = layers.GlobalMaxPooling1D()
        self.dropout = layers.Dropout(0.2)
        self.head = layers.Dense(1, name="logits")

    def call(self, x, training=None):
        x = self.pool(self.conv(self.embedding(x)))
        return self.head(self.dropout(x, training=training))


classifier = TextClassifier()
classifier.compile(
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    optimizer=keras.optimizers.Adam(1e-3),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
)
classifier.fit(x_train, y_train, batch_size=32, epochs=8, validation_data=(x_test, y_test), verbose=2)

logits = classifier.predict(x_test, verbose=0)[:, 0]
score = np.mean((logits > 0) == (y_test == 1))
print("accuracy:", score)
