"""What makes up a block, and what is refused with the fix."""

import keras
import numpy as np
import pytest

from keras_ch8 import optimizers as ours
from tests.optimizers.algorithms import step


def network():
    layers = [keras.layers.Dense(2, name=name) for name in ("first", "second", "third")]
    return keras.Sequential([keras.Input((3,)), *layers])


def built(model, blocks, **options):
    optimizer = ours.BlockCoordinateDescent(ours.SGD(), blocks, **options)
    optimizer.build(model.trainable_variables)
    return optimizer


def split_of(optimizer):
    return [[v.path.partition("/")[2] for v in inner.known_variables] for inner in optimizer.inners]


def test_patterns_places_variables_layers_and_lists_of_them_say_the_same():
    model = network()
    first, second, third = model.layers
    expected = [["first/kernel", "first/bias"], ["second/kernel", "second/bias", "third/kernel", "third/bias"]]
    for blocks in (
        ["first", "second|third"],
        ["/first/", ["second", "third"]],
        [first, [second, third]],
        [model.layers[:1], model.layers[1:]],
        [first.trainable_variables, [second, third.kernel, r"third/b\w+$"]],
        ["first", ".*"],
        [[0, 1], [2, "third", 3]],
    ):
        assert split_of(built(model, blocks)) == expected
    assert split_of(built(model, ["kernel", "bias"])) == [[f"{n}/{w}" for n in ("first", "second", "third")]
                                                          for w in ("kernel", "bias")]  # fmt: skip


def test_once_built_it_knows_its_blocks_by_place():
    optimizer = ours.BlockCoordinateDescent(ours.SGD(), ["bias", ".*"])
    assert optimizer.get_config()["blocks"] == [["bias"], [".*"]]
    optimizer.build(network().trainable_variables)
    assert optimizer.get_config()["blocks"] == [[1, 3, 5], [0, 2, 4]]
    again = ours.BlockCoordinateDescent.from_config(optimizer.get_config())
    again.build(network().trainable_variables)
    assert split_of(again) == split_of(optimizer)


def test_a_variable_is_not_taken_for_another_with_a_longer_name():
    x, x_1 = keras.Variable(0.0, name="x"), keras.Variable(0.0, name="x_1")
    optimizer = ours.BlockCoordinateDescent(ours.SGD(), [x, x_1])
    optimizer.build([x, x_1])
    assert [inner.known_variables for inner in optimizer.inners] == [[x], [x_1]]


@pytest.mark.parametrize("blocks, error", [
    ("first", r"`blocks` says which variables move together.*Received: 'first'\. Try blocks="),
    ([], r"Received: \[\]\. Try blocks="),
    (["first", []], r"Each block must contain variables\. Received: block 1 is an empty list"),
    (["first", "("], r"Received: '\(', which is none: .*`re.escape` the text"),
    (["first", 3.0], r"must be a regular expression, a variable, its place, or a layer\. Received: 3\.0 of type float"),
    (["first", keras.layers.Dense(1, name="late")], r"Received: layer 'late', .* or pass a pattern such as 'late/'"),
])  # fmt: skip
def test_what_makes_no_blocks_is_refused(blocks, error):
    with pytest.raises(ValueError, match=error):
        ours.BlockCoordinateDescent(ours.SGD(), blocks)


@pytest.mark.parametrize("blocks, error", [
    (["first", "second"], r"'\w+/third/kernel', for which none of \['first', 'second'\] fits\. Add .*\".\*\" takes"),
    (["first", "fourth", ".*"], r"block 1, \['fourth'\], which is the first that matches none of \['\w+/first/kernel'"),
    (["first", 6, ".*"], r"block 1, \[6\], which is the first that matches none of"),
    ([".*", "first"], r"block 1, \['first'\].* move it before the others"),
])  # fmt: skip
def test_blocks_that_do_not_fit_the_model_are_refused(blocks, error):
    with pytest.raises(ValueError, match=error):
        built(network(), blocks)


@pytest.mark.parametrize("make, error", [
    (ours.Newton, r"must be a first-order optimizer, .*Received: `Newton`.*`trainable=False` on the layers of all"),
    (lambda: keras.optimizers.LossScaleOptimizer(ours.SGD()), r"Received: `LossScaleOptimizer`, which wraps"),
    (lambda: ours.BlockCoordinateDescent("sgd", ["a"]), r"Received: `BlockCoordinateDescent`, which wraps"),
])  # fmt: skip
def test_an_inner_optimizer_that_cannot_move_a_block_is_refused(make, error):
    with pytest.raises(ValueError, match=error):
        ours.BlockCoordinateDescent(make(), ["first", ".*"])


def test_an_inner_optimizer_with_a_past_is_refused():
    used = ours.Adam(name="used")
    step(used, [keras.Variable(1.0)], [np.float32(1.0)])
    with pytest.raises(ValueError, match=r"must be a new one\. Received: 'used', which has trained 1 variables"):
        ours.BlockCoordinateDescent(used, ["first", ".*"])


def test_the_given_optimizer_stays_as_it_is():
    given = ours.Adam(0.25)
    optimizer = built(network(), ["first", ".*"])
    optimizer.learning_rate = 0.5
    assert float(given.learning_rate) == 0.25
    assert not given.built


def test_a_variable_that_it_was_not_built_with_is_refused():
    optimizer, other = built(network(), ["first", ".*"]), keras.Variable(1.0, name="other")
    with pytest.raises(ValueError, match=r"no block for 'other': it was built on \['\w+/first/kernel'.*new optimizer"):
        step(optimizer, [other], [np.float32(1.0)])
