"""The code of a cure written into a script: in its names, and where a person would write it."""

import ast
import builtins
import copy
import re
from collections.abc import Mapping, Sequence

from .._source import Edit, Source, bound_by, loaded, renamed, stored
from ._definition import kept, moved, quoted, with_argument
from ._place import OF_FIT, NoPatch, Place, bound_in, caller_of, kind_of, own, scope_of, statement_of, values_of

DEFAULTS = {"batch_size": "32", "epochs": "1", "callbacks": "[]", "class_weight": "None"}
"""What the arguments that cures change are where `fit` is not given them."""
IMPORTS = {"keras": "import keras", "keras_ch8": "import keras_ch8", "np": "import numpy as np"}
"""What code of cures needs."""
SHORT = 60
"""Characters of an argument up to which it is written in the call."""


class _CannotPatch(Exception):
    """Why a script is not edited."""


def patched(place: Place, code: str) -> str | NoPatch:
    """Return the script with the code of a cure in it, or why that cannot be.

    What changes the model is written where the model is defined and compiled, an argument of `fit` in the call, and
    the rest before `fit`; where that would not be valid Python, all of it before `fit`.
    """
    said = "the edits would not be valid Python"
    for is_moved in (True, False):
        edits, rest = moved(place, code) if is_moved else ([], code)
        try:
            edits += _before_fit(place, rest)
            edits += _imports(place, code, edits)
            return place.script.edited(edits)
        except _CannotPatch as error:
            said = str(error)
        except SyntaxError:
            continue
    return NoPatch(f"There is no patch for this form of script: {said}.")


def _before_fit(place: Place, code: str) -> list[Edit]:
    """Return the edits that do what code does before a `fit`, and in its call."""
    names = stored(ast.parse(code)) - {"model", "x", "y", *DEFAULTS}
    edits, rest = _in_call(place, renamed(code, {name: place.script.fresh(name) for name in names}))
    return edits + (_Block(_outside(place, rest), rest).written() if rest.strip() else [])


def _imports(place: Place, code: str, edits: Sequence[Edit]) -> list[Edit]:
    """Return the edits that import what others name."""
    text, script = "\n".join(text for *_, text in edits), place.script
    known = bound_in(script.tree) | bound_in(place.scope)
    needed = [name for name in IMPORTS if re.search(rf"(?<![\w.]){name}\.", text) and name not in known]
    return [script.importing(IMPORTS[name]) for name in needed]


def _is_plain(node: ast.AST | None) -> bool:
    """Whether an expression is a name, or names with dots: what can be read again, and set."""
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_plain(node.value))


# --- what stands in the call of `fit` --------------------------------------------------------------------------------


def _in_call(place: Place, code: str) -> tuple[list[Edit], str]:
    """Return the edits that set arguments of `fit` where they are written, and the code that is left."""
    source, given, changed = Source(code), place.arguments, {}
    left = list(source.tree.body)
    names = {name: ast.unparse(given[name]) for name in ("x", "y", "model") if _is_plain(given.get(name))}
    known = {*names, "keras", "keras_ch8", *dir(builtins)} | {name for each in given.values() for name in loaded(each)}
    values = {name: given.get(name) or ast.parse(text, mode="eval").body for name, text in DEFAULTS.items()}
    helpers = {ast.unparse(each.targets[0]): each for each in left if isinstance(each, ast.Assign)
               if isinstance(each.value, ast.Call | ast.Attribute)}  # fmt: skip
    known |= set(helpers)
    for statement in [each for each in left if isinstance(each, ast.Assign)]:
        pairs = _pairs(statement)
        if not set(pairs) <= set(DEFAULTS) or ("**" in given and set(pairs) - set(given)):
            continue
        its = {name: helpers[name] for name in loaded(statement.value) & set(helpers)
               if len(ast.unparse(helpers[name].value)) <= SHORT}  # fmt: skip
        meanings = values | {name: each.value for name, each in its.items()}
        new = {name: _without_kind(place, value) or _folded(value, meanings) for name, value in pairs.items()}
        is_short = all(len(ast.unparse(each)) <= SHORT for name, each in new.items() if name != "callbacks")
        if new and is_short and not any(loaded(each) - known for each in new.values()):
            values, changed = values | new, changed | new
            left = [each for each in left if each is not statement and each not in its.values()]
    edits = [
        edit
        for name, value in changed.items()
        for edit in _argument(place, name, _Meanings(_parsed(names)).visit(value))
    ]
    return edits, kept(source, left)


def _parsed(names: Mapping[str, str]) -> dict[str, ast.expr]:
    return {name: ast.parse(text, mode="eval").body for name, text in names.items()}


def _pairs(statement: ast.Assign) -> dict[str, ast.expr]:
    """Return what an assignment sets, by names."""
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return dict(zip(map(ast.unparse, target.elts), value.elts, strict=False))
    return {ast.unparse(target): value}


