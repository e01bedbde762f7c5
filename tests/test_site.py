"""Every public name is in the reference of the site, and every public method says what it does."""

import importlib
import inspect

import keras_ch8
from tests.outside import loaded


def test_every_public_name_is_in_the_reference():
    pages = dict(loaded("tools/make_site.py").reference())
    for package in (*keras_ch8.PACKAGES, "testing"):
        page = pages[f"docs/api/{package}.rst"]
        for name in importlib.import_module(f"keras_ch8.{package}").__all__:
            assert f":: keras_ch8.{package}.{name}\n" in page, f"{package}.{name}"


def test_every_public_method_says_what_it_does():
    silent = []
    for package in keras_ch8.PACKAGES:
        module = importlib.import_module(f"keras_ch8.{package}")
        for name in module.__all__:
            thing = getattr(module, name)
            for method, function in vars(thing).items() if inspect.isclass(thing) else ():
                is_one = inspect.isfunction(function) or isinstance(function, property | classmethod | staticmethod)
                of_keras = method == "compiled"  # which Keras sets after loading, and `_registration` takes
                if is_one and not (of_keras or method.startswith("_")) and not inspect.getdoc(getattr(thing, method)):
                    silent.append(f"{package}.{name}.{method}")
    assert silent == []
