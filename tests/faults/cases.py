"""How each public part is called, what its arguments mean, and what a first use of it is.

An argument means the same wherever it has the same name (`BY_NAME`), unless a case says otherwise.
"""

import functools
import inspect
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

import keras_ch8
from keras_ch8 import (
    callbacks,
    clipping,
    continuation,
    curriculum,
    data,
    initializers,
    losses,
    optimizers,
    schedules,
    second_order,
    stopping,
    trackers,
)
from keras_ch8.optimizers import ClosureOptimizer
from keras_ch8.verdicts import Verdict
from tests.faults import meanings as m

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 2)).astype("float32")
Y = X[:, :1].copy()
LABELS = np.arange(8) % 2
SEQUENCES = RNG.normal(size=(8, 3, 1)).astype("float32")
FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")


# --- what parts are called with --------------------------------------------------------------------------------------


@functools.cache
def _models():
    """Return the models, by name, and their first weights."""
    keras.utils.set_random_seed(0)
    dense = [keras.layers.Dense(2, "relu", name="hidden"), keras.layers.Dense(2, "relu", name="second")]
    plain = keras.Sequential([keras.Input((2,)), *dense, keras.layers.Dense(1)])
    normalized = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    recurrent = keras.Sequential([keras.Input((3, 1)), keras.layers.SimpleRNN(2), keras.layers.Dense(1)])
    models = {"plain": plain, "normalized": normalized, "recurrent": recurrent}
    for one in models.values():
        one.compile("sgd", "mse")
    models["tempered"] = keras.Sequential([keras.Input((2,)), continuation.Temperature(2.0), keras.layers.Dense(1)])
    models["tempered"].compile("sgd", "mse")
    models["unsupervised"] = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activity_regularizer="l2")])
    models["unsupervised"].compile("sgd")
    return models, {name: one.get_weights() for name, one in models.items()}


def model(name="plain"):
    """Return one of the models, which are compiled once, as it was made."""
    models, weights = _models()
    models[name].set_weights(weights[name])
    models[name].stop_training = False
    return models[name]


def new_model():
    made = keras.models.clone_model(model())
    made.compile("sgd", "mse")
    return made


def flat():
    return np.concatenate([v.numpy().ravel() for v in model().trainable_variables])


def weights():
    return [v.numpy() for v in model().trainable_variables]


def rosenbrock(x):
    return ops.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def square(x):
    return ops.sum(x**2)


# --- first uses ------------------------------------------------------------------------------------------------------


def nothing(made):
    """Nothing more: the call was the use."""


def apply_once(optimizer):
    optimizer.apply([ops.array([0.5, -1.0])], [keras.Variable([1.0, 2.0])])


def save_settings(optimizer):
    repr(type(optimizer).from_config(optimizer.get_config()))


def fit_two_steps(*watching):
    model().fit(X, Y, batch_size=4, epochs=1, validation_data=(X, Y), callbacks=list(watching), verbose=0)


def fit_a_problem_that_is_made_easy(callback):
    model("tempered").fit(X, Y, batch_size=4, epochs=1, callbacks=[callback], verbose=0)


def clip_a_tensor(rule):
    optimizer = optimizers.SGD(0.1, clip=rule)
    apply_once(optimizer)


def judge_a_list(criterion):
    repr(criterion)
    logs = tuple({"val_loss": 1 / e if e < 6 else 1.0, "loss": 1 / e} for e in range(1, 13))
    modes = dict(criterion.watched("val_loss"))
    known = {name for one in logs for name in one}
    logs = tuple(one | dict.fromkeys(modes.keys() - known, 1.0) for one in logs)
    modes = {name: "min" if mode == "auto" else mode for name, mode in modes.items()}
    history = stopping.EpochHistory("val_loss", modes, tuple(range(12)), logs, tuple(range(1, 13)))
    criterion.evaluate(history)


def step_three(schedule):
    repr(schedule)
    schedule.resolve(schedules.Clock(2, 1, 10))
    float(schedule(3))


def decays_in_fit(rule):
    fit_two_steps(callbacks.LearningRateDecay(rule))


def draw_a_kernel(initializer):
    has_axes = getattr(initializer, "input_axes", None) is not None
    np.asarray(initializer((2, 2, 2) if has_axes else (3, 3)))


def draw_a_bias(shape):
    return lambda initializer: np.asarray(initializer(shape))


def call_a_layer(layer):
    layer(ops.array(X), training=True)
    layer(ops.array(X))


