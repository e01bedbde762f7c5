"""A study: what its analyses say of lists of numbers, and that each step finds what was built into a small problem."""

import dataclasses
import math
import os
import signal

import keras
import numpy as np
import pytest

from keras_ch8 import choosing, optimizers
from keras_ch8.choosing import _study_advice as advice
from keras_ch8.choosing._study_advice import Branch, best_rate, examples_to, fit_critical, measure
from keras_ch8.choosing._study_trainer import StudyRun, StudySetting, StudyTrial, Trainer
from tests.forked import PROCESSES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(512, 8)).astype("float32")
Y = (X @ RNG.normal(size=(8, 1)) + 0.5 * RNG.normal(size=(512, 1))).astype("float32")


def linear(rate=0.05, **options):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile(optimizers.SGD(rate, **options), "mse")
    return model


def study(rate=0.05, make=linear, data=(X, Y), **options):
    return choosing.Study(lambda: make(rate), data, **{"epochs": 2, "verbose": 0} | options)


def run_of(evaluated, rate=0.1, norms=None, steps=100, **setting):
    evaluated = np.array(evaluated, float)
    norms = np.ones(steps) if norms is None else np.array(norms)
    at = np.linspace(0, steps, len(evaluated)).round().astype(int)
    return StudyRun(StudySetting(rate, 32, **setting), np.ones(len(norms)), norms, at, evaluated, 1e-3, 1.0)


def diverged(rate=0.1):
    return run_of([1.0, np.nan], rate)


# ---- analyses of numbers


@pytest.mark.parametrize(
    "more",
    [0.05 * np.random.default_rng(0).normal(size=500), 5.0 * (np.arange(500) == 300)],
    ids=["noise", "a single spike"],
)
def test_a_loss_that_falls_is_stable_also_with_noise_or_a_spike(more):
    assert advice.rise_of(np.exp(-np.arange(500) / 100) + more, 500).kind == "stable"


@pytest.mark.parametrize("where, kind", [(10, "start"), (250, "middle")])
def test_a_rise_is_found_where_it_begins(where, kind):
    k = np.arange(500.0)
    losses = np.exp(-k / 200) + np.where(k > where, 3 * (1 - np.exp(-(k - where) / 20)), 0)
    found = advice.rise_of(losses, 500)
    assert found.kind == kind
    assert abs(found.onset - where) < 10


@pytest.mark.parametrize("at, kind", [(1, "start"), (20, "start"), (400, "middle")])
def test_a_loss_that_is_not_finite_is_unstable_from_where_it_was_last_low(at, kind):
    losses = np.exp(-np.arange(500) / 200)[: at + 1]
    losses[at] = np.nan
    assert advice.rise_of(losses, 500).kind == kind


def test_the_best_rate_is_refined_by_a_parabola_in_its_logarithm():
    rates = np.array([0.01, 0.1, 1.0])
    losses = (np.log10(rates) - np.log10(0.2)) ** 2 + 1
    assert advice.refined(rates, losses) == pytest.approx(0.2)
    assert advice.refined(rates, [1.0, 2.0, 3.0]) is None, "a neighbour is missing"
    assert advice.refined(rates, [2.0, 1.0, 2.0]) is None, "it was tried"
    assert advice.refined(rates, [2.0, 1.0, math.inf]) == pytest.approx(10**-0.5)
    assert advice.refined(rates, [2.0, 1.0, 9.0]) == pytest.approx(10**-0.5), "the best rate is near the cliff"


@pytest.mark.parametrize("critical", [3.0, 50.0, 900.0])
def test_a_critical_batch_size_is_fitted_to_the_examples_that_each_size_needs(critical):
    sizes = np.array([4, 16, 64, 256, 1024])
    assert fit_critical(sizes, 1e4 * (1 + sizes / critical)) == pytest.approx(critical, rel=0.02)


def test_a_critical_batch_size_beyond_all_sizes_is_told_as_such():
    sizes = np.array([4, 16, 64])
    assert fit_critical(sizes, np.full(3, 1e4)) == math.inf
    assert fit_critical(sizes, 1e4 * sizes) == 0.0
    assert math.isnan(fit_critical(sizes, np.array([1e4, np.inf, np.inf])))


