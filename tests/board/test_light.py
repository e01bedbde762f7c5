"""In the process of TensorBoard the package is light: the writer needs it, and tags and windows not even that."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("names, expected", [
    ("tags, window", "set()"), ("writer", "{'tensorboard'}"),
])  # fmt: skip
def test_nothing_heavy_is_imported(names, expected):
    heavy = "{'keras', 'tensorflow', 'tensorboard', 'matplotlib', 'PIL'}"
    in_tensorboard = "import sys; sys.modules['tensorboard.default'] = sys; "
    code = f"{in_tensorboard}from keras_ch8.board import {names}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
