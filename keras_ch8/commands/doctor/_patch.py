"""The code of a cure written into a script: in its names, and where a person would write it."""

import ast
import builtins
import copy
import re
from collections.abc import Mapping, Sequence

from .._source import Edit, Source, bound_by, loaded, renamed, stored
from ._definition import kept, moved, quoted, with_argument
from ._place import (
    OF_FIT,
    NoPatch,
    Place,
    arguments_of,
    bound_in,
    caller_of,
    kind_of,
    own,
    scope_of,
    statement_of,
    values_of,
)
from ._reading import is_a_sign, is_read, misread, operands

DEFAULTS = {"batch_size": "32", "epochs": "1", "callbacks": "[]", "class_weight": "None"}
"""What the arguments that cures change are where `fit` is not given them."""
OF_TRAINING = {"model", "x", "y", *DEFAULTS}
"""Names that the code of cures has for what the script calls otherwise."""
IMPORTS = {"keras": "import keras", "keras_ch8": "import keras_ch8", "np": "import numpy as np"}
"""What it needs beside them."""
SHORT = 60
"""Characters of an argument up to which it is written in the call."""
NO_PATCH = "There is no patch for this form of script"
NUMBERED = "np.unique(y, return_inverse=True)"
"""What numbers the labels that are trained on; others are numbered like these."""
COLUMN = "[:, None]"
"""What gives labels a last axis."""
ATOM = ast.Name | ast.Attribute | ast.Call | ast.Subscript
"""Expressions that an index may follow."""


class _CannotPatch(Exception):
    """Why a script is not edited."""


def patched(place: Place, code: str) -> str | NoPatch:
    """Return the script with the code of a cure in it, or why that cannot be.

    What changes the model is written where the model is defined and compiled, an argument of `fit` in the call, and
    the rest before `fit`; where that would not be valid Python, all of it before `fit`.
    """
    if said := misread(place, code) or _renumbered(place, code):
        return NoPatch(f"{NO_PATCH}: {said}.")
    said = "the edits would not be valid Python"
    for edits, rest in (moved(place, code), ([], code)):
        try:
            edits = edits + _before_fit(place, rest)
            return place.script.edited(edits + _imports(place, edits))
        except _CannotPatch as error:
            said = str(error)
        except SyntaxError:
            continue
    return NoPatch(f"{NO_PATCH}: {said}.")


def _renumbered(place: Place, code: str) -> str:
    """Return why the script would compare predictions with labels as they were; "" if it would not.

    Where a fix numbers the labels anew, the model predicts the new numbers. What the script compares them with must
    then be among what the fix writes: the labels of the training, of `validation_data`, and of `evaluate`.
    """
    new = re.search(r"^(labels, y = np\.unique\(|y = (\(y ==|y - |2 \* y)|x = x\.map\(.*target - )", code, re.MULTILINE)
    if not new or not is_read(place):
        return ""
    given = [place.arguments.get(name) for name in ("y", "validation_data")]
    parts = [part for each in given if each for part in (each.elts[1:2] if isinstance(each, ast.Tuple) else [each])]
    written = {*map(ast.unparse, parts), *(y for _, y in _Block(place, code)._evaluated())}
    behind = [n for n in ast.walk(place.script.tree) if getattr(n, "lineno", 0) > (place.statement.end_lineno or 0)]
    made = {name for node in behind for name in bound_by(node)}
    compared = {ast.unparse(each) for node in behind for each in operands(node) if _is_plain(each)} - made
    if compared and compared <= written and not ("(y ==" in new[0] and any(map(is_a_sign, behind))):
        return ""
    return "it reads its predictions as labels, which the fix numbers anew"


def _before_fit(place: Place, code: str) -> list[Edit]:
    """Return the edits that do what code does before a `fit`, and in its call."""
    if columns := _as_columns(place, code):
        return columns
    helpers = stored(ast.parse(code)) - OF_TRAINING
    edits, rest = _in_call(place, renamed(code, {name: place.script.fresh(name) for name in helpers}))
    return edits + (_Block(_outside(place, rest), rest).written() if rest.strip() else [])


def _imports(place: Place, edits: Sequence[Edit]) -> list[Edit]:
    """Return the edits that import what others name."""
    text, known = "\n".join(text for *_, text in edits), bound_in(place.script.tree) | bound_in(place.scope)
    needed = [name for name in IMPORTS if re.search(rf"(?<![\w.]){name}\.", text) and name not in known]
    return [place.script.importing(IMPORTS[name]) for name in needed]