def test_the_examples_to_a_loss_lie_between_evaluations():
    assert examples_to(1.5, np.array([0, 100, 200]), np.array([3.0, 2.0, 1.0])) == 150
    assert examples_to(0.5, np.array([0, 100, 200]), np.array([3.0, 2.0, 1.0])) == math.inf


def parabolic(size, rate, critical=60.0):
    """Return a branch that needs the fewest examples at a rate that rises with the batch size, up to the critical."""
    best = 0.1 / (1 + critical / size)
    return Branch(size, rate, 1e4 * (1 + size / critical) * (1 + np.log(rate / best) ** 2), 1.0, 1e4)


def test_the_best_rate_of_a_batch_size_is_found_from_either_side():
    best = 0.1 / (1 + 60 / 32)
    for first in (best / 10, best, 8 * best):
        assert abs(math.log(best_rate(lambda rate: parabolic(32, rate), first).rate / best)) < math.log(2)


@pytest.mark.parametrize("size", [4, 32, 1024])
def test_batch_sizes_on_both_sides_of_the_critical_one_are_measured(size):
    first = best_rate(lambda rate: parabolic(size, rate), 0.1 / (1 + 60 / size))
    found = measure(parabolic, first, 4, 4096)
    assert min(found) <= 60 / 4
    assert max(found) >= 60 * 4
    critical = fit_critical(np.array(list(found)), np.array([b.examples for b in found.values()]))
    assert critical == pytest.approx(60, rel=0.3)


def branches(**examples):
    return {int(m[1:]): Branch(int(m[1:]), 0.1, e, 1.0, 1e3) for m, e in examples.items()}


def test_a_batch_that_needs_too_many_examples_is_made_smaller_and_no_other():
    found = branches(m16=1e4, m64=1.1e4, m256=4e4)
    small = advice.of_batches(found, StudySetting(0.2, 256), 80.0, 50.0)
    assert (small.setting.batch_size, small.setting.rate) == (64, 0.1)
    assert small.do.startswith("Set the batch size to 64")
    assert advice.of_batches(found, StudySetting(0.2, 64), 80.0, 50.0).do == ""


@pytest.mark.parametrize(
    "evaluated, said",
    [
        ([3, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2], "fewer steps"),
        ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], "Train longer"),
        ([3, 2, 1, 1.5, 1.5, 1.5], ""),
        ([3, 2, 1.01, 1.01, 1.0], ""),
    ],
)
def test_the_place_of_the_best_step_says_how_long_to_train(evaluated, said):
    found = advice.of_length([run_of(evaluated)], 10)
    assert said in found.do
    assert bool(found.do) == bool(said)


def test_clipping_of_more_than_half_of_the_steps_is_too_much():
    base, norms = run_of([3, 1]), np.ones(100)
    found = advice.of_clipping(base, [run_of([3, 0.5], norms=norms, clip=0.5), run_of([3, 2], norms=norms, clip=0.5)])
    assert "too many" in found.why
    assert found.setting == base.setting
    helps = advice.of_clipping(base, [run_of([3, 0.5], norms=norms, clip=2.0)])
    assert helps.setting.clip == 2.0
    assert helps.do.startswith("Clip the gradient norm at 2")
    assert advice.of_clipping(base, [run_of([3, 0.99], norms=norms, clip=2.0)]).do == ""


def test_where_all_rates_diverge_that_is_said():
    found = advice.of_rates([diverged(0.1), diverged(0.01)], diverged(0.1), True)
    assert "All trainings with rates from 0.01 to 0.1 diverge" in found.why
    assert "preflight" in found.do


