"""PolyakAveraging: averages are those of the formula, the training is as without, each word does what it says."""

import functools
import math

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, optimizers
from keras_ch8._duration import Clock
from keras_ch8.callbacks.averaging.weight_average import PolynomialMean, WeightAverage, clock_of
from tests.callbacks.runs import BATCH, STEPS, X, Y, network
from tests.callbacks.test_tensorboard import read, report
from tests.oracles import averages

pytestmark = pytest.mark.filterwarnings("ignore:.*the average is mostly of its beginning")  # of a few updates

CLOCK = Clock(steps_per_epoch=10.0, batches_per_step=4.0, steps=500.0)
VALIDATION = X[:20], -3 * Y[:20]
"""The loss on these examples soon rises while the model learns."""


class Path(keras.callbacks.Callback):
    """Keeps the weights after each batch, and the averages as the callback gives them."""

    def __init__(self, average=None):
        super().__init__()
        self.average = average

    def on_train_begin(self, logs=None):
        self.raw, self.averages, self.at_end_of_epoch = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.raw.append(self.model.get_weights())
        if self.average is not None and self.average.updates:
            self.averages.append(self.average.weights)

    def on_epoch_end(self, epoch, logs=None):
        self.at_end_of_epoch.append(self.model.get_weights())


def average_of(**options):
    return callbacks.PolyakAveraging(**options)


def train(*listed, optimizer="adam", epochs=2, model=None, **options):
    model = network(optimizer) if model is None else model
    options = {"validation_data": VALIDATION, "batch_size": BATCH, "shuffle": False, "verbose": 0} | options
    history = model.fit(X, Y, epochs=epochs, callbacks=list(listed), **options).history
    return model, history


@functools.cache
def shared():
    """Return a compiled model, a callback, and all values at the start, for many trainings that trace once."""
    model = network(keras.optimizers.SGD(0.2, momentum=0.5))
    model.optimizer.build(model.trainable_variables)
    return model, average_of(decay=0.8), [v.numpy() for v in variables_of(model)]


def variables_of(model):
    return [*model.variables, *model.optimizer.variables]


def again(*listed, evaluate="average", final="average", **options):
    """Train the shared model from its start, with the shared callback in the place of the word `average_of`."""
    model, own, start = shared()
    for variable, value in zip(variables_of(model), start, strict=True):
        variable.assign(value)
    own.evaluate, own.final = evaluate, final
    return train(*[own if one is average_of else one for one in listed], model=model, **options)


