"""What takes the place of the optimizers, schedules and callbacks of TensorFlow Addons and keras-contrib."""

import ast
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

ROOTS = ("tensorflow_addons", "keras_contrib")


class Ours(NamedTuple):
    """A part of keras_ch8 that a call is made of.

    Args:
        name: Its name in keras_ch8.
        takes: The arguments of theirs, in their order.
        adds: Arguments that ours is given besides, by name, unless they are there.
        leaves_out: Arguments that ours does not have, each with the value at which nothing is lost; None for any.
        says: What is another in the training then.
    """

    name: str
    takes: tuple[str, ...]
    adds: Mapping[str, str] = {}
    leaves_out: Mapping[str, Any] = {}
    says: str = ""


OF_KERAS = ("clipnorm", "clipvalue", "global_clipnorm", "name")
_OF_ADAM = ("beta_1", "beta_2", "epsilon", "amsgrad", *OF_KERAS)
_CYCLE = ("initial_learning_rate", "maximal_learning_rate", "step_size")
_DECAY = (
    "`weight_decay` is divided by the rate, since what decays in a step of keras_ch8 is the rate times `weight_decay`, "
    "and there is `weight_decay` alone. A callback that changes the rate changes both here"
)
OURS = {
    "tensorflow_addons.optimizers.AdamW": Ours(
        "optimizers.AdamW", ("weight_decay", "learning_rate", *_OF_ADAM), {"learning_rate": "0.001"},
        {"amsgrad": False}, _DECAY,
    ),
    "tensorflow_addons.optimizers.SGDW": Ours(
        "optimizers.SGD", ("weight_decay", "learning_rate", "momentum", "nesterov", *OF_KERAS),
        {"learning_rate": "0.001"}, says=_DECAY,
    ),
    "tensorflow_addons.optimizers.LazyAdam": Ours(
        "optimizers.Adam", ("learning_rate", *_OF_ADAM), leaves_out={"amsgrad": False},
        says="`Adam` moves all rows of an embedding, where `LazyAdam` moves those with a gradient",
    ),
    "tensorflow_addons.optimizers.CyclicalLearningRate": Ours(
        "schedules.CyclicalLearningRate", (*_CYCLE, "scale_fn", "scale_mode", "name"),
        leaves_out={"scale_mode": "cycle"},
    ),
    "tensorflow_addons.optimizers.TriangularCyclicalLearningRate": Ours(
        "schedules.CyclicalLearningRate", (*_CYCLE, "scale_mode", "name"), leaves_out={"scale_mode": None}
    ),
    "tensorflow_addons.optimizers.Triangular2CyclicalLearningRate": Ours(
        "schedules.CyclicalLearningRate", (*_CYCLE, "scale_mode", "name"), {"mode": '"triangular2"'},
        {"scale_mode": "cycle"},
    ),
    "tensorflow_addons.optimizers.ExponentialCyclicalLearningRate": Ours(
        "schedules.CyclicalLearningRate", (*_CYCLE, "scale_mode", "gamma", "name"), {"mode": '"exp_range"'},
        {"scale_mode": "iterations"},
    ),
    "tensorflow_addons.callbacks.TimeStopping": Ours(
        "callbacks.EarlyStopping", ("seconds", "verbose"), {"seconds": "86400"},
        says="the training ends before the epoch that would end too late, and no longer after it",
    ),
}  # fmt: skip
"""Those that are swapped, by their names in full."""
_OWN = "None. Ten lines make it: a class of `keras_ch8.extend.RuleOptimizer` with its rule."
_AVERAGE = "`keras_ch8.callbacks.PolyakAveraging` keeps the average of the weights of any optimizer."
_GROUPS = "Any optimizer of keras_ch8 has a rate for each part: `groups=[keras_ch8.optimizers.Group(...)]`."
_CYCLIC = "It is a schedule: give `keras_ch8.schedules.CyclicalLearningRate` to the optimizer as its rate."
STAYS = {
    "tensorflow_addons.optimizers.LAMB": "`keras.optimizers.Lamb` has it, with the weight decay outside the ratio.",
    "tensorflow_addons.optimizers.RectifiedAdam": "`keras_ch8.optimizers.Adam` after `schedules.Warmup` is near to it.",
    "tensorflow_addons.optimizers.MovingAverage": _AVERAGE,
    "tensorflow_addons.optimizers.SWA": _AVERAGE,
    "tensorflow_addons.optimizers.AveragedOptimizerWrapper": _AVERAGE,
    "tensorflow_addons.callbacks.AverageModelCheckpoint": f"{_AVERAGE} Put `keras.callbacks.ModelCheckpoint` beside it.",
    "tensorflow_addons.optimizers.MultiOptimizer": f"{_GROUPS} `keras.optimizers.MultiOptimizer` mixes algorithms.",
    "tensorflow_addons.optimizers.DiscriminativeLayerOptimizer": _GROUPS,
    "tensorflow_addons.optimizers.DecoupledWeightDecayExtension": "Every optimizer takes `weight_decay`.",
    "tensorflow_addons.optimizers.extend_with_decoupled_weight_decay": "Every optimizer takes `weight_decay`.",
    "tensorflow_addons.callbacks.TQDMProgressBar": "Keras's own bar does it: leave it out.",
    **{
        f"tensorflow_addons.optimizers.{name}": _OWN
        for name in ("AdaBelief", "COCOB", "ConditionalGradient", "Lookahead", "NovoGrad", "ProximalAdagrad", "Yogi")
    },
    **{f"keras_contrib.optimizers.{name}": _OWN for name in ("FTML", "LARS", "Padam", "Yogi")},
    "keras_contrib.optimizers.LearningRateMultiplier": _GROUPS,
    "keras_contrib.callbacks.CyclicLR": _CYCLIC,
    "keras_contrib.callbacks.SnapshotCallbackBuilder": "`keras_ch8.schedules.CosineDecayRestarts` with `t_mul=1` is "
    "its rate; `keras.callbacks.ModelCheckpoint` saves the weights.",
    "keras_contrib.callbacks.SnapshotModelCheckpoint": "`keras.callbacks.ModelCheckpoint` saves the weights.",
    "keras_contrib.callbacks.DeadReluDetector": "`keras_ch8.Doctor` says which layers are dead.",
    "keras_contrib.callbacks.TensorBoardGrouped": "`keras_ch8.callbacks.TensorBoard` has training and validation in one chart.",
}
"""What replaces the others, by their names in full."""
SCALES = {"1": '"triangular"', "1 / 2 ** (x - 1)": '"triangular2"'}
"""The functions of `CyclicalLearningRate` that ours knows, as the mode that stands for them."""

Edits = list[tuple[int, int, str]]


class Place(NamedTuple):
    """What an edit needs of a script: where a node is, what stands there, and whether it surely is a number."""

    of: Callable[[Any], tuple[int, int]]
    text: Callable[[Any], str]
    is_number: Callable[[Any], bool]


def edits_of(full: str, call: ast.Call, place: Place) -> Edits | str:
    """Return the edits that make a call one of ours; the reason, if it has to stay."""
    ours = OURS[full]
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return "It is given arguments that stand elsewhere."
    values: dict[str, Any] = dict(zip(ours.takes, call.args, strict=False)) | {k.arg: k.value for k in call.keywords}
    if unknown := [name for name in values if name not in ours.takes]:
        return f"keras_ch8 has no `{unknown[0]}` for it."
    for name, off in ours.leaves_out.items():
        if name in values and off is not None and place.text(values[name]).strip("'\"") != str(off):
            return f"`{name}={place.text(values[name])}` is not in keras_ch8.{ours.name}."
    replaced, reason = _replaced(values, ours, place)
    if reason:
        return reason
    kept = [f"{name}={replaced.get(name, '')}" for name in values]
    del kept
    edits: Edits = [(*place.of(call.func), f"keras_ch8.{ours.name}")]
    return edits
