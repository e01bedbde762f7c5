"""A curriculum beside its controls: fair runs, and a word on chance that is right."""

import functools
import random

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, choosing, curriculum, data, optimizers
from keras_ch8.choosing._compare_curricula import CurriculumComparison, verdict
from keras_ch8.choosing._numbers import paired_test

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 3)).astype("float32")
Y = (X @ [[1.0], [2.0], [-1.0]]).astype("float32")
DIFFICULTY = np.abs(X[:, 0])
NOISE = np.array([0.01, -0.02, 0.015, 0.0, -0.005])
HARDER = np.array([0.3, 0.1, 0.2, 0.4, 0.25])
"""What the seeds have in common."""


@functools.cache
def traced():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizers.SGD(0.05), "mse")
    return model


def build():
    """Return a model as new, whose start the seed decides; its step is traced once for all tests."""
    kernel = np.array([[random.gauss()] for _ in range(3)])
    model = traced()
    model.set_weights([kernel, np.zeros(1)])
    model.optimizer.iterations.assign(0)
    return model


def of(metric="loss", lower=True, **values):
    return CurriculumComparison(metric, lower, tuple(values), np.array(list(values.values())))


def compare(**options):
    options = {"epochs": 2, "seeds": 2, "orders": ("none", "easy"), "verbose": 0} | options
    given = options.pop("data", (X, Y))
    return choosing.compare_curricula(build, given, DIFFICULTY, (X, Y), **options)


def test_mean_and_standard_error_are_by_hand():
    found = of(none=[1.0, 2.0, 6.0], easy=[0.0, 2.0, 1.0])
    np.testing.assert_allclose(found.mean, [3, 1])
    np.testing.assert_allclose(found.standard_error, [np.sqrt(7 / 3), np.sqrt(1 / 3)])
    assert str(found).splitlines()[1:4] == [
        "  order  mean loss of 3 seeds (lower is better)  standard error",
        "> none                                        3           1.528",
        "  easy                                        1          0.5774",
    ]


@pytest.mark.parametrize("lower", [True, False])
def test_a_gain_is_above_0_where_it_is_better(lower):
    found = of(lower=lower, none=HARDER, easy=HARDER - 0.1 + NOISE)
    assert found.gain("easy").difference == pytest.approx(0.1 if lower else -0.1)
    assert found.gain("easy").is_significant
    assert found.gain("none", "easy").difference == pytest.approx(-found.gain("easy").difference)


GOOD = HARDER - 0.1 + NOISE
CONCLUSIONS = {
    "the order": (GOOD, HARDER, "The curriculum helps because of its order: easy first also beats random order."),
    "the pacing": (
        GOOD,
        GOOD + NOISE,
        "The curriculum helps, but perhaps only by its pacing: the gain over random order is not",
    ),
    "nothing": (HARDER + NOISE, HARDER, "The curriculum makes no significant difference."),
    "harm": (HARDER + 0.1 + NOISE, HARDER, "The curriculum hurts: no curriculum is significantly better than easy"),
}


@pytest.mark.parametrize("easy, random, conclusion", CONCLUSIONS.values(), ids=CONCLUSIONS)
def test_the_conclusion_needs_both_controls(easy, random, conclusion):
    found = of(none=HARDER, easy=easy, hard=HARDER - NOISE, random=random)
    assert found.sentences[-1].startswith(conclusion)
    assert len(found.sentences) == 5


def test_a_sentence_has_the_interval_and_says_when_it_is_not_significant():
    found = of(none=HARDER, easy=HARDER - 0.1 + NOISE, random=HARDER - NOISE)
    easy, random = found.gain("easy"), found.gain("random")
    assert found.sentences[0] == (
        f"easy over none: gain 0.1, 95 % interval {0.1 - easy.margin:.3g} to {0.1 + easy.margin:.3g}, "
        f"p = {easy.p:.2g}: significant"
    )
    assert found.sentences[1].endswith(f"p = {random.p:.2g}: not significant")
    assert found.sentences[2].startswith("easy over random: gain 0.1")


def test_where_nothing_helps_it_says_so_in_at_least_95_of_100_cases():
    rng, trials = np.random.default_rng(0), 2000
    said = []
    for _ in range(trials):
        none, easy, random = rng.normal(size=(3, 5)) + 3 * rng.normal(size=5)
        said.append("helps" in verdict(paired_test(none, easy), paired_test(random, easy)))
    assert np.mean(said) < 0.025 + 4 * np.sqrt(0.025 / trials)  # of the 5 % that are significant, half are losses


def test_without_a_control_there_is_no_conclusion():
    assert len(of(none=HARDER, easy=GOOD).sentences) == 1
    assert of(easy=HARDER, hard=GOOD).sentences == []


@pytest.mark.slow
def test_each_run_is_that_of_its_seed_what_is_found_is_printed_and_the_source_is_put_back(capsys):
    source = data.ArraySource(X, Y, batch_size=8, seed=77)
    source.seek(3, 1)
    found = compare(data=source, pacing="root", start=0.5, until="100%", mix=0.0, verbose=1)
    assert capsys.readouterr().out == f"{found}\n"
    assert [line[2:6] for line in str(found).splitlines()[1:]] == ["orde", "none", "easy"]
    assert str(found).startswith("easy over none: gain ")
    assert (source.seed, source.epoch, source.step) == (77, 3, 1)
    for order, seed in ((0, 0), (1, 1)):
        keras.utils.set_random_seed(seed)
        model, own = build(), data.ArraySource(X, Y, batch_size=8, seed=seed)
        easy_first = callbacks.Curriculum(own, DIFFICULTY, curriculum.pacings.Root(start=0.5), until="100%", mix=0)
        model.fit(own, epochs=2, callbacks=[easy_first] * order, verbose=0)
        assert found.values[order, seed] == model.evaluate(X, Y, verbose=0)


def test_a_metric_that_nobody_reports_is_an_error():
    with pytest.raises(ValueError, match=r"`metric` .*Received: metric='accuracy'\. Reported: loss\."):
        compare(metric="accuracy", epochs=1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"seeds": 1}, r"`seeds` .*Received: seeds=1\. Try seeds=5 for 0 to 4\."),
        ({"seeds": (3, 3)}, r"`seeds` .*at least 2 that differ.*Received: seeds=\(3, 3\)\."),
        ({"epochs": 0}, r"`epochs` .*Received: epochs=0\. Try 10\."),
        ({"orders": ("none", "eazy")}, r"`orders` .*Received: orders='eazy'"),
        ({"mode": "least"}, r"`mode` .*Received: mode='least'"),
        ({"until": "half", "orders": ("easy",)}, r"`until` .*Received: until='half'"),
    ],
    ids=["seeds", "twice the same", "epochs", "orders", "mode", "until"],
)
def test_a_bad_argument_is_an_error(options, message):
    with pytest.raises(ValueError, match=message):
        compare(**options)


@pytest.mark.slow
def test_validation_data_may_be_a_list():
    few = {"epochs": 1, "orders": ("none",)}
    found = choosing.compare_curricula(build, (X, Y), DIFFICULTY, [X, Y], seeds=2, verbose=0, **few)
    np.testing.assert_array_equal(found.values, compare(**few).values)
