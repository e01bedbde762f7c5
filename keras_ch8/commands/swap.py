"""Print, as a diff, what makes a Keras script train with keras_ch8.

Optimizers and callbacks of the same name are swapped where they are made, if ours take the arguments that are written
there: `keras.optimizers.Adam(1e-3)`, `from keras.callbacks import EarlyStopping`, `model.compile("sgd", ...)`. So are
those of TensorFlow Addons that have a part here: `tfa.optimizers.AdamW(weight_decay=1e-4, learning_rate=1e-3)`. What
stays is named with its reason, and so is each swap that changes the numbers of a training. The file is not written; to
apply the edits:

    python -m keras_ch8 swap train.py | patch train.py
"""

import argparse
import ast
import functools
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from . import _addons
from ._source import Edit, Source, bound_by, diff, read

PACKAGES = ("optimizers", "callbacks")
OFF = {
    ("Adagrad", "initial_accumulator_value"): (1, 0.0),
    ("Adam", "amsgrad"): (4, False),
    ("AdamW", "amsgrad"): (5, False),
    ("RMSprop", "momentum"): (2, 0.0),
    ("RMSprop", "centered"): (4, False),
}
"""Arguments of Keras's of which ours take one value: their place, and that value."""
ROOTS = ("keras", "tensorflow.keras")
"""What the names of Keras begin with."""
OTHER_NUMBERS = {
    "Adagrad": "its sums begin at 0 and delta stands outside the root, as in the book, so that its first steps are "
    "longer: losses of scripts differed by 3 to 16 %",
    "RMSprop": "delta is 1e-6, as in the book, where Keras has 1e-7: losses of scripts differed by 2 to 12 %. "
    "`epsilon=1e-7` keeps Keras's numbers",
}
"""Optimizers with which a training is another one after the swap, and why."""
_SOMETHING_ELSE = "something else"
_UNCALLED = "It is named here without being called, so that a swap would change what the script means."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a Python script")


def run(arguments: argparse.Namespace) -> int:
    """Print the diff, and to the error stream what stays; return 2 if the file cannot be read."""
    name = str(arguments.file)
    if arguments.file.suffix == ".ipynb":
        _say(
            f"FILE must be a Python script. Received: {name}, a notebook. Convert it first with `jupyter nbconvert "
            "--to script`."
        )
        return 2
    try:
        source, encoding = read(arguments.file)
        swapped, left = swap(source)
    except (OSError, ValueError, SyntaxError) as error:
        _say(f"FILE must be a Python script. Received: {name}, which fails with {error}.")
        return 2
    sys.stdout.flush()
    sys.stdout.buffer.write(diff(source, swapped, name, name).encode(encoding))
    sys.stdout.buffer.flush()
    for number, reason in sorted(left):
        _say(f"Line {number}: {reason}")
    if swapped == source and not left:
        _say(f"Nothing in {name} needs to be swapped: it makes no optimizer or callback that keras_ch8 has.")
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def swap(source: str) -> tuple[str, list[tuple[int, str]]]:
    """Return the script with the parts of keras_ch8 in place of Keras's, and by lines what to know.

    That is the reason of each part that stays, and what changes the numbers of a training.

    Raises:
        SyntaxError: If the script is not valid Python, or would not be after an edit.
    """
    script = _Script(source)
    return script.swapped(), script.left


class _Use(NamedTuple):
    """Where a class of Keras stands, the call that it is made with, if any, and what it is called in full."""

    node: ast.Name | ast.Attribute
    call: ast.Call | None
    package: str
    name: str


