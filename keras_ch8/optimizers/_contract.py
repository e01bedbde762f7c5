"""What a subclass of `RuleOptimizer` has to be, checked before its first step."""

import inspect
from typing import Protocol

from .. import _checks
from .._describe import short
from ._update import UpdateRule


class Ruled(Protocol):
    """What is asked of it: see `RuleOptimizer`, which says what each attribute is."""

    rule: UpdateRule
    state_names: tuple[str, ...]
    hyperparameters: tuple[str, ...]


def refuse_rule_without_its_state(cls: type[Ruled]) -> None:
    """Refuse a subclass without a rule, or with one whose parameters are not those that `state_names` says."""
    _checks.written(cls, "rule", "rule(self, g, lr, t, **state) -> (delta_theta, new_state)")
    names = cls.state_names
    if not isinstance(names, tuple) or len(set(names)) < len(names) or {"theta", "residual"} & set(names):
        raise TypeError(
            f"`{cls.__name__}.state_names` must be a tuple of different names, none of them 'theta' or 'residual', "
            f'which have a meaning of their own. Received: {short(names)}. Write for example `state_names = ("v",)`.'
        )
    parameters = list(inspect.signature(cls.rule).parameters.values())
    if not isinstance(inspect.getattr_static(cls, "rule"), staticmethod):
        parameters = parameters[1:]
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    own = [p for p in parameters[3:] if p.kind is not p.VAR_KEYWORD]
    needed = {p.name for p in own if p.default is p.empty} - {"theta"}
    if len(parameters) < 3 or needed - set(names) or (not takes_all and set(names) - {p.name for p in own}):
        raise TypeError(
            f"`{cls.__name__}.rule` must have the parameters g, lr and t, then those in `state_names`, and `theta` if "
            f"it needs the weights. Received: rule({', '.join(map(str, parameters))}) with state_names={short(names)}. "
            "Write the same names in both."
        )


def refuse_lost_hyperparameters(optimizer: Ruled) -> None:
    """Refuse names of hyperparameters that could not be saved."""
    lost = [name for name in optimizer.hyperparameters if not hasattr(optimizer, name)]
    if lost:
        raise AttributeError(
            f"`{type(optimizer).__name__}.hyperparameters` are arguments that the optimizer keeps as attributes of the "
            f"same names, so that they are saved. Received: {lost}, which it does not have. Set them in `__init__`."
        )
