"""What a model has already is seen, the numbers of cures come from the run, and the code of every cure runs."""

import itertools

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors._gradient_norm import GradientNorm
from keras_ch8.monitors._step_length import StepLength
from keras_ch8.monitors._time_horizon import TimeHorizon
from keras_ch8.monitors.eigenvalues import SpectrumEnds
from keras_ch8.monitors.flow import LayerFlow
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.monitors.model_facts import (
    facts,
    facts_of_model,
    frozen_in,
    limit_of_norm,
    padding_in,
    rate_of,
    waiting,
)
from keras_ch8.monitors.numbers_of_cures import known_to_cures
from keras_ch8.verdicts._checks_of_inputs import RESCALE
from keras_ch8.verdicts.code import (
    DROP_LESS,
    LARGER,
    NORMALIZE_INPUTS,
    NORMALIZE_LAYERS,
    RESCALE_TARGETS,
    WITH_CURVATURE,
)
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.remedies import REMEDIES, applicable
from tests.monitors.logs import ENDS
from tests.pasting import as_printed, pasted

pytestmark = pytest.mark.usefixtures("in_graphs")
LAYERS = keras.layers
RNG = np.random.default_rng(0)
KNOWN = {
    "rate": "0.1", "high_rate": "",
    "shorter_rate": "0.01", "longer_rate": "0.3", "clip_at": "2.5", "momentum": "0.8", "memory": "2.3",
    "larger_batch": "64", "more_epochs": "30", "added_up": "2", "weights_of_losses": "{'dense': 0.5}",
}  # fmt: skip


constant = keras.initializers.Constant


def plain(*layers, optimizer="sgd", shape=(6,)):
    model = keras.Sequential([keras.Input(shape), *layers, LAYERS.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def with_sum():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, LAYERS.Dense(1)(LAYERS.Dense(6, "sigmoid")(inputs) + inputs))
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10), clipvalue=1.0), "mse")
    return model


def two_inputs():
    a, b = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([a, b], LAYERS.Dense(1)(LAYERS.Add()([a, b])))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    "layers, expected",
    [
        ([], set()),
        ([LAYERS.Dense(3), LAYERS.BatchNormalization()], {Fact.NORMALIZATION}),
        ([LAYERS.Dense(3, bias_initializer=constant(-2.0))], {Fact.LINEAR_LAYERS, Fact.NEGATIVE_BIASES}),
        ([LAYERS.Dense(3, bias_initializer=constant(-0.5))], {Fact.LINEAR_LAYERS}),
        ([LAYERS.Dense(3, "relu", activity_regularizer="l1")], {Fact.PENALTIES_OF_UNITS}),
        ([LAYERS.Dense(3, "relu", kernel_regularizer="l2")], {Fact.PENALTIES_OF_WEIGHTS}),
        (
            [LAYERS.Dense(3, "relu", kernel_constraint=keras.constraints.NonNeg())],
            {Fact.FIRST_ORDER_ONLY, Fact.CONSTRAINTS},
        ),
        ([LAYERS.BatchNormalization(momentum=0.1)], {Fact.NORMALIZATION, Fact.SHORT_AVERAGES}),
        ([LAYERS.Reshape((1, 2, 3)), LAYERS.RandomFlip()], {Fact.RESHAPES, Fact.MOVES_IMAGES}),
        ([keras_ch8.layers.Residual(LAYERS.Dense(6))], {Fact.SKIP_CONNECTIONS}),
        ([LAYERS.Normalization(mean=0.0, variance=1.0)], {Fact.INPUT_NORMALIZATION}),
        ([LAYERS.Embedding(9, 4), LAYERS.LSTM(3)], {Fact.TOKENS, Fact.RECURRENCE, Fact.LSTM}),
        (
            [LAYERS.Reshape((3, 2)), LAYERS.Bidirectional(LAYERS.SimpleRNN(3))],
            {Fact.RESHAPES, Fact.RECURRENCE, Fact.SIMPLE_RECURRENCE},
        ),
    ],
)
def test_what_a_model_has_is_seen(layers, expected):
    assert facts_of_model(plain(*layers)) == {Fact.SEQUENTIAL, *expected}


