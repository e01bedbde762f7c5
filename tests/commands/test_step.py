"""A training step of a script's own is given what it leaves out."""

import difflib

import pytest

from keras_ch8.commands.doctor._step import updating

STATELESS = """\
class Model(keras.Model):
    def train_step(self, data):
        with tf.GradientTape() as tape:
            y_pred, new_state = self.stateless_call(weights, state, x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        return {"loss": loss}
"""
CALLED = """\
class Model(keras.Model):
    def train_step(self, data):
        with tf.GradientTape() as tape:
            y_pred = self(x)
        return {}

    def test_step(self, data):
        y_pred = self(x)
        return {}
"""


def added(source):
    """Return the lines that come, as they are indented."""
    return [line[2:] for line in difflib.ndiff(source.splitlines(), updating(source).splitlines()) if line[0] == "+"]


def test_states_that_a_step_computes_and_drops_are_assigned():
    assert added(STATELESS) == [
        "            for variable, value in zip(self.non_trainable_variables, new_state):",
        "                variable.assign(value)",
    ]


def test_a_model_is_called_as_in_training_where_it_is_trained_alone():
    assert added(CALLED) == ["            y_pred = self(x, training=True)"]


@pytest.mark.parametrize(
    "source",
    [
        STATELESS.replace('return {"loss": loss}', "return self.kept(new_state)"),
        STATELESS.replace("train_step", "other_step"),
        STATELESS.replace("y_pred, new_state =", "found ="),
        CALLED.replace("self(x)", "self(x, training=False)"),
        CALLED.replace("self(x)", "self(x, **options)"),
        CALLED.replace("self(x)", "self(x, True)"),
    ],
)
def test_a_step_that_says_what_it_does_stays_as_it_is(source):
    assert updating(source) == source