class _Script(Source):
    """A script, and the edits that swap it."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._edits: list[Edit] = []
        self.left: list[tuple[int, str]] = []
        """Lines and reasons of what stays, and of what changes the numbers."""
        self._imports = [n for n in ast.walk(self.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        self._known = self._names()
        self._gone: set[int] = set()
        """Names of addons that no longer stand there after the edits, by their `id`."""
        self._has_import = False
        """Whether an import of addons has become one of keras_ch8 that holds everywhere."""

    # --- what names stand for ----------------------------------------------------------------------------------------

    def _names(self) -> dict[str, str]:
        """Return what each imported name stands for in full, but for names that stand for something else too."""
        found: dict[str, set[str]] = {}
        for node in self._imports:
            for alias in node.names:
                if isinstance(node, ast.Import):
                    name = alias.name if alias.asname else alias.name.split(".")[0]
                    found.setdefault(alias.asname or name, set()).add(name)
                elif alias.name == "*" and node.module in [f"{r}.{p}" for r in ROOTS for p in PACKAGES]:
                    self.left.append(
                        (node.lineno, f"`from {node.module} import *` names no class. Import the classes by name.")
                    )
                else:
                    found.setdefault(alias.asname or alias.name, set()).add(f"{node.module}.{alias.name}")
        for other in ast.walk(self.tree):
            for name in bound_by(other):
                found.setdefault(name, set()).add(_SOMETHING_ELSE)
        return {
            name: next(iter(full)) for name, full in found.items() if len(full) == 1 and _SOMETHING_ELSE not in full
        }

    def _full(self, node: ast.expr) -> str:
        """Return what an expression such as `tf.keras.optimizers.Adam` stands for, "" if it is no such name."""
        if isinstance(node, ast.Name):
            return self._known.get(node.id, "")
        if isinstance(node, ast.Attribute) and (of := self._full(node.value)):
            return f"{of}.{node.attr}"
        return ""

    # --- what is swapped ---------------------------------------------------------------------------------------------

    def swapped(self) -> str:
        """Return the script with the edits."""
        by_import: dict[str, list[_Use]] = {}
        for use in self._uses(self.tree):
            if isinstance(use.node, ast.Name):
                by_import.setdefault(use.node.id, []).append(use)
            else:
                self._swap(use)
        moved = {name for name, uses in by_import.items() if not any(_refusal(use) for use in uses)}
        moved -= {a.asname or a.name for n in self._imports if n.lineno != n.end_lineno for a in n.names}
        for name, uses in by_import.items():
            for use in uses:
                if name in moved:
                    self._note_numbers(use.node.lineno, use.name, use.call)
                else:
                    self._swap(use)
        self._import_in_place_of_addons()
        for node in self._imports:
            if isinstance(node, ast.ImportFrom) and (ours := [a for a in node.names if (a.asname or a.name) in moved]):
                self._move(node, ours)
        if any("keras_ch8." in text or "keras_ch8>" in text for _, _, text in self._edits if "import" not in text):
            self._add_import()
        return self.edited(self._edits)

    def _uses(self, node: ast.AST, call: ast.Call | None = None) -> Iterator[_Use]:
        """Yield the classes that both have, and edit the strings in `compile`; an f-string is not looked into."""
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.Name | ast.Attribute) and self._full(node).startswith(_addons.ROOTS):
            self._addon(node, call)
            return
        if isinstance(node, ast.Name | ast.Attribute) and (found := _part(self._full(node))):
            yield _Use(node, call, *found)
            return
        if isinstance(node, ast.Call):
            self._compile(node)
        for child in ast.iter_child_nodes(node):
            yield from self._uses(child, node if isinstance(node, ast.Call) and child is node.func else None)

    def _addon(self, node: ast.Name | ast.Attribute, call: ast.Call | None) -> None:
        """Swap a part of TensorFlow Addons or keras-contrib where it is made, or say why it stays."""
        full = self._full(node)
        if full not in _addons.OURS:
            instead = _addons.STAYS.get(full, "Of addons, optimizers, schedules and callbacks alone are swapped.")
            self.left.append((node.lineno, f"`{full}` stays. {instead}"))
            return
        script = _addons.Script(lambda n: (self.begin(n), self.end(n)), ast.unparse, self._is_number)
        edits, reason = ([], _UNCALLED) if call is None else _addons.edits_of(full, call, script)
        if reason:
            self.left.append((node.lineno, f"`{full}` stays. {reason}"))
            return
        self._edits += edits
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        self._gone.add(id(root))
        if says := _addons.OURS[full].says:
            self.left.append((node.lineno, f"`{full}` is swapped, but {says}."))

    def _is_number(self, node: ast.expr, within: tuple[str, ...] = ()) -> bool:
        """Whether an expression surely is a number, also by a name that stands for one thing."""
        if isinstance(node, ast.Name):
            bound = [n for n in ast.walk(self.tree) if node.id in bound_by(n)]
            values = [n.value for n in ast.walk(self.tree) if isinstance(n, ast.Assign) and n.targets == bound]
            is_new = node.id not in within and node.id not in self._known
            return is_new and len(bound) == len(values) == 1 and self._is_number(values[0], (*within, node.id))
        if isinstance(node, ast.BinOp):
            return self._is_number(node.left, within) and self._is_number(node.right, within)
        return isinstance(_value(node), int | float) and not isinstance(_value(node), bool)

    def _compile(self, node: ast.Call) -> None:
        """Swap the string of an optimizer in `model.compile`."""
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == "compile") or self._full(node.func.value):
            return
        for value in [k.value for k in node.keywords if k.arg == "optimizer"] or node.args[:1]:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                for name in both("optimizers"):
                    if value.value.lower() == name.lower():
                        quote = self.bytes[self.begin(value) : self.begin(value) + 1].decode()
                        self._edits.append((self.begin(value), self.end(value), f"{quote}keras_ch8>{name}{quote}"))
                        self._note_numbers(value.lineno, name)

    def _swap(self, use: _Use) -> None:
        if reason := _refusal(use):
            self.left.append((use.node.lineno, f"`keras.{use.package}.{use.name}` stays. {reason}"))
        else:
            self._edits.append((self.begin(use.node), self.end(use.node), f"keras_ch8.{use.package}.{use.name}"))
            self._note_numbers(use.node.lineno, use.name, use.call)

    def _note_numbers(self, line: int, name: str, call: ast.Call | None = None) -> None:
        """Say what changes the numbers of a training, unless the call gives a delta, which ours takes as it is."""
        gives_delta = call is not None and any(k.arg == "epsilon" for k in call.keywords)
        if name in OTHER_NUMBERS and not (name == "RMSprop" and gives_delta):
            self.left.append((line, f"`{name}` of keras_ch8 makes other steps: {OTHER_NUMBERS[name]}."))

    # --- imports -----------------------------------------------------------------------------------------------------

    def _import_in_place_of_addons(self) -> None:
        """Import keras_ch8 where addons are imported whose parts were swapped, in their place if none is left."""
        names = [n for n in ast.walk(self.tree) if isinstance(n, ast.Name)]
        for node in self._imports:
            bound = {alias.asname or alias.name.split(".")[0] for alias in node.names}
            own = [n for n in names if n.id in bound]
            if not any(id(n) in self._gone for n in own):
                continue
            is_needed = any(id(n) not in self._gone for n in own)
            end = self.begin(node) if is_needed else self.end(node)
            after = self.break_after(node) if is_needed else ""
            self._edits.append((self.begin(node), end, f"import keras_ch8{after}"))
            self._has_import = self._has_import or node in self.tree.body

    def _move(self, node: ast.ImportFrom, ours: list[ast.alias]) -> None:
        """Import some names from keras_ch8, and the rest from where it was."""
        package = str(node.module).split(".")[-1]
        rest = [alias for alias in node.names if alias not in ours]
        lines = [f"from keras_ch8.{package} import {', '.join(map(ast.unparse, ours))}"]
        if rest:
            lines.append(f"from {node.module} import {', '.join(map(ast.unparse, rest))}")
        self._edits.append((self.begin(node), self.end(node), self.break_after(node).join(lines)))

    def _add_import(self) -> None:
        """Import keras_ch8, unless that is done before the first swap."""
        if not self._has_import and not self.has_import("keras_ch8", min(begin for begin, *_ in self._edits)):
            self._edits.append(self.importing("import keras_ch8"))


def _part(full: str) -> tuple[str, str] | None:
    """Return package and name of a class that both have; None if this is no such name."""
    for root in ROOTS:
        for package in PACKAGES:
            prefix = f"{root}.{package}."
            if full.startswith(prefix) and full.removeprefix(prefix) in both(package):
                return package, full.removeprefix(prefix)
    return None


@functools.cache
def both(package: str) -> frozenset[str]:
    """Return the classes that a package of ours and Keras's share, as their files say: to import Keras takes long."""
    return frozenset.intersection(*(_classes_in(root, package) for root in ("keras", "keras_ch8")))


def _classes_in(root: str, package: str) -> frozenset[str]:
    spec = importlib.util.find_spec(root)
    if spec is None or spec.origin is None:
        return frozenset()
    tree = ast.parse((Path(spec.origin).parent / package / "__init__.py").read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    return frozenset(name for name in names if name[0].isupper())


def _refusal(use: _Use) -> str:
    """Return why a class of Keras stays, such as for the arguments that are written out; "" if ours takes its place."""
    _, call, package, name = use
    if call is None:
        return _UNCALLED
    if name == "TensorBoard" and len(call.args) > 1:
        return "Arguments of keras_ch8.callbacks.TensorBoard but `log_dir` go by name."
    named = {keyword.arg: _value(keyword.value) for keyword in call.keywords}
    for (owner, argument), (place, off) in OFF.items():
        value = _value(call.args[place]) if place < len(call.args) else named.get(argument, off)
        if owner == name and value is not _UNKNOWN and value != off:
            return f"`{argument}={value!r}` is not in the book: keras_ch8.{package}.{name} takes {off!r} only."
    return ""


_UNKNOWN: Any = object()
"""An argument that is known only when the script runs."""


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return _UNKNOWN