def _is_plain(node: ast.AST | None) -> bool:
    """Whether an expression is a name, or names with dots: what can be read again, and set."""
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_plain(node.value))


def _as_columns(place: Place, code: str) -> list[Edit]:
    """Return the edits that give labels a last axis where `fit` and `evaluate` get them.

    The script may compare their names with predictions later, which is why these stay what they are. None where the
    labels are not written there.
    """
    validation = place.arguments.get("validation_data")
    if not code.startswith(f"y = y{COLUMN}") or place.frames or not isinstance(validation, ast.Tuple | None):
        return []
    calls = [node for node in own(place.scope) if isinstance(node, ast.Call) and kind_of(node) == "evaluate"]
    evaluated = [given["y"] for given in map(arguments_of, calls) if "y" in given]
    found = [place.arguments.get("y"), *(validation.elts[1:2] if validation else []), *evaluated]
    if not all(isinstance(each, ATOM) for each in found):
        return []
    ends = [place.script.end(each) for each in found]
    return [(end, end, COLUMN) for end in ends]


# --- what stands in the call of `fit` --------------------------------------------------------------------------------


def _in_call(place: Place, code: str) -> tuple[list[Edit], str]:
    """Return the edits that set arguments of `fit` where they are written, and the code that is left.

    All of them are set in the call, or none: one may follow from another.
    """
    source, given = Source(code), place.arguments
    settings = [
        each for each in source.tree.body if isinstance(each, ast.Assign) and _pairs(each).keys() <= {*DEFAULTS}
    ]
    if not settings:
        return [], code
    rest = [each for each in source.tree.body if each not in settings]
    made, inlined = _helpers(rest)
    texts = {name: ast.unparse(given[name]) for name in ("x", "y", "model") if _is_plain(given.get(name))}
    texts |= {name: ast.unparse(given[name]) if name in given else text for name, text in DEFAULTS.items()}
    meanings = inlined | {name: ast.parse(text, mode="eval").body for name, text in texts.items()}
    known = {"keras", "keras_ch8", *dir(builtins), *made}.union(*map(loaded, meanings.values()))
    changed: dict[str, ast.expr] = {}
    for name, value in [pair for each in settings for pair in _pairs(each).items()]:
        new = _without_kind(place, value) or _folded(value, meanings | changed)
        is_long = len(ast.unparse(new)) > SHORT and name != "callbacks"
        if is_long or loaded(new) - known or ("**" in given and name not in given):
            return [], code
        changed[name] = new
    edits = [edit for name, value in changed.items() for edit in _argument(place, name, value)]
    return edits, kept(source, [each for each in rest if not inlined.keys() & stored(each)])


def _helpers(statements: Sequence[ast.stmt]) -> tuple[dict[str, ast.expr], dict[str, ast.expr]]:
    """Return what some statements give a name to, and of this what is short, and used by none of them."""
    made: dict[str, ast.expr] = {}
    for each in statements:
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call | ast.Attribute):
            made |= {target.id: each.value for target in each.targets if isinstance(target, ast.Name)}
    used = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return made, {name: value for name, value in made.items() if name not in used and len(ast.unparse(value)) <= SHORT}


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
    is_number = {"max"} >= loaded(node) and isinstance(node, ast.BinOp | ast.Call)
    return ast.Constant(eval(ast.unparse(node), {})) if is_number else node


def _without_kind(place: Place, value: ast.expr) -> ast.expr | None:
    """Return a list of callbacks without those that reduce the rate, where it is written out."""
    given = place.arguments.get("callbacks")
    if not isinstance(value, ast.ListComp) or given is None:
        return None
    written = getattr([given, *values_of(ast.unparse(given), place.scope)][-1], "elts", [])
    made = {each: [each, *values_of(ast.unparse(each), place.scope)][-1] for each in written}
    left = [each for each in written if kind_of(made[each]) != "ReduceLROnPlateau"]
    return ast.List(left) if len(left) < len(written) else None


def _argument(place: Place, name: str, value: ast.expr) -> list[Edit]:
    """Return the edit that sets an argument of `fit`: of a list that grows, in the list."""
    given, script = place.arguments.get(name), place.script
    if isinstance(given, ast.List) and isinstance(value, ast.List) and len(value.elts) > len(given.elts):
        new = ", ".join(map(ast.unparse, value.elts[: len(value.elts) - len(given.elts)]))
        begin = script.begin(given) + 1
        return [(begin, begin, quoted(script, new) + ", " * bool(given.elts))]
    return with_argument(script, place.call, name, ast.unparse(value), OF_FIT.index(name))