def blur_images(layer):
    layer(ops.ones((2, 4, 4, 1)), training=True)


def two_losses(loss):
    float(loss(Y, Y + 1))


def read_once(annealed):
    float(annealed.read())


def read_an_epoch(source):
    has_targets = source.examples.y is not None
    model("plain" if has_targets else "unsupervised").fit(source, epochs=1, verbose=0)


def grow(pacing):
    assert float(pacing(1.0)) == 1.0


# --- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A part: its dotted name, how it is called, and what a first use of it is."""

    name: str
    make: Callable
    arguments: Callable[[], dict]
    meanings: dict
    use: Callable


INITIALIZER = m.of(keras.initializers.Initializer)
BY_NAME = {
    "axes": m.NONE | m.sequence(m.count(-4, 3)),
    "baseline": m.NONE | m.NUMBER,
    "batch_size": m.count(1),
    "bias": m.FLAG,
    "bias_initializer": INITIALIZER,
    "build": m.NOTHING,
    "c1": m.number(0, 0.5, above=True),
    "c2": m.number(1e-4, 1, above=True),
    "clip": m.NONE,
    "clipnorm": m.NONE | m.POSITIVE,
    "clipvalue": m.NONE | m.POSITIVE,
    "cooldown": m.count(0),
    "decay_rate": m.POSITIVE,
    "decay_steps": m.LENGTH,
    "dimension": m.count(2),
    "directory": m.NONE | m.PATH,
    "dtype": m.NONE,
    "ema_momentum": m.number(0, 1, up_to=True),
    "ema_overwrite_frequency": m.NONE | m.count(1),
    "end_learning_rate": m.NONE | m.NOT_NEGATIVE,
    "epochs": m.count(1),
    "epsilon": m.number(1e-37),
    "ftol": m.NOT_NEGATIVE,
    "global_clipnorm": m.NONE | m.POSITIVE,
    "gradient_accumulation_steps": m.NONE | m.count(2),
    "gtol": m.NOT_NEGATIVE,
    "initial_learning_rate": m.POSITIVE,
    "input_axes": m.NONE | m.sequence(m.count(-(2**63))),
    "layer": m.NOTHING,
    "learning_rate": m.NOT_NEGATIVE | m.SCHEDULE | m.function(),
    "limit": m.POSITIVE,
    "log_dir": m.NONE | m.PATH,
    "logs": m.NAMES,
    "loss": m.NONE | m.function(0, 0),
    "loss_scale_factor": m.NONE | m.POSITIVE,
    "max_iterations": m.count(0),
    "memory": m.count(2),
    "min_delta": m.NOT_NEGATIVE,
    "mode": m.MODE,
    "model": m.NOTHING,
    "momentum": m.DECAY_RATE,
    "monitor": m.TEXT,
    "name": m.NONE | m.TEXT,
    "output_axes": m.NONE | m.sequence(m.count(-(2**63))),
    "patience": m.count(0),
    "points": m.count(2),
    "reduction": m.NONE,
    "repeat": m.FLAG,
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
    package, _, part = name.rpartition(".")
    thing = getattr(getattr(keras_ch8, package) if package else keras_ch8, part)
    kinds = inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL
    own = [n for n, p in inspect.signature(thing).parameters.items() if p.kind not in kinds]
    names = [*own, *more, *(n for n in meanings if n not in own and n not in more)]
    return Case(name, make or thing, arguments, {n: meanings.get(n) or BY_NAME[n] for n in names}, use)


OF_KERAS = (
    "skip_nonfinite", "clip", "clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "use_ema", "ema_momentum",
    "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps", "name",
)  # fmt: skip
"""Arguments of every first-order optimizer, which are not in its signature."""


def with_average(cls):
    """Make an optimizer with `use_ema`, if it is not what is asked about: else its momentum and frequency are not read."""

    def make(**arguments):
        asks_for_average = {"ema_momentum", "ema_overwrite_frequency"} & arguments.keys()
        return cls(**({"use_ema": True} if asks_for_average else {}) | arguments)

    return make


def first_order():
    own = {
        "SGD": {"nesterov": m.FLAG},
        "Momentum": {"nesterov": m.only(False)},
        "Nesterov": {"nesterov": m.only(True)},
        "Adagrad": {"initial_accumulator_value": m.only(0.0)},
        "Adam": {"beta_1": m.DECAY_RATE, "beta_2": m.DECAY_RATE, "amsgrad": m.only(False)},
        "AdamW": {
            "beta_1": m.DECAY_RATE,
            "beta_2": m.DECAY_RATE,
            "amsgrad": m.only(False),
            "weight_decay": m.NOT_NEGATIVE,
        },
        "RMSprop": {"rho": m.DECAY_RATE, "momentum": m.only(0.0), "centered": m.only(False)},
        "RMSpropNesterov": {"rho": m.DECAY_RATE, "centered": m.only(False)},
    }
    for name, meanings in own.items():
        cls = getattr(optimizers, name)
        more = tuple(n for n in OF_KERAS if n not in inspect.signature(cls).parameters)
        yield case(f"optimizers.{name}", use=apply_once, make=with_average(cls), more=more, **meanings)


def second_order_ones():
    of_method = {
        "line_search": m.of(second_order.LineSearch),
        "iterations_per_step": m.count(1),
        "accumulate_batches": m.FLAG,
        "history_size": m.count(1),
        "beta_rule": m.word("fletcher_reeves", "polak_ribiere"),
        "damping": m.NOT_NEGATIVE | m.word("adaptive"),
        "max_parameters": m.count(1),
        "cg_iterations": m.count(1),
    }
    for name in optimizers.__all__:
        cls = getattr(optimizers, name)
        if issubclass(cls, ClosureOptimizer) and cls is not ClosureOptimizer:
            own = {n: meaning for n, meaning in of_method.items() if n in inspect.signature(cls).parameters}
            yield case(f"optimizers.{name}", use=save_settings, **own)


TWO = [keras.Variable([1.0]) for _ in range(2)]


def build_on_two(**arguments):
    """Make a block coordinate descent, and give it the variables: before, it cannot know which blocks there are."""
    optimizer = optimizers.BlockCoordinateDescent(**arguments)
    optimizer.build(TWO)
    return optimizer


def optimizer_cases():
    yield from first_order()
    yield from second_order_ones()
    yield case(
        "optimizers.BlockCoordinateDescent",
        lambda: {"inner": "sgd", "blocks": [0, 1]},
        lambda optimizer: optimizer.apply([ops.array([0.5])] * 2, TWO),
        make=build_on_two,
        inner=m.NOTHING,
        blocks=m.NOTHING,
        steps_per_block=m.count(1),
        order=m.word("cyclic", "random"),
        seed=m.NONE | m.SEED,
    )


def schedule_cases():
    rate = {"initial_learning_rate": 0.1}
    steps = rate | {"decay_steps": 10}
    yield case(
        "schedules.CosineDecay",
        lambda: steps,
        step_three,
        alpha=m.number(0, 1, up_to=True),
        warmup_target=m.NONE,
        warmup_steps=m.only(0),
    )
    for name, rates in (("ExponentialDecay", m.FRACTION), ("InverseTimeDecay", m.POSITIVE)):
        arguments = lambda: steps | {"decay_rate": 0.5}
        yield case(f"schedules.{name}", arguments, step_three, decay_rate=rates, staircase=m.only(False))
    yield case("schedules.LinearDecay", lambda: steps, step_three)
    yield case(
        "schedules.OneCycle",
        lambda: {"max_learning_rate": 0.1, "cycle_steps": 10},
        step_three,
        max_learning_rate=m.POSITIVE,
        cycle_steps=m.LENGTH,
        rise=m.number(0, 1, above=True),
        initial_learning_rate=m.NONE | m.NOT_NEGATIVE,
    )
    yield case(
        "schedules.ReduceOnPlateau",
        lambda: {"mode": "min"},
        decays_in_fit,
        factor=m.number(0, 1, above=True),
        min_lr=m.NOT_NEGATIVE,
    )
    yield case(
        "schedules.ScaledSchedule",
        lambda: {"schedule": schedules.LinearDecay(0.1, 10)},
        step_three,
        schedule=m.SCHEDULE,
        factor=m.NOT_NEGATIVE,
    )
    yield case(
        "schedules.SequentialSchedule",
        lambda: {"schedules": [schedules.LinearDecay(0.1, 10)] * 2, "boundaries": [3]},
        step_three,
        schedules=m.NOTHING,
        boundaries=m.sequence(m.LENGTH, 1),
    )
    yield case(
        "schedules.Warmup",
        lambda: {"learning_rate": 0.1, "warmup_steps": 5},
        step_three,
        learning_rate=m.POSITIVE,
        warmup_steps=m.LENGTH,
        initial_learning_rate=m.NOT_NEGATIVE,
    )


def clipping_a_layer(**arguments):
    """Make a rule, and tell it of the variables: before, it cannot know which axes there are."""
    rule = clipping.Adaptive(**arguments)
    optimizers.SGD(0.1, clip=rule).build([keras.Variable([1.0, 2.0])])
    return rule


def clipping_cases():
    for name in ("ByGlobalNorm", "ByNorm", "ByValue"):
        yield case(f"clipping.{name}", lambda: {"limit": 1.0}, clip_a_tensor)
    yield case("clipping.ByPercentile", use=clip_a_tensor, p=m.number(0, 100, up_to=True))
    axes = m.count(-1, 0) | m.sequence(m.count(-1, 0))
    yield case(
        "clipping.Adaptive",
        use=clip_a_tensor,
        make=clipping_a_layer,
        ratio=m.POSITIVE,
        epsilon=m.POSITIVE,
        unit_axes=m.mapping(m.NONE | axes),
    )


def stopping_cases():
    by_monitor = {"monitor": m.NONE | m.TEXT}
    one = {"alpha": 5.0}
    yield case("stopping.Deadline", lambda: {"seconds": 5.0}, judge_a_list, seconds=m.POSITIVE)
    yield case("stopping.Diverged", use=judge_a_list, limit=m.NONE | m.NUMBER, **by_monitor)
    yield case("stopping.GeneralizationLoss", lambda: one, judge_a_list, alpha=m.POSITIVE, **by_monitor)
    yield case("stopping.Patience", lambda: {"epochs": 2}, judge_a_list, epochs=m.count(0), **by_monitor)
    of_val = {"monitor": m.NONE}
    yield case("stopping.Productivity", lambda: one, judge_a_list, alpha=m.POSITIVE, strip=m.count(2), **of_val)
    yield case("stopping.SuccessiveRises", lambda: {"s": 2}, judge_a_list, s=m.count(1), strip=m.count(1), **by_monitor)
    yield case("stopping.Threshold", lambda: {"value": 0.1}, judge_a_list, value=m.NUMBER, **by_monitor)
    for cls in (stopping.AllOf, stopping.AnyOf):
        make = lambda criterion, cls=cls: cls(criterion, stopping.Deadline(5.0))
        yield case(f"stopping.{cls.__name__}", use=judge_a_list, make=make, criterion=m.NOTHING)


def with_other_axes(name):
    """Make an initializer with output axes beside input axes, and the other way round."""

    def make(**arguments):
        given = {n for n in ("input_axes", "output_axes") if arguments.get(n) is not None}
        others = {n: [0] for n in ("input_axes", "output_axes") if given and n not in given}
        return getattr(initializers, name)(**arguments | others)

    return make


def initializer_cases():
    of_kernel = {"seed": m.NONE | m.count(-(2**63))}
    for name in ("GlorotUniform", "Heuristic"):
        yield case(f"initializers.{name}", use=draw_a_kernel, make=with_other_axes(name), **of_kernel)
    gains = m.POSITIVE | m.word("linear", "relu", "tanh")
    yield case(
        "initializers.Orthogonal", use=draw_a_kernel, make=with_other_axes("Orthogonal"), gain=gains, **of_kernel
    )
    yield case(
        "initializers.RandomWalk",
        use=draw_a_kernel,
        make=with_other_axes("RandomWalk"),
        activation=m.word("linear", "relu"),
        **of_kernel,
    )
    seed = {"seed": of_kernel["seed"]}
    yield case("initializers.Sparse", lambda: {"k": 2}, draw_a_kernel, k=m.count(1), stddev=m.POSITIVE, **seed)
    yield case("initializers.IdentityRecurrent", use=draw_a_kernel, scale=m.POSITIVE)
    bias = draw_a_bias((8,))
    yield case("initializers.forget_gate", lambda: {"units": 2}, bias, units=m.count(1), value=m.NUMBER)
    numbers = m.sequence(m.NUMBER)
    words = m.NONE | m.word("linear", "sigmoid", "softmax")
    yield case(
        "initializers.output_marginal",
        lambda: {"y": LABELS},
        lambda made: None,
        y=numbers,
        activation=words,
    )
    yield case("initializers.saturation", use=bias, value=m.NUMBER)


def layer_cases():
    initializer = INITIALIZER
    keras_objects = dict.fromkeys(
        ("beta_initializer", "gamma_initializer", "moving_mean_initializer", "moving_variance_initializer"), initializer
    ) | dict.fromkeys(("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint"), m.NONE)
    yield case(
        "layers.BatchNormalization",
        use=call_a_layer,
        axis=m.count(-2, 1),
        epsilon=m.POSITIVE,
        center=m.FLAG,
        scale=m.FLAG,
        renorm=m.only(False),
        renorm_clipping=m.NONE,
        renorm_momentum=m.NOT_READ,
        synchronized=m.FLAG,
        statistics=m.word("moving", "cumulative"),
        bias_correction=m.FLAG,
        **keras_objects,
    )
    names = [f"{part}_{kind}" for part in ("kernel", "bias") for kind in ("regularizer", "constraint")]
    yield case(
        "layers.Maxout",
        lambda: {"units": 2},
        call_a_layer,
        units=m.count(1),
        pieces=m.count(2),
        kernel_initializer=initializer,
        **dict.fromkeys(names, m.NONE),
    )
    yield case(
        "layers.Residual",
        lambda: {"layers": keras.layers.Dense(2)},
        lambda layer: layer(ops.ones((4, 2))),
        layers=m.LAYER | m.sequence(m.LAYER),
        projection=m.LAYER,
    )
    yield case(
        "layers.auxiliary_head",
        lambda: {"model": model(), "at": "hidden"},
        at=m.NOTHING,
        head=m.NONE | m.LAYER,
        weight=m.NOT_NEGATIVE | m.SCHEDULE,
    )
    yield case("layers.fold", lambda: {"model": model()})
    yield case(
        "layers.recalibrate", lambda: {"model": model("normalized"), "data": X}, data=m.NOTHING, batches=m.count(1)
    )


def loss_cases():
    for name in ("ExponentialLoss", "ModifiedHuber"):
        use = lambda loss: float(np.sum(loss(np.sign(Y), Y)))
        yield case(f"losses.{name}", use=use)
    for name in (
        "BernoulliLikelihood",
        "CategoricalLikelihood",
        "HeteroscedasticGaussianLikelihood",
        "PoissonLikelihood",
    ):
        yield case(f"losses.{name}")
    for name, argument in (("GaussianLikelihood", "variance"), ("LaplaceLikelihood", "scale")):
        use = lambda family: float(losses.NegativeLogLikelihood(family)(Y, Y))
        yield case(f"losses.{name}", use=use, **{argument: m.POSITIVE})
    yield case(
        "losses.NegativeLogLikelihood",
        lambda: {"family": losses.GaussianLikelihood()},
        lambda loss: float(np.sum(loss(Y, Y))),
        family=m.NOTHING,
    )
    yield case(
        "metrics.ZeroOneLoss",
        use=lambda metric: metric.update_state(np.ones((2, 1)), np.ones((2, 1))),
        from_logits=m.FLAG,
        multi_label=m.FLAG,
    )


def curriculum_cases():
    half = m.NONE | m.FRACTION
    for name in ("BabySteps", "OnePass"):
        yield case(f"curriculum.{name}", use=grow, buckets=m.count(1), start=half)
    for name in ("Competence", "Exponential", "Linear"):
        yield case(f"curriculum.{name}", use=grow)
    yield case("curriculum.Root", use=grow, p=m.POSITIVE)
    yield case("curriculum.Step", use=grow, at=m.FRACTION)
    yield case(
        "curriculum.cross_validated_loss",
        lambda: {"build": new_model, "x": X, "y": Y, "folds": 2, "epochs": 1},
        folds=m.count(2),
    )
    yield case(
        "curriculum.sequence_length",
        lambda: {"x": SEQUENCES},
        x=m.NOTHING,
        y=m.NOT_READ,
        padding=m.NUMBER,
    )
    yield case("curriculum.teacher_loss", lambda: {"model": model(), "x": X, "y": Y})


def data_cases():
    yield case(
        "data.ArraySource",
        lambda: {"x": X, "y": Y},
        read_an_epoch,
        y=m.NONE,
        shuffle=m.FLAG,
        seed=m.NONE | m.SEED,
        last_batch=m.word("keep", "drop", "pad", "wrap"),
        prefetch=m.count(0),
        shard=m.NONE,
    )
    yield case("data.read", lambda: {"dataset": batches()}, dataset=m.NOTHING)


def batches():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)


