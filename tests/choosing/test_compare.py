"""Optimizers compared: tuned alike, run over the same seeds, judged by the time to a target; what chance explains."""

import dataclasses
import math
import sys

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import choosing, optimizers, schedules
from keras_ch8._sandbox import fingerprint
from keras_ch8.choosing import _compare
from keras_ch8.choosing._candidates import candidates_of
from keras_ch8.choosing._compare import Workload, timed_run
from keras_ch8.choosing._numbers import holm, paired_test
from keras_ch8.choosing._optimizer_comparison import Contender, OptimizerComparison, TimedRun, scores

RATE = "learning_rate"
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype("float32")
Y = (X @ [[1.0], [2.0], [-1.0]]).astype("float32")


def model():
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile(loss="mse")
    return made


def momentum(learning_rate):
    return optimizers.Momentum(learning_rate)


def compare(candidates=None, data=(X, Y), factory=model, **options):
    """Compare with as few trainings as there can be."""
    candidates = candidates or {"momentum": choosing.Candidate(momentum, {"learning_rate": (1e-3, 0.1)})}
    return choosing.compare(candidates, factory, data, **{"epochs": 2, "seeds": 2, "trials": 2, "verbose": 0} | options)


def run(*values, seed=0, seconds=1.0):
    number = len(values)
    steps = 10 * np.arange(1, number + 1)
    return TimedRun(seed, steps, np.array(values, float), seconds * np.arange(1, number + 1), 9.0 * steps)


def contender(name, *runs, **options):
    given = {"setting": {}, "tried": (), "tuning": (), "tuned": "", "at_boundary": False, "band": (math.nan, math.nan)}
    return Contender(name, **given | options, runs=runs)


def comparison(target=None, lower=True, **runs):
    return OptimizerComparison("loss", lower, target, "CPU", tuple(contender(name, *of) for name, of in runs.items()))


@pytest.fixture
def formula(monkeypatch):
    """Trainings that are a formula: the loss grows with the distance of the rate from the best, in decades."""
    asked = []

    def instead(workload, candidate, setting, seed):
        asked.append((candidate, dict(setting), seed))
        rate = setting.get(RATE, 0.01)
        loss = math.inf if rate > 1 else 0.1 + abs(math.log10(rate / 0.01)) + 0.01 * seed
        values = [loss * (1 + workload.epochs - epoch) for epoch in range(1, workload.epochs + 1)]
        return run(*values, seed=seed)

    monkeypatch.setattr(_compare, "timed_run", instead)
    monkeypatch.setattr(_compare, "_has_trained", True)
    monkeypatch.setattr(_compare, "checked_model", lambda *_: True)  # it traces
    return asked


# --- the protocol ----------------------------------------------------------------------------------------------------


def test_each_is_tuned_with_as_many_trials_and_run_with_the_same_seeds(formula):
    found = compare({"a": optimizers.SGD(0.01), "b": keras.optimizers.Adam(0.01)}, trials=6, seeds=(3, 5))
    assert [len(one.tried) for one in found.contenders] == [6, 6]
    assert [run.seed for one in found.contenders for run in one.runs] == [3, 5, 3, 5]
    assert {seed for _, _, seed in formula[:12]} == {0}  # of the tuning: none of those that count
    a, b = found.contenders
    assert a.tried == b.tried
    assert a.setting == min(a.tried, key=lambda setting: abs(math.log10(setting[RATE] / 0.01)))
    assert not a.at_boundary
    assert a.band[0] <= a.setting[RATE] <= a.band[1]


def test_a_best_rate_at_the_boundary_is_looked_for_beyond_it_and_told_where_it_stays_there(formula):
    found = compare({"near": optimizers.SGD(3.0), "far": optimizers.SGD(1e-9)}, trials=2)
    near, far = found.contenders
    assert min(setting[RATE] for setting in near.tried) < 3.0 / 30
    assert len(far.tried) == 2 + 3
    assert far.at_boundary
    assert far.setting[RATE] == max(setting[RATE] for setting in far.tried)
    assert any("of far" in sentence and "highest" in sentence for sentence in found.sentences)