# --- what stands before `fit` ----------------------------------------------------------------------------------------


class _Block:
    """Lines in front of a `fit`, in the names of its script."""

    def __init__(self, place: Place, code: str) -> None:
        self.place, self.script, self.code, self.tree = place, place.script, code, ast.parse(code)
        self.stored = stored(self.tree)
        self.names: dict[str, str] = {}
        """What the script calls what the code names."""
        self.options = ""
        """Name of the copy of what `**` unpacks; "" without one."""
        self.first: list[str] = []
        """Lines that give names to what has none."""
        self.edits: list[Edit] = []

    def written(self) -> list[Edit]:
        """Return the edits that put it there."""
        for name in sorted(loaded(self.tree) & OF_TRAINING):
            if name not in self.names:
                self._name(name)
        code = re.sub(r"^import .*\n+", "", self.code, flags=re.MULTILINE).strip("\n")
        others = [*self._weights(), *self._held_out()]
        text = "\n".join([*self.first, renamed(code, self.names), *others])
        return [*self.edits, self.script.before_statement(self.place.statement, text)]

    def _name(self, name: str) -> None:
        """Find out what the script calls an argument, or give it a name."""
        given, all_given = self.place.arguments.get(name), self.place.arguments
        is_plain = _is_plain(given) and name not in self.place.frames
        if given is not None and is_plain and (name not in self.stored or self._can_be_set(name, given)):
            self.names[name] = ast.unparse(given)
        elif given is not None:
            self._call(given, name)
        elif name in ("x", "y") and all_given.get("*") in self.place.call.args[:1]:
            self._call(all_given["*"], "x", "y")
        elif _is_plain(all_given.get("**")) and name not in self.stored:
            self.names[name] = f'{ast.unparse(all_given["**"])}["{name}"]'
        elif "**" in all_given:
            self.names[name] = f'{self._options(all_given["**"])}["{name}"]'
        elif name in DEFAULTS:
            self.names[name] = self.script.fresh(name)
            names = [node for node in ast.walk(self.tree) if isinstance(node, ast.Name) and node.id == name]
            if any(isinstance(node.ctx, ast.Load) for node in names):
                self.first.append(f"{self.names[name]} = {DEFAULTS[name]}")
            self.edits += with_argument(self.script, self.place.call, name, self.names[name])
        else:
            is_in_set = name == "y" and "x" in all_given
            raise _CannotPatch(
                "`fit` gets the labels as a part of a data set" if is_in_set else f"`fit` gets no `{name}`"
            )

    def _can_be_set(self, name: str, given: ast.expr) -> bool:
        """Whether a name may stand for something else from here on: it is no setting, and not one of another scope."""
        is_here = isinstance(self.place.scope, ast.Module) or ast.unparse(given) in bound_in(self.place.scope)
        return name not in DEFAULTS and (is_here or isinstance(given, ast.Attribute))

    def _call(self, given: ast.expr, *names: str) -> None:
        """Give names to an expression, and put them in its place."""
        self.names |= {name: self.script.fresh(name) for name in names}
        new = ", ".join(self.names[name] for name in names)
        text, as_array = self.script.said(given).removeprefix("*"), self.place.frames.get(",".join(names), "")
        if as_array and not isinstance(given, ATOM):
            text = f"({text})"
        self.first.append(f"{new} = {text}{as_array}")
        self.edits.append((self.script.begin(given), self.script.end(given), new))

    def _options(self, given: ast.expr) -> str:
        """Return the name of a copy of what `**` unpacks, which other calls, or the same in a loop, may have, too."""
        if not self.options:
            self.options = self.script.fresh("options")
            self.first.append(f"{self.options} = {{**{self.script.said(given)}}}")
            self.edits.append((self.script.begin(given), self.script.end(given), self.options))
        return self.options

    def _weights(self) -> list[str]:
        """Return the line that orders the weights of the examples as these are."""
        given, match = self.place.arguments.get("sample_weight"), re.search(r"x, y = x\[(\w+)\]", self.code)
        if given is None or match is None:
            return []
        if not _is_plain(given):
            self._call(given, "sample_weight")
        name = self.names.get("sample_weight", ast.unparse(given))
        return [f"{name} = {name}[{match[1]}]"]

    def _held_out(self) -> list[str]:
        """Return the lines that do with other examples what is done with those that are trained on."""
        if "permutation(" in self.code or not self.stored & {"x", "y"}:
            return []
        lines, done = [], set(self.names.values())
        is_set = "x.map(" in self.code
        for x, y in self._validation_set() if is_set else [*self._validation(), *self._evaluated()]:
            names = {name: text for name, text in (("x", x), ("y", y)) if text}
            statements = self._making({name for name in self.stored & names.keys() if names[name] not in done})
            if not any(loaded(each) & {"x", "y"} - names.keys() for each in statements):
                source = "\n".join(map(ast.unparse, statements))
                source = re.sub(rf".* = {re.escape(NUMBERED)}", lambda found: _numbered_alike(found[0]), source)
                lines += [renamed(quoted(self.script, source), self.names | names)] if source else []
                done |= set(names.values())
        return lines

    def _making(self, names: set[str]) -> list[ast.stmt]:
        """Return the statements that set some names, and what they need, but for a model."""
        found: list[ast.stmt] = []
        for statement in reversed(self.tree.body):
            if isinstance(statement, ast.Assign) and stored(statement) & names and "model" not in loaded(statement):
                found.insert(0, statement)
                names |= loaded(statement) & self.stored - {"x", "y"}
        return found

    def _validation_set(self) -> list[tuple[str, str]]:
        """Return the name of the data set that is validated on, as inputs without targets of their own."""
        given = self.place.arguments.get("validation_data")
        if given is None:
            return []
        if not _is_plain(given):
            self._call(given, "validation")
        return [(self.names.get("validation", ast.unparse(given)), "")]

    def _validation(self) -> list[tuple[str, str]]:
        """Return the names of the validation data."""
        given = self.place.arguments.get("validation_data")
        if given is None:
            return []
        parts = given.elts if isinstance(given, ast.Tuple) else [given, given]
        if isinstance(given, ast.Tuple) and all(map(_is_plain, parts)):
            return [(ast.unparse(parts[0]), ast.unparse(parts[1]))]
        names = [self.script.fresh(name) for name in ("x_val", "y_val", "weights_val")[: len(parts)]]
        self.first.append(f"{', '.join(names)} = {self.script.said(given)}")
        self.edits.append((self.script.begin(given), self.script.end(given), f"({', '.join(names)})"))
        return [(names[0], names[1])]

    def _evaluated(self) -> list[tuple[str, str]]:
        """Return the names of what the model is evaluated on, or predicts, where they are set before `fit`."""
        nodes, line = list(own(self.place.scope)), self.place.statement.lineno
        known = {name for node in nodes if getattr(node, "lineno", 0) < line for name in bound_by(node)}
        found = []
        for call in [node for node in nodes if isinstance(node, ast.Call)]:
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("evaluate", "predict"):
                given = arguments_of(call)
                x, y = (ast.unparse(given[name]) if name in given else "" for name in ("x", "y"))
                found.append((x if x in known else "", y if y in known and call.func.attr == "evaluate" else ""))
        return found


