"""Properties of whatever is drawn: states come back, and what is cut into parts is the same as in one piece."""

import collections
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ch8 import data, extend
from keras_ch8._state import dump, fault, load
from keras_ch8.board.record import Event, HeatMap, Record
from keras_ch8.board.tags import FLOW_GRADIENT, GRADIENT_NORM, LEARNING_RATE
from keras_ch8.board.window import Windows
from keras_ch8.extend import Claim
from keras_ch8.verdicts.verdict import LEVELS, VerdictTracker
from tests.faults.resuming import assert_same, kept

few = settings(max_examples=10, deadline=None, derandomize=True, database=None)
numbers = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=5)
arrays = st.lists(numbers, max_size=4).map(np.array)
values = st.recursive(
    leaves | arrays | st.just(Event(3, "stop", "why")) | st.just(np.float32(0.1)) | st.just(LEARNING_RATE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.lists(inner, max_size=3).map(lambda some: collections.deque(some, maxlen=3))
    ),
    max_leaves=8,
)


@pytest.mark.slow
@few
@given(values)
def test_whatever_a_callback_remembers_comes_back_from_plain_data(value):
    found = load(kept({"value": dump(value)})["value"])
    assert type(found) is type(value)
    assert_same(found, value)


@pytest.mark.parametrize(
    "path", ["os:system", "builtins:eval", "subprocess:Popen", "keras_ch8.board.tags:describe", "x"]
)
def test_plain_data_that_name_something_else_than_a_dataclass_of_the_package_run_nothing(path):
    with pytest.raises(ValueError, match="names no dataclass"):
        load({"kind of keras_ch8": "object", "class": path, "fields": {}})


types = {"a": int, "b": list[float], "c": dict[str, np.ndarray] | None, "d": Event}
good = {"a": 1, "b": [0.5, 2], "c": {"x": np.zeros(2)}, "d": Event(1, "stop", "why")}


@few
@given(st.sampled_from(["a", "b", "c", "d"]), values)
def test_a_state_is_taken_if_it_fits_and_refused_with_what_came_if_not(name, value):
    fits = {
        "a": type(value) is int,
        "b": type(value) is list and all(type(each) in (int, float, np.float32) for each in value),
        "c": value is None
        or (type(value) is dict and all(isinstance(k, str) and isinstance(v, np.ndarray) for k, v in value.items())),
        "d": isinstance(value, Event),
    }[name]
    found = load(dump(good | {name: value}))
    if fits:
        assert fault(found, types) == ""
        assert_same(found, good | {name: value})
    else:
        assert re.match(r"it\['[abcd]'\]", fault(found, types))


@few
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 7), st.integers(1, 60))
def test_windows_of_a_run_that_was_interrupted_are_those_of_one_that_was_not(sizes, cut, total):
    def written(interrupted):
        windows, points, step = Windows(total, points=7), [], 0
        for i, size in enumerate(sizes):
            if interrupted and i == cut:
                windows = load(kept(dump(windows)))
            steps = np.arange(step + 1, step + size + 1)
            points += windows.add({GRADIENT_NORM: (steps, np.sin(steps)), LEARNING_RATE: (steps, 1.0 / steps)})
            step += size
        return points + windows.flush()

    assert written(interrupted=True) == written(interrupted=False)


claims = st.builds(
    Claim, st.sampled_from(["cliff", "bad_scale", "plateau"]), st.sampled_from(LEVELS), st.text(max_size=5),
    proven=st.booleans(),
)  # fmt: skip


@few
@given(st.lists(st.tuples(claims, st.sampled_from(["one", "other"])), min_size=1, max_size=12), st.integers(0, 11))
def test_verdicts_of_a_training_that_was_interrupted_are_those_of_one_that_was_not(said, cut):
    def verdicts(interrupted):
        tracker, found = VerdictTracker(), []
        for step, (claim, source) in enumerate(said):
            if interrupted and step == cut:
                tracker = load(kept(dump(tracker)))
            found.append([tracker.update(step, [claim], source), tracker.verdicts])
        return found

    assert verdicts(interrupted=True) == verdicts(interrupted=False)


@few
@given(st.lists(st.integers(0, 300), max_size=150), st.integers(0, 149))
def test_a_record_of_a_run_that_was_interrupted_has_its_events_and_heat_maps(steps, cut):
    def record(interrupted):
        made, heat_map = Record(), HeatMap.of(FLOW_GRADIENT, ["a", "b"])
        for i, step in enumerate(steps):
            if interrupted and i == cut:
                made = load(kept(dump(made)))
                heat_map = made.heat_map(FLOW_GRADIENT) or HeatMap.of(FLOW_GRADIENT, ["a", "b"])
            made.events.add(Event(step, "rate", "text"))
            made.add_column(heat_map, step, np.array([step, 1.0]))
        made.begun = 0.0
        return dump(made)

    assert_same(record(interrupted=True), record(interrupted=False))


@few
@given(st.lists(st.dictionaries(st.sampled_from(["loss", "val_loss"]), st.floats(width=32), max_size=2), max_size=6))
def test_epochs_come_back(logs):
    past = extend.EpochHistory("loss", {"loss": "min"})
    for epoch, each in enumerate(logs):
        past = past.after(epoch, each, float(epoch))
    assert_same(vars(load(kept(dump(past)))), vars(past))


@few
@given(st.integers(1, 40), st.integers(1, 7), st.integers(0, 9), st.integers(0, 5), st.integers(0, 6),
       st.sampled_from(["keep", "wrap"]))  # fmt: skip
def test_a_source_that_goes_on_from_its_state_has_the_rest_of_the_batches(count, size, seed, epoch, step, last_batch):
    def source(seed):
        return data.ArraySource(np.arange(count), np.arange(count), None, size, seed=seed, last_batch=last_batch)

    one, other = source(seed), source(seed + 1)
    one.seek(epoch, min(step, one.steps))
    other.set_state(kept(one.get_state()))
    assert other.get_state() == one.get_state()
    rests = [[x.tolist() for x, _, _ in s.batches(s.epoch, s.step)] for s in (one, other)]
    assert rests[0] == rests[1]
    if step == 0 and last_batch == "keep":
        assert sorted(itertools.chain(*rests[0])) == list(range(count))
