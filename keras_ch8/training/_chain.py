"""A model as a chain of layers, in blocks that are trained one after the other; what is copied from another model."""

from typing import NamedTuple

import keras

from .. import _checks
from .._describe import short
from ..integration import backend, keras_private

FIX = "Pretrain a model that is a chain, such as a `keras.Sequential`; put branches inside a layer (`layers.Residual`)."


class Link(NamedTuple):
    """A layer of a chain, and its symbolic output there."""

    layer: keras.layers.Layer
    output: keras.KerasTensor


class Chain(NamedTuple):
    """A chain of layers.

    Args:
        input: The symbolic tensor at its beginning.
        blocks: Its layers but for the head; each block begins with a layer that has a matrix of weights or more.
        head: That layer which is the last of this kind, and those after it.
    """

    input: keras.KerasTensor
    blocks: list[list[Link]]
    head: list[Link]

    @property
    def names(self) -> list[str]:
        """Names of the layers with weights, one for each block."""
        return [next(link.layer.name for link in block if _is_weighted(link)) for block in self.blocks]


def chain_of(model: keras.Model) -> Chain:
    """Return the layers of a model in their order; ValueError if each does not go into the next one only."""
    _checks.keras_3(model)
    built = getattr(model, "built", False) and isinstance(model, keras.Model)
    inputs, outputs = (getattr(model, name, None) if built else None for name in ("inputs", "outputs"))
    if not inputs or not outputs or len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            "`model` must be a built `keras.Sequential` or `keras.Model(inputs, outputs)` with one input and one "
            f"output. Received: {short(model)}, with inputs {inputs} and outputs {outputs}. Begin a Sequential with "
            f"`keras.Input(shape)`. {FIX}"
        )
    links: list[Link] = []
    tensor = outputs[0]
    while tensor is not inputs[0]:
        layer, sources = keras_private.source_of(tensor)
        if len(sources) != 1 or not isinstance(layer, keras.Layer) or layer in [link.layer for link in links]:
            raise ValueError(
                "Layers are pretrained one after another, so each must be called once, on the output of the one "
                f"before. Received: {layer.name!r}, called on {len(sources)} tensors or more than once. {FIX}"
            )
        links.append(Link(layer, tensor))
        tensor = sources[0]
    groups: list[list[Link]] = []
    before: list[Link] = []
    for link in reversed(links):
        if _is_weighted(link):
            groups.append([*before, link])
            before = []
        else:
            (groups[-1] if groups else before).append(link)
    if len(groups) < 2:
        raise ValueError(
            "Pretraining needs a hidden layer with weights and a last one. Received: a model whose layers with a "
            f"matrix of weights are {[link.layer.name for group in groups for link in group]}. Pass a deeper model."
        )
    return Chain(inputs[0], groups[:-1], groups[-1])


def _is_weighted(link: Link) -> bool:
    return any(len(weight.shape) > 1 for weight in link.layer.weights)


def transfer(chain: Chain, source: keras.Model, count: int | None) -> int:
    """Copy the weights of the first hidden layers, all or none, and return of how many."""
    other_chain = chain_of(source)
    most = min(len(chain.blocks), len(other_chain.blocks))
    count = most if count is None else count
    if count > most:
        raise ValueError(
            "`source_layers` are the hidden layers to copy, so it must be at most the number that both models have. "
            f"Received: source_layers={count}, with {len(chain.blocks)} here and {len(other_chain.blocks)} in `source`."
        )
    pairs = []
    for block, other in zip(chain.blocks[:count], other_chain.blocks[:count], strict=True):
        weights, copied = _weights(block), _weights(other)
        shapes, expected = ([tuple(w.shape) for w in some] for some in (copied, weights))
        if shapes != expected:
            raise ValueError(
                f"The layers copied from `source` must have weights of the same shapes. Received: {_names(other)} with "
                f"{shapes} for {_names(block)} with {expected}. Pass a smaller `source_layers`, or the same sizes."
            )
        pairs += list(zip(weights, copied, strict=True))
    for weight, value in pairs:
        backend.native(weight).assign(backend.native(value).numpy())
    return count


def _weights(block: list[Link]) -> list[keras.Variable]:
    return [weight for link in block for weight in link.layer.weights]


def _names(block: list[Link]) -> list[str]:
    return [link.layer.name for link in block]
