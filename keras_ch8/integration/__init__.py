"""The only place of the suite that touches Keras's internals or TensorFlow: private names, TensorFlow calls, hooks.

`hooks()` lists what of Keras is replaced at the moment, `uninstall()` undoes all of it. The page docs/hooks.md says the
same of every hook that there can be.
"""

# First, since the classes that are registered at the end of its import need this package.
import keras as _keras  # noqa: F401

from .registry import Hook, hooks, uninstall

__all__ = ["Hook", "hooks", "uninstall"]
