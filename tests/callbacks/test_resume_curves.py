"""The curves of a training that goes on stand at the same batches as those of one that nothing interrupts."""

import keras
import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

import keras_ch8
from keras_ch8.callbacks import LearningRateDecay, Resume, TensorBoard

from .resuming import interrupted, small_model, train

AT_READINGS = ("step/weight_norm", "step/running_", "diagnosis/")
"""These have a point whenever telemetry is read, which is a matter of the clock."""


def points(folder):
    found = set()
    for path in folder.rglob("*tfevents*"):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                numbers = [value.simple_value] if value.HasField("simple_value") else value.tensor.float_val
                if "seconds" not in value.tag:
                    found |= {(value.tag, event.step, number) for number in numbers}
    return {point for point in found if not point[0].startswith(AT_READINGS)}


def accumulated():
    return small_model(keras_ch8.optimizers.Adam(0.01, gradient_accumulation_steps=2))


def of_constant_rate():
    return small_model(keras_ch8.optimizers.Adam(0.01))


def plateaus():
    return [
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", mode="min", patience=0, min_delta=0.5),
        LearningRateDecay(lambda epoch, rate: rate),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("model, before", [(accumulated, list), (of_constant_rate, plateaus)])
def test_every_point_is_the_same(tmp_path, model, before):
    def watched(name):
        def callbacks():
            first, *others = [*before(), TensorBoard(tmp_path / name, measure_every=1)]
            return [first, *reversed(others)]

        return {"model": model, "callbacks": callbacks}

    train(**watched("whole"))
    interrupted(lambda: Resume(tmp_path / "states", "1ba"), (4, 5), **watched("interrupted"))
    whole = points(tmp_path / "whole")
    assert points(tmp_path / "interrupted") == whole
    rates = sorted(step for tag, step, _ in whole if tag == "epoch/learning_rate")
    assert rates == ([5, 10, 15] if before is plateaus else [])
    if model is accumulated:
        assert sorted(step for tag, step, _ in whole if tag == "step/loss") == list(range(2, 15, 2))