def assert_same(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_close(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.fixture(scope="module")
def both():
    model, average, _ = shared()
    path = Path(average)
    _, history = again(path, average_of, evaluate="both")
    return variables_now(model), history, path, average.weights, average.raw_weights, average.updates


@pytest.fixture(scope="module")
def without(both):
    path = Path()
    updates = shared()[1].updates
    model, history = again(path)
    assert shared()[1].updates == updates, "the callback follows only the training that it is listed in"
    return variables_now(model), history, path


def variables_now(model):
    return [v.numpy() for v in variables_of(model)]


# --- the mean --------------------------------------------------------------------------------------------------------


def test_after_each_update_the_average_is_the_sum_of_the_formula(both):
    _, _, path, _, _, updates = both
    assert updates == len(path.raw) == len(path.averages) == 2 * STEPS
    for n in range(1, 2 * STEPS + 1):
        for i, values in enumerate(zip(*path.raw[:n], strict=True)):
            np.testing.assert_allclose(path.averages[n - 1][i], averages.exponential(values, 0.8), rtol=1e-5, atol=1e-7)


def test_after_the_first_update_the_average_is_theta_to_the_bit(both):
    assert_same(both[2].averages[0], both[2].raw[0])


@pytest.mark.parametrize(
    "arguments, oracle",
    [
        ({"decay": 0.0}, lambda thetas: thetas[-1]),
        ({"decay": 0.999}, lambda thetas: averages.exponential(thetas, 0.999)),
        ({"half_life": 3}, lambda thetas: averages.exponential(thetas, 2 ** (-1 / 3))),
        ({"method": "uniform"}, averages.uniform),
        ({"method": "polynomial", "eta": 3}, averages.polynomial),
        ({}, lambda thetas: averages.polynomial(thetas, 13)),
    ],
    ids=["last", "decay", "half-life", "uniform", "polynomial", "default"],
)
def test_every_mean_is_one_recursion_with_its_own_rate(arguments, oracle):
    thetas, average = np.random.default_rng(0).normal(size=(50, 3)), np.zeros(3)
    plan = callbacks.PolyakAveraging(**arguments)._plan
    log_alpha = keras.ops.convert_to_tensor(plan.mean.log_decay(lambda _: CLOCK), "float64")
    for n, theta in enumerate(thetas, 1):
        rate = plan.mean.rate(keras.ops.convert_to_tensor(n, "float64"), log_alpha)
        average = average + float(rate) * (theta - average)
        np.testing.assert_allclose(average, oracle(thetas[:n]), rtol=1e-12)


def test_in_the_program_only_updates_count_and_float64_is_averaged_in_float64():
    variable, thetas = keras.Variable(np.zeros(3), dtype="float64"), np.random.default_rng(0).normal(size=(9, 3))
    average = WeightAverage([variable], PolynomialMean(0.0))
    average.begin(0, 2)
    for n, theta in enumerate(thetas, 1):
        variable.assign(theta)
        average.update(keras.ops.convert_to_tensor(True))
        variable.assign(theta + 1)
        average.update(keras.ops.convert_to_tensor(False))
        if n > 2:
            np.testing.assert_allclose(average.state()["averages"][0], averages.uniform(thetas[2:n]), rtol=1e-12)
    assert average.count == 7


def test_half_life_and_start_are_in_updates_batches_epochs_or_percent():
    for word, updates in ((7, 7), ("8ba", 2), ("2ep", 20), ("5%", 25)):
        plan = callbacks.PolyakAveraging(half_life=word, start=word)._plan
        assert plan.mean.log_decay(lambda _: CLOCK) == pytest.approx(-math.log(2) / updates)
        assert plan.first(lambda _: CLOCK) == updates


@pytest.mark.slow
@pytest.mark.parametrize("start, before", [("1ep", STEPS), (4, 4)])
def test_the_average_begins_after_start(start, before):
    average = average_of(method="uniform", start=start, evaluate="both")
    path = Path(average)
    _, history = again(path, average)
    assert average.updates == 2 * STEPS - before
    assert_same(path.averages[0], path.raw[before])
    for i, values in enumerate(zip(*path.raw[before:], strict=True)):
        np.testing.assert_allclose(average.weights[i], averages.uniform(values), rtol=1e-5, atol=1e-7)
    if before >= STEPS:
        assert history["val_loss_average"][0] == history["val_loss"][0]


# --- the training is as without --------------------------------------------------------------------------------------


def test_the_training_goes_the_same_way_to_the_bit(both, without):
    for with_average, plain in zip(both[2].raw, without[2].raw, strict=True):
        assert_same(with_average, plain)
    assert both[1]["loss"] == without[1]["loss"]
    assert both[1]["val_loss"] == without[1]["val_loss"]
    assert_same(both[4], without[2].raw[-1])
    optimizer_state = len(shared()[0].variables)
    assert_same(both[0][optimizer_state:], without[0][optimizer_state:])


# --- what is validated -----------------------------------------------------------------------------------------------


def loss_of(model):
    return model.evaluate(*VALIDATION, batch_size=BATCH, verbose=0)


def test_both_are_validated_by_one_fit(both):
    model = shared()[0]
    _, history, path, *_ = both
    for value, weights in zip(history["val_loss_average"], path.averages[STEPS - 1 :: STEPS], strict=True):
        model.set_weights(weights)
        assert loss_of(model) == pytest.approx(value, rel=1e-6)


def test_the_average_is_validated_and_found_at_the_end_of_the_epoch(both):
    first, last = Path(), Path()
    model, history = again(first, average_of, last)
    assert history["val_loss"] == both[1]["val_loss_average"]
    for path in (first, last):
        for found, weights in zip(path.at_end_of_epoch, both[2].averages[STEPS - 1 :: STEPS], strict=True):
            assert_same(found, weights)
        for found, weights in zip(path.raw, both[2].raw, strict=True):
            assert_same(found, weights)
    assert_same(model.get_weights(), both[3])


def test_without_validation_callbacks_find_the_weights():
    path = Path()
    again(path, average_of, validation_data=None)
    assert_same(path.at_end_of_epoch[0], path.raw[STEPS - 1])
    assert_same(path.at_end_of_epoch[1], path.raw[-1])


# --- what the model has afterwards -----------------------------------------------------------------------------------


class StopAfter(keras.callbacks.Callback):
    """Stops the training in the middle of an epoch."""

    def __init__(self, batches):
        super().__init__()
        self.batches, self.seen = batches, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.batches:
            self.model.stop_training = True


@pytest.mark.parametrize(
    "final, evaluate",
    [
        ("average", "average"),
        *(
            pytest.param(final, evaluate, marks=pytest.mark.slow)
            for final, evaluate in (("average", "raw"), ("raw", "average"), ("best", "average"), ("best", "raw"))
        ),
    ],
)
def test_the_model_has_what_final_says_also_after_an_early_stop(final, evaluate):
    model, average, _ = shared()
    path = Path(average)
    _, history = again(average_of, path, StopAfter(2 * STEPS + 2), epochs=9, evaluate=evaluate, final=final)
    best = int(np.argmin(history["val_loss"]))
    assert len(path.raw) == 2 * STEPS + 2
    assert best < 2
    measured = path.averages if evaluate == "average" else path.raw
    expected = {
        "average": path.averages[-1],
        "raw": path.raw[-1],
        "best": measured[(best + 1) * STEPS - 1],
    }
    assert_same(model.get_weights(), expected[final])
    assert_same(average.raw_weights, path.raw[-1])
    assert not {"train_step", "evaluate"} & set(vars(model)), "the model has its own methods back"


@pytest.mark.slow
def test_best_is_the_best_of_both():
    model, history = again(average_of, evaluate="both", final="best")
    assert loss_of(model) == pytest.approx(min(history["val_loss"] + history["val_loss_average"]), rel=1e-6)


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_evaluate_and_predict_use_the_averages_and_give_back_what_was_there():
    """Defect 2 of Keras: after `predict(callbacks=[SwapEMAWeights()])` the averages stay in the model."""
    model, average, _ = shared()
    path = Path()
    _, history = again(path, average_of, evaluate="both")
    for found in (path.raw[-1], path.raw[3]):
        model.set_weights(found)
        loss = model.evaluate(*VALIDATION, batch_size=BATCH, verbose=0, callbacks=[average])
        assert loss == pytest.approx(history["val_loss_average"][-1], rel=1e-6)
        assert_same(model.get_weights(), found)
        predicted = model.predict(X, verbose=0, callbacks=[average])
        assert_same(model.get_weights(), found)
        with average.swapped():
            np.testing.assert_array_equal(model.predict(X, verbose=0), predicted)
        assert_same(model.get_weights(), found)
        with pytest.raises(KeyboardInterrupt), average.swapped():
            raise KeyboardInterrupt
        assert_same(model.get_weights(), found)


# --- TensorBoard -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_tensorboard_shows_both_losses_and_the_distance(tmp_path):
    path = Path(shared()[1])
    _, history = again(callbacks.TensorBoard(tmp_path), average_of, path, evaluate="both")
    curves = read(tmp_path)
    steps, values = zip(*curves["step/average_distance"], strict=True)
    assert steps[1] - steps[0] == STEPS, "of the shared model the batches of other trainings are counted, too"
    for value, n in zip(values, (STEPS, 2 * STEPS), strict=True):
        gaps = [a - b for a, b in zip(path.raw[n - 1], path.averages[n - 1], strict=True)]
        assert value == pytest.approx(np.sqrt(sum(np.sum(np.square(gap)) for gap in gaps)), rel=1e-5)
    losses = [value for _, value in curves["epoch/val_loss_average"]]
    assert losses == pytest.approx(history["val_loss_average"])
    assert "The average of the weights is over 12 updates." in report(tmp_path)


@pytest.mark.slow
def test_the_distance_leaves_out_statistics_of_batch_normalization(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    average = average_of(decay=0.9, evaluate="raw", final="raw")
    train(callbacks.TensorBoard(tmp_path), average, model=model, epochs=1)
    gaps = [r - a for v, a, r in zip(model.weights, average.weights, average.raw_weights, strict=True) if v.trainable]
    expected = np.sqrt(sum(np.sum(np.square(gap)) for gap in gaps))
    assert read(tmp_path)["step/average_distance"][0][1] == pytest.approx(expected, rel=1e-5)


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"decay": 0.9, "method": "uniform"}, r"Received: decay=0.9, method='uniform'. Give one of them"),
        ({"decay": 1.0}, r"`decay` is the fraction of the average .* in \[0, 1\). Received: decay=1.0"),
        ({"half_life": "3 weeks"}, r"`half_life` is a length of time"),
        ({"method": "swa"}, r"`method` says .* 'polynomial', 'uniform'. Received: method='swa'"),
        ({"eta": -1}, r"`eta` is an exponent, .* in \[0, inf\). Received: eta=-1. About the last 1 / \(eta \+ 1\)"),
        ({"eta": 3, "decay": 0.9}, r"Received: eta=3 and a mean that is exponential. Leave one of them out"),
        ({"start": -1}, r"`start` is a length of time"),
        ({"evaluate": "ema"}, r"`evaluate` says .* 'average', 'raw', 'both'"),
        ({"final": "last"}, r"`final` says .* 'average', 'raw', 'best'"),
        ({"batch_norm": "drop"}, r"`batch_norm` says .* 'average', 'recalibrate', 'keep'"),
        ({"batch_norm": "recalibrate"}, r"Received: batch_norm='recalibrate' and data of type NoneType. Give both"),
        ({"data": X}, r"Received: batch_norm='average' and data of type ndarray"),
    ],
)
def test_an_argument_out_of_range_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        callbacks.PolyakAveraging(**arguments)


