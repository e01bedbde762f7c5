"""Two callbacks of one kind in one `fit`: both work, or the second does nothing, with a warning, or is refused."""

import warnings

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import callbacks, clipping

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def network():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def fit(*some, **options):
    """Train, and return the weights and what was warned of."""
    model = network()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y, batch_size=8, epochs=2, callbacks=list(some), **({"verbose": 0} | options))
    return model.get_weights(), [str(warning.message) for warning in caught]


WATCHERS = {
    "TensorBoard of one folder": lambda a, b: [callbacks.TensorBoard(a), callbacks.TensorBoard(a)],
    "TensorBoard of two": lambda a, b: [callbacks.TensorBoard(a), callbacks.TensorBoard(b)],
    "Diagnosis": lambda a, b: [callbacks.Diagnosis((X, Y), "cheap"), callbacks.Diagnosis((X, Y), "cheap")],
    "logger": lambda a, b: [callbacks.GradientClippingLogger(), callbacks.GradientClippingLogger()],
}


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("kind", WATCHERS)
def test_a_second_watcher_is_told_once_and_does_nothing(kind, tmp_path, capsys):
    first, second = WATCHERS[kind](tmp_path / "a", tmp_path / "b")
    alone, _ = WATCHERS[kind](tmp_path / "c", tmp_path / "d")
    bare, none = fit(alone, verbose=2)
    printed_alone = capsys.readouterr().out
    both, (told,) = fit(first, second, verbose=2)
    printed = capsys.readouterr().out
    assert none == []
    assert f"A training can have only one `{type(first).__name__}`" in told
    assert repr(second) in told
    assert printed.count("Fix:") == printed_alone.count("Fix:")
    assert printed.count("Page: ") == printed_alone.count("Page: ")
    assert second.model is None
    assert not (tmp_path / "b").exists()
    assert all((a == b).all() for a, b in zip(bare, both, strict=True))


def test_a_loop_of_ones_own_has_one_of_a_kind_too(tmp_path):
    model = network()
    with pytest.warns(UserWarning, match="A training can have only one `TensorBoard`"):
        run = keras_ch8.Doctor(tmp_path).watch(model, callbacks=[callbacks.TensorBoard(tmp_path)])
    assert [type(each).__name__ for each in run._callbacks] == ["TensorBoard", "Diagnosis"]


ACTORS = {
    "Resume": lambda folder: [callbacks.Resume(folder / "a"), callbacks.Resume(folder / "b")],
    "Guard": lambda folder: [callbacks.Guard(), callbacks.Guard()],
    "PolyakAveraging": lambda folder: [callbacks.PolyakAveraging(0.5), callbacks.PolyakAveraging(0.9)],
    "ClipGradients": lambda folder: [callbacks.ClipGradients(clipping.ByGlobalNorm(1.0)) for _ in range(2)],
}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("kind", ACTORS)
def test_a_second_actor_is_refused_before_the_first_step(kind, tmp_path):
    model = network()
    if kind == "Guard":
        model.compile(keras_ch8.optimizers.SGD(0.01, skip_nonfinite=True), "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"only one .*Received: .*Keep one"):
        model.fit(X, Y, verbose=0, callbacks=ACTORS[kind](tmp_path))
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_two_criteria_both_work():
    stops = callbacks.EarlyStopping("loss", patience=9), callbacks.EarlyStopping("loss", min_delta=9.0, patience=1)
    network().fit(X, Y, epochs=4, verbose=0, callbacks=[*stops])
    assert [stop.stopped_epoch for stop in stops] == [0, 1]


@pytest.mark.slow
def test_two_decays_both_work():
    def rate_after(*decays):
        model = network()
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.LearningRateDecay(decay) for decay in decays])
        return float(model.optimizer.learning_rate)

    def half(epoch, rate):
        return rate / 2

    assert rate_after(half, half) == rate_after(lambda epoch, rate: rate / 4) < 0.01
