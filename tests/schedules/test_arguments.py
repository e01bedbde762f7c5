"""The limits of the arguments of a schedule, and what a length of time can be."""

import keras
import numpy as np
import pytest

from keras_ch8._duration import duration
from keras_ch8.extend import Clock, Schedule
from keras_ch8.schedules import (
    CosineDecayRestarts,
    CyclicalLearningRate,
    LinearDecay,
    OneCycle,
    PolynomialDecay,
    ScaledSchedule,
    SequentialSchedule,
    Warmup,
    WarmupStableDecay,
)

OLD = type("PolynomialDecay", (), {"__module__": "tf_keras.src.optimizers.schedules"})
REFUSED = [
    (lambda: LinearDecay(0.1, "101%"), "decay_steps='101%'"),
    (lambda: LinearDecay(0.1, "10s"), "decay_steps='10s'"),
    (lambda: ScaledSchedule(OLD()), "an object of Keras 2"),
]


@pytest.mark.parametrize("make, received", REFUSED)
def test_beyond_them_they_are_refused(make, received):
    with pytest.raises((ValueError, TypeError), match=f"Received: {received}"):
        make()


CLOCK = Clock(steps_per_epoch=10.0, batches_per_step=4.0, steps=200.0)


@pytest.mark.parametrize("word, steps", [("2ep", 20.0), ("80ba", 20.0), ("10%", 20.0), ("200ep", 2000.0), (20, 20.0)])
def test_a_length_of_time_in_steps(word, steps):
    schedule = Warmup(1.0, word)
    assert schedule.is_relative == isinstance(word, str)
    schedule.resolve(CLOCK)
    assert float(schedule(steps / 4)) == pytest.approx(0.25)
    assert float(schedule(steps)) == 1.0
    schedule.resolve(CLOCK._replace(steps_per_epoch=20.0, batches_per_step=2.0, steps=400.0))
    assert float(schedule(steps / 4)) == pytest.approx(0.125 if isinstance(word, str) else 0.25)


def test_a_schedule_of_others_is_resolved_with_them():
    relative, fixed = LinearDecay(1.0, "1ep", 0.0), LinearDecay(1.0, 10, 0.0)
    assert ScaledSchedule(relative).is_relative
    assert not ScaledSchedule(fixed).is_relative
    assert not SequentialSchedule([fixed, fixed], [10]).is_relative
    for schedule in (SequentialSchedule([fixed, relative], [10]), SequentialSchedule([fixed, fixed], ["1ep"])):
        assert schedule.is_relative
        schedule.resolve(CLOCK)
        assert [float(schedule(k)) for k in (5, 10, 15)] == pytest.approx([0.5, 1.0, 0.5])


LENGTHS = {
    "CosineDecayRestarts": (CosineDecayRestarts(1.0, "2ep"), CosineDecayRestarts(1.0, 20)),
    "PolynomialDecay": (PolynomialDecay(1.0, "10%"), PolynomialDecay(1.0, 20)),
    "CyclicalLearningRate": (CyclicalLearningRate(0.1, 1.0, "80ba"), CyclicalLearningRate(0.1, 1.0, 20)),
    "WarmupStableDecay": (WarmupStableDecay(1.0, "30%", "70%"), WarmupStableDecay(1.0, 60, 140, 200)),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_in_epochs_batches_and_percent_are_those_in_steps(name):
    relative, in_steps = LENGTHS[name]
    relative.resolve(CLOCK)
    np.testing.assert_array_equal([relative(k) for k in range(0, 210, 7)], [in_steps(k) for k in range(0, 210, 7)])


def test_warmup_and_decay_that_are_too_long_are_found_in_fit_too():
    schedule = WarmupStableDecay(0.1, "15ep")
    with pytest.raises(ValueError, match=r"Received: warmup_steps='15ep'.*which are 150, 16 and 160 steps"):
        schedule.resolve(CLOCK._replace(steps=160.0))


def test_boundaries_that_are_known_in_fit_only_must_rise_too():
    schedule = SequentialSchedule([Warmup(0.1, 1)] * 3, ["2ep", 20])
    with pytest.raises(
        ValueError, match=r"must increase, .*\. Received: boundaries=\['2ep', 20\], which are the steps \[20.0"
    ):
        schedule.resolve(CLOCK)


def test_a_name_of_one_s_own_is_kept():
    for schedule in (Warmup(0.1, 10, name="mine"), ScaledSchedule(Warmup(0.1, 10), name="mine")):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
        assert again.name == "mine"


class Halves(Schedule):
    """A rate that halves in each of its lengths, all of which are durations."""

    arguments = durations = ("length",)

    def __init__(self, length, name=None):
        super().__init__(name, length=length)

    def rate(self, k):
        return 0.5 ** (k / self.steps("length"))


def subclass(arguments, durations, received):
    """Return a subclass of `Halves` that hands these arguments to `Schedule.__init__`."""

    def __init__(self):
        Schedule.__init__(self, None, **dict.fromkeys(received, 10))

    return type("Mine", (Halves,), {"arguments": arguments, "durations": durations, "__init__": __init__})


@pytest.mark.parametrize("arguments, durations, received", [
    (("length", "other"), ("length",), ("length",)),  # one that is not handed on
    (("length",), ("length",), ("length", "other")),  # one that is not named
    (("other",), ("length",), ("other",)),  # a duration that is no argument
    (("length",), ("length", "other"), ("length",)),
])  # fmt: skip
def test_a_subclass_whose_names_differ_would_not_be_saved_and_is_refused(arguments, durations, received):
    with pytest.raises(TypeError, match=r"must hand all of its `arguments` .* Received: .*Write the same names in all"):
        subclass(arguments, durations, received)()


def test_a_subclass_hands_on_its_names_all_of_which_may_be_durations():
    schedule = Halves("2ep")
    schedule.resolve(CLOCK)
    assert [float(schedule(k)) for k in (0, 20, 40)] == [1.0, 0.5, 0.25]
    assert schedule.get_config() == {"length": "2ep", "name": "Halves"}
    assert float(subclass(("length", "other"), ("length",), ("length", "other"))()(10)) == 0.5


def test_a_subclass_without_a_rate_is_refused():
    with pytest.raises(TypeError, match=r"`NoRate` must define `rate`.*Write a method `rate\(self, k\)`"):
        type("NoRate", (Schedule,), {})()


def test_a_length_in_steps_is_that_many_whatever_the_training():
    assert duration("decay_steps", 7).steps(CLOCK) == duration("decay_steps", "7st").steps(CLOCK) == 7.0


@pytest.mark.parametrize(
    "length, steps, batches",
    [
        (7, None, 7),
        ("7st", 10, 7),
        ("3ba", None, 3),
        ("2ep", 10, 20),
        ("2ep", None, None),
        ("5%", 10, 2),
        ("1%", 10, 1),
    ],
)
def test_a_length_in_batches_is_known_where_that_of_an_epoch_is_or_is_not_needed(length, steps, batches):
    assert duration("every", length).batches(steps, 4) == batches


@pytest.mark.parametrize("rise", [0.25, 0.3])
def test_the_rate_of_one_cycle_is_largest_where_it_stops_rising(rise):
    schedule = OneCycle(0.7, 10, rise)
    assert float(schedule(10 * rise)) == float(np.float32(0.7))
    assert max(float(schedule(10 * rise + aside)) for aside in (-0.1, 0.1)) < np.float32(0.7)
