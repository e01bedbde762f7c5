"""What an optimizer may be given, besides the numbers of its rule."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks
from .._describe import call_of, meant, short
from .._types import Tensor

LearningRate: TypeAlias = float | LearningRateSchedule | Callable[[], Tensor]
"""A number, a schedule, or a callable without arguments."""


def weight_decay(value: Any, *, or_none: bool = True) -> float | None:
    """Check the decoupled weight decay; None passes, as the word for "off", unless the optimizer is one that decays."""
    if value is None and or_none:
        return None
    return _checks.number(
        "weight_decay",
        value,
        0.0,
        meaning="the fraction of a weight that each step takes away, times the learning rate",
        fix=f"{'Leave it out (None)' if or_none else 'Use `Adam`'} for no decay; 0.004 is a common start.",
    )


def learning_rate(value: Any) -> LearningRate:
    """Return the learning rate as Keras wants it."""
    _checks.keras_3(value)
    if isinstance(value, LearningRateSchedule) or _checks.takes(value, 0):
        return value
    return _checks.number(
        "learning_rate",
        value,
        0.0,
        meaning="the step size epsilon_k",
        fix="Try 0.001, or 0.01 for SGD and momentum, or a `LearningRateSchedule`, or a function without arguments.",
    )


OF_OTHER_KERAS = {
    "lr": "Write `learning_rate=`.",
    "decay": "Pass a schedule, such as `learning_rate=keras_ch8.schedules.InverseTimeDecay(...)`.",
    "jit_compile": "The update is compiled anyway; pass `jit_compile` to `compile` for the whole training step.",
    "is_legacy_optimizer": "Leave it out.",
}
"""Arguments of optimizers of other versions of Keras, and what stands for them."""


OF_KERAS: dict[str, Callable[[Any], Any]] = {
    "use_ema": lambda value: _checks.flag("use_ema", value, meaning="whether the weights are averaged"),
    "ema_momentum": lambda value: _checks.number(
        "ema_momentum", value, 0.0, 1.0, closed_high=True, meaning="the fraction of the average that each step keeps",
        fix="Try 0.99.",
    ),
    "ema_overwrite_frequency": lambda value: value if value is None else _checks.count(
        "ema_overwrite_frequency", value, 1, meaning="the steps after which the average becomes the weights",
        fix="Try None, for the end of `fit`.",
    ),
    "loss_scale_factor": lambda value: value if value is None else _checks.positive(
        "loss_scale_factor", value, meaning="the factor of the loss", fix="Try None, for no factor.",
    ),
    "gradient_accumulation_steps": lambda value: value if value is None else _checks.count(
        "gradient_accumulation_steps", value, 2, meaning="the batches that make one update",
        fix="Try None, for an update after each batch.",
    ),
    "name": _checks.label,
}  # fmt: skip
"""Arguments that go to Keras's optimizer, and the check of each."""


def of_optimizer(owner: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments for Keras's optimizer; refuse those that it does not have, with what was likely meant."""
    for name, value in arguments.items():
        if name not in OF_KERAS:
            own = [p for cls in owner.__mro__[:-1] for p in inspect.signature(cls).parameters]
            instead = OF_OTHER_KERAS.get(name) or meant(name, [*own, *OF_KERAS])
            instead = instead or f"Besides its own arguments it takes: {', '.join(OF_KERAS)}."
            raise ValueError(f"`{owner.__name__}` has no argument `{name}`. Received: {name}={short(value)}. {instead}")
    return {name: OF_KERAS[name](value) for name, value in arguments.items()}


def no_other_arguments(owner: str, args: tuple[Any, ...], unknown: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse what an optimizer of section 8.6 does not have, above all a learning rate."""
    if args or unknown:
        received = ", ".join([*map(short, args), *(f"{name}={short(value)}" for name, value in unknown.items())])
        alike = " ".join(filter(None, (meant(name, known) for name in unknown))) or f"Write `{owner}()`."
        raise TypeError(
            f"`{owner}` takes its own arguments only. It has no learning rate, because it chooses the length of each "
            f"step itself, and it neither clips nor decays. Received: {owner}({received}). {alike} Pass its arguments "
            f"by name: {', '.join(known)}."
        )


def refuse_rule_without_its_state(cls: Any) -> None:
    """Refuse a subclass without a rule, or with one whose parameters are not those that `state_names` says."""
    _checks.written(cls, "rule", "rule(self, g, lr, t, **state) -> (delta_theta, new_state)")
    names = cls.state_names
    if not isinstance(names, tuple) or len(set(names)) < len(names) or {"theta", "residual"} & set(names):
        raise TypeError(
            f"`{cls.__name__}.state_names` must be a tuple of different names, none of them 'theta' or 'residual', "
            f"which have a meaning of their own. Received: {short(names)}. Write for example "
            '`state_names = ("v",)`.'
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
            f"it needs the weights. Received: rule({', '.join(map(str, parameters))}) with "
            f"state_names={short(names)}. Write the same names in both."
        )


class FixedOnceBuilt:
    """An optimizer some of whose arguments are compiled into its step, and so cannot change after the first."""

    name: str
    hyperparameters: tuple[str, ...] = ()
    compiled: ClassVar[tuple[str, ...]] = ()
    """Such arguments, besides the hyperparameters."""
    instead: ClassVar[str] = "Compile the model with a new optimizer."

    def __setattr__(self, name: str, value: Any) -> None:
        if name in (*self.hyperparameters, *self.compiled) and getattr(self, "built", False):
            raise AttributeError(
                f"`{name}` is compiled into the update step of {self.name!r} and cannot change after the first step. "
                f"Received: {name}={short(value)}. {self.instead}"
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        names = (*self.hyperparameters, *(["groups"] if getattr(self, "groups", ()) else []))
        config = self.get_config() | {name: getattr(self, name) for name in names}  # type: ignore[attr-defined]
        return call_of(self, {name: value for name, value in config.items() if name != "name"})
