"""What cannot be known is refused, with the fix, and then nothing has changed."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import symmetries

UNITS = 4
ORDER, FACTORS = np.arange(UNITS)[::-1], np.full(UNITS, 2.0)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.units = layers.Dense(UNITS, name="units")

    def call(self, x):
        return self.units(x)


class Doubled(layers.Dense):
    """A Dense layer that need not be one."""


def chain(*parts, shape=(6,)):
    return keras.Sequential([keras.Input(shape), *parts])


def in_two_places():
    shared = units()
    return chain(shared, layers.Dense(UNITS), shared, layers.Dense(2), shape=(UNITS,))


def a_graph():
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(2)(units()(inputs)))


def units(activation="relu", **options):
    return layers.Dense(UNITS, activation, name="units", **options)


WIRINGS = {
    "no following layer": (lambda: chain(units()), "Received: 'units', a Dense, then the output"),
    "a layer that is unknown": (
        lambda: chain(units(), layers.LayerNormalization(name="norm"), layers.Dense(2)),
        r"Received: 'units', a Dense, then 'norm', a LayerNormalization\. Name such a layer",
    ),
    "batch normalization": (lambda: chain(units(), layers.BatchNormalization(name="bn"), layers.Dense(2)), "then 'bn'"),
    "units that are called twice": (in_two_places, "called once. Received: 'units'"),
    "a subclass": (lambda: chain(units(), Doubled(2, name="sub")), "'sub', a Doubled"),
    "no units": (lambda: chain(layers.LSTM(UNITS, name="units"), layers.Dense(2), shape=(8, 2)), "'units', a LSTM"),
    "unbuilt": (lambda: keras.Sequential([units(), layers.Dense(2)]), "must be built"),
    "LoRA": (lambda: with_lora(chain(units(), layers.Dense(2))), "without LoRA.* Received: 'units'"),
    "a graph of layers": (a_graph, r"Received: a Functional\. Build such a model from its layers"),
    "subclassed model": (Subclassed, r"Received: a Subclassed\. Build such a model from its layers"),
    "another name": (lambda: chain(layers.Dense(2, name="other")), r"Received: layer='units'; it has \['other'\]"),
}  # fmt: skip


def with_lora(model):
    model.get_layer("units").enable_lora(2)
    return model


@pytest.mark.parametrize("name", WIRINGS)
def test_a_wiring_that_takes_guessing_is_refused(name):
    make, message = WIRINGS[name]
    model = make()
    before = model.get_weights()
    for change in (
        lambda: symmetries.permute_units(model, "units", ORDER),
        lambda: symmetries.rescale_units(model, "units", FACTORS),
        lambda: symmetries.balance(model, "units"),
    ):
        with pytest.raises(ValueError, match=message):
            change()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "parts, message",
    [
        ((units("tanh"),), r"f\(a z\) = a f\(z\).* Received: tanh in 'units'\. Choose a layer"),
        ((units(None), layers.Activation("gelu", name="a")), "Received: gelu in 'a'"),
        ((units(None), layers.ReLU(6.0, name="a")), "Received: a ReLU with max_value=6.0 and threshold=0.0 in 'a'"),
        ((units(None), layers.ReLU(threshold=1.0, name="a")), "max_value=None and threshold=1.0"),
        ((units(keras.ops.abs),), "Received: abs"),
    ],
)  # fmt: skip
def test_units_are_not_rescaled_where_the_factor_does_not_come_out(parts, message):
    model = chain(*parts, layers.Dense(2))
    with pytest.raises(ValueError, match=message):
        symmetries.rescale_units(model, "units", FACTORS)
    with pytest.raises(ValueError, match=message):
        symmetries.balance(model, "units")


@pytest.mark.parametrize("activation, name", [("glu", "glu"), (lambda z: z * keras.ops.arange(4.0), "<lambda>")])
def test_units_do_not_change_places_where_the_activation_knows_the_place(activation, name):
    with pytest.raises(ValueError, match=f"Received: {name} in 'units'. Use an activation of Keras"):
        symmetries.permute_units(chain(units(activation), layers.Dense(2)), "units", ORDER)


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 1, 2, 2], [1, 2, 3, 4], [0.0, 1.0, 2.0, 3.0], "0123"])
def test_an_order_is_a_permutation(order):
    with pytest.raises(
        ValueError, match=r"`order` says which of the units comes where, .* integers 0 to 3\. Received: order="
    ):
        symmetries.permute_units(chain(units(), layers.Dense(2)), "units", order)


@pytest.mark.parametrize("factors", [[1.0, 1.0, 0.0, 1.0], [1.0, -1.0, 1.0, 1.0], [1.0, np.nan, 1.0, 1.0]])
def test_factors_are_positive(factors):
    with pytest.raises(ValueError, match=r"finite and above 0\. Received: factors="):
        symmetries.rescale_units(chain(units(), layers.Dense(2)), "units", factors)
    with pytest.raises(ValueError, match=r"one entry for each of the units, 4 in all\. Received: shape \(1,\)"):
        symmetries.rescale_units(chain(units(), layers.Dense(2)), "units", [1.0])


@pytest.mark.parametrize("factor", [1e39, 1e-39, 1e60])
def test_factors_that_leave_the_range_of_the_weights_change_nothing(factor):
    model = chain(units(), layers.Dense(2, name="last"))
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"do not fit into float32: they overflow or become 0\. Nothing was changed"):
        symmetries.rescale_units(model, "units", [1.0, 1.0, factor, 1.0])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_layer_of_another_model_is_refused():
    mine, other = (chain(units(), layers.Dense(2)) for _ in range(2))
    with pytest.raises(ValueError, match="`layer` must be a layer of the model or its name"):
        symmetries.permute_units(mine, other.layers[0], ORDER)