def continuation_cases():
    yield case("continuation.Annealed", lambda: {"start": 1.0}, read_once, start=m.NUMBER, end=m.NUMBER,
               value=m.NONE | m.NUMBER, low=m.only(-np.inf) | m.number(high=0.0, up_to=True),
               high=m.only(np.inf) | m.number(1.0))  # fmt: skip
    deviation = {"stddev": m.NOT_NEGATIVE, "value": m.NONE | m.NOT_NEGATIVE}
    yield case("continuation.GaussianBlur", use=blur_images, **deviation)
    yield case(
        "continuation.LabelSmoothing",
        lambda: {"loss": keras.losses.CategoricalCrossentropy()},
        lambda loss: float(loss(np.eye(2), np.full((2, 2), 0.5))),
        loss=m.NOTHING,
        smoothing=m.DECAY_RATE,
        prior=m.NONE | m.number(0, 1, up_to=True),
        value=m.NONE | m.DECAY_RATE,
    )
    yield case("continuation.SmoothedActivation", use=call_a_layer, activation=m.NONE, **deviation)
    degrees = m.number(1e-4)
    yield case("continuation.Temperature", use=call_a_layer, temperature=degrees, end=degrees, value=m.NONE | degrees)
    yield case(
        "continuation.WeightNoise",
        lambda: {"layer": keras.layers.Dense(2)},
        call_a_layer,
        layer=m.LAYER,
        seed=m.NONE | m.SEED,
        **deviation,
    )
    yield case(
        "continuation.minimize",
        lambda: {"fun": square, "x0": [1.0, 2.0], "stddevs": [0.5], "samples": 2, "max_iterations": 2},
        fun=m.NOTHING,
        x0=m.sequence(m.NUMBER),
        stddevs=m.NOTHING,
        blurred=m.NONE,
        method=m.NOTHING,
        samples=m.count(2),
    )


