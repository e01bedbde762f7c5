"""Keras's three words for clipping, as rules."""

from typing import Any

from ._by_global_norm import ByGlobalNorm
from ._by_norm import ByNorm
from ._by_value import ByValue
from ._rule import AbstractRule, as_rule, limit

_RULES = {"clipnorm": ByNorm, "clipvalue": ByValue, "global_clipnorm": ByGlobalNorm}


def rule_of(clip: Any, **numbers: float | None) -> AbstractRule | None:
    """Return the rule that `clip`, `clipnorm`, `clipvalue` or `global_clipnorm` stands for, of which one may be given.

    Raises:
        ValueError: If more than one is given, or a limit is not above 0.
        TypeError: If `clip` is not a rule.
    """
    rule = as_rule(clip)
    given = {name: value for name, value in {"clip": rule, **numbers}.items() if value is not None}
    if len(given) > 1:
        raise ValueError(
            "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set, or `clip` instead: each is a rule "
            f"for the same gradient. Received: {', '.join(f'{k}={v!r}' for k, v in given.items())}. Keep one."
        )
    for name, value in numbers.items():
        if value is not None:
            rule = _RULES[name](limit(name, value))
    return rule
