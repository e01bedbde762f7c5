"""Code of a cure is given where it is a right edit for this form of training; elsewhere the text says it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8.integration.fit import Training
from keras_ch8.monitors._gradient_noise import GradientNoise
from keras_ch8.monitors.measurement_log import MeasurementLog, Rows
from keras_ch8.monitors.model_facts import facts_of_model, form_of, rate_of
from keras_ch8.monitors.numbers_of_cures import known_to_cures
from keras_ch8.verdicts import code
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.remedies import FURTHER, REMEDIES, applicable
from tests.verdicts.test_remedies import NUMBERS

LAYERS = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype("float32")
Y = X[:, :1]
OF_ALL = (*REMEDIES.values(), FURTHER)
CODES = sorted({remedy.filled(NUMBERS).code for remedies in OF_ALL for remedy in remedies} - {""})


def net(optimizer="sgd", **kwargs):
    model = keras.Sequential([keras.Input((3,)), LAYERS.Dense(4, "relu", **kwargs), LAYERS.Dense(1)])
    model.compile(optimizer, "mse", run_eagerly=True)  # of a few steps, tracing is most of the time
    return model


def cures(kind, *has, known=NUMBERS):
    return list(applicable(REMEDIES[kind], known, frozenset(has)))


def pasted(lines, model, **names):
    names |= {"model": model, "keras": keras, "keras_ch8": keras_ch8}
    exec(lines, names)
    return names


# --- the one rule -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", CODES)
def test_a_loop_of_ones_own_gets_no_code_and_a_data_set_none_that_needs_arrays(lines):
    assert code.fitting(lines, {Fact.LOOP_OF_ONES_OWN}) == ""
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    optimizer = keras.optimizers.SGD(schedule if "ScaledSchedule" in lines else 0.1)
    # There is no x, y or batch_size.
    pasted(code.fitting(lines, {Fact.NO_ARRAYS}), net(optimizer), epochs=1, callbacks=[])


RATE = "model.optimizer.learning_rate = 0.01"


@pytest.mark.parametrize(
    "lines, has, expected",
    [
        (code.SHUFFLE, {Fact.NO_ARRAYS}, ""),
        (code.SHUFFLE, {Fact.SEVERAL_INPUTS}, ""),
        (code.SHUFFLE, {Fact.NO_ARRAYS, Fact.DATA_SET}, ""),
        (RATE, {Fact.NO_ARRAYS, Fact.DATA_SET}, RATE),
        (code.NORMALIZE_INPUTS, {Fact.NO_ARRAYS, Fact.DATA_SET, Fact.SEVERAL_INPUTS}, ""),
        (code.NORMALIZE_INPUTS, {Fact.SEVERAL_OUTPUTS}, ""),
        ("y = y / 2", {Fact.SEVERAL_OUTPUTS}, ""),
        (code.FIND_RATE, {Fact.SEVERAL_OUTPUTS}, code.FIND_RATE),
        (code.BIASES_OF_0, {Fact.SUBCLASSED}, ""),
        (code.BIASES_OF_0, {Fact.BUILT_BY_THE_FIRST_BATCH, Fact.NO_ARRAYS}, ""),
        (code.NORMALIZE_INPUTS, {Fact.SUBCLASSED}, ""),
        (RATE, {Fact.SUBCLASSED}, RATE),
        (RATE, {Fact.OWN_TRAINING_STEP}, RATE),
        (code.FIND_RATE, {Fact.OWN_TRAINING_STEP}, ""),
        (code.NORMALIZE_INPUTS, {Fact.OWN_TRAINING_STEP}, ""),
        (code.CLIP, {Fact.OWN_TRAINING_STEP}, ""),
        ("y = y / 2", set(), "y = y / 2"),
        ("y = y / 2", {Fact.VALIDATED_APART}, "y = y / 2\n# apply the same to x and y of the validation data"),
        (code.SHUFFLE, {Fact.VALIDATED_APART}, code.SHUFFLE),  # each example keeps its target
    ],
)
def test_code_is_given_where_it_is_a_right_edit(lines, has, expected):
    assert code.fitting(lines, has) == expected


@pytest.mark.parametrize(
    "kind, has, cure, lines",
    [
        (
            "noise_dominated",
            Fact.NO_ARRAYS,
            "Raise the batch size to 128, and train for the same number of steps (more epochs).",
            "",
        ),
        ("step_too_long", Fact.NO_ARRAYS, "Lower the learning rate from 0.1 to 0.01.", RATE),
        ("too_short", Fact.NO_ARRAYS, "Train for 30 epochs.", "epochs = 30"),
        ("too_short", Fact.LOOP_OF_ONES_OWN, "Train for three times as many steps.", ""),
        (
            "too_long",
            Fact.LOOP_OF_ONES_OWN,
            "Keep the weights from the step with the lowest validation loss, and end training there.",
            "",
        ),
        ("step_too_long", Fact.OWN_TRAINING_STEP, "Lower the learning rate from 0.1 to 0.01.", RATE),
    ],
)
def test_the_first_cure_is_said_where_it_has_no_code_and_a_loop_is_told_of_steps(kind, has, cure, lines):
    assert (cures(kind, has)[0].cure, cures(kind, has)[0].code) == (cure, lines)


@pytest.mark.slow
def test_code_for_arrays_is_given_for_a_data_set_where_it_only_reads_them():
    pairs = tf.data.Dataset.from_tensor_slices((3 + 9 * X, Y)).batch(16)
    has = form_of(Training(net(), {"x": pairs}, []))
    assert has >= {Fact.NO_ARRAYS, Fact.DATA_SET}
    assert Fact.DATA_SET not in form_of(Training(net(), {"x": pairs.map(lambda x, y: x)}, []))
    normalized = pasted(code.fitting(code.NORMALIZE_INPUTS, has), net(), x=pairs)["model"]
    assert np.allclose(normalized.layers[0](3 + 9 * X), (X - X.mean(axis=0)) / X.std(axis=0), atol=1e-4)
    normalized.fit(pairs, verbose=0, shuffle=False)
    scaled = pasted(code.fitting(code.SCALE_TO_DATA, has), net(), x=pairs)["model"]
    assert not np.allclose(scaled.get_weights()[0], net().get_weights()[0])
    assert code.fitting(code.FIND_RATE, has).startswith("found = keras_ch8.find_learning_rate(model, x)\n")


def test_code_for_weights_builds_the_model_that_its_first_batch_would_build():
    model = keras.Sequential([LAYERS.Dense(4, bias_initializer="ones"), LAYERS.Dense(1)])
    model.compile("sgd", "mse")
    pasted(code.fitting(code.BIASES_OF_0, {Fact.BUILT_BY_THE_FIRST_BATCH}), model, x=X)
    assert model.layers[0].bias.numpy().tolist() == [0.0] * 4


# --- the rate ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REMEDIES)
def test_an_optimizer_that_finds_its_own_step_length_is_told_nothing_of_a_rate(kind):
    numbers = {name: value for name, value in NUMBERS.items() if not name.endswith("rate")}
    for remedy in REMEDIES[kind]:
        for one in applicable((remedy,), numbers, {*remedy.needs, Fact.OWN_STEP_LENGTH} - {Fact.STEPS_OF_THE_RATE}):
            assert "Adam" in one.cure or "learning rate" not in one.cure, one
            assert "LearningRateDecay" not in one.cure


def test_lbfgs_has_no_rate():
    assert np.isnan(rate_of(net(keras_ch8.optimizers.LBFGS())))


SCHEDULES = {
    "of Keras": lambda: keras.optimizers.schedules.CosineDecay(0.0, 50, warmup_target=0.1, warmup_steps=10),
    "of the suite": lambda: keras_ch8.schedules.SequentialSchedule(
        [keras_ch8.schedules.Warmup(0.1, "20%"), keras_ch8.schedules.CosineDecay(0.1, "80%")], ["20%"]
    ),
}


class Rates(keras.callbacks.Callback):
    """Notes the rate of each step."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=list(SCHEDULES))
