"""What goes into what in a model."""

from collections.abc import Iterator
from typing import Any

import keras

from .. import _checks


def edges_of(model: Any) -> dict[str, list[str]]:
    """Return the names of what the output of each layer goes into; "(output)" for an output of the model."""
    _checks.keras_3(model)
    if type(model) is keras.Sequential:
        names = [part.name for part in model.layers]
        return {name: [following] for name, following in zip(names, [*names[1:], "(output)"], strict=True)}
    if not (isinstance(model, keras.Model) and type(model).__module__.partition(".")[0] == "keras"):
        raise ValueError(
            "What goes where is known of a `keras.Sequential` and of a `keras.Model(inputs, outputs)`. Received: "
            f"a {type(model).__name__}. Build such a model from its layers: it shares their weights."
        )
    config = model.get_config()
    edges: dict[str, list[str]] = {part["name"]: [] for part in config["layers"]}
    for part in config["layers"]:
        calls = part["inbound_nodes"]
        for source in {name for call in calls for name in _sources(call)}:
            edges[source] += [part["name"]] * len(calls)  # called twice, it counts as two
    for name in keras.tree.flatten(config["output_layers"]):
        if isinstance(name, str):
            edges[name].append("(output)")
    return edges


def _sources(config: Any) -> Iterator[str]:
    """Yield the names of the layers whose outputs a call of a layer takes."""
    if isinstance(config, dict) and "keras_history" in config:
        yield config["keras_history"][0]
    elif isinstance(config, (dict, list, tuple)):
        for part in config.values() if isinstance(config, dict) else config:
            yield from _sources(part)
