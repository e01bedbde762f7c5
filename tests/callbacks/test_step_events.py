"""Events of single steps: each told once, whatever the sizes of the chunks in which the rows come."""

import dataclasses

import numpy as np
import pytest

from keras_ch8.callbacks.board import StepEvents
from keras_ch8.extend import Frame


def frame(norm, clipped=None, rate=None):
    steps = np.arange(1, len(norm) + 1)
    none = np.zeros(0)
    return Frame(
        steps=steps,
        learning_rate=np.full(len(norm), 0.1) if rate is None else np.asarray(rate, float),
        loss=None,
        norm=np.asarray(norm, float),
        clipped=np.asarray(norm if clipped is None else clipped, float),
        nonfinite=np.zeros(len(norm)),
        measured=none,
        update=none,
        rates=np.zeros((0, 3)),
    )


def told(whole, chunk, prefix=""):
    """Return the events of a frame whose rows come so many at a time."""
    events, finder = [], StepEvents(prefix)
    fields = ("steps", "learning_rate", "norm", "clipped", "nonfinite")
    for start in range(0, len(whole.steps), chunk):
        part = {name: getattr(whole, name)[start : start + chunk] for name in fields}
        events += finder.add(dataclasses.replace(whole, **part))
    return [(event.kind, event.step, event.text) for event in (*events, *finder.end())]


def places(events, kind):
    return [step for of, step, _ in events if of == kind]


CHUNKS = pytest.mark.parametrize("chunk", [1, 7, 100, 500, 10_000])


@CHUNKS
def test_a_healthy_run_has_no_events(chunk):
    random = np.random.default_rng(0)
    norms = np.exp(-np.arange(2000) / 400) * random.lognormal(sigma=0.4, size=2000)
    assert told(frame(norms), chunk) == []


@CHUNKS
def test_each_spike_is_one_event_at_its_step(chunk):
    norms = np.random.default_rng(1).lognormal(sigma=0.3, size=1500)
    norms[[300, 301, 302, 700, 1400]] = 50, 60, 40, 500, 30
    events = told(frame(norms), chunk)
    assert places(events, "spike") == [301, 701, 1401]
    assert len(events) == 3
    assert all("times the median of the steps before." in text for _, _, text in events)


def test_a_gradient_that_shrinks_to_nothing_has_no_spikes():
    random = np.random.default_rng(2)
    norms = np.exp(-np.arange(3000) / 150) * random.lognormal(sigma=1.0, size=3000)
    assert [step for step in places(told(frame(norms), 500), "spike") if step > 500] == []


@CHUNKS
def test_clipping_is_told_at_its_first_step_and_counted_at_the_end(chunk):
    norms = np.linspace(1, 2, 1000)
    events = told(frame(norms, clipped=np.minimum(norms, 1.5)), chunk)
    first = int(np.flatnonzero(np.minimum(norms, 1.5) < norms * (1 - 1e-5))[0]) + 1
    assert events == [
        ("clip", first, "The gradient is clipped for the first time, from a norm of 1.5 to 1.5."),
        ("clip", 1000, "Clipping acted at 50 % of the steps."),
    ]


@CHUNKS
def test_what_is_not_finite_is_told_once_and_counted_at_the_end(chunk):
    norms = np.ones(1000)
    norms[[100, 101, 600]] = np.nan, np.inf, np.nan
    events = told(frame(norms), chunk)
    assert [(kind, step) for kind, step, _ in events] == [("nonfinite", 101), ("nonfinite", 1000)]
    assert events[-1][2] == "The gradient was infinite or NaN in 3 steps."


@CHUNKS
@pytest.mark.parametrize(
    "rate, steps",
    [
        (np.repeat([0.1, 0.01, 0.001], 200), [201, 401]),
        (np.linspace(0.1, 0.0, 600), []),
        (0.1 * 0.999 ** np.arange(600), []),
        (np.concatenate([np.linspace(0.0, 0.1, 300), np.full(300, 0.1)]), []),
        (np.repeat(0.1 * 0.95 ** np.arange(60), 10), []),
        (np.full(600, np.nan), []),
        (np.concatenate([np.full(300, 0.01), np.full(300, 0.1)]), [301]),
    ],
    ids=["steps", "linear", "exponential", "warmup", "small steps", "none", "rise"],
)
def test_a_sudden_change_of_the_rate_is_an_event_and_a_schedule_is_none(chunk, rate, steps):
    events = told(frame(np.ones(600), rate=rate), chunk)
    assert places(events, "rate") == steps
    assert len(events) == len(steps)


def test_the_texts_say_whose_they_are():
    rate = np.repeat([0.1, 0.01], 20)
    ((_, _, text),) = told(frame(np.ones(40), rate=rate), 100, "`d_optimizer`: ")
    assert text == "`d_optimizer`: The learning rate falls from 0.1 to 0.01."
