"""Keras's own tests of callbacks and schedules, run against ours. What cannot pass is listed, with the reason."""

import types

import keras
import pytest

from keras_ch8 import callbacks, schedules
from tests.keras_own import cases_of, check, copy_of

pytest.importorskip("keras.src.callbacks.early_stopping_test", reason="this Keras ships without its tests")


def reduce_on_plateau(verbose=0, **arguments):
    return callbacks.LearningRateDecay(schedules.on_plateau(**arguments), verbose)


CALLBACKS = types.SimpleNamespace(
    EarlyStopping=callbacks.EarlyStopping,
    ReduceLROnPlateau=reduce_on_plateau,
    LearningRateScheduler=callbacks.LearningRateDecay,
)
SCHEDULES = types.SimpleNamespace(
    ExponentialDecay=schedules.Exponential,
    InverseTimeDecay=schedules.InverseTime,
    PolynomialDecay=schedules.LinearDecay,
    CosineDecay=schedules.Cosine,
    PiecewiseConstantDecay=keras.optimizers.schedules.PiecewiseConstantDecay,
    CosineDecayRestarts=keras.optimizers.schedules.CosineDecayRestarts,
)
MODULES = {
    "callbacks.early_stopping_test": {"callbacks": CALLBACKS},
    "callbacks.reduce_lr_on_plateau_test": {"callbacks": CALLBACKS},
    "callbacks.learning_rate_scheduler_test": {"callbacks": CALLBACKS},
    "optimizers.schedules.learning_rate_schedule_test": {"schedules": SCHEDULES},
}
INSIDE = "sets or reads what is inside (monitor_op, best, wait); ours is computed from the past"
WORDING = "expects Keras's wording of the line that verbose=1 prints"
SCALES = "expects a TypeError where the rate is a schedule; ours scales it"
FLAG = "asks for a flag (staircase, power, cycle, alpha, warm-up) that the law does not have"
EXCEPTIONS = {
    "early_stopping_test.EarlyStoppingTest.test_early_stopping": INSIDE,
    "early_stopping_test.EarlyStoppingTest.test_state_reset_across_fit_calls": INSIDE,
    "reduce_lr_on_plateau_test.ReduceLROnPlateauTest.test_state_reset_across_fit_calls": INSIDE,
    "reduce_lr_on_plateau_test.ReduceLROnPlateauTest.test_verbose_logging": WORDING,
    "learning_rate_scheduler_test.LearningRateSchedulerTest.test_verbose_logging": WORDING,
    "reduce_lr_on_plateau_test.ReduceLROnPlateauTest.test_throws_when_optimizer_has_schedule": SCALES,
    "learning_rate_scheduler_test.LearningRateSchedulerTest.test_throws_when_optimizer_has_schedule": SCALES,
}
for name in (
    "CosineDecayTest.test_config", "CosineDecayTest.test_warmup", "CosineDecayTest.test_warmup_decay",
    "ExponentialDecayTest.test_config", "ExponentialDecayTest.test_staircase", "ExponentialDecayTest.test_variables",
    "InverseTimeDecayTest.test_config", "InverseTimeDecayTest.test_staircase", "LinearDecayTest.test_config",
    "LinearDecayTest.test_beyond_end_with_cycle", "SqrtDecayTest.test_begin_with_cycle",
    "SqrtDecayTest.test_beyond_end", "SqrtDecayTest.test_beyond_end_with_cycle", "SqrtDecayTest.test_end",
    "SqrtDecayTest.test_halfway", "SqrtDecayTest.test_halfway_with_end",
):  # fmt: skip
    EXCEPTIONS[f"learning_rate_schedule_test.{name}"] = FLAG


def collect():
    for module_name, names in MODULES.items():
        for case, method, test_id in cases_of(copy_of(module_name, **names)):
            yield pytest.param(case, method, id=test_id)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case, method", list(collect()))
def test_keras_own(case, method, request):
    check(case, method, request.node.callspec.id, EXCEPTIONS)
