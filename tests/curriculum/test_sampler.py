"""The epochs of a curriculum: what is drawn when, and that in the end they are the ordinary ones."""

import numpy as np

from keras_ch8 import curriculum
from tests.oracles.curriculum import sampling_weights

STEPS, PLACES = 12, 5
COUNT = STEPS * PLACES
DIFFICULTY = np.random.default_rng(0).permutation(COUNT) * 1.0
LATER = 400
"""Epochs over which frequencies are counted."""


class Ordinary:
    """Every example once an epoch; the last batch has two places without one, if asked."""

    def __init__(self, padded=False):
        self.padded = padded

    def plan(self, epoch):
        indices = np.random.default_rng([7, epoch]).permutation(COUNT).reshape(STEPS, PLACES)
        if self.padded:
            indices[-1, -2:] = -1
        return indices


def sampler(pacing=None, ordinary=None, difficulty=DIFFICULTY, **options):
    options = {"until": 3 * STEPS} | options
    pacing = curriculum.pacings.Linear(0.25) if pacing is None else pacing
    return curriculum.CurriculumSampler(ordinary or Ordinary(), difficulty, pacing, **options)


def share_drawn(sampler, epoch):
    """Return the share of the examples that are as easy as the hardest one of each batch."""
    ranks = np.argsort(np.argsort(DIFFICULTY))
    return (ranks[sampler.plan(epoch)].max(axis=1) + 1) / COUNT


def test_a_batch_has_none_but_the_first_examples_and_none_twice():
    made = sampler()
    for epoch in range(3):
        u = (epoch * STEPS + np.arange(STEPS)) / (3 * STEPS)
        assert (share_drawn(made, epoch) <= np.ceil((0.25 + 0.75 * u) * COUNT) / COUNT).all()
        assert all(len(set(row)) == PLACES for row in made.plan(epoch))


def test_all_of_the_first_examples_are_drawn_alike():
    made = sampler(curriculum.pacings.Step(1.0, 0.25), until=LATER * STEPS)
    drawn = np.concatenate([made.plan(epoch).ravel() for epoch in range(LATER)])
    counts, first = np.bincount(drawn, minlength=COUNT), DIFFICULTY < COUNT / 4
    assert not counts[~first].any()
    expected = LATER * COUNT / 15
    assert np.abs(counts[first] / expected - 1).max() < 5 / np.sqrt(expected)


def test_draws_are_in_proportion_to_the_weights_of_bengio():
    made = sampler(curriculum.pacings.Step(1.0, 0.25), until=LATER * STEPS, mix=0.3)
    drawn = np.concatenate([made.plan(epoch).ravel() for epoch in range(LATER)])
    weights = sampling_weights(DIFFICULTY, 0.25, 0.3)
    expected = len(drawn) * weights / weights.sum()
    assert (np.abs(np.bincount(drawn, minlength=COUNT) - expected) < 5 * np.sqrt(expected)).all()


def test_from_the_step_on_at_which_all_are_in_the_batches_are_the_ordinary_ones_to_the_example():
    made, until = sampler(until=20, mix=0.2), 20
    ordinary = np.concatenate([Ordinary().plan(epoch) for epoch in range(3)])
    plans = np.concatenate([made.plan(epoch) for epoch in range(3)])
    np.testing.assert_array_equal(plans[until:], ordinary[until:])
    assert (plans[:until] != ordinary[:until]).any(axis=1).all()


def test_a_change_falls_at_the_step_at_which_it_is_due():
    made = sampler(curriculum.pacings.Step(0.5, 0.25), until=34)
    shares = np.concatenate([share_drawn(made, epoch) for epoch in range(3)])
    assert (shares[:17] <= 0.25).all()
    ordinary = np.concatenate([Ordinary().plan(epoch) for epoch in range(3)])
    np.testing.assert_array_equal(made.plan(1)[5:], ordinary[17:24])
    assert not (made.plan(1)[4] == ordinary[16]).all()


def test_an_epoch_without_a_curriculum_is_the_ordinary_one():
    np.testing.assert_array_equal(sampler().plan(3), Ordinary().plan(3))