OF_RATES = {Fact.ADAPTIVE_RATES, Fact.STEPS_OF_THE_RATE}


@pytest.mark.parametrize(
    "optimizer, expected",
    [
        (keras_ch8.optimizers.RMSprop(clip=keras_ch8.clipping.ByValue(1.0)), {*OF_RATES, Fact.CLIPPING}),
        (
            keras.optimizers.LossScaleOptimizer(keras.optimizers.Nadam()),
            {*OF_RATES, Fact.FIRST_ORDER_ONLY, Fact.SCALED_LOSS},
        ),
        (keras_ch8.optimizers.LBFGS(), {Fact.COMPARED_LOSSES, Fact.OWN_STEP_LENGTH, Fact.CURVATURE}),
        (keras_ch8.optimizers.SteepestDescent(), {Fact.COMPARED_LOSSES, Fact.OWN_STEP_LENGTH}),
    ],
)
def test_what_an_optimizer_has_is_seen(optimizer, expected):
    assert facts_of_model(plain(optimizer=optimizer)) == {Fact.SEQUENTIAL, *expected}


def test_what_a_model_has_that_is_no_chain_of_layers_is_seen():
    of_schedule = {Fact.LEARNING_RATE_SCHEDULE, Fact.SCHEDULE_TO_SCALE, Fact.CLIPPING}
    assert facts_of_model(with_sum()) == {Fact.SKIP_CONNECTIONS, Fact.SIGMOID_UNITS, *OF_RATES, *of_schedule}
    assert facts_of_model(two_inputs()) == {Fact.SEVERAL_INPUTS, Fact.SKIP_CONNECTIONS}


@pytest.mark.slow
def test_a_start_whose_weights_hardly_differ_is_seen():
    def has_small_start(kernel, size=6):
        return Fact.SMALL_START in facts_of_model(plain(LAYERS.Dense(size, "tanh", kernel_initializer=kernel)))

    assert has_small_start("zeros")
    assert has_small_start(constant(0.3))
    assert has_small_start(keras.initializers.RandomNormal(stddev=0.002))
    assert not has_small_start(keras.initializers.RandomNormal(stddev=0.005))
    assert not has_small_start("glorot_uniform", size=4096)
    assert Fact.SMALL_START not in facts_of_model(plain(LAYERS.Embedding(9, 4), LAYERS.LSTM(3)))


def test_a_saddle_point_after_a_start_of_the_usual_size_is_left_by_other_rates_first():
    def cures(*has):
        return [remedy.cure.split(",")[0] for remedy in applicable(REMEDIES["saddle"], KNOWN, {*has})]

    anew, rates = (
        "Initialize the weights randomly at a standard scale",
        "Give each weight its own learning rate with `optimizers.Adam`.",
    )
    assert cures(Fact.SMALL_START)[:2] == [anew, rates]
    assert cures()[:2] == [rates, anew]
    assert cures(Fact.ADAPTIVE_RATES)[0] == anew  # there is nothing else to be done as code


def test_a_low_rate_is_one_for_all_weights_that_nothing_else_sets():
    def is_low(optimizer, *callbacks):
        return Fact.LOW_RATE in facts_of_model(plain(optimizer=optimizer), callbacks)

    assert is_low(keras.optimizers.SGD(1e-3))
    assert is_low(keras_ch8.optimizers.Momentum(1e-4))
    assert not is_low(keras.optimizers.SGD(3e-3))
    assert not is_low(keras.optimizers.Adam(1e-4))
    assert not is_low(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(1e-4, 10)))
    assert not is_low(keras.optimizers.SGD(1e-4), keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate))


