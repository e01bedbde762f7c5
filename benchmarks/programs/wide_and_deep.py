"""Tell who earns much from a table of numbers and words: crossed words are learned by heart, the rest by layers."""

import forms
import keras
import numpy as np
from keras import layers

BATCH, EPOCHS = 64, 12
NUMBERS = ("age", "hours")
WORDS = {
    "school": ("primary", "secondary", "trade", "college", "university"),
    "trade": ("farm", "office", "sales", "care", "repair", "science"),
    "region": ("north", "east", "south", "west"),
}
LEARNS = "val_accuracy", 0.5, 0.7
TRUTH = ()


def data():
    """Return columns of people, and whether each earns much."""
    rng = np.random.default_rng(0)
    numbers = {"age": rng.uniform(18, 70, 3200), "hours": rng.normal(38, 9, 3200)}
    chosen = {name: rng.integers(0, len(words), 3200) for name, words in WORDS.items()}
    pays = rng.normal(0, 1.2, (5, 6))[chosen["school"], chosen["trade"]]  # a school pays in some trades only
    pays += (numbers["hours"] - 38) / 9 - ((numbers["age"] - 48) / 15) ** 2 + 1
    columns = {name: column[:, None].astype("float32") for name, column in numbers.items()}
    columns |= {name: np.array(WORDS[name], "object")[column] for name, column in chosen.items()}
    return columns, (pays + rng.logistic(0, 0.5, len(pays)) > np.median(pays)).astype("float32")


def model():
    """Return the compiled network."""
    columns = data()[0]
    inputs = {name: keras.Input((1,), name=name) for name in NUMBERS}
    inputs |= {name: keras.Input((1,), name=name, dtype="string") for name in WORDS}
    deep = []
    for name in NUMBERS:
        scale = layers.Normalization()
        scale.adapt(columns[name])
        deep.append(scale(inputs[name]))
    for name, words in WORDS.items():
        number = layers.StringLookup(vocabulary=words)(inputs[name])
        deep.append(layers.Flatten()(layers.Embedding(len(words) + 1, 4)(number)))
    x = layers.Concatenate()(deep)
    for width in (32, 32):
        x = layers.BatchNormalization()(layers.Dense(width)(x))
        x = layers.Dropout(0.1)(layers.ReLU()(x))
    crossed = layers.HashedCrossing(64, output_mode="one_hot")((inputs["school"], inputs["trade"]))
    network = keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.Concatenate()([crossed, x])))
    network.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
    return network


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
