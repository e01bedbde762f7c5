"""What layers are given and give, taken along while the model is traced."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from ..integration import backend, registry


@dataclasses.dataclass
class Taken:
    """One call of one layer: its first argument, its mask and its output, as tensors of the graph."""

    layer: Any
    given: Any
    mask: Any
    output: Any


@contextlib.contextmanager
def taking(layers: Sequence[Any], watch: Callable[[Any], None]) -> Iterator[list[Taken]]:
    """Take along every call of these layers inside, in order; `watch` is told what they are given.

    Only `call` of the instance is replaced, and only for so long; calls inside a loop of the graph are left out, since
    their tensors are nothing outside it.
    """
    taken: list[Taken] = []
    layers = list({id(layer): layer for layer in layers}.values())  # two models may hold the same
    with contextlib.ExitStack() as exits:
        for layer in layers:
            call = functools.partial(_call, layer, layer.call, taken, watch)
            exits.enter_context(registry.replaced(layer, call=call))
        yield taken
    taken[:] = [t for t in taken if backend.is_reachable(t.output)]


def _call(
    layer: Any, call: Callable[..., Any], taken: list[Taken], watch: Any, given: Any, *args: Any, **kw: Any
) -> Any:
    if keras.ops.is_tensor(given) and keras.backend.is_float_dtype(given.dtype):
        given = backend.copy(given)  # whoever else is given the same has a gradient of its own
        watch(given)
    output = call(given, *args, **kw)
    first = keras.tree.flatten(output)[0]
    if keras.ops.is_tensor(given):
        taken.append(Taken(layer, given, kw.get("mask"), first))
    return output