def sequences(lengths):
    rows = [np.pad(RNG.integers(1, 9, length), (0, 10 - length)) for length in lengths]
    return np.stack(rows)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "x, embedding, expected",
    [
        (sequences([3, 5, 8]), {}, {Fact.PADDING}),
        (sequences([3, 5, 8]).astype("float32"), {}, {Fact.PADDING}),
        (sequences([3, 5, 8]), {"mask_zero": True}, set()),
        (sequences([3, 5, 8])[:, ::-1], {}, set()),  # padded in front, as Keras does
        (sequences([9, 10, 9]), {}, set()),
        (sequences([6, 6, 6]), {}, set()),  # as long as each other: 0 may be a token like others
    ],
)
def test_padding_that_a_recurrent_layer_reads_is_seen(x, embedding, expected):
    model = plain(LAYERS.Embedding(9, 4, **embedding), LAYERS.LSTM(3), shape=(10,))
    assert padding_in(model, x) == expected
    assert padding_in(plain(LAYERS.Embedding(9, 4), LAYERS.GlobalAveragePooling1D(), shape=(10,)), x) == set()


def test_the_last_layers_sigmoid_is_no_hidden_unit():
    model = keras.Sequential([keras.Input((6,)), LAYERS.Dense(4, "relu"), LAYERS.Dense(1, "sigmoid")])
    assert facts_of_model(model) == {Fact.SEQUENTIAL}


@pytest.mark.slow
def test_what_callbacks_bring_is_there_for_the_cures():
    model, clip = plain(), keras_ch8.callbacks.ClipGradients(keras_ch8.clipping.ByValue(1.0))
    diagnosis = keras_ch8.callbacks.Diagnosis((np.ones((8, 6)), np.ones((8, 1))), ["step_length"])
    model.fit(np.ones((8, 6)), np.ones((8, 1)), verbose=0, callbacks=[diagnosis, clip])
    assert Fact.CLIPPING in diagnosis.log.has


def test_the_rate_is_that_of_the_one_optimizer_also_by_a_schedule():
    assert rate_of(plain(optimizer=keras.optimizers.SGD(0.25))) == 0.25
    assert rate_of(with_sum()) == pytest.approx(0.1)
    assert np.isnan(rate_of(keras.Sequential([LAYERS.Dense(1)])))


def flow(signal=1.0, spread=1.0, dead=0.0, total=1.0, saturated=np.nan, given=1.0):
    return LayerFlow(
        names=tuple("abcd"), weighted=(True,) * 4, is_output=(False, False, False, True), units=(8,) * 4,
        signal=np.full(4, given), gradient=np.array([total, 1, 1, 1.0]), dead=np.full(4, dead),
        saturated=np.full(4, saturated),
        relative_update=np.ones(4), input_signal=signal, input_spread=spread,
    )  # fmt: skip


def log_of(**first):
    log = MeasurementLog(total=200)
    log.rate, log.batch_size = 0.1, 32.0
    log.add(1, {"layer_flow": flow(**first)})
    log.add(2, {"layer_flow": flow()})
    return log


@pytest.mark.parametrize(
    "first, expected",
    [
        ({}, set()), ({"signal": 5.1}, {Fact.UNSCALED_INPUTS, Fact.UNEVEN_INPUTS}),
        ({"signal": 0.04}, {Fact.UNSCALED_INPUTS, Fact.UNEVEN_INPUTS}),
        ({"signal": 5.1, "given": 0.4}, {Fact.UNEVEN_INPUTS}),  # the weights of the first layer are small
        ({"signal": 5.1, "given": 0.0}, {Fact.UNSCALED_INPUTS, Fact.UNEVEN_INPUTS}),  # its units are dead
        ({"signal": 0.04, "given": 0.4}, {Fact.UNSCALED_INPUTS, Fact.UNEVEN_INPUTS}),
        ({"signal": 0.0}, set()), ({"spread": 11.0}, {Fact.UNEVEN_INPUTS}), ({"spread": np.inf}, set()),
        ({"dead": 0.4}, {Fact.SCALE_OF_THE_START}), ({"total": 0.001}, {Fact.SCALE_OF_THE_START}),
    ],
)  # fmt: skip
def test_inputs_and_start_are_facts_of_the_first_measurement(first, expected):
    assert facts(log_of(**first)) == expected


