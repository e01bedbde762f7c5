"""What one pass at the start tells of the output and of equal units, whatever gives them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from keras_ch8.monitors.model_end import end_of
from keras_ch8.monitors.start import facts_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 6)).astype("float32")
Y = RNG.integers(0, 3, 32)
SEQUENCES = RNG.normal(size=(32, 5, 6)).astype("float32")
WORDS = RNG.integers(0, 20, (32, 5))
EQUAL = keras.initializers.Constant(0.1)


def compiled(function, shape=(6,), loss="sparse_categorical_crossentropy"):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, function(inputs))
    model.compile("sgd", loss)
    return model


def output_of(function):
    return facts_of(compiled(function), (X, Y, None))[0].output


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "function, activation",
    [
        (lambda x: ops.softmax(layers.Dense(3)(x)), "softmax"),
        (lambda x: ops.relu(layers.Dense(3)(x)), "relu"),
        (lambda x: layers.Lambda(ops.sigmoid)(layers.Dense(3)(x)), "sigmoid"),
        (lambda x: layers.Reshape((3,))(layers.Dense(3)(x)), "linear"),
        (lambda x: layers.Reshape((3,))(layers.Dense(3, "softmax")(x)), "softmax"),
        (lambda x: ops.softmax(layers.Dense(3)(x), axis=0), ""),
        (lambda x: layers.Average()([layers.Dense(3, "softmax")(x), layers.Dense(3, "softmax")(x)]), ""),
        (lambda x: layers.Dropout(0.5)(layers.Dense(3, "softmax")(x)), ""),
    ],
)
def test_the_last_operation_tells_the_activation_behind_those_that_change_the_shape(function, activation):
    assert output_of(function).activation == activation


@pytest.mark.slow
def test_what_an_output_gives_tells_what_it_is():
    average = output_of(lambda x: layers.Average()([layers.Dense(3, "softmax")(x), layers.Dense(3, "softmax")(x)]))
    assert average.are_probabilities
    assert average.off < 1e-5
    assert not output_of(lambda x: layers.Average()([layers.Dense(3)(x), layers.Dense(3)(x)])).are_probabilities
    assert output_of(lambda x: ops.softmax(layers.Dense(3)(x), axis=0)).off > 0.2
    assert output_of(lambda x: layers.Dropout(0.5)(layers.Dense(3, "softmax")(x))).ends_with == "Dropout"


def test_of_a_subclassed_model_the_last_operation_is_not_known():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = layers.Dense(3)

        def call(self, x):
            return ops.softmax(self.last(x))

    model = Own()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model(X)
    output = facts_of(model, (X, Y, None))[0].output
    assert (output.ends_with, output.off < 1e-5) == ("", True)


def head(x, start="zeros"):
    return layers.Dense(3, kernel_initializer=start)(x)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "function, x, units",
    [
        (lambda x: head(layers.LSTM(4, kernel_initializer=EQUAL, recurrent_initializer=EQUAL)(x)), SEQUENCES, 4),
        (lambda x: head(layers.GRU(4, kernel_initializer=EQUAL, recurrent_initializer=EQUAL)(x)), SEQUENCES, 4),
        (lambda x: head(layers.GRU(4, kernel_initializer=EQUAL)(x)), SEQUENCES, 0),  # orthogonal weights part them
        (lambda x: head(layers.GRU(4)(x)), SEQUENCES, 0),
        (lambda x: head(layers.Flatten()(layers.Embedding(20, 4, "ones")(x))), WORDS, 4),
        (lambda x: head(layers.Flatten()(layers.Embedding(20, 4)(x))), WORDS, 0),
        (lambda x: head(layers.Dense(4, "tanh", kernel_initializer=EQUAL)(x), EQUAL), X, 4),
        (lambda x: head(layers.Dense(4, "tanh", kernel_initializer=EQUAL)(x), "glorot_uniform"), X, 0),
    ],
)
def test_units_of_any_layer_are_equal_by_all_of_its_matrices(function, x, units):
    model = compiled(function, x.shape[1:], keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    first = facts_of(model, (x, Y, None))[0].start.layers[0]
    assert first.copies == max(units - 1, 0)


class Gated(layers.Layer):
    """A layer of one's own, whose weights all start equal, or not."""

    def __init__(self, start, units=4):
        super().__init__()
        self.start, self.units = start, units

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), initializer=self.start)

    def call(self, x):
        return ops.silu(x @ self.w)


