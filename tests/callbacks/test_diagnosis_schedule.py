"""When a measurement is due: steps and counted work say so, and no clock."""

import threading
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks
from keras_ch8.callbacks.diagnosis import measurement_schedule, meters
from keras_ch8.callbacks.diagnosis.measurement_schedule import (
    FEWEST,
    FIRST,
    GAP,
    LIGHT,
    MOST,
    MeasurementSchedule,
    steps_to_measure,
)
from keras_ch8.callbacks.diagnosis.meters import Stopwatch
from keras_ch8.callbacks.session import batch_counter
from keras_ch8.extend import Callback, Monitor
from tests.callbacks.runs import X, Y, fit, network
from tests.marks import mostly

BUDGET = 0.03


def measured_steps(steps=1000, *, price=512.0, batch_size=32, known=True, at_once=1, like=None, **options):
    """Return the steps that are measured, and the pace."""
    schedule = MeasurementSchedule(
        **{"budget": BUDGET, "steps": steps if known else 0, "price": price, "at_once": at_once} | options
    )
    found = []
    for step in range(1, steps + 1, at_once):
        if schedule.is_due(step):
            last = min(step + at_once - 1, steps)
            schedule.measured(last, 0.0)
            found.append(last)
        if step == 1:
            schedule.begin(batch_size, like)
    return found, schedule


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("added_up, at_once", [(0, 1), (5, 1), (0, 4), (5, 4)])
def test_where_updates_add_up_batches_only_updates_are_measured(known, added_up, at_once):
    found, _ = measured_steps(400, known=known, of_update=16, added_up=added_up, at_once=at_once, free_quota=np.inf)
    updates = [step for step in range(1, 401) if not (step + added_up) % 16]
    assert found[0] - at_once < updates[0] <= found[0]
    assert all(any(last - at_once < step <= last for step in updates) for last in found)
    assert len(found) >= FEWEST
    every, _ = measured_steps(400, measure_every=1, budget=None, of_update=16, added_up=added_up, at_once=at_once)
    assert len(every) == len(updates)


# --- the places of a training --------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 5, 6, 7, 10, 59, 60, 61, 100, 1000, 20_000, 10**6])
@pytest.mark.parametrize("count", [0, 6, 12, 50, np.inf])
def test_any_training_has_six_places_and_its_first_and_last_step_is_one(steps, count):
    found = steps_to_measure(steps, count)
    assert found == sorted(set(found))
    assert found[0] == 1
    assert found[-1] == steps
    assert len(found) >= min(steps, FEWEST)
    assert len(found) <= MOST + 8
    assert steps < 8 or set(FIRST) <= set(found)


@pytest.mark.parametrize("steps", [1000, 20_000])
def test_places_are_spread_evenly_and_no_denser_than_asked_for(steps):
    for count in (12, 50):
        found = steps_to_measure(steps, count)
        assert count <= len(found) <= count + 8
        assert np.diff(found).max() <= (steps - 4) / (count - 2) + 1


@pytest.mark.parametrize("steps", [200, 1000, 10**5, 10**7])
def test_a_training_that_is_stopped_early_has_been_measured_too(steps):
    assert sum(place <= 378 for place in steps_to_measure(steps, FEWEST)) >= 6


@pytest.mark.slow
def test_more_measurements_are_made_where_the_work_of_the_training_pays_for_them():
    few, some, all_of_them = (len(measured_steps(20_000, price=price)[0]) for price in (10_000, 400, 1))
    assert few <= FEWEST + 8
    assert some == pytest.approx(BUDGET * 20_000 * 32 / 400, abs=8)
    assert MOST <= all_of_them <= MOST + 8
    assert len(measured_steps(20_000, price=10_000, free_quota=LIGHT)[0]) >= LIGHT
    assert len(measured_steps(20_000, price=1e9, budget=None)[0]) >= MOST


@pytest.mark.slow
def test_the_work_stays_within_the_budget_where_that_pays_for_more_than_those_that_any_training_has():
    for steps in (10_000, 10**5):
        found, schedule = measured_steps(steps, price=900)
        assert schedule.so_far.count == len(found)
        assert 900 * len(found) <= BUDGET * steps * 32 + 8 * 900


