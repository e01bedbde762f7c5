"""A model as a chain of layers, in blocks that can be trained one after the other."""

from typing import Any, NamedTuple

import keras

from .. import _checks
from ..integration import keras_private

MEND = (
    "Pretrain a model that is a chain, such as a `keras.Sequential`; put branches inside a layer (`layers.Residual`)."
)


class Link(NamedTuple):
    """A layer of a chain, and the symbolic tensor that it puts out in it."""

    layer: Any
    output: Any


class Chain(NamedTuple):
    """A chain of layers.

    Args:
        input: The symbolic tensor at its beginning.
        blocks: Its layers but for the head; each block begins with a layer that has a matrix of weights or more.
        head: That layer which is the last of this kind, and those after it.
    """

    input: Any
    blocks: list[list[Link]]
    head: list[Link]

    @property
    def names(self) -> list[str]:
        """Names of the layers with weights, one for each block."""
        return [next(link.layer.name for link in block if _is_weighted(link)) for block in self.blocks]


def chain_of(model: Any) -> Chain:
    """Return the layers of a model in their order; ValueError if each does not go into the next one only."""
    inputs, outputs = _ends(model)
    links: list[Link] = []
    tensor = outputs[0]
    while tensor is not inputs[0]:
        layer, sources = keras_private.source_of(tensor)
        if len(sources) != 1 or not isinstance(layer, keras.Layer) or layer in [link.layer for link in links]:
            raise ValueError(
                "Layers are pretrained one after the other, so each must take what the one before puts out and be "
                f"called once. Received: {layer.name!r}, called on {len(sources)} tensors or more than once. {MEND}"
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
            f"matrix of weights are {[link.layer.name for group in groups for link in group]}. Give a deeper model."
        )
    return Chain(inputs[0], groups[:-1], groups[-1])


def _is_weighted(link: Link) -> bool:
    return any(len(weight.shape) > 1 for weight in link.layer.weights)


def _ends(model: Any) -> tuple[list[Any], list[Any]]:
    _checks.keras_3(model)
    built = getattr(model, "built", False) and isinstance(model, keras.Model)
    inputs, outputs = (getattr(model, name, None) if built else None for name in ("inputs", "outputs"))
    if not inputs or not outputs or len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            "`model` must be a built `keras.Sequential` or `keras.Model(inputs, outputs)` with one input and one "
            f"output. Received: {model!r}, with inputs {inputs} and outputs {outputs}. Begin a Sequential with "
            f"`keras.Input(shape)`. {MEND}"
        )
    return inputs, outputs