def test_of_several_rates_the_best_is_named_with_its_loss_and_the_given_one_beside_it():
    """The rate 1 had been called as good as any, beside a table in which others lose more than twice as much."""

    def of_rate_1(**losses):
        runs = {
            rate: run_of([3, loss], rate=rate) for rate, loss in zip((0.32, 1.0, 3.2), losses.values(), strict=True)
        }
        return advice.of_rates(list(runs.values()), runs[1.0], False)

    best = of_rate_1(lower=0.96, given=0.70, higher=2.28)
    assert (best.why, best.do) == ("Of 3 rates from 0.32 to 3.2, rate 1 has the lowest loss, 0.7.", "")
    near = of_rate_1(lower=0.69, given=0.70, higher=2.28)
    assert near.why.endswith("rate 0.32 has the lowest loss, 0.69. The given rate, 1, is within 3% of it, at 0.7.")
    assert (near.do, near.setting.rate) == ("", 1.0)
    worse = of_rate_1(lower=0.35, given=0.70, higher=2.28)
    assert worse.why.endswith("rate 0.32 has the lowest loss, 0.35. The given rate, 1, reached 0.7.")
    assert (worse.do, worse.setting.rate) == ("Set the learning rate to 0.32.", 0.32)


def test_twice_the_rate_that_learns_nothing_is_slow():
    usual, twice = (
        dataclasses.replace(run_of([1, 1]), losses=losses) for losses in (np.linspace(2, 1, 500), np.full(500, 2.0))
    )
    found, rise, is_slow = advice.of_stability(usual, twice, 500)
    assert is_slow
    assert rise.kind == "stable"
    assert "Study.warmup" in found.do
    assert advice.falls(usual.losses[:100], twice.losses) is None


def test_a_warmup_that_does_not_help_is_not_advised():
    base = run_of([3, 1])
    assert advice.of_warmup(base, run_of([3, 0.99], warmup=10), 10).do == ""
    helps = advice.of_warmup(base, run_of([3, 0.5], rate=0.3, warmup=10), 10)
    assert helps.do == "Warm up the rate to 0.3 over the first 10 steps."
    assert helps.setting.warmup == 10


def test_losses_next_to_each_other_are_equally_good():
    assert not advice.is_better(0.98, 1.0)
    assert advice.is_better(0.96, 1.0)
    assert advice.is_better(1e9, math.inf)
    assert not advice.is_better(math.inf, math.inf)
    assert advice.is_better(-1.1, -1.0)


# ---- trainings


def trainer(make=linear, epochs=2, batch_size=32):
    return Trainer(make, (X, Y), None, epochs, batch_size)


def test_a_training_of_a_study_is_that_of_fit():
    own = trainer()
    found = own.train(StudyTrial(StudySetting(0.05, 32), 512))
    model = linear()
    own.begin()
    model.set_weights(own.model.get_weights())
    rows = np.random.default_rng([0, 0]).permutation(512)
    history = [model.train_on_batch(X[rows[i : i + 32]], Y[rows[i : i + 32]]) for i in range(0, 512, 32)]
    np.testing.assert_allclose(found.losses, history, rtol=1e-5)
    assert found.evaluated_at.tolist() == list(range(17))
    assert found.cost == 0.5
    again = own.train(StudyTrial(StudySetting(0.05, 32), 512))
    np.testing.assert_array_equal(found.evaluated, again.evaluated)


def test_the_gradient_is_measured_and_clipped_also_by_optimizers_of_keras():
    def make():
        model = linear()
        model.compile(keras.optimizers.SGD(1.0), "mse")
        return model

    own = trainer(make)
    before = own.model.get_weights()
    found = own.train(StudyTrial(StudySetting(1.0, 512, clip=0.25), 512))
    moved = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(own.model.get_weights(), before, strict=True)))
    assert moved == pytest.approx(0.25, rel=1e-4)
    assert found.norms[0] > 1
    assert found.clipped == 1.0


@pytest.mark.slow
def test_a_warmup_and_the_schedule_of_the_model_make_the_rates():
    def make():
        model = linear()
        model.compile(keras.optimizers.SGD(keras.optimizers.schedules.PolynomialDecay(0.4, 32, 0.0)), "mse")
        return model

    own = trainer(make)
    assert own.given_rate == pytest.approx(0.4)
    rates = own.rates(StudySetting(0.8, 32, warmup=4), 32)
    assert rates[:4] == pytest.approx(0.8 * (1 - np.arange(4) / 32) * [0.25, 0.5, 0.75, 1], rel=1e-4)
    stretched = own.rates(StudySetting(0.8, 16), 64)
    assert stretched[32] == pytest.approx(0.4, rel=1e-4)


