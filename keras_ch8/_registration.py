"""Register every class of the suite with Keras, without importing Keras before the user does.

Loading a saved model needs the classes to be known. Importing them takes seconds (TensorFlow), so `import keras_ch8`
waits: if Keras is there already, they are registered at once; otherwise as the last act of `import keras`.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

IN_PARTS = ("jax", "torch")
"""The backends besides TensorFlow on which parts of the suite work (see `integration.backend`)."""


def when_keras_is_imported() -> None:
    """Register now, or at the end of the first `import keras`."""
    if "keras" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _register() -> None:
    """Import the modules whose classes register themselves, as far as they work on this backend."""
    backend = sys.modules["keras"].backend.backend()
    rooms = ["initializers", "layers", "losses", "metrics", "schedules"] if backend in ("tensorflow", *IN_PARTS) else []
    rooms += ["continuation", "optimizers"] if backend == "tensorflow" else []
    for room in rooms:
        importlib.import_module(f"keras_ch8.{room}")


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Answers once, for `keras` itself, with Keras's own spec and a loader that registers afterwards."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader)
        return spec


class _RegisteringLoader(importlib.abc.Loader):
    """Loads as the wrapped loader does, leaves that loader in place, then registers."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        _register()
