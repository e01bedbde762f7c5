"""Time batch normalization, ours and Keras's, in turn, in the same run.

    python benchmarks/batch_norm.py [--shapes mlp,cnn] [--json batch_norm.json]

"training" is a step forward and backward, with the gradients of the input, gamma and beta, and the statistics kept;
"inference" a step forward. K steps run inside one tf.function, each on what the last one gave; "jit" compiles all of it
by XLA. Entries are medians over rounds, in us a step. The ratio is Keras's over ours in the same round, so above 1 we
are faster: its median, the smallest and the largest.
"""

import statistics

import harness
import keras
import numpy as np
import tensorflow as tf

from keras_ch8.layers import BatchNormalization

SHAPES = {
    "mlp 32x256": (32, 256),
    "mlp 128x1024": (128, 1024),
    "cnn 32x28x28x16": (32, 28, 28, 16),
    "cnn 32x14x14x64": (32, 14, 14, 64),
}
LAYERS = {"ours": BatchNormalization, "Keras": keras.layers.BatchNormalization}


def steps_of(make, shape, training, jit, k):
    """Return a function that takes k steps of a new layer."""
    layer, rng = make(), np.random.default_rng(0)
    layer.build(shape)
    x, slope = (tf.constant(rng.normal(size=shape), "float32") for _ in range(2))
    layer(x, training=True)

    def train(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        of_x, of_gamma, of_beta = tape.gradient(y, [x, layer.gamma.value, layer.beta.value], output_gradients=slope)
        layer.gamma.assign_sub(1e-6 * of_gamma)
        layer.beta.assign_sub(1e-6 * of_beta)
        return x + of_x

    def infer(x):
        return layer(x, training=False)

    @tf.function(jit_compile=jit, autograph=False)
    def loop(x):
        step = train if training else infer
        return tf.while_loop(lambda i, x: i < k, lambda i, x: (i + 1, step(x)), [tf.constant(0), x])[1]

    return lambda: loop(x).numpy()


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "batch_norm.json", shapes="mlp,cnn", rounds=21)
    results = {}
    print(f"{'':32s}{'ours':>10s}{'Keras':>10s}{'ratio':>8s}")
    for name, shape in SHAPES.items():
        if not name.startswith(tuple(options.shapes.split(","))):
            continue
        k = 200 if name.startswith("mlp") else 20
        for training in (True, False):
            for jit in (False, True):
                runs = {who: steps_of(make, shape, training, jit, k) for who, make in LAYERS.items()}
                _, times = harness.in_turn(runs, options, k)
                ours, peer = (statistics.median(times[who]) for who in LAYERS)
                ratio = harness.ratio(times["Keras"], times["ours"])
                kind = f"{name}  {'training' if training else 'inference'}{'  jit' if jit else ''}"
                results[kind] = {"ours": ours, "Keras": peer, "ratio": ratio}
                print(f"{kind:32s}{ours:8.1f} us{peer:7.1f} us{ratio}", flush=True)
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