class _Meanings(ast.NodeTransformer):
    """Puts expressions in the place of names."""

    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return copy.deepcopy(self.values.get(node.id, node))

    def visit_List(self, node: ast.List) -> ast.AST:
        """Put what is unpacked into the list: a list as its entries, and a callback that is alone as it is."""
        parts: list[ast.expr] = []
        for each in node.elts:
            inner = self.visit(each.value if isinstance(each, ast.Starred) else each)
            is_one = not isinstance(each, ast.Starred) or kind_of(inner)[:1].isupper()
            parts += inner.elts if isinstance(inner, ast.List) else [inner if is_one else ast.Starred(inner)]
        return ast.List(parts)


def _folded(value: ast.expr, meanings: Mapping[str, ast.expr]) -> ast.expr:
    """Return an expression by what its names mean, and a number where it is one."""
    node = _Meanings(meanings).visit(copy.deepcopy(value))
    is_number = {"max", "min"} >= loaded(node) and isinstance(node, ast.BinOp | ast.Call)
    return ast.Constant(eval(ast.unparse(node), {})) if is_number else node


def _without_kind(place: Place, value: ast.expr) -> ast.expr | None:
    """Return a list of callbacks without those that reduce the rate, where it is written out."""
    given = place.arguments.get("callbacks")
    if not isinstance(value, ast.ListComp) or given is None:
        return None
    written = [given, *(values_of(given.id, place.scope) if isinstance(given, ast.Name) else [])][-1]
    left = [each for each in getattr(written, "elts", [])
            if kind_of([each, *values_of(ast.unparse(each), place.scope)][-1]) != "ReduceLROnPlateau"]  # fmt: skip
    return ast.List(left) if len(left) < len(getattr(written, "elts", [])) else None


def _argument(place: Place, name: str, value: ast.expr) -> list[Edit]:
    """Return the edit that sets an argument of `fit`: of a list that grows, in the list."""
    given, script = place.arguments.get(name), place.script
    text = quoted(place, ast.unparse(value))
    if isinstance(given, ast.List) and isinstance(value, ast.List) and len(value.elts) > len(given.elts):
        new = ", ".join(quoted(place, ast.unparse(each)) for each in value.elts[: len(value.elts) - len(given.elts)])
        return [(script.begin(given) + 1,) * 2 + (f"{new}, " if given.elts else new,)]
    if (edits := with_argument(script, place.call, name, text, OF_FIT.index(name))) is None:
        raise _CannotPatch("`fit` gets its arguments from `**`")
    return edits


# --- what stands before `fit` ----------------------------------------------------------------------------------------


