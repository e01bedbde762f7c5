"""The first layers of a trained model, given to another one."""

from typing import Any

from .. import _checks
from ..integration import backend
from ._chain import Chain, Link, chain_of


def transfer(chain: Chain, source: Any, count: int | None) -> int:
    """Copy the weights of the first hidden layers, all or none, and return of how many."""
    theirs = chain_of(source)
    most = min(len(chain.blocks), len(theirs.blocks))
    count = most if count is None else _checks.count(
        "source_layers", count, 1, meaning="how many hidden layers to copy", mend="Leave out `source` for none."
    )  # fmt: skip
    if count > most:
        raise ValueError(
            "`source_layers` are the hidden layers to copy, so it must be at most the number that both models have. "
            f"Received: source_layers={count}, with {len(chain.blocks)} here and {len(theirs.blocks)} in `source`."
        )
    pairs = []
    for mine, other in zip(chain.blocks[:count], theirs.blocks[:count], strict=True):
        weights, given = _weights(mine), _weights(other)
        shapes, expected = ([tuple(w.shape) for w in some] for some in (given, weights))
        if shapes != expected:
            raise ValueError(
                f"The layers copied from `source` must have weights of the same shapes. Received: {_names(other)} with "
                f"{shapes} for {_names(mine)} with {expected}. Give a smaller `source_layers`, or the same sizes."
            )
        pairs += list(zip(weights, given, strict=True))
    for weight, value in pairs:
        backend.native(weight).assign(backend.native(value).numpy())
    return count


def _weights(block: list[Link]) -> list[Any]:
    return [weight for link in block for weight in link.layer.weights]


def _names(block: list[Link]) -> list[str]:
    return [link.layer.name for link in block]
