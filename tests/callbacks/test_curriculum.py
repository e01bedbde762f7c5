"""Curriculum: what `fit` is given, by the losses of the model where asked; after it the source is as before."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, curriculum, data, optimizers
from keras_ch8.callbacks.base import Callback
from tests.callbacks.test_tensorboard import read, report

COUNT, BATCH, STEPS = 40, 4, 10
RNG = np.random.default_rng(0)
X = RNG.normal(size=(COUNT, 3)).astype("float32")
Y = RNG.normal(size=(COUNT, 1)).astype("float32")
DIFFICULTY = RNG.permutation(COUNT) * 1.0
ORDER = np.argsort(DIFFICULTY)


def source(**options):
    return data.ArraySource(X, Y, **{"batch_size": BATCH, "seed": 5} | options)


def compiled(built=True, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([*[keras.Input((3,))] * built, keras.layers.Dense(1)])
    model.compile(optimizers.SGD(**{"learning_rate": 0.01} | options), "mse")
    return model


@functools.cache
def traced(rate):
    return compiled(learning_rate=rate)


def linear_model(rate=0.01):
    """Return a model as new; its step is traced once for all tests."""
    model = traced(rate)
    model.set_weights([np.random.default_rng(1).normal(size=(3, 1)), np.zeros(1)])
    model.optimizer.iterations.assign(0)
    return model


def losses_by(weights):
    kernel, bias = weights
    return ((X.astype("float64") @ kernel + bias - Y) ** 2).mean(axis=1)


class Keeps(Callback):
    """Keeps the weights at the start of each epoch, and the plans of a source at the end of each."""

    observes_steps = False

    def __init__(self, source):
        super().__init__()
        self.source, self.weights, self.plans = source, [], []

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self.weights.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.plans.append(self.source.sampler.plan(epoch))


class Sees(keras.layers.Layer):
    """Keeps the first feature of what it is called on; for models that run eagerly."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def call(self, x):
        if hasattr(x, "numpy"):
            self.batches.append(x.numpy()[:, 0])
        return x


