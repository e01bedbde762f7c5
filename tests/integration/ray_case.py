"""A training by two workers that Ray Train starts, for test_ray."""

import os
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_ch8 import callbacks, clipping, data, layers, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 8)).astype("float32")
Y = (X @ RNG.normal(size=(8, 1))).astype("float32")


def train(strategy):
    """Return the weights after four epochs."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "tanh"),
                                  layers.BatchNormalization(synchronized=True), keras.layers.Dense(1)])  # fmt: skip
        model.compile(optimizers.Adam(0.05, clip=clipping.ByGlobalNorm(1.0), skip_nonfinite=True), "mse")
    source = data.ArraySource(X, Y, batch_size=16, seed=3)
    listed = [callbacks.PolyakAveraging(0.8), callbacks.EarlyStopping("val_loss", patience=2)]
    model.fit(source, epochs=4, validation_data=(X, Y), verbose=0, callbacks=listed)
    return model.get_weights()


def alone():
    return train(tf.distribute.get_strategy())


def worker(config):
    """Train as a worker of Ray, which has set TF_CONFIG, and report the weights."""
    import ray.train

    weights = train(tf.distribute.MultiWorkerMirroredStrategy())
    rank = ray.train.get_context().get_world_rank()
    with tempfile.TemporaryDirectory() as folder:
        np.savez(os.path.join(folder, f"weights-{rank}.npz"), *weights)
        ray.train.report({}, checkpoint=ray.train.Checkpoint.from_directory(folder))


def by_ray(folder):
    """Let Ray train with two workers on this machine, and return the weights of both."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.tensorflow import TensorflowTrainer

    path = {"env_vars": {"PYTHONPATH": str(Path(__file__).parents[2])}}
    ray.init(num_cpus=3, _node_ip_address="127.0.0.1", include_dashboard=False, runtime_env=path)
    try:
        run = RunConfig(storage_path=folder, name="two_workers")
        result = TensorflowTrainer(worker, scaling_config=ScalingConfig(num_workers=2), run_config=run).fit()
        with result.checkpoint.as_directory() as kept:
            both = [np.load(os.path.join(kept, f"weights-{rank}.npz")) for rank in range(2)]
            return [[weights[name] for name in weights.files] for weights in both]
    finally:
        ray.shutdown()