def test_a_training_ends_where_its_loss_is_not_finite():
    found = trainer().train(StudyTrial(StudySetting(1e6, 32), 1024))
    assert found.diverged
    assert found.best == math.inf
    assert found.steps < 32


# ---- studies


@pytest.mark.slow
def test_a_rate_that_is_far_too_low_is_raised_and_its_neighbours_are_worse():
    own = study(1e-4)
    found = own.rates()
    assert found.is_inside
    assert found.best.best < 0.6 < found.given.best
    assert found.do == f"Set the learning rate to {found.setting.rate:.3g}."
    assert own.rates().cost == 0.0, "all is known"
    assert own.rates().do == ""


@pytest.mark.slow
def test_on_a_healthy_training_a_study_says_so_and_stops(capsys):
    report = study(0.05, epochs=8, verbose=1).run()
    assert report.is_healthy, str(report)
    assert str(report).startswith("No change needed: no setting beats yours, rate 0.05, batch 32, by more than 3%.")
    assert len(report.runs) <= 5
    assert "warmup" not in [step.name for step in report.steps]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Training 1: rate 0.05, batch 32: best loss ")
    assert len(lines) == len(report.runs)


@pytest.mark.slow
def test_a_report_has_what_all_steps_have_found():
    own = study(0.05)
    own.rates(refine=False)
    own.duration()
    report = own.report
    assert [step.name for step in report.steps] == ["rates", "duration"]
    assert all(step.why in str(report) for step in report.steps)
    assert [run.best for run in report.best(2)] == sorted(run.best for run in report.runs)[:2]
    with pytest.raises(ValueError, match=r"`quantity`.*Received: quantity='x'"):
        report.plot(quantity="x")


@pytest.mark.slow
def test_a_training_that_diverges_at_once_is_one_of_many():
    found = study(50.0).rates(refine=False)
    assert found.given.diverged
    assert "The given rate, 50, diverged." in found.why
    assert "diverged at step" in str(found)
    assert found.setting.rate < 1


@pytest.mark.slow
def test_warmup_clipping_and_stability_alone():
    own = study(0.05, epochs=8)
    assert own.stability().rise.kind == "stable"
    warmup = own.warmup()
    assert warmup.do == ""
    clipping = own.clipping()
    assert 0.05 < clipping.runs[1].clipped < 0.25 or clipping.do == ""
    assert clipping.limit == pytest.approx(np.quantile(clipping.runs[0].norms, 0.9), rel=0.005)


@pytest.mark.slow
def test_batches_far_above_the_critical_size_are_made_smaller():
    own = study(0.05, batch_size=256, epochs=4)
    found = own.batch_sizes(start=0)
    assert found.branches[0].batch_size < 256
    assert found.setting.batch_size < 256
    assert found.critical < 256
    assert "Set the batch size to" in found.do
    assert found.noise_scale > 0
    assert str(own.report).startswith(f"Train with {found.setting}. ("), "which nobody has trained in full"


@pytest.mark.slow
def test_a_checkpoint_lies_in_the_training():
    for start, said in (("101%", "`start`"), (1000, r"which has 32 steps\. Received: start=1000"), (-1, "`start`")):
        with pytest.raises(ValueError, match=said):
            study(0.05).batch_sizes(start)


def until_killed(folder):
    """Study until the third training is half written."""
    replace, count = os.replace, 0

    def dying(*paths):
        nonlocal count
        count += 1
        if count == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*paths)

    os.replace = dying
    everything(folder)


def everything(folder):
    """Return what the report of a study says in the end, without times."""
    report = study(1e-3, directory=folder).run()
    return str(report)


@pytest.mark.slow
def test_a_study_that_is_killed_goes_on_and_ends_with_the_same_report(tmp_path, monkeypatch):
    whole = everything(None)

    process = PROCESSES.Process(target=until_killed, args=(tmp_path,))
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL
    kept = [name for name in os.listdir(tmp_path) if name.endswith(".npz")]
    assert len(kept) == 1 + 2
    trained = []
    train = Trainer.train
    monkeypatch.setattr(Trainer, "train", lambda *a, **k: trained.append(1) or train(*a, **k))
    assert everything(tmp_path) == whole
    again = len(trained)
    trained.clear()
    assert everything(tmp_path) == whole
    assert len(trained) < again