def test_what_cannot_go_with_it_is_refused_before_the_first_step(tmp_path):
    stop, keep = keras.callbacks.EarlyStopping, keras.callbacks.ModelCheckpoint
    of_raw = stop("val_loss", restore_best_weights=True)
    of_average = keep(str(tmp_path / "best.keras"), "val_loss_average", mode="min", save_best_only=True)
    ema, many = keras.optimizers.SGD(use_ema=True), optimizers.LBFGS(accumulate_batches=True)
    backup = keras.callbacks.BackupAndRestore(str(tmp_path))
    cases = [
        (ema, {}, [], r"Received: '[Ss][Gg][Dd].*' with use_ema=True.*Leave `use_ema` out"),
        (many, {}, [], r"accumulate_batches=True.*Give all examples in one batch"),
        ("sgd", {}, [average_of()], r"several `PolyakAveraging`. List one"),
        ("sgd", {"evaluate": "both"}, [of_raw, of_average], r"'val_loss' and 'val_loss_average', with"),
        ("sgd", {}, [backup], r"`BackupAndRestore` would save the averages"),
    ]
    for optimizer, options, beside, message in cases:
        model = network(optimizer, steps_per_execution=2 if optimizer is many else 1)
        before = model.get_weights()
        with pytest.raises(ValueError, match=message):
            train(average_of(**options), *beside, model=model)
        assert_same(model.get_weights(), before)
        assert "train_step" not in vars(model)


