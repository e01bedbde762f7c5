"""The 0-1 loss beside scikit-learn's, and at work in Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import zero_one_loss

from keras_ch8.metrics import ZeroOneLoss

RNG = np.random.default_rng(0)
N = 40
WEIGHTS = RNG.uniform(size=N)
SCORES, MANY = RNG.normal(size=N), RNG.normal(size=(N, 3))
BITS, CLASSES, LABELS = RNG.integers(0, 2, size=N), RNG.integers(0, 3, size=N), RNG.integers(0, 2, size=(N, 3))
each_weight = pytest.mark.parametrize("weight", [None, WEIGHTS, WEIGHTS[:, None]], ids=["none", "flat", "column"])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def value(y, prediction, weight=None, **kwargs):
    """Return the metric over two batches of unequal size."""
    metric = ZeroOneLoss(**kwargs)
    for part in (slice(0, 7), slice(7, None)):
        metric.update_state(y[part], prediction[part], None if weight is None else weight[part])
    return float(metric.result())


def share(expected, weight):
    return expected if weight is None else np.average(expected, weights=np.ravel(weight))


@each_weight
@pytest.mark.parametrize("shape", [(N,), (N, 1)])
@pytest.mark.parametrize("labels", [BITS, 2 * BITS - 1, BITS[:, None], BITS.astype(bool), BITS.astype("uint8")])
def test_with_one_output_it_is_that_of_two_classes(labels, shape, weight):
    flat = None if weight is None else np.ravel(weight)
    expected = zero_one_loss(BITS, SCORES > 0, sample_weight=flat)
    assert value(labels, SCORES.reshape(shape), weight, from_logits=True) == pytest.approx(expected, rel=1e-6)
    assert value(labels, sigmoid(SCORES).reshape(shape), weight) == pytest.approx(expected, rel=1e-6)


@each_weight
@pytest.mark.parametrize("labels", [CLASSES, CLASSES[:, None], np.eye(3)[CLASSES], np.eye(3, dtype=bool)[CLASSES]])
def test_with_several_outputs_it_is_that_of_several_classes(labels, weight):
    flat = None if weight is None else np.ravel(weight)
    expected = zero_one_loss(CLASSES, MANY.argmax(axis=1), sample_weight=flat)
    for prediction in (MANY, MANY.astype("float16")):
        assert value(labels, prediction, weight) == pytest.approx(expected, rel=1e-6)


@each_weight
def test_with_several_labels_one_that_is_wrong_makes_the_example_wrong(weight):
    flat = None if weight is None else np.ravel(weight)
    expected = zero_one_loss(LABELS, (MANY > 0).astype(int), sample_weight=flat)
    labelwise = np.mean((MANY > 0) != LABELS)
    assert expected > 1.5 * labelwise
    assert value(LABELS, MANY, weight, from_logits=True, multi_label=True) == pytest.approx(expected, rel=1e-6)
    assert value(LABELS, sigmoid(MANY), weight, multi_label=True) == pytest.approx(expected, rel=1e-6)


def test_classes_beyond_what_half_precision_can_count_are_told_apart():
    prediction = np.zeros((2, 3001), "float16")
    prediction[:, 2999] = 1
    assert value(np.array([2999, 3000]), prediction) == 0.5


@pytest.mark.parametrize("y, good, kwargs", [
    (np.array([0, 0, 1]), np.array([-1.0, -1.0, 1.0]), {"from_logits": True}),
    (np.array([0, 0, 1]), np.array([[2.0, 1.0], [2.0, 1.0], [1.0, 2.0]]), {}),
    (np.array([[0, 0], [0, 1], [1, 0]]), np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]]),
     {"from_logits": True, "multi_label": True}),
], ids=["binary", "classes", "labels"])  # fmt: skip
def test_a_prediction_with_nan_is_wrong(y, good, kwargs):
    assert value(y, good, **kwargs) == 0
    broken = good.copy()
    broken[0] = np.nan
    assert value(y, broken, **kwargs) == pytest.approx(1 / 3)
    if good.ndim == 2:
        broken[0] = [good[0, 0], np.nan]
        assert value(y, broken, **kwargs) == pytest.approx(1 / 3)


def test_no_example_is_on_the_positive_side_of_a_threshold_that_it_only_reaches():
    assert value(np.array([0, 1]), np.array([0.5, 0.5])) == 0.5
    assert value(np.array([0, 0]), np.array([0.0, 0.0]), from_logits=True) == 0


@pytest.mark.parametrize("weight", [None, RNG.uniform(size=N), RNG.uniform(size=(N, 5))], ids=["none", "row", "step"])
@pytest.mark.parametrize("labels", ["numbers", "column", "one-hot", "binary"])
def test_every_step_of_a_sequence_is_an_example(labels, weight):
    classes, prediction = RNG.integers(0, 3, size=(N, 5)), RNG.normal(size=(N, 5, 3))
    y = {"numbers": classes, "column": classes[..., None], "one-hot": np.eye(3)[classes], "binary": classes % 2}[labels]
    wrong = prediction.argmax(axis=-1) != classes
    if labels == "binary":
        prediction = prediction[..., :1]
        wrong = (prediction[..., 0] > 0) != y
    weights = np.broadcast_to(1.0 if weight is None else weight.reshape(N, -1), (N, 5))
    got = value(y, prediction, weight, from_logits=True)
    assert got == pytest.approx(np.average(wrong, weights=weights), rel=1e-6)


@pytest.mark.parametrize("labels, outputs, kwargs", [
    ((N, 2), (N, 3), {}), ((N, 3), (N, 1), {}), ((N,), (N, 3), {"multi_label": True}), ((N - 1,), (N, 3), {}),
], ids=str)  # fmt: skip
def test_shapes_that_do_not_fit_are_refused(labels, outputs, kwargs):
    with pytest.raises(ValueError, match=r"labels of shape .* and outputs of shape"):
        ZeroOneLoss(**kwargs)(np.zeros(labels), np.zeros(outputs))


def test_the_arguments_survive_the_configuration():
    metric = ZeroOneLoss(from_logits=True, multi_label=True, name="subset", dtype="float64")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is ZeroOneLoss
    assert again.get_config() == metric.get_config()
    assert (again.name, again.dtype, again.from_logits, again.multi_label) == ("subset", "float64", True, True)
    np.testing.assert_array_equal(again(LABELS, MANY), metric(LABELS, MANY))


def network():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "binary_crossentropy", metrics=[ZeroOneLoss(from_logits=True)], jit_compile=True)
    return model


@pytest.mark.slow
def test_fit_reports_it_and_early_stopping_knows_that_lower_is_better(tmp_path):
    model, stop = network(), keras.callbacks.EarlyStopping("val_zero_one_loss", patience=5, restore_best_weights=True)
    history = model.fit(MANY, BITS, validation_data=(MANY, BITS), epochs=2, verbose=0, callbacks=[stop]).history
    assert stop.monitor_op is keras.ops.less
    assert stop.best == min(history["val_zero_one_loss"])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = np.mean((np.array(model(MANY))[:, 0] > 0) != BITS)
    assert loaded.evaluate(MANY, BITS, verbose=0, return_dict=True)["zero_one_loss"] == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("compiled_by_xla", [False, True], ids=["graph", "xla"])
def test_in_a_graph_of_unknown_batch_size_it_is_the_same(compiled_by_xla):
    metric = ZeroOneLoss()
    signature = [tf.TensorSpec([None], "int64"), tf.TensorSpec([None, 3])]
    tf.function(metric.update_state, signature, jit_compile=compiled_by_xla)(CLASSES, MANY.astype("float32"))
    assert float(metric.result()) == pytest.approx(np.mean(MANY.argmax(axis=1) != CLASSES))


@pytest.mark.slow
def test_masked_steps_do_not_count():
    steps = np.array([[[1.0], [2.0], [0.0]], [[3.0], [0.0], [0.0]]])
    model = keras.Sequential([keras.Input((3, 1)), keras.layers.Masking(), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((1, 1))])
    model.compile("sgd", "mse", weighted_metrics=[ZeroOneLoss(from_logits=True)])
    labels = np.array([[[1], [0], [1]], [[1], [1], [1]]])
    assert model.evaluate(steps, labels, verbose=0, return_dict=True)["zero_one_loss"] == pytest.approx(1 / 3)
