"""Writes the numbers of README out of benchmarks/results.json: `python tools/tables.py`.

docs/benchmarks.md is made of the same file by `benchmarks/all.py --document`. `make docs` calls both.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PEERS = ("Keras graph", "Keras jit", "optax jit", "torch fused")
Numbers = dict[str, dict[str, Any]]
"""What a benchmark measured, by its cases and contenders."""


def numbers_of(benchmark: str) -> Numbers:
    """Return what a benchmark has written into the file of results; nothing if it was not run to its end."""
    results: Any = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    numbers: Numbers = results["benchmarks"].get(benchmark, {}).get("numbers", {})
    return numbers


def ratio(of: dict[str, Any], peer: str) -> str:
    """Return a peer's time over ours, the median over the rounds."""
    _, _, (median, _, _) = of[peer]
    return f"{median:.2f} x"


def update_row(of: Numbers) -> str:
    """Return the row of README on updates."""
    adam = of["Adam mlp"]
    names = ("Keras", "Keras with jit", "optax", "torch")
    peers = ", ".join(f"{name} {ratio(adam, peer)}" for name, peer in zip(names, PEERS, strict=True))
    return readme_row("update of Adam, 784-1024-1024-10", f"{adam['ours in graph'][0]:.2f} ms; {peers}", "update_step")


def step_row(of: Numbers) -> str:
    """Return the row of README on steps of `fit`."""
    adam = of["Adam jit_compile=auto"]
    measured = f"{adam['ours']:.2f} ms; Keras {adam['ratio'][0]:.2f} x"
    return readme_row("step of `fit` of that network, batch 32", measured, "fit_step")


def second_order_row(of: Numbers) -> str:
    """Return the row of README on trainings with LBFGS."""
    of_peer = {
        name: [case["ratio"][0] for key, case in of.items() if name.casefold() in key] for name in ("SciPy", "torch")
    }
    measured = ", ".join(f"{name} {span(ratios)}" for name, ratios in of_peer.items() if ratios)
    return readme_row("`fit` with `LBFGS`, digits in a full batch", measured, "second_order_fit")


def batch_norm_row(of: Numbers) -> str:
    """Return the row of README on batch normalization."""
    ratios = [case["ratio"][0] for key, case in of.items() if "training" in key]
    return readme_row("layer of batch normalization, training", f"Keras {span(ratios)}", "batch_norm")


ROWS = {
    "update_step": update_row,
    "fit_step": step_row,
    "second_order_fit": second_order_row,
    "batch_norm": batch_norm_row,
}
"""The rows of README by their benchmark; one that is not in the file of results stands as it was written by hand."""


def readme_rows() -> list[str]:
    """Return the rows of README's table of numbers that the file of results has."""
    return [row(numbers) for name, row in ROWS.items() if (numbers := numbers_of(name))]


def readme_row(what: str, measured: str, benchmark: str) -> str:
    """Return a row of README's table of numbers."""
    return f"| {what} | {measured} | [benchmarks](docs/benchmarks.md#{benchmark}) |"


def span(ratios: Sequence[float]) -> str:
    """Return the smallest and the largest of some ratios."""
    found = sorted(ratios)
    return f"{found[0]:.2f} x to {found[-1]:.2f} x"


def pages() -> dict[Path, str]:
    """Return README with the numbers of the file of results in it: rows by how they begin."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    for row in readme_rows():
        begins = re.escape(row[: row.index(" | ")])
        text = re.sub(rf"(?m)^{begins} \|.*$", lambda _, row=row: row, text)
    return {readme: text}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
