"""Edits that keep labels with their inputs, where a script gives one of both another order than the other."""

import ast
import contextlib
import re
from collections.abc import Iterator

from ...verdicts.remedies import Remedy
from .._source import Edit, Source
from ._definition import NotSure, with_argument
from ._place import FUNCTION, kind_of, own, scope_of, values_of

CODE = "# inputs and labels in the same order"
"""What stands for the code: it depends on the script alone."""
KEEP_PAIRS = Remedy(
    "Give inputs and labels the same order where the script shuffles or loads them.", CODE, "The loss should fall."
)
ORDERS = ("permutation", "shuffle", "sample", "choice")
"""Functions that give a random order."""
SEEDS = ("seed", "random_state")
LABELS = ("classes", "labels", "targets", "y")
"""What loaders call their labels."""


def paired(text: str) -> str:
    """Return a script in which what is paired stays so, or as it is where nothing parts it."""
    script = Source(text)
    nodes = list(ast.walk(script.tree))
    forms = _indexed_alone, _indexed_otherwise, _shuffled_alone, _zipped, _drawn_apart, _loaded_in_another_order
    edits = dict[Edit, None]()
    for form in forms:
        with contextlib.suppress(NotSure):
            edits |= dict.fromkeys(form(script, nodes))
    return script.edited(edits)


def _indexed_alone(script: Source, nodes: list[ast.AST]) -> Iterator[Edit]:
    """Let `labels = labels[order]` follow where only `inputs = inputs[order]` stands, or the other way round."""
    for node in nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Subscript):
            continue
        name, order, scope = ast.unparse(node.value.value), ast.unparse(node.value.slice), scope_of(script, node)
        if ast.unparse(node.targets[0]) == name and _is_random(order, scope):
            done = {ast.unparse(each) for each in own(scope) if isinstance(each, ast.Subscript)}
            for other in _partners(name, nodes):
                if f"{other}[{order}]" not in done:
                    end = script.end(node)
                    yield end, end, f"{script.break_after(node)}{other} = {other}[{order}]"


def _indexed_otherwise(script: Source, nodes: list[ast.AST]) -> Iterator[Edit]:
    """Let `inputs[part], labels[part]` be where it is `inputs[part], labels[i:j]` after `part = order[i:j]`."""
    for node in nodes:
        pair = node.elts[:2] if isinstance(node, ast.Tuple) else []
        if len(pair) < 2 or not all(isinstance(each, ast.Subscript) for each in pair):
            continue
        slices = [each.slice for each in pair if isinstance(each, ast.Subscript)]
        for part, other in (slices, slices[::-1]):
            values = values_of(ast.unparse(part), scope_of(script, node)) if isinstance(part, ast.Name) else []
            taken = {ast.unparse(value.slice) for value in values if isinstance(value, ast.Subscript)}
            if taken == {ast.unparse(other)}:
                yield script.begin(other), script.end(other), script.said(part)


def _is_random(order: str, scope: ast.AST) -> bool:
    """Whether a name stands for a random order in a scope."""
    calls = [node for node in own(scope) if isinstance(node, ast.Call) and kind_of(node) in ORDERS]
    made = [call for value in values_of(order, scope) for call in ast.walk(value)]
    return any(call in made or order in map(ast.unparse, call.args) for call in calls)


def _shuffled_alone(script: Source, nodes: list[ast.AST]) -> Iterator[Edit]:
    """Give both one order, where one is shuffled in its place, or each of them is."""
    done = set[str]()
    for node in [each for each in nodes if isinstance(each, ast.Expr)]:
        call = node.value
        if not isinstance(call, ast.Call) or kind_of(call) != "shuffle" or len(call.args) != 1:
            continue
        name = ast.unparse(call.args[0])
        if name in done:
            yield script.begin(node), script.end(node), "pass"
        elif partners := _partners(name, nodes):
            both, order = [name, *partners], script.fresh("order")
            done |= {*both}
            of = ast.unparse(call.func).removesuffix("shuffle")  # of the module `random` there is none
            made = f"{order} = {of if of not in ('', 'random.') else 'np.random.'}permutation(len({name}))"
            moved = f"{', '.join(both)} = {', '.join(f'{each}[{order}]' for each in both)}"
            yield script.begin(node), script.end(node), f"{made}{script.break_after(node)}{moved}"
            if made.partition("=")[2].startswith(" np.") and "np" not in script.names:
                yield script.importing("import numpy as np")


