"""TensorBoard: what `fit` writes is what happened, in any order of callbacks, over many calls, beside Keras's own."""

import math
import pathlib
import re

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, clipping
from keras_ch8 import optimizers as ours
from keras_ch8.board import tags
from keras_ch8.callbacks.session import batch_counter
from tests.board.readers import LOADERS, python_loader
from tests.callbacks.runs import STEPS, Frames, X, Y, by_hand, fit, network
from tests.marks import mostly

ALWAYS = {
    "step/loss", "step/gradient_norm", "step/update_norm", "step/effective_rate", "step/learning_rate",
    "step/nonfinite", "step/weight_norm", "epoch/loss", "epoch/val_loss",
}  # fmt: skip
CLIPPING = {"step/gradient_norm_clipped", "step/clip_coefficient", "step/clipped_share"}


MEASURED = ("step/update_norm", "step/effective_rate")  # not in six steps


def read(log_dir, run="optimization", loader=python_loader):
    with loader(log_dir) as board:
        return board.scalars(run)


def edges(log_dir, loader=python_loader):
    with loader(log_dir) as board:
        return {name: points for name, points in board.edges().items() if "effective_rate" not in name}


def report(log_dir, number=-1):
    with python_loader(log_dir) as board:
        return board.tensors("text")["diagnosis/report"][number][1].item().decode()


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("optimizer", [ours.SGD, keras.optimizers.SGD], ids=["ours", "Keras"])
@pytest.mark.parametrize("steps_per_execution", [1, 6])
def test_the_curves_are_those_of_a_loop_by_hand(tmp_path, optimizer, steps_per_execution):
    board = callbacks.TensorBoard(tmp_path, measure_every=1)
    model = network(optimizer(0.1), steps_per_execution=steps_per_execution)
    history = fit(model, [board], validation_data=(X, Y))
    curves, expected = read(tmp_path), by_hand(0.1)
    assert set(curves) == ALWAYS
    for name, values in (("loss", expected["loss"]), ("gradient_norm", expected["norm"]),
                         ("update_norm", expected["update"]),
                         ("learning_rate", np.full(12, 0.1))):  # fmt: skip
        steps, found = zip(*curves[f"step/{name}"], strict=True)
        assert steps == tuple(range(1, 2 * STEPS + 1))
        np.testing.assert_allclose(found, values, rtol=1e-4, err_msg=name)
    weights = np.sqrt(sum(np.sum(np.square(w)) for w in model.get_weights()))
    assert curves["step/weight_norm"][-1] == (12, pytest.approx(weights, rel=1e-6))
    for name in ("loss", "val_loss"):
        assert curves[f"epoch/{name}"] == [(6 * (i + 1), pytest.approx(v)) for i, v in enumerate(history[name])]


@pytest.mark.slow
def test_a_rule_adds_its_curves_and_metrics_theirs(tmp_path):
    model = network(ours.SGD(0.1, global_clipnorm=0.5))
    model.compile(model.optimizer, "mse", metrics=["mae"])
    fit(model, [callbacks.TensorBoard(tmp_path), callbacks.GradientClippingLogger()], validation_data=(X, Y))
    more = {"step/gradient_norm_q90", "epoch/mae", "epoch/val_mae"}
    assert set(read(tmp_path)) == ALWAYS | CLIPPING | more


