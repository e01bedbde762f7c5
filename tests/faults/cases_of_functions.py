"""What is done with a model and its examples: functions, callbacks, whole trainings, for the fuzz."""

import keras
import numpy as np

import keras_ch8
from keras_ch8 import callbacks, clipping, data, extend, schedules
from keras_ch8.curriculum.sampler import ORDERS
from keras_ch8.verdicts.kinds import KINDS
from tests.faults import meanings as m
from tests.faults.case import case
from tests.faults.given import (
    SEQUENCES,
    X,
    Y,
    an_optimizer,
    batches,
    call_a_layer,
    fit_a_problem_that_is_made_easy,
    fit_two_steps,
    flat,
    grow,
    in_a_folder,
    lower_the_rate,
    model,
    new_candidate,
    new_model,
    on_model,
    read_an_epoch,
    read_once,
    square,
    weights,
)


def curriculum_cases():
    for name in ("BabySteps", "Linear", "OnePass", "Step"):
        yield case(f"curriculum.pacings.{name}", use=grow)
    yield case(
        "curriculum.sequence_length",
        lambda: {"x": SEQUENCES},
        x=m.NOTHING,
        y=m.NOT_READ,
        padding=m.NUMBER,
    )


def data_cases():
    yield case(
        "data.ArraySource",
        lambda: {"x": X, "y": Y},
        read_an_epoch,
        y=m.NONE,
        shuffle=m.FLAG,
        seed=m.NONE | m.SEED,
        last_batch=m.word("keep", "drop", "wrap"),
        prefetch=m.count(0),
    )
    yield case("data.read", lambda: {"data": batches()}, data=m.NOTHING)


def continuation_cases():
    yield case("extend.Annealed", lambda: {"start": 1.0}, read_once, start=m.NUMBER, end=m.NUMBER,
               value=m.NONE | m.NUMBER, low=m.only(-np.inf) | m.number(high=0.0, up_to=True),
               high=m.only(np.inf) | m.number(1.0))  # fmt: skip
    deviation = {"stddev": m.NOT_NEGATIVE, "value": m.NONE | m.NOT_NEGATIVE}
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
    for name in ("Constant", "Exact", "StrongWolfe"):
        yield case(f"second_order.line_search.{name}", use=repr)
    yield case(
        "second_order.minimize",
        lambda: {"fun": square, "x0": [1.0, 2.0], "max_iterations": 2},
        fun=m.NOTHING,
        x0=m.sequence(m.NUMBER),
        method=m.NOTHING,
        bounds=m.NONE | m.sequence(m.NUMBER, 2),
    )


OBJECTIVE = {"sample_weight": m.NONE, "loss": m.NONE, "training": m.FLAG}
"""What `**options` of a function of the loss takes."""


def of_the_loss_cases():
    vector = m.NOTHING
    yield case("curvature.check_gradient", on_model(), **OBJECTIVE)
    yield case("curvature.gradient", on_model(), **OBJECTIVE)
    yield case("curvature.hessian", on_model(), **OBJECTIVE)
    yield case("curvature.hessian_vector_product", on_model(vector=flat), vector=vector, **OBJECTIVE)
    yield case("curvature.lanczos", on_model(steps=lambda: 2), **OBJECTIVE)
    yield case(
        "curvature.matrix_power", lambda: {"w": np.eye(2), "x": np.ones(2), "t": 2}, w=m.NOTHING,
        x=m.sequence(m.NUMBER, 2), t=m.count(0),
    )  # fmt: skip
    few = {"points": lambda: 3}
    yield case(
        "landscapes.interpolate", on_model(start=lambda: flat() + 1.0, **few), start=m.NOTHING, end=m.NONE,
        trajectory=m.NONE, **OBJECTIVE,
    )  # fmt: skip
    yield case("monitors.batch_statistics", on_model("normalized"), **OBJECTIVE)
    yield case("monitors.cliff", lambda: {"norms": np.ones(30)}, norms=m.sequence(m.NUMBER, empty=True), steps=m.NONE)
    yield case("monitors.gradient_noise", on_model(), parts=m.count(2), **OBJECTIVE)
    yield case("monitors.gradient_norm", on_model(), **OBJECTIVE)
    yield case("monitors.layer_flow", on_model(), before=m.NONE, **OBJECTIVE)
    yield case("monitors.spectrum", on_model(steps=lambda: 2), **OBJECTIVE)
    yield case(
        "monitors.step_length", on_model(before=lambda: [w + 0.1 for w in weights()]), before=m.NOTHING, **OBJECTIVE
    )
    yield case("monitors.time_horizon", on_model("recurrent"), **OBJECTIVE)