def test_short_trainings_are_measured_at_each_step():
    assert measured_steps(5)[0] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("price", [1.0, 1e4, 1e9])
def test_a_training_of_unknown_length_is_measured_six_times_soon_and_to_its_end(price):
    found, _ = measured_steps(20_000, price=price, known=False)
    assert sum(step <= 54 for step in found) >= FEWEST
    assert found[:2] == list(FIRST)
    assert found[-1] > 20_000 / measurement_schedule.SLOW_GROWTH - 1
    assert (np.diff(found[1:]) >= GAP).all()
    if price == 1.0:
        assert found[-1] - found[-2] <= 20_000 / MOST + 1


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("at_once", [2, 7, 100])
def test_with_several_steps_at_once_the_execution_that_holds_the_place_is_measured(known, at_once):
    one, _ = measured_steps(700)
    several, _ = measured_steps(700, known=known, at_once=at_once)
    assert all(step % at_once == 0 or step == 700 for step in several)
    if known:
        assert several == sorted({min(-(-step // at_once) * at_once, 700) for step in one})
    assert len(several) >= (FEWEST if known or at_once < 100 else 4)


# --- what the user asks for ----------------------------------------------------------------------------------------


def test_an_interval_is_kept_where_it_is_paid_for():
    assert measured_steps(23, measure_every=5, budget=None)[0] == [5, 10, 15, 20]
    assert measured_steps(30, measure_every=5, free_quota=6)[0] == [5, 10, 15, 20, 25, 30]  # whatever they cost
    assert measured_steps(60, measure_every=5, free_quota=6)[0] == [5, 10, 20, 30, 40, 50]
    found, schedule = measured_steps(20_000, measure_every=5, price=320)
    assert 320 * schedule.so_far.count <= BUDGET * 20_000 * 32
    assert len(found) == pytest.approx(BUDGET * 20_000 * 32 / 320, abs=6)


def test_a_function_of_the_step_says_when():
    assert measured_steps(100, measure_every=lambda step: step in (3, 50, 99), budget=None)[0] == [3, 50, 99]
    dear, _ = measured_steps(100, measure_every=lambda step: step % 2 == 0, price=1e9, free_quota=6)
    assert dear == [2, 18, 34, 50, 68, 84]


WHEN = [{}, {"known": False}, {"measure_every": 7}, {"measure_every": lambda step: step % 7 == 0}]


@pytest.mark.parametrize("options", WHEN, ids=["by itself", "length unknown", "interval", "function"])
@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("price", [1.0, 512.0])
def test_resting_between_measurements_makes_none_late(options, at_once, price):
    options = {"known": True, "measure_every": None} | options
    expected, _ = measured_steps(1000, price=price, at_once=at_once, **options)
    schedule = MeasurementSchedule(
        BUDGET, options["measure_every"], 1000 if options["known"] else 0, price, at_once=at_once
    )
    found, idle, asked = [], 0.0, 0
    for step in range(1, 1001, at_once):
        if step >= idle:
            asked += 1
            if schedule.is_due(step):
                schedule.measured(min(step + at_once - 1, 1000), 0.0)
                found.append(min(step + at_once - 1, 1000))
            elif step > 1:
                idle = schedule.idle_until(step)
        if step == 1:
            schedule.begin(32)
    assert found == expected
    assert asked == 1000 // at_once if callable(schedule.measure_every) else asked <= 1000 // at_once


# --- the spectrum --------------------------------------------------------------------------------------------------


def test_the_spectrum_is_measured_at_places_of_the_probe_that_its_own_price_allows():
    _, probe = measured_steps(20_000, price=400)
    allowed, _ = measured_steps(20_000, price=9000, free_quota=2, like=probe)
    assert set(allowed) <= set(probe.so_far.steps_to_measure)
    assert len(allowed) == pytest.approx(BUDGET * 20_000 * 32 / 9000, abs=1)
    assert measured_steps(20_000, price=1e9, free_quota=0, like=probe)[0] == []


def test_what_is_affordable_goes_by_the_work_of_the_whole_training():
    for budget, free_quota, price, expected in [
        (BUDGET, 0, 480, True), (BUDGET, 0, 481, False), (BUDGET, 2, 481, True), (BUDGET, 1, 481, False),
        (None, 0, 1e9, True),
    ]:  # fmt: skip
        schedule = MeasurementSchedule(budget, None, 1000, price, free_quota)
        schedule.begin(32)
        assert schedule.is_affordable(2) is expected, (budget, free_quota, price)


def test_where_the_training_does_not_tell_its_batch_size_that_of_keras_is_taken():
    assert measured_steps(20_000, batch_size=None)[0] == measured_steps(20_000, batch_size=32)[0]


@pytest.mark.parametrize(
    "layers, shape, expected",
    [
        ([keras.layers.Dense(5), keras.layers.Dense(2)], (3,), 15 + 10),
        ([keras.layers.Conv2D(4, 3, padding="same"), keras.layers.Flatten(), keras.layers.Dense(2)], (8, 8, 1),
         64 * 36 + 256 * 2),
        ([keras.layers.Embedding(100, 6), keras.layers.LSTM(5)], (7,), 7 * (6 + 5) * 20),
        ([keras.layers.Dense(5)], (7, 3), 7 * 15),
    ],
    ids=["dense", "convolution", "recurrent", "dense along time"],
)  # fmt: skip
def test_each_weight_is_multiplied_at_each_place_of_the_output(layers, shape, expected):
    model = keras.Sequential([keras.Input(shape), *layers])
    assert measurement_schedule.multiplications(model.layers) == expected


def test_what_is_light_is_granted_to_any_training():
    allowed = measurement_schedule.LIGHT_WORK
    assert [measurement_schedule.light(work, allowed) for work in (1e6, 6e8, 1e12)] == [LIGHT, 6, 0]
    assert measurement_schedule.light(3e8, 1e9) == 3


@pytest.mark.parametrize(
    ("there", "steps", "batch_size", "multiplications", "budget", "expected"),
    [
        (256, 880, 32, 1e4, 0.03, 256),  # light, whatever the training has
        (256, 40, 16, 1e9, 0.03, 8),  # a few steps of a large model
        (256, 1000, 16, 1e9, 0.03, 40),  # 0.03 * 16000 examples, in 6 measurements of 2 passes
        (256, 1000, 16, 1e9, 0.1, 133),
        (256, 0, 64, 1e9, 0.03, 64),  # of unknown length: those of a step
        (8, 72, 16, 1e9, 0.03, 8),
        (256, 72, 16, 1e9, None, 256),
    ],
)
def test_a_training_is_measured_on_as_many_examples_as_it_can_afford(
    there, steps, batch_size, multiplications, budget, expected
):
    price = 2, multiplications
    assert measurement_schedule.examples_to_measure(there, steps, batch_size, *price, budget) == expected


def test_the_first_look_takes_no_more_examples_of_a_large_model_than_the_first_step():
    look = measurement_schedule.examples_to_look_at
    assert [look(64, 8, work) for work in (1e4, 4e7, 1e9)] == [64, 33, 8]
    assert [look(64, size, 1e9) for size in (None, 128)] == [32, 64]


@pytest.mark.slow
def test_the_spectrum_which_has_a_price_of_its_own_leaves_the_examples_of_the_probe_alone(monkeypatch):
    monkeypatch.setattr(measurement_schedule, "LIGHT_WORK", 0.0)
    found = []
    for checks in ("cheap", "full"):
        watching, model = callbacks.Diagnosis((X[:32], Y[:32]), checks, verbose=False), network("sgd")
        stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_, of=model: setattr(of, "stop_training", True))
        fit(model, [watching, stop], batch_size=16, epochs=80)  # of which the number of examples is told at the start
        found.append(watching._measuring.memory.examples)
    assert found[0] == found[1] > measurement_schedule.FEWEST_EXAMPLES


def test_the_cost_says_on_how_many_examples_was_measured_where_that_is_not_all_of_the_probe(monkeypatch):
    monkeypatch.setattr(measurement_schedule, "LIGHT_WORK", 0.0)
    watching = callbacks.Diagnosis((X[:32], Y[:32]), "cheap")
    fit(network("sgd"), [watching], batch_size=16, epochs=2)
    assert "times on 8 of 32 examples, which took" in watching.findings()[-1]
    assert watching.log.of("gradient_norm")


# --- equal trainings -----------------------------------------------------------------------------------------------


def trained(*others, load=False, steps_per_execution=1, known=True, options=None, epochs=8):
    """Train a network whose steps are too long; return what is said, when, and where it was measured."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(640, 8)).astype("float32")
    y = np.tanh(x[:, :1] * x[:, 1:2]) + 0.1 * rng.normal(size=(640, 1)).astype("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(16, "relu", name="a"), keras.layers.Dense(1, name="b")]
    )
    model.compile(keras.optimizers.SGD(0.6), "mse", jit_compile=False, steps_per_execution=steps_per_execution)
    watching = callbacks.Diagnosis((x[:128], y[:128]), **options or {})
    over = threading.Event()
    busy = threading.Thread(target=_keep_busy, args=(over,))
    if load:
        busy.start()
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    if not known:
        batches = batches.filter(lambda x, y: True)  # whose length nobody knows
    try:
        model.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[watching, *others])
    finally:
        over.set()
    if load:
        busy.join()
    steps = {name: watching.log.steps_of(name).tolist() for name in ("gradient_norm", "spectrum")}
    return watching.verdicts, steps


def _keep_busy(over):
    while not over.is_set():
        np.sort(np.random.default_rng(0).normal(size=20_000))


class Sleeps(keras.callbacks.Callback):
    """Holds the training up, now and then."""

    def on_train_batch_end(self, batch, logs=None):
        if batch % 9 == 4:
            time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize(
    "options",
    mostly(
        pytest.mark.full,
        [
            {},
            {"steps_per_execution": 4},
            {"known": False},
            {"options": {"measure_every": 7}},
            {"options": {"checks": "full"}},
        ],
        {"steps_per_execution": 4},
    ),
    ids=["by itself", "4 steps at once", "length unknown", "interval", "full"],
)
def test_equal_trainings_have_equal_verdicts_and_are_measured_at_equal_steps_under_any_load(options, monkeypatch):
    quiet = trained(**options)
    monkeypatch.setattr(batch_counter, "READ_SECONDS", 0.01)  # the session reads at steps that the clock chooses
    assert trained(Sleeps(), load=True, **options) == quiet
    verdicts, steps = quiet
    assert len(verdicts) >= 8
    assert len(steps["gradient_norm"]) >= FEWEST


# --- what cannot be judged -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_too_few_measurements_to_judge_trends_are_said_and_nothing_is_all_right(capsys):
    for epochs, said in ((3, True), (10, False)):
        watching = callbacks.Diagnosis((X[:16], Y[:16]), "cheap", verbose=True)
        fit(network("sgd"), [watching], batch_size=48, epochs=epochs, verbose=2)
        sentence = f"The probe was measured {epochs} times, too few to judge trends."
        shown = (str(watching), watching._repr_html_(), "\n".join(watching.findings()), capsys.readouterr().out)
        assert [sentence in text for text in shown] == [said] * 4
        assert (watching.state.name == "little_checked") or not said
        assert ("Train at least 5 steps." in str(watching)) == said, "each step was measured"


@pytest.mark.slow
def test_a_spectrum_that_is_too_much_work_is_left_out_which_is_said_where_no_cause_is_known(monkeypatch):
    monkeypatch.setattr(meters, "LIGHT_WORK", 0.0)
    monkeypatch.setattr(meters, "SPECTRUM_WORK", 0.0)
    refused = callbacks.Diagnosis((X[:16], Y[:16]), "full")
    fit(network("sgd"), [refused], epochs=2)
    assert refused._measuring.notes(refused.log, has_cause=True) == []
    assert refused._measuring.notes(refused.log, has_cause=False) == [meters.NO_SPECTRUM]
    has_cause = refused.state.name == "act"
    assert (meters.NO_SPECTRUM in " ".join(str(refused).split())) != has_cause
    assert refused.log.of("spectrum") == []
    assert len(refused.log.of("gradient_norm")) == FEWEST  # they are made all the same
    unlimited = callbacks.Diagnosis((X[:16], Y[:16]), "full", budget=None)
    fit(network("sgd"), [unlimited], epochs=2)
    assert len(unlimited.log.of("spectrum")) >= FEWEST
    assert not any("curvature of the loss" in note for note in unlimited.findings())


# --- the clock, which only reports ---------------------------------------------------------------------------------


def test_the_clock_tells_training_from_measuring(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(meters.time, "perf_counter", lambda: now[0])
    clock, schedule = Stopwatch(), MeasurementSchedule(None)
    assert clock.trained == 0
    now[0] += 50  # tracing the training step
    clock.start()
    now[0] += 3
    for seconds in (2.0, 0.5):
        with clock.measuring(schedule, 1):
            now[0] += seconds
    now[0] += 4
    clock.start()
    assert clock.trained == 7
    for _ in range(2):
        clock.stop()
        now[0] += 60  # the training is over
        assert clock.trained == 7
    assert (schedule.so_far.setup, schedule.so_far.spent, schedule.so_far.count) == (2.0, 0.5, 2)


def test_a_training_whose_updates_add_up_batches_is_measured_where_the_weights_move():
    model = network(keras.optimizers.SGD(0.1, gradient_accumulation_steps=3), jit_compile=False)
    watching = callbacks.Diagnosis((X[:16], Y[:16]), "cheap", budget=None)
    model.fit(X, Y, batch_size=16, epochs=6, verbose=0, callbacks=[watching])
    assert watching.log.of_update == 3
    assert not (watching.log.steps_of("step_length") % 3).any()
    assert watching.log.series("step_length", "length").all()


def test_a_model_that_its_first_batch_builds_has_its_program_traced_by_the_end_of_that_step():
    traced = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            traced.append(watching._measuring.setup_to_come == 0)

    model = keras.Sequential([keras.layers.Dense(3, "relu"), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    watching = callbacks.Diagnosis((X[:32], Y[:32]), "cheap", verbose=False)
    fit(model, [watching, Look()], batch_size=16, epochs=1)
    assert traced[0]
    assert watching.measurements == 2  # of three steps the first could not be measured


# --- the ends of epochs ----------------------------------------------------------------------------------------------


class JudgedEpochs(Monitor):
    """Notes after how many epochs it is asked."""

    name, source = "judged_epochs", "epochs"

    def __init__(self):
        self.found = []

    def measure(self, log):
        self.found.append(len(log.epochs))
        return {}


class EachEpoch(Callback):
    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.steps = []

    def on_telemetry(self, frames, logs):
        self.steps[-1] += sum(len(frame.steps) for frame in frames.values())

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append(0)
        super().on_epoch_begin(epoch, logs)


def ends_of_epochs(epochs, *, first=0, state=None, more=()):
    """Return the epochs that are judged, and what is remembered after them."""
    monitor, model = JudgedEpochs(), network("sgd")
    diagnosis = callbacks.Diagnosis(checks=[monitor], preflight=False, verbose=False)
    if state is not None:
        diagnosis.set_state(state)
    kept = []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(diagnosis.get_state()))
    model.fit(
        X, Y, batch_size=len(X), initial_epoch=first, epochs=epochs, verbose=0, callbacks=[diagnosis, *more, keep]
    )
    return monitor.found, kept


def test_each_of_the_first_31_epochs_is_judged_then_ever_fewer_and_the_last():
    found, _ = ends_of_epochs(71)
    assert found == [*range(1, 32), *range(32, 64, 2), 64, 68, 71]


def test_a_training_that_goes_on_is_judged_at_the_same_epochs():
    whole, kept = ends_of_epochs(41)
    rest, _ = ends_of_epochs(41, first=35, state=kept[34])
    assert rest == [epoch for epoch in whole if epoch > 35] == [36, 38, 40, 41]


def test_an_early_end_is_judged_by_all_of_its_epochs():
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 36)
    )
    found, _ = ends_of_epochs(50, more=[stop])
    assert found[-2:] == [36, 37]


def test_a_callback_of_ones_own_has_all_rows_of_each_epoch_at_its_end():
    mine = EachEpoch()
    ends_of_epochs(40, more=[mine])
    assert mine.steps == [1] * 40
