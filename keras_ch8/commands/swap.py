"""Print, as a diff, what makes a Keras script train with keras_ch8.

Optimizers and callbacks of the same name are swapped where ours take the arguments that are given:
`keras.optimizers.Adam`, `from keras.callbacks import EarlyStopping`, `model.compile("sgd", ...)`. What stays is named
with its reason. The file is not written; to apply the edits:

    python -m keras_ch8 swap train.py | patch train.py
"""

import argparse
import ast
import difflib
import importlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGES = ("optimizers", "callbacks")
ROOTS = ("keras", "tensorflow.keras")
"""What the names of Keras begin with."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a Python script")


def run(arguments: argparse.Namespace) -> int:
    """Print the diff, and to the error stream what stays; return 2 if the file cannot be read."""
    try:
        source = arguments.file.read_text(encoding="utf-8")
        swapped, left = swap(source)
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        _say(f"FILE must be a Python script. Received: {arguments.file}, which fails with {error}.")
        return 2
    name = str(arguments.file)
    sys.stdout.writelines(difflib.unified_diff(_lines(source), _lines(swapped), name, name))
    for reason in sorted(left, key=lambda text: int(text.split(":")[0].removeprefix("Line "))):
        _say(reason)
    if swapped == source and not left:
        _say(f"Nothing in {name} is to be swapped: it uses no optimizer or callback that both have.")
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def swap(source: str) -> tuple[str, list[str]]:
    """Return a script with the parts of keras_ch8 in the place of Keras's, and a sentence for each that stays."""
    script = _Script(source)
    script.visit(ast.parse(source))
    return script.swapped(), script.left


@dataclass
class _Use:
    """Where a class of Keras is used: the expression, the call that it is made with, and what it is called in full."""

    node: ast.expr
    call: ast.Call | None
    package: str
    name: str


@dataclass
class _Import:
    """A name that is imported from a package of Keras."""

    statement: ast.ImportFrom
    alias: ast.alias
    package: str
    uses: list[_Use] = field(default_factory=list)


