"""README, quickstart and guides are run, each block of code as it is printed; every name in the documents exists."""

import importlib.util
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_ch8 as ch8

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CHOOSE = (ROOT / "docs/choose.md").read_text()
LIBRARIES = ROOT / "docs/guide/libraries.md"  # what it needs is not installed here: test_libraries.py runs it
PAGES = [ROOT / "docs/quickstart.md", *sorted({*(ROOT / "docs/guide").glob("*.md")} - {LIBRARIES})]
TEXT = "\n\n".join([README.partition("## Read on")[0], *(page.read_text() for page in PAGES)])
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 30)).astype("float32")
LABELS = (X[:, 0] > 0).astype("int32")
Y = LABELS[:, None].astype("float32")


def network(optimizer="sgd", loss="mse", units=1, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(units)])
    model.compile(optimizer, loss, **options)
    return model


def fit(model, *watching, x=X, y=Y, **options):
    return model.fit(x, y, **{"batch_size": 16, "epochs": 2, "verbose": 0} | options, callbacks=list(watching)).history


# --- the blocks of code -----------------------------------------------------------------------------------------------

BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_code_runs_as_it_is_printed(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.sub(r"epochs=\d+", "epochs=2", BLOCKS[number])
    is_classifier = "CategoricalLikelihood" in code
    model, y = network("adam", units=2 if is_classifier else 1), LABELS if is_classifier else Y
    fit(model, epochs=1, **({"y": np.eye(2, dtype="float32")[LABELS]} if is_classifier else {}))
    model.save("model.keras")
    names = {"keras": keras, "keras_ch8": ch8, "np": np, "model": model, "x": X, "y": y, "x_val": X, "y_val": y}
    exec(code, names | {"make_model": network, "how_hard": np.abs(X).sum(1)})


# --- names and expressions --------------------------------------------------------------------------------------------

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/guide").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_name_in_a_document_exists(document):
    code = " ".join(re.findall(r"`[^`\n]+`", document.read_text()))
    for package, name in set(re.findall(r"(?<![\w.])([a-z_]+)\.([A-Za-z_]+)\b", code.replace("keras_ch8.", ""))):
        if package in (*ch8.PACKAGES, "extend") and name != "jsonl":
            module = (
                importlib.util.find_spec(f"keras_ch8.{package}.{name}")
                if hasattr(getattr(ch8, package), "__path__")
                else None
            )
            assert module or hasattr(getattr(ch8, package), name), f"{package}.{name}"


def test_what_is_to_be_chosen_can_be_made_as_it_is_printed():
    names = {package: getattr(ch8, package) for package in ch8.PACKAGES} | {"rate": 0.1, "seconds": 60.0, "y": LABELS}
    made = re.findall(r"`(?:\w+=)?((?:optimizers|schedules|clipping|stopping|initializers)\.\w+\(.*?\))`", CHOOSE)
    assert len(made) > 10
    for expression in made:
        eval(expression, names)
