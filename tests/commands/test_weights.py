"""Variables of TensorFlow in a layer of a script's own become weights that Keras trains."""

import difflib

import pytest

from keras_ch8.commands.doctor._weights import tracked

LAYER = """\
import tensorflow as tf

class Scale(tf.keras.layers.Layer):
    def build(self, shape):
        self.kernel = tf.Variable(
            initial_value=tf.ones((shape[-1],)),
            trainable=True, name="kernel")
        self.others = [tf.Variable(0.0, dtype="float32") for _ in range(3)]
"""


def added(source):
    """Return the lines that come, without their indentation."""
    lines = difflib.ndiff(source.splitlines(), tracked(source).splitlines())
    return [line[2:].strip() for line in lines if line[0] == "+"]


def test_variables_of_a_layer_become_those_of_keras_with_the_same_arguments():
    assert added(LAYER) == [
        "import keras",
        "self.kernel = keras.Variable(",
        "initializer=tf.ones((shape[-1],)),",
        'self.others = [keras.Variable(0.0, dtype="float32") for _ in range(3)]',
    ]


def test_where_keras_is_there_it_is_not_imported_again():
    assert "import keras" not in added(LAYER.replace("tf.keras", "keras").replace("import", "import keras\nimport", 1))


@pytest.mark.parametrize(
    "source",
    [
        LAYER.replace("tf.Variable", "keras.Variable"),
        LAYER.replace("(tf.keras.layers.Layer)", ""),
        "import tensorflow as tf\n\nclass L(Layer):\n    w = tf.Variable(0.0, False)\n",
        "import tensorflow as tf\n\nclass L(Layer):\n    w = tf.Variable(0.0, shape=())\n",
        "import tensorflow as tf\n\nw = tf.Variable(0.0)\n",
    ],
)
def test_other_variables_stay_as_they_are(source):
    assert tracked(source) == source