@pytest.mark.slow
def test_fit_is_given_the_easy_examples_then_from_the_step_that_is_due_the_ordinary_batches():
    sees, given = Sees(), source()
    model = keras.Sequential([keras.Input((3,)), sees, keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    easy_first = callbacks.Curriculum(given, DIFFICULTY, curriculum.pacings.Step(start=0.2), until=13, mix=0)
    own = given.sampler
    model.fit(given, epochs=2, callbacks=[easy_first], verbose=0)
    batches, ordinary = sees.batches[-2 * STEPS :], [x[:, 0] for e in range(2) for x, _, _ in source().batches(e)]
    assert all(np.isin(batch, X[ORDER[:8], 0]).all() for batch in batches[:13])
    np.testing.assert_array_equal(batches[13:], ordinary[13:])
    assert not (np.sort(batches[12]) == np.sort(ordinary[12])).all()
    assert given.sampler is own
    assert given.epoch == 2


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("until, steps", [("50%", 20), ("7ba", 7), (7, 7), ("1.5ep", 15)])
def test_it_is_over_when_said(until, steps):
    given = source()
    keeps, easy_first = Keeps(given), callbacks.Curriculum(given, DIFFICULTY, "step", until=until, mix=0)
    linear_model().fit(given, epochs=4, callbacks=[keeps, easy_first], verbose=0)
    plans = np.concatenate([plan for plan in keeps.plans])
    expected = np.concatenate([source().plan(epoch) for epoch in range(4)])
    assert np.flatnonzero((plans == expected).all(axis=1))[0] == steps
    (sentence,) = easy_first.findings()
    assert sentence == (
        f"The curriculum began with 20% of the data, easy examples first; from step {steps + 1} of 40 on all were in."
    )


@pytest.mark.slow
def test_logs_curves_and_report_are_what_happened(tmp_path):
    given = source()
    easy_first, keeps = callbacks.Curriculum(given, DIFFICULTY, start=0.3, until="2ep", logs=True), Keeps(given)
    model = linear_model()
    listed = [easy_first, callbacks.TensorBoard(tmp_path), keeps]
    history = model.fit(given, epochs=3, callbacks=listed, verbose=0).history
    u = np.minimum((STEPS * np.arange(1, 4) - 1) / 20, 1)
    seen = [np.unique(np.concatenate([plan for plan in keeps.plans[: i + 1]])).size / COUNT for i in range(3)]
    expected = {
        "share": 0.3 + 0.7 * u,
        "seen": seen,
        "difficulty": [DIFFICULTY[plan].mean() for plan in keeps.plans],
    }
    curves = read(tmp_path)
    for name, values in expected.items():
        np.testing.assert_allclose(history[f"curriculum_{name}"], values, rtol=1e-12)
        assert curves[f"epoch/curriculum_{name}"] == [
            (STEPS * (i + 1), pytest.approx(value)) for i, value in enumerate(values)
        ]
    assert len([name for name in curves if name.startswith("epoch/curriculum")]) == 3  # and none of the logs
    assert report(tmp_path).count(easy_first.findings()[0]) == 1


def test_a_curriculum_that_is_not_over_says_how_far_it_came():
    given = source()
    hard_first = callbacks.Curriculum(given, DIFFICULTY, order="hard", until=39)
    linear_model().fit(given, epochs=2, callbacks=[hard_first], verbose=0)
    assert hard_first.findings() == [
        "The curriculum began with 20% of the data, hard examples first; at the end, after 20 steps, 59% of the "
        "examples were in."
    ]


@pytest.mark.slow
@pytest.mark.parametrize("epochs, built", [(1, True), (2, False)], ids=["built", "not built"])
def test_the_loss_of_the_model_itself_orders_the_examples_anew_every_few_epochs(epochs, built):
    given = source()
    keeps = Keeps(given)
    own = callbacks.Curriculum(
        given, "model_loss", "step", start=0.25, until="100%", mix=0, measure_every=f"{epochs}ep"
    )
    model = linear_model(0.3) if built else compiled(built, learning_rate=0.3)
    model.fit(given, epochs=4, callbacks=[own, keeps], verbose=0)
    easy = [set(np.argsort(losses_by(weights))[:10].tolist()) for weights in keeps.weights]
    assert easy[0] != easy[1]
    for epoch, plan in enumerate(keeps.plans):
        assert set(plan.ravel().tolist()) <= easy[epoch // epochs * epochs]


def test_a_function_of_x_and_y_says_what_is_difficult():
    given = source()
    keeps = Keeps(given)
    by_target = callbacks.Curriculum(given, lambda x, y: y[:, 0], "step", start=0.25, until="100%", mix=0)
    linear_model().fit(given, epochs=1, callbacks=[by_target, keeps], verbose=0)
    assert set(keeps.plans[0].ravel().tolist()) <= set(np.argsort(Y[:, 0])[:10].tolist())


@pytest.mark.slow
def test_an_interrupted_training_goes_on_as_if_it_had_not_been():
    def prepared():
        given = source()
        return given, callbacks.Curriculum(given, "model_loss", until="4ep", measure_every="2ep", logs=True)

    given, easy_first = prepared()
    expected = linear_model().fit(given, epochs=6, callbacks=[easy_first], verbose=0).history
    model, (given, first) = linear_model(), prepared()
    model.fit(given, epochs=3, callbacks=[first], verbose=0)
    kept, position = first.get_state(), given.get_state()
    given, second = prepared()
    given.set_state(position)
    second.set_state(kept)
    found = model.fit(given, initial_epoch=3, epochs=6, callbacks=[second], verbose=0).history
    assert found == {name: values[3:] for name, values in expected.items()}


@pytest.mark.slow
def test_a_second_training_begins_the_curriculum_again():
    given = source()
    easy_first = callbacks.Curriculum(given, DIFFICULTY, until="2ep", logs=True)
    shares = [
        linear_model().fit(given, epochs=3, callbacks=[easy_first], verbose=0).history["curriculum_share"]
        for _ in range(2)
    ]
    assert shares[0] == shares[1]
    assert given.epoch == 6


class Fails(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("as planned")


def test_after_a_training_that_died_the_next_one_finds_the_own_sampler():
    given = source()
    own = given.sampler
    with pytest.raises(RuntimeError, match="as planned"):
        linear_model().fit(given, callbacks=[callbacks.Curriculum(given, DIFFICULTY), Fails()], verbose=0)
    linear_model().fit(given, verbose=0)
    assert given.sampler is own


class Counts(keras.layers.Layer):
    """Counts how often it is traced."""

    traced = 0

    def call(self, x):
        self.traced += 1
        return x


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("difficulty", [DIFFICULTY, "model_loss"], ids=["numbers", "model_loss"])
def test_the_step_is_traced_once_and_an_epoch_has_as_many_steps_as_without(difficulty):
    counts, given = Counts(), source()
    model = keras.Sequential([keras.Input((3,)), counts, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(given, callbacks=[callbacks.Curriculum(given, difficulty)], verbose=0)
    traced, before = counts.traced, int(model.optimizer.iterations)
    again = callbacks.Curriculum(given, DIFFICULTY, "baby_steps", until="100%")
    model.fit(given, epochs=3, callbacks=[again], verbose=0)
    assert counts.traced == traced
    assert int(model.optimizer.iterations) - before == 3 * STEPS


OTHER_DATA = r"`fit` was not given that source\. Received: other data in `fit`\. Pass it the same"


@pytest.mark.parametrize("other", [lambda: (X, Y), lambda: (source(),)], ids=["arrays", "another source"])
def test_other_data_in_fit_are_an_error_before_the_first_step(other):
    easy_first, model = callbacks.Curriculum(source(), DIFFICULTY), linear_model()
    with pytest.raises(ValueError, match=OTHER_DATA):
        model.fit(*other(), callbacks=[easy_first], verbose=0)
    assert int(model.optimizer.iterations) == 0


def test_of_another_data_set_a_warning_tells_at_the_end_of_the_epoch():
    easy_first, data = callbacks.Curriculum(source(), DIFFICULTY), tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    with pytest.warns(UserWarning, match=OTHER_DATA) as found:
        linear_model().fit(data, epochs=2, shuffle=False, callbacks=[easy_first], verbose=0)
    assert len([w for w in found if w.category is UserWarning]) == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"difficulty": DIFFICULTY[1:]}, r"`difficulty` .*40 in all\. Received: shape \(39,\)"),
        (
            {"difficulty": "model loss"},
            r"`difficulty` .*'model_loss'\. Received: difficulty='model loss'",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_difficulty_of_other_examples_or_of_no_known_loss_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        callbacks.Curriculum(source(), **{"difficulty": DIFFICULTY} | arguments)