def second_order_cases():
    yield case(
        "second_order.Backtracking", use=repr, shrink=m.number(0, 1, above=True), c1=m.number(0, 0.5, above=True)
    )
    yield case("second_order.Constant", use=repr, length=m.POSITIVE)
    yield case("second_order.Exact", use=repr)
    yield case("second_order.HagerZhang", use=repr, c2=m.number(0.1, 1, above=True))
    yield case("second_order.StrongWolfe", use=repr)
    yield case(
        "second_order.minimize",
        lambda: {"fun": square, "x0": [1.0, 2.0], "max_iterations": 2},
        fun=m.NOTHING,
        x0=m.sequence(m.NUMBER),
        method=m.NOTHING,
    )


OBJECTIVE = {"sample_weight": m.NONE, "loss": m.NONE, "training": m.FLAG}
"""What `**options` of a function of the loss takes."""


def on_model(name="plain", **more):
    return lambda: (
        {"model": model(name), "x": SEQUENCES if name == "recurrent" else X, "y": Y}
        | {key: make() for key, make in more.items()}
    )


def of_the_loss_cases():
    vector = m.NOTHING
    yield case("curvature.check_gradient", on_model(), **OBJECTIVE)
    yield case("curvature.gradient", on_model(), **OBJECTIVE)
    yield case("curvature.hessian", on_model(), **OBJECTIVE)
    yield case("curvature.hessian_vector_product", on_model(vector=flat), vector=vector, **OBJECTIVE)
    yield case("curvature.lanczos", on_model(steps=lambda: 2), start=m.NONE, **OBJECTIVE)
    yield case(
        "curvature.matrix_power", lambda: {"w": np.eye(2), "x": np.ones(2), "t": 2}, w=m.NOTHING,
        x=m.sequence(m.NUMBER, 2), t=m.count(0),
    )  # fmt: skip
    few = {"points": lambda: 3}
    yield case(
        "landscapes.interpolate", on_model(start=lambda: flat() + 1.0, **few), start=m.NOTHING, end=m.NONE,
        trajectory=m.NONE, **OBJECTIVE,
    )  # fmt: skip
    yield case("landscapes.loss_plane", on_model(**few), trajectory=m.NONE, radius=m.POSITIVE, **OBJECTIVE)
    yield case("landscapes.Cliff", use=at_a_point)
    yield case("landscapes.Ravine", use=at_a_point, condition=m.number(1))
    yield case("landscapes.Rosenbrock", use=at_a_point, steepness=m.POSITIVE)
    yield case("landscapes.Saddle", use=at_a_point, ratio=m.POSITIVE)
    yield case("monitors.batch_statistics", on_model("normalized"), **OBJECTIVE)
    yield case("monitors.cliff", lambda: {"norms": np.ones(30)}, norms=m.sequence(m.NUMBER), steps=m.NONE)
    yield case("monitors.distance", on_model(start=weights), start=m.NOTHING, **OBJECTIVE)
    yield case("monitors.gradient_noise", on_model(), parts=m.count(2), **OBJECTIVE)
    yield case("monitors.gradient_norm", on_model(), **OBJECTIVE)
    yield case("monitors.layer_flow", on_model(), before=m.NONE, **OBJECTIVE)
    yield case("monitors.online_risk", lambda: {"losses": [np.array([2.0, 1.0])] * 2}, losses=m.NOTHING)
    yield case("monitors.spectrum", on_model(steps=lambda: 2), **OBJECTIVE)
    yield case(
        "monitors.step_length", on_model(before=lambda: [w + 0.1 for w in weights()]), before=m.NOTHING, **OBJECTIVE
    )
    yield case("monitors.time_horizon", on_model("recurrent"), **OBJECTIVE)