@pytest.mark.slow
def test_metrics_after_batches_are_those_that_keras_reports(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_counter, "READ_EVERY", 1)
    model, reported = network(ours.SGD(0.1)), {}
    model.compile(model.optimizer, "mse", metrics=["mae"])

    class Reported(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            reported[len(reported) + 1] = logs["mae"]

    fit(model, [callbacks.TensorBoard(tmp_path), Reported()])
    points = dict(read(tmp_path)["step/running_mae"])
    assert list(points) == [*range(1, 13)]
    assert points == pytest.approx({step: reported[step] for step in points})


@pytest.mark.slow
@pytest.mark.parametrize("loader", mostly(pytest.mark.full, LOADERS, LOADERS[-1]))
def test_beside_the_callback_of_keras_neither_loses_a_point(tmp_path, loader):
    def callback(where):
        return keras.callbacks.TensorBoard(where, update_freq=1, write_graph=False)

    fit(network(ours.SGD(0.1)), [callback(tmp_path / "alone")], validation_data=(X, Y))
    for order in (1, -1):
        where = tmp_path / f"both{order}"
        listed = [callback(where), callbacks.TensorBoard(where)][::order]
        fit(network(ours.SGD(0.1)), listed, validation_data=(X, Y))
        with loader(tmp_path / "alone") as alone, loader(where) as both:
            assert both.runs() == {"train", "validation", "optimization"}
            for run in ("train", "validation"):
                assert alone.scalars(run)
                assert alone.scalars(run) == both.scalars(run)
            assert both.steps("step/loss") == [*range(1, 13)]


@pytest.mark.slow
def test_the_order_of_the_callbacks_does_not_matter(tmp_path):
    def run(where, order):
        listed = [callbacks.TensorBoard(where), callbacks.GradientClippingLogger(), Frames(observes_updates=4)][::order]
        history = fit(network(ours.SGD(0.1, global_clipnorm=0.5)), listed)
        text = "\n".join(sorted(report(where).splitlines()))
        return history, read(where), text

    first, second = (run(tmp_path / str(order), order) for order in (1, -1))
    assert first == second
    assert first[1].keys() >= CLIPPING
    assert [name for name in first[1] if "gradient_norm_q90" in name] == ["step/gradient_norm_q90"]
    # The finer of two wishes is granted.
    assert [step for step, _ in first[1]["step/update_norm"]] == [4, 8, 12]


@pytest.mark.broad
@pytest.mark.parametrize("loader", LOADERS)
def test_what_is_not_finite_is_shown_as_such(tmp_path, loader):
    x = X.copy()
    x[16:24] = np.nan
    model = network(ours.SGD(0.1))
    board = callbacks.TensorBoard(tmp_path / "logs")
    model.fit(x, Y, batch_size=8, shuffle=False, verbose=0, callbacks=[board])
    curves = read(tmp_path / "logs", loader=loader)
    np.testing.assert_array_equal([v for _, v in curves["step/nonfinite"]], [0, 0, 47, 47, 47, 47])
    assert not edges(tmp_path / "logs")  # NaN is no less a copy of NaN
    for name in ("step/loss", "step/gradient_norm"):
        assert [math.isnan(v) for _, v in curves[name]] == [False, False, True, True, True, True]


@pytest.mark.slow
def test_a_run_of_many_steps_keeps_every_spike(tmp_path):
    """20,000 steps with the rate 0, in which 20 single examples are 1000 times as large as the others."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(20_000, 2)).astype("float32")
    places = 23 * rng.choice(20_000 // 23, 20, replace=False) + 11  # windows are 23 steps wide
    x[places] *= 1000
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(ours.SGD(0.0), "mse", steps_per_execution=100)
    board = callbacks.TensorBoard(tmp_path / "logs")
    model.fit(x, np.ones(20_000), batch_size=1, shuffle=False, verbose=0, callbacks=[board])
    for loader in LOADERS:
        points = np.array(edges(tmp_path / "logs", loader)["step/gradient_norm/max"])
        assert len(points) <= 1000
        assert sorted(points[np.argsort(points[:, 1])[-20:], 0]) == sorted(-(-(places + 1) // 23) * 23)
    written = sum(path.stat().st_size for path in (tmp_path / "logs").rglob("*tfevents*"))
    assert written < 20 * 1_000_000  # at most 1 MB for 1000 steps


@pytest.mark.slow
def test_the_report_says_what_was_trained_and_what_happened(tmp_path):
    listed = [callbacks.TensorBoard(tmp_path), callbacks.GradientClippingLogger()]
    fit(network(ours.SGD(0.1, clip=clipping.ByNorm(0.2))), listed)
    before, after = report(tmp_path, 0), report(tmp_path)
    assert "- optimizer: `SGD`\n" in before
    assert "- trainable weights: `47`\n" in before
    assert "- learning_rate: `0.1`\n" in before
    assert "- clip: `ByNorm(limit=0.2)`" in before
    assert after.startswith("Steps 1 to 12.")
    assert "- clipped 100.0% of 12 steps" in after


def test_the_descriptions_are_there(tmp_path):
    fit(network(ours.SGD(0.1)), [callbacks.TensorBoard(tmp_path)], epochs=1)
    with python_loader(tmp_path) as board:
        described = board.descriptions("scalars", "scalars")
    assert described.keys() == {name for name in ALWAYS if "val_loss" not in name and not name.startswith(MEASURED)}
    assert all(described.values())
    assert described["step/gradient_norm"] == tags.GRADIENT_NORM.description


@pytest.mark.slow
def test_every_curve_and_text_of_all_parts_together_says_what_it_is_in_which_unit(tmp_path):
    listed = [
        callbacks.TensorBoard(tmp_path, measure_every=2), callbacks.GradientClippingLogger(),
        callbacks.PolyakAveraging(0.5), callbacks.EarlyStopping("val_loss", patience=20), callbacks.SurrogateGap("mae"),
        callbacks.Diagnosis((X, Y), measure_every=3, budget=None),
    ]  # fmt: skip
    model = network(ours.SGD(0.1, global_clipnorm=0.5), metrics=["mae"])
    fit(model, listed, epochs=6, validation_data=(X, Y))
    with python_loader(tmp_path) as board:
        kinds = (("scalars", "scalars"), ("tensors", "text"))
        found = {name: text for kind in kinds for name, text in board.descriptions(*kind).items()}
    assert len(found) > 30
    for name, text in found.items():
        assert re.search(r"\S\. \[.+\]", text), name


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", ["runs[1]", "runs*", "runs?", "two words", "~"])
@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_two_trainings_have_two_folders_whatever_the_log_dir_is_called(tmp_path, monkeypatch, name, kind):
    """Also a path with ~, which is a name like others, as in Keras's callback."""
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        fit(network(ours.SGD(0.1)), [callbacks.TensorBoard(kind(name))])
    assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["optimization", "optimization_2"]
    for run in ("optimization", "optimization_2"):
        assert [step for step, _ in read(str(tmp_path / name), run)["step/loss"]] == list(range(1, 2 * STEPS + 1))


@pytest.mark.slow
def test_an_evaluation_alone_needs_no_session(tmp_path):
    board, model = callbacks.TensorBoard(tmp_path), network("sgd")
    model.evaluate(X, Y, callbacks=[board], verbose=0)
    fit(model, [board], epochs=1)
    model.evaluate(X, Y, callbacks=[board], verbose=0)
