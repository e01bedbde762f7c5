"""The weighted sums of each layer, in one pass through a model that leaves it as it is."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import layers, ops

from .._types import Tensor, Tree
from ..integration import keras_private, registry

NORMALIZING = (layers.LayerNormalization, layers.GroupNormalization, layers.PReLU)
"""Layers whose matrices have no scale that could be chosen."""

GATED = (layers.SimpleRNNCell, layers.GRUCell, layers.LSTMCell)
"""Cells whose input goes through `kernel`."""


@dataclasses.dataclass(frozen=True)
class Summing:
    """A layer and its matrices; of a recurrent layer the one for its input, or none if that is not known."""

    layer: keras.layers.Layer
    matrices: tuple[keras.Variable, ...]

    def sums(self, call: Callable[..., Tree], inputs: Tensor, *args: Any, **kw: Any) -> Tensor | None:
        """Return the weighted sums of the layer, before its nonlinearity; None if they are not known."""
        if isinstance(self.layer, keras.layers.RNN):
            return ops.matmul(inputs, ops.cast(self.matrices[0], inputs.dtype)) if self.matrices else None
        with _without_activation(self.layer):
            return keras.tree.flatten(call(inputs, *args, **kw))[0]


def summing_layers(model: keras.Model) -> list[Summing]:
    """Return the layers of a model that have trainable matrices, in no particular order."""
    recurrent = [leaf for leaf in keras_private.leaves_of(model) if isinstance(leaf, keras.layers.RNN)]
    of_recurrent = {id(v) for layer in recurrent for v in layer.trainable_variables}
    rest = [v for v in model.trainable_variables if id(v) not in of_recurrent and len(v.shape) > 1]
    owners = keras_private.owners_in(model)
    matrices: dict[int, tuple[Any, list[Any]]] = {}
    for v in rest:
        owner = owners[id(v)]
        if not isinstance(owner, NORMALIZING):
            matrices.setdefault(id(owner), (owner, []))[1].append(v)
    found = [Summing(owner, tuple(own)) for owner, own in matrices.values()]
    for layer in recurrent:
        if layer.trainable_variables:
            known = isinstance(layer.cell, GATED) and layer.cell.kernel.trainable
            found.append(Summing(layer, (layer.cell.kernel,) if known else ()))
    return list({id(s.layer): s for s in found}.values())


def walk(
    model: keras.Model, found: list[Summing], x: Tree, visit: Callable[[Summing, Callable[[], Tensor]], None]
) -> None:
    """Call the model as in training, and `visit` each of its summing layers at its first call, before it goes on.

    `visit` receives a function that returns the sums of the layer, with the values that it has assigned to the matrices
    by then. All of this is undone at the end: weights, moving statistics and seeds are as they were.
    """
    met: set[int] = set()

    def call_of(summing: Summing, call: Callable[..., Tree], *args: Any, **kw: Any) -> Tree:
        if id(summing.layer) not in met:
            met.add(id(summing.layer))
            visit(summing, functools.partial(summing.sums, call, *args, **kw))
        return call(*args, **kw)

    with keras.StatelessScope(collect_losses=True), contextlib.ExitStack() as exits:
        for s in found:
            exits.enter_context(registry.replaced(s.layer, call=functools.partial(call_of, s, s.layer.call)))
        keras_private.call(model, x, training=True)


@contextlib.contextmanager
def _without_activation(layer: keras.layers.Layer) -> Iterator[None]:
    own = vars(layer)  # past Keras's `__setattr__`, which tracks activations that are layers
    activation = own.get("activation")
    if activation is not None:
        own["activation"] = keras.activations.linear
    try:
        yield
    finally:
        if activation is not None:
            own["activation"] = activation
