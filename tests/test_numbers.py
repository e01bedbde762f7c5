"""What README and the documents say was measured is in a file of results, or names the command that prints it."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_ch8
from tests.outside import loaded

ROOT = Path(__file__).parent.parent
MADE = ("benchmarks", "compare", "study", "diagnosis", "index", "faults", "hooks")
"""Pages that are made of a file, or have a test of their own."""
BY_HAND = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
MEASURED = re.compile(r"\d (ms|us|s|x|%|MB)(?![\w.])|\d\.\de-\d\d|\d of \d")


def test_numbers_of_README_and_of_the_page_of_speed_are_those_of_the_file_of_results():
    tables = loaded("tools/tables.py")
    pages = tables.pages()
    assert [page.name for page in pages] == ["README.md", "speed.md"]
    for page, text in pages.items():
        assert page.read_text() == text, "`python tools/tables.py` writes it anew"
    rows = tables.readme_rows()
    assert rows
    assert all(row in pages[ROOT / "README.md"] for row in rows)
    assert f"\n\n{tables.update_table()}\n\n" in pages[ROOT / "docs/guide/speed.md"]


def test_a_row_of_README_says_how_many_times_as_long_the_peer_takes():
    tables = loaded("tools/tables.py")
    ratios = {"a, keras_ch8 fit": 1.0, "a, scipy L-BFGS-B": 1.5, "b, scipy L-BFGS-B": 1.2, "a, torch LBFGS": 0.9}
    fits = {name: {"ratio": [ratio, 0.5, 5.0]} for name, ratio in ratios.items()}
    assert "| SciPy 1.20 x to 1.50 x, torch 0.90 x to 0.90 x |" in tables.second_order_row(fits)
    norms = {"mlp  training": 2.0, "mlp  training  jit": 1.25, "mlp  inference": 9.0}
    norms = {name: {"ratio": [ratio, 1.0, 9.0]} for name, ratio in norms.items()}
    assert "| Keras 1.25 x to 2.00 x |" in tables.batch_norm_row(norms)
    step = {"Adam jit_compile=auto": {"ours": 6.14, "Keras": 10.2, "ratio": [1.661, 1.5, 1.7]}}
    assert "| 6.14 ms; Keras 1.66 x |" in tables.step_row(step)


@pytest.mark.parametrize("name", ["compare", "study"])
def test_the_pages_of_choosing_are_made_of_their_results(name):
    results = json.loads((ROOT / f"docs/{name}.json").read_text())
    pytest.importorskip("sklearn")
    assert (ROOT / f"docs/{name}.md").read_text() == loaded(f"benchmarks/{name}.py").page(results)


def test_how_to_choose_says_who_was_first():
    workloads = json.loads((ROOT / "docs/compare.json").read_text())["workloads"]
    winners = [one["winner"] for one in workloads.values()]
    heavy = sum(winner.startswith("heavy ball") for winner in winners)
    assert (len(winners), heavy, winners.count("heavy ball, cosine"), winners.count("Adam")) == (6, 3, 2, 3)
    said = "[heavy ball momentum was first on three, with a falling rate on two of them, and Adam on three](compare.md)"
    assert said in (ROOT / "docs/choose.md").read_text()


def tables_by_hand():
    """Yield the page, the section above and the rows of each table that has a measured number."""
    for page in BY_HAND:
        if page.stem not in MADE:
            for section in re.split(r"(?m)^## ", page.read_text()):
                for table in re.findall(r"(?m)(?:^\|.*\n)+", section):
                    if MEASURED.search(table) and page.parent.name != "methods":
                        yield pytest.param(section, table, id=f"{page.stem}: {table.split('|')[1].strip()}")


def sources(text):
    found = [*re.findall(r"(?:benchmarks|tests)/[\w/]+\.py", text), *re.findall(r"benchmarks\.md#(\w+)", text)]
    found += [f"{name.replace('.', '/')}.py" for name in re.findall(r"-m (tests[\w.]+)", text)]
    return [path if "/" in path else f"benchmarks/{path}.py" for path in found]


def test_there_are_such_tables():
    assert {param.id.split(":")[0] for param in tables_by_hand()} >= {"README", "speed", "many-workers"}


@pytest.mark.parametrize("section, table", list(tables_by_hand()))
def test_a_table_of_measured_numbers_names_what_prints_them(section, table):
    if "On paper" not in section.split(table)[0]:
        assert sources(section)
    for path in sources(section):
        assert (ROOT / path).exists(), path


def test_each_number_of_README_names_what_prints_it():
    table = (ROOT / "README.md").read_text().split("## Numbers")[1].split("\n## ")[0]
    rows = re.findall(r"(?m)^\| .*\|$", table)[1:]
    assert len(rows) > 5
    for row in rows:
        assert sources(row.split("|")[3]), row


def test_the_seconds_on_paper_are_those_of_the_formula():
    page = (ROOT / "docs/many-workers.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) ms \| (\d+) % \|$", page, re.M)
    assert len(rows) == 4
    for workers, gigabits, milliseconds, share in (map(int, row) for row in rows):
        seconds = 2 * (workers - 1) / workers * 4 * 25.6e6 / (gigabits * 1e9 / 8)
        assert round(1000 * seconds) == milliseconds
        assert round(100 * 0.2 / (0.2 + seconds)) == share


def test_how_right_the_verdicts_are_is_said_alike_everywhere():
    readme, guide, paper = ((ROOT / page).read_text() for page in ("README.md", "docs/guide/diagnose.md", "paper.md"))
    sick, acted, told, healthy = re.search(
        r"verdicts on (\d+) sick .*? \| (\d+) named with \*act\*(?:.|\n)*? \| (\d+) of the (\d+) was told to act",
        readme,
    ).groups()
    said = f"named the trouble in {acted} of the {sick}"
    told = f"{told} of the {healthy} healthy ones was told to act"
    for page in (guide, paper):
        words = " ".join(page.split())
        assert said in words
        assert told in words


def first_step(optimizer, gradient):
    variable = keras.Variable([0.0])
    optimizer.apply([keras.ops.array([gradient])], [variable])
    return -float(variable[0])


def test_the_first_steps_of_the_table_of_swaps_are_as_it_says():
    readme = (ROOT / "README.md").read_text()
    ours, keras_own = keras_ch8.optimizers, keras.optimizers
    assert "the first step at g = 0.01 is 32 times longer" in readme
    assert round(first_step(ours.Adagrad(), 0.01) / first_step(keras_own.Adagrad(), 0.01)) == 32
    assert "at g = delta = 1e-8 the first step is 0.5 of the rate; Keras's with that delta 0.03" in readme
    steps = [first_step(adam(1.0, epsilon=1e-8), 1e-8) for adam in (ours.Adam, keras_own.Adam)]
    np.testing.assert_allclose(steps, [0.5, 0.03], rtol=0.03)
