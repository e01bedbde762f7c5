"""What `set_state` of a callback takes, and its refusal of anything else."""

from collections.abc import Collection, Mapping
from typing import Any

from ... import _state
from ..._describe import short


def checked(owner: str, state: Any, kind: Any, modules: Collection[str] = ()) -> Any:
    """Return what the callback `owner` remembered, from what `get_state` has returned.

    Args:
        owner: Name of the callback, for errors.
        state: The state.
        kind: What it is made of: a dataclass, of which one is returned, or a dict of types by names.
        modules: Where classes may be defined, beside this package. Defaults to `()`.

    Raises:
        ValueError: If the state is not made of that.
    """
    names = kind if isinstance(kind, Mapping) else _state.types_of(kind)
    try:
        given = _state.load(state, modules)
        fault = _state.fault(given, names)
    except ValueError as error:
        fault = f"it has what cannot be read: {error}"
    if fault:
        parts = ", ".join(map(repr, names)) or "nothing: it has no state"
        raise ValueError(
            f"`set_state` of `{owner}` goes on from what `get_state` of one with the same arguments has returned, "
            f"a dict of {parts}. Received: a {type(state).__name__}; {fault}. Give the state that was kept "
            "for this callback, as it was returned."
        )
    return given if isinstance(kind, Mapping) else kind(**given)


def refuse(owner: str, what: str, received: Any, expected: Any) -> ValueError:
    """Return the error that says that a state is that of another callback, model or setting."""
    return ValueError(
        f"`set_state` of `{owner}` goes on from the state of one with the same arguments. Received: a state with "
        f"{what}={short(received)}, where this callback has {what}={short(expected)}. Make the callback as it was, or "
        "begin without the state."
    )