def symmetry_cases():
    def one(**more):
        return lambda: {"model": model(), "layer": "hidden"} | more

    yield case("symmetries.balance", one())
    yield case("symmetries.permute_units", one(order=[1, 0]), order=m.NOTHING)
    yield case("symmetries.rescale_units", one(factors=[1.0, 2.0]), factors=m.sequence(m.POSITIVE, 2))


def tracker_cases():
    yield case("trackers.JSONL", use=repr, path=m.NONE | m.PATH)
    yield case("trackers.MLflow", use=repr, tracking_uri=m.NONE | m.TEXT, experiment=m.NONE | m.TEXT)
    yield case("trackers.WandB", use=repr)


def meeting_the_model(function):
    """Make callbacks, and take two steps if there is a probe: one that the model cannot take is told there."""

    def make(**arguments):
        made = function(**arguments)
        if arguments.get("probe") is not None:
            fit_two_steps(*(made if isinstance(made, list) else [made]))
        return made

    return make


KINDS_OF_VERDICTS = m.word(*KINDS) | m.sequence(m.word(*KINDS), empty=True, arrays=False)


def callback_cases():
    yield case("callbacks.ClipGradients", lambda: {"rule": clipping.ByNorm(1.0)}, fit_two_steps, rule=m.NOTHING)
    yield case(
        "callbacks.Continuation",
        use=fit_a_problem_that_is_made_easy,
        schedule=m.sequence(m.NUMBER, arrays=False) | m.function(0.5),
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
        order=m.word(*ORDERS),
        measure_every=m.LENGTH,
    )
    yield case(
        "callbacks.Diagnosis",
        lambda: {"checks": "cheap", "verbose": False},
        fit_two_steps,
        make=meeting_the_model(callbacks.Diagnosis),
        probe=m.NONE | m.EXAMPLES | m.TEXTS,
        checks=m.sequence(m.NOTHING, empty=True),
        measure_every=m.NONE | m.LENGTH | m.function(0),
        budget=m.NONE | m.number(0, 1, above=True),
        preflight=m.FLAG,
        verbose=m.FLAG,
        ignore=KINDS_OF_VERDICTS,
    )
    yield case(
        "callbacks.EarlyStopping",
        lambda: {"mode": "min"},
        fit_two_steps,
        start_from_epoch=m.count(0),
        criterion=m.NONE,
        evaluate_on=m.NONE,
        verbose=m.VERBOSE,
    )
    yield case("callbacks.GradientClippingLogger", use=fit_two_steps)
    yield case(
        "callbacks.Guard",
        spike=m.NONE | m.POSITIVE,
        every=m.LENGTH,
        lower_rate=m.FRACTION,
        tries=m.count(0),
    )
    yield case(
        "callbacks.LearningRateDecay",
        lambda: {"rule": schedules.ReduceOnPlateau()},
        fit_two_steps,
        rule=m.NOTHING,
        verbose=m.VERBOSE,
    )
    yield case(
        "callbacks.PolyakAveraging",
        use=fit_two_steps,
        decay=m.NONE | m.DECAY_RATE,
        half_life=m.NONE | m.LENGTH,
        uniform=m.FLAG,
        start=m.LENGTH | m.only(0),
        evaluate=m.word("average", "raw"),
        final=m.word("average", "raw"),
    )
    yield case(
        "callbacks.SurrogateGap",
        lambda: {"true": "val_loss", "mode": "min"},
        fit_two_steps,
        true=m.TEXT,
        surrogate=m.TEXT,
        patience=m.count(1),
    )
    yield case(
        "callbacks.Resume",
        lambda: {"directory": "states"},
        directory=m.PATH,
        every=m.count(1),
        keep=m.count(1),
        allow=m.sequence(m.NOTHING, empty=True),
    )
    yield case("callbacks.SwitchOptimizer", lambda: {"to": "adam"}, fit_two_steps, start=m.LENGTH, to=m.NOTHING)
    yield case(
        "callbacks.TensorBoard",
        in_a_folder,
        lambda made: made.log_dir != "x" and fit_two_steps(made),
        log_dir=m.PATH,
        measure_every=m.LENGTH,
        log_to=m.sequence(m.of(extend.Tracker), empty=True),
    )
    yield case(
        "Doctor",
        in_a_folder,
        make=meeting_the_model(keras_ch8.Doctor),
        probe=m.NONE | m.EXAMPLES | m.TEXTS,
        resume=m.NONE | m.PATH,
        ignore=KINDS_OF_VERDICTS,
        log_to=m.sequence(m.of(extend.Tracker), empty=True, arrays=False),
    )


