"""Edits that let Keras know the weights which a layer of a script's own creates as variables of TensorFlow."""

import ast

from ...verdicts.remedies import Remedy
from .._source import Edit, Source

CODE = "# weights that Keras trains"
"""What stands for the code: it depends on the script alone."""
TRACK_WEIGHTS = Remedy(
    "Create weights with `keras.Variable` or `self.add_weight` instead of `tf.Variable`, which Keras does not train.",
    CODE,
    "`model.summary()` should count these weights, and the loss should fall further.",
)
NAMES = {"initial_value": "initializer", "trainable": "trainable", "dtype": "dtype", "name": "name"}
"""Arguments of `tf.Variable`, and what `keras.Variable` calls them."""


def tracked(text: str) -> str:
    """Return a script whose classes create variables of Keras, or as it is where they do already."""
    script, edits = Source(text), dict[Edit, None]()
    for part in [node for node in ast.walk(script.tree) if isinstance(node, ast.ClassDef) and node.bases]:
        for node in ast.walk(part):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("tf.Variable", "tensorflow.Variable"):
                names = [keyword.arg for keyword in node.keywords]
                if len(node.args) <= 1 and NAMES.keys() >= {*names}:
                    edits[script.begin(node.func), script.end(node.func), "keras.Variable"] = None
                    for keyword in node.keywords:
                        new = f"{NAMES[str(keyword.arg)]}={script.said(keyword.value)}"
                        edits[script.begin(keyword), script.end(keyword), new] = None
    if edits and "keras" not in script.names:
        edits[script.importing("import keras")] = None
    return script.edited(edits)
