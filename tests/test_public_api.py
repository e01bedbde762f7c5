"""What the suite promises by name, its docstrings, and the map of the chapter."""

import inspect
from pathlib import Path

import pytest

import keras_ch8
from keras_ch8 import callbacks, chapter, clipping, optimizers

ROOT = Path(__file__).parent.parent
OPTIMIZERS = ["SGD", "Adagrad", "Adam", "Momentum", "Nesterov", "RMSprop", "RMSpropNesterov"]
RULES = ["adaptive", "by_global_norm", "by_norm", "by_percentile", "by_value"]
CALLBACKS = ["ClipGradients", "GradientClippingLogger", "TensorBoard"]


def test_public_names():
    assert dir(keras_ch8) == ["__version__", "callbacks", "chapter", "clipping", "optimizers"]
    assert sorted(clipping.__all__) == RULES
    assert sorted(callbacks.__all__) == CALLBACKS
    assert sorted(optimizers.__all__) == sorted(OPTIMIZERS)
    public = [n for n, v in vars(optimizers).items() if not n.startswith("_") and not inspect.ismodule(v)]
    assert sorted(public) == sorted(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_final_and_explains_itself_in_order(name):
    cls = getattr(optimizers, name)
    assert cls.__final__
    headings = ["(algorithm 8.", "theta <- theta", "Book  ", "State:", "Differs from `keras.optimizers.", "Args:",
                "Raises:", "Example:", "References:"]  # fmt: skip
    places = [cls.__doc__.find(heading) for heading in headings]
    assert -1 not in places, f"missing: {headings[places.index(-1)]}"
    assert places == sorted(places)
    assert cls.__doc__.splitlines()[0].endswith(").")
    own = [p for p in inspect.signature(cls).parameters if p != "kwargs"]
    assert all(argument in cls.__doc__ for argument in own)


@pytest.mark.parametrize("part", [*(getattr(clipping, n) for n in RULES), *(getattr(callbacks, n) for n in CALLBACKS)])
def test_a_rule_or_a_callback_is_final_and_explains_itself_in_order(part):
    assert part.__final__
    headings = ["8.2", *(["<-", "State:"] if part.__name__ in RULES else []), "Args:", "Example:", "References:"]
    places = [part.__doc__.find(heading) for heading in headings]
    assert -1 not in places, f"missing: {headings[places.index(-1)]}"
    assert places[1:] == sorted(places[1:])
    assert all(f"{argument}:" in part.__doc__ for argument in inspect.signature(part).parameters)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_file_of_an_algorithm_holds_its_box_and_nothing_else(name):
    cls = getattr(optimizers, name)
    assert {n for n in vars(cls) if not n.startswith("_")} <= {
        "rule", "state_names", "hyperparameters", "rests_without_gradient"
    }  # fmt: skip
    assert len(inspect.getsource(cls.rule).splitlines()) <= 10


def test_the_map_names_parts_that_exist_and_all_of_them():
    parts = [part for section in chapter.SECTIONS for part in section.parts]
    assert len(parts) == len(set(parts))
    for part in parts:
        where, name = part.split(".")
        assert hasattr(getattr(keras_ch8, where), name), part
    named = {"optimizers": OPTIMIZERS, "clipping": RULES, "callbacks": CALLBACKS}
    assert {f"{where}.{name}" for where, names in named.items() for name in names} == set(parts)
    numbers = [section.number for section in chapter.SECTIONS]
    assert numbers == sorted(numbers)
    assert all((ROOT / "examples" / s.example).is_file() for s in chapter.SECTIONS if s.example)


def test_readme_shows_the_map():
    assert chapter.table() in (ROOT / "README.md").read_text()
