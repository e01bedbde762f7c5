"""Measure what `choosing.Study` finds: three sick set-ups, a healthy one, and a critical batch size that is known.

    python benchmarks/study.py              # docs/study.json, and docs/study.md of it
    python benchmarks/study.py --quick      # coarse grids, no transformer, and nothing is written

- "rate": digits of scikit-learn, a small network, Adam with a tenth of a good learning rate.
- "warmup": a deep transformer with normalization behind each block (post-norm), without warmup at a rate at which it
  learns next to nothing.
- "batch": digits of scikit-learn, SGD with a rate that falls to 0, with batches far above the critical size.
- "healthy": the first with the best rate of the grid.

Each set-up is trained on a grid of settings too, and the loss of the setting that the study recommends is compared with
the smallest one of the grid: the target is 5 % above it, in at most 10 trainings. "critical batch size" is measured on
the noisy quadratic model (Zhang et al. 2019), whose steps to a loss are known exactly for each batch size and rate; the
elbow is where the lines of tiny and of huge batches meet. The target is a factor 2.
"""

import dataclasses
import itertools
from pydoc_data.topics import topics

import harness
import keras
import numpy as np
from keras import ops
from sklearn import datasets

from keras_ch8 import choosing, optimizers
from keras_ch8.choosing._study_trainer import StudySetting, StudyTrial, Trainer

X, Y = datasets.load_digits(return_X_y=True)
X = (X / 16).astype("float32")
ORDER = np.random.default_rng(0).permutation(len(X))
NOISY = np.where(np.random.default_rng(1).random(len(Y)) < 0.1, np.random.default_rng(2).integers(0, 10, len(Y)), Y)
TRAIN, VALID = ORDER[:1200], ORDER[1200:]
DIGITS = {"data": (X[TRAIN], NOISY[TRAIN]), "validation_data": (X[VALID], Y[VALID])}
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
DIMENSION, NOISE = 100, 3.0
EXAMPLES = {1.0: 16384, 3.0: 16384, 10.0: 131072}
"""For each noise of the quadratic model: a tenth of them are ten steps of the critical size at least."""
WINDOW, WIDTH, BLOCKS = 16, 16, 6
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