@pytest.mark.parametrize(
    "start, after, copies",
    [(EQUAL, EQUAL, 3), ("glorot_uniform", EQUAL, 0), (EQUAL, "glorot_uniform", 0), ("zeros", "glorot_uniform", 0)],
)
def test_units_of_a_layer_of_ones_own_are_equal_where_what_they_give_and_get_is(start, after, copies):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = compiled(lambda x: head(Gated(start)(x), after), X.shape[1:], loss)
    assert facts_of(model, (X, Y, None))[0].start.layers[0].copies == copies


@pytest.mark.slow
def test_the_units_of_both_ways_are_equal_where_those_of_each_are():
    own = layers.SimpleRNN(3, kernel_initializer=EQUAL, recurrent_initializer=EQUAL)
    model = compiled(
        lambda x: head(layers.Bidirectional(own)(x)),
        (5, 6),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    found = facts_of(model, (SEQUENCES, Y, None))[0].start.layers
    assert any(layer.copies == layer.units - 1 for layer in found if not layer.is_output)


@pytest.mark.parametrize(
    "last, limits",
    [
        (lambda x: ops.clip(x, -1, 2), (-1.0, 2.0)),
        (layers.ReLU(max_value=6), (0.0, 6.0)),
        (layers.UnitNormalization(), (-1.0, 1.0)),
    ],
)
def test_what_a_last_operation_without_a_known_activation_can_give(last, limits):
    output = output_of(lambda x: last(layers.Dense(3)(x)))
    assert (output.activation, output.range) == ("", limits)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "last, limits",
    [
        (layers.LSTM(2), (-1.0, 1.0)),
        (layers.GRU(2, "relu"), (0.0, np.inf)),
        (layers.GRU(2, "exponential"), (0.0, np.inf)),
        (layers.SimpleRNN(2), (-1.0, 1.0)),
        (layers.LSTM(2, "linear"), (-np.inf, np.inf)),
        (layers.LSTM(2, recurrent_activation="linear"), (np.nan, np.nan)),
        (layers.LSTM(2, ops.sin), (np.nan, np.nan)),
    ],
)
def test_what_a_recurrent_layer_can_give_follows_from_its_activations(last, limits):
    output = facts_of(compiled(last, (5, 6), "mse"), (SEQUENCES, X[:, :2], None))[0].output
    assert (output.activation, output.can_be_set) == ("", False)
    np.testing.assert_array_equal(output.range, limits)


def test_numbers_that_are_read_in_order_and_labels_in_runs_are_known():
    model = compiled(lambda x: layers.Dense(1)(x), loss="mse")
    rising = np.sort(X[:, :1], axis=0)
    assert [facts_of(model, (X, y, None))[0].order_read == 1 for y in (rising, -rising, X[:, :1])] == [1, 1, 0]
    model = compiled(lambda x: layers.Dense(2, "softmax")(x))
    blocks = np.arange(len(X)) // 20 % 2
    assert facts_of(model, (X, blocks, None))[0].runs_read == pytest.approx(20, rel=0.2)


