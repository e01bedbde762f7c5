"""A model as a chain of layers, in blocks that are trained one after the other; what is copied from another model."""

from collections.abc import Iterable
from typing import NamedTuple

import keras
import numpy as np

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


# --- the state of an optimizer, for another of its kind --------------------------------------------------------------


Slots = dict[tuple[int, str], np.ndarray]
"""Arrays by the place of the variable among those of the model, and by the name of the slot."""


def slots_of(optimizer: keras.optimizers.Optimizer, variables: Iterable[keras.Variable]) -> Slots:
    """Return the slots of an optimizer for each of these variables; nothing for one that it does not update."""
    place = {id(v): i for i, v in enumerate(variables)}
    found: Slots = {}
    for inner in keras_private.inner_optimizers(optimizer):
        store = _stored(inner)
        keys = _keys(inner, len(store))
        found |= {(place[key[0]], key[1]): store[at] for at, key in keys.items() if key[0] in place}
    return found


def put_slots(optimizer: keras.optimizers.Optimizer, variables: Iterable[keras.Variable], slots: Slots) -> None:
    """Give a built optimizer the slots of another of its kind; what is not in `slots`, or does not fit, stays."""
    place = {id(v): i for i, v in enumerate(variables)}
    for inner in keras_private.inner_optimizers(optimizer):
        store = _stored(inner)
        for at, (variable, name) in _keys(inner, len(store)).items():
            new = slots.get((place.get(variable, -1), name))
            if new is not None and new.shape == store[at].shape:
                store[at] = new
        inner.load_own_variables(store)


def _stored(optimizer: keras.optimizers.Optimizer) -> dict[str, np.ndarray]:
    """Return the state as it is saved: by "0", "1", ..."""
    store: dict[str, np.ndarray] = {}
    optimizer.save_own_variables(store)
    return {at: np.array(value) for at, value in store.items()}


def _keys(optimizer: keras.optimizers.Optimizer, count: int) -> dict[str, tuple[int, str]]:
    """Return which of the saved arrays belong to which variable (by its `id`), and what they are called."""
    known = keras_private.known_variables(optimizer)
    if hasattr(optimizer, "state_of"):
        keys = [(id(v), name) for v in known for name in optimizer.state_of(v)]
        return {str(count - len(keys) + i): key for i, key in enumerate(keys)}
    # Keras calls a slot "<path of the variable>_<name>". The longest path that fits is the right one; of
    # several variables with the same path each takes the next such slot.
    paths = {id(v): v.path.replace("/", "_") for v in known}
    owners: dict[tuple[str, str], list[int]] = {}
    keys_by_name: dict[str, tuple[int, str]] = {}
    for at, slot in enumerate(optimizer.variables):
        path = max((p for p in paths.values() if slot.name.startswith(f"{p}_")), key=len, default=None)
        if path is not None:
            name = slot.name.removeprefix(f"{path}_")
            left = owners.setdefault((path, name), [key for key, p in paths.items() if p == path])
            if left:
                keys_by_name[str(at)] = left.pop(0), name
    return keys_by_name
