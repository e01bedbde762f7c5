import keras
import numpy as np
from keras import layers, ops

# melodies: a motif of four notes is repeated, with some notes changed; 0 is padding
rng = np.random.default_rng(0)
n, length, notes = 2500, 16, 12
motif = rng.integers(1, notes + 1, (n, 4))
melody = np.tile(motif, (1, length // 4))
changed = rng.random(melody.shape) < 0.25
melody = np.where(changed, rng.integers(1, notes + 1, melody.shape), melody)
train, test = melody[:2200], melody[2200:]


class Notes(layers.Layer):
    """Embedding of the notes and of their places."""

    def __init__(self, dim):
        super().__init__()
        self.note = layers.Embedding(notes + 1, dim)
        self.place = layers.Embedding(length, dim)

    def call(self, x):
        return self.note(x) + self.place(ops.arange(length))


# model: predict the next note
d = 32
inputs = keras.Input((length,), dtype="int32")
x = Notes(d)(inputs)
att = layers.MultiHeadAttention(num_heads=2, key_dim=32)(x, x)
x = layers.LayerNormalization()(x + att)
ff = layers.Dense(64, activation="relu")(x)
ff = layers.Dense(d)(ff)
x = layers.LayerNormalization()(x + ff)
outputs = layers.Dense(notes + 1, activation="softmax")(x)
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])


def shifted(songs):
    before = np.concatenate([songs[:, :-1], np.zeros((len(songs), 1), int)], axis=1)
    after = np.concatenate([songs[:, 1:], np.zeros((len(songs), 1), int)], axis=1)
    return before, after


x_train, y_train = shifted(train)
model.fit(x_train, y_train, batch_size=32, epochs=12, verbose=2)

# play on from a given beginning
right = []
for known in range(8, 15):
    beginning = np.zeros((len(test), length), int)
    beginning[:, :known] = test[:, :known]
    next_note = model.predict(beginning, verbose=0)[:, known - 1].argmax(axis=1)
    right.append(next_note == test[:, known])
score = float(np.mean(right))
print("right next notes:", score)