def training_cases():
    few = {"steps": lambda: 3}
    yield case("training.check_initialization", on_model(), **OBJECTIVE)
    yield case(
        "choosing.Candidate",
        lambda: {"factory": an_optimizer, "ranges": {"learning_rate": (1e-3, 0.1)}},
        lambda made: None,
        factory=m.Meaning("a function", callable),
        ranges=m.mapping(m.NOTHING),
        batch_size=m.NONE | m.count(1),
    )
    yield case(
        "choosing.compare",
        lambda: {"candidates": {"SGD": new_candidate()}, "model_factory": new_model, "data": (X, Y), "epochs": 1,
                 "seeds": 1, "trials": 1, "verbose": 0},
        candidates=m.NOTHING,
        data=m.NOTHING,
        target=m.NONE | m.NUMBER,
        seeds=m.count(1) | m.sequence(m.SEED),
        trials=m.count(1),
        validation_data=m.NONE,
        metric=m.NOTHING,
    )  # fmt: skip
    rates = m.sequence(m.POSITIVE)
    yield case("choosing.compare_learning_rates", on_model(**few, rates=lambda: [0.01, 0.1]), rates=rates)
    yield case("training.compile_as", lambda: {"model": model(), "other": model()}, model=m.NOTHING, other=m.NOTHING)
    yield case(
        "cure",
        lambda: {
            "model_factory": new_model,
            "data": (X, Y),
            "verdicts": [lower_the_rate()],
            "fit": {"epochs": 1},
            "seeds": 1,
            "rounds": 1,
            "minutes": 1.0,
        },
        data=m.NOTHING,
        verdicts=m.NONE | m.sequence(m.NOTHING, empty=True),
        validation_data=m.NONE,
        callbacks=m.sequence(m.NOTHING, empty=True),
        fit=m.NONE | m.mapping(m.NOTHING),
        seeds=m.count(1),
        rounds=m.count(1),
        minutes=m.NONE | m.POSITIVE,
    )
    yield case(
        "choosing.find_learning_rate",
        on_model(steps=lambda: 10),
        steps=m.count(10),
        low=m.number(0, 10.0, above=True),
        high=m.number(1e-7, above=True),
    )
    yield case("preflight", on_model(**few), validation_data=m.NONE, steps=m.count(0))
    yield case(
        "training.pretrain_greedily",
        on_model(epochs=lambda: 1, fine_tune_epochs=lambda: 0, verbose=lambda: 0),
        fine_tune_epochs=m.count(0),
        head=m.NONE,
        source=m.NONE,
        source_layers=m.NONE | m.count(1),
        verbose=m.VERBOSE,
    )
    yield case("training.scale_to_data", lambda: {"model": new_model(), "x": X}, y=m.NONE)