def test_the_order_inside_a_batch_says_nothing():
    model = compiled(lambda x: layers.Dense(2, "softmax")(x))
    blocks = np.arange(len(X)) // 8 % 2  # each batch of 16 has both labels
    found = facts_of(model, (X, blocks, None), batch_size=16)[0]
    assert found.runs_read < 4
    assert found.leading_read < 8
    found = facts_of(model, (X, np.sort(Y) // 2, None), batch_size=16)[0]
    assert found.leading_read >= 16
    model = compiled(lambda x: layers.Dense(1)(x), loss="mse")
    rising = np.sort(X[:, :1], axis=0)
    orders = [facts_of(model, (X, rising, None), batch_size=size)[0].order_read for size in (16, len(X))]
    np.testing.assert_array_equal(orders, [1, np.nan])


def test_labels_in_the_order_in_which_they_are_read_are_known():
    model = compiled(lambda x: layers.Dense(3, "softmax")(x))
    orders = [facts_of(model, (X, labels, None))[0].order_read for labels in (np.sort(Y), Y)]
    assert orders[0] == 1
    assert orders[1] > 3


def test_a_layer_that_is_applied_to_each_time_step_has_the_activation_of_what_it_applies():
    each = layers.TimeDistributed(layers.Dense(3, "sigmoid"))
    model = compiled(lambda x: each(layers.LSTM(4, return_sequences=True)(x)), (5, 6))
    facts, failed = facts_of(model, (SEQUENCES, RNG.integers(0, 3, (32, 5, 1)), None))
    assert failed is None
    assert (facts.output.activation, facts.output.units) == ("sigmoid", 3)
    first, *others = facts.start.trained
    assert first.is_recurrent
    assert not any(layer.is_recurrent for layer in others)


def test_of_a_weighted_training_the_best_constant_is_that_of_what_is_trained_on():
    model = compiled(lambda x: layers.Dense(2)(x), loss="mse")
    y, weights = RNG.normal(size=(32, 2)).astype("float32"), np.linspace(0.1, 2, 32).astype("float32")
    alone = facts_of(model, (X, y, weights))[0].chance
    assert facts_of(model, (X, y, weights), probe=(X, y, weights))[0].chance == alone > 0
    assert np.isnan(facts_of(model, (X, y, weights), probe=(X, y, None))[0].chance)
    assert 0 < facts_of(model, (X, y, None), probe=(X, y, None))[0].chance != alone


class Projection(keras.layers.Layer):
    """A layer that keeps its kernel where Keras does not see it, or as Keras does."""

    def __init__(self, is_known):
        super().__init__()
        self.is_known = is_known

    def build(self, shape):
        size = (shape[-1], 8)
        self.kernel = self.add_weight(shape=size) if self.is_known else tf.Variable(tf.random.normal(size))

    def call(self, x):
        return keras.ops.tanh(keras.ops.matmul(x, self.kernel))


@pytest.mark.parametrize("is_known", [False, True])
def test_variables_that_the_model_reads_and_does_not_have_are_told(is_known):
    model = keras.Sequential([keras.Input((6,)), Projection(is_known), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    facts, failed = facts_of(model, (X, X[:, :1], None))
    assert failed is None
    assert facts.start.untracked == pytest.approx(0.0 if is_known else 48 / 57)


def test_a_frozen_layer_and_one_that_was_trained_before_are_no_such_variables():
    frozen = keras.layers.Dense(4, trainable=False)
    trained = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, bias_initializer="ones")])
    model = keras.Sequential(
        [keras.Input((6,)), frozen, keras.layers.Lambda(lambda x: trained(x)), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    assert facts_of(model, (X, X[:, :1], None))[0].start.untracked == 0.0


def test_a_softmax_whose_outputs_go_to_a_layer_with_weights_is_inside_and_a_gate_is_not():
    def ending(gated):
        x = keras.Input((8, 8, 1))
        hidden = keras.layers.Conv2D(8, 3, activation="softmax", name="shares")(x)
        hidden = keras.layers.Multiply()([hidden, keras.layers.Conv2D(8, 3)(x)]) if gated else hidden
        hidden = keras.layers.Flatten()(keras.layers.MaxPooling2D()(hidden))
        model = keras.Model(x, keras.layers.Dense(3, activation="softmax")(hidden))
        return end_of(model, 3)["shares_inside"]

    assert ending(False) == ("shares",)
    assert ending(True) == ()


@pytest.mark.parametrize("weights, heaviest", [(None, np.nan), ([1, 1], 0.75), ([1, 3], 0.5)])
def test_the_weight_of_the_class_with_the_most_is_that_of_its_examples(weights, heaviest):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    labels = (np.arange(len(X)) % 4 == 0).astype("float32")
    of_each = None if weights is None else np.where(labels, weights[1], weights[0]).astype("float32")
    assert facts_of(model, (X, labels, of_each))[0].heaviest == pytest.approx(heaviest, nan_ok=True)
