"""The state of an optimizer by variable, handed to another optimizer of its kind."""

from collections.abc import Iterable

import keras
import numpy as np

from ..integration import keras_private

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
