"""Edits of a training step of a script's own, which leaves out what Keras's own step does."""

import ast
import contextlib
from collections.abc import Iterator

from ...verdicts.remedies import Remedy
from .._source import Edit, Source
from ._definition import NotSure, with_argument
from ._place import FUNCTION

CODE = "# all that a step of training updates"
"""What stands for the code: it depends on the script alone."""
UPDATE_STATES = Remedy(
    "Call the model with `training=True` in your `train_step`, and assign what `stateless_call` returns beside the "
    "predictions to `non_trainable_variables`: they hold the moving statistics of batch normalization.",
    CODE,
    "The loss at inference should come close to that in training.",
)


def updating(text: str) -> str:
    """Return a script whose `train_step` updates states as that of Keras does, or as it is where it does already."""
    script, edits = Source(text), dict[Edit, None]()
    for step in ast.walk(script.tree):
        if isinstance(step, FUNCTION) and step.name == "train_step":
            for node in ast.walk(step):
                with contextlib.suppress(NotSure):
                    edits |= dict.fromkeys(_assigned(script, step, node))
                    edits |= dict.fromkeys(_in_training(script, node))
    return script.edited(edits)


def _assigned(script: Source, step: ast.AST, node: ast.AST) -> Iterator[Edit]:
    """Yield the edit that assigns the states which `stateless_call` returns, if nothing reads them."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
        return
    function, target = node.value.func, node.targets[0]
    if not isinstance(function, ast.Attribute) or not isinstance(target, ast.Tuple) or len(target.elts) < 2:
        return
    if function.attr != "stateless_call":
        return
    model, states = script.said(function.value), target.elts[1]
    uses = [n for n in ast.walk(step) if isinstance(n, ast.Name) and n.id == getattr(states, "id", "")]
    if isinstance(states, ast.Name) and len(uses) == 1:
        gap = script.break_after(node)
        loop = f"for variable, value in zip({model}.non_trainable_variables, {states.id}):"
        yield script.end(node), script.end(node), f"{gap}{loop}{gap}    variable.assign(value)"


def _in_training(script: Source, node: ast.AST) -> Iterator[Edit]:
    """Yield the edit that calls the model as in training, if it is called without saying so."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "self" or len(node.args) != 1:
        return
    if "training" not in [keyword.arg for keyword in node.keywords]:
        yield from with_argument(script, node, "training", "True")
