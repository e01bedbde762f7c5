"""Guard: what is a fault, where it begins, what is left out or undone, what is reported; healthy runs are let be."""

import contextlib
import copy
import io
import json
import pickle
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, data, extend, layers, optimizers
from keras_ch8.callbacks import _guard, left_out, step_filter
from keras_ch8.callbacks.left_out import origin_of
from keras_ch8.integration import backend, keras_private
from tests import forked
from tests.board.readers import python_loader
from tests.callbacks import guard_cases, resuming
from tests.callbacks.guard_cases import BAD, BATCH, STEPS, Falling, RateSpike, X, Y, broken, loss_of, network, trained
from tests.callbacks.runs import Frames
from tests.small_callbacks import Rates

RNG = np.random.default_rng(1)


# --- what is a fault --------------------------------------------------------------------------------------------------


in_one_graph = tf.function(step_filter.judged, autograph=False)


def spikes(losses, norms=None, threshold=10.0):
    """Return at which steps a judge sees a spike, and what it knows at the end."""
    statistics, count, found = np.zeros((3, 2), "float32"), 0, []
    for step, values in enumerate(zip(losses, norms or [1.0] * len(losses), strict=True)):
        finite, spike, new = in_one_graph(
            tf.constant(values, "float32"), tf.constant(statistics), tf.constant(count), threshold
        )
        if bool(spike):
            found.append(step)
        elif bool(finite):
            statistics, count = new, count + 1
    return found, np.asarray(statistics)


def test_a_spike_stands_out_from_the_mean_and_from_all_that_was_there_before():
    usual = [3.0, *RNG.normal(1.0, 0.1, 60)]
    assert spikes([*usual, 8.9, 1.0, 30.0, 1.0, 9.2])[0] == [63]  # 8.9 is not 3 times the largest
    assert spikes(usual, [*[2.0] * 60, 6.1])[0] == [60]
    assert spikes([*usual, 30.0], threshold=None)[0] == []
    assert spikes([1.0] * 10 + [1e9])[0] == []  # the first steps are only looked at


def test_a_wide_spread_takes_a_larger_spike():
    wide = [1.0, 9.0] * 30
    assert spikes([*wide, 40.0])[0] == []
    assert spikes([*wide, 40.0], threshold=2.0)[0] == [60]


def test_losses_below_zero_have_spikes_too():
    assert spikes([*RNG.normal(-5.0, 0.1, 40), 100.0])[0] == [40]