def test_the_best_setting_is_that_of_the_second_half_and_not_of_a_lucky_epoch():
    runs = [run(3, 1, 1, 1), run(0.1, 3, 3, 0.1), run(2, 2, 0.9, 0.8), run(0.5, np.inf)]
    assert scores(runs, True) == [1.0, 1.55, pytest.approx(0.85), math.inf]
    assert scores([run(0.5, 0.7, 0.9, 0.9), run(-np.inf)], False) == [-0.9, math.inf]
    assert scores([run(0.4)], True) == [0.4]


def test_what_is_tuned_of_an_optimizer():
    decaying = schedules.LinearDecay(0.1, 100)
    found = candidates_of({"a": optimizers.Adam(0.002), "b": "sgd", "c": optimizers.SGD(decaying),
                           "d": optimizers.LBFGS()})  # fmt: skip
    assert found["a"].ranges == {RATE: (pytest.approx(0.002 / 30), pytest.approx(0.06))}
    assert float(found["a"].new({RATE: 0.5}).learning_rate) == 0.5
    assert isinstance(found["b"].new({RATE: 0.5}), keras.optimizers.SGD)
    scaled = found["c"].new({"schedule_factor": 0.5}).learning_rate
    assert float(keras.ops.convert_to_numpy(scaled)) == pytest.approx(0.05)
    assert not found["d"].ranges
    assert found["d"].batch_size_of(found["d"].new({}), 32, 1000) == 1000
    assert found["a"].batch_size_of(found["a"].new({}), 32, 20) == 20


# --- what is concluded -----------------------------------------------------------------------------------------------


def test_the_median_time_wins_and_a_miss_takes_infinitely_long():
    runs = {
        "steady": [run(2, 0.5, seconds=2.0), run(2, 0.5, seconds=2.0), run(2, 2, seconds=2.0)],
        "quick once": [run(0.5, 0.1), run(2, 2), run(2, 2)],
        "slow": [run(0.5, 0.1, seconds=9.0)] * 3,
    }
    found = comparison(1.0, **runs)
    assert found.ranking == ("steady", "slow", "quick once")
    np.testing.assert_allclose(found.time_to_target[0], [4.0, 4.0, np.inf])
    np.testing.assert_allclose(found.steps_to_target[1], [10, np.inf, np.inf])
    assert dataclasses.replace(found, clock="wall").time_to_target[2, 0] == 90
    lines = str(found).splitlines()
    assert lines[0].startswith("steady reaches loss 1 first: in 4 s (CPU) and 20 steps, median over 3 seeds.")
    assert lines[2].startswith("> steady")
    assert lines[4].split()[2:6] == ["infinite", "1", "infinite", "infinite"]


def test_more_is_better_where_it_is():
    found = comparison(0.9, lower=False, a=[run(0.5, 0.95)] * 2, b=[run(0.5, 0.6)] * 2, c=[run(-np.inf)] * 2)
    assert found.ranking == ("a", "b", "c")
    assert found.steps_to_target.tolist() == [[20, 20], [np.inf, np.inf], [np.inf, np.inf]]


def test_the_correction_of_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])


def losses(*ends):
    return [run(9.0, end, seed=seed) for seed, end in enumerate(ends)]


