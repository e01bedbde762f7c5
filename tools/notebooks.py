"""Makes notebooks out of examples: `python tools/notebooks.py [FOLDER]`; build/notebooks if not given.

Nothing is written twice: the text of a notebook is that of the script, and so is its code.
"""

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
NAMES = ("quickstart", "s8_6_pinn", "s8_7_6_curriculum", "s8_7_3_polyak", "s8_5_4_compare")
"""Diagnosis, L-BFGS after Adam, a curriculum, averaging, optimizers compared."""


def notebook(script: str, name: str) -> dict[str, Any]:
    """Return a script as a notebook: its text, its definitions, what it does when run, and the page of its runs."""
    tree, lines = ast.parse(script), script.splitlines()
    title, _, said = (ast.get_docstring(tree) or "").partition("\n\n")
    text = re.sub(r"(?m)^    .*\n?", "", said).strip()
    *defined, run = tree.body[1:]
    if not isinstance(run, ast.If):
        raise ValueError(f"A script ends with `if __name__ == '__main__':`. Received: {name}.py, which does not.")
    definitions = "\n".join(lines[defined[0].lineno - 1 : defined[-1].end_lineno])
    body = "\n".join(line.removeprefix("    ") for line in lines[run.body[0].lineno - 1 : run.end_lineno])
    quick = f'import sys\n\nsys.argv = ["{name}.py", "--quick"]  # leave out "--quick" for the whole training'
    page = 'import keras_ch8\n\nkeras_ch8.report("runs")'
    cells = [
        _cell("markdown", f"# {title}\n\n{text}"),
        *(_cell("code", code) for code in (quick, definitions, body)),
        _cell("markdown", "All runs on one page, with what was found in them:"),
        _cell("code", page),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cell(kind: str, source: str) -> dict[str, Any]:
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True), **code}


def main(folder: Path) -> None:
    """Write all notebooks."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        made = notebook((ROOT / "examples" / f"{name}.py").read_text(), name)
        (folder / f"{name}.ipynb").write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or [ROOT / "build" / "notebooks"]))
