"""Models of which a step does not do what most do: each gives a compiled model, its data and the arguments of `fit`."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from keras_ch8 import optimizers as ours

N = 24
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(N, 6)).astype("float32"), RNG.normal(size=(N, 1)).astype("float32")
WORDS = RNG.integers(0, 20, size=(N, 5))
FOREIGN, OWN = keras.optimizers.Adam, ours.Adam
EPOCHS = 3


def _dense(units=1, **options):
    return layers.Dense(units, **options)


def _functional(outputs_of, optimizer, loss="mse", x=X, y=Y, **options):
    inputs = keras.Input(x.shape[1:], dtype=x.dtype)
    model = keras.Model(inputs, outputs_of(inputs))
    model.compile(optimizer, loss, **options)
    return model, x, y, {}


def unused_head(make):
    def outputs(inputs):
        hidden = _dense(16, activation="relu")(inputs)
        return {"used": _dense(name="used")(hidden), "free": _dense(40, name="free")(hidden)}

    return _functional(outputs, make(), {"used": "mse"}, y={"used": Y})


def rounded(make):
    return _functional(lambda x: _dense()(ops.round(3 * _dense(50)(x))), make())


def embedding_used_twice(make):
    table = layers.Embedding(20, 4)
    return _functional(
        lambda x: _dense()(layers.Flatten()(layers.Concatenate()([table(x), table(19 - x)]))), make(), x=WORDS
    )


class Spare(keras.Model):
    """Has weights that are never used, one without entries and a scalar."""

    def __init__(self, unused=(30, 40), scalar=True):
        super().__init__()
        self.dense = _dense()
        self.unused = self.add_weight(shape=unused, name="unused")
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale") if scalar else 1.0

    def call(self, x):
        return self.scale * self.dense(x)


def unused_weights(make):
    model = Spare()
    model.compile(make(), "mse")
    return model, X, Y, {}


class Empty(Spare):
    """Its loss depends on a variable without entries too."""

    def call(self, x):
        return super().call(x) + ops.sum(self.unused)


def variable_without_entries(make):
    model = Empty((0, 4), scalar=False)
    model.compile(make(), "mse")
    return model, X, Y, {}


class Nothing(keras.Model):
    """All that it trains has no entries."""

    def __init__(self):
        super().__init__()
        self.empty = self.add_weight(shape=(0,), name="empty")

    def call(self, x):
        return x[:, :1] + ops.sum(self.empty)


def no_entries_at_all(make):
    model = Nothing()
    model.compile(make(), "mse")
    return model, X, Y, {}


class TwoOptimizers(keras.Model):
    """Each of its variables is moved by two optimizers in each step, the first of which knows all."""

    def __init__(self, second):
        super().__init__()
        self.first, self.last, self.second = _dense(5), _dense(), second

    def call(self, x):
        return self.last(self.first(x))

    def train_step(self, data):
        x, y = data
        for optimizer, moved in (
            (self.optimizer, self.trainable_variables),
            (self.second, self.last.trainable_variables),
        ):
            with tf.GradientTape() as tape:
                loss = ops.mean(ops.square(self(x) - y))
            optimizer.apply(tape.gradient(loss, moved), moved)
        return {"loss": loss}


def variable_in_two_optimizers(make):
    model = TwoOptimizers(make())
    model.compile(make(), "mse")
    model(X[:1])
    model.second.build(model.last.trainable_variables)
    return model, X, Y, {}


class OtherEachTime(keras.Model):
    """Which of its weights have a gradient is another set for each batch: the eager step asks the data."""

    def __init__(self):
        super().__init__()
        self.parts = [_dense(units) for units in (3, 40, 9)]
        self.last = _dense()

    def call(self, x):
        parts = [part(x) for part in self.parts]
        chosen = parts[: 1 + int(abs(100 * float(x[0, 0]))) % 3]
        return self.last(sum(ops.mean(part, axis=1, keepdims=True) for part in chosen))


def other_weights_at_each_step(make):
    model = OtherEachTime()
    model.compile(make(), "mse", run_eagerly=True)
    return model, X, Y, {}


def accumulation(make):
    model, x, y, options = unused_head(lambda: make(gradient_accumulation_steps=2))
    return model, x, y, options


def mixed(make):
    def outputs(inputs):
        hidden = _dense(16, dtype="mixed_float16")(inputs)
        free = _dense(40, name="free", dtype="mixed_float16")(hidden)
        return {"used": _dense(name="used", dtype="float32")(hidden), "free": free}

    return _functional(outputs, keras.optimizers.LossScaleOptimizer(make()), {"used": "mse"}, y={"used": Y})


def float16(make):
    def outputs(inputs):
        hidden = _dense(16, dtype="float16")(inputs)
        return {"used": _dense(name="used", dtype="float16")(hidden), "free": _dense(40, name="free")(hidden)}

    return _functional(outputs, make(), {"used": "mse"}, y={"used": Y})


def loss_for_each_example(make):
    class Unreduced(keras.Model):
        """Scales a loss that has an entry for each example."""

        def __init__(self):
            super().__init__()
            self.dense = _dense()

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.optimizer.scale_loss(ops.square(self(x) - y)[:, 0])
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": ops.mean(loss)}

    model = Unreduced()
    model.compile(make(), "mse")
    return model, X, Y, {}


MODELS = [
    unused_head, rounded, embedding_used_twice, unused_weights, variable_without_entries, no_entries_at_all,
    variable_in_two_optimizers, other_weights_at_each_step, accumulation, mixed, float16,
    loss_for_each_example,
]  # fmt: skip
