"""Edits that prepare the validation data as a script prepares its training data, where it leaves that out."""

import ast
from collections.abc import Iterator, Sequence

from ...verdicts.remedies import Remedy
from .._source import Edit, Source, loaded
from ._place import arguments_of, kind_of, own, scope_of, targets_of, values_of

CODE = "# validation data prepared as the training data"
"""What stands for the code: it depends on the script alone."""
PREPARE_ALIKE = Remedy(
    "Prepare the validation data with the code that prepares the training data, and fit a scaler to the training data "
    "only.",
    CODE,
    "The validation loss should come close to the training loss.",
)
STATISTICS = ("mean", "std", "var", "min", "max")
"""What stays that of the training data."""
METHODS = ("batch", "cache", "map", "prefetch", "repeat", "shuffle", "take")
"""What returns a data set of another."""


def alike(text: str) -> str:
    """Return a script that prepares both alike, or as it is where it does already."""
    script = Source(text)
    calls = [node for node in ast.walk(script.tree) if isinstance(node, ast.Call)]
    edits = dict.fromkeys([*_fitted_again(script, calls), *_adapted_again(script, calls)])
    for call in calls:
        given = arguments_of(call)
        train, held = given.get("x"), given.get("validation_data")
        if kind_of(call) != "fit" or train is None or held is None:
            continue
        scope = scope_of(script, call)
        if not isinstance(held, ast.Tuple):
            edits |= dict.fromkeys(_unmapped(script, scope, train, held))
        elif isinstance(train, ast.Name) and isinstance(held.elts[0], ast.Name):
            edits |= dict.fromkeys(_left_out(script, scope, train.id, held.elts[0].id))
    return script.edited(edits)


def _fitted_again(script: Source, calls: Sequence[ast.Call]) -> Iterator[Edit]:
    """Let a scaler that is fitted already only transform."""
    known = set[tuple[str, ast.AST]]()
    for call in sorted((c for c in calls if kind_of(c) == "fit_transform"), key=script.begin):
        scaler, scope = getattr(call.func, "value", call), scope_of(script, call)
        if isinstance(scaler, ast.Name) and (scaler.id, scope) in known:
            yield script.end(scaler), script.end(call.func), ".transform"
        known.add((ast.unparse(scaler), scope))


def _adapted_again(script: Source, calls: Sequence[ast.Call]) -> Iterator[Edit]:
    """Adapt a preprocessing layer once, to what the script itself adapts it to, and not again in a function."""
    adapts = [call for call in calls if kind_of(call) == "adapt" and isinstance(script.parents[call], ast.Expr)]
    own_adapts = [call for call in adapts if isinstance(scope_of(script, call), ast.Module)]
    first = {ast.unparse(call.func): call for call in reversed(own_adapts)}
    for call in adapts:
        if first.get(ast.unparse(call.func), call) is not call:
            yield script.begin(call), script.end(call), "pass"


# --- arrays ----------------------------------------------------------------------------------------------------------


def _left_out(script: Source, scope: ast.AST, train: str, held: str) -> Iterator[Edit]:
    """Do to the validation inputs what a script does to the training inputs, and not to them."""
    statements = [n for n in own(scope) if isinstance(n, ast.Assign | ast.AugAssign)]
    names = [(node, {n.id for t in targets_of(node) for n in ast.walk(t) if isinstance(n, ast.Name)})
             for node in statements]  # fmt: skip
    there = min((script.begin(node) for node, bound in names if held in bound), default=None)
    done = {ast.unparse(node) for node, bound in names if held in bound}
    for node, bound in names:
        if there is None or bound != {train} or script.begin(node) < there or isinstance(node.value, ast.Subscript):
            continue
        fitted = node.value if kind_of(node.value) == "fit_transform" else None
        if isinstance(fitted, ast.Call):
            scaler = ast.unparse(getattr(fitted.func, "value", fitted))
            if not any(f"{scaler}.transform(" in text or f"{scaler}.fit_transform(" in text for text in done):
                text = f"{script.break_after(node)}{held} = {scaler}.transform({held})"
                yield script.end(node), script.end(node), text
        elif isinstance(node, ast.AugAssign) or train in loaded(node.value):
            text = _of_other(script, node, train, held)
            if ast.unparse(ast.parse(text)) not in done:
                yield script.before_statement(node, text)


def _of_other(script: Source, node: ast.Assign | ast.AugAssign, train: str, held: str) -> str:
    """Return a statement for the validation inputs, with the statistics of the training inputs."""
    text, begin = script.bytes[script.begin(node) : script.end(node)], script.begin(node)
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == train]
    for name in sorted(names, key=script.begin, reverse=True):
        around = script.parents[name]
        called = around.attr if isinstance(around, ast.Attribute) else kind_of(around)
        if called not in STATISTICS:
            text = text[: script.begin(name) - begin] + held.encode() + text[script.end(name) - begin :]
    return text.decode()


# --- data sets -------------------------------------------------------------------------------------------------------


def _unmapped(script: Source, scope: ast.AST, train: ast.expr, held: ast.expr) -> Iterator[Edit]:
    """Map the validation data as the training data, where nothing maps them, and behind the same step."""
    (_, done), (begin, other) = (_steps(each, scope) for each in (train, held))
    if any(kind_of(step) == "map" for step in other):
        return
    for i, step in enumerate(done):
        if kind_of(step) == "map":
            before = [kind_of(each) for each in done[:i] if kind_of(each) != "map"][-1:]
            behind = next((each for each in reversed(other) if kind_of(each) in before), begin)
            text = script.bytes[script.end(getattr(step.func, "value", step)) : script.end(step)].decode()
            yield script.end(behind), script.end(behind), text


def _steps(given: ast.expr, scope: ast.AST) -> tuple[ast.expr, list[ast.Call]]:
    """Return what a data set begins as, and the methods that are called on it, in order."""
    found, begin = list[ast.Call](), given
    for value in reversed(values_of(given.id, scope) if isinstance(given, ast.Name) else [given]):
        begin = value
        steps = list[ast.Call]()
        while isinstance(begin, ast.Call) and isinstance(begin.func, ast.Attribute) and begin.func.attr in METHODS:
            steps, begin = [begin, *steps], begin.func.value
        found = [*steps, *found]
    return begin, found
