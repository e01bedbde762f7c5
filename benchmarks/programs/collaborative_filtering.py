"""Guess how somebody rates a film from what others rate: a vector and a bias for each viewer and each film."""

import forms
import keras
import numpy as np
from keras import layers, ops

BATCH, EPOCHS, VIEWERS, FILMS = 64, 8, 120, 80
LEARNS = "val_loss", 0.693, 0.55  # the mean rating for all
TRUTH = ()


def data():
    """Return pairs of viewer and film, and the rating of each, from 0 to 1 in steps of a tenth."""
    rng = np.random.default_rng(0)
    tastes, kinds = rng.normal(size=(VIEWERS, 3)), rng.normal(size=(FILMS, 3))
    kindness, quality = rng.normal(0, 0.7, VIEWERS), rng.normal(0, 1, FILMS)
    pairs = rng.permutation(VIEWERS * FILMS)[:8000]
    viewers, films = pairs // FILMS, pairs % FILMS
    likes = np.sum(tastes[viewers] * kinds[films], axis=1) + kindness[viewers] + quality[films]
    ratings = np.round(1 / (1 + np.exp(-likes - rng.normal(0, 0.3, len(likes)))), 1)
    return np.stack([viewers, films], axis=1).astype("int32"), ratings.astype("float32")


class Recommender(keras.Model):
    """A viewer likes a film whose vector is like the own."""

    def __init__(self, width=8):
        super().__init__()
        penalty = keras.regularizers.L2(1e-6)
        self.viewer, self.film = (
            layers.Embedding(count, width, "he_normal", embeddings_regularizer=penalty) for count in (VIEWERS, FILMS)
        )
        self.viewer_bias, self.film_bias = layers.Embedding(VIEWERS, 1), layers.Embedding(FILMS, 1)

    def call(self, inputs):
        """Return the ratings of pairs."""
        viewers, films = inputs[:, 0], inputs[:, 1]
        likeness = ops.sum(self.viewer(viewers) * self.film(films), axis=1, keepdims=True)
        return ops.sigmoid(likeness + self.viewer_bias(viewers) + self.film_bias(films))


def model():
    """Return the compiled recommender."""
    recommender = Recommender()
    recommender.compile(keras.optimizers.Adam(1e-2), keras.losses.BinaryCrossentropy())
    return recommender


def train(model, data, callbacks=()):
    """Train."""
    return model.fit(**data, epochs=EPOCHS, callbacks=[*callbacks])


if __name__ == "__main__":
    train(model(), forms.arrays(data(), BATCH))