@pytest.mark.parametrize("has, usual, default", [((), 1.0, 0.01), ((Fact.STEPS_OF_THE_RATE,), 0.01, 0.001)])
def test_units_that_were_idle_early_are_of_the_start_unless_the_rate_is_larger_than_is_usual(has, usual, default):
    def of_rate(rate):
        log = log_of(dead=0.4)
        log.has, log.rate = frozenset(has), rate
        return facts(log) - set(has)

    assert of_rate(1.5 * usual) == set()
    assert of_rate(usual) == {Fact.SCALE_OF_THE_START}
    assert of_rate(np.float32(default)) == {Fact.SCALE_OF_THE_START, Fact.DEFAULT_RATE}


def test_dead_units_are_left_to_the_rate_only_where_it_is_above_the_default_and_they_were_not_so_at_the_start():
    def first(*has):
        return next(applicable(REMEDIES["dead_units"], KNOWN, {*has})).cure

    leaky = "Use `keras.layers.LeakyReLU`, whose units cannot die."
    assert first() == "Lower the learning rate from 0.1 to 0.01."
    assert (first(Fact.SCALE_OF_THE_START), first(Fact.DEFAULT_RATE)) == (leaky, leaky)
    assert first(Fact.PENALTIES_OF_UNITS).startswith("Divide the `activity_regularizer` factor by 10")


@pytest.mark.parametrize("has", [(), (Fact.SCALE_OF_THE_START,), (Fact.NEGATIVE_BIASES,), (Fact.UNSCALED_INPUTS,)])
def test_the_cure_of_the_plateau_that_dead_units_make_is_theirs(has):
    cures = [next(applicable(REMEDIES[kind], KNOWN, {*has, Fact.DEAD_UNITS})) for kind in ("dead_units", "plateau")]
    assert cures[0].code == cures[1].code


@pytest.mark.parametrize("kind", REMEDIES)
def test_what_to_do_if_a_cure_fails_is_something_else(kind):
    for two in itertools.combinations(REMEDIES[kind], 2):
        needs, unless = ({fact for one in two for fact in getattr(one, name)} for name in ("needs", "unless"))
        if not needs & unless:
            cures = [one.cure for one in applicable(REMEDIES[kind], KNOWN, needs)]
            assert {one.filled(KNOWN).cure for one in two} <= set(cures)
            assert len(cures) == len(set(cures))


def test_the_ravine_of_a_linear_model_that_is_not_of_scales_is_crossed_by_curvature():
    log = log_of()
    assert Fact.LINEAR_MODEL not in facts(log)
    log = log_of()
    log.least_squares = 0.1
    assert Fact.LINEAR_MODEL in facts(log)

    def first(*has):
        return next(applicable(REMEDIES["ill_conditioned"], KNOWN, {*has})).cure

    assert "`optimizers.LBFGS`" in first(Fact.LINEAR_MODEL)
    assert "`keras.layers.Normalization`" in first(Fact.LINEAR_MODEL, Fact.UNEVEN_INPUTS)
    assert "`optimizers.Adam`" in first()
    log.add(3, {"gradient_norm": GradientNorm(1.0, 0.1, 1.0, penalty=0.1)})
    assert Fact.LINEAR_MODEL not in facts(log), "its least loss is not that of least squares"
    assert "`optimizers.LBFGS`" in first(Fact.LINEAR_MODEL, Fact.OWN_STEP_LENGTH), (
        "of `SteepestDescent`, which has none"
    )
    for one in applicable(REMEDIES["ill_conditioned"], KNOWN, {Fact.LINEAR_MODEL, Fact.FIRST_ORDER_ONLY}):
        assert "LBFGS" not in one.cure


def test_who_uses_curvature_already_trains_longer_and_is_told_neither_of_rates_nor_of_curvature():
    has = {Fact.LINEAR_MODEL, Fact.UNEVEN_INPUTS, Fact.COMPARED_LOSSES, Fact.OWN_STEP_LENGTH, Fact.CURVATURE}
    ours = list(applicable(REMEDIES["ill_conditioned"], KNOWN, has))
    assert ours[0].code == "epochs = 3 * epochs"
    said = " ".join(one.cure + one.code for one in ours)
    assert not any(word in said for word in ("LBFGS", "Adam", "find_learning_rate"))


