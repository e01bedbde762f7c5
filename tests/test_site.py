"""The site has what its sources have: the pictures of a page, and a word on every public method."""

import importlib
import inspect
import re

import keras_ch8
from tests.outside import ROOT, loaded


def test_a_page_of_the_site_has_the_pictures_of_its_document():
    text, picture = (ROOT / "README.md").read_text(), r"!\[.+?\]\(.+?\)"
    shown = loaded("tools/make_site.py").linked("README.md", text, set())
    assert re.findall(picture, shown) == re.findall(picture, text) != []


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
