"""Where a `fit` stands in a script, and what is written there of its model and its arguments: by the syntax tree."""

import ast
import dataclasses
from collections.abc import Iterator, Mapping

from .._source import Source, bound_by, imported_by

Position = tuple[int, int | None, int | None, int | None]
"""First and last line, and first and last column, as `code.co_positions()` gives them for the call of `fit`."""
OF_FIT = ("x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle",
          "class_weight", "sample_weight")  # fmt: skip
"""Arguments of `keras.Model.fit` in their order."""
OF_COMPILE = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")
"""Arguments of `keras.Model.compile` in their order."""
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
WITHIN = ast.Lambda | ast.comprehension | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
"""What has names of its own inside an expression."""
STEPS = 9
"""How many names and functions the search for the definition of a model follows."""


@dataclasses.dataclass(frozen=True)
class NoPatch:
    """Why the code of a cure cannot be put into a script, in one sentence."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Place:
    """A call of `fit` in a script, and what it is about.

    Args:
        script: The script.
        call: The call.
        statement: The statement that it stands in.
        scope: The function around it, or the module.
        arguments: Expressions of `model` and of its arguments by their names; `"*"` and `"**"` are those that are
            unpacked.
        compiles: The call of `compile` that holds for it; None where that is not sure.
        made: The call that makes the model; None where that is not sure.
        layers: Expressions of its layers in order, without those of inputs; of a model of the functional form the last
            one alone.
        frames: What makes an array of `x` and of `y`, in code, where they are data of pandas.
    """

    script: Source
    call: ast.Call
    statement: ast.stmt
    scope: ast.AST
    arguments: Mapping[str, ast.expr]
    compiles: ast.Call | None = None
    made: ast.Call | None = None
    layers: tuple[ast.expr, ...] = ()
    frames: Mapping[str, str] = dataclasses.field(default_factory=dict)


def place_of(source: str, position: Position, frames: Mapping[str, str] | None = None) -> Place | NoPatch:
    """Return where a `fit` stands in a script, by the position of its call."""
    script = Source(source)
    call = _call_at(script, position)
    if call is None or not isinstance(call.func, ast.Attribute) or ast.unparse(call.func.value) == "super()":
        return NoPatch(f"Line {position[0]} does not call `fit` as `model.fit(...)`.")
    if (statement := statement_of(script, call)) is None:
        return NoPatch(f"The `fit` in line {call.lineno} is part of a larger expression; write it as a loop.")
    arguments = {"model": call.func.value, **arguments_of(call)}
    place = Place(script, call, statement, scope_of(script, call), arguments, frames=frames or {})
    homes, made = _homes(script, call.func.value, place.scope)
    if any(script.begin(other) < script.begin(call) for other in _calls(homes, "fit")):  # of one before it, too
        return place
    compiles = _compiles(place, homes)
    return dataclasses.replace(place, compiles=compiles, made=made, layers=_layers(made, homes))


def _call_at(script: Source, position: Position) -> ast.Call | None:
    """Return a call by where it ends: of a chain over several lines, positions begin with its last part."""
    line, end_line, _, end_column = position
    calls = [node for node in ast.walk(script.tree) if isinstance(node, ast.Call)]
    if end_column is not None:
        calls = [c for c in calls if (c.end_lineno, c.end_col_offset) == (end_line, end_column)]
    else:
        calls = [c for c in calls if c.lineno <= line <= (c.end_lineno or 0)]
    named = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "fit"]
    return max(named, key=script.begin, default=None)


def arguments_of(call: ast.Call) -> dict[str, ast.expr]:
    """Return the arguments of a call of `fit`, or of `evaluate`, by their names."""
    unpacked = next((i for i, each in enumerate(call.args) if isinstance(each, ast.Starred)), len(call.args))
    found = dict(zip(OF_FIT, call.args[:unpacked], strict=False))
    if unpacked < len(call.args):
        found["*"] = call.args[unpacked]
    return found | {keyword.arg or "**": keyword.value for keyword in call.keywords}


# --- names and what they stand for -----------------------------------------------------------------------------------


def scope_of(script: Source, node: ast.AST) -> ast.AST:
    """Return the function that a node stands in, or the module."""
    while not isinstance(node := script.parents[node], FUNCTION | ast.Module):
        pass
    return node


def statement_of(script: Source, node: ast.AST) -> ast.stmt | None:
    """Return the statement that a node stands in; None inside what has names of its own, as a comprehension."""
    while not isinstance(node, ast.stmt):
        if isinstance(node := script.parents[node], WITHIN):
            return None
    return node


def own(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function or module, in order, without those of the functions in it; of a class, all."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if isinstance(scope, ast.ClassDef) or not isinstance(node, FUNCTION | ast.ClassDef):
            yield from own(node)


def bound_in(scope: ast.AST) -> set[str]:
    """Return the names that a function or module gives a meaning."""
    return {name for node in own(scope) for name in (*bound_by(node), *imported_by(node))}


def targets_of(node: ast.AST) -> list[ast.expr]:
    """Return what an assignment sets."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []


def values_of(text: str, scope: ast.AST) -> list[ast.expr]:
    """Return what a name, or an attribute, is set to in a scope."""
    found = []
    for node in own(scope):
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if value is not None and any(ast.unparse(target) == text for target in targets_of(node)):
            found.append(value)
    return found


