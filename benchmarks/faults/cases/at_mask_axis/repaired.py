import keras
import numpy as np
from keras import layers, ops

# logs of shared devices: the last 24 clicks, newest first; only the first `count` are this visitor's
rng = np.random.default_rng(0)
WINDOW, INTERESTS, PAGES = 24, 6, 15
n = 3500
COMMON = 40
START = COMMON + INTERESTS * PAGES


def clicks_of(interest, count):
    pages = rng.integers(0, COMMON, count)
    own = rng.random(count) < 0.6
    pages[own] = COMMON + interest * PAGES + rng.integers(0, PAGES, own.sum())
    return pages


clicks = np.zeros((n, WINDOW), "int32")
count = rng.integers(8, 14, n)
interest = rng.integers(0, INTERESTS, n)
for i in range(n):
    clicks[i, 0] = START
    clicks[i, 1:count[i]] = clicks_of(interest[i], count[i] - 1)
    clicks[i, count[i]:] = clicks_of(rng.integers(0, INTERESTS), WINDOW - count[i])
valid = np.arange(WINDOW)[None, :] < count[:, None]

train, test = slice(0, 2800), slice(2800, None)

# build model
clicks_in = keras.Input((WINDOW,), dtype="int32", name="clicks")
valid_in = keras.Input((WINDOW,), dtype="bool", name="valid")
h = layers.Embedding(START + 1, 32)(clicks_in)
mask = ops.expand_dims(valid_in, axis=1)      # (batch, window) -> 3 dimensions for the attention
a = layers.MultiHeadAttention(4, 8)(query=h, value=h, attention_mask=mask)
h = layers.LayerNormalization()(layers.add([h, a]))
f = layers.Dense(64, activation="gelu")(h)
f = layers.Dense(32)(f)
h = layers.LayerNormalization()(layers.add([h, f]))
first = h[:, 0, :]
out = layers.Dense(INTERESTS, activation="softmax")(first)
model = keras.Model([clicks_in, valid_in], out)

model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy", metrics=["acc"])
model.fit([clicks[train], valid[train]], interest[train], epochs=8, batch_size=32, validation_split=0.1, verbose=2)

p = model.predict([clicks[test], valid[test]], verbose=0)
score = float((p.argmax(-1) == interest[test]).mean())
print("share of right interests:", score)
