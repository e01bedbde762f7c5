"""Measure what listening to every step costs, one training step against another, to about 1 %.

    python benchmarks/listening.py [--nets mlp,cnn] [--json listening.json]

The networks of `benchmarks/harness.py`, batch 128; the MLP also with Keras's Adam, with accumulated gradients, in
mixed_float16, on two replicas, and with both Adams in an eager loop under `Doctor.watch`. Every contender has a model
of its own, which `fit` compiles with its callbacks; then six of its training steps are timed at a time, in random order
with those of the others, so that what disturbs the machine disturbs all. CPU time (all threads) and wall time are the
median ratio to the bare steps of the same round; "least" is the ratio of the shortest wall times, which tells most on a
busy machine, and "us" by how much a step is longer then. "bare again" tells how far equal code differs.
"""

import contextlib
import random
import statistics
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import harness
import keras
import numpy as np
import tensorflow as tf
from harness import BATCH, cnn, mlp

import keras_ch8
from keras_ch8 import optimizers

AT_A_TIME, WARM = 6, 20
CONTENDERS = {
    "bare": list,
    "bare again": list,
    "Diagnosis": lambda: [keras_ch8.callbacks.Diagnosis((X[:BATCH], Y[:BATCH]), ["cliff"])],
    "TensorBoard": lambda: [keras_ch8.callbacks.TensorBoard(tempfile.mkdtemp())],
    "GradientClippingLogger": lambda: [keras_ch8.callbacks.GradientClippingLogger()],
    "PolyakAveraging": lambda: [keras_ch8.callbacks.PolyakAveraging(0.99)],
}


class Net(NamedTuple):
    """What is trained: layers, optimizer, policy of its layers, and whether on two replicas or in an eager loop."""

    layers: Callable[[], list[Any]]
    optimizer: Callable[[], Any] = lambda: optimizers.SGD(0.01)
    policy: str = "float32"
    replicated: bool = False
    in_loop: bool = False


NETS = {
    "mlp": Net(mlp),
    "mlp_keras_adam": Net(mlp, keras.optimizers.Adam),
    "cnn": Net(cnn),
    "mlp_accumulating": Net(mlp, lambda: optimizers.SGD(0.01, gradient_accumulation_steps=2)),
    "mlp_mixed_float16": Net(mlp, policy="mixed_float16"),
    "mlp_loop": Net(mlp, optimizers.Adam, in_loop=True),
    "mlp_loop_keras_adam": Net(mlp, keras.optimizers.Adam, in_loop=True),
    "mlp_two_replicas": Net(mlp, replicated=True),
}
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(WARM * BATCH, 784)).astype("float32"), RNG.integers(0, 10, WARM * BATCH)


class Keep(keras.callbacks.Callback):
    """Keeps the training step that `fit` runs."""

    def on_train_batch_end(self, batch, logs=None):
        """Keep it."""
        self.step = self.model.train_function


def network(net):
    """Return the compiled network."""
    keras.config.set_dtype_policy(net.policy)
    try:
        return harness.classifier((784,), net.layers(), net.optimizer())
    finally:
        keras.config.set_dtype_policy("float32")


def two_replicas():
    """Return a strategy of two replicas on the CPU."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def training_step(model, callbacks, data=(X, Y), batch_size=BATCH):
    """Return the compiled step."""
    keep = Keep()
    model.fit(*data, batch_size=batch_size, verbose=0, callbacks=[*callbacks, keep])
    return keep.step


def looped_step(model, callbacks, exits):
    """Return a step op by op of a loop that is watched by callbacks, if there are any, until `exits` ends."""
    optimizer, run = model.optimizer, None
    if callbacks:
        own = [] if isinstance(callbacks[0], keras_ch8.callbacks.Diagnosis) else CONTENDERS["Diagnosis"]()
        run = exits.enter_context(keras_ch8.Doctor(None).watch(model, callbacks=[*callbacks, *own]))

    def step(batches):
        x, y = next(batches)
        with tf.GradientTape() as tape:
            loss = model.loss(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        if run is not None:
            run.step(loss=loss)
        return {"loss": loss}

    batches = iter(tf.data.Dataset.from_tensors((X[:BATCH], Y[:BATCH])).repeat())
    for _ in range(WARM):
        step(batches)
    return step


def some_steps(step, batches):
    """Take a few steps, and wait for them."""
    for _ in range(AT_A_TIME):
        logs = step(batches)
    keras.tree.map_structure(np.asarray, logs)


def rounds_of(net, options, strategy, exits):
    """Return the seconds of each contender in each round."""
    data, steps = tf.data.Dataset.from_tensors((X[:BATCH], Y[:BATCH])).repeat(), {}
    models = []  # must live on
    with strategy.scope() if net.replicated else contextlib.nullcontext():
        for name, make in CONTENDERS.items():
            if name != "PolyakAveraging" or not (net.in_loop or net.replicated):
                models.append(network(net))
                made = make()
                steps[name] = looped_step(models[-1], made, exits) if net.in_loop else training_step(models[-1], made)
    batches = iter(strategy.experimental_distribute_dataset(data) if net.replicated else data)
    found = []
    for _ in harness.rounds(options):
        order = random.sample(list(steps), len(steps))
        found.append({name: harness.timed(some_steps, steps[name], batches)[1:] for name in order})
    return found


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "listening.json", rounds=300, nets=",".join(NETS))
    nets = {name: NETS[name] for name in options.nets.split(",")}
    strategy = two_replicas() if any(net.replicated for net in nets.values()) else None
    results = {}
    for net in nets:
        with contextlib.redirect_stdout(None), contextlib.ExitStack() as exits:
            found = rounds_of(nets[net], options, strategy, exits)
        print(f"{net:24}{'CPU':>8}{'wall':>8}{'least':>8}{'us':>6}")
        bare = min(each["bare"][1] for each in found)
        for name in sorted(found[0], key=list(CONTENDERS).index):
            cpu, wall = (statistics.median(each[name][k] / each["bare"][k] for each in found) for k in (0, 1))
            least = min(each[name][1] for each in found)
            longer = (least - bare) / AT_A_TIME * 1e6
            print(f"{name:24}{cpu:8.3f}{wall:8.3f}{least / bare:8.3f}{longer:6.0f}", flush=True)
            results[f"{net}, {name}"] = {"cpu": cpu, "wall": wall, "least": least / bare, "longer_us": longer}
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