def caller_of(script: Source, function: ast.AST) -> tuple[ast.Call, dict[str, ast.expr]] | None:
    """Return the one call of a function in its script, and its arguments by their names."""
    if not isinstance(function, FUNCTION) or not isinstance(script.parents[function], ast.Module):
        return None
    named = [n for n in ast.walk(script.tree) if isinstance(n, ast.Name) and n.id == function.name]
    calls = [script.parents[n] for n in named]
    if len(calls) != 1 or not isinstance(call := calls[0], ast.Call) or call.func is not named[0]:
        return None
    given = zip([each.arg for each in function.args.args], call.args, strict=False)
    return call, dict(given) | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _function(script: Source, call: ast.Call) -> ast.AST | None:
    """Return the function of the script that a call calls, if that is the only one: else other models would change."""
    name = getattr(call.func, "id", "")
    found = [n for n in script.tree.body if isinstance(n, FUNCTION) and n.name == name]
    named = [n for n in ast.walk(script.tree) if isinstance(n, ast.Name) and n.id == name]
    return found[0] if len(found) == len(named) == 1 else None


def _homes(script: Source, expr: ast.expr, scope: ast.AST) -> tuple[list[tuple[str, ast.AST]], ast.Call | None]:
    """Return the names that a model has, each with its scope, from its `fit` back to the call that makes it."""
    homes: list[tuple[str, ast.AST]] = []
    for _ in range(STEPS):
        if isinstance(expr, ast.Call):
            if (function := _function(script, expr)) is None:
                return homes, expr
            returned = [n.value for n in own(function) if isinstance(n, ast.Return) and n.value is not None]
            if len(returned) != 1:
                break
            expr, scope = returned[0], function
            continue
        text, scope = ast.unparse(expr), _scope_with(script, expr, scope)
        homes.append((text, scope))
        values = values_of(text, scope)
        if isinstance(scope, FUNCTION) and not values and (called := caller_of(script, scope)):
            if text not in called[1]:
                break
            expr, scope = called[1][text], scope_of(script, called[0])
        elif len(values) == 1:
            expr = values[0]
            scope = scope_of(script, expr)
        else:
            break
    return homes, None


def _scope_with(script: Source, expr: ast.expr, scope: ast.AST) -> ast.AST:
    """Return where a name has its meaning: its function or the module; for `self.model` the class."""
    if isinstance(expr, ast.Attribute):
        around: ast.AST = expr
        while not isinstance(around := script.parents[around], ast.ClassDef | ast.Module):
            pass
        return around
    while not isinstance(scope, ast.Module) and ast.unparse(expr) not in bound_in(scope):
        scope = scope_of(script, scope)
    return scope


# --- the model -------------------------------------------------------------------------------------------------------


def _calls(homes: list[tuple[str, ast.AST]], method: str) -> list[ast.Call]:
    """Return the calls of a method of the model, by all its names."""
    calls = [(f"{text}.{method}", node) for text, scope in homes for node in own(scope) if isinstance(node, ast.Call)]
    return list(dict.fromkeys(call for text, call in calls if ast.unparse(call.func) == text))


def _compiles(place: Place, homes: list[tuple[str, ast.AST]]) -> ast.Call | None:
    """Return the call of `compile` that holds for a `fit`, unless its optimizer is changed elsewhere."""
    script, calls = place.script, _calls(homes, "compile")
    texts = {f"{text}.optimizer" for text, _ in homes}
    if any(isinstance(n, ast.Attribute) and ast.unparse(n) in texts for _, scope in homes for n in own(scope)):
        return None
    near = [c for c in calls if scope_of(script, c) is place.scope and script.begin(c) < script.begin(place.call)]
    return (near or calls)[-1] if len(near or calls) == 1 else None


def _layers(made: ast.Call | None, homes: list[tuple[str, ast.AST]]) -> tuple[ast.expr, ...]:
    """Return the layers of a model as they are written."""
    if made is None:
        return ()
    given = {keyword.arg: keyword.value for keyword in made.keywords}
    if kind_of(made) == "Sequential":
        listed = made.args[0] if made.args else given.get("layers", ast.List([]))
        added = [call.args[0] for call in sorted(_calls(homes, "add"), key=lambda c: c.lineno) if call.args]
        found = [*listed.elts, *added] if isinstance(listed, ast.List) else []
        return tuple(each for each in found if kind_of(each) not in ("Input", "InputLayer"))
    if kind_of(made) != "Model" or not homes:
        return ()
    output = made.args[1] if len(made.args) > 1 else given.get("outputs")
    if isinstance(output, ast.Name):
        values = [v for v in values_of(output.id, homes[-1][1]) if v.lineno < made.lineno]
        output = values[-1] if values else None
    return (output.func,) if isinstance(output, ast.Call) and isinstance(output.func, ast.Call) else ()


def _class_of(script: Source, made: ast.expr | None) -> ast.ClassDef | None:
    """Return the class of the script that a call makes the only one of: else other models would change."""
    name = getattr(made.func, "id", "") if isinstance(made, ast.Call) else ""
    found = [n for n in script.tree.body if isinstance(n, ast.ClassDef) and n.name == name]
    calls = [n for n in ast.walk(script.tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == name]
    return found[0] if len(found) == len(calls) == 1 else None


def held_by(place: Place, name: str, is_inside: bool) -> ast.expr | None:
    """Return the layer that is an attribute of a model of the script's own class, or the last of one that is one."""
    made_by = _class_of(place.script, place.made)
    values = values_of(f"self.{name}", made_by) if made_by else []
    held = values[0] if len(values) == 1 else None
    if not is_inside or not isinstance(held, ast.Call):
        return None if is_inside else held
    layers = _layers(held, [])
    return layers[-1] if layers else None


def kind_of(call: ast.AST) -> str:
    """Return the name of the class or function that is called, without what it is of; "" of anything but a call."""
    return ast.unparse(call.func).split(".")[-1] if isinstance(call, ast.Call) else ""