def test_before_anything_is_averaged_there_are_no_averages():
    with pytest.raises(ValueError, match=r"has averaged nothing yet.*Call `fit` with it"), average_of().swapped():
        pass


@pytest.mark.slow
def test_an_average_of_nothing_warns_and_leaves_the_weights():
    path = Path()
    with pytest.warns(UserWarning, match=r"leaves the weights as they are, since no update was averaged"):
        model, _ = again(average_of(start=100), path, epochs=1)
    assert_same(model.get_weights(), path.raw[-1])
    with pytest.warns(UserWarning, match=r"no validation has measured a loss"):
        again(average_of, epochs=1, final="best", validation_data=None)


def test_a_length_in_epochs_needs_to_know_how_long_one_is():
    clock = clock_of(network("sgd").optimizer, {"steps": None, "epochs": 1})
    with pytest.raises(ValueError, match=r"the length of an epoch is not known.*steps_per_epoch"):
        callbacks.PolyakAveraging(half_life="1ep")._plan.mean.log_decay(clock)
    assert callbacks.PolyakAveraging(half_life=5, start=3)._plan.first(clock) == 3


@pytest.mark.filterwarnings("error")
def test_a_memory_that_is_longer_than_the_training_is_told_and_that_of_the_default_never_is():
    with pytest.warns(UserWarning, match=r"about the last 1000 updates, and this training makes \d+: .*\"5%\""):
        model, _ = train(average_of(decay=0.999))
    train(average_of(), model=model)


@pytest.mark.slow
def test_fits_one_after_another_go_on_from_the_weights_as_they_were_trained():
    bare, averaged = network("sgd"), network("sgd")
    averaged.set_weights(bare.get_weights())
    for _ in range(3):
        average = average_of()
        train(model=bare, epochs=1)
        train(average, model=averaged, epochs=1)
        assert_same(average.raw_weights, bare.get_weights())
        assert any((a != b).any() for a, b in zip(averaged.get_weights(), bare.get_weights(), strict=True))
    for model, listed in ((bare, []), (averaged, [average])):
        model.set_weights([np.zeros_like(w) for w in bare.get_weights()])
        train(*listed, model=model, epochs=1)
    assert_same(average.raw_weights, bare.get_weights())
