"""A model that keeps what it is given."""

import keras
import numpy as np


class Recorder(keras.Model):
    """Keeps every batch, and learns nothing."""

    def __init__(self):
        super().__init__()
        self.given, self.evaluated = [], []
        self.compile(run_eagerly=True)

    def call(self, x):
        return x

    def train_step(self, batch):
        self.given.append(keras.tree.map_structure(np.array, batch))
        return {"loss": 0.0}

    def test_step(self, batch):
        self.evaluated.append(keras.tree.map_structure(np.array, batch))
        return {"loss": 0.0}

    def fit(self, source, **kwargs):
        """Return the first feature of each example, batch by batch."""
        self.given = []
        super().fit(source, verbose=0, **kwargs)
        return [numbers(batch) for batch in self.given]


def numbers(batch):
    """Return the first feature of each example of a batch."""
    x = keras.tree.flatten(batch)[0]
    return x.reshape(len(x), -1)[:, 0].astype(int).tolist()
