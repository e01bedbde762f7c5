"""The only place of the suite that touches Keras's internals or TensorFlow: private names, TensorFlow calls, hooks.

`hooks()` lists what of Keras is replaced at the moment, `uninstall()` undoes all of it. The page docs/hooks.md says the
same of every hook that there can be.
"""

from .registry import hooks, uninstall

__all__ = ["hooks", "uninstall"]


def __dir__() -> list[str]:
    return sorted(__all__)
