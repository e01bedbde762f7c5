"""Train on two replicas and on one device: what `run_case` compares, in a process of its own (see `tests.forked`)."""

import keras
import numpy as np

from keras_ch8 import callbacks, clipping, optimizers, schedules
from keras_ch8.optimizers import Group
from tests.callbacks.runs import Frames
from tests.forked import two_replicas
from tests.optimizers.algorithms import NAMES, make
from tests.optimizers.layerwise import LAMB

FEATURES = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.1},
    "clipvalue": {"clipvalue": 0.02},
    "everything": {
        "global_clipnorm": 0.1,
        "gradient_accumulation_steps": 2,
        "use_ema": True,
        "ema_momentum": 0.9,
        "ema_overwrite_frequency": 3,
        "weight_decay": 0.01,
        "skip_nonfinite": True,
    },
}
GROUPS = [Group.of_rank(1, learning_rate=0.5, weight_decay=False), Group("*", learning_rate=0.25, weight_decay=0.5)]
CASES = {f"{name}-everything": (name, FEATURES["everything"], {}) for name in NAMES}
CASES |= {f"Adam-{feature}": ("Adam", options, {}) for feature, options in FEATURES.items()}
CASES |= {
    "Adam-nan-in-one-replica": ("Adam", {"skip_nonfinite": True}, {"nan": True}),
    "Adam-eagerly": ("Adam", FEATURES["everything"], {"run_eagerly": True}),
    "Adam-mixed-float16": ("Adam", {}, {"policy": "mixed_float16"}),
    "Adagrad-embedding": ("Adagrad", {"global_clipnorm": 0.5}, {"embedding": True}),
    "Adam-bfloat16-weights": ("Adam", {}, {"dtype": "bfloat16"}),
    "Adam-telemetry": ("Adam", {"clip": clipping.ByPercentile(50)}, {"telemetry": True}),
    "Adam-telemetry-tensor-rule": ("Adam", {"clip": clipping.ByNorm(0.1)}, {"telemetry": True}),
    "Adam-telemetry-schedule": ("Adam", {}, {"telemetry": True, "schedule": True}),
    "Adam-telemetry-groups": ("Adam", {"weight_decay": 0.01, "groups": GROUPS}, {"telemetry": True}),
    "LAMB-everything": ("LAMB", FEATURES["everything"], {}),
    "Blocks": ("Blocks", {}, {}),
    "Keras-telemetry-schedule": ("Keras", {}, {"telemetry": True, "schedule": True}),
    "Keras-telemetry": ("Keras", {}, {"telemetry": True, "rule": clipping.ByGlobalNorm(0.1)}),
}


def train(name, options, setting):
    keras.utils.set_random_seed(0)
    if "policy" in setting:
        keras.config.set_dtype_policy(setting["policy"])
    rng = np.random.default_rng(0)
    if setting.get("embedding"):
        x, y = rng.integers(0, 9, (64, 3)), rng.normal(size=(64, 1))
        first = [keras.Input((3,)), keras.layers.Embedding(20_000, 4), keras.layers.Flatten()]
    else:
        x, y = rng.normal(size=(64, 8)), rng.normal(size=(64, 1))
        first = [keras.Input((8,)), keras.layers.Dense(6, "tanh", dtype=setting.get("dtype"))]
    x = x.astype("float32")
    if setting.get("nan"):
        x[24:32] = np.nan  # the second half of the second global batch: replica 1 alone
    model = keras.Sequential([*first, keras.layers.Dense(1, dtype=setting.get("dtype"))])
    makers = {"Keras": lambda: keras.optimizers.Adam(0.01, epsilon=1e-3), "LAMB": lambda: LAMB(0.1, **options)}
    makers["Blocks"] = lambda: optimizers.BlockCoordinateDescent(make("Adam", clipnorm=0.1), ["kernel", "bias"], 2)
    optimizer = makers[name]() if name in makers else make(name, **options)
    if setting.get("schedule"):
        rise, fall = schedules.Warmup(0.05, "1ep", 0.01), schedules.LinearDecay(0.05, "50%")
        optimizer.learning_rate = schedules.SequentialSchedule([rise, fall], ["1ep"])
    model.compile(optimizer, "mse", run_eagerly=setting.get("run_eagerly", False))
    frames = Frames()
    listed = [frames] if setting.get("telemetry") else []
    listed += [callbacks.ClipGradients(setting["rule"])] if "rule" in setting else []
    model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0, callbacks=listed)
    return model, frames


def run_case(case):
    """Return the largest difference of a weight, the largest difference between replicas, and counters."""
    strategy = two_replicas()
    single, alone = train(*CASES[case])
    with strategy.scope():
        double, together = train(*CASES[case])

    def flat(model):
        return np.concatenate([v.numpy().astype("float64").ravel() for v in model.trainable_variables])

    inner = getattr(double.optimizer, "inner_optimizer", double.optimizer)
    spread = [
        np.abs(np.diff([c.numpy().astype("float64") for c in v.value.values], axis=0)).max()
        for v in [*double.optimizer.variables, *double.trainable_variables]
        if hasattr(v.value, "values")
    ]
    return {
        "difference": float(np.abs(flat(single) - flat(double)).max()),
        "moved": float(np.ptp(flat(double))),
        "between_replicas": float(np.max(spread)),
        "replicated": len(spread),
        "iterations": int(inner.iterations.numpy()),
        "skipped": getattr(inner, "skipped_steps", 0),
        "telemetry": {
            name: float(np.abs(getattr(together, name) / getattr(alone, name) - 1).max())
            for name in ("steps", "loss", "norm", "clipped", "update", "learning_rate")
            if alone.frames
        },
    }
