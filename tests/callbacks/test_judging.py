"""What is special about a kind, its row in the table says, and the judge looks there alone."""

import contextlib
import dataclasses
import types

import keras
import numpy as np
import pytest

from keras_ch8.callbacks import Diagnosis
from keras_ch8.callbacks.diagnosis.judging import PREFLIGHT, Judge
from keras_ch8.monitors.measurement_log import MeasurementLog
from keras_ch8.verdicts import kinds
from keras_ch8.verdicts.verdict import Claim


def learned():
    """Return the log of a training whose loss falls to a tenth."""
    log = MeasurementLog(total=8)
    for step, loss in enumerate(np.geomspace(1.0, 0.1, 8), start=1):
        log.add(step, {"gradient_norm": types.SimpleNamespace(loss=loss, penalty=0.0, weight_norm=1.0)})
    return log


@pytest.mark.parametrize("is_refuted, level", [(False, "act"), (True, None)])
def test_what_was_said_of_the_start_is_taken_back_where_the_kind_says_so(monkeypatch, is_refuted, level):
    kind = dataclasses.replace(kinds.KINDS["oscillation"], is_refuted_by_learning=is_refuted)
    monkeypatch.setitem(kinds.KINDS, "oscillation", kind)
    judge = Judge()
    judge.tracker.update(0, [Claim("oscillation", "act", "It is.", proven=True)], PREFLIGHT)
    judge.judge(learned(), [])
    assert [verdict.level for verdict in judge.tracker.verdicts] == ([level] if level else [])


def test_only_a_training_that_validates_can_have_a_kind_that_needs_validation():
    asked = Diagnosis()._judge.of_start
    assert asked == {kind.name for kind in kinds.OF_THE_START} - {"leak"}
    assert Diagnosis(preflight=False)._judge.of_start == set()


class Interrupted(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 4:
            raise KeyboardInterrupt


def random_labels(*added):
    """Return what is said of a training of 25 steps an epoch on labels that nothing tells."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    watching = Diagnosis(checks="cheap")
    with contextlib.suppress(KeyboardInterrupt):
        model.fit(rng.normal(size=(800, 8)), rng.integers(0, 3, 800), epochs=6, verbose=0, callbacks=[watching, *added])
    return [verdict.kind for verdict in watching.verdicts if verdict.level == "act"]


def test_that_nothing_was_learned_is_said_where_a_training_ends_and_not_where_it_is_interrupted():
    early = keras.callbacks.EarlyStopping("loss", min_delta=0.1, patience=4)
    assert random_labels() == random_labels(early) == ["learns_nothing"]
    assert early.stopped_epoch
    assert random_labels(Interrupted()) == []
