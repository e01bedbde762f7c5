"""Follows a recipe of CONTRIBUTING.md in this repository, for its code to be changed into one's own.

`python tools/recipes.py` names the recipes; `python tools/recipes.py "A pacing"` follows one, and `--tests` names
the tests that it may turn red.
"""

import dataclasses
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATH_LINE = re.compile(r"^# ((?:keras_ch8|tests)/\S+\.py)(?:, below `(.*)`)?$")

READERS = (
    "tests/test_public_api.py", "tests/test_checks.py", "tests/test_spelling.py", "tests/test_site.py",
    "tests/faults/test_fuzz.py", "tests/test_documents.py", "tests/test_method_cards.py", "tests/test_results.py",
    "tests/test_swap.py", "tests/test_tour.py", "tests/test_types.py", "tests/monitors/test_registry.py",
    "tests/monitors/test_newest.py", "tests/monitors/test_documentation.py", "tests/monitors/test_sentences.py",
    "tests/monitors/test_scalars.py", "tests/monitors/test_duration.py", "tests/verdicts/test_rules.py",
    "tests/verdicts/test_remedies.py", "tests/verdicts/test_tracker.py", "tests/verdicts/test_words.py",
    "tests/board/test_tags.py",
    "tests/cockpit/test_document.py", "tests/cockpit/test_history.py", "tests/curriculum/test_pacing.py",
    "tests/schedules/test_formulas.py", "tests/optimizers/test_keras_own.py", "tests/integration/test_backends.py",
)  # fmt: skip
"""Tests that read lists: of parts, monitors, rules, kinds, series, panels, commands, documents."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """Code for one file: at its end, below a line (with its comma), or as imports of an `__init__.py`."""

    path: str
    below: str | None
    lines: tuple[str, ...]

    @property
    def exported(self) -> list[str]:
        """The names that an `__init__.py` is to export."""
        is_export = self.path.endswith("__init__.py") and self.below is None
        return [line.split(" import ")[1].strip() for line in self.lines if line] if is_export else []

    def apply(self, root: Path) -> None:
        """Put the code where it belongs in a copy of the repository."""
        file = root / self.path
        before = file.read_text() if file.exists() else ""
        file.parent.mkdir(parents=True, exist_ok=True)
        code = "\n".join(self.lines) + "\n"
        if self.exported:
            imports, found, names = before.partition("__all__ = [")
            quoted = "".join(f'"{name}", ' for name in self.exported)
            file.write_text(f"{imports}{code}{found}{quoted}{names}")
        elif self.below:
            at = next(line for line in before.splitlines() if line.strip() == self.below.strip())
            indent = at[: len(at) - len(at.lstrip())]
            comma = "," if at.endswith(",") else ""
            added = "\n".join(indent + line + comma for line in self.lines if line)
            file.write_text(before.replace(at, f"{at}\n{added}", 1))
        else:
            file.write_text(f"{before}\n\n{code}" if before else code)


def recipes(text: str) -> dict[str, list[Piece]]:
    """Return the pieces of each recipe in the text of a CONTRIBUTING.md, by its heading."""
    found = {}
    for section in re.split(r"^### ", text.partition("## Recipes\n")[2], flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        pieces: list[Piece] = []
        [code] = re.findall(r"```python\n(.*?)```", body, re.DOTALL)
        for line in code.splitlines():
            if begins := PATH_LINE.match(line):
                pieces.append(Piece(begins[1], begins[2], ()))
            else:
                pieces[-1] = dataclasses.replace(pieces[-1], lines=(*pieces[-1].lines, line))
        found[heading.strip()] = pieces
    return found


def main(name: str) -> str:
    """Follow a recipe, or name all of them; return what is to be said."""
    if name == "--tests":
        return " ".join(READERS)
    known = recipes((ROOT / "CONTRIBUTING.md").read_text())
    if name not in known:
        return "\n".join(["The recipes of CONTRIBUTING.md:", *(f"  {each}" for each in known)])
    for piece in known[name]:
        piece.apply(ROOT)
    touched = dict.fromkeys(piece.path for piece in known[name])
    return "\n".join(["Changed:", *(f"  {path}" for path in touched), "Make it your own, then: make format docs parts"])


if __name__ == "__main__":
    sys.stdout.write(main(" ".join(sys.argv[1:])) + "\n")
