"""Every public name is a part, a base, or what these take and return; parts explain themselves; documents show all.

Nothing is listed by hand: a part is a class or function that says itself its `section` of the book or, where the book
does not have it, its `paper`; a base is what classes here derive from.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_ch8
from keras_ch8 import optimizers
from keras_ch8._describe import source
from keras_ch8.extend import ClosureOptimizer, RuleOptimizer
from keras_ch8.losses.likelihoods import BernoulliLikelihood, CategoricalLikelihood
from tools import chapter

ROOT = Path(__file__).parent.parent
PACKAGES = {
    name: importlib.import_module(f"keras_ch8.{name}") for name in (*keras_ch8.PACKAGES, *keras_ch8.SHELVES, "extend")
}
ALL = {**PACKAGES, "integration": keras_ch8.integration}
MOST_FOR_USERS, MOST_FOR_EXTENSION = 140, 60


def dotted(package, name):
    return f"{package}.{name}".lstrip(".")


def everything_defined_in(package):
    """Yield the classes and functions that are defined in a package or module, in whichever file."""
    modules = [package]
    for found in pkgutil.iter_modules(getattr(package, "__path__", [])):
        modules.append(importlib.import_module(f"{package.__name__}.{found.name}"))
    for module in modules:
        for name, thing in vars(module).items():
            if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__ == module.__name__:
                yield name, thing


def said_paper(thing):
    """Return the paper of a part that is not in the book; None of the others."""
    return getattr(thing, "__dict__", {}).get("paper")


def has_equation(text):
    """Whether a docstring has an equation in TeX, or an algorithm in words."""
    return ".. math::" in text or "<-" in text


PARTS = [
    (package, name, thing)
    for package, module in PACKAGES.items()
    for name in module.__all__
    if source(thing := getattr(module, name))
]
PARTS += [("", name, getattr(keras_ch8, name)) for name in ("Doctor", "cure", "preflight")]
"""Package, "" for those of the top level, name and thing."""
FIRST_ORDER = [n for _, n, t in PARTS if inspect.isclass(t) and issubclass(t, RuleOptimizer)]
SECOND_ORDER = [n for _, n, t in PARTS if inspect.isclass(t) and issubclass(t, ClosureOptimizer)]
OTHERS = [(p, n, t) for p, n, t in PARTS if said_paper(t) or p != "optimizers" or n not in FIRST_ORDER + SECOND_ORDER]

NUMBERS = {section.number for section in chapter.SECTIONS}
IN_THE_BOOK = [n for n in FIRST_ORDER if not said_paper(getattr(optimizers, n))]


def test_the_package_shows_its_packages_and_what_one_begins_with():
    first = ["Doctor", "compare", "cure", "find_learning_rate", "preflight", "read_run", "report"]
    assert sorted([*keras_ch8.PACKAGES, "extend", "integration", *first]) == dir(keras_ch8) == sorted(keras_ch8.__all__)
    assert all(callable(getattr(keras_ch8, name)) for name in first)
    assert keras_ch8.compare is keras_ch8.choosing.compare


@pytest.mark.parametrize("package", ALL)
def test_a_package_shows_what_it_exports_and_exports_nothing_else(package):
    module = ALL[package]
    assert dir(module) == sorted(module.__all__)
    if Path(module.__file__).name == "__init__.py":
        assert imported_by(Path(module.__file__)) == set(module.__all__)


def imported_by(path):
    """Return the names that a file imports from this package and keeps; those that begin with `_` are its own."""
    imports = [
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom) and node.level
    ]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_public_name_is_a_part_or_a_base_or_what_these_take_and_return(package):
    module = PACKAGES[package]
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        thing = getattr(module, name)
        if source(thing):
            assert said_paper(thing) or source(thing) in NUMBERS, name
        elif inspect.isclass(thing) or inspect.isroutine(thing) or inspect.ismodule(thing):
            assert thing.__doc__, f"{name}: a base, a type or a function on types, which says what it is"
        else:
            assert name.isupper(), f"{name}: what is neither class nor function is a constant"


@pytest.mark.parametrize("package", keras_ch8.PACKAGES)
def test_what_says_a_section_is_exported(package):
    places = [module for name, module in PACKAGES.items() if name.startswith((package, "extend"))]
    exported = {name for module in (keras_ch8, *places) for name in module.__all__}
    for name, thing in everything_defined_in(PACKAGES[package]):
        if source(thing):
            assert name in exported, f"{name} says its section: add it to `__all__` of keras_ch8.{package}"


@pytest.mark.parametrize("name", IN_THE_BOOK)
def test_an_optimizer_of_the_book_is_final_and_explains_itself_in_order(name):
    cls = getattr(optimizers, name)
    assert cls.__final__
    headings = ["(algorithm 8.", ".. math::", "Book  ", "State:", "Differs from `keras.optimizers.", "Args:",
                "Raises:", "Example:", "References:"]  # fmt: skip
    places = [cls.__doc__.find(heading) for heading in headings]
    assert -1 not in places, f"missing: {headings[places.index(-1)]}"
    assert places == sorted(places)
    assert cls.__doc__.splitlines()[0].endswith(").")
    own = [p for p in inspect.signature(cls).parameters if p != "kwargs"]
    assert all(argument in cls.__doc__ for argument in own)


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_an_optimizer_that_is_given_the_loss_is_final_and_explains_itself_in_order(name):
    cls = getattr(optimizers, name)
    assert cls.__final__
    headings = [said_paper(cls) or "section 8.", "<-", "State:", "Args:", "Raises:", "Example:", "References:"]
    text = " ".join(cls.__doc__.split())
    places = [text.find(heading) for heading in headings]
    assert -1 not in places, f"missing: {headings[places.index(-1)]}"
    assert places == sorted(places)
    own = inspect.signature(cls.__init__).parameters.keys() - {"self", "kwargs"} if "__init__" in vars(cls) else ()
    assert all(f"{argument}:" in cls.__doc__ for argument in own)
    assert has_equation(getattr(keras_ch8.second_order.methods, name).__doc__)


@pytest.mark.parametrize("package, part", [(p, t) for p, _, t in OTHERS], ids=[dotted(p, n) for p, n, _ in OTHERS])
def test_a_part_is_final_and_explains_itself_in_order(package, part):
    assert inspect.isfunction(part) or part.__final__
    first = part.__doc__.splitlines()[0]
    assert f"({said_paper(part)})." in first if said_paper(part) else re.search(r"\(.*[78]\.\d.*\)\.$", first)
    parameters = [] if part in (BernoulliLikelihood, CategoricalLikelihood) else inspect.signature(part).parameters
    in_symbols = ("clipping", "schedules", "losses", "losses.likelihoods")
    assert package not in in_symbols or has_equation(part.__doc__)
    state = ["State:"] if package == "clipping" else []
    headings = [*state, *(["Args:"] if parameters else []), "Example:", "References:"]
    places = [part.__doc__.find(heading) for heading in headings]
    assert -1 not in places, f"missing: {headings[places.index(-1)]}"
    assert places == sorted(places)
    assert all(re.search(rf"\b{argument}(,\s+\w+)*:", part.__doc__) for argument in parameters)


def test_the_map_names_every_part_with_the_first_line_of_its_docstring():
    assert sorted(name for _, name in chapter.parts()) == sorted(dotted(p, n) for p, n, _ in PARTS)
    index = chapter.index()
    for package, name, thing in PARTS:
        said = re.sub(r" \(.*\)\.$", "", thing.__doc__.splitlines()[0])  # the heading has the section
        assert f"`{dotted(package, name)}`: {said}" in index
    numbers = [section.number for section in chapter.SECTIONS]
    assert numbers == sorted(numbers)
    assert all((ROOT / "examples" / s.example).is_file() for s in chapter.SECTIONS if s.example)


@pytest.mark.slow
def test_examples_in_docstrings_run_without_the_tests():
    """As `make docs` runs them: no test has been there before."""
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "keras_ch8/optimizers/adaptive.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