@pytest.mark.parametrize("kind", REMEDIES)
def test_an_optimizer_that_finds_the_length_of_each_step_is_told_of_no_rate_and_no_clipping_that_it_refuses(kind):
    numbers = {name: number for name, number in KNOWN.items() if not name.endswith("rate")}  # it has none
    for remedy in REMEDIES[kind]:
        for one in applicable((remedy,), numbers, {*remedy.needs, Fact.OWN_STEP_LENGTH}):
            is_of_adam = "optimizers.Adam(" in one.code
            refused = ("find_learning_rate", "learning_rate =", "clipnorm")
            assert is_of_adam or not any(word in one.code for word in refused), one


def test_a_learning_rate_that_is_far_too_high_is_named_behind_what_to_do():
    log = log_of()
    log.rate = 50.0
    assert known_to_cures(log)["high_rate"] == ": 50 is far above the usual ones"


def test_the_numbers_of_cures_are_those_of_the_run():
    log = log_of()
    assert known_to_cures(log) == {
        "rate": "0.1",
        "shorter_rate": "0.033",
        "longer_rate": "1",
        "tenth_rate": "0.01",
        "tenfold_rate": "1",
        "momentum": "0.9",
        "high_rate": "",
    }
    log.add_rows(Rows(np.arange(1, 101), np.linspace(0.01, 1, 100), np.ones(100)))
    log.add(3, {
        "step_length": StepLength(1.0, 1.5, -1.0, 20.0, 0.1),  # 20 times the best length
        "gradient_noise": GradientNoise(6400.0, 100.0),
        "time_horizon": (TimeHorizon("rnn", np.ones(30), True),),
    })  # fmt: skip
    known = known_to_cures(log)
    assert (known["shorter_rate"], known["clip_at"], known["larger_batch"]) == ("0.0025", "0.9", "128")
    assert known["memory"] == "3.4"  # log(30)


@pytest.mark.parametrize(
    "has, before, after",
    [
        ((), 0.3, "0.1"),
        ((), 20.0, "1"),
        ((Fact.STEPS_OF_THE_RATE,), 0.3, "0.01"),
        ((Fact.STEPS_OF_THE_RATE,), 0.003, "0.001"),
    ],
)
def test_a_shorter_rate_is_a_usual_one(has, before, after):
    log = log_of()
    log.has, log.rate = frozenset(has), before
    assert known_to_cures(log)["shorter_rate"] == after


@pytest.mark.parametrize("idle", [{"dead": 0.9}, {"saturated": 0.9}])
def test_a_rate_that_has_left_units_idle_is_divided_by_more_since_their_steps_tell_little(idle):
    log = log_of()
    log.add(3, {"layer_flow": flow(**idle)})
    assert known_to_cures(log)["shorter_rate"] == "0.01"


@pytest.mark.parametrize(
    "step, has, rate", [(1e-4, (), "1"), (1e-4, (Fact.STEPS_OF_THE_RATE,), "0.01"), (0.01, (), "1")]
)
def test_a_longer_rate_is_a_tenth_of_the_best_but_no_more_than_is_usual(step, has, rate):
    log = log_of()
    log.has = frozenset(has)
    log.rate = 0.1 if step == 0.01 else 0.001
    log.add(3, {"step_length": StepLength(1.0, 0.99, -1.0, step, 0.1)})
    assert known_to_cures(log)["longer_rate"] == rate


@pytest.mark.parametrize("rate", [0.006, float(np.float32(0.01))])
def test_a_rate_that_is_nearly_as_large_as_is_usual_is_not_raised(rate):
    log = log_of()
    log.has, log.rate = frozenset({Fact.STEPS_OF_THE_RATE}), rate
    log.add(3, {"step_length": StepLength(1.0, 0.99, -1.0, 1e-4, 0.1)})
    assert "longer_rate" not in known_to_cures(log)


