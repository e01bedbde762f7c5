"""What is traced to measure a model is traced once a model: by any callback object, in any `fit`."""

import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import callbacks, extend
from keras_ch8.callbacks.diagnosis import measuring
from keras_ch8.curvature.objective import Objective
from keras_ch8.integration import backend
from keras_ch8.monitors.eigenvalues import SpectrumMonitor
from keras_ch8.monitors.probe import ProbeEvaluator

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)).astype("float32"), RNG.normal(size=(24, 2)).astype("float32")
PROBES = [(RNG.normal(size=(8, 3)).astype("float32"), RNG.normal(size=(8, 2)).astype("float32")) for _ in range(2)]


@pytest.fixture
def traced(monkeypatch):
    """Return a list of what was traced, by name."""
    found = []
    for owner, name in ((ProbeEvaluator, "_tensors"), (Objective, "_product_at")):
        real = getattr(owner, name)

        def tracing(self, *args, real=real, name=name):
            found.append(name)
            return real(self, *args)

        monkeypatch.setattr(owner, name, tracing)
    return found


def compiled(loss="mse"):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
    return model


def trained(model, probe, *others, checks=("gradient_norm",), measure_every=3):
    """Train one epoch, of three steps, with a new Diagnosis, and return it."""
    watching = callbacks.Diagnosis(
        probe,
        list(checks),
        measure_every=lambda step: step % measure_every == 0,
        budget=None,
        verbose=False,
        preflight=False,
    )
    model.fit(X, Y, batch_size=8, verbose=0, callbacks=[watching, *others])
    return watching


def last(watching):
    return watching.log.of("gradient_norm")[-1].loss


def error(model, probe, power=2):
    return np.mean(np.abs(model(probe[0]).numpy() - probe[1]) ** power)


def test_a_second_fit_with_another_callback_and_other_examples_traces_nothing_and_measures_these(traced):
    model = compiled()
    for probe in PROBES:
        assert last(trained(model, probe)) == pytest.approx(error(model, probe), rel=1e-5)
    assert traced == ["_tensors"]


@pytest.mark.slow
def test_a_model_that_is_compiled_anew_or_has_other_weights_or_is_shown_another_shape_is_traced_anew(traced):
    model = compiled()
    trained(model, PROBES[0])
    model.compile(keras.optimizers.SGD(0.01), "mae", jit_compile=False)
    assert last(trained(model, PROBES[0])) == pytest.approx(error(model, PROBES[0], 1), rel=1e-5)
    smaller = tuple(part[:6] for part in PROBES[1])
    assert last(trained(model, smaller)) == pytest.approx(error(model, smaller, 1), rel=1e-5)
    assert traced == ["_tensors"] * 3
    trained(model, smaller, checks=["gradient_norm", "step_length"])
    assert traced == ["_tensors"] * 4


@pytest.mark.slow
def test_the_state_of_a_callback_stays_its_own_when_another_measures_by_its_programs():
    model = compiled()
    one = trained(model, PROBES[0], checks=["gradient_norm", "step_length"])
    before = one.get_state()
    trained(model, PROBES[1], checks=["gradient_norm", "step_length"])
    after = one.get_state()
    keras.tree.map_structure(np.testing.assert_array_equal, before["measuring"], after["measuring"])


@pytest.mark.slow
def test_the_spectrum_of_other_examples_is_theirs_though_nothing_is_traced(traced):
    model, checks = compiled(), ["gradient_norm", SpectrumMonitor(always=True)]
    for probe in PROBES:
        (ends,) = trained(model, probe, checks=checks, measure_every=1).log.of("spectrum")[-1:]
        assert ends.loss == pytest.approx(error(model, probe), rel=1e-5)
    assert sorted(traced) == ["_product_at", "_tensors"]


@pytest.mark.slow
def test_a_monitor_that_fails_is_not_kept_for_others(traced):
    class Fails(extend.Monitor):
        name = "fails_once"

        def tensors(self, snapshot):
            raise RuntimeError("no")

    model, fails = compiled(), Fails()
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="continues without 'fails_once'"):
            trained(model, PROBES[0], checks=["gradient_norm", fails])
    assert len(traced) == 2


@pytest.mark.slow
def test_what_is_kept_does_not_keep_the_model():
    model = compiled()
    watching = trained(model, PROBES[0])
    gone = weakref.ref(model)
    del model, watching
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(("metric", "traces"), [("mae", 1), (lambda y, y_pred: keras.ops.mean(y_pred), 2)])
def test_keras_traces_the_step_once_since_its_metrics_are_there_but_code_of_users_as_often_as_without(
    monkeypatch, metric, traces
):
    theirs, traced = keras.Model.train_step, []
    monkeypatch.setattr(keras.Model, "train_step", lambda self, data: (traced.append(data), theirs(self, data))[1])
    bare, watched = [], compiled()
    for model, found in ((compiled(), bare), (watched, [])):
        model.compile(keras.optimizers.SGD(0.01), "mse", metrics=[metric])
        model.set_weights(watched.get_weights())
        watching = [] if found is bare else [callbacks.Diagnosis(PROBES[0], verbose=False)]
        history = model.fit(X, Y, batch_size=8, verbose=0, shuffle=False, callbacks=watching).history
        found += [len(traced), history]
        traced.clear()
    assert (bare[0], found[0]) == (2, traces)
    assert bare[1] == found[1]


def test_a_long_trace_is_announced_once(monkeypatch, capsys):
    monkeypatch.setattr(measuring, "SECONDS_A_LAYER", 20.0)
    model = compiled()
    for said in (1, 0):
        watching = callbacks.Diagnosis(PROBES[0], ["gradient_norm"], preflight=False)
        model.fit(X, Y, batch_size=8, verbose=2, callbacks=[watching])
        found = capsys.readouterr().out
        assert found.count("Doctor: preparing its measurements takes about 40 s.") == said


def test_first_batches_are_given_again_as_they_were_with_the_last_one_smaller():
    batches = list(keras.ops.convert_to_tensor(X[i : i + 10]) for i in (0, 10, 20))
    pairs = [(x, {"y": x[:, 0]}) for x in batches]
    dataset = backend.tensorflow.tf.data.Dataset.from_tensor_slices((X, {"y": X[:, 0]})).batch(10)
    again = backend.iterator_of(pairs, like=iter(dataset))
    assert again.element_spec == dataset.element_spec
    for (x, y), (x_again, y_again) in zip(pairs, again, strict=True):
        np.testing.assert_array_equal(x, x_again)
        np.testing.assert_array_equal(y["y"], y_again["y"])
