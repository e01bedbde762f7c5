"""What takes the place of the optimizers, schedules and callbacks of TensorFlow Addons and keras-contrib."""

import ast
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

ROOTS = ("tensorflow_addons.", "keras_contrib.")
"""What their names begin with."""


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
    "what decays in a step is `weight_decay` times the rate here, and `weight_decay` alone there: it is divided by the "
    "rate, and what changes the rate in `fit` changes both"
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
        says="it moves all rows of an embedding, where `LazyAdam` moves those with a gradient",
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
        "callbacks.EarlyStopping", ("seconds", "verbose"),
        {"monitor": '"loss"', "criterion": "keras_ch8.stopping.Deadline(86400)"},
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
    "tensorflow_addons.callbacks.AverageModelCheckpoint": f"{_AVERAGE} `keras.callbacks.ModelCheckpoint` saves it.",
    "tensorflow_addons.optimizers.MultiOptimizer": f"{_GROUPS} `keras.optimizers.MultiOptimizer` mixes algorithms.",
    "tensorflow_addons.optimizers.DiscriminativeLayerOptimizer": _GROUPS,
    "tensorflow_addons.optimizers.DecoupledWeightDecayExtension": "Every optimizer takes `weight_decay`.",
    "tensorflow_addons.optimizers.extend_with_decoupled_weight_decay": "Every optimizer takes `weight_decay`.",
    "tensorflow_addons.callbacks.TQDMProgressBar": "Keras's own bar does it: leave it out.",
    **{
        f"tensorflow_addons.optimizers.{name}": _OWN
        for name in ("AdaBelief", "COCOB", "ConditionalGradient", "NovoGrad", "ProximalAdagrad", "Yogi")
    },
    "tensorflow_addons.optimizers.Lookahead": "None: it moves the weights of another optimizer.",
    **{f"keras_contrib.optimizers.{name}": _OWN for name in ("FTML", "LARS", "Padam", "Yogi")},
    "keras_contrib.optimizers.LearningRateMultiplier": _GROUPS,
    "keras_contrib.callbacks.CyclicLR": _CYCLIC,
    "keras_contrib.callbacks.SnapshotCallbackBuilder": "`keras_ch8.schedules.CosineDecayRestarts` with `t_mul=1` is "
    "its rate; `keras.callbacks.ModelCheckpoint` saves the weights.",
    "keras_contrib.callbacks.SnapshotModelCheckpoint": "`keras.callbacks.ModelCheckpoint` saves the weights.",
    "keras_contrib.callbacks.DeadReluDetector": "`keras_ch8.Doctor` says which layers are dead.",
    "keras_contrib.callbacks.TensorBoardGrouped": "`keras_ch8.callbacks.TensorBoard` has both losses in one chart.",
}
"""What replaces the others, by their names in full."""
SCALES = {"1": '"triangular"', "1 / 2 ** (x - 1)": '"triangular2"'}
"""The functions of `CyclicalLearningRate` that ours knows, as the mode that stands for them."""

Edits = list[tuple[int, int, str]]
"""Begin and end in the source, and the text to put there."""
UNKNOWN = (
    "What decays in a step of keras_ch8 is the rate times `weight_decay`, and there is `weight_decay` alone. Received: "
    "one of the two that need not be a number. Write `keras_ch8.{}` with the quotient by hand."
)


class Script(NamedTuple):
    """What the edits need of a script: where a node is, what stands there, and whether it surely is a number."""

    at: Callable[[Any], tuple[int, int]]
    text: Callable[[Any], str]
    is_number: Callable[[Any], bool]


def edits_of(full: str, call: ast.Call, script: Script) -> tuple[Edits, str]:
    """Return the edits that make a call one of ours, and ""; or none, and the reason why it stays."""
    ours = OURS[full]
    given: list[tuple[Any, Any]] = [*zip(ours.takes, call.args, strict=False), *((k.arg, k) for k in call.keywords)]
    values = {name: node.value if isinstance(node, ast.keyword | ast.Starred) else node for name, node in given}
    is_plain = len(call.args) <= len(ours.takes) and not any(isinstance(node, ast.Starred) for node in call.args)
    if not is_plain or not all(name in ours.takes for name in values):
        return [], f"keras_ch8.{ours.name} does not take all the arguments that it is given."
    rate = ours.adds.get("learning_rate", "")
    if "learning_rate" in values:
        rate = script.text(values["learning_rate"]).join(_around(values["learning_rate"]))
    if reason := _reason(ours, values, script):
        return [], reason
    edits: Edits = [(*script.at(call.func), f"keras_ch8.{ours.name}")]
    places = [script.at(node) for _, node in given]
    for number, (name, node) in enumerate(given):
        (begin, end), (value_begin, value_end) = places[number], script.at(values[name])
        if name in ours.leaves_out:
            following = places[1][0] if len(places) > 1 else end
            edits.append((places[number - 1][1], end, "") if number else (begin, following, ""))
        elif name == "scale_fn":
            edits.append((begin, end, f"mode={SCALES[_scale(values[name])]}"))
        elif name == "seconds":
            edits += [(begin, value_begin, "criterion=keras_ch8.stopping.Deadline("), (value_end, value_end, ")")]
        elif name == "weight_decay":
            opens, closes = _around(values[name])
            edits += [(begin, value_begin, f"weight_decay={opens}"), (value_end, value_end, f"{closes} / {rate}")]
        elif not isinstance(node, ast.keyword):
            edits.append((begin, begin, f"{name}="))
    there = {"criterion" if name == "seconds" else name for name in values}
    more = [f"{name}={text}" for name, text in ours.adds.items() if name not in there]
    if more:
        end = places[-1][1] if places else script.at(call)[1] - 1
        edits.append((end, end, ", ".join(["", *more] if places else more)))
    return edits, ""


def _reason(ours: Ours, values: Mapping[str, Any], script: Script) -> str:
    """Return why a call stays, for the values of its arguments; "" if ours does the same."""
    for name, off in ours.leaves_out.items():
        if name in values and off is not None and script.text(values[name]).strip("'\"") != str(off):
            return f"keras_ch8.{ours.name} has `{name}={off!r}` only."
    if "scale_fn" in values and _scale(values["scale_fn"]) not in SCALES:
        return "`scale_fn` is none of Smith's: write a class of `keras_ch8.extend.Schedule`."
    numbers = [values[name] for name in ("weight_decay", "learning_rate") if name in values]
    return "" if "weight_decay" not in values or all(map(script.is_number, numbers)) else UNKNOWN.format(ours.name)


def _around(node: Any) -> tuple[str, str]:
    """Return what has to stand before and behind a part of a quotient."""
    return ("(", ")") if isinstance(node, ast.BinOp) else ("", "")


def _scale(function: Any) -> str:
    """Return what a function of x is, with whole numbers written as such; "" of what is no such function."""
    if not isinstance(function, ast.Lambda) or [a.arg for a in function.args.args] != ["x"]:
        return ""
    return ast.unparse(function.body).replace(".0", "")