@pytest.mark.parametrize("largest, rate", [(0.0, "0.1"), (-1.0, "0.1"), (20.0, "0.05")])
def test_a_loss_without_curvature_sets_no_limit_to_the_rate(largest, rate):
    log = log_of()
    log.rate = 0.01
    log.add_rows(Rows(np.array([3]), np.array([1.0]), np.array([1.0])))
    log.add(3, {"step_length": StepLength(1.0, 0.99, -1.0, 0.0, 0.01)})
    log.add(3, {"spectrum": SpectrumEnds(**ENDS | {"largest": largest})})
    assert known_to_cures(log)["longer_rate"] == rate


def test_extreme_readings_make_no_number_that_code_could_not_have():
    for extreme in (0.0, 1e-300, 1e300, np.inf, np.nan, -1.0):
        log = log_of(signal=extreme, spread=extreme, dead=extreme, total=extreme)
        log.rate = extreme
        log.add_rows(Rows(np.arange(1, 31), np.full(30, abs(extreme)), np.full(30, extreme)))
        log.add(3, {
            "step_length": StepLength(*[extreme] * 5),
            "gradient_norm": GradientNorm(*[extreme] * 3),
            "gradient_noise": GradientNoise(extreme, extreme),
        })  # fmt: skip
        facts(log)
        known = known_to_cures(log)
        known.pop("high_rate")  # a sentence
        for name, number in known.items():
            assert 0 < float(number) < np.inf, (extreme, name)


# --- the code ---------------------------------------------------------------------------------------------------------

CODES = list(dict.fromkeys((r.code, r.needs, r.unless) for rs in REMEDIES.values() for r in rs if r.code))


def model_for(needs):
    """Return a model that a remedy is for, with its data."""
    if Fact.PADDING in needs:
        return plain(LAYERS.Embedding(9, 4), LAYERS.LSTM(4), shape=(10,)), sequences(np.arange(64) % 8 + 1)
    if Fact.RECURRENCE in needs or Fact.LSTM in needs or Fact.SIMPLE_RECURRENCE in needs:
        layer = LAYERS.LSTM(4) if Fact.LSTM in needs else LAYERS.SimpleRNN(4)
        return plain(layer, shape=(5, 2)), RNG.normal(size=(64, 5, 2)).astype("float32")
    rate = (
        keras.optimizers.schedules.CosineDecay(0.1, 10)
        if {Fact.LEARNING_RATE_SCHEDULE, Fact.SCHEDULE_TO_SCALE} & {*needs}
        else 0.01
    )
    hidden = [LAYERS.Dense(4, "sigmoid" if Fact.SIGMOID_UNITS in needs else "relu") for _ in range(2)]
    return plain(*hidden, optimizer=keras.optimizers.SGD(rate)), (7 * RNG.normal(size=(64, 6)) + 3).astype("float32")


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("code, needs, unless", CODES, ids=range(len(CODES)))
def test_the_code_of_each_remedy_runs_in_a_script_as_it_is_printed_and_does_what_it_says(code, needs, unless):
    model, x = model_for(needs)
    names = {"model": model, "x": x, "y": x.reshape(64, -1)[:, :1], "batch_size": 32, "epochs": 1, "callbacks": []}
    lines = code.format(**KNOWN)
    assert max(map(len, as_printed(lines).splitlines())) <= 80
    names = pasted(lines, **names)
    after = names["model"]
    given = {name: names[name] for name in ("batch_size", "epochs", "callbacks")}
    if code == WITH_CURVATURE:
        assert Fact.CURVATURE in facts_of_model(after)
        assert (names["batch_size"], names["epochs"]) == (64, 100)
    given["epochs"] = min(given["epochs"], 3)  # that they are numbers is enough
    after.fit(names["x"], names["y"], validation_split=0.5, verbose=0, **given)
    for fact in {Fact.INPUT_NORMALIZATION, Fact.NORMALIZATION, Fact.CLIPPING, Fact.ADAPTIVE_RATES} & set(unless):
        assert fact in facts_of_model(after) or (fact == Fact.NORMALIZATION and needs == ()), (fact, code)
    if Fact.PADDING in needs:
        assert not padding_in(after, x)
        np.testing.assert_allclose(after.predict(x[:8, :8], verbose=0), after.predict(x[:8], verbose=0), rtol=1e-5)


