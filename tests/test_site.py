"""Every public method says what it does, so that the reference of the site has it."""

import importlib
import inspect

import keras_ch8


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
