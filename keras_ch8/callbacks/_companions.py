"""The callbacks beside one, in the list that `fit` goes through."""

import gc
from typing import Any

import keras


class Companions:
    """The other callbacks of a `fit`, and the way to be called before them.

    A callback does not know the list that it is in, so look through all living objects, the young ones first, once for
    each `fit`.

    Args:
        callback: A callback that `fit` has begun to call.
    """

    def __init__(self, callback: Any) -> None:
        living = (x for age in range(3) for x in gc.get_objects(age))
        lists = (x for x in living if issubclass(type(x), keras.callbacks.CallbackList))
        self._callback = callback
        self._list = next((x for x in lists if _has(x, callback) and x.params is callback.params), None)
        self._before = self._list.callbacks if self._list else [callback]
        self.others = [other for other in self._before if other is not callback]

    def lead(self) -> bool:
        """Be the first that is called from the next hook on; return whether the list was found.

        The list is replaced, not changed: `fit` is going through it.
        """
        if self._list is not None:
            self._list.callbacks = [self._callback, *self.others]
        return self._list is not None

    def restore(self) -> None:
        """Give the list its order back."""
        if self._list is not None:
            self._list.callbacks = self._before


def _has(callbacks: Any, callback: Any) -> bool:
    return any(other is callback for other in callbacks.callbacks)
