"""Trainings that end at the loss of a constant, or where nothing has moved; each limit on its two sides."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8.callbacks import Diagnosis
from keras_ch8.integration import keras_private
from keras_ch8.monitors import held_out
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors.held_out import validated_on
from keras_ch8.monitors.measurement_log import MeasurementLog
from keras_ch8.monitors.model_facts import facts, facts_of_model
from keras_ch8.monitors.numbers_of_cures import known_to_cures
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.facts import Output
from keras_ch8.verdicts.remedies import REMEDIES, applicable
from keras_ch8.verdicts.verdict import PREFLIGHT, Claim, VerdictTracker
from tests.monitors import logs

CHANCE, NAN = 2.0, float("nan")
X, Y = np.arange(12.0).reshape(4, 3), np.array([0, 0, 1, 2])
CHANCE_OF_Y = 1.5 * np.log(2)


def at_the_end(losses, *, updates=1000, chance=CHANCE, **reported):
    """Return the log of a training whose loss on the probe was this, and that has reported this."""
    log = logs.log_of(losses)
    log.total, log.step, log.chance, log.rate = updates, updates, chance, 0.1
    for epoch in zip(*reported.values(), strict=True):
        log.add_epoch(dict(zip(reported, epoch, strict=True)))
    return log


def level(log):
    return logs.level("nothing_learned", log, "learns_nothing")


@pytest.mark.parametrize(
    "of_probe, loss, val_loss, expected",
    [
        (1.95, 2.0, 2.0, "act"),
        (1.93, 2.0, 2.0, "watch"),
        (1.79, 2.0, 2.0, "ok"),
        (2.0, 1.79, 2.0, "ok"),  # the probe is held out, and the training learns by heart
        (2.0, 2.0, 1.79, "ok"),  # the training is made hard by dropout
        (9.0, 9.0, 9.0, "act"),
    ],
)
def test_a_training_learns_nothing_where_no_loss_is_below_that_of_a_constant(of_probe, loss, val_loss, expected):
    log = at_the_end(np.full(9, of_probe), loss=[2.5, loss], val_loss=[2.5, val_loss])
    assert level(log) == expected


@pytest.mark.parametrize(
    "loss, val_loss, part, expected",
    [
        (2.0, 2.0, 0.01, "act"),
        (1.85, 1.9, 0.01, "act"),
        (1.75, 1.9, 0.01, "ok"),
        (1.9, 1.75, 0.01, "ok"),  # nor if it learned what is validated
        (2.0, 2.0, 0.06, "watch"),  # the others leave it a part: it may be meant so
        (1.85, 1.9, 0.06, "watch"),
        (1.75, 1.9, 0.06, "ok"),
    ],
)
def test_of_several_outputs_the_one_that_has_learned_least_counts(loss, val_loss, part, expected):
    reported = {"loss": [900.0, 9.0], "a_loss": [2.1, loss], "val_a_loss": [2.1, val_loss], "b_loss": [899.0, 7.0]}
    log = at_the_end(np.full(9, 9.0), chance=900.0, **reported)
    log.chance_of_outputs = {"a": (2.0, part), "b": (899.0, 1 - part), "c": (1.0, 0.0)}
    assert level(log) == expected
    assert logs.remarks("nothing_learned", log) == {"learns_nothing": "worst: output 'a'"}


@pytest.mark.slow
def test_the_part_of_each_output_is_known_with_its_weight_and_its_loss_without():
    inputs = keras.Input((4,))
    h = keras.layers.Dense(8, "relu")(inputs)
    outputs = {"kind": keras.layers.Dense(3, "softmax", name="kind")(h), "size": keras.layers.Dense(1, name="size")(h)}
    rng, model = np.random.default_rng(0), keras.Model(inputs, outputs)
    x = rng.normal(size=(640, 4)).astype("float32")
    y = {"kind": x[:, :3].argmax(axis=1), "size": 90 + 30 * rng.normal(size=640)}
    model.compile(
        "adam", {"kind": "sparse_categorical_crossentropy", "size": "mse"}, loss_weights={"kind": 1e-4, "size": 1.0}
    )
    diagnosis = Diagnosis(checks="cheap", verbose=False)
    model.fit(x, y, epochs=6, verbose=0, callbacks=[diagnosis])
    chance, part = diagnosis.log.chance_of_outputs["kind"]
    assert chance == pytest.approx(np.log(3), rel=0.02)
    assert part < 1e-6
    code = next(applicable(REMEDIES["learns_nothing"], known_to_cures(diagnosis.log), facts_of_model(model))).code
    exec(code, {"model": model, "keras_ch8": keras_ch8})
    weights = keras_private.compile_arguments(model)["loss_weights"]
    assert weights["kind"] == pytest.approx(1 / chance, rel=0.1)
    assert weights["size"] == pytest.approx(1 / y["size"].var(), rel=0.1)


@pytest.mark.parametrize(
    "of_probe, spread, validated, expected",
    [
        (1.96, NAN, 0, "act"),  # how far the examples differ is not known: 0.98 may be all that 0.97 is
        (1.96, 0.3, 0, "act"),  # 3 * 0.3 / sqrt(256) is 0.056, more than 2 - 1.96
        (1.96, 0.3, 250, "act"),
        (1.96, 0.3, 230_000, "watch"),  # in so many examples a gain of 0.04 is none by chance
        (1.90, 5.0, 0, "watch"),  # clicks at 0.95: in a few examples they may be at chance, or not
        (1.78, 5.0, 0, "ok"),  # noise, of few examples
        (1.96, 0.1, 0, "watch"),
        (2.0, 0.0, 230_000, "act"),  # dead: it predicts a constant
        (2.02, 0.3, 230_000, "act"),
    ],
)
@pytest.mark.parametrize("of", ["val_loss", "loss"])
def test_how_sure_it_is_that_nothing_is_learned_is_told_by_the_losses_of_the_examples(
    of_probe, spread, validated, expected, of
):
    reading = GradientNorm(1.0, 10.0, of_probe, spread=spread, examples=256)
    log = logs.log_of(np.full(9, of_probe), gradient_norm=[reading] * 9)
    log.chance = log.chance_of_validation = log.chance_of_training = CHANCE
    log.validated, log.examples = (validated, 0) if of == "val_loss" else (0, validated)
    log.add_epoch({"loss": 2.5} | {of: of_probe})
    assert level(log) == expected


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "signal, examples, rate, expected",
    [(0.6, 20000, 0.1, "watch"), (0.6, 20000, 0.0, "act"), (0.0, 20000, 0.1, "act"), (2.0, 200, 0.1, "ok")],
)
def test_clicks_dead_trainings_and_a_small_noisy_set(signal, examples, rate, expected):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2 * examples, 4)).astype("float32")
    y = (rng.random(2 * examples) < 1 / (1 + np.exp(2.2 - signal * x[:, 0]))).astype("float32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy")
    diagnosis = Diagnosis(checks=["gradient_norm", "nothing_learned"])
    held_out = x[examples:], y[examples:]
    model.fit(
        x[:examples], y[:examples], epochs=3, batch_size=max(1, examples // 200), verbose=0,
        validation_data=held_out, callbacks=[diagnosis],
    )  # fmt: skip
    assert level(diagnosis.log) == expected


@pytest.mark.parametrize(
    "penalties, over, has, expected",
    [
        ((0.41, 0.01), 0.98, {Fact.PENALTIES_OF_WEIGHTS}, "act"),  # they have shrunk all weights since
        ((0.01, 0.41), 0.96, {Fact.PENALTIES_OF_WEIGHTS}, "watch"),
        ((0.39, 0.39), 0.98, {Fact.PENALTIES_OF_WEIGHTS}, "ok"),
        ((0.41, 0.41), 0.19, {Fact.PENALTIES_OF_WEIGHTS}, "ok"),  # it learns all the same
        ((0.41, 0.41), 0.98, frozenset(), None),  # of units, or of an output that is to be like noise
    ],
)
def test_penalties_are_too_strong_where_they_have_been_much_of_the_loss_and_little_is_learned(
    penalties, over, has, expected
):
    shares = np.linspace(*penalties, 9)
    log = logs.log_of(np.ones(9), gradient_norm=[GradientNorm(1.0, 10.0, 1.0, share) for share in shares])
    log.chance, log.has = (1 - np.median(shares[-3:])) / over, frozenset(has)
    assert logs.level("nothing_learned", log, "underfitting") == expected
    assert (Fact.STRONG_PENALTIES in facts(log)) == (expected is not None and max(penalties) > 0.4)


@pytest.mark.parametrize(
    "lowest, chance, updates, expected",
    [(2.0, 2.0, 100, "act"), (1.99, 2.0, 100, "ok"), (2.0, 2.0, 99, "ok"), (2.0, float("nan"), 100, "ok")],
)
def test_nothing_was_learned_that_holds_where_no_validation_loss_is_below_that_of_a_constant(
    lowest, chance, updates, expected
):
    log = at_the_end(np.full(9, 1.0), updates=updates, loss=[2.0, 1.5, 1.0], val_loss=[2.1, lowest, 2.2])
    log.chance_of_validation = chance
    assert level(log) == expected


@pytest.mark.parametrize(
    "loss, lowest, last, expected",
    [
        (1.7, 1.98, 2.2, "act"),
        (1.7, 1.98, 2.15, "watch"),
        (1.7, 1.98, 2.05, "ok"),
        (1.9, 1.98, 2.2, "ok"),  # next to nothing was learned at all
        (float("nan"), 1.98, 2.2, "ok"),
    ],
)
@pytest.mark.parametrize("are_arrays", [True, False])
def test_what_ends_above_a_constant_for_the_validation_data_alone_was_learned_by_heart(
    loss, lowest, last, expected, are_arrays
):
    log = at_the_end(np.full(9, 1.7), updates=60, loss=[2.0, 1.8, loss], val_loss=[2.1, lowest, last])
    log.chance_of_training = log.chance_of_validation = 2.0 if are_arrays else float("nan")
    assert logs.level("nothing_learned", log, "overfitting") == expected


def test_what_never_held_for_the_validation_data_is_no_question_of_the_number_of_epochs():
    log = at_the_end(np.full(9, 1.7), updates=60, loss=[2.0, 1.8, 1.7], val_loss=[2.1, 2.1, 2.2])
    log.chance_of_training = log.chance_of_validation = 2.0
    assert logs.level("nothing_learned", log, "overfitting") == "ok"


@pytest.mark.parametrize("held_out, expected", [((X, Y), CHANCE_OF_Y), ((X, Y, np.ones(4)), float("nan"))])
def test_the_loss_of_a_constant_is_that_of_the_validation_data(held_out, expected):
    output = Output(loss="sparse_categorical_crossentropy")
    given = {"x": X, "y": 0 * Y, "validation_data": held_out}
    assert validated_on(given, output)["chance_of_validation"] == pytest.approx(expected, nan_ok=True)
    split = {"x": np.repeat(X, 2, axis=0), "y": np.concatenate([0 * Y, Y]), "validation_split": 0.5}
    assert validated_on(split, output)["chance_of_validation"] == pytest.approx(CHANCE_OF_Y)


def test_of_a_data_set_the_first_examples_and_a_validation_batch_that_reading_does_not_change_are_compared():
    output, read = Output(loss="sparse_categorical_crossentropy", axes=2, units=2), (X, np.array([0, 0, 0, 0]), None)
    y, held_out = np.arange(64) % 4, np.zeros((64, 3))
    read = np.zeros((64, 3)), np.arange(64) % 2, None
    arrays = tf.data.Dataset.from_tensor_slices((held_out, y))
    for given in ((held_out, y), arrays.batch(64)):
        found = validated_on({"x": arrays.batch(8), "validation_data": given}, output, read)
        assert (found["unseen"], found["other_targets"].classes, "equal_rows" in found) == (0.5, 4, False)
    for given in (None, arrays.shuffle(64).batch(8), iter(())):
        assert validated_on({"x": arrays.batch(8), "validation_data": given}, output, read) == {}
    assert validated_on({"x": arrays.batch(8), "validation_data": (held_out, y)}, output) == {}


def test_of_validation_targets_that_are_very_many_no_copy_is_made(monkeypatch):
    output, given = Output(loss="sparse_categorical_crossentropy"), {"x": X, "y": Y, "validation_data": (X, Y)}
    monkeypatch.setattr(held_out, "MOST", 4)
    assert validated_on(given, output)["chance_of_validation"] == pytest.approx(CHANCE_OF_Y)
    monkeypatch.setattr(held_out, "MOST", 3)
    assert np.isnan(validated_on(given, output)["chance_of_validation"])


@pytest.mark.parametrize(
    "losses, updates, expected",
    [
        (np.full(9, 1.81), 100, "act"),
        (np.full(9, 1.81), 101, "ok"),
        (np.full(9, 1.79), 99, "ok"),  # it may be all that can be learned
        (np.linspace(2.0, 1.5, 9), 100, "act"),
        (np.linspace(2.0, 1.5, 9), 101, "ok"),
        (np.linspace(2.0, 1.2, 9), 99, "ok"),
    ],
)
def test_a_training_of_few_updates_that_learned_little_or_still_learns_is_too_short(losses, updates, expected):
    claim = logs.said("nothing_learned", at_the_end(losses, updates=updates), "too_short")
    assert (claim.level, claim.proven) == (expected, True)


def test_what_layers_add_to_the_loss_does_not_count():
    losses = np.full(9, 3.0)
    assert level(at_the_end(losses, loss=[3.0], val_loss=[3.0])) == "act"
    log = at_the_end(losses, loss=[3.0], val_loss=[3.0])
    for reading in log.of("gradient_norm"):
        object.__setattr__(reading, "penalty", 1.5)
    assert level(log) == "ok"


EPOCHS = np.arange(12)
NOISE = np.where(EPOCHS % 2, 0.01, -0.01)


@pytest.mark.parametrize(
    "loss, metric, updates, expected",
    [
        (np.ones(12), np.full(12, 0.5), 100, "act"),
        (np.ones(12), np.full(12, 0.5), 99, "ok"),
        (1 + NOISE, 0.5 + NOISE + 0.0119 * EPOCHS, 100, "act"),  # by 2.98 times what is usual
        (1 + NOISE, 0.5 + NOISE + 0.0121 * EPOCHS, 100, "ok"),  # by 3.02 times
        (1 + NOISE - 0.00248 * EPOCHS, 0.5 + NOISE, 100, "act"),  # by 1.99 % in two thirds of the epochs
        (1 + NOISE - 0.00251 * EPOCHS, 0.5 + NOISE, 100, "ok"),  # by 2.02 %
        (1 - 0.001 * EPOCHS, 0.5 + NOISE, 100, "ok"),  # without noise, the smallest fall is one
        (1 + NOISE, np.repeat([0.0, 1.0], [7, 5]), 100, "ok"),  # it moved once
        (NOISE, 0.5 + NOISE, 100, None),  # a loss that goes below 0 may rest anywhere
    ],
)
def test_without_a_loss_of_a_constant_nothing_may_have_moved(loss, metric, updates, expected):
    reported = {"loss": loss, "score": metric, "learning_rate": 0.1 / (1 + EPOCHS)}
    assert level(at_the_end(np.ones(9), chance=float("nan"), updates=updates, **reported)) == expected


def test_of_a_training_that_goes_on_or_has_several_optimizers_a_loss_that_rests_tells_nothing():
    for name, value in (("first", 500), ("rate", float("nan"))):
        log = at_the_end(np.ones(9), chance=float("nan"), loss=np.ones(12))
        assert level(log) == "act"
        setattr(log, name, value)
        assert level(log) is None


def test_what_fit_reports_is_compared_without_penalties():
    penalized = [GradientNorm(1.0, 10.0, 2.2, 0.2)] * 9
    for loss, expected in ((2.19, "act"), (1.99, "ok")):
        log = logs.log_of(np.ones(9), gradient_norm=penalized)
        log.total, log.step, log.chance, log.rate = 1000, 1000, CHANCE, 0.1
        log.chance_of_training = CHANCE
        log.add_epoch({"loss": loss})
        assert level(log) == expected


def test_of_a_loss_without_a_formula_only_what_is_not_below_the_best_of_some_constants_calls_for_action():
    for loss, expected in ((1.96, "watch"), (2.0, "act")):
        log = at_the_end(np.full(9, loss), loss=[2.5, 2.5], val_loss=[2.5, 2.5])
        log.is_chance_tried = True
        assert level(log) == expected


def test_examples_without_weight_are_in_neither_part():
    x, y, first = np.arange(40.0).reshape(20, 2), np.arange(20) % 2, np.arange(20) < 10
    output = Output(loss="sparse_categorical_crossentropy")
    for weights, expected in ((first, 0.0), (np.ones(20), 1.0)):
        given = {"x": x, "y": y, "sample_weight": 1.0 * weights, "validation_data": (x, y, 1.0 * ~first)}
        assert validated_on(given, output)["equal_rows"] == expected


def test_of_three_epochs_nothing_is_said_of_movement():
    assert level(at_the_end(np.ones(9), chance=float("nan"), loss=np.ones(3))) is None
    assert level(MeasurementLog()) is None


NOTHING = Claim("learns_nothing", "act", "The loss is that of a constant.", proven=True)


def claim(kind, level):
    return Claim(kind, level, f"There is {kind}.", proven=True)


def levels(*claims):
    tracker = VerdictTracker()
    tracker.update(9, claims)
    return {verdict.kind: (verdict.level, verdict.explained_by) for verdict in tracker.verdicts}


def test_where_nothing_is_learned_the_first_explanation_that_is_worth_watching_calls_for_action():
    assert levels(NOTHING) == {"learns_nothing": ("act", "")}
    found = levels(NOTHING, claim("step_too_short", "watch"), claim("dead_units", "watch"), claim("leak", "watch"))
    assert found == {
        "dead_units": ("act", ""),
        "learns_nothing": ("ok", "dead_units"),
        "step_too_short": ("ok", "dead_units"),
        "leak": ("watch", ""),
    }
    found = levels(NOTHING, claim("step_too_short", "act"), claim("dead_units", "watch"))
    assert found["dead_units"] == ("watch", "")
    assert found["learns_nothing"] == ("ok", "step_too_short")
    assert levels(claim("dead_units", "watch")) == {"dead_units": ("watch", "")}


def test_a_loss_near_that_of_a_constant_calls_for_action_only_where_something_seen_before_the_first_step_explains_it():
    little = Claim("learns_nothing", "watch", "The loss is 0.95 times that of a constant.", proven=True)
    watch = {"learns_nothing": ("watch", "")}
    assert levels(little) == watch  # of clicks or returns there may be no more to learn
    assert levels(little, claim("step_too_short", "watch")) == watch | {"step_too_short": ("watch", "")}
    tracker = VerdictTracker()
    tracker.update(0, [claim("no_gradient", "watch"), claim("leak", "watch")], PREFLIGHT)
    assert {verdict.level for verdict in tracker.verdicts} == {"watch"}
    tracker.update(9, [little], "nothing_learned")
    found = {verdict.kind: verdict.level for verdict in tracker.verdicts}
    assert found == {"no_gradient": "act", "leak": "watch", "learns_nothing": "ok"}


def test_of_a_training_with_weights_of_classes_the_validation_loss_is_that_of_another_problem():
    log = at_the_end(np.full(9, 1.0), chance=float("nan"), loss=[2.0, 1.5, 1.0, 0.9], val_loss=[2.1, 2.0, 2.2, 2.3])
    log.chance_of_validation = 2.0
    assert level(log) == "ok"


def test_what_is_over_explains_nothing():
    tracker = VerdictTracker()
    tracker.update(1, [claim("dead_units", "act")])
    for step in range(2, 5):
        tracker.update(step, [Claim("dead_units", "ok", "Few units are dead.")])
    tracker.update(9, [NOTHING])
    assert {verdict.kind: verdict.level for verdict in tracker.verdicts} == {
        "learns_nothing": "act",
        "dead_units": "ok",
    }


def test_the_reason_of_what_is_raised_is_the_outcome():
    tracker = VerdictTracker()
    changed = tracker.update(9, [NOTHING, claim("dead_units", "watch")])
    (first,) = [verdict for verdict in changed if verdict.level == "act"]
    assert first.why[0] == "It is raised to ACT because the loss is that of a constant."


def test_losses_that_are_no_numbers_are_not_below_that_of_a_constant_nor_at_it():
    nothing = np.full(9, np.nan)
    assert level(at_the_end(nothing, loss=[np.nan], val_loss=[np.nan])) == "ok"
