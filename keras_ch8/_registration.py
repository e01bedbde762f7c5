"""Register every class of the suite with Keras, without importing Keras before the user does.

Loading a saved model needs the classes to be known. Importing them takes seconds (TensorFlow), so `import keras_ch8`
waits: if Keras is there already, they are registered at once; otherwise as the last act of the import that imports it.

Where nobody has imported keras_ch8, Keras's error ends with what the file says of the object that it cannot find, and
that ends with the object's `get_compile_config`. So there each object says what to import.
"""

import dataclasses
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, TypeVar

from ._section import source

_Class = TypeVar("_Class", bound=type)
_HINT = {"to load this": "import keras_ch8"}

IN_PARTS = ("jax", "torch")
"""The backends besides TensorFlow on which parts of the suite work (see `integration.backend`)."""


def when_keras_is_imported() -> None:
    """Register now, or at the end of the first `import keras`."""
    if "keras" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def register_strings() -> list[str]:
    """Let Keras know the classes of the suite by their plain names, where it has none of its own of that name.

    Then `model.compile("Momentum")`, `kernel_initializer="heuristic"` and `metrics=["zero_one_loss"]` work, each also
    in Keras's lower-case form. Names that Keras has, such as `"Adam"`, stay Keras's: ours is always
    `"keras_ch8>Adam"`.

    Returns:
        The names, those that were registered before too.

    Example:
        >>> "Momentum" in keras_ch8.register_strings()
        True
        >>> type(keras.optimizers.get("momentum")).__name__
        'Momentum'
    """
    keras_private = importlib.import_module("keras_ch8.integration.keras_private")
    names = []
    tables = keras_private.tables_of_strings()
    for package in (name for name in _packages() if name in tables):
        kind, table = tables[package]
        ours = importlib.import_module(f"keras_ch8.{package}")
        classes = [each for name in ours.__all__ if source(each := getattr(ours, name))]  # no bases
        for made in (each for each in classes if isinstance(each, type) and issubclass(each, kind)):
            name = made.__name__
            words = {name, name.lower() if package == "optimizers" else _snake(name)}
            if all(table.get(word, made) is made for word in words):
                table |= dict.fromkeys(words, made)
                names += sorted(words)
    return names


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _packages() -> list[str]:
    """Return the packages whose classes can stand in a file, as far as they work on this backend."""
    backend = sys.modules["keras"].backend.backend()
    packages = (
        ["initializers", "layers", "losses", "metrics", "schedules"] if backend in ("tensorflow", *IN_PARTS) else []
    )
    return packages + (["continuation", "optimizers"] if backend == "tensorflow" else [])


def _register() -> None:
    """Import the modules whose classes register themselves."""
    for package in _packages():
        importlib.import_module(f"keras_ch8.{package}")


def registered(cls: _Class) -> _Class:
    """Register a class with Keras under `keras_ch8>` and its name, and let a file say what to import for it.

    Settings (dataclasses) stand inside the configuration of others, which are looked for first.
    """
    importlib.import_module("keras").saving.register_keras_serializable(package="keras_ch8")(cls)
    if not dataclasses.is_dataclass(cls):
        _say_what_to_import(cls)
    return cls


def _say_what_to_import(cls: Any) -> None:
    """Let what a file says of an object of this class end with the hint."""
    get, compile_from = (getattr(cls, name, None) for name in ("get_compile_config", "compile_from_config"))

    def get_compile_config(self: Any) -> dict[str, Any]:
        """Return what a model was compiled with, if this is one, and what to import."""
        if get is None:
            return _HINT
        compiled = get(self)
        return compiled | _HINT if compiled else compiled  # with the hint, a model would be compiled by loading it

    def compile_from_config(self: Any, config: dict[str, Any]) -> None:
        """Compile a model as it was; for all else there is nothing to do."""
        if compile_from is not None:
            compile_from(self, {key: value for key, value in config.items() if key not in _HINT})

    cls.get_compile_config, cls.compile_from_config = get_compile_config, compile_from_config
    if get is None:
        cls.compiled = property(lambda self: False, lambda self, value: None)  # which Keras sets after loading


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Answers for `keras`, and for what is in this package, with their own spec and a loader that registers afterwards.

    Where Keras is first imported by a module of this package, that module has to be whole before others import it.
    """

    depth = 0
    """How many of these imports are under way, one within the other."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras" and fullname.rpartition(".")[0] != "keras_ch8":
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader, self)
        return spec


class _RegisteringLoader(importlib.abc.Loader):
    """Loads as the wrapped loader does and leaves that one in place; registers when the outermost import is over."""

    def __init__(self, loader: importlib.abc.Loader, finder: _AfterKeras) -> None:
        self.loader, self.finder = loader, finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)  # such as `get_code`, for `python -m`

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.finder.depth += 1
        try:
            self.loader.exec_module(module)
        finally:
            self.finder.depth -= 1
        if not self.finder.depth and "keras" in sys.modules and self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
            _register()
