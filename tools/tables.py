"""Writes the numbers of README and of docs/guide/speed.md out of benchmarks/results.json: `python tools/tables.py`.

docs/benchmarks.md is made of the same file by `benchmarks/all.py --document`. A test compares all three.
"""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SHAPES = {
    "big": "4 x (2048, 2048)",
    "mlp": "784-1024-1024-10",
    "many": "300 x (100, 100)",
    "resnet": "54 x (3, 3, 64, 64) + 106 x (64)",
}
"""The names of `benchmarks/update_step.py` for weights, and what they are."""
PEERS = ("Keras graph", "Keras jit", "optax jit", "torch fused")
Numbers = dict[str, dict[str, list[float]]]
"""Milliseconds of an update and seconds of the first, of each contender, by optimizer and weights."""


def update_numbers() -> Numbers:
    """Return what `benchmarks/update_step.py` has written into the file of results."""
    results: Any = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    numbers: Numbers = results["benchmarks"]["update_step"]["numbers"]
    return numbers


def ratio(of: dict[str, list[float]], peer: str, ours: str = "ours in graph") -> str:
    """Return a peer's time over ours."""
    return f"{of[peer][0] / of[ours][0]:.2f} x"


def speed_table(numbers: Numbers) -> str:
    """Return the table of docs/guide/speed.md."""
    head = ["optimizer and weights", "here", *PEERS, "from Python: here", "Keras eager"]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, of in numbers.items():
        optimizer, shape = name.split()
        peers = [f"{of[peer][0]:.2f} ({ratio(of, peer)})" for peer in PEERS]
        own = f"{of['ours from Python'][0]:.2f}"
        eager = f"{of['Keras eager'][0]:.1f} ({ratio(of, 'Keras eager', 'ours from Python')})"
        cells = [f"`{optimizer}`, {SHAPES[shape]}", f"{of['ours in graph'][0]:.2f}", *peers]
        rows.append(f"| {' | '.join([*cells, own, eager])} |")
    return "\n".join(rows)


def readme_row(numbers: Numbers) -> str:
    """Return the row of README's table of numbers."""
    of = numbers["Adam mlp"]
    names = ("Keras", "Keras with jit", "optax", "torch")
    peers = ", ".join(f"{name} {ratio(of, peer)}" for name, peer in zip(names, PEERS, strict=True))
    where = "[benchmarks](docs/benchmarks.md#update_step)"
    return f"| update of Adam, {SHAPES['mlp']} | {of['ours in graph'][0]:.2f} ms; {peers} | {where} |"


def pages() -> dict[Path, str]:
    """Return the pages with the numbers of the file of results in them."""
    numbers = update_numbers()
    readme, speed = ROOT / "README.md", ROOT / "docs" / "guide" / "speed.md"
    row, table = r"(?m)^\| update of Adam, .*$", r"(?m)^\| optimizer and weights \|(.|\n)*?\|(?=\n\n)"
    return {
        readme: re.sub(row, lambda _: readme_row(numbers), readme.read_text()),
        speed: re.sub(table, lambda _: speed_table(numbers), speed.read_text()),
    }


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
