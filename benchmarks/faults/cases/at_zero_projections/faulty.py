import keras
import numpy as np
from keras import layers
from sklearn.model_selection import train_test_split

# lines of a log file, as numbers of words; which of five parts of the system wrote them?
rng = np.random.default_rng(0)
n_lines, n_words, n_parts = 3000, 15, 5
part = rng.integers(0, n_parts, n_lines)
line = rng.integers(100, 160, (n_lines, n_words))
hint = rng.random((n_lines, n_words)) < 0.35
line[hint] = (1 + 15 * part[:, None] + rng.integers(0, 15, (n_lines, n_words)))[hint]
line = np.concatenate([np.full((n_lines, 1), 160), line], axis=1)   # a [CLS] word in front
X_train, X_test, y_train, y_test = train_test_split(line, part, test_size=0.2)

dim = 32
words = keras.Input((n_words + 1,), dtype="int32")
h = layers.Embedding(161, dim)(words)
for _ in range(2):
    a = layers.LayerNormalization()(h)
    a = layers.MultiHeadAttention(num_heads=4, key_dim=8, kernel_initializer="zeros")(a, a)
    h = layers.Add()([h, a])
    f = layers.LayerNormalization()(h)
    f = layers.Dense(64, activation="gelu")(f)
    f = layers.Dense(dim)(f)
    h = layers.Add()([h, f])
h = layers.LayerNormalization()(h)
parts = layers.Dense(n_parts, activation="softmax")(h[:, 0])

model = keras.Model(words, parts)
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=6, batch_size=32, validation_split=0.1, verbose=2)

score = float(np.mean(model.predict(X_test, verbose=0).argmax(1) == y_test))
print("accuracy of the parts:", score)
