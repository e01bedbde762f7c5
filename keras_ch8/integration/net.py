"""The net under the hooks of a callback that only watches: see `_net`."""

import functools
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import keras

from .. import _net
from . import registry

ANSWERS: dict[str, Callable[[], Any]] = {
    "set_model": lambda: None, "set_params": lambda: None, "findings": list, "_summary": list,
    "next_batch": lambda: math.inf, "get_state": lambda: None, "show_results": lambda: None,
}  # fmt: skip
"""What a watcher is asked beside its hooks `on_...`, and what is answered for one that has failed."""


def spread(
    callback: keras.callbacks.Callback, lost: Callable[[], None], left: Callable[[], None] | None = None
) -> AbstractContextManager[None]:
    """Have a net under each hook of a callback that watches, inside; where nothing is to watch, it is torn already.

    Args:
        callback: The callback.
        lost: Called when it has failed.
        left: Called after `on_train_end`, where nothing else ends the training.
    """
    net = _net.Net(f"`{type(callback).__name__}`", lost)
    net.is_torn = bool(_net.off())
    names = [name for name in dir(type(callback)) if name.startswith("on_") or name in ANSWERS]
    hooks = {name: _over(net, getattr(callback, name), name) for name in names}
    if left is not None:
        at_end = hooks["on_train_end"]
        hooks["on_train_end"] = lambda logs=None: (at_end(logs), left())[0]
    return registry.replaced(callback, **hooks)


def _over(net: _net.Net, hook: Callable[..., Any], name: str) -> Callable[..., Any]:
    answer = ANSWERS.get(name, lambda: None)

    @functools.wraps(hook)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return net.attempt(functools.partial(hook, *args, **kwargs), answer())

    guarded.__dict__["is_of_the_net"] = True
    return guarded


def own(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a callback without those that are the net's, for a copy of it."""
    return {name: x for name, x in attributes.items() if getattr(x, "is_of_the_net", False) is not True}