def at_a_point(surface):
    repr(surface), surface.value(surface.start), surface.gradient(surface.start)


def symmetry_cases():
    one = lambda **more: lambda: {"model": model(), "layer": "hidden"} | more
    yield case("symmetries.balance", one())
    yield case(
        "symmetries.difference", lambda: {"model": model(), "other": model().get_weights(), "x": X}, other=m.NOTHING
    )
    yield case("symmetries.permute_units", one(order=[1, 0]), order=m.NOTHING)
    yield case("symmetries.rescale_units", one(factors=[1.0, 2.0]), factors=m.sequence(m.POSITIVE, 2))


def tracker_cases():
    for name in ("CSV", "JSONL"):
        yield case(f"trackers.{name}", use=repr, path=m.NONE | m.PATH, append=m.FLAG)
    yield case("trackers.MLflow", use=repr, tracking_uri=m.NONE | m.TEXT, experiment=m.NONE | m.TEXT)
    yield case("trackers.WandB", use=repr)


def in_a_folder():
    return {"log_dir": tempfile.mkdtemp(dir=FOLDER.name)}


def meeting_the_model(function):
    """Make callbacks, and take two steps if there is a probe: before, it cannot know what the model takes."""

    def make(**arguments):
        made = function(**arguments)
        if arguments.get("probe") is not None:
            fit_two_steps(*(made if isinstance(made, list) else [made]))
        return made

    return make


