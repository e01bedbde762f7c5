"""Makes what is made from the code, and says what a part, a rule or a chart does not have yet: `make docs` calls it.

Whoever adds a part needs the files of its recipe in CONTRIBUTING.md. What else belongs to it is a page, a row or a
picture beside the code. Pages and tables are made here; the rest is named, with the place where it goes or the command
that makes it. None of it fails a test.
"""

import ast
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import chapter
import rules_page

import keras_ch8
from keras_ch8.integration import backend
from keras_ch8.monitors.base import members
from keras_ch8.verdicts.kinds import KINDS, OF_THE_START

ROOT = Path(__file__).parent.parent
WITH_CARDS = ("optimizers", "schedules", "clipping", "stopping", "callbacks", "initializers", "continuation")
"""Packages of which each part has a card, as have the pacings."""
LONG = 400
"""Lines beyond which a file has a reason in docs/design/style.md."""


def pages() -> dict[Path, str]:
    """Return all pages that are made from the code, or hold numbers of the files of results, as they should be."""
    made = {ROOT / "docs" / "index.md": chapter.index(), ROOT / "keras_ch8" / "chapter.txt": chapter.for_terminal()}
    made[ROOT / "docs" / "diagnosis.md"] = rules_page.page(members("full"))
    made[ROOT / "docs" / "texts.md"] = rules_page.texts()
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    made[ROOT / "docs" / "benchmarks.md"] = importlib.import_module("all").document(results)
    results = json.loads((ROOT / "docs" / "compare.json").read_text())
    made[ROOT / "docs" / "compare.md"] = importlib.import_module("compare").page(results)
    return made


def cards() -> Iterator[str]:
    """Yield the parts that one chooses, and that no card shows."""
    shown = set()
    for page in (ROOT / "docs" / "methods").glob("*.md"):
        for block in page.read_text().split("```python\n")[1:]:
            calls = [node for node in ast.walk(ast.parse(block.split("```")[0])) if isinstance(node, ast.Call)]
            shown |= {ast.unparse(call.func).removeprefix("keras_ch8.") for call in calls}
    pacings = {f"curriculum.pacings.{name}" for name in keras_ch8.curriculum.pacings.__all__}
    for _, name in chapter.parts():
        if (name.partition(".")[0] in WITH_CARDS or name in pacings) and name not in shown:
            yield f"{name} has no card in docs/methods"


def wild_values() -> Iterator[str]:
    """Yield the parts, and their arguments, to which the fuzz gives no wild values."""
    cases = importlib.import_module("tests.faults.cases").CASES
    fuzzed = {case.name for case in cases}
    for _, name in chapter.parts():
        if name not in fuzzed:
            yield f"{name} has no case in tests/faults/cases_of_parts.py"
    for case in cases:
        for argument in case.unsaid:
            yield f"{case.name} has a case in tests/faults that does not say what `{argument}` means"


def other_backends() -> Iterator[str]:
    """Yield the parts that work on other backends, and whose numbers are not compared with TensorFlow's.

    `ReduceOnPlateau` acts through a callback, and has no number of its own.
    """
    kinds = importlib.import_module("tests.integration.pure_parts").KINDS
    compared = {f"{package}.{name}" for package, (parts, _) in kinds.items() for name in parts}
    works = set(backend.WORKS)
    for _, name in chapter.parts():
        if (name in works or name.partition(".")[0] in works - {"extend"}) and name not in {
            *compared,
            "schedules.ReduceOnPlateau",
        }:
            yield f"{name} works on JAX and PyTorch, and tests/integration/pure_parts.py does not compare it"


def pictures() -> Iterator[str]:
    """Yield the sections that have no picture or no example, the verdicts without one, and pictures of neither."""
    folder = ROOT / "docs" / "pictures"
    for section in chapter.SECTIONS:
        if not (folder / "sections" / f"{section.number}.png").exists() or section.number not in chapter.PICTURES:
            yield f"section {section.number} has no picture in docs/pictures/sections"
        if not section.example:
            yield f"section {section.number} has no example in tools/chapter.py"
    of_start = {kind.name for kind in OF_THE_START}
    for kind in dict.fromkeys([*(rule.kind for monitor in members("full") for rule in monitor.rules), *of_start]):
        if not (folder / "verdicts" / f"{kind}.png").exists():
            yield f"the verdict {kind} has no picture: `python tools/verdict_pictures.py {kind}`"
    for picture in sorted((folder / "verdicts").glob("*.png")):
        if picture.stem not in KINDS:
            yield f"{picture.relative_to(ROOT)} is of no verdict"


def verdicts() -> Iterator[str]:
    """Yield the kinds that no planted training has, and the rules that no chart shows."""
    rules = [(monitor, rule) for monitor in members("full") for rule in monitor.rules]
    for kind in dict.fromkeys(rule.kind for _, rule in rules if rule.kind not in rules_page.SEEN):
        yield f"the verdict {kind} has no planted training in `SEEN` of tools/rules_page.py"
    for monitor, rule in rules:
        said = f'of {monitor.name}, the rule of {rule.kind} "{rule.says}"'
        drawn = [quantity.series for quantity in rule.spoken if quantity.series]
        if not drawn:
            yield f"{said} says no number that is drawn: none of its quantities has a `series`"


def long_files() -> Iterator[str]:
    """Yield the files that are long without a reason, and reasons of files that are not."""
    told = (ROOT / "docs" / "design" / "style.md").read_text().partition("\n# Long files\n")[2].partition("\n# ")[0]
    for path in sorted((ROOT / "keras_ch8").rglob("*.py")):
        name = str(path.relative_to(ROOT / "keras_ch8"))
        is_long = len(path.read_text().splitlines()) > LONG
        if is_long and f"`{name}`" not in told:
            yield f"keras_ch8/{name} has more than {LONG} lines, and no reason in docs/design/style.md"
        if not is_long and f"`{name}`" in told:
            yield f"keras_ch8/{name} has a reason to be long in docs/design/style.md, and is not"


REPORTS = (cards, wild_values, other_backends, pictures, verdicts, long_files)


def main() -> None:
    """Write the pages that are not as they should be, and say what is missing."""
    sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]  # where cases of tests are, and the pages of results
    for path, text in pages().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"made: {path.relative_to(ROOT)}\n")
    for report in REPORTS:
        for line in report():
            sys.stdout.write(f"missing: {line}\n")


if __name__ == "__main__":
    main()
