"""The parts that a model, its loss and its training are made of, for the fuzz."""

import inspect

import keras
import numpy as np
from keras import ops

from keras_ch8 import extend, initializers, losses, optimizers, schedules, stopping
from keras_ch8.extend import ClosureOptimizer
from tests.faults import meanings as m
from tests.faults.case import INITIALIZER, case
from tests.faults.given import (
    LABELS,
    X,
    Y,
    apply_once,
    call_a_layer,
    clip_a_tensor,
    decays_in_fit,
    draw_a_bias,
    draw_a_kernel,
    judge_a_list,
    model,
    save_settings,
    step_three,
)

OF_KERAS = (
    "skip_nonfinite", "clip", "groups", "clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "use_ema",
    "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps", "name",
)  # fmt: skip
"""Arguments of every first-order optimizer, which are not in its signature."""


def with_average(cls):
    """Make an optimizer with `use_ema` where its momentum and frequency are asked about: else they are not read."""

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
        "line_search": m.NONE | m.of(extend.LineSearch),
        "iterations_per_step": m.count(1),
        "accumulate_batches": m.FLAG,
        "bounds": m.NONE,
        "beta_rule": m.word("fletcher_reeves", "polak_ribiere"),
        "damping": m.NOT_NEGATIVE | m.word("adaptive"),
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
    yield case(
        "optimizers.Group",
        use=save_settings,
        paths=m.TEXT | m.sequence(m.TEXT),
        learning_rate=m.POSITIVE,
        weight_decay=m.NOT_NEGATIVE,
    )
    yield from second_order_ones()
    yield case(
        "optimizers.BlockCoordinateDescent",
        lambda: {"inner": "sgd", "blocks": [0, 1]},
        lambda optimizer: optimizer.apply([ops.array([0.5])] * 2, TWO),
        make=build_on_two,
        inner=m.NOTHING,
        blocks=m.NOTHING,
        steps_per_block=m.count(1),
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
        halving = steps | {"decay_rate": 0.5}
        yield case(f"schedules.{name}", halving.copy, step_three, decay_rate=rates, staircase=m.only(False))
    yield case("schedules.LinearDecay", lambda: steps, step_three)
    yield case(
        "schedules.CosineDecayRestarts",
        lambda: rate | {"first_decay_steps": 10},
        step_three,
        first_decay_steps=m.LENGTH,
        t_mul=m.number(1),
        m_mul=m.POSITIVE,
        alpha=m.number(0, 1, up_to=True),
    )
    yield case(
        "schedules.PolynomialDecay",
        lambda: steps,
        step_three,
        end_learning_rate=m.NOT_NEGATIVE,
        power=m.POSITIVE,
        cycle=m.FLAG,
    )
    yield case(
        "schedules.CyclicalLearningRate",
        lambda: rate | {"maximal_learning_rate": 0.2, "step_size": 10},
        step_three,
        initial_learning_rate=m.NOT_NEGATIVE,
        maximal_learning_rate=m.POSITIVE,
        step_size=m.LENGTH,
        mode=m.word("triangular", "triangular2", "exp_range"),
        gamma=m.FRACTION,
    )
    yield case(
        "schedules.WarmupStableDecay",
        lambda: {"learning_rate": 0.1, "warmup_steps": 0.1, "decay_steps": 0.1},
        step_three,
        learning_rate=m.POSITIVE,
        warmup_steps=m.LENGTH,
        decay_steps=m.LENGTH,
        total_steps=m.LENGTH,
        alpha=m.FRACTION,
    )
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


def clipping_cases():
    for name in ("ByGlobalNorm", "ByNorm", "ByValue"):
        yield case(f"clipping.{name}", lambda: {"limit": 1.0}, clip_a_tensor)
    yield case("clipping.ByPercentile", use=clip_a_tensor)


def stopping_cases():
    by_monitor = {"monitor": m.NONE | m.TEXT}
    one = {"alpha": 5.0}
    yield case("stopping.Deadline", lambda: {"seconds": 5.0}, judge_a_list)
    yield case("stopping.Diverged", use=judge_a_list, **by_monitor)
    yield case("stopping.GeneralizationLoss", lambda: one, judge_a_list, **by_monitor)
    yield case("stopping.Patience", lambda: {"epochs": 2}, judge_a_list, **by_monitor)
    of_val = {"monitor": m.NONE}
    yield case("stopping.Productivity", lambda: one, judge_a_list, **of_val)
    yield case("stopping.SuccessiveRises", lambda: {"s": 2}, judge_a_list, **by_monitor)
    yield case("stopping.Threshold", lambda: {"value": 0.1}, judge_a_list, **by_monitor)
    yield case("stopping.AnyOf", use=judge_a_list, make=beside_a_deadline, criterion=m.NOTHING)


def beside_a_deadline(criterion):
    return stopping.AnyOf(criterion, stopping.Deadline(5.0))


def with_other_axes(name):
    """Make an initializer with output axes beside input axes, and the other way round."""

    def make(**arguments):
        given = {n for n in ("input_axes", "output_axes") if arguments.get(n) is not None}
        others = {n: [0] for n in ("input_axes", "output_axes") if given and n not in given}
        return getattr(initializers, name)(**arguments | others)

    return make


def initializer_cases():
    of_kernel = {"seed": m.NONE | m.count(-(2**63))}
    yield case("initializers.Heuristic", use=draw_a_kernel, make=with_other_axes("Heuristic"), **of_kernel)
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
    yield case(
        "layers.recalibrate", lambda: {"model": model("normalized"), "data": X}, data=m.NOTHING, batches=m.count(1)
    )


def loss_cases():
    for name in ("ExponentialLoss", "ModifiedHuber"):
        yield case(f"losses.{name}", use=lambda loss: float(np.sum(loss(np.sign(Y), Y))))
    for name in (
        "BernoulliLikelihood",
        "CategoricalLikelihood",
        "HeteroscedasticGaussianLikelihood",
        "PoissonLikelihood",
    ):
        yield case(f"losses.likelihoods.{name}")
    for name in ("GaussianLikelihood", "LaplaceLikelihood"):
        yield case(
            f"losses.likelihoods.{name}",
            use=lambda family: float(losses.NegativeLogLikelihood(family)(Y, Y)),
        )
    yield case(
        "losses.NegativeLogLikelihood",
        lambda: {"family": losses.likelihoods.GaussianLikelihood()},
        lambda loss: float(np.sum(loss(Y, Y))),
        family=m.NOTHING,
    )
    yield case(
        "metrics.ZeroOneLoss",
        use=lambda metric: metric.update_state(np.ones((2, 1)), np.ones((2, 1))),
        from_logits=m.FLAG,
        multi_label=m.FLAG,
    )
