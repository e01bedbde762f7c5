"""Writes the numbers of README and docs/guide/speed.md out of what benchmarks have written: `python tools/tables.py`.

They are in benchmarks/results.json, of which `benchmarks/all.py --document` makes docs/benchmarks.md, and in
benchmarks/find_learning_rate.json. A test compares all.
"""

import json
import re
from collections.abc import Iterable
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
Numbers = dict[str, dict[str, Any]]
"""What a benchmark measured, by its cases and contenders."""
NEWTON = {"logistic, float64": "logistic regression", "mlp, float64": "MLP, float64", "mlp, float32": "MLP, float32"}
"""The problems of `benchmarks/second_order_fit.py`, and what they are."""


def numbers_of(benchmark: str) -> Numbers:
    """Return what a benchmark has written into the file of results."""
    results: Any = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    numbers: Numbers = results["benchmarks"][benchmark]["numbers"]
    return numbers


def ratio(of: dict[str, list[float]], peer: str, ours: str = "ours in graph") -> str:
    """Return a peer's time over ours."""
    return f"{of[peer][0] / of[ours][0]:.2f} x"


def update_table() -> str:
    """Return the table of updates in docs/guide/speed.md."""
    head = ["optimizer and weights", "here", *PEERS, "from Python: here", "Keras eager"]
    rows = []
    for name, of in numbers_of("update_step").items():
        if len(name.split()) == 2:
            optimizer, shape = name.split()
            peers = [f"{of[peer][0]:.2f} ({ratio(of, peer)})" for peer in PEERS]
            own = f"{of['ours from Python'][0]:.2f}"
            eager = f"{of['Keras eager'][0]:.1f} ({ratio(of, 'Keras eager', 'ours from Python')})"
            rows.append([f"`{optimizer}`, {SHAPES[shape]}", f"{of['ours in graph'][0]:.2f}", *peers, own, eager])
    return table(head, rows)


def step_table() -> str:
    """Return the table of steps of `fit` in docs/guide/speed.md."""
    rows = []
    for name, of in numbers_of("fit_step").items():
        if "ratio" in of:
            optimizer, jit = name.split()
            rows.append([f"`{optimizer}`, `{jit}`", f"{of['ours']:.2f}", f"{of['Keras']:.2f} ({of['ratio']:.2f} x)"])
    return table(["step of `fit`", "here", "Keras"], rows)


def newton_table() -> str:
    """Return the table of trainings with LBFGS in docs/guide/speed.md."""
    numbers = numbers_of("second_order_fit")
    peers = [name for name in ("scipy L-BFGS-B", "torch LBFGS") if f"{next(iter(NEWTON))}, {name}" in numbers]
    rows = []
    for problem, said in NEWTON.items():
        ours, *of = (numbers[f"{problem}, {name}"] for name in ("keras_ch8 fit", *peers))
        rows.append([said, f"{ours['cpu']:.3f}", *(f"{peer['cpu']:.3f} ({peer['ratio']:.2f} x)" for peer in of)])
    return table(["`fit` with `LBFGS`", "here", *peers], rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)).replace("| --- ", "|---")


def readme_rows() -> list[str]:
    """Return the rows of README's table of numbers that the file of results has."""
    update, step = numbers_of("update_step")["Adam mlp"], numbers_of("fit_step")["Adam jit_compile=auto"]
    names = ("Keras", "Keras with jit", "optax", "torch")
    peers = ", ".join(f"{name} {ratio(update, peer)}" for name, peer in zip(names, PEERS, strict=True))
    fits, norms = numbers_of("second_order_fit"), numbers_of("batch_norm")
    scipy, torch = (span(fits[f"{problem}, {peer}"]["ratio"] for problem in NEWTON)
                    for peer in ("scipy L-BFGS-B", "torch LBFGS"))  # fmt: skip
    keras = span(1 / of["ratio"] for name, of in norms.items() if "training" in name)
    found = json.loads((ROOT / "benchmarks" / "find_learning_rate.json").read_text())["within a factor of 3"]
    pairs = f"learning rates found, {found['of']} pairs of problem and optimizer"
    near = f"{found['ours']} within a factor of 3 of the best of 13"
    rows = [
        (f"update of Adam, {SHAPES['mlp']}", f"{update['ours in graph'][0]:.2f} ms; {peers}", "update_step"),
        ("step of `fit` of that network, batch 32", f"{step['ours']:.1f} ms; Keras {step['ratio']:.2f} x", "fit_step"),
        ("`fit` with `LBFGS`, digits in a full batch", f"SciPy {scipy}, torch {torch}", "second_order_fit"),
        ("layer of batch normalization, training", f"Keras {keras}", "batch_norm"),
    ]
    made = [f"| {what} | {measured} | [{name}](docs/benchmarks.md#{name}) |" for what, measured, name in rows]
    return [*made, f"| {pairs} | {near} | `benchmarks/find_learning_rate.py` |"]


def span(ratios: Iterable[float]) -> str:
    """Return the smallest and the largest of some ratios."""
    found = sorted(ratios)
    return f"{found[0]:.2f} x to {found[-1]:.2f} x"


def pages() -> dict[Path, str]:
    """Return the pages with the numbers of the file of results in them: rows and tables by how they begin."""
    readme, speed = ROOT / "README.md", ROOT / "docs" / "guide" / "speed.md"
    texts = {page: page.read_text() for page in (readme, speed)}
    for row in readme_rows():
        begins = re.escape(row[: row.index(" | ")])
        texts[readme] = re.sub(rf"(?m)^{begins} \|.*$", lambda _, row=row: row, texts[readme])
    for made in (update_table(), step_table(), newton_table()):
        begins = re.escape(made[: made.index(" | ")])
        texts[speed] = re.sub(rf"(?m)^{begins} \|(.|\n)*?\|(?=\n\n)", lambda _, made=made: made, texts[speed])
    return texts


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