def test_a_plan_is_a_function_of_the_epoch_and_of_the_settings():
    made = sampler(mix=0.1)
    first = [made.plan(epoch) for epoch in (0, 1, 2)]
    again = [sampler(mix=0.1).plan(epoch) for epoch in (2, 1, 0)][::-1]
    np.testing.assert_array_equal(first, again)
    assert (made.plan(0) == first[0]).all()
    assert not (sampler(mix=0.1, seed=1).plan(0) == first[0]).all()
    assert not (first[0] == first[1]).all()


def test_it_begins_with_the_epoch_of_the_source_at_which_the_training_did():
    late = sampler(first=5)
    assert (share_drawn(late, 5) <= 0.5).all()
    np.testing.assert_array_equal(late.plan(8), Ordinary().plan(8))


def test_hard_examples_first_is_the_order_reversed():
    made = sampler(curriculum.pacings.Step(1.0, 0.25), order="hard")
    assert (DIFFICULTY[made.plan(0)] >= COUNT * 3 / 4).all()


def test_random_order_has_the_same_pacing_and_no_sense():
    made = sampler(curriculum.pacings.Step(1.0, 0.25), order="random", until=LATER * STEPS)
    drawn = set(np.concatenate([made.plan(epoch).ravel() for epoch in range(20)]).tolist())
    assert len(drawn) == COUNT / 4
    shares = np.sort(DIFFICULTY[list(drawn)]) / COUNT
    assert shares[0] < 0.25
    assert shares[-1] > 0.75
    other = sampler(curriculum.pacings.Step(1.0, 0.25), order="random", seed=1)
    assert not set(other.plan(0).ravel().tolist()) <= drawn


def test_among_equals_the_seed_decides():
    made = [sampler(curriculum.pacings.Step(1.0, 0.25), difficulty=np.zeros(COUNT), seed=seed) for seed in (0, 0, 1)]
    drawn = [set(m.plan(0).ravel().tolist()) for m in made]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) <= 15


def test_new_numbers_order_the_examples_anew_from_the_next_plan_on():
    made = sampler(curriculum.pacings.Step(1.0, 0.25))
    made.plan(0)
    made.rank(-DIFFICULTY)
    assert (DIFFICULTY[made.plan(0)] >= COUNT * 3 / 4).all()


def test_random_order_changes_slowly_where_the_numbers_do():
    made = sampler(curriculum.pacings.Step(1.0, 0.25), order="random", until=LATER * STEPS)
    before = set(np.concatenate([made.plan(epoch).ravel() for epoch in range(9)]).tolist())
    made.rank(DIFFICULTY + 0.25)
    assert set(np.concatenate([made.plan(epoch).ravel() for epoch in range(9)]).tolist()) == before


def test_one_pass_draws_from_the_newest_bucket_alone_and_stays_with_the_last():
    made = sampler(curriculum.pacings.OnePass(3), until=3 * STEPS)
    for epoch, bucket in ((0, 0), (1, 1), (2, 2), (3, 2), (9, 2)):
        drawn = DIFFICULTY[made.plan(epoch)]
        assert ((drawn >= 20 * bucket) & (drawn < 20 * (bucket + 1))).all()


def test_a_batch_is_full_of_different_examples_even_where_the_share_is_smaller():
    made = sampler(curriculum.pacings.Step(1.0, 0.01))
    assert all(sorted(DIFFICULTY[row]) == [0, 1, 2, 3, 4] for row in made.plan(0))


def test_places_without_an_example_stay_without():
    made = sampler(ordinary=Ordinary(padded=True), mix=0.1)
    plan = made.plan(0)
    np.testing.assert_array_equal(plan < 0, Ordinary(padded=True).plan(0) < 0)


def test_among_equal_losses_any_may_be_drawn():
    plan = sampler(curriculum.pacings.Step(1.0, 0.25), difficulty=np.zeros(COUNT), until=LATER * STEPS).plan(0)
    assert not (plan == Ordinary().plan(0)).all()
    assert len(np.unique(DIFFICULTY[plan])) > PLACES
