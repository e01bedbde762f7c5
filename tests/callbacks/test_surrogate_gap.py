"""SurrogateGap: it says that only the surrogate still falls where that is so, whether it helps, and nothing else."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, extend, metrics, optimizers
from keras_ch8.callbacks._surrogate_gap import best_epochs, learn_more
from tests.callbacks.runs import STEPS, X, Y, fit, network
from tests.callbacks.test_early_stopping import Says
from tests.callbacks.test_tensorboard import read, report

LABELS = (Y[:, :1] > 0).astype("float32")
FALLING = [1, 0.5, 0.4, 0.3, 0.2]
FLAT = [0.3, 0, 0, 0, 0]
FLAT_AND_FALLING = (
    "On the training set `zero_one_loss` has been flat since epoch 2 (at 0), while `loss` kept falling from 0.5 to 0.2"
)


def past_of(modes=None, **series):
    logs = tuple(dict(zip(series, values, strict=True)) for values in zip(*series.values(), strict=True))
    return extend.EpochHistory("zero_one_loss", modes or {}, tuple(range(len(logs))), logs, tuple(range(len(logs))))


def said(true="zero_one_loss", surrogate="loss", patience=3, **series):
    return learn_more(past_of(**series), true, surrogate, patience)


def classifier(*kinds):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
    model.compile(optimizers.SGD(0.5), keras.losses.BinaryCrossentropy(from_logits=True), metrics=list(kinds))
    return model


@pytest.mark.parametrize(
    "values, verdict",
    [
        ([0.4, 0.3, 0.3, 0.2, 0.25],
         ". `val_zero_one_loss` went from 0.3 to 0.25 meanwhile: it is still learning, so continue."),
        ([0.4, 0.3, 0.1, 0.2, 0.35],
         ". `val_zero_one_loss` went from 0.3 to 0.35 meanwhile: it overfits, so stop on `val_zero_one_loss`."),
        ([0.4, 0.3, 0.1, 0.5, 0.3],
         ". `val_zero_one_loss` went from 0.3 to 0.3 meanwhile: it has brought nothing so far."),
    ],
    ids=["better", "worse", "equal"],
)  # fmt: skip
def test_the_validation_error_since_it_is_flat_is_the_verdict(values, verdict):
    assert said(loss=FALLING, zero_one_loss=FLAT, val_zero_one_loss=values) == FLAT_AND_FALLING + verdict


def test_without_validation_it_leaves_the_verdict_open():
    verdict = ". Validation data would tell whether that helps."
    assert said(loss=FALLING, zero_one_loss=FLAT) == FLAT_AND_FALLING + verdict


def test_the_true_loss_need_not_be_zero_to_be_flat():
    sentence = said(loss=FALLING, zero_one_loss=[0.3, 0.1, 0.2, 0.1, 0.15])
    assert "`zero_one_loss` has been flat since epoch 2 (at 0.1)" in sentence


@pytest.mark.parametrize(
    "loss, true",
    [
        (FALLING, [0.3, 0, 0, 0]),
        (FALLING, [0.3, 0.2, 0.2, 0.2, 0.1]),
        ([1, 0.5, 0.4, 0.4, 0.496], FLAT),
        ([1, 0.5, 0.4, 0.4, 0.6], FLAT),
        ([1, 0.5, 0.4, 0.3, np.nan], FLAT),
        (FALLING, [np.nan] * 5),
        ([], []),
    ],
    ids=["too short", "true loss falls", "surrogate flat", "surrogate rises", "surrogate NaN", "true NaN", "no epoch"],
)
def test_it_says_nothing_where_it_is_not_so(loss, true):
    assert said(loss=loss[: len(true)], zero_one_loss=true) == ""


def test_flat_from_the_epoch_on_that_patience_says():
    series = {"loss": FALLING[:4], "zero_one_loss": FLAT[:4]}
    assert said(patience=2, **series)
    assert said(patience=3, **series) == ""


def test_a_true_metric_that_is_to_grow():
    series = {"nll": FALLING, "accuracy": [0.5, 0.9, 0.8, 0.9, 0.7], "val_accuracy": [0.4, 0.6, 0.5, 0.6, 0.7]}
    better = learn_more(past_of({"accuracy": "max"}, **series), "accuracy", "nll", 3)
    assert better == (
        "On the training set `accuracy` has been flat since epoch 2 (at 0.9), while `nll` kept falling from 0.5 to "
        "0.2. `val_accuracy` went from 0.6 to 0.7 meanwhile: it is still learning, so continue."
    )
    series["val_accuracy"][-1] = 0.5
    worse = learn_more(past_of({"accuracy": "max"}, **series), "accuracy", "nll", 3)
    assert worse.endswith("from 0.6 to 0.5 meanwhile: it overfits, so stop on `val_accuracy`.")


@pytest.mark.parametrize(
    "true, modes, values",
    [("zero_one_loss", {}, [0.4, 0.3, 0.1, 0.2]), ("accuracy", {"accuracy": "max"}, [0.6, 0.7, 0.9, 0.8])],
)
def test_where_the_two_were_best(true, modes, values):
    past = past_of(modes, val_loss=[1, 0.5, 0.6, 0.7], **{f"val_{true}": values})
    assert best_epochs(past, true, "loss") == (
        f"`val_loss` was best at epoch 2, where `val_{true}` was {values[1]:.4g}; `val_{true}` was best at epoch 3, "
        f"with {values[2]:.4g}: to stop on the target metric, monitor it."
    )


@pytest.mark.parametrize(
    "series",
    [
        {"val_loss": [1, 0.5, 0.6], "val_zero_one_loss": [0.4, 0.1, 0.2]},
        {"val_loss": [1, 0.6, 0.5], "val_zero_one_loss": [0.4, 0.1, 0.1]},
        {"val_loss": [1, 0.6, 0.5]},
        {"loss": [1, 0.5, 0.6], "zero_one_loss": [0.4, 0.3, 0.1]},
    ],
    ids=["same epoch", "as good", "no true loss", "no validation"],
)
def test_where_stopping_on_the_surrogate_loses_nothing_there_is_no_advice(series):
    assert best_epochs(past_of(**series), "zero_one_loss", "loss") == ""


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("order", [1, -1])
def test_logs_and_curves_are_what_happened(order, tmp_path):
    gap = callbacks.SurrogateGap(logs=True)
    model = classifier(metrics.ZeroOneLoss(from_logits=True))
    listed = [callbacks.TensorBoard(tmp_path), gap][::order]
    history = model.fit(X, LABELS, batch_size=8, epochs=12, validation_data=(X[:20], 1 - LABELS[:20]),
                        callbacks=listed, verbose=0).history  # fmt: skip
    true = history["zero_one_loss"]
    assert history["flat_epochs"] == [i - int(np.argmin(true[: i + 1])) for i in range(12)]
    assert max(history["flat_epochs"]) > 0
    curves = read(tmp_path)
    for tag, name in (("loss", "loss"), ("true_loss", "zero_one_loss"), ("val_loss", "val_loss"),
                      ("val_true_loss", "val_zero_one_loss")):  # fmt: skip
        expected = [(STEPS * (i + 1), pytest.approx(value)) for i, value in enumerate(history[name])]
        assert curves[f"epoch/surrogate_gap_{tag}"] == expected


@pytest.mark.slow
def test_without_validation_there_are_the_curves_of_the_training_set(tmp_path):
    model = classifier(metrics.ZeroOneLoss(from_logits=True))
    model.fit(X, LABELS, epochs=2, callbacks=[callbacks.TensorBoard(tmp_path), callbacks.SurrogateGap()], verbose=0)
    found = {name for name in read(tmp_path) if name.startswith("epoch/surrogate_gap")}
    assert found == {"epoch/surrogate_gap_loss", "epoch/surrogate_gap_true_loss", "epoch/surrogate_gap_flat_epochs"}


@pytest.mark.slow
def test_the_direction_of_keras_s_metrics_is_known():
    gap, model = callbacks.SurrogateGap("accuracy", logs=True), classifier("accuracy")
    history = model.fit(X, LABELS, batch_size=8, epochs=12, callbacks=[gap], verbose=0).history
    assert history["flat_epochs"] == [i - int(np.argmax(history["accuracy"][: i + 1])) for i in range(12)]
    assert history["accuracy"][-1] > history["accuracy"][0]


@pytest.mark.slow
def test_the_report_says_how_it_went_on(tmp_path):
    series = {"loss": [6, 5, 4, 3, 2, 1], "x": [2, 1, 1, 0, 0, 0], "val_loss": [1, 2, 3, 4, 5, 6],
              "val_x": [9, 8, 9, 6, 5, 4]}  # fmt: skip
    gap = callbacks.SurrogateGap("x", patience=1, mode="min")
    fit(network("sgd"), [callbacks.TensorBoard(tmp_path), Says(**series), gap], epochs=6)
    assert gap.findings() == [
        "On the training set `x` has been flat since epoch 4 (at 0), while `loss` kept falling from 3 to 1. `val_x` "
        "went from 6 to 4 meanwhile: it is still learning, so continue.",
        "`val_loss` was best at epoch 1, where `val_x` was 9; `val_x` was best at epoch 6, with 4: to stop on the "
        "target metric, monitor it.",
    ]
    for sentence in gap.findings():
        assert report(tmp_path).count(sentence) == 1


@pytest.mark.slow
def test_a_new_training_is_a_new_one():
    gap = callbacks.SurrogateGap("x", patience=1, mode="min", logs=True)
    for _ in range(2):
        history = fit(network("sgd"), [Says(loss=[3, 2, 1], x=[1, 1, 1]), gap], epochs=3)
        assert history["flat_epochs"] == [0, 1, 2]


@pytest.mark.slow
def test_a_quantity_that_is_missing_is_named_and_the_training_goes_on():
    message = r"`SurrogateGap` watches 'zero_one_loss', which is not reported at the end of epoch 1, .*Reported: loss\."
    with pytest.warns(UserWarning, match=message):
        fit(network("sgd"), [callbacks.SurrogateGap()], epochs=2)
    with pytest.warns(UserWarning, match=r"`SurrogateGap` watches 'nll', which is not reported"):
        fit(network("sgd"), [callbacks.SurrogateGap("loss", "nll")], epochs=2)


def test_a_negative_surrogate_falls_too():
    assert said(loss=[-1, -1, -1, -1, -0.995], zero_one_loss=[0] * 5) == ""
    assert "from -1 to -1.5" in said(loss=[-1, -1, -1, -1, -1.5], zero_one_loss=[0] * 5)


def test_epochs_without_validation_and_with_nan_are_passed_over():
    past = extend.EpochHistory("zero_one_loss")
    for epoch in range(6):
        logs = {"loss": 1 - 0.1 * epoch, "zero_one_loss": 0.0}
        logs |= {"val_zero_one_loss": [None, 0.4, None, 0.3, None, float("nan")][epoch]} if epoch % 2 else {}
        past = past.after(epoch, logs, epoch)
    assert "went from 0.4 to 0.3 meanwhile: it is still learning" in learn_more(past, "zero_one_loss", "loss", 3)
