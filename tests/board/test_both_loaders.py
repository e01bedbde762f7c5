"""What TensorBoard's two loaders, as they are by default, read of what was written."""

import math
from types import MappingProxyType

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from keras_ch8.board import tags
from keras_ch8.board.window import Windows
from keras_ch8.board.writer import RunWriter
from tests.board.readers import LOADERS

POINT = MappingProxyType({tags.LEARNING_RATE.name: 0.1})


@pytest.fixture(params=LOADERS)
def loader(request):
    return request.param


def write(log_dir, first, last):
    writer = RunWriter.open(str(log_dir), first)
    for step in range(first, last + 1):
        writer.scalars(step, POINT)
    writer.close()
    return writer


def test_every_spike_of_one_step_is_seen(tmp_path, loader):
    random, windows = np.random.default_rng(8), Windows(20_000)
    steps, norms = np.arange(1, 20_001), random.lognormal(size=20_000)
    places = windows.width * random.choice(20_000 // windows.width, 20, replace=False)
    places += random.integers(windows.width, size=20)  # one in a window at most
    norms[places] = 1000 + np.arange(20)  # each can be told from the others
    writer = RunWriter.open(str(tmp_path / "logs"), 1)
    for part in np.split(np.arange(20_000), 200):
        for step, values in windows.add({tags.GRADIENT_NORM: (steps[part], norms[part])}):
            writer.scalars(step, values)
    for step, values in windows.flush():
        writer.scalars(step, values)
    writer.close()
    with loader(tmp_path / "logs") as board:
        drawn, edges = board.scalars(), board.edges()
    assert set(drawn) == {tags.GRADIENT_NORM.name}
    assert set(edges) == {tags.GRADIENT_NORM.low, tags.GRADIENT_NORM.high}
    for points in (drawn | edges).values():
        assert 800 < len(points) <= 1000
        assert (np.diff([step for step, _ in points]) > 0).all()
    assert sorted(value for _, value in edges[tags.GRADIENT_NORM.high] if value >= 1000) == [*range(1000, 1020)]


def test_a_second_fit_goes_on_and_nothing_is_lost(tmp_path, loader):
    for first, last in ((1, 300), (301, 400)):
        assert write(tmp_path / "logs", first, last).folder.endswith("optimization")
    with loader(tmp_path / "logs") as board:
        assert board.runs() == {"optimization"}
        assert board.steps(tags.LEARNING_RATE.name) == [*range(1, 401)]


def test_a_run_that_starts_again_leaves_the_first_as_it_is(tmp_path, loader):
    write(tmp_path / "logs", 1, 300)
    write(tmp_path / "logs", 1, 100)
    with loader(tmp_path / "logs") as board:
        assert board.steps(tags.LEARNING_RATE.name) == [*range(1, 301)]
        assert board.steps(tags.LEARNING_RATE.name, "optimization_2") == [*range(1, 101)]


def test_what_keras_writes_beside_it_loses_nothing(tmp_path, loader):
    keras_writer = tf.summary.create_file_writer(str(tmp_path / "logs" / "train"))
    ours = RunWriter.open(str(tmp_path / "logs"), 1)
    other = EventFileWriter(str(tmp_path / "logs" / "validation"))
    for step in range(1, 201):
        ours.scalars(step, POINT)
        with keras_writer.as_default():
            tf.summary.scalar("batch_loss", 1 / step, step=step)
    for closing in (keras_writer, ours, other):
        closing.close()
    with loader(tmp_path / "logs") as board:
        assert board.steps("batch_loss", "train") == board.steps(tags.LEARNING_RATE.name) == [*range(1, 201)]


def test_a_step_that_goes_back_is_dropped_with_one_warning(tmp_path, loader):
    writer = RunWriter.open(str(tmp_path / "logs"), 1)
    writer.scalars(10, POINT)
    with pytest.warns(RuntimeWarning, match=r"'step/learning_rate' at step 10, after step 10.*first_step=10"):
        writer.scalars(10, {**POINT, "step/loss": 1.0})
    for step in (3, 9, 11):  # another warning would be an error
        writer.scalars(step, POINT)
    writer.close()
    with loader(tmp_path / "logs") as board:
        assert (board.steps(tags.LEARNING_RATE.name), board.steps("step/loss")) == ([10, 11], [10])


def test_what_is_not_finite_is_read_back_as_it_is(tmp_path, loader):
    writer = RunWriter.open(str(tmp_path / "logs"), 1)
    values = (math.nan, math.inf, -math.inf, 1.0)
    for step, value in enumerate(values):
        writer.scalars(step, {"step/loss": value})
    writer.close()
    with loader(tmp_path / "logs") as board:
        np.testing.assert_equal(board.scalars()["step/loss"], list(enumerate(values)))


def test_every_series_has_its_description_and_any_name(tmp_path, loader):
    odd = [tags.running("top 5 [%]").name, tags.epoch("val_größe/x:0").name]
    spiky = [name for tag in tags.ALL if tag.spiky for name in (tag.low, tag.high)]
    names = [tag.name for tag in tags.ALL[:10]] + spiky + odd
    writer = RunWriter.open(str(tmp_path / "logs"), 1)
    for step in (1, 2):
        writer.scalars(step, dict.fromkeys(names, 1.0))
    writer.close()
    with loader(tmp_path / "logs") as board:
        found = board.descriptions("scalars", "scalars") | board.descriptions("scalars", tags.EDGES)
    assert found == {name: tags.describe(name) for name in names}
    assert all(found.values())


def test_texts_are_read_back(tmp_path, loader):
    writer = RunWriter.open(str(tmp_path / "logs"), 1)
    for _ in range(2):  # a second time at the same step, as at the end of a fit and the start of the next
        writer.text(tags.REPORT, "| a | b |", 7)
    writer.close()
    with loader(tmp_path / "logs") as board:
        assert board.tensors("text") == {tags.REPORT.name: [(7, b"| a | b |"), (8, b"| a | b |")]}
        assert board.descriptions("tensors", "text") == {tags.REPORT.name: tags.REPORT.description}


def test_a_thousand_steps_take_less_than_a_megabyte(tmp_path):
    writer = RunWriter.open(str(tmp_path), 1)
    names = [name for tag in tags.ALL[:13] for name in ((tag.name, tag.low, tag.high) if tag.spiky else (tag.name,))]
    values = dict.fromkeys([*names, tags.running("loss").name, tags.running("accuracy").name], 1.0)
    for step in range(1000):
        writer.scalars(step, values)
    writer.close()
    assert len(values) == 25
    assert sum(path.stat().st_size for path in tmp_path.rglob("*tfevents*")) < 1_000_000