class _Block:
    """Lines in front of a `fit`, in the names of its script."""

    def __init__(self, place: Place, code: str) -> None:
        self.place, self.code, self.tree = place, code, ast.parse(code)
        self.stored = stored(self.tree)
        self.names: dict[str, str] = {}
        self.first: list[str] = []
        """What gives names to what has none."""
        self.edits: list[Edit] = []

    def written(self) -> list[Edit]:
        """Return the edits that put it there."""
        for name in ("model", "x", "y", *DEFAULTS):
            if name in loaded(self.tree) and name not in self.names:
                self._name(name)
        code = re.sub(r"^import .*\n+|\n# apply the same to x and y .*", "", self.code, flags=re.MULTILINE)
        lines = [*self._weights(), *self._held_out()]
        text = "\n".join([*self.first, renamed(code.strip("\n"), self.names), *lines])
        return [*self.edits, self.place.script.before_statement(self.place.statement, text)]

    def _name(self, name: str) -> None:
        """Find out what the script calls an argument, or give it a name."""
        place, given = self.place, self.place.arguments.get(name)
        is_here = isinstance(place.scope, ast.Module) or ast.unparse(given or place.call) in bound_in(place.scope)
        if _is_plain(given) and given and (name not in self.stored or (name not in DEFAULTS and (
                is_here or isinstance(given, ast.Attribute)))):  # fmt: skip
            self.names[name] = ast.unparse(given)
        elif given is not None:
            self.names[name] = self.place.script.fresh(name)
            self.first.append(f"{self.names[name]} = {place.script.said(given)}")
            self.edits.append((place.script.begin(given), place.script.end(given), self.names[name]))
        elif name in ("x", "y") and place.arguments.get("*") in place.call.args[:1]:
            self._unpack(place.call.args[0])
        elif name in DEFAULTS and "**" not in place.arguments:
            self.names[name] = self.place.script.fresh(name)
            if any(
                n.id == name and isinstance(n.ctx, ast.Load) for n in ast.walk(self.tree) if isinstance(n, ast.Name)
            ):
                self.first.append(f"{self.names[name]} = {DEFAULTS[name]}")
            self.edits += with_argument(place.script, place.call, name, self.names[name]) or []
        else:
            how = "with `**`" if "**" in place.arguments else "not apart: the labels are part of the data set"
            raise _CannotPatch(f"`fit` is given `{name}` {how}")

    def _unpack(self, starred: ast.expr) -> None:
        """Give names to what `fit(*load())` is given."""
        if not isinstance(starred, ast.Starred):
            raise _CannotPatch("`fit` is given `x` and `y` as a part of something else")
        script = self.place.script
        self.names |= {name: self.place.script.fresh(name) for name in ("x", "y")}
        pair = f"{self.names['x']}, {self.names['y']}"
        self.first.append(f"{pair} = {script.said(starred.value)}")
        self.edits.append((script.begin(starred), script.end(starred), pair))

    def _weights(self) -> list[str]:
        """Return the line that orders the weights of the examples as these are."""
        given, match = self.place.arguments.get("sample_weight"), re.search(r"x, y = x\[(\w+)\]", self.code)
        if given is None or match is None:
            return []
        if not _is_plain(given):
            raise _CannotPatch("`sample_weight` has no name, and is to be ordered as the examples are")
        return [f"{ast.unparse(given)} = {ast.unparse(given)}[{match[1]}]"]

    def _held_out(self) -> list[str]:
        """Return the lines that do with other examples what is done with those that are trained on."""
        if "permutation(" in self.code or not self.stored & {"x", "y"}:
            return []
        lines, done = [], set(self.names.values())
        for x, y in [*self._validation(), *self._evaluated()]:
            names = {"x": x, "y": y}
            wanted = {name for name in self.stored & {"x", "y"} if names[name] and names[name] not in done}
            if statements := self._making(wanted):
                if any(not names[n] for each in statements for n in loaded(each) & {"x", "y"}):
                    continue
                done |= {names[name] for name in wanted}
                source = "\n".join(map(ast.unparse, statements))
                source = source.replace(
                    "labels, y = np.unique(y, return_inverse=True)", "y = np.searchsorted(labels, y)"
                )
                source = source.replace(
                    "(labels, y) = np.unique(y, return_inverse=True)", "y = np.searchsorted(labels, y)"
                )
                lines.append(renamed(source, self.names | names))
        return lines

    def _making(self, names: set[str]) -> list[ast.stmt]:
        """Return the statements that set some names, and what they need, but for a model."""
        found, names = [], set(names)
        for statement in reversed(self.tree.body):
            if isinstance(statement, ast.Assign) and stored(statement) & names and "model" not in loaded(statement):
                found.insert(0, statement)
                names |= loaded(statement) & self.stored - {"x", "y"}
        return found

    def _validation(self) -> list[tuple[str, str]]:
        """Return the names of the validation data."""
        given, script = self.place.arguments.get("validation_data"), self.place.script
        if given is None:
            return []
        parts = given.elts if isinstance(given, ast.Tuple) else [given, given]
        if isinstance(given, ast.Tuple) and all(map(_is_plain, parts)):
            return [(ast.unparse(parts[0]), ast.unparse(parts[1]))]
        names = [self.place.script.fresh(name) for name in ("x_val", "y_val", "weights_val")[: len(parts)]]
        self.first.append(f"{', '.join(names)} = {script.said(given)}")
        self.edits.append((script.begin(given), script.end(given), f"({', '.join(names)})"))
        return [(names[0], names[1])]

    def _evaluated(self) -> list[tuple[str, str]]:
        """Return the names of what the model is evaluated on, or predicts, where they are set before `fit`."""
        place, found = self.place, []
        known = {name for node in own(place.scope) if getattr(node, "lineno", 0) < place.statement.lineno
                 for name in bound_by(node)}  # fmt: skip
        for call in [node for node in own(place.scope) if isinstance(node, ast.Call)]:
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("evaluate", "predict"):
                given = dict(zip(("x", "y"), call.args, strict=False)) | {k.arg: k.value for k in call.keywords}
                names = [ast.unparse(given[name]) if name in given else "" for name in ("x", "y")]
                x, y = (name if name in known else "" for name in names)
                found.append((x, y if call.func.attr == "evaluate" else ""))
        return found


def _outside(place: Place, code: str) -> Place:
    """Return the call of the function around a `fit`, where that alone has the name which another model takes."""
    given, called = place.arguments.get("model"), caller_of(place.script, place.scope)
    is_set = any("model" in bound_by(node) for node in ast.walk(ast.parse(code)))
    if not is_set or not isinstance(given, ast.Name) or called is None or given.id not in called[1]:
        return place
    returned = [node.value for node in own(place.scope) if isinstance(node, ast.Return)]
    if given.id in [ast.unparse(each) for value in returned if value for each in getattr(value, "elts", [value])]:
        return place
    call, known = called
    arguments = {name: known[each.id] for name, each in place.arguments.items()
                 if isinstance(each, ast.Name) and each.id in known}  # fmt: skip
    statement, scope = statement_of(place.script, call), scope_of(place.script, call)
    name, end = ast.unparse(known[given.id]), place.script.end(call)
    is_used = any(isinstance(n, ast.Name) and n.id == name and place.script.begin(n) > end for n in own(scope))
    if not is_used:
        return place
    if statement is None or loaded(ast.parse(code)) & ({"x", "y"} - set(arguments)):
        raise _CannotPatch(f"the cure makes another model, and `{name}` is used after the function that trains it")
    return Place(place.script, call, statement, scope, arguments)
