"""The mathematics of a script's own is kept away from where it is not finite."""

import difflib

import pytest

from keras_ch8.commands.doctor._finite import finite

HEAD = "import numpy as np\nimport tensorflow as tf\nfrom keras import ops\n\ndef loss(y, p):\n"


def added(lines):
    """Return the lines that come into a function, without their indentation."""
    source = HEAD + "".join(f"    {line}\n" for line in lines.split("\n"))
    found = difflib.ndiff(source.splitlines(), finite(source).splitlines())
    return [line[2:].strip() for line in found if line[0] == "+"]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("return -y * ops.log(p)", "return -y * ops.log(ops.maximum(p, 1e-7))"),
        ("return tf.math.log(1 - p)", "return tf.math.log(tf.math.maximum(1 - p, 1e-7))"),
        ("return ops.sqrt(ops.sum(y * p))", "return ops.sqrt(ops.maximum(ops.sum(y * p), 1e-7))"),
        ("return tf.norm(y - p, axis=1)", "return tf.norm(y - p + 1e-7, axis=1)"),
        ("return ops.exp(0.5 * p)", "return ops.exp(ops.minimum(0.5 * p, 20.0))"),
        ("return y / tf.reduce_sum(p)", "return y / (tf.reduce_sum(p) + 1e-7)"),
        ("n = ops.sum(p)\nreturn y / n", "return y / (n + 1e-7)"),
        ("return ops.log(ops.sqrt(p))", "return ops.log(ops.maximum(ops.sqrt(ops.maximum(p, 1e-7)), 1e-7))"),
    ],
)
def test_what_may_be_infinite_is_limited(was, becomes):
    assert added(was) == [becomes]


@pytest.mark.parametrize(
    "line",
    [
        "return ops.log(p + 1e-6)",
        "return ops.log(ops.clip(p, 0.01, 0.99))",
        "return ops.log(p + 1)",
        "return np.log(p)",
        "return ops.exp(-p)",
        "return y / 255.0",
        "return y / np.sum(p)",
    ],
)
def test_what_was_thought_of_and_what_is_no_tensor_stay_as_they_are(line):
    assert added(line) == []