WRAPPING = {"inputs": NORMALIZE_INPUTS, "layers": NORMALIZE_LAYERS, "pixels": RESCALE, "targets": RESCALE_TARGETS}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("one, other", list(itertools.permutations(WRAPPING, 2)))
def test_the_code_of_one_cure_suits_the_model_that_another_has_made(one, other):
    model, x = model_for(())
    names = {"model": model, "x": x, "y": x[:, :1], "keras": keras, "keras_ch8": keras_ch8}
    for each in (one, other):
        exec(compile(WRAPPING[each], "cure", "exec"), names)
    after = names["model"]
    assert {Fact.SEQUENTIAL, *([Fact.NORMALIZATION] if "layers" in (one, other) else [])} <= facts_of_model(after)
    assert after.predict(x, verbose=0).shape == (len(x), 1)


@pytest.mark.slow
@pytest.mark.parametrize("code", [NORMALIZE_INPUTS, RESCALE])
def test_a_model_that_is_no_chain_of_layers_is_a_layer_of_the_one_with_scaled_inputs(code):
    inputs = keras.Input((6,))
    hidden = LAYERS.Dense(4, "relu")(inputs)
    model = keras.Model(inputs, [LAYERS.Dense(1)(hidden), LAYERS.Dense(2)(hidden)])
    model.compile("sgd", ["mse", "mae"])
    x = RNG.normal(size=(64, 6)).astype("float32")
    names = {"model": model, "x": x, "keras": keras, "keras_ch8": keras_ch8}
    exec(compile(code, "cure", "exec"), names)
    names["model"].fit(x, [x[:, :1], x[:, :2]], verbose=0)
    assert [each.shape for each in names["model"].predict(x, verbose=0)] == [(64, 1), (64, 2)]


def test_a_larger_model_keeps_the_layers_that_were_adapted_to_the_data():
    x = (7 * RNG.normal(size=(64, 6)) + 3).astype("float32")
    scale = LAYERS.Normalization()
    scale.adapt(x)
    names = {"model": plain(scale, LAYERS.Dense(3)), "x": x, "keras": keras, "keras_ch8": keras_ch8}
    exec(compile(LARGER, "cure", "exec"), names)
    assert names["model"].layers[0] is scale
    assert names["model"].layers[1].units == 12


@pytest.mark.parametrize("make", [keras.optimizers.AdamW, keras_ch8.optimizers.AdamW])
def test_a_decay_that_takes_a_hundredth_of_each_weight_in_a_step_is_strong(make):
    def is_strong(rate, decay):
        return Fact.STRONG_DECAY in facts_of_model(plain(optimizer=make(rate, weight_decay=decay)))

    assert is_strong(0.001, 10.1)
    assert not is_strong(0.001, 9.9)
    assert not is_strong(0.0001, 10.1)
    assert Fact.STRONG_DECAY not in facts_of_model(plain(optimizer=keras.optimizers.Adam()))


def test_dropout_that_drops_what_it_was_to_keep_is_strong_in_models_inside_of_models_too():
    def body(rate):
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(rate)])

    def model(rate):
        return keras.Sequential([keras.Input((3,)), body(rate), keras.layers.Dense(1)])

    assert Fact.STRONG_DROPOUT not in facts_of_model(model(0.75))
    sick = model(0.9)
    assert Fact.STRONG_DROPOUT in facts_of_model(sick)
    exec(DROP_LESS, {"model": sick, "keras": keras})
    assert sick.layers[0].layers[1].rate == pytest.approx(0.1)


