"""Trainings of models of KerasRS, which recommend."""

import keras
import keras_hub
import keras_rs
import numpy as np
from parts import Parts, adam

USERS, ITEMS = 60, 80


def likes():
    """Return how much each user likes each item."""
    rng = np.random.default_rng(7)
    return rng.normal(size=(USERS, 3)) @ rng.normal(size=(3, ITEMS))


def clicks(count):
    """Return what is known of a user and an item, and whether the one has clicked on the other."""
    rng = np.random.default_rng(8)
    user, item = rng.integers(0, USERS, count), rng.integers(0, ITEMS, count)
    moment = rng.uniform(-1, 1, (count, 2)).astype("float32")
    clicked = rng.random(count) < 1 / (1 + np.exp(-2 * likes()[user, item] - 2 * moment[:, 0]))
    return {"user": user, "item": item, "moment": moment}, clicked.astype("float32")


def known():
    """Return the inputs of a model that predicts clicks, and what each is embedded in."""
    inputs = {
        "user": keras.Input((), dtype="int32"),
        "item": keras.Input((), dtype="int32"),
        "moment": keras.Input((2,)),
    }
    user, item = (
        keras.layers.Embedding(count, 8)(inputs[name]) for name, count in {"user": USERS, "item": ITEMS}.items()
    )
    return inputs, [user, item, keras.layers.Dense(8, "relu")(inputs["moment"])]


def clicker(model):
    """Return the parts of a training in which a model predicts clicks."""
    compiled = {"loss": keras.losses.BinaryCrossentropy(), "metrics": [keras.metrics.AUC()]}
    return Parts(model, clicks(20000), compiled, adam(5e-3), 5, 128)


def dlrm():
    """A DLRM predicts clicks, from products of embeddings."""

    def model():
        inputs, parts = known()
        x = keras.layers.Concatenate()([keras_rs.layers.DotInteraction()(parts), parts[-1]])
        x = keras.layers.Dense(16, "relu")(x)
        return keras.Model(inputs, keras.layers.Dense(1, "sigmoid", dtype="float32")(x))

    return clicker(model)


def cross():
    """A deep and cross network predicts clicks."""

    def model():
        inputs, parts = known()
        first = keras.layers.Concatenate()(parts)
        x = keras_rs.layers.FeatureCross()(first, first)
        x = keras_rs.layers.FeatureCross()(first, x)
        x = keras.layers.Dense(16, "relu")(x)
        return keras.Model(inputs, keras.layers.Dense(1, "sigmoid", dtype="float32")(x))

    return clicker(model)


class Towers(keras.Model):
    """Two towers, of users and of items; each user's item is to be told from those of the others in the batch."""

    def __init__(self):
        super().__init__()
        self.users, self.items = keras.layers.Embedding(USERS, 16), keras.layers.Embedding(ITEMS, 16)
        self.hits = keras_rs.layers.RemoveAccidentalHits()
        self.best = keras_rs.layers.BruteForceRetrieval(k=5, return_scores=False)

    def build(self, input_shape):
        """Build both towers, and the layer that finds the best items."""
        self.users.build(None)
        self.items.build(None)
        self.best.candidate_embeddings = self.items.embeddings
        self.best.build(input_shape)
        self.built = True

    def call(self, inputs, training=False):
        """Return both embeddings, and the best items for each user where nothing is trained."""
        user, item = self.users(inputs["user"]), self.items(inputs["item"])
        told = {"user": user, "item": item}
        return told if training else told | {"best": self.best(user)}

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        """Return how badly users' own items are told from others."""
        scores = keras.ops.matmul(y_pred["user"], keras.ops.transpose(y_pred["item"]))
        own = keras.ops.eye(keras.ops.shape(scores)[0])
        return super().compute_loss(x, own, self.hits(scores, own, x["item"]), sample_weight, training)


def retrieval():
    """Two towers learn which items a user takes."""
    rng = np.random.default_rng(9)
    user, item = rng.integers(0, USERS, 40000), rng.integers(0, ITEMS, 40000)
    taken = likes()[user, item] > 2
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return Parts(Towers, ({"user": user[taken], "item": item[taken]},), {"loss": loss}, adam(3e-3), 8, 64)


def lists():
    """A model ranks the items of a list for a user."""
    rng = np.random.default_rng(10)
    listed = {"user": rng.integers(0, USERS, (1500, 1)), "item": rng.integers(0, ITEMS, (1500, 8))}
    relevance = np.digitize(likes()[listed["user"], listed["item"]], [-1, 0.5, 2]).astype("float32")

    def model():
        inputs = {"user": keras.Input((1,), dtype="int32"), "item": keras.Input((8,), dtype="int32")}
        user = keras.layers.Embedding(USERS, 8)(inputs["user"])
        item = keras.layers.Embedding(ITEMS, 8)(inputs["item"])
        return keras.Model(inputs, keras.ops.sum(user * item, -1))

    compiled = {"loss": keras_rs.losses.PairwiseLogisticLoss(), "metrics": [keras_rs.metrics.NDCG()]}
    return Parts(model, (listed, relevance), compiled, adam(5e-3), 8)


def journeys(count, length=12):
    """Return the items that users look at, one after the other, and each next one."""
    rng = np.random.default_rng(10)
    follows = rng.integers(1, ITEMS, (ITEMS, 3))
    seen = np.zeros((count, length + 1), "int32")
    seen[:, 0] = rng.integers(1, ITEMS, count)
    for place in range(1, length + 1):
        after = follows[seen[:, place - 1], rng.choice(3, count, p=[0.7, 0.2, 0.1])]
        seen[:, place] = np.where(rng.random(count) < 0.9, after, rng.integers(1, ITEMS, count))
    return seen[:, :-1], seen[:, 1:]


def next_item(between):
    """Return the parts of a training in which the next item is told by layers between embeddings."""

    def model():
        seen = keras.Input((None,), dtype="int32")
        table = keras_hub.layers.ReversibleEmbedding(ITEMS, 32, embeddings_initializer="glorot_uniform")
        return keras.Model(seen, table(between(table(seen)), reverse=True))

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metrics = [keras.metrics.SparseTopKCategoricalAccuracy(5)]
    return Parts(model, journeys(1600), {"loss": loss, "metrics": metrics}, adam(5e-3), 8)


def gru():
    """A GRU says which item is looked at next."""
    return next_item(lambda x: keras.layers.GRU(32, return_sequences=True)(x))


def sas_rec():
    """A SASRec says which item is looked at next."""

    def between(x):
        x = x + keras_hub.layers.PositionEmbedding(12)(x)
        return keras_hub.layers.TransformerDecoder(64, 2, dropout=0.1)(x)

    return next_item(between)


TRAININGS = {
    dlrm: "mixed_float16",
    cross: "jit",
    retrieval: "spe8",
    lists: "tfdata",
    gru: "mixed_bfloat16",
    sas_rec: "accumulate",
}
"""Each training, and the mode in which it is run beside float32."""