def test_differences_are_tested_by_scipy_and_corrected_for_their_number():
    stats = pytest.importorskip("scipy.stats")
    a, b, c = (1.0, 1.2, 1.1, 1.3, 1.0), (1.1, 1.2, 1.0, 1.4, 1.05), (2.0, 2.3, 2.1, 2.2, 2.1)
    found = comparison(a=losses(*a), b=losses(*b), c=losses(*c))
    raw = [stats.ttest_rel(*pair).pvalue for pair in ((a, b), (a, c), (b, c))]
    np.testing.assert_allclose([test.p for test in found.differences().values()], holm(raw))
    assert found.differences()["a", "c"].difference == pytest.approx(-1.02)
    assert not found.differences()["a", "b"].is_significant
    assert "No significant difference in the loss at the end between a and b (paired t test, Holm)." in found.sentences
    assert "no significant difference, loss" in str(found)
    assert paired_test(np.array(a), np.array(c)).p == pytest.approx(raw[1], rel=1e-6)
    assert comparison(a=losses(*a), b=losses(*a)).differences()["a", "b"].p == 1.0


def test_without_scipy_and_with_one_seed_nothing_is_claimed(monkeypatch):
    one = comparison(a=losses(1.0), b=losses(2.0))
    assert one.sentences == ["One seed shows no spread, so nothing is tested: use several."]
    assert "one seed, without a spread" in repr(one)
    monkeypatch.setitem(sys.modules, "scipy", None)
    several = comparison(a=losses(1.0, 1.1, 1.0), b=losses(2.0, 2.2, 2.1))
    assert several.differences() == {}
    assert several.sentences == ["Differences are not tested because SciPy is missing: pip install keras_ch8[tune]."]
    assert "significant" not in str(several)


def test_of_a_target_that_nobody_reaches_it_says_who_comes_closest_and_what_to_do():
    found = comparison(0.1, a=losses(1.0, 1.2), b=losses(2.0, 2.1))
    assert str(found).startswith(
        "No candidate reaches loss 0.1 in half of its trainings. a comes closest, with a median of 1.1: "
        "train longer, or set an easier target.\n"
    )


def test_a_candidate_that_diverges_at_once_is_one_sentence_and_the_others_go_on(formula):
    found = compare({"wild": optimizers.SGD(1e9), "tame": optimizers.SGD(0.01)})
    assert found.winner == "tame"
    [said] = [sentence for sentence in found.sentences if "wild" in sentence]
    assert said.startswith("wild diverged with every learning_rate from ")
    assert said.endswith(": try a lower range.")
    assert not np.isfinite(found.values[0]).any()


def test_an_optimizer_that_cannot_train_the_model_is_told(monkeypatch):
    def fails(*_):
        raise RuntimeError("It needs complex weights.")

    monkeypatch.setattr(_compare, "timed_run", fails)
    monkeypatch.setattr(_compare, "checked_model", lambda *_: True)
    found = compare()
    assert found.sentences[-1] == "momentum ended in an error: RuntimeError: It needs complex weights."
    assert str(found).startswith("There is no winner: every candidate diverged in at least half of its trainings.")


# --- what is refused -------------------------------------------------------------------------------------------------


SHARED = model()
REFUSED = {
    "target": ({"target": -np.inf}, r"a number in \(-inf, inf\)\. Received: target=-inf\."),
    "one model": ({"factory": lambda: SHARED}, "must create a new model at each call"),
    "shared layers": ({"factory": lambda: sharing()}, "must create a new model at each call"),
    "not compiled": ({"factory": lambda: keras.Sequential([keras.layers.Dense(1)])}, "one that is not compiled"),
    "data": ({"data": (X[:, :2], Y)}, "must fit the model .* expected shape|must fit the model"),
    "lengths": ({"data": (X, Y[:-1])}, "`data`"),
    "metric": ({"metric": "accuracy"}, "metric='accuracy'. Reported: loss"),
    "nothing": ({"candidates": {"a": 3}}, "candidates"),
    "several rates": ({"candidates": {"a": keras.optimizers.LossScaleOptimizer(optimizers.SGD())}}, "Candidate"),
    "seeds": ({"seeds": 0}, "seeds"),
}


def sharing():
    made = keras.Sequential([keras.Input((3,)), SHARED.layers[-1]])
    made.compile(loss="mse")
    return made


