"""Which activations may stand between units and what they go into."""

from typing import Any

from keras import activations, layers

from ._wiring import ACTIVATION, Wiring, is_batch_normalization

OF_KERAS = tuple(getattr(activations, name) for name in dir(activations) if not name.startswith("_"))
MIXING = (activations.glu, activations.get, activations.serialize, activations.deserialize)
"""What makes one unit out of two; and what is no activation."""

HOMOGENEOUS = (activations.linear, activations.relu, activations.leaky_relu)
"""f(a z) = a f(z) for a > 0."""


def check_symmetric(wiring: Wiring) -> None:
    """Refuse an activation that might not treat all units alike: only Keras's own are known to."""
    for name, f in _activations_of(wiring):
        if not (isinstance(f, ACTIVATION) or (f in OF_KERAS and f not in MIXING)):
            raise ValueError(
                "Units may change places where the activation treats them alike, as those of `keras.activations` but "
                f"`glu` do. Received: {_described(f)} in {name!r}. Take an activation of Keras."
            )


def check_homogeneous(wiring: Wiring) -> None:
    """Refuse an activation or a normalization that does not carry a positive factor through."""
    for name in (part.name for part in wiring.between if is_batch_normalization(part)):
        raise ValueError(
            "Units may be rescaled where a factor comes out as it went in. Received: the batch normalization "
            f"{name!r} on the way, which takes the factor out (but for its epsilon). Choose a layer without one."
        )
    for name, f in _activations_of(wiring):
        no_limit = isinstance(f, layers.ReLU) and f.max_value is None and f.threshold == 0
        if not (f in HOMOGENEOUS or isinstance(f, layers.LeakyReLU) or no_limit):
            raise ValueError(
                "Units may be rescaled where a factor comes out as it went in: f(a z) = a f(z) for a > 0, as of relu, "
                f"leaky_relu, linear and pooling. Received: {_described(f)} in {name!r}. Choose a layer with one of "
                "these activations."
            )


def _activations_of(wiring: Wiring) -> list[tuple[str, Any]]:
    """Return the activations on the way, with the name of their layer; a layer may be one itself."""
    parts = [wiring.layer, *(part for part in wiring.between if isinstance(part, ACTIVATION))]
    return [(part.name, getattr(part, "activation", part)) for part in parts]


def _described(f: Any) -> str:
    if isinstance(f, layers.ReLU):
        return f"a ReLU with max_value={f.max_value!r} and threshold={f.threshold!r}"
    return getattr(f, "__name__", repr(f))