def test_the_norm_from_which_on_some_of_the_gradient_is_clipped_for_certain():
    model = plain(optimizer=keras.optimizers.SGD(clipnorm=0.5))
    variables = model.trainable_variables
    assert limit_of_norm(model) == pytest.approx(0.5 * len(variables) ** 0.5)
    model.optimizer.clipnorm, model.optimizer.clipvalue = None, 0.5
    assert limit_of_norm(model) == pytest.approx(0.5 * sum(v.numpy().size for v in variables) ** 0.5)
    model.optimizer.clipvalue, model.optimizer.global_clipnorm = None, 0.5
    assert limit_of_norm(model) == 0.5
    model.optimizer.global_clipnorm = None
    assert np.isnan(limit_of_norm(model))


@pytest.mark.parametrize("rate, done, expected", [(0.06, 900, True), (0.04, 900, False), (0.06, 800, False)])
def test_a_schedule_is_cut_where_training_ends_above_half_of_its_peak(rate, done, expected):
    log = MeasurementLog(total=1000, has=frozenset({Fact.SCHEDULE_TO_SCALE}))
    log.see(0.1)
    log.see(rate)
    log.step = done
    assert (Fact.CUT_SCHEDULE in facts(log)) == expected


@pytest.mark.parametrize("over, expected", [(18, True), (17, False)])
def test_steps_are_clipped_where_nine_of_ten_are(over, expected):
    log = MeasurementLog()
    log.add_rows(Rows(np.arange(20), np.where(np.arange(20) < over, 2.1, 1.9), np.ones(20)))
    assert Fact.CLIPPED not in facts(log)
    log.clip = 2.0
    log._known.clear()
    assert (Fact.CLIPPED in facts(log)) == expected


def test_so_many_batches_are_added_up_that_there_are_a_hundred_updates():
    log = MeasurementLog(total=600)
    log.step, log.of_update = 600, 64
    assert log.updates == 9
    assert known_to_cures(log)["added_up"] == "5"
    for steps, of_update, expected in ((60, 64, "2"), (60, 2, None), (600, 1, None)):
        log._known.clear()
        log.step, log.of_update = steps, of_update
        assert known_to_cures(log).get("added_up") == expected


def test_layers_are_frozen_as_initialized_where_their_biases_are_all_0():
    base = keras.Sequential([keras.Input((6,)), LAYERS.Dense(9, "relu")])
    model = plain(base)
    assert frozen_in(model) == 0.0
    base.trainable = False
    assert frozen_in(model) == pytest.approx(63 / 73)
    base.layers[0].bias.assign(np.full(9, 0.1))  # as after a training
    assert frozen_in(model) == 0.0
    bare = plain(LAYERS.Dense(9, use_bias=False))
    bare.layers[0].trainable = False
    assert frozen_in(bare) == 0.0  # nothing tells


@pytest.mark.parametrize(
    "callback, expected",
    [
        (keras.callbacks.ReduceLROnPlateau("val_accuracy", mode="min"), ("ReduceLROnPlateau", "val_accuracy", "min")),
        (keras.callbacks.EarlyStopping("loss", mode="max"), ("EarlyStopping", "loss", "max")),
        (keras.callbacks.EarlyStopping("val_digit_loss", mode="max"), ("EarlyStopping", "val_digit_loss", "max")),
        (keras.callbacks.EarlyStopping("val_auc", mode="max"), None),
        (keras.callbacks.EarlyStopping("val_accuracy"), None),
        (keras.callbacks.EarlyStopping("val_perplexity", mode="max"), None),  # what is better is not known
        (keras.callbacks.TerminateOnNaN(), None),
    ],
)
def test_a_callback_whose_mode_is_against_its_metric_is_seen(callback, expected):
    assert waiting([callback])["against"] == ((expected,) if expected else ())


def test_the_least_gain_of_a_callback_is_known_where_it_waits_for_a_loss():
    callbacks = [
        keras.callbacks.ReduceLROnPlateau("val_loss", min_delta=1.5),
        keras.callbacks.EarlyStopping("loss", min_delta=0.2, mode="min"),
        keras.callbacks.EarlyStopping("val_accuracy", min_delta=2.0),
    ]
    assert waiting(callbacks)["least_gains"] == (
        ("ReduceLROnPlateau", "val_loss", 1.5),
        ("EarlyStopping", "loss", 0.2),
    )
