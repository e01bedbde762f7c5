"""A case of the fuzz: how a part is called, what its arguments mean, and what a first use of it is.

An argument means what its annotation says, or else the same wherever it has the same name (`BY_NAME`), unless a case
says otherwise.
"""

import inspect
import operator
from collections.abc import Callable
from dataclasses import dataclass

import keras

import keras_ch8
from tests.faults import meanings as m
from tests.faults.given import nothing


@dataclass(frozen=True)
class Case:
    """A part: its dotted name, how it is called, and what a first use of it is."""

    name: str
    make: Callable
    arguments: Callable[[], dict]
    meanings: dict
    use: Callable
    unsaid: tuple = ()
    """Its arguments whose meaning nobody has said: `make docs` names them."""


INITIALIZER = m.of(keras.initializers.Initializer)


BY_NAME = {
    "axes": m.NONE | m.sequence(m.count(-4, 3)),
    "baseline": m.NONE | m.NUMBER,
    "batch_size": m.count(1),
    "bias": m.FLAG,
    "bias_initializer": INITIALIZER,
    "c1": m.number(0, 0.5, above=True),
    "c2": m.number(1e-4, 1, above=True),
    "clip": m.NONE,
    "clipnorm": m.NONE | m.POSITIVE,
    "clipvalue": m.NONE | m.POSITIVE,
    "cooldown": m.count(0),
    "decay_rate": m.POSITIVE,
    "decay_steps": m.LENGTH,
    "directory": m.NONE | m.PATH,
    "dtype": m.NONE,
    "ema_momentum": m.number(0, 1, up_to=True),
    "ema_overwrite_frequency": m.NONE | m.count(1),
    "end_learning_rate": m.NONE | m.NOT_NEGATIVE,
    "epochs": m.count(1),
    "epsilon": m.number(1e-37),
    "ftol": m.NOT_NEGATIVE,
    "global_clipnorm": m.NONE | m.POSITIVE,
    "groups": m.sequence(m.NOTHING, empty=True),
    "gradient_accumulation_steps": m.NONE | m.count(2),
    "gtol": m.NOT_NEGATIVE,
    "initial_learning_rate": m.POSITIVE,
    "input_axes": m.NONE | m.sequence(m.count(-(2**63))),
    "layer": m.NOTHING,
    "learning_rate": m.NOT_NEGATIVE | m.SCHEDULE | m.function(),
    "log_dir": m.NONE | m.PATH,
    "logs": m.NAMES,
    "loss": m.NONE | m.function(0, 0),
    "loss_scale_factor": m.NONE | m.POSITIVE,
    "max_iterations": m.count(0),
    "min_delta": m.NOT_NEGATIVE,
    "mode": m.MODE,
    "model": m.NOTHING,
    "model_factory": m.NOTHING,
    "momentum": m.DECAY_RATE,
    "monitor": m.TEXT,
    "name": m.NONE | m.TEXT,
    "output_axes": m.NONE | m.sequence(m.count(-(2**63))),
    "patience": m.count(0),
    "points": m.count(2),
    "reduction": m.NONE,
    "restore_best_weights": m.FLAG,
    "sample_weight": m.NONE,
    "seed": m.SEED,
    "skip_nonfinite": m.FLAG,
    "staircase": m.FLAG,
    "start": m.FRACTION,
    "steps": m.count(1),
    "training": m.FLAG,
    "until": m.LENGTH,
    "use_ema": m.FLAG,
    "use_bias": m.FLAG,
    "validation_data": m.NOTHING,
    "verbose": m.VERBOSE,
    "weight_decay": m.NONE | m.NOT_NEGATIVE,
    "x": m.NOTHING,
    "xtol": m.NOT_NEGATIVE,
    "y": m.NOTHING,
}


def case(name, /, arguments=dict, use=nothing, make=None, more=(), **meanings):
    """Return a case; the arguments are those of the signature and `more`, without `**kwargs`."""
    thing = operator.attrgetter(name)(keras_ch8)
    kinds = inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL
    declared = {n: p.annotation for n, p in inspect.signature(thing).parameters.items() if p.kind not in kinds}
    own = list(declared)
    names = [*own, *more, *(n for n in meanings if n not in own and n not in more)]
    known = {n: meanings.get(n) or m.declared(declared.get(n)) or BY_NAME.get(n) for n in names}
    said = {n: meaning for n, meaning in known.items() if meaning}
    return Case(name, make or thing, arguments, said, use, tuple(n for n in names if n not in said))
