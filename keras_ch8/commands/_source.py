"""The source of a script: read as Python reads it, edited at nodes of its syntax tree, and compared as a diff."""

import ast
import difflib
import io
import itertools
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

BOM = "\ufeff"
Edit = tuple[int, int, str]
"""Begin and end in the bytes of a source, and the text to put there."""


class Source:
    """A script, its syntax tree, and where the nodes of the tree are in it.

    Raises:
        SyntaxError: If it is not valid Python.
    """

    def __init__(self, text: str) -> None:
        self._mark, self.text = (BOM if text.startswith(BOM) else ""), text.removeprefix(BOM)
        self.lines, self.bytes = lines(self.text), self.text.encode()
        self._starts = [0, *itertools.accumulate(len(line.encode()) for line in self.lines)]
        self.tree = ast.parse(self.text)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.names = {name for node in ast.walk(self.tree) for name in [*bound_by(node), *imported_by(node)]}
        self.names |= loaded(self.tree)
        self.ending = next(
            (line[len(line.rstrip("\r\n")) :] for line in self.lines if line.endswith(("\n", "\r"))), "\n"
        )

    def begin(self, node: Any) -> int:
        """Return the byte at which a node begins."""
        return self._starts[int(node.lineno) - 1] + int(node.col_offset)

    def end(self, node: Any) -> int:
        """Return the byte after a node."""
        return self._starts[int(node.end_lineno) - 1] + int(node.end_col_offset)

    def said(self, node: ast.AST) -> str:
        """Return the text of a node."""
        return self.bytes[self.begin(node) : self.end(node)].decode()

    def before(self, node: Any) -> str:
        """Return what stands before a node in its line."""
        return self.lines[node.lineno - 1].encode()[: node.col_offset].decode()

    def break_after(self, node: ast.stmt) -> str:
        """Return what parts a statement from the next: a new line where it has its own, otherwise a semicolon."""
        after = self.lines[(node.end_lineno or node.lineno) - 1].encode()[node.end_col_offset :].decode().strip()
        if self.before(node).strip() or (after and not after.startswith("#")):
            return "; "
        return self.ending + self.before(node)

    def edited(self, edits: Iterable[Edit]) -> str:
        """Return the script with some edits; of those at one place the first comes first.

        Raises:
            SyntaxError: If it would no longer be valid Python.
        """
        text = self.bytes
        for begin, end, new in reversed(sorted(edits, key=lambda edit: edit[:2])):
            text = text[:begin] + new.encode() + text[end:]
        edited = text.decode()
        try:
            ast.parse(edited)
        except SyntaxError as error:
            raise SyntaxError(
                f"an edit near {error.text!r} that would not be valid Python; replace the names there by hand"
            ) from None
        return self._mark + edited

    def before_statement(self, statement: ast.stmt, text: str) -> Edit:
        """Return the edit that puts lines of Python before a statement, indented as the script is."""
        indent, begins = self.before(statement), self.begin(statement)
        unit = "\t" if any(line.startswith("\t") for line in self.lines) else "    "
        is_alone = not indent.strip()
        if not is_alone:  # after a colon or a semicolon
            is_body = getattr(self.parents[statement], "lineno", 0) == statement.lineno
            indent = indent[: len(indent) - len(indent.lstrip())] + unit * is_body
        gap = self.ending + indent
        rows = [re.sub(r"^( {4})+", lambda found: unit * (len(found[0]) // 4), row) for row in text.split("\n")]
        return begins, begins, ("" if is_alone else gap) + gap.join(rows) + gap

    def fresh(self, name: str) -> str:
        """Return a name that stands for nothing yet: this one, or one like it."""
        names = itertools.chain((name, f"new_{name}"), (f"{name}_{i}" for i in itertools.count(2)))
        return next(each for each in names if each not in self.names)

    # --- imports -----------------------------------------------------------------------------------------------------

    def has_import(self, name: str, before: int) -> bool:
        """Whether a module is imported under its name, everywhere, before a byte."""
        found = [n for n in self.tree.body if isinstance(n, ast.Import) and self.begin(n) < before]
        return any(alias.name == name and alias.asname is None for n in found for alias in n.names)

    def importing(self, statement: str) -> Edit:
        """Return the edit that imports after the first import of Keras that holds everywhere, or at the top.

        An import inside a function or under an `if` holds there alone.
        """
        body = self.tree.body
        of_keras = [n for n in body if is_of_keras(n)]
        docs = body[:1] if ast.get_docstring(self.tree) is not None else []
        futures = [n for n in body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
        if after := of_keras[:1] or futures[-1:] or docs:
            return self.end(after[0]), self.end(after[0]), f"{self.break_after(after[0])}{statement}"
        return self.begin(body[0]), self.begin(body[0]), f"{statement}{self.break_after(body[0])}"


def is_of_keras(node: ast.AST) -> bool:
    """Whether a node imports from Keras or TensorFlow."""
    named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return any(name.split(".")[0] in ("keras", "tensorflow") for name in named)


def bound_by(node: ast.AST) -> list[str]:
    """Return the names that a node makes stand for something, other than by an import."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    if isinstance(node, ast.arg):
        return [node.arg]
    return [node.name] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else []


def imported_by(node: ast.AST) -> list[str]:
    """Return the names that an import binds."""
    aliases = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    return [(alias.asname or alias.name).split(".")[0] for alias in aliases]


def loaded(node: ast.AST) -> set[str]:
    """Return all names in a part of a tree."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def stored(node: ast.AST) -> set[str]:
    """Return the names in it that are set."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def renamed(code: str, names: Mapping[str, str]) -> str:
    """Return code with other names, but for those of the arguments of a `lambda`."""
    source, edits = Source(code), []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id in names:
            around: ast.AST = node
            while around in source.parents and not (isinstance(around, ast.Lambda) and _takes(around, node.id)):
                around = source.parents[around]
            if not isinstance(around, ast.Lambda):
                edits.append((source.begin(node), source.end(node), names[node.id]))
    return source.edited(edits)


def _takes(function: ast.Lambda, name: str) -> bool:
    return any(isinstance(node, ast.arg) and node.arg == name for node in ast.walk(function.args))


def lines(text: str) -> list[str]:
    """Return the lines of a text as Python counts them, with their ends."""
    return io.StringIO(text, newline="").readlines()


def read(path: Path) -> tuple[str, str]:
    """Return the text of a script, with its line ends and its byte order mark, and its encoding.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not written in its encoding.
        SyntaxError: If its encoding is not known.
    """
    raw = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    return raw.decode(encoding), encoding


def diff(before: str, after: str, old: str, new: str) -> str:
    """Return the unified diff of two texts, as `patch` and `git apply` take it; "" where they are equal.

    For `git apply`, the names are `a/FILE` and `b/FILE`.
    """
    return "".join(_diff(before, after, old, new))


def _diff(before: str, after: str, old: str, new: str) -> Iterator[str]:
    was, is_now = (io.StringIO(text, newline="\n").readlines() for text in (before, after))  # lines as git counts them
    old, new = (f"{name}\t" if " " in name else name for name in (old, new))
    for line in difflib.unified_diff(was, is_now, old, new):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
