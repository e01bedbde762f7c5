"""Groups of weights: a factor of the learning rate and of the weight decay for each part of a model."""

import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self, final

import keras

from .. import _checks, _objects
from .._describe import misfit, short
from .._registration import registered
from .._settings import Count, Number, Settings, positive
from .._types import Config, Tensor

FACTOR = positive("what the learning rate is multiplied by", "Try 0.1, or `trainable = False` for layers at rest.")
DECAY = Number("what the weight decay is multiplied by", "Try False, for no decay.", 0.0)
OTHERS = "others"
"""What the weights that are in no group are called."""
LISTED = 50
"""Paths that an error lists at most."""


@final
@registered
@dataclasses.dataclass(frozen=True)
class Group(Settings):
    r"""Weights with their own learning rate or without weight decay (Howard and Ruder 2018).

    At every step of an optimizer, a weight that is in a group moves by

    .. math::

        \text{lr} &\leftarrow \text{learning_rate} \cdot \epsilon_k \\
        \theta &\leftarrow \theta + \Delta\theta(\text{lr}) - \text{lr} \cdot \text{weight_decay} \cdot \lambda \theta

    where epsilon_k is the rate of the optimizer at this step, also from a schedule, Delta theta(lr) what its algorithm
    does at the rate lr, and lambda its `weight_decay`. Give a list of groups to any first-order optimizer:
    `AdamW(1e-3, groups=[Group("encoder/*", learning_rate=0.1), Group.of_rank(1, weight_decay=False)])`. A weight
    belongs to the first that fits it, and moves as without groups if none does. Clipping comes before the groups, and
    acts on the gradient of all weights together.

    Differs from `keras.optimizers.MultiOptimizer`, which has another optimizer for each part: here one optimizer with
    one state makes one pass, so that rate and schedule are given once, and clipping sees the whole gradient.

    Args:
        paths: Pattern of the paths of weights (`variable.path`), in which `*` stands for any text, also with a "/"; or
            a list of patterns. Defaults to `"*"`: all.
        learning_rate: Number above 0 that the optimizer's rate is multiplied by. Defaults to `1.0`.
        weight_decay: Number of at least 0 that the optimizer's weight decay is multiplied by, or `False` for none.
            Defaults to `1.0`.
        rank: How many axes the weights have: 1 are biases and the scales of normalization. Defaults to `None`: any.

    Raises:
        TypeError: If `paths` is neither a pattern nor a list of them.
        ValueError: If a factor lies outside its range; when the optimizer meets the weights, if a group fits none of
            them, or only such as are in groups before it.

    Example:
        >>> fast, slow = keras.Variable([1.0], name="head"), keras.Variable([1.0], name="encoder")
        >>> groups = [keras_ch8.optimizers.Group("enc*", learning_rate=0.1)]
        >>> optimizer = keras_ch8.optimizers.SGD(0.5, groups=groups)
        >>> optimizer.apply([keras.ops.array([1.0])] * 2, [fast, slow])
        >>> round(float(fast[0]), 4), round(float(slow[0]), 4)
        (0.5, 0.95)

    References:
        Howard and Ruder (2018), Universal Language Model Fine-tuning for Text Classification.
    """

    paper = "Howard and Ruder 2018"

    paths: str | Sequence[str] = "*"
    learning_rate: Annotated[float, FACTOR] = 1.0
    weight_decay: float = 1.0
    rank: Annotated[int, Count("how many axes the weights have", "Try 1, for biases.", 0)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weight_decay is not False:
            DECAY.check("weight_decay", self.weight_decay)
        if _checks.is_name(self.paths):
            return
        if not (_checks.is_list(self.paths) and len(self.paths) and all(map(_checks.is_name, self.paths))):
            expected = "a pattern of their paths or a list of patterns"
            fix = 'Try "encoder/*", or `Group.of_layer(layer)`.'
            raise TypeError(misfit("paths", "says which weights are meant", expected, self.paths, fix))
        object.__setattr__(self, "paths", tuple(map(str, self.paths)))

    @classmethod
    def of_rank(cls, rank: int, learning_rate: float = 1.0, weight_decay: float = 1.0) -> Self:
        """Return the group of the weights with so many axes: 1 for biases and the scales of normalization."""
        return cls("*", learning_rate, weight_decay, rank)

    @classmethod
    def of_layer(cls, layer: keras.Layer, learning_rate: float = 1.0, weight_decay: float = 1.0) -> Self:
        """Return the group of the trainable weights of a layer, or of a model inside another."""
        if not isinstance(layer, keras.Layer) or not _objects.trained(layer):
            raise ValueError(
                f"`layer` stands for its trainable weights. Received: {short(layer)}, which has none. Pass a layer or "
                "a model that is built, and train at least one of its weights."
            )
        return cls(tuple(v.path for v in _objects.trained(layer)), learning_rate, weight_decay)

    @classmethod
    def by_depth(cls, model: keras.Model, decay: float) -> list[Self]:
        r"""Return a group for each layer, with a rate that falls from the last one to the first.

        .. math::

            \text{learning_rate}_i = \text{decay}^{n - i}

        for the i-th of n layers with trainable weights, in the order of `model.layers`; of a model inside the model
        each layer counts, of any other layer only the whole.
        """
        decay = _checks.fraction("decay", decay, meaning="the rate of a layer over that of the next", fix="Try 0.9.")
        layers = [layer for layer in _layers_of(_objects.model(model)) if _objects.trained(layer)]
        return [cls.of_layer(layer, decay**i) for i, layer in enumerate(reversed(layers))][::-1]

    @property
    def label(self) -> str:
        """What curves and sentences call the group."""
        first, *more = self._patterns
        named = f"{first} and {len(more)} more" if more else first
        if self.rank is None:
            return named
        return f"rank {self.rank}" if named == "*" else f"{named} of rank {self.rank}"

    @property
    def _patterns(self) -> Sequence[str]:
        return [self.paths] if isinstance(self.paths, str) else self.paths

    def fits(self, path: str, rank: int) -> bool:
        """Whether a weight with this path and so many axes is meant."""
        is_named = any(path == pattern or fnmatch.fnmatchcase(path, pattern) for pattern in self._patterns)
        return is_named and self.rank in (None, rank)

    def get_config(self) -> Config:
        """Return the arguments that make it again."""
        return super().get_config() | {"paths": self.paths if isinstance(self.paths, str) else list(self.paths)}


def _layers_of(model: keras.Model) -> list[keras.Layer]:
    parts = [_layers_of(layer) if isinstance(layer, keras.Model) else [layer] for layer in model.layers]
    return list(dict.fromkeys(layer for part in parts for layer in part))


def groups_of(groups: Any, weight_decay: float | None) -> tuple[tuple[Group, ...], Sequence[Any]]:
    """Return the groups of an optimizer; of a saved one also which weight it had found to be in which."""
    saved: Sequence[Any] = ()
    if isinstance(groups, dict) and groups.keys() == {"groups", "group_of"}:
        groups, saved = groups["groups"], groups["group_of"]
        groups = [keras.saving.deserialize_keras_object(group) for group in groups]
    of = 'groups, such as `Group("encoder/*", learning_rate=0.1)`'
    groups = _objects.list_of("groups", groups, Group, of)
    scaled = next((group for group in groups if float(group.weight_decay) not in (0.0, 1.0)), None)
    if weight_decay is None and scaled is not None:
        raise ValueError(
            "`weight_decay` of a group is a factor of that of the optimizer, which has none. Received: groups with "
            f"{scaled!r}, and weight_decay=None. Give the optimizer a `weight_decay`, or leave the factor out."
        )
    return tuple(groups), saved


Scaled = Mapping[float, Tensor]
"""A number of the step times each of some factors, by the factor."""


class Grouping:
    """The groups of an optimizer, and which of its weights is in which.

    Args:
        groups: The groups.
        weights: Path and number of axes of each weight that the optimizer moves, by its place.
        saved: Path and number of the group of each, as `config` has returned them. Keras drops the names of outer
            models from the paths when it loads a model; where the paths are these but for that, the numbers hold.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        weights: Mapping[int, tuple[str, int]],
        saved: Sequence[tuple[str, int | None]] = (),
    ) -> None:
        self._groups, self._paths = groups, {i: path for i, (path, _) in weights.items()}
        pairs = zip(saved, self._paths.values(), strict=False)
        are_saved = len(saved) == len(weights) and all(f"/{was}".endswith(f"/{path}") for (was, _), path in pairs)
        self._of: dict[int, int | None] = (
            dict(zip(weights, (number for _, number in saved), strict=True)) if are_saved else self._found(weights)
        )

    def _found(self, weights: Mapping[int, tuple[str, int]]) -> dict[int, int | None]:
        """Return the first group that fits each weight; refuse groups that have none."""
        found = {
            i: next((number for number, group in enumerate(self._groups) if group.fits(*weight)), None)
            for i, weight in weights.items()
        }
        self._refuse_two_of_one_path()
        for number, group in enumerate(self._groups):
            if number not in found.values():
                hidden = [path for path, rank in weights.values() if group.fits(path, rank)]
                if hidden:
                    raise ValueError(
                        f"A weight belongs to the first of `groups` that matches it. Received: {group!r}, all of whose "
                        f"weights belong to earlier groups: {_listed(hidden)}. Move it before them, or remove it."
                    )
                raise ValueError(
                    f"Each of `groups` must match a weight. Received: {group!r}, which matches none of "
                    f"{_listed(list(self._paths.values()))}. Fix its pattern (`*` matches any text), or use "
                    "`Group.of_layer(layer)`."
                )
        return found

    def _refuse_two_of_one_path(self) -> None:
        """Refuse a path that was taken from one weight, as by `Group.of_layer`, where two have it."""
        paths = list(self._paths.values())
        named = {path for group in self._groups if not isinstance(group.paths, str) for path in group.paths}
        if twice := [path for path in dict.fromkeys(paths) if path in named and paths.count(path) > 1]:
            raise ValueError(
                "A group identifies its weights by their paths, which must be unique. Received: groups for "
                f"{_listed(twice)}, which occur several times. Rename the layers of the model."
            )

    def rate(self, i: int) -> float:
        """Return the factor of the learning rate of a weight."""
        number = self._of[i]
        return 1.0 if number is None else self._groups[number].learning_rate

    def decay(self, i: int) -> float:
        """Return the factor of lr * weight_decay of a weight: its rate is in it."""
        number = self._of[i]
        return 1.0 if number is None else self.rate(i) * float(self._groups[number].weight_decay)

    def scaled(self, lr: Tensor, decay: Tensor | None) -> tuple[Scaled, Scaled]:
        """Return the learning rate, and what decays in a step, times each factor of a weight."""
        rates, decays = ({of(i) for i in self._of} for of in (self.rate, self.decay))
        some = [] if decay is None else sorted(decays - {0.0})
        return {f: _times(lr, f) for f in sorted(rates)}, {f: _times(decay, f) for f in some}

    @property
    def members(self) -> dict[str, list[int]]:
        """The places of the weights of each group, and of the others, by what they are called; {} without groups."""
        if not self._groups:
            return {}
        names = [*(group.label for group in self._groups), OTHERS]
        places = [[i for i, of in self._of.items() if of == number] for number in (*range(len(self._groups)), None)]
        return {name: some for name, some in zip(names, places, strict=True) if some}

    @property
    def rates(self) -> dict[str, float]:
        """The factor of the learning rate of each, by what they are called."""
        return {name: self.rate(some[0]) for name, some in self.members.items()}

    def config(self) -> list[list[Any]]:
        """Return path and number of the group of each weight."""
        return [[path, self._of[i]] for i, path in self._paths.items()]


def _times(value: Tensor, factor: float) -> Tensor:
    return value if factor == 1 else value * factor


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
    return f"[{', '.join(map(repr, paths[:LISTED]))}]{more}"