def callback_cases():
    names = {"verbose": m.VERBOSE}
    yield case("callbacks.ClipGradients", lambda: {"rule": clipping.ByNorm(1.0)}, fit_two_steps, rule=m.NOTHING)
    yield case(
        "callbacks.Continuation",
        use=fit_a_problem_that_is_made_easy,
        schedule=m.sequence(m.NUMBER, arrays=False) | m.function(0.5),
        variables=m.NONE,
        **names,
    )
    yield case(
        "callbacks.Curriculum",
        lambda: {"source": data.ArraySource(X, Y, batch_size=4), "difficulty": np.arange(8.0)},
        lambda made: model().fit(made.source, epochs=1, callbacks=[made], verbose=0),
        source=m.NOTHING,
        difficulty=m.NOTHING,
        pacing=m.NOTHING,
        start=m.NONE | m.FRACTION,
        mix=m.number(0, 1),
        order=m.word(*curriculum.ORDERS),
        refresh=m.count(1),
        **names,
    )
    yield case(
        "callbacks.Diagnosis",
        lambda: {"checks": "cheap", "verbose": False},
        fit_two_steps,
        make=meeting_the_model(callbacks.Diagnosis),
        probe=m.NONE,
        checks=m.sequence(m.NOTHING, empty=True),
        when=m.NONE | m.count(1) | m.function(0),
        budget=m.NONE | m.number(0, 1, above=True),
        preflight=m.FLAG,
        verbose=m.FLAG,
    )
    yield case(
        "callbacks.EarlyStopping",
        lambda: {"mode": "min"},
        fit_two_steps,
        start_from_epoch=m.count(0),
        criterion=m.NONE,
        evaluate_on=m.NONE,
        **names,
    )
    yield case("callbacks.GradientClippingLogger", use=fit_two_steps, verbose=m.FLAG)
    yield case(
        "callbacks.LearningRateDecay",
        lambda: {"rule": schedules.ReduceOnPlateau()},
        fit_two_steps,
        rule=m.NOTHING,
        **names,
    )
    yield case(
        "callbacks.PolyakAveraging",
        use=fit_two_steps,
        decay=m.NONE | m.DECAY_RATE,
        half_life=m.NONE | m.LENGTH,
        method=m.NONE | m.word("polynomial", "uniform"),
        eta=m.NONE | m.NOT_NEGATIVE,
        start=m.LENGTH | m.only(0),
        evaluate=m.word("average", "raw", "both"),
        final=m.word("average", "raw", "best"),
        batch_norm=m.word("average", "recalibrate", "keep"),
        data=m.NONE,
    )
    yield case("callbacks.SurrogateGap", lambda: {"true": "val_loss", "mode": "min"}, fit_two_steps, true=m.TEXT, surrogate=m.TEXT,
               patience=m.count(1), **names)  # fmt: skip
    yield case("callbacks.SwitchOptimizer", lambda: {"to": "adam"}, fit_two_steps, at=m.LENGTH, to=m.NOTHING)
    off = {
        "histogram_freq": m.only(0), "write_graph": m.only(False), "write_images": m.only(False),
        "write_steps_per_second": m.only(False), "profile_batch": m.only(0), "embeddings_freq": m.only(0),
        "embeddings_metadata": m.NONE,
    }  # fmt: skip
    yield case(
        "callbacks.TensorBoard",
        in_a_folder,
        lambda made: made.log_dir != "x" and fit_two_steps(made),
        log_dir=m.PATH,
        update_freq=m.count(1) | m.word("batch", "epoch"),
        layers=m.FLAG,
        log_to=m.sequence(m.of(trackers.Tracker), empty=True),
        **off,
    )
    yield case(
        "callbacks.standard",
        in_a_folder,
        make=meeting_the_model(callbacks.standard),
        log_dir=m.PATH,
        probe=m.NONE,
    )


