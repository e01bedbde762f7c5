"""Counts what the package is made of: `python tools/house.py`.

`python tools/house.py FOLDER` prints the same of another state of the repository, such as an unpacked one.
"""

import ast
import dataclasses
import sys
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path

from recipes import recipes

ROOT = Path(__file__).parent.parent
SMALL, LONG = 40, 400
"""Lines of code below which a file is small, and all lines above which it is long."""
MOST_REQUIRED = 5
"""The parameters without defaults that a function may have, `self` apart."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclasses.dataclass(frozen=True)
class Module:
    """A file of the package."""

    path: Path
    parts: tuple[str, ...]
    """Its dotted name; that of a package for an `__init__.py`."""
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All of its syntax."""
        return list(ast.walk(ast.parse(self.text)))

    @property
    def lines(self) -> int:
        """All of them."""
        return len(self.text.splitlines())

    @cached_property
    def documented(self) -> set[int]:
        """The lines of docstrings, and of strings that say what the attribute above them is."""
        alone = [node.value for node in self.nodes if isinstance(node, ast.Expr)]
        texts = [node for node in alone if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return {line for text in texts for line in range(text.lineno, (text.end_lineno or text.lineno) + 1)}

    @property
    def code(self) -> int:
        """How many lines are neither blank, nor a comment, nor documentation."""
        lines = enumerate(map(str.strip, self.text.splitlines()), 1)
        return sum(1 for number, line in lines if line and line[0] != "#" and number not in self.documented)

    @property
    def functions(self) -> list[Function]:
        """All functions and methods."""
        return [node for node in self.nodes if isinstance(node, Function)]

    @property
    def public(self) -> list[str]:
        """The names in its `__all__`."""
        for node in self.nodes:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return [ast.unparse(name) for name in getattr(node.value, "elts", ())]
        return []

    @property
    def imports(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the module, by its parts, and the name of all that is imported from this package, in any line."""
        package = self.parts if self.path.stem == "__init__" else self.parts[:-1]
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                base = package[: len(package) - node.level + 1] + tuple((node.module or "").split("."))
                yield from ((tuple(filter(None, base)), alias.name) for alias in node.names)


@cache
def modules(package: Path) -> list[Module]:
    """Return the files of a package, read once."""
    found = []
    for path in sorted(package.rglob("*.py")):
        *parts, last = path.relative_to(package.parent).with_suffix("").parts
        found.append(Module(path, (*parts, *([] if last == "__init__" else [last])), path.read_text()))
    return found


def circles(package: Iterable[Module]) -> list[list[str]]:
    """Return the groups of modules that import each other, also through others, and for type checkers alone.

    Packages do not count: they gather what is in them.
    """
    files = {".".join(module.parts): module for module in package if module.path.stem != "__init__"}
    imports = {}
    for name, module in files.items():
        named = [{".".join(base), ".".join((*base, what))} for base, what in module.imports]
        imports[name] = set().union(*named) & files.keys()
    reached = {}
    for name in imports:
        found, ahead = set(), imports[name]
        while ahead:
            found |= ahead
            ahead = set().union(*(imports[each] for each in ahead)) - found
        reached[name] = found
    groups = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in reached}
    return [list(group) for group in sorted(groups) if group]


def private_imports(package: Iterable[Module]) -> list[str]:
    """Return who imports what is private in another package; what the root has is there for all."""
    found = set()
    for module in package:
        for base, name in module.imports:
            if base[1:2] not in ((), module.parts[1:2]) and any(part.startswith("_") for part in (*base[2:], name)):
                found.add(f"{'.'.join(module.parts)} imports {name} of {'.'.join(base)}")
    return sorted(found)


def required(function: Function) -> list[str]:
    """Return the parameters that a function asks for, `self` apart."""
    of = function.args
    places = [*of.posonlyargs, *of.args]
    names = places[: len(places) - len(of.defaults)]
    names += [each for each, default in zip(of.kwonlyargs, of.kw_defaults, strict=True) if default is None]
    return [each.arg for each in names if each.arg not in ("self", "cls")]


def demanding(package: Iterable[Module]) -> list[str]:
    """Return the functions that ask for too many parameters; a constructor has what it keeps."""
    return [
        f"{'.'.join(module.parts)}.{function.name}"
        for module in package
        for function in module.functions
        if len(required(function)) > MOST_REQUIRED and function.name != "__init__"
    ]


def annotations(package: Iterable[Module]) -> list[str]:
    """Return the type of each argument that has one, but for `*args` and `**kwargs`."""
    functions = [function.args for module in package for function in module.functions]
    arguments = [each for of in functions for each in (*of.posonlyargs, *of.args, *of.kwonlyargs)]
    return [ast.unparse(each.annotation) for each in arguments if each.annotation]


def counts(root: Path) -> dict[str, str]:
    """Return what is counted of a state of the repository, each as it is shown."""
    package, tests = modules(root / "keras_ch8"), modules(root / "tests")
    small = sum(module.code < SMALL for module in package)
    code, documented = sum(module.code for module in package), sum(len(module.documented) for module in package)
    types = annotations(package)
    plain, share = types.count("Any"), 100 * types.count("Any") / len(types)
    functions = sum(each.name.startswith("test_") for module in tests for each in module.functions)
    found = {
        "files": f"{len(package)}, of which {small} have less than {SMALL} lines of code",
        "lines": f"{sum(m.lines for m in package):,}: {code:,} of code, {documented:,} of documentation",
        f"files of more than {LONG} lines": f"{sum(module.lines > LONG for module in package)}",
        "public names": f"{sum(len(module.public) for module in package if len(module.parts) == 2)}",
        "tests": f"{functions:,} functions in {sum(module.lines for module in tests):,} lines",
        "groups of modules that import each other": f"{len(circles(package))}",
        "names imported from another package's private modules": f"{len(private_imports(package))}",
        "arguments that are annotated as plain `Any`": f"{plain:,} of {len(types):,} ({share:.0f} %)",
        f"functions with more than {MOST_REQUIRED} parameters without defaults": f"{len(demanding(package))}",
    }
    for name, pieces in recipes((root / "CONTRIBUTING.md").read_text()).items():
        found[f"files to touch for {name[0].lower()}{name[1:]}"] = f"{len({piece.path for piece in pieces})}"
    return found


if __name__ == "__main__":
    for what, number in counts(Path(sys.argv[1]) if sys.argv[1:] else ROOT).items():
        sys.stdout.write(f"{what}: {number}\n")