@pytest.mark.slow
def test_the_folder_of_another_study_and_a_damaged_file_are_refused(tmp_path):
    study(directory=tmp_path).duration()
    with pytest.raises(ValueError, match=r"belongs to another: it differs in epochs\. Received: directory="):
        study(directory=tmp_path, epochs=3)
    (tmp_path / "study.npz").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"`directory` holds what a study has written.* or delete it, and"):
        study(directory=tmp_path)


@pytest.mark.slow
def test_a_model_with_a_schedule_is_studied_too():
    def make(rate):
        model = linear()
        model.compile(optimizers.SGD(keras.optimizers.schedules.PolynomialDecay(rate, 32, 0.0)), "mse")
        return model

    own = study(make=make, epochs=1)
    assert own.duration().setting.rate == 0.05
    assert "Optimizer(learning_rate=schedule)  # your optimizer class and your schedule" in own.report.code
    halved = dataclasses.replace(own.report, setting=dataclasses.replace(own.report.setting, rate=0.025))
    assert "learning_rate=keras_ch8.schedules.ScaledSchedule(schedule, 0.5))" in halved.code


# ---- bad input


def test_a_factory_that_returns_one_shared_model_is_refused():
    one = linear()
    with pytest.raises(ValueError, match=r"`model_factory`.*Received: a factory that returns one shared model\."):
        choosing.Study(lambda: one, (X, Y))
    layer = keras.layers.Dense(1)

    def sharing():
        model = keras.Sequential([keras.Input((8,)), layer])
        model.compile("sgd", "mse")
        return model

    with pytest.raises(
        ValueError, match=r"`model_factory`.*Received: a factory that returns models that share weights"
    ):
        choosing.Study(sharing, (X, Y))


@pytest.mark.parametrize(
    "change, error, said",
    [
        ({"data": (X[:, :5], Y)}, ValueError, r"`data`.*so its shape must be.*Received"),
        ({"data": (X, Y[:7])}, ValueError, r"`data`.*one entry per example. Received: 512 in `x`, 7 in `y`"),
        ({"data": X}, TypeError, r"`data` must be arrays \(x, y\).*Received"),
        ({"validation_data": (X, Y[:7])}, ValueError, r"`validation_data`.*Received: 512 in `x`, 7 in `y`"),
        ({"validation_data": (X[:, :5], Y)}, ValueError, r"`validation_data`.*so its shape must be"),
        ({"batch_size": 513}, ValueError, r"`batch_size`.*at most .* in `data`, 512. Received: batch_size=513"),
        ({"data": (X * np.nan, Y)}, ValueError, r"The loss must be finite before the first step.*Received: `data`"),
        ({"make": lambda rate: keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])}, ValueError,
         r"`model_factory` must return a compiled model. Received"),
    ],
)  # fmt: skip
def test_what_no_study_can_be_made_of_is_refused_in_one_sentence(change, error, said):
    with pytest.raises(error, match=said):
        study(**change)


def test_an_optimizer_without_a_rate_is_refused():
    def make(rate):
        model = linear(rate)
        model.compile(optimizers.BFGS(), "mse")
        return model

    with pytest.raises(ValueError, match=r"an optimizer that has one\. Received: BFGS"):
        study(make=make)


@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_a_rate_is_lowered_until_it_does_not_diverge(loss):
    def branch(rate):
        return Branch(128, rate, math.inf, loss, 1e3) if rate > 0.3 else Branch(128, rate, 1e4, 1.0, 1e3)

    assert best_rate(branch, 1.0).rate <= 0.3


@pytest.mark.slow
def test_a_warmup_is_a_part_of_the_whole_training_also_where_that_diverges():
    own = study(50.0, epochs=8)
    runs = own.warmup().runs
    assert runs[0].diverged
    assert max(run.setting.warmup for run in runs) == round(0.1 * own._trainer.steps(own._setting.batch_size))
