"""The site has the pages that it promises, the reference every public name, each section of the map an example."""

import importlib
import inspect
import sys
from pathlib import Path

import pytest

import keras_ch8
from keras_ch8 import chapter
from keras_ch8.verdicts.kinds import KINDS

ROOT = Path(__file__).parent.parent
PROMISED = [
    "README", "docs/choose", "docs/index", "docs/migrate", "docs/many-workers", "docs/faults", "docs/hooks",
    "docs/benchmarks", "docs/compare", "docs/diagnosis", "docs/verdicts/index", "docs/design/index", "docs/api/index",
    "docs/ja/index", "docs/ja/map", "docs/ja/verdicts",
]  # fmt: skip


@pytest.fixture(scope="module")
def make_site():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        yield importlib.import_module("make_site")
    finally:
        sys.path.remove(str(ROOT / "tools"))


@pytest.fixture(scope="module")
def pages(make_site):
    return dict([*make_site.documents(), *make_site.verdicts(), *make_site.reference(), *make_site.gallery()])


def test_every_page_that_is_promised_is_there(pages, make_site):
    names = {path.rsplit(".", 1)[0] for path in pages}
    assert [name for name in PROMISED if name not in names] == []
    made_by_the_gallery = {"examples/index"}
    for group, listed in make_site.CONTENTS.items():
        assert [name for name in listed if name not in names | made_by_the_gallery] == [], group


def test_each_kind_of_verdict_has_a_page_with_its_meaning_and_its_cure(pages):
    for name, kind in KINDS.items():
        page = pages[f"docs/verdicts/{name}.md"]
        assert page.startswith(f"# {name}\n")
        assert kind.meaning in " ".join(page.split())
        assert "Cure" in page


def test_every_public_name_is_in_the_reference(pages):
    for package in (*keras_ch8.PACKAGES, *keras_ch8.SHELVES, "extend"):
        page, module = pages[f"docs/api/{package}.rst"], importlib.import_module(f"keras_ch8.{package}")
        for name in (name for name in module.__all__ if not inspect.ismodule(getattr(module, name))):
            assert f":: keras_ch8.{package}.{name}\n" in page, f"{package}.{name}"


def test_every_public_method_says_what_it_does():
    silent = []
    for package in (*keras_ch8.PACKAGES, *keras_ch8.SHELVES, "extend"):
        module = importlib.import_module(f"keras_ch8.{package}")
        for name in module.__all__:
            thing = getattr(module, name)
            for method, function in vars(thing).items() if inspect.isclass(thing) else ():
                is_one = inspect.isfunction(function) or isinstance(function, property | classmethod | staticmethod)
                if is_one and not method.startswith("_") and not inspect.getdoc(getattr(thing, method)):
                    silent.append(f"{package}.{name}.{method}")
    assert silent == []


def test_each_section_of_the_map_has_an_example():
    assert [section.number for section in chapter.SECTIONS if not section.example] == []


def test_every_example_is_in_the_gallery(pages):
    for example in (ROOT / "examples").glob("*.py"):
        assert f"scripts/{example.name}" in pages