@pytest.mark.parametrize("options, says", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_compared_is_refused_before_anything_is_trained(options, says, monkeypatch):
    monkeypatch.setattr(_compare, "timed_run", None)
    with pytest.raises((ValueError, TypeError), match=says) as caught:
        compare(**options)
    assert "Received: " in str(caught.value)


def test_ranges_must_rise():
    for wrong in ({RATE: (0.1, 0.01)}, {RATE: (-1.0, 1.0)}, {RATE: 0.1}, [0.1]):
        with pytest.raises((ValueError, TypeError), match="Received: "):
            choosing.Candidate(momentum, wrong)


# --- one training ----------------------------------------------------------------------------------------------------


def workload(**options):
    return Workload(**{"model_factory": model, "data": (X, Y, None), "measured_on": (X, Y, None), "metric": "loss",
                      "lower_is_better": True, "epochs": 3, "batch_size": 32} | options)  # fmt: skip


@pytest.mark.slow
def test_a_training_is_that_of_fit_on_a_fresh_order_each_epoch_and_leaves_the_generators_alone():
    before = fingerprint(SHARED)
    one = candidates_of({"a": optimizers.SGD(0.01)})["a"]
    found = timed_run(workload(), one, {RATE: 0.02}, 7)
    assert fingerprint(SHARED) == before
    assert found.steps.tolist() == [2, 4, 6]
    keras.utils.set_random_seed(7)
    same = model()
    w, b = np.array(same.layers[0].kernel, "float64"), 0.0
    expected = []
    for epoch in range(3):
        order = np.random.default_rng([7, epoch]).permutation(64)
        for batch in (order[:32], order[32:]):
            error = X[batch] @ w + b - Y[batch]
            w, b = w - 0.02 * 2 * X[batch].T @ error / 32, b - 0.02 * 2 * error.mean()
        expected.append(np.mean((X @ w + b - Y) ** 2))
    np.testing.assert_allclose(found.values, expected, rtol=1e-4)
    assert np.all(np.diff(found.cpu_seconds) > 0)


def test_the_clock_stands_still_while_it_is_measured_and_a_training_that_diverges_ends(monkeypatch):
    def slowly(*arguments):
        clock[0] += 1000.0
        return measured(*arguments)

    clock, measured = [0.0], _compare.measured
    monkeypatch.setattr(_compare, "measured", slowly)
    monkeypatch.setattr(_compare, "_now", lambda: np.full(2, clock[0]))
    one = candidates_of({"a": optimizers.SGD(0.01)})["a"]
    found = timed_run(workload(epochs=50), one, {RATE: 1e18}, 0)
    assert found.last == math.inf
    assert len(found.steps) < 50
    assert not found.cpu_seconds.any()


# --- telling, writing -----------------------------------------------------------------------------------------------


def test_it_is_quiet_when_it_should_be(formula, capsys):
    compare(verbose=0)
    assert capsys.readouterr() == ("", "")
    found = compare(verbose=1)
    told = capsys.readouterr().out
    assert told.endswith(f"{found}\n")
    lines = told.splitlines()
    assert sum(line.startswith("momentum, learning_rate ") for line in lines) == len(found.contenders[0].tried) + 2


def test_each_run_is_a_row_with_its_settings_in_tensorboard_and_on_the_page(formula, tmp_path):

    compare(target=0.5, epochs=4, validation_data=(X, Y), log_dir=str(tmp_path))
    folders = sorted(tmp_path.glob("momentum/*/optimization"))
    assert [folder.parent.name for folder in folders] == ["seed_0", "seed_1"]
    found = keras_ch8.read_run(folders[1])
    assert len(found["epoch/val_loss"].steps) == 4
    made = eval(found.hyperparameters["code"].removeprefix("optimizer = "), {"keras": keras, "keras_ch8": keras_ch8})
    rate = f"{found.hyperparameters['learning_rate']:.3g}"  # as the page prints it
    assert f"{float(made.learning_rate):.3g}" == rate
    page = keras_ch8.report(str(tmp_path))
    assert page
