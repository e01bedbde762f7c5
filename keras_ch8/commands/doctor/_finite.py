"""Edits that keep the mathematics of a script's own away from where it, or its gradient, is not finite."""

import ast
import re
from collections.abc import Iterator

from ...verdicts.remedies import Remedy
from .._source import Edit, Source, imported_by, is_of_keras
from ._place import kind_of, scope_of, values_of

CODE = "# numbers that stay finite"
"""What stands for the code: it depends on the script alone."""
KEEP_FINITE = Remedy(
    "In your own layers and losses, keep logarithms, square roots, norms and divisions away from 0, and exponentials "
    "away from overflow: there they, or their gradients, are infinite.",
    CODE,
    "The loss and all weights should stay finite.",
)
ROOTS = ("log", "sqrt", "rsqrt")
"""Functions of what must not be 0."""
NORMS = ("norm",)
"""Functions whose gradient has no direction at 0."""
SIZES = ("sum", "reduce_sum", "mean", "reduce_mean", "std", "reduce_std", "max", "reduce_max", "count_nonzero", *NORMS)
"""Functions that give 0 for zeros: what is divided by them must not be."""
SAFE = re.compile(r"max|clip|eps|1e-|\+ 1\b|cast")
"""What a script writes that has thought of it, or of a count."""
SMALL, LARGE = "1e-7", "20.0"
"""From where on, and up to where, numbers are safe in half precision, too."""


def finite(text: str) -> str:
    """Return a script whose own mathematics stays finite, or as it is where it does already."""
    script, edits = Source(text), dict[Edit, None]()
    modules = {name for node in ast.walk(script.tree) if is_of_keras(node) for name in imported_by(node)}
    for node in ast.walk(script.tree):
        edits |= dict.fromkeys(_divided(script, node, modules))
        if isinstance(node, ast.Call) and node.args and (module := _module(node, modules)):
            edits |= dict.fromkeys(_called(script, node, module))
    return script.edited(edits)


def _module(call: ast.Call, modules: set[str]) -> str:
    """Return what a function of tensors is called as a part of; "" of any other."""
    of = ast.unparse(call.func).rpartition(".")[0]
    return of if of.split(".")[0] in modules else ""


def _called(script: Source, call: ast.Call, module: str) -> Iterator[Edit]:
    """Limit what a function is given, unless that was thought of."""
    kind, given = kind_of(call), call.args[0]
    text = script.said(given)
    if SAFE.search(text):
        return
    if kind in ROOTS:
        yield from _around(script, given, f"{module}.maximum(", f", {SMALL})")
    elif kind in NORMS:
        yield from _around(script, given, "", f" + {SMALL}")
    elif kind == "exp" and not text.startswith("-"):
        yield from _around(script, given, f"{module}.minimum(", f", {LARGE})")


def _divided(script: Source, node: ast.AST, modules: set[str]) -> Iterator[Edit]:
    """Divide by a little more than what may be 0."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return
    by = node.right
    for value in values_of(by.id, scope_of(script, by)) if isinstance(by, ast.Name) else [by]:
        if isinstance(value, ast.Call) and kind_of(value) in SIZES and _module(value, modules):
            yield from _around(script, by, "(", f" + {SMALL})")


def _around(script: Source, node: ast.AST, before: str, after: str) -> Iterator[Edit]:
    yield script.begin(node), script.begin(node), before
    yield script.end(node), script.end(node), after