def _zipped(script: Source, nodes: list[ast.AST]) -> Iterator[Edit]:
    """Shuffle data sets behind `zip`, not before it."""
    for node in nodes:
        if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("Dataset.zip"):
            continue
        scope, to_read, parts = scope_of(script, node), list[ast.expr](node.args), list[ast.AST]()
        while to_read and len(parts) < 10_000:
            new = [each for each in ast.walk(to_read.pop()) if each not in parts]
            parts += new
            to_read += [value for each in new if isinstance(each, ast.Name) for value in values_of(each.id, scope)]
        places = [(script.end(each.func.value), script.end(each)) for each in parts if isinstance(each, ast.Call)
                  and isinstance(each.func, ast.Attribute) and each.func.attr == "shuffle"]  # fmt: skip
        for begin, end in places:
            yield begin, end, ""
        if places:
            yield script.end(node), script.end(node), script.bytes[slice(*places[0])].decode().strip()


def _drawn_apart(script: Source, nodes: list[ast.AST]) -> Iterator[Edit]:
    """Give one seed to two generators of the same kind that are zipped, as of pictures and their masks."""
    for node in nodes:
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != "zip" or len(node.args) != 2:
            continue
        scope = scope_of(script, node)
        made = [each for arg in node.args for each in (values_of(ast.unparse(arg), scope) or [arg])[-1:]]
        calls = [each for each in made if isinstance(each, ast.Call)]
        if len(calls) == 2 and len({kind_of(call) for call in calls}) == 1 and (seed := _seed_of(script, calls[0])):
            for call in calls:
                if seed not in [keyword.arg for keyword in call.keywords]:
                    yield from with_argument(script, call, seed, "1")


def _seed_of(script: Source, call: ast.Call) -> str:
    """Return the name of the argument that is the seed of a generator; "" if it has none."""
    if kind_of(call).startswith("flow"):
        return "seed"
    for function in script.tree.body:
        if isinstance(function, FUNCTION) and function.name == kind_of(call):
            names = [each.arg for each in function.args.args][len(call.args) :]
            return next((name for name in names if name in SEEDS), "")
    return ""


def _loaded_in_another_order(script: Source, nodes: list[ast.AST]) -> Iterator[Edit]:
    """Do not shuffle what a model predicts for, where the labels are read from its loader, which has them in order."""
    read = {ast.unparse(n.value) for n in nodes if isinstance(n, ast.Attribute) and n.attr in LABELS}
    for node in nodes:
        if isinstance(node, ast.Call) and kind_of(node).startswith("predict") and node.args:
            loader = ast.unparse(node.args[0])
            for made in values_of(loader, scope_of(script, node)) if loader in read else ():
                if isinstance(made, ast.Call):
                    yield from _unshuffled(script, made)


def _unshuffled(script: Source, call: ast.Call) -> Iterator[Edit]:
    """Yield the edit that keeps a loader from shuffling, if it does."""
    says = any(keyword.arg == "shuffle" for keyword in call.keywords)
    made = [n for n in script.tree.body if isinstance(n, ast.ClassDef) and n.name == kind_of(call)]
    takes = any(isinstance(n, ast.arg) and n.arg == "shuffle" for each in made for n in ast.walk(each))
    if says or takes or kind_of(call).startswith("flow"):
        yield from with_argument(script, call, "shuffle", "False")


def _partners(name: str, nodes: list[ast.AST]) -> list[str]:
    """Return what stands beside a name in a pair: in a tuple that is read, in `zip`, or in `fit`."""
    found = list[str]()
    for node in nodes:
        parts = list[ast.expr]()
        if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
            parts = node.elts
        elif isinstance(node, ast.Call) and kind_of(node) in ("zip", "fit"):
            parts = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in ("x", "y"))]
        texts = [ast.unparse(each.value if isinstance(each, ast.Subscript) else each) for each in parts]
        if (name in texts and len(texts) == 2) or (name in texts[:2] and isinstance(node, ast.Call)):
            found += [text for text in texts[:2] if text != name and re.fullmatch(r"[\w.]+", text)]
    return list(dict.fromkeys(found))[:1]
