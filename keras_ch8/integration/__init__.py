"""The only place of the suite that touches Keras's internals or TensorFlow: private names, TensorFlow calls, hooks.

`hooks()` lists what of Keras is replaced at the moment, `uninstall()` undoes all of it. The page docs/hooks.md says the
same of every hook that there can be. `register_strings()` lets Keras know our classes by their plain names.
"""

from .registry import hooks, register_strings, uninstall

__all__ = ["hooks", "register_strings", "uninstall"]


def __dir__() -> list[str]:
    return sorted(__all__)