def _numbered_alike(statement: str) -> str:
    """Return what numbers other labels as those that are trained on are numbered."""
    labels = statement.partition(",")[0].lstrip("(")
    return f"y = np.searchsorted({labels}, y)"


def _outside(place: Place, code: str) -> Place:
    """Return the call of the function around a `fit`, if the code makes another model, and only that call names it.

    Raises:
        _CannotPatch: If the other model can be made inside of the function alone.
    """
    script, given, called = place.script, place.arguments.get("model"), caller_of(place.script, place.scope)
    if "model" not in stored(ast.parse(code)) or not isinstance(given, ast.Name) or called is None:
        return place
    call, known = called
    returned = [node.value for node in own(place.scope) if isinstance(node, ast.Return) and node.value]
    if given.id not in known or any(given.id in map(ast.unparse, getattr(r, "elts", [r])) for r in returned):
        return place
    arguments = {name: known[each.id] for name, each in place.arguments.items()
                 if isinstance(each, ast.Name) and each.id in known}  # fmt: skip
    statement, scope, name = statement_of(script, call), scope_of(script, call), ast.unparse(known[given.id])
    if not any(getattr(n, "id", "") == name and script.begin(n) > script.end(call) for n in own(scope)):
        return place
    if statement is None or loaded(ast.parse(code)) & OF_TRAINING - arguments.keys():
        raise _CannotPatch(f"the cure makes another model, and `{name}` is used after the function that trains it")
    return Place(script, call, statement, scope, arguments)
