"""How a script reads what its model predicts, and what it would misread with a fix in it."""

import ast
import re

from .._source import stored
from ._place import STEPS, Place, kind_of

LIMITS = {"round": 0.5, "rint": 0.5, "around": 0.5} | dict.fromkeys(("sign", "sigmoid", "softmax", "expit", "exp"), 0.0)
"""Functions that read a probability or a logit, and the limit that is between no and yes for them."""
ORDERS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)


def misread(place: Place, code: str) -> str:
    """Return why the script would misread what the model predicts with a fix; "" if it would not."""
    return _as_no_class(place, code) or _as_other(place, code)


def _as_no_class(place: Place, code: str) -> str:
    """Return why the script would misread what another last layer predicts.

    A probability for each class is read by `argmax`, and nothing else is. Trials are scored by the model's loss and
    metrics, and do not see what the script makes of its predictions.
    """
    new = re.search(r"^last = keras\.layers\.Dense\(.*", code, re.MULTILINE)
    was = any("softmax" in place.script.said(layer) for layer in place.layers[-1:])
    by_class = any("argmax" in (getattr(n, "attr", ""), getattr(n, "id", "")) for n in ast.walk(place.script.tree))
    if not new or not is_read(place) or ("softmax" in new[0]) in (was, by_class):
        return ""
    if by_class:
        return "it reads its predictions by `argmax`, and the fix gives no probability for each class"
    return "it does not read its predictions by `argmax`, as a probability for each class needs"


def _as_other(place: Place, code: str) -> str:
    """Return why the script would read a probability as a logit, or the other way round.

    Both have the same order, so that nothing but the limit between no and yes parts them: 1/2, or 0.
    """
    gives_probability = re.search(r"activation( = keras\.activations\.|=.)(sigmoid|softmax)", code)
    limits = _limits(place) if gives_probability or "from_logits=True" in code else set()
    if gives_probability and 0.0 in limits:
        return "it reads its predictions as logits, and the fix makes them probabilities"
    if not gives_probability and 0.5 in limits:
        return "it reads its predictions as probabilities, and the fix makes them logits"
    return ""


def _limits(place: Place) -> set[float]:
    """Return the numbers that the script compares its predictions with: 1/2 where it rounds them, 0 of their signs.

    What is given to a sigmoid or a softmax is as what is compared with 0, and what that gives is no prediction.
    """
    nodes, names, found = list(ast.walk(place.script.tree)), set[str](), set[float]()

    def is_predicted(node: ast.AST) -> bool:
        if LIMITS.get(kind_of(node)) == 0.0 or kind_of(node) == "argmax":
            return False
        is_one = _predicts(place, node) or getattr(node, "id", "") in names
        return is_one or any(map(is_predicted, ast.iter_child_nodes(node)))

    for _ in range(STEPS):
        for node in nodes:
            if isinstance(node, ast.Assign | ast.For | ast.comprehension):
                value = node.value if isinstance(node, ast.Assign) else node.iter
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names |= {name for each in targets for name in stored(each)} if is_predicted(value) else set()
    for node in nodes:
        is_reading = any(isinstance(each, ORDERS) for each in getattr(node, "ops", ())) or kind_of(node) in LIMITS
        if is_reading and any(map(is_predicted, ast.iter_child_nodes(node))):
            compared = [each.value for each in ast.iter_child_nodes(node) if isinstance(each, ast.Constant)]
            numbers = {float(each) for each in compared if isinstance(each, int | float)}
            found |= {LIMITS[kind_of(node)]} if kind_of(node) in LIMITS else numbers
    return found


def is_read(place: Place) -> bool:
    """Whether the script reads what the model predicts."""
    return any(_predicts(place, node) for node in ast.walk(place.script.tree))


def _predicts(place: Place, node: ast.AST) -> bool:
    model = ast.unparse(place.arguments["model"]) if "model" in place.arguments else ""
    is_called = isinstance(node, ast.Call) and ast.unparse(node.func) == model
    return is_called or getattr(node, "attr", "") in ("predict", "predict_on_batch")


def operands(node: ast.AST) -> list[ast.expr]:
    """Return what is compared by an operator, or by a function such as `accuracy_score`, without its indices."""
    found: list[ast.expr] = []
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
        found = [node.left, *node.comparators]
    elif isinstance(node, ast.Call) and re.search("score|matrix|report|equal", ast.unparse(node.func)):
        found = node.args
    return [each.value if isinstance(each, ast.Subscript) else each for each in found]


def is_a_sign(node: ast.AST) -> bool:
    """Whether an expression reads a number by its sign."""
    limits = node.comparators if isinstance(node, ast.Compare) else []
    return getattr(node, "attr", "") == "sign" or any(ast.unparse(each) in ("0", "0.0") for each in limits)
