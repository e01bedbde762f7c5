"""Measure what `training.Study` finds: three sick set-ups, a healthy one, and a critical batch size that is known.

    python benchmarks/study.py [--quick] [--json study.json]

- "rate": digits of scikit-learn, a small network, Adam with a tenth of a good learning rate.
- "warmup": a deep transformer with normalization behind each block (post-norm), whose rate diverges without warmup.
- "batch": digits of scikit-learn, SGD with batches far above the critical size.
- "healthy": the first with the best rate of the grid.

Each set-up is trained on a grid of settings too, and the loss of the setting that the study recommends is compared with
the smallest one of the grid: the target is 5 % above it, in at most 10 trainings. "critical batch size" is measured on
the noisy quadratic model (Zhang et al. 2019), whose steps to a loss are known exactly for each batch size and rate; the
elbow is where the lines of tiny and of huge batches meet. The target is a factor 2.

`--quick` leaves out the transformer, and takes coarser grids.
"""

from pydoc_data.topics import topics

import keras
import numpy as np
from keras import ops
from sklearn import datasets

from keras_ch8 import optimizers, training

X, Y = datasets.load_digits(return_X_y=True)
X = (X / 16).astype("float32")
ORDER = np.random.default_rng(0).permutation(len(X))
NOISY = np.where(np.random.default_rng(1).random(len(Y)) < 0.1, np.random.default_rng(2).integers(0, 10, len(Y)), Y)
TRAIN, VALID = ORDER[:1200], ORDER[1200:]
DIGITS = {"data": (X[TRAIN], NOISY[TRAIN]), "validation_data": (X[VALID], Y[VALID])}
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
DIMENSION, NOISE, EXAMPLES = 100, 3.0, 16384
WINDOW, WIDTH, BLOCKS = 16, 16, 10
CURVATURES = 1.0 / np.arange(1, DIMENSION + 1)


def network(optimizer):
    """Return a small classifier of the digits."""
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
    model.compile(optimizer, LOSS)
    return model


@keras.saving.register_keras_serializable("benchmark")
class Distance(keras.Layer):
    """Weights minus the input."""

    def build(self, shape):
        """Make the weights, all 1."""
        self.theta = self.add_weight(shape=shape[1:], initializer="ones")

    def call(self, x):
        """Return the difference."""
        return self.theta - x


def quadratic(rate):
    """Return the noisy quadratic model: its gradient is H theta and noise with the covariance NOISE^2 H."""
    model = keras.Sequential([keras.Input((DIMENSION,)), Distance()])
    curvatures = CURVATURES.astype("float32")
    model.compile(optimizers.SGD(rate), lambda y, d: 0.5 * ops.sum(curvatures * d**2, axis=-1))
    return model


def characters():
    """Return windows of the text of Python's own help, and the character that follows each."""
    text = "".join(topics[name] for name in sorted(topics))[:60_000]
    codes = {c: i for i, c in enumerate(sorted(set(text)))}
    codes = np.array([codes[c] for c in text])
    windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW + 1)[:: WINDOW // 2]
    windows = windows[np.random.default_rng(0).permutation(len(windows))]
    x, y = windows[:, :-1], windows[:, 1:]
    return {"data": (x[:3072], y[:3072]), "validation_data": (x[3072:3584], y[3072:3584])}, int(codes.max()) + 1


def transformer(rate, blocks=BLOCKS):
    """Return a transformer with the normalization behind each residual block, as it was first published."""
    vocabulary = characters()[1]
    x = inputs = keras.Input((WINDOW,), dtype="int32")
    x = keras.layers.Embedding(vocabulary, WIDTH)(x) + keras.layers.Embedding(WINDOW, WIDTH)(ops.arange(WINDOW))
    for _ in range(blocks):
        attended = keras.layers.MultiHeadAttention(2, WIDTH // 2)(x, x, use_causal_mask=True)
        x = keras.layers.LayerNormalization()(x + attended)
        wide = keras.layers.Dense(4 * WIDTH, "relu")(x)
        x = keras.layers.LayerNormalization()(x + keras.layers.Dense(WIDTH)(wide))
    model = keras.Model(inputs, keras.layers.Dense(vocabulary)(x))
    model.compile(keras.optimizers.Adam(rate), LOSS)
    return model


def steps_to(target, batch_size, rate):
    """Return after how many steps of SGD the expected loss of the noisy quadratic model is at the target: exactly."""
    second, loss, step = np.ones(DIMENSION), 0.5 * CURVATURES.sum(), 0
    while loss > target:
        second = (1 - rate * CURVATURES) ** 2 * second + rate**2 * NOISE**2 * CURVATURES / batch_size
        before, loss, step = loss, 0.5 * float(CURVATURES @ second), step + 1
        if step > 20_000 or not loss < 1e3:
            return np.inf
    return step - (target - loss) / (before - loss)


def elbow(target):
    """Return the batch size at which the examples that a tiny batch needs meet the steps that a huge one needs."""
    fewest = {m: min(steps_to(target, m, rate) for rate in np.geomspace(1e-4, 1.9, 40)) for m in (1 / 4, 1e6)}
    return fewest[1 / 4] / 4 / fewest[1e6]


def critical_batch_size():
    """Return the measured critical batch size, and the known elbow."""
    rng = np.random.default_rng(0)
    x = (NOISE * rng.normal(size=(EXAMPLES, DIMENSION)) / np.sqrt(CURVATURES)).astype("float32")
    zeros = np.zeros((EXAMPLES, DIMENSION), "float32")
    study = training.Study(
        lambda: quadratic(0.05), (x, zeros), validation_data=(zeros[:1], zeros[:1]), epochs=1, batch_size=16, verbose=0
    )
    found = study.batch_sizes(after=0.0)
    print(found)
    known = elbow(found.target)
    return {"measured": found.critical, "known": known, "ratio": found.critical / known,
            "noise_scale": found.noise_scale, "target": found.target}  # fmt: skip


if __name__ == "__main__":
    print(critical_batch_size())
