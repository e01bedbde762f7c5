"""The method cards of docs/methods name parts, arguments and defaults that are there, and their code runs."""

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import optimizers
from tests.marks import mostly

ROOT = Path(__file__).parent.parent
BESIDES = (keras.Model.fit, keras.Model.compile, keras.layers.Dense, keras.layers.LSTM, optimizers.Adam)
"""What cards name arguments of, beside the parts that they name."""


CONSTANTS = {"True", "False", "None"}


@dataclasses.dataclass(frozen=True)
class Card:
    """A card: its page, its heading, the code that it begins with and the calls in it, and the text below them."""

    page: str
    title: str
    code: str
    calls: list[ast.Call]
    text: str


def cards():
    for page in sorted((ROOT / "docs" / "methods").glob("*.md")):
        for section in page.read_text().split("\n## ")[1:]:
            title, code, text = re.fullmatch(r"(.+?)\n\n```python\n(.+?)\n```\n\n(.+)", section.strip(), re.S).groups()
            calls = [statement.value for statement in ast.parse(code).body]
            calls = [call for call in calls if isinstance(call, ast.Call)]
            yield Card(page.stem, title, code, calls, text)


CARDS = list(cards())
QUICK = [card for card in CARDS if card.title != "minimize"]
of_each_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.page}/{card.title}")


def found(dotted):
    thing = {"keras": keras, "keras_ch8": keras_ch8}[dotted.split(".")[0]]
    for name in dotted.split(".")[1:]:
        thing = getattr(thing, name)
    return thing


def is_there(dotted):
    try:
        found(dotted)
    except AttributeError:
        return False
    return True


def own(card):
    """Yield the name and the part of each call of a card that is of this package."""
    for call in card.calls:
        dotted = ast.unparse(call.func)
        yield dotted.removeprefix("keras_ch8."), found(dotted), call


def parameters(thing):
    """Return what a part takes by name, and of an optimizer also what its bases take, which it hands on."""
    bases = reversed(thing.__mro__[1:]) if is_class(thing, keras.optimizers.Optimizer) else ()
    makers = [base.__init__ for base in bases if "__init__" in vars(base)]
    return {name: each for part in (*makers, thing) for name, each in inspect.signature(part).parameters.items()}


def is_class(thing, base):
    return inspect.isclass(thing) and issubclass(thing, base)


@of_each_card
def test_the_calls_of_a_card_have_the_arguments_and_the_defaults_of_the_code(card):
    for name, part, call in own(card):
        signature = inspect.signature(part)
        assert "**" not in {keyword.arg for keyword in call.keywords}
        accepts = parameters(part)
        for keyword in call.keywords:
            assert keyword.arg in accepts, f"{name} has no {keyword.arg}"
            default = accepts[keyword.arg].default
            if isinstance(keyword.value, ast.Constant) and default is not inspect.Parameter.empty:
                assert (keyword.value.value, type(keyword.value.value)) == (default, type(default)) or said_otherwise(
                    call, keyword
                ), f"{name}({keyword.arg}={default!r})"
        taken = [parameter for parameter in signature.parameters.values() if parameter.kind < 3]
        assert len(call.args) <= len(taken) or name.endswith("AnyOf"), name


@pytest.mark.parametrize("card", mostly(pytest.mark.slow, CARDS, *QUICK), ids=lambda card: f"{card.page}/{card.title}")
def test_the_code_of_a_card_runs(card, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, y = np.zeros((64, 4)), np.zeros((64, 1))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="hidden"), keras.layers.Dense(1)])
    exec(card.code, {"keras": keras, "keras_ch8": keras_ch8, "x": x, "y": y, "how_hard": x[:, 0], "model": model})


def said_otherwise(call, keyword):
    """Whether a value is what the call is about, such as another quantity to monitor."""
    return keyword.arg == "monitor" and ast.unparse(call.func).startswith("keras_ch8.stopping.")


@of_each_card
def test_every_name_and_argument_in_a_card_is_there(card):
    text = re.sub(r"\[[^\]]*\]\([^)]*\)", "", card.text)
    spans = re.findall(r"`([^`]+)`", text)
    for span in spans:
        for package, name in re.findall(r"(?<![\w.])(\w+)\.(\w+)", span):
            if package in (*keras_ch8.PACKAGES, "extend", "keras", "keras_ch8"):
                assert is_there(f"keras_ch8.{package}.{name}") or is_there(f"{package}.{name}"), span
        for name in set(re.findall(r"(?<![\w.\"'])([A-Z][a-z]\w+|SGD|BFGS|LBFGS)\b(?!=)", span)) - CONSTANTS:
            assert any(has(module, name) for module in places()), f"no {name}, of {span}"
        for argument in re.findall(r"(?<![\w.])([a-z]\w*)=(?!=)", span):
            takers = [*BESIDES, *(part for _, part, _ in own(card)), *named(spans)]
            assert any(argument in parameters(taker) for taker in takers), f"nothing in this card takes {argument}="


def places():
    packages = [
        importlib.import_module(f"keras_ch8.{name}") for name in (*keras_ch8.PACKAGES, *keras_ch8.SHELVES, "extend")
    ]
    return [*packages, keras.layers, keras.callbacks, keras.initializers, keras.optimizers, keras.losses, keras.utils]


def has(module, name):
    return hasattr(module, name)


def named(spans):
    """Return the parts that stand in backquotes with or without their package."""
    words = {word for span in spans for word in re.findall(r"\w+", span)}
    return [getattr(place, word) for place in places() for word in words if callable(getattr(place, word, None))]