def training_cases():
    few = {"steps": lambda: 3}
    yield case("training.check_initialization", on_model(), **OBJECTIVE)
    yield case(
        "training.compare_curricula",
        lambda: {"build": new_model, "source": (X, Y), "difficulty": np.arange(8.0), "validation_data": (X, Y),
                 "epochs": 1, "seeds": 2, "orders": ("none", "easy"), "verbose": 0},
        source=m.NOTHING,
        difficulty=m.NOTHING,
        seeds=m.count(2) | m.sequence(m.SEED),
        orders=m.NOTHING,
        metric=m.NOTHING,
        fit_arguments=m.NONE | m.mapping(m.NOTHING),
    )  # fmt: skip
    rates = m.sequence(m.POSITIVE)
    yield case("training.compare_learning_rates", on_model(**few, rates=lambda: [0.01, 0.1]), rates=rates)
    yield case(
        "training.cure",
        lambda: {"model_factory": new_model, "data": (X, Y), "verdict": lower_the_rate(), "epochs": 1},
        model_factory=m.NOTHING,
        data=m.NOTHING,
        verdict=m.NOTHING,
        validation_data=m.NONE,
    )
    yield case(
        "training.find_learning_rate", on_model(steps=lambda: 10), steps=m.count(10), low=m.number(0, 10.0, above=True), high=m.number(1e-7, above=True),
        log_dir=m.NONE | m.PATH,
    )  # fmt: skip
    yield case("training.preflight", on_model(**few), validation_data=m.NONE, steps=m.count(0))
    yield case(
        "training.pretrain_greedily",
        on_model(epochs=lambda: 1, fine_tune_epochs=lambda: 0, verbose=lambda: 0),
        fine_tune_epochs=m.count(0),
        head=m.NONE,
        freeze=m.FLAG,
        optimizer=m.NONE,
        source=m.NONE,
        source_layers=m.NONE | m.count(1),
        seed=m.NONE | m.SEED,
        verbose=m.VERBOSE,
    )
    yield case(
        "training.retrain_on_all_data",
        lambda: {"model_factory": new_model, "x": X, "y": Y, "validation_data": (X, Y), "max_epochs": 1},
        model_factory=m.NOTHING,
        strategy=m.word("same_steps", "continue"),
        early_stopping=m.NONE,
        max_epochs=m.count(1),
    )
    yield case(
        "training.scale_to_data", lambda: {"model": model(), "x": X}, y=m.NONE, target=m.word("unit_mean_square")
    )


def lower_the_rate():
    code = "model.optimizer.learning_rate = 0.05"
    return Verdict("step_too_long", "act", "It rises.", "Lower the rate.", "8.2.1", 5, code=code)


CASES = [
    one
    for some in (
        optimizer_cases, callback_cases, schedule_cases, clipping_cases, stopping_cases, initializer_cases, layer_cases,
        loss_cases, data_cases, curriculum_cases, continuation_cases, second_order_cases, of_the_loss_cases,
        symmetry_cases, tracker_cases, training_cases,
    )
    for one in some()
]  # fmt: skip
"""A case for each part of the chapter (tests/faults/test_fuzz.py says that none is missing)."""