def test_the_statistics_are_exponential_means_that_begin_as_plain_ones():
    losses = [2.0, 4.0, 9.0]
    _, statistics = spikes(losses)
    np.testing.assert_allclose(statistics[:, 0], [5.0, np.std(losses), 9.0], rtol=1e-5)
    many = RNG.normal(3.0, 0.5, 200)
    mean, variance = many[0], 0.0
    for n, value in enumerate(many[1:], 2):
        share = max(1 - step_filter.RHO, 1 / n)
        mean, variance = mean + share * (value - mean), (1 - share) * (variance + share * (value - mean) ** 2)
    np.testing.assert_allclose(spikes(many)[1][:2, 0], [mean, np.sqrt(variance)], rtol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_no_spike_and_is_not_remembered(value):
    assert spikes([1.0] * 30 + [value])[0] == []
    np.testing.assert_array_equal(spikes([1.0] * 30 + [value])[1], spikes([1.0] * 30)[1])


# --- corrupt examples -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corrupt(tmp_path_factory):
    """A training with three corrupt examples, guarded, and everything that it has left behind."""
    folder = tmp_path_factory.mktemp("guarded")
    guard = callbacks.Guard(every="20ba")
    model, history = trained(broken(), guard, callbacks.TensorBoard(folder))
    return guard, model, history, folder


@pytest.mark.slow
def test_corrupt_examples_are_named_exactly_and_ruin_nothing(corrupt):
    guard, model, history, _ = corrupt
    assert sorted({example for record in guard.left_out for example in record["examples"]}) == BAD
    assert {(r["fault"], r["place"], r["layer"], r["examples_in"]) for r in guard.left_out} == {
        ("nan", "x", None, "source")
    }
    source = data.ArraySource(X, Y, batch_size=BATCH, seed=0)
    bad = sum(bool(set(BAD) & set(row.tolist())) for epoch in range(6) for row in source.plan(epoch))
    assert len(guard.left_out) == model.optimizer.skipped_steps == bad
    assert guard.rollbacks == []
    assert all(np.isfinite(v).all() for v in model.get_weights())
    assert np.isfinite(history["loss"]).all()


def test_each_step_is_told_with_its_place(corrupt):
    guard, *_ = corrupt
    source = data.ArraySource(X, Y, batch_size=BATCH, seed=0)
    for record in guard.left_out:
        assert record["step"] == record["epoch"] * STEPS + record["batch"] + 1
        assert set(record["examples"]) <= set(source.plan(record["epoch"])[record["batch"]].tolist())


def test_the_log_folder_has_lines_of_json_a_curve_and_events(corrupt):
    guard, _, _, folder = corrupt
    lines = (folder / "optimization" / left_out.FILE).read_text().splitlines()
    assert [json.loads(line) for line in lines] == guard.left_out
    with python_loader(folder) as board:
        assert board.scalars()["step/skipped_steps"][-1] == (6 * STEPS, len(guard.left_out))
    assert any("Examples of the source" in left_out.sentence_of(r) or "Example of" in left_out.sentence_of(r)
               for r in guard.left_out)  # fmt: skip


@pytest.mark.slow
def test_the_end_names_the_examples_and_the_file(corrupt):
    guard, _, _, folder = corrupt
    count = len(guard.left_out)
    sentence = (
        f"Guard: skipped {count} steps ({count} not finite), never rolled back. Examples of the source: 3, 77, 200."
    )
    assert guard.findings() == [sentence]
    spike = {"fault": "spike", "examples_in": "batch", "examples": [4]}
    assert left_out.summary_of([spike], [7]) == "Guard: skipped 1 step (1 spike), rolled back once."
    told, model = io.StringIO(), network()
    source = data.ArraySource(broken(), Y, batch_size=BATCH, seed=0)
    with contextlib.redirect_stdout(told):
        model.fit(source, callbacks=[callbacks.Guard(), callbacks.TensorBoard(folder / "told")], verbose=2)
    assert f"    Each of them: {folder / 'told' / 'optimization' / left_out.FILE}\n" in told.getvalue()


@pytest.mark.slow
def test_of_several_workers_the_chief_alone_writes_what_was_left_out(corrupt, monkeypatch):
    chief, _, _, folder = corrupt
    before = {path.name: path.read_bytes() for path in (folder / "optimization").iterdir()}
    monkeypatch.setattr(backend, "is_chief", lambda strategy: False)
    guard = callbacks.Guard(every="20ba")
    trained(broken(), guard, callbacks.TensorBoard(folder))
    assert guard.left_out == chief.left_out
    assert {path.name: path.read_bytes() for path in (folder / "optimization").iterdir()} == before


@pytest.mark.slow
def test_what_is_left_out_is_what_the_optimizer_leaves_out_alone(corrupt):
    _, model, history, _ = corrupt
    same, expected = trained(broken(), model=network(optimizers.Momentum(0.01, skip_nonfinite=True)))
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history["loss"] == expected["loss"]


def spoiled_batches(epochs):
    """Return the places of the batches of a training that hold a corrupt example, all epochs in succession."""
    source = data.ArraySource(X, Y, batch_size=BATCH, seed=0)
    rows = [row for epoch in range(epochs) for row in source.plan(epoch)]
    return [place for place, row in enumerate(rows) if set(BAD) & set(row.tolist())]


@pytest.mark.slow
def test_with_accumulation_each_batch_is_judged_and_a_bad_one_costs_its_whole_sum():
    guard = callbacks.Guard()
    model, _ = trained(
        broken(), guard, epochs=3, model=network(optimizers.Momentum(0.01, gradient_accumulation_steps=4))
    )
    bad = spoiled_batches(3)
    assert [record["step"] - 1 for record in guard.left_out] == bad
    assert model.optimizer.skipped_steps == len({place // 4 for place in bad}) < len(bad)
    alone = network(optimizers.Momentum(0.01, gradient_accumulation_steps=4, skip_nonfinite=True))
    trained(broken(), epochs=3, model=alone)
    for a, b in zip(model.variables, alone.variables, strict=True):
        np.testing.assert_array_equal(a, b)


class Values(keras.callbacks.Callback):
    """Keeps the weights, and what layers have summed, after each batch."""

    def on_train_begin(self, logs=None):
        self.values = []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append([v.numpy() for v in self.model.variables])


@pytest.mark.slow
@pytest.mark.broad(slow=3)
@pytest.mark.parametrize("options, scale, more", [
    ({"jit_compile": True}, None, list), ({}, None, list), ({}, 64.0, list), ({}, 64.0, lambda: [Frames()]),
    ({"run_eagerly": True}, None, lambda: [Frames()]),
])  # fmt: skip
def test_a_spike_is_left_out_by_the_optimizer_also_inside_one_that_scales_the_loss(options, scale, more):
    x, y = np.concatenate([X, X]), np.concatenate([Y, Y])
    y[27 * BATCH + 3] = 40
    optimizer, guard, kept = optimizers.Momentum(0.001), callbacks.Guard(), Values()
    if scale is not None:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)
    model, others = network(optimizer, **options), more()
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[guard, kept, *others])
    found = [(record["fault"], record["step"], record["examples"][:1]) for record in guard.left_out]
    assert found == [("spike", 28, [] if options.get("jit_compile") else [3])]
    for before, after in zip(*kept.values[26:28], strict=True):
        np.testing.assert_array_equal(before, after)
    assert keras_private.unscaled(model.optimizer).skipped_steps == 1
    for frames in others:
        assert len(frames.norm) == 32
        assert np.argmax(frames.norm) == 27


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("options, accumulate", [
    ({"steps_per_execution": 4}, None), ({"run_eagerly": True}, None), ({}, 2), ({"jit_compile": True}, None),
], ids=str)  # fmt: skip
def test_examples_are_named_however_the_step_is_run(options, accumulate):
    guard = callbacks.Guard(every="20ba")
    optimizer = optimizers.Adam(0.01, gradient_accumulation_steps=accumulate)
    model, _ = trained(broken(), guard, epochs=2, model=network(optimizer, **options))
    assert sorted({example for record in guard.left_out for example in record["examples"]}) == BAD
    source = data.ArraySource(X, Y, batch_size=BATCH, seed=0)
    for record in guard.left_out:
        assert set(record["examples"]) <= set(source.plan(record["epoch"])[record["batch"]].tolist())
    assert all(np.isfinite(v).all() for v in model.get_weights())


@pytest.mark.slow
def test_of_arrays_the_place_in_the_batch_is_named():
    guard = callbacks.Guard()
    trained(broken(), guard, epochs=1, source=False)
    found = [(r["batch"] * BATCH + e) for r in guard.left_out for e in r["examples"]]
    assert found == BAD
    assert {r["examples_in"] for r in guard.left_out} == {"batch"}


@pytest.mark.slow
def test_two_replicas_leave_out_the_same():
    guard = callbacks.Guard()
    trained(broken(), guard, epochs=2)
    assert forked.call(guard_cases.on_two_replicas) == (BAD, len(guard.left_out), True)


# --- where a fault begins ---------------------------------------------------------------------------------------------


class Overflows(keras.layers.Layer):
    """Overflows where an input is above 50."""

    def call(self, x):
        return x * keras.ops.where(x > 50, 1e38 * x, 1.0)


@keras.ops.custom_gradient
def _bad_gradient(x):
    def backward(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        return keras.ops.where(x > 50, float("nan"), upstream)

    return 1.0 * x, backward


class BreaksBackward(keras.layers.Layer):
    """Has a gradient that is NaN where an input is above 50."""

    def call(self, x):
        return _bad_gradient(x)

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.slow
def test_the_first_layer_is_named_and_the_model_stays_as_it_is():
    x = X[:16].copy()
    x[5] = 30
    for part, place, layer in ((Overflows(name="wide"), "forward", "wide"), (BreaksBackward(), "backward", "first")):
        model = network(None, keras.layers.Dense(4, name="first", kernel_initializer="ones"), part,
                        layers.BatchNormalization(), keras.layers.Dropout(0.5))  # fmt: skip
        before = [v.numpy() for v in model.variables]
        origin = origin_of(model, (x, Y[:16]), is_spike=False)
        assert (origin.place, origin.layer.rpartition("/")[2], list(origin.examples)) == (place, layer, [5])
        for a, b in zip(before, model.variables, strict=True):
            np.testing.assert_array_equal(a, b.numpy())


def test_data_and_loss_are_named_before_layers():
    model, y, weights = network(), Y[:16].copy(), np.ones(16, "float32")
    y[2, 0], weights[7] = np.inf, np.nan
    assert origin_of(model, (X[:16], y), False) == ("y", None, [2])
    assert origin_of(model, (X[:16], Y[:16], weights), False) == ("sample_weight", None, [7])
    model.compile("sgd", keras.losses.MeanSquaredLogarithmicError())
    y = np.abs(Y[:16])
    y[4] = 3e38
    model.compile("sgd", "mse")
    assert origin_of(model, (X[:16], y), False) == ("loss", None, [4])


def test_of_a_spike_the_examples_whose_loss_stands_out_are_named():
    model, y = network(), Y[:16].copy()
    y[9] = 500
    origin = origin_of(model, (X[:16], y), is_spike=True)
    assert origin.examples == [9]
    assert origin.layer is not None


@pytest.mark.slow
def test_a_model_that_cannot_be_asked_is_no_end_of_the_training(monkeypatch):
    def refuse(*args):
        raise TypeError("no")

    monkeypatch.setattr(left_out, "origin_of", refuse)
    guard = callbacks.Guard()
    trained(broken(), guard, epochs=1)
    assert guard.left_out[0]["place"] == "not found, TypeError: no"
    assert "source is unknown" in left_out.sentence_of(guard.left_out[0])


# --- going back -------------------------------------------------------------------------------------------------------


LINEAR = 40 * STEPS


def falling(spike_at=None):
    """Return a linear model, of which there is one best, and a rate that falls to 0, so that it comes there."""
    return network(optimizers.Momentum(Falling(0.02, LINEAR, spike_at)), keras.layers.Dense(4, name="first"))


@pytest.fixture(scope="module")
def rescued():
    guard = callbacks.Guard(every="20ba")
    model, history = trained(X, guard, epochs=40, model=falling(spike_at=70))
    return guard, model, history


@pytest.mark.slow
def test_a_rate_that_is_far_too_large_and_corrupt_examples_cost_nothing(rescued):
    guard, model, history = rescued
    clean, _ = trained(X, epochs=40, model=falling())
    assert loss_of(model) == pytest.approx(loss_of(clean), rel=0.02)
    assert len(guard.rollbacks) == 1
    assert np.isfinite(history["loss"]).all()
    assert float(model.optimizer.learning_rate) == 0
    corrupt, _ = trained(broken(), callbacks.Guard(), epochs=40, model=falling())
    assert loss_of(corrupt, BAD) == pytest.approx(loss_of(clean, BAD), rel=0.02)


@pytest.mark.slow
def test_without_a_guard_both_are_lost():
    ruined, _ = trained(X, epochs=40, model=falling(spike_at=70))
    assert not loss_of(ruined) < 10
    corrupt, _ = trained(broken(), epochs=1, model=falling())
    assert np.isnan(loss_of(corrupt, BAD))


@pytest.mark.full
def test_digits_with_corrupt_examples_or_a_spike_of_the_rate_end_as_the_clean_run():
    """A convolutional network with batch normalization; without a guard both runs are lost."""
    clean, corrupt, spike = guard_cases.digits(epochs=25), callbacks.Guard(), callbacks.Guard()
    assert guard_cases.digits(guard_cases.DIGITS_BAD, guard=corrupt, epochs=25) == pytest.approx(clean, rel=0.02)
    assert {example for record in corrupt.left_out for example in record["examples"]} == set(guard_cases.DIGITS_BAD)
    assert corrupt.rollbacks == []
    assert guard_cases.digits(spike_at=250, guard=spike, epochs=25) == pytest.approx(clean, rel=0.02)
    assert len(spike.rollbacks) == 1
    assert not guard_cases.digits(guard_cases.DIGITS_BAD) < 3 * clean
    assert not guard_cases.digits(spike_at=250) < 3 * clean


@pytest.mark.slow
def test_going_back_counts_what_is_undone_as_left_out(rescued):
    guard, model, _ = rescued
    undone = model.optimizer.skipped_steps - len(guard.left_out)
    assert 0 < undone <= 72
    assert int(model.optimizer.iterations.numpy()) == LINEAR


@pytest.mark.slow
def test_a_schedule_is_lowered_by_its_factor_until_the_next_good_state(rescued):
    guard, model, _ = rescued
    assert model.optimizer.get_config()["learning_rate"]["config"]["factor"] == 1
    state = guard.get_state()
    assert (state["lowered"], state["may_return"]) == (1.0, False)


@pytest.mark.slow
def test_it_goes_back_to_the_start_once_where_nothing_later_is_known_to_be_good():
    guard = callbacks.Guard()
    model, _ = trained(X, RateSpike(at=40), guard, epochs=5)
    assert len(guard.rollbacks) == 1
    assert guard.reason is None
    assert np.isfinite(loss_of(model))


@pytest.mark.slow
def test_a_rate_that_is_a_number_is_lowered_from_the_last_good_one_and_stays_low_at_the_second_time():
    guard, rates = callbacks.Guard(every="20ba", lower_rate=0.1), Rates()
    trained(X, RateSpike(at=40, length=50), RateSpike(at=100, length=50), guard, rates, epochs=11)
    assert [step // 10 for step in guard.rollbacks] == [4, 10]
    assert rates.rates[guard.rollbacks[0] + 30] == pytest.approx(0.001)
    assert rates.rates[guard.rollbacks[0] + 40] == pytest.approx(0.01)
    assert rates.rates[-1] == pytest.approx(0.001)


@pytest.mark.slow
def test_it_gives_up_after_its_tries_and_says_why(capfd):
    x = X * 1e20  # every step is infinite, and no entry of the data is
    guard = callbacks.Guard(tries=2)
    model = network(None, keras.layers.Dense(6, "relu"))
    start = model.get_weights()
    source = data.ArraySource(x, Y, batch_size=BATCH, seed=0)
    history = model.fit(source, epochs=5, callbacks=[guard], verbose=2)
    assert len(history.history["loss"]) == 1
    assert guard.reason.startswith("The guard gave up at step 9: 3 steps in a row were skipped")
    assert guard.rollbacks == [3, 6, 9]
    for a, b in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    told = capfd.readouterr().out
    assert "try 2 of 2" in " ".join(told.split())
    assert told.count("Further skipped steps are counted") == 1
    assert all(len(line) <= 79 for line in told.splitlines() if "guard" in line)


@pytest.mark.slow
def test_where_all_data_are_broken_it_ends_too(monkeypatch):
    monkeypatch.setattr(_guard, "DATA_ALONE", 12)
    guard = callbacks.Guard()
    _, history = trained(np.full_like(X, np.nan), guard, epochs=5)
    assert "gave up at step 12" in guard.reason
    assert len(history["loss"]) == 1


@pytest.mark.slow
def test_with_few_broken_batches_in_succession_the_weights_are_not_to_blame():
    x = X.copy()
    x[64:160] = np.nan  # six batches of arrays
    guard = callbacks.Guard()
    trained(x, guard, epochs=1, source=False)
    assert len(guard.left_out) == 6
    assert guard.rollbacks == []


# --- what stays -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_training_without_faults_is_bit_for_bit_the_same_and_the_optimizer_is_given_back():
    guard = callbacks.Guard(every="20ba")
    model, history = trained(X, guard, epochs=3)
    same, expected = trained(X, epochs=3)
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history == expected
    assert guard.findings() == ["The guard skipped no step."]
    assert "apply" not in vars(model.optimizer)
    for again in (copy.deepcopy(guard), pickle.loads(pickle.dumps(guard))):
        assert repr(again) == repr(guard)
        trained(X, again, epochs=1)


@pytest.mark.slow
def test_a_second_fit_traces_nothing_anew():
    guard, model = callbacks.Guard(), network()
    trained(X, guard, epochs=1, model=model)
    traces = []
    step = model.compute_loss

    def counted(*args, **kwargs):
        traces.append(1)
        return step(*args, **kwargs)

    model.compute_loss = counted
    trained(X, guard, epochs=1, model=model)
    assert traces == []


@pytest.mark.slow
@pytest.mark.parametrize("die_at", [50, pytest.param(85, marks=pytest.mark.full)])
def test_a_state_goes_on_bit_for_bit(tmp_path, die_at):
    """Before the rate spike at step 90, with states in memory to go back to."""
    script = {
        "model": lambda: network(optimizers.Momentum(0.01, skip_nonfinite=True)),
        "data": lambda: data.ArraySource(X, Y, batch_size=BATCH, seed=0),
        "callbacks": lambda: [RateSpike(at=90), callbacks.Guard(every="20ba")],
        "epochs": 8, "validation_data": None,
    }  # fmt: skip
    whole = resuming.train(**script)
    again = resuming.interrupted(lambda: callbacks.Resume(tmp_path, "9ba"), (die_at,), **script)
    resuming.assert_same(again, whole)
    (_, guard), (_, expected) = again.callbacks, whole.callbacks
    assert guard.rollbacks == expected.rollbacks != []
    assert guard.left_out == expected.left_out


def test_what_was_written_after_the_state_that_a_training_goes_on_from_is_forgotten(tmp_path):
    left_out.keep_first(str(tmp_path), 0)
    left_out.append(str(tmp_path), [{"step": 1}, {"step": 2}, {"step": 3}])
    for count, kept in ((5, 3), (3, 3), (2, 2)):
        left_out.keep_first(str(tmp_path), count)
        lines = (tmp_path / left_out.FILE).read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == [1, 2, 3][:kept]


def test_a_full_disk_is_a_warning(tmp_path):
    (tmp_path / left_out.FILE).mkdir()
    with pytest.warns(RuntimeWarning, match="cannot write guard.jsonl"):
        left_out.append(str(tmp_path), [{}])


def test_a_log_that_cannot_be_shortened_is_a_warning(tmp_path, monkeypatch):
    left_out.append(str(tmp_path), [{"step": 1}, {"step": 2}])

    def read_only(*args, **options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(left_out, "open", read_only, raising=False)
    with pytest.warns(RuntimeWarning, match="cannot write guard.jsonl: .*Read-only"):
        left_out.keep_first(str(tmp_path), 1)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer, members, message", [
    (lambda: keras.optimizers.Adam(), list, r"Received: Adam of keras.*`keras_ch8\.optimizers\.Adam`"),
    (lambda: optimizers.BFGS(), list, "Received: BFGS"),
    (None, lambda: [callbacks.SwitchOptimizer("50%", to="sgd")], "SwitchOptimizer"),
])  # fmt: skip
def test_what_cannot_be_guarded_is_refused_before_the_first_step(optimizer, members, message):
    model = network(optimizer and optimizer())
    start = model.get_weights()
    with pytest.raises(ValueError, match=message):
        trained(X, callbacks.Guard(), *members(), model=model)
    for a, b in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_optimizer_that_has_its_state_already_says_how_to_compile():
    model, _ = trained(X, epochs=1)
    with pytest.raises(ValueError, match=r"Received: Momentum\(skip_nonfinite=False\).*skip_nonfinite=True"):
        trained(X, callbacks.Guard(), epochs=1, model=model)


# --- healthy trainings ------------------------------------------------------------------------------------------------

HEALTHY = [
    "mlp", "normalized", "adam", "digits_with_batch_normalization", "digits_with_a_gradient_that_grows",
    "moons_by_momentum", "wines_by_logistic_regression", "tumours_with_dropout", "friedman_by_residual_blocks",
    "digits_through_twelve_numbers", "diabetes_with_weight_decay", "leaky_sums_by_a_gru",
]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_trainings_are_let_be(name):
    from benchmarks.diagnosis import healthy_images, healthy_practice, healthy_sequences, healthy_tables, runs  # noqa: F401

    run = next(each for each in runs.RUNS if each.name == name and each.kind is None).make(0)
    theirs = run.model.optimizer
    if not isinstance(theirs, extend.RuleOptimizer):
        rate = keras_private.schedule_of(theirs) or keras_private.current_rate(theirs)
        run.model.compile(getattr(optimizers, type(theirs).__name__)(rate), run.model.loss)
    guard = callbacks.Guard()
    with warnings.catch_warnings():
        runs.fit(run, [guard])
    assert guard.rollbacks == []
    assert guard.left_out == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_what_is_left_out_at_the_end_of_an_epoch_of_unknown_length_is_told():
    x = np.ones((30, 4, 2), "float32")
    x[28] = np.nan
    types = tf.TensorSpec((4, 2)), tf.TensorSpec((4, 1))
    data = tf.data.Dataset.from_generator(lambda: ((b, b[:, :1] * 0) for b in x), output_signature=types)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizers.SGD(0.01), "mse", jit_compile=True)
    guard = callbacks.Guard()
    model.fit(data, epochs=2, shuffle=False, callbacks=[guard], verbose=0)
    assert [(record["epoch"], record["batch"]) for record in guard.left_out] == [(0, 28), (1, 28)]


def test_a_state_kept_each_epoch_needs_an_epoch_of_known_length():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizers.SGD(0.01), "mse")
    batches = ((np.ones((4, 2), "float32"), np.ones((4, 1), "float32")) for _ in range(4))
    with pytest.raises(ValueError, match="length of an epoch is unknown"):
        model.fit(batches, shuffle=False, callbacks=[callbacks.Guard(every="1ep")], verbose=0)
