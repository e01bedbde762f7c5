"""Every public name is in the reference of the site, and every public method says what it does."""

import importlib
import inspect

import keras_ch8
from tests.outside import loaded


def test_every_public_name_is_in_the_reference():
    pages = dict(loaded("tools/make_site.py").reference())
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