def transformer(rate):
    """Return a transformer with the normalization behind each residual block, as it was first published."""
    vocabulary = characters()[1]
    x = inputs = keras.Input((WINDOW,), dtype="int32")
    x = keras.layers.Embedding(vocabulary, WIDTH)(x) + keras.layers.Embedding(WINDOW, WIDTH)(ops.arange(WINDOW))
    for _ in range(BLOCKS):
        attended = keras.layers.MultiHeadAttention(2, WIDTH // 2)(x, x, use_causal_mask=True)
        x = keras.layers.LayerNormalization()(x + attended)
        wide = keras.layers.Dense(4 * WIDTH, "relu")(x)
        x = keras.layers.LayerNormalization()(x + keras.layers.Dense(WIDTH)(wide))
    model = keras.Model(inputs, keras.layers.Dense(vocabulary)(x))
    model.compile(keras.optimizers.Adam(rate), LOSS)
    return model


def steps_to(target, batch_size, rate, noise):
    """Return after how many steps of SGD the expected loss of the noisy quadratic model is at the target: exactly."""
    second, loss, step = np.ones(DIMENSION), 0.5 * CURVATURES.sum(), 0
    while loss > target:
        second = (1 - rate * CURVATURES) ** 2 * second + rate**2 * noise**2 * CURVATURES / batch_size
        before, loss, step = loss, 0.5 * float(CURVATURES @ second), step + 1
        if step > 50_000 or not loss < 1e3:
            return np.inf
    return step - (target - loss) / (before - loss)


def elbow(target, noise):
    """Return the batch size at which the examples that a tiny batch needs meet the steps that a huge one needs."""
    fewest = {m: min(steps_to(target, m, rate, noise) for rate in np.geomspace(1e-4, 1.9, 40)) for m in (1, 1e6)}
    return fewest[1] / fewest[1e6]


def critical_batch_size(noise):
    """Return the measured critical batch size, and the known elbow."""
    rng = np.random.default_rng(0)
    x = (noise * rng.normal(size=(EXAMPLES[noise], DIMENSION)) / np.sqrt(CURVATURES)).astype("float32")
    zeros = np.zeros_like(x)
    study = choosing.Study(
        lambda: quadratic(0.05), (x, zeros), validation_data=(zeros[:1], zeros[:1]), epochs=1, batch_size=16, verbose=0
    )
    found = study.batch_sizes(start=0)
    print(found, end="\n\n", flush=True)
    known = elbow(found.target, noise)
    return {"noise": noise, "measured": found.critical, "known": known, "ratio": found.critical / known,
            "noise scale": found.noise_scale, "target": found.target}  # fmt: skip


def falling(rate, steps):
    """Return a rate that falls to 0 in so many steps."""
    return keras.optimizers.schedules.PolynomialDecay(rate, steps, 0.0)


def transformer_data():
    """Return windows of characters, few enough for a benchmark."""
    given, _ = characters()
    return given | {"data": tuple(part[:2048] for part in given["data"])}


SET_UPS = {
    "rate": (lambda: network(keras.optimizers.Adam(1e-3)), lambda: DIGITS, {"epochs": 10, "batch_size": 32},
             {"rate": np.geomspace(1e-3, 0.1, 9)}),
    "batch": (lambda: network(optimizers.SGD(falling(0.1, 20))), lambda: DIGITS, {"epochs": 10, "batch_size": 600},
              {"rate": np.geomspace(0.01, 3, 8), "batch_size": (8, 32, 128, 600)}),
    "warmup": (lambda: transformer(0.01), transformer_data, {"epochs": 4, "batch_size": 32},
               {"rate": (1e-3, 2e-3, 4e-3, 8e-3), "warmup": (0, 25)}),
}  # fmt: skip
"""For each: makes the model, gives the data, how the study is made, and the grid."""


def on_grid(make, data, options, grid):
    """Return the best training of a grid of settings."""
    own = Trainer(make, *data().values(), options["epochs"], options["batch_size"])
    usual = StudySetting(own.given_rate, options["batch_size"])
    settings = [dataclasses.replace(usual, **dict(zip(grid, values, strict=True)))
                for values in itertools.product(*grid.values())]  # fmt: skip
    return min((own.train(StudyTrial(setting, own.examples)) for setting in settings), key=lambda run: run.best)


def studied(make, data, options):
    """Return the report of a study."""
    given = data()
    study = choosing.Study(make, given["data"], validation_data=given["validation_data"], verbose=0, **options)
    report = study.run()
    print(report, end="\n\n", flush=True)
    return report


def row_of(name, report, best):
    """Return the row of the table for a study, and what it has said."""
    loss = report.loss_of(report.setting)
    return {"set-up": name, "given": str(report.given), "study": str(report.setting), "loss": loss,
            "loss given": report.loss_of(report.given), "best of grid": str(best.setting), "its loss": best.best,
            "ratio": loss / best.best, "trainings": len(report.runs), "work": report.cost,
            "said": str(report).splitlines()[0], "steps": [[one.name, one.do, one.why] for one in report.steps],
            }  # fmt: skip


def compared(name, quick):
    """Study a set-up and train its grid; return the row of the table, and the best training of the grid."""
    make, data, options, grid = SET_UPS[name]
    if quick:
        grid = {key: values[::2] for key, values in grid.items()}
    report = studied(make, data, options)
    best = on_grid(make, data, options, grid)
    return row_of(name, report, best), best


def healthy(best):
    """Return the row of the first set-up with the best setting of its grid: the study should keep it."""
    _, data, options, _ = SET_UPS["rate"]
    return row_of("healthy", studied(lambda: network(keras.optimizers.Adam(best.setting.rate)), data, options), best)


INTRODUCTION = """# What a study finds

Made by `python benchmarks/study.py` with `choosing.Study`. Each set-up except the last has a fault: a learning rate
that is ten times too low, batches far above the critical size, a deep transformer without warmup. Each is also trained
on a grid of settings, with the same data, weights and number of examples. "Apart" is how far the lowest validation loss
with the recommended setting is above the lowest of the grid; below 0 %, the study beat the grid. "Work" is the cost of
the study, in full trainings.
"""

CRITICAL = """## The critical batch size

Measured by `Study.batch_sizes` on the noisy quadratic model (Zhang et al. 2019), for which the number of steps to a
given loss is known for each batch size and rate: the critical size is where the lines of tiny and of huge batches
meet. The gradient noise scale, which can be computed from a single batch, is a different quantity here.
"""


def page(results):
    """Return the document."""
    lines = [
        INTRODUCTION,
        "| set-up | given | loss | study | loss | best of the grid | loss | apart | trainings | work |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in results["set-ups"]:
        given, study = (f"{row[key]:.4g}" for key in ("loss given", "loss"))
        grid = row["best of grid"], f"{row['its loss']:.4g}", f"{row['ratio'] - 1:+.1%}"
        cells = [row["set-up"], row["given"], given, row["study"], study, *grid, str(row["trainings"])]
        lines.append(f"| {' | '.join(cells)} | {row['work']:.1f} |")
    lines += ["\n## What it says\n", "Steps that change nothing are omitted.\n"]
    for row in results["set-ups"]:
        lines += [f"**{row['set-up']}.** {row['said']}\n"]
        if changes := [f"- {name}: {do} {why}" for name, do, why in row["steps"] if do]:
            lines += [*changes, ""]
    lines += [CRITICAL, "| noise | known | measured | ratio | gradient noise scale |", "|---|---|---|---|---|"]
    for row in results["critical batch size"]:
        numbers = [row["noise"], row["known"], row["measured"], row["ratio"], row["noise scale"]]
        lines.append(f"| {' | '.join(f'{number:.3g}' for number in numbers)} |")
    return "\n".join(lines) + "\n"


def main():
    """Measure, print the table, write JSON and the document."""
    options = harness.options(__doc__, "docs/study.json", quick=False, only="")
    names = [name for name in SET_UPS if not (options.quick and name == "warmup")]
    chosen = options.only.split(",") if options.only else [*names, "healthy", "critical"]
    rows, best = [], None
    for name in SET_UPS:
        if name in chosen:
            row, run = compared(name, options.quick)
            rows.append(row)
            best = run if name == "rate" else best
    if "healthy" in chosen and best is not None:
        rows.append(healthy(best))
    noises = ((NOISE,) if options.quick else tuple(EXAMPLES)) if "critical" in chosen else ()
    results = {"set-ups": rows, "critical batch size": [critical_batch_size(noise) for noise in noises]}
    print(page(results))
    if not (options.quick or options.only):
        harness.save(options.json, results, page(results))


if __name__ == "__main__":
    main()