class _Script(ast.NodeVisitor):
    """Finds what is to be swapped in a script."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._known: dict[str, str] = {}
        """What a name of the script stands for, in full."""
        self._imports: dict[str, _Import] = {}
        self._edits: list[tuple[int, int, str]] = []
        """Begin and end in the source, and the text to put there."""
        self._uses: list[_Use] = []
        self._has_import = False
        self._first_keras_import: ast.stmt | None = None
        self.left: list[str] = []
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line.encode()))
        self._starts, self._bytes = starts, source.encode()

    # --- what names stand for ----------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        """Remember `import keras` and the like."""
        for alias in node.names:
            self._has_import |= alias.name == "keras_ch8" and alias.asname is None
            self._see_import(alias.name, node)
            name = alias.name if alias.asname else alias.name.split(".")[0]
            self._known[alias.asname or name] = name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Remember `from keras import optimizers` and `from keras.optimizers import Adam`."""
        if node.level or node.module is None:
            return
        self._see_import(node.module, node)
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            known = alias.asname or alias.name
            self._known[known] = full
            if found := _part(full):
                self._imports[known] = _Import(node, alias, found[0])

    def _see_import(self, module: str, node: ast.stmt) -> None:
        """Remember the first import of Keras, if possible one that is not inside anything."""
        first = self._first_keras_import
        if module.split(".")[0] in ("keras", "tensorflow") and (first is None or node.col_offset < first.col_offset):
            self._first_keras_import = node

    def _full(self, node: ast.expr) -> str:
        """Return what an expression such as `tf.keras.optimizers.Adam` stands for, "" if it is no such name."""
        if isinstance(node, ast.Name):
            return self._known.get(node.id, "")
        if isinstance(node, ast.Attribute) and (of := self._full(node.value)):
            return f"{of}.{node.attr}"
        return ""

    # --- uses --------------------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        """Take a class with the arguments that it is called with, and the string in `compile`."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "compile":
            self._compile(node)
        for child in (*node.args, *node.keywords):
            self.visit(child)
        if not self._use(node.func, node):
            self.visit(node.func)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Take a class that is named without a call."""
        if not self._use(node, None):
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Take a class that is named without a call."""
        self._use(node, None)

    def _use(self, node: ast.expr, call: ast.Call | None) -> bool:
        found = _part(self._full(node))
        if not found:
            return False
        use = _Use(node, call, *found)
        if isinstance(node, ast.Name) and node.id in self._imports:
            self._imports[node.id].uses.append(use)
        else:
            self._uses.append(use)
        return True

    def _compile(self, node: ast.Call) -> None:
        given = [k.value for k in node.keywords if k.arg == "optimizer"] or node.args[:1]
        for value in given:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                for name in _both("optimizers"):
                    if value.value.lower() == name.lower():
                        self._edit(value, f'"keras_ch8>{name}"')

    # --- edits -------------------------------------------------------------------------------------------------------

    def swapped(self) -> str:
        """Return the script with the edits."""
        for use in self._uses:
            if not (reason := _refused(use)):
                self._edit(use.node, f"keras_ch8.{use.package}.{use.name}")
            else:
                self._leave(use, reason)
        moved: dict[ast.ImportFrom, list[_Import]] = {}
        for each in self._imports.values():
            reasons = [(use, reason) for use in each.uses if (reason := _refused(use))]
            for use, reason in reasons:
                self._leave(use, reason)
            if not reasons and each.uses:
                moved.setdefault(each.statement, []).append(each)
        for statement, imports in moved.items():
            self._edit(statement, _split(statement, imports))
        if any(text.startswith(("keras_ch8.", '"keras_ch8>')) for _, _, text in self._edits):
            self._add_import()
        text = self._bytes
        for begin, end, new in sorted(self._edits, reverse=True):
            text = text[:begin] + new.encode() + text[end:]
        return text.decode()

    def _add_import(self) -> None:
        first = self._first_keras_import
        if self._has_import or first is None or first.end_lineno is None:
            return
        end = self._starts[first.end_lineno]
        indent = " " * first.col_offset
        if not self._bytes[:end].endswith(b"\n"):
            indent = "\n" + indent
        self._edits.append((end, end, f"{indent}import keras_ch8\n"))

    def _edit(self, node: ast.expr | ast.stmt, text: str) -> None:
        begin = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        self._edits.append((begin, end, text))

    def _leave(self, use: _Use, reason: str) -> None:
        self.left.append(f"Line {use.node.lineno}: `keras.{use.package}.{use.name}` stays. {reason}")


def _part(full: str) -> tuple[str, str] | None:
    """Return package and name of a class that both have; None if this is no such name."""
    for root in ROOTS:
        for package in PACKAGES:
            prefix = f"{root}.{package}."
            if full.startswith(prefix) and full.removeprefix(prefix) in _both(package):
                return package, full.removeprefix(prefix)
    return None


def _both(package: str) -> list[str]:
    """Return the names that a package of ours and Keras's share."""
    theirs = importlib.import_module(f"keras.{package}")
    return [name for name in importlib.import_module(f"keras_ch8.{package}").__all__ if hasattr(theirs, name)]


def _refused(use: _Use) -> str:
    """Return what our class says to the arguments that are written out; "" if it takes them."""
    if use.call is None:
        return ""
    args = [_value(arg) for arg in use.call.args]
    arguments = {k.arg: _value(k.value) for k in use.call.keywords if k.arg}
    while args and args[-1] is _UNKNOWN:
        args.pop()
    if _UNKNOWN in args:
        args = []
    known = {name: value for name, value in arguments.items() if value is not _UNKNOWN}
    try:
        getattr(importlib.import_module(f"keras_ch8.{use.package}"), use.name)(*args, **known)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


_UNKNOWN: Any = object()
"""An argument that is known only when the script runs."""


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return _UNKNOWN


def _split(statement: ast.ImportFrom, imports: list[_Import]) -> str:
    """Return the imports of a statement, those that are swapped from keras_ch8."""
    ours = [each.alias for each in imports]
    rest = [alias for alias in statement.names if alias not in ours]
    lines = [f"from keras_ch8.{imports[0].package} import {', '.join(map(ast.unparse, ours))}"]
    if rest:
        lines.append(f"from {statement.module} import {', '.join(map(ast.unparse, rest))}")
    return ("\n" + " " * statement.col_offset).join(lines)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
