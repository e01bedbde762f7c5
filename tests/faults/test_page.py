"""docs/faults.md says what is so: its sentences stand in the code, and its tests are there."""

import ast
import re
from pathlib import Path

import pytest

import keras_ch8

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "faults.md").read_text().splitlines()
    if line.startswith("| ") and "::" in line
]


def texts():
    """Yield all texts of the package, with ... for what is filled in."""
    for path in Path(keras_ch8.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(v.value if isinstance(v, ast.Constant) else "..." for v in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_each_row_has_a_fault_what_happens_what_is_seen_and_a_test():
    assert len(ROWS) > 20
    for row in ROWS:
        assert len(row) == 4, row
        assert all(row), row


@pytest.mark.slow
def test_each_sentence_stands_in_the_code():
    known = "\n".join(" ".join(text.split()) for text in texts())
    for row in ROWS:
        for sentence in re.findall(r'"([^"]+)"', row[2]):
            for part in filter(None, (part.strip(" `.:;,") for part in sentence.split("..."))):
                assert part in known, f"{part!r} of {row[0]!r}"


def test_each_test_is_there():
    for row in ROWS:
        named = re.findall(r"`(\S+?)::(\w+)`", row[3])
        assert named, row
        for path, name in named:
            assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path}::{name}"