def test_a_shorter_rate_by_a_schedule_is_the_schedule_as_a_whole(schedule):
    """The rate at the end of the schedule had become the rate of all steps."""
    seen = []
    for cured in (False, True):
        model, rates = net(keras.optimizers.SGD(schedule())), Rates()
        has = facts_of_model(model)
        assert Fact.SCHEDULE_TO_SCALE in has
        if cured:
            remedy = cures("step_too_long", *has)[0]
            assert "the peak of the learning rate schedule" in remedy.cure
            pasted(remedy.code, model)
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[rates])
        seen.append(rates.seen)
    np.testing.assert_allclose(seen[1], 0.1 * np.array(seen[0]), rtol=1e-5, atol=1e-9)
    assert max(seen[1]) > 0.009


@pytest.mark.parametrize("kind", ["step_too_long", "step_too_short", "oscillation", "nonfinite"])
def test_what_something_else_sets_is_told_of_as_text(kind):
    callbacks = [keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate)]
    has = facts_of_model(net(), callbacks)
    assert Fact.RATE_SET_ELSEWHERE in has
    (first, *_) = cures(kind, *has)
    assert first.code == ""
    assert first.cure.startswith("In the code that sets the learning rate, ")


def test_a_schedule_that_cannot_be_copied_is_told_of_as_text():
    class Own(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1

    assert Fact.RATE_SET_ELSEWHERE in facts_of_model(net(keras.optimizers.SGD(Own())))
    assert Fact.RATE_SET_ELSEWHERE in facts_of_model(net(keras.optimizers.SGD(lambda: 0.1)))
    assert Fact.SCHEDULE_TO_SCALE in facts_of_model(net(keras.optimizers.SGD(SCHEDULES["of Keras"]())))


def test_a_rate_that_faded_on_plateaus_is_kept_up_without_them():
    """A schedule had been put beside `ReduceLROnPlateau`, which cannot set the rate then."""
    plateaus = keras.callbacks.ReduceLROnPlateau("loss")
    model = net(keras.optimizers.SGD(0.1))
    remedy = cures("step_too_short", Fact.FADED_RATE, *facts_of_model(model, [plateaus]))[0]
    assert "ReduceLROnPlateau" in remedy.cure
    names = pasted(remedy.code, model, callbacks=[plateaus, "another"])
    assert names["callbacks"] == ["another"]


@pytest.mark.parametrize("kind", REMEDIES)
def test_no_code_puts_a_schedule_beside_a_callback_that_sets_the_rate(kind):
    for fact in (Fact.LOWERED_ON_PLATEAUS, Fact.RATE_SET_ELSEWHERE):
        for remedy in REMEDIES[kind]:
            for one in applicable((remedy,), NUMBERS, {*remedy.needs, fact, Fact.LEARNING_RATE_SCHEDULE}):
                assert "keras_ch8.schedules" not in one.code, one


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_the_rates_of_cures_are_those_of_the_peak():
    log = MeasurementLog()
    for rate in (1e-4, 3e-3, 7e-5):
        log.see(rate)
    log.has = frozenset({Fact.STEPS_OF_THE_RATE})
    assert (log.rate, log.first_rate, log.peak) == (7e-5, 1e-4, 3e-3)
    assert known_to_cures(log)["rate"] == "0.003"
    assert known_to_cures(log)["shorter_rate"] == "0.001"  # a third
    assert "longer_rate" not in known_to_cures(log)  # ten times the rate of now is below the peak


def rows(norms, losses):
    return Rows(np.arange(1, len(norms) + 1), np.array(norms), np.array(losses))


@pytest.mark.parametrize(
    "norms, losses, expected",
    [
        ([1.0] * 200, [1.0] * 200, "1"),
        ([1.0] * 200, [np.nan] * 200, "1"),  # where the losses are unknown
        ([1.0] * 200 + [1e-6] * 9000, [1.0] * 9200, None),  # tiny at the end: it would clip all steps of a new training
        ([10.0**i for i in range(40)], [10.0**i for i in range(40)], None),  # it blows up from the start
        ([1.0] * 30 + [1e15] * 300, [1.0] * 30 + [1e30] * 300, "1"),  # and later
        ([1.0] * 10, [1.0] * 10, None),  # too few to say
    ],
)
def test_the_limit_of_a_gradient_is_of_steps_that_were_well(norms, losses, expected):
    log = MeasurementLog()
    for at in range(0, len(norms), 500):
        log.add_rows(rows(norms[at : at + 500], losses[at : at + 500]))
    assert known_to_cures(log).get("clip_at") == expected


@pytest.mark.parametrize("examples, expected", [(0, "512"), (160, "128"), (60_000, "512"), (50, None)])
def test_a_batch_is_no_larger_than_the_data(examples, expected):
    log = MeasurementLog()
    log.batch_size, log.examples = 32.0, examples
    log.add(1, {"gradient_noise": GradientNoise(6400.0, 1.0)})
    assert known_to_cures(log).get("larger_batch") == expected


def test_a_larger_batch_makes_as_many_steps():
    names = pasted(code.LARGER_BATCH.format(larger_batch="128"), None, batch_size=32, epochs=5)
    assert (names["batch_size"], names["epochs"]) == (128, 20)


# --- forms of trainings are seen --------------------------------------------------------------------------------------


def seen_by_diagnosis(model, *data, callbacks=(), **kwargs):
    diagnosis = keras_ch8.callbacks.Diagnosis((X, Y), "cheap", measure_every=1, verbose=False)
    model.fit(*data, verbose=0, callbacks=[*callbacks, diagnosis], **kwargs)
    return diagnosis.log


@pytest.mark.slow
def test_of_arrays_and_a_model_that_is_built_nothing_is_seen_but_how_many_they_are():
    log = seen_by_diagnosis(net(), X, Y, batch_size=16)
    forms = {
        Fact.NO_ARRAYS,
        Fact.SUBCLASSED,
        Fact.OWN_TRAINING_STEP,
        Fact.VALIDATED_APART,
        Fact.BUILT_BY_THE_FIRST_BATCH,
    }
    assert not log.has & forms
    assert log.examples == 64
    assert log.peak == pytest.approx(log.rate) == pytest.approx(0.01)


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = LAYERS.Dense(1)

    def call(self, inputs):
        return self.inner(inputs)


class OwnStep(Own):
    def train_step(self, data):
        return super().train_step(data)


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize(
    "make, expected",
    [(Own, {Fact.SUBCLASSED, Fact.BUILT_BY_THE_FIRST_BATCH}),
     (OwnStep, {Fact.SUBCLASSED, Fact.OWN_TRAINING_STEP, Fact.BUILT_BY_THE_FIRST_BATCH})],
)  # fmt: skip
def test_a_subclass_is_seen(make, expected):
    model = make()
    model.compile("sgd", "mse", run_eagerly=True)
    log = seen_by_diagnosis(model, X, Y, validation_data=(X, Y))
    assert log.has >= {*expected, Fact.VALIDATED_APART}
    assert Fact.OWN_TRAINING_STEP in expected or Fact.OWN_TRAINING_STEP not in log.has


def test_a_functional_model_is_no_subclass():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, LAYERS.Dense(1)(inputs))
    model.compile("sgd", "mse")
    assert Fact.SUBCLASSED not in facts_of_model(model)


@pytest.mark.slow
def test_a_data_set_is_seen_before_the_first_step_too():
    data = tf.data.Dataset.from_tensor_slices((100 * X + 900, Y)).batch(16)
    diagnosis = keras_ch8.callbacks.Diagnosis(checks="cheap", verbose=False)
    net().fit(data, verbose=0, shuffle=False, callbacks=[diagnosis])
    assert Fact.NO_ARRAYS in diagnosis.log.has
    said = next(v for v in diagnosis.verdicts if v.kind == "bad_inputs")
    assert (said.level, "scale.adapt(x.map(lambda x, *_: x))" in said.code) == ("act", True)
    assert "Normalization" in said.cure


def test_the_loop_of_watch_is_seen():
    assert form_of(Training(net(), {}, [], is_fit=False)) == {Fact.LOOP_OF_ONES_OWN}
    assert form_of(Training(net(), {"x": X, "y": Y}, [])) == set()
