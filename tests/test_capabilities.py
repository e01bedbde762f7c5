"""README and the guide are run: each block of code as it is printed, and a check for each promise in a list or table.

The depth is in the tests of each package; here nothing that README and the guide promise can be missing.
"""

import functools
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8 as ch8
from keras_ch8 import (
    callbacks,
    choosing,
    clipping,
    curvature,
    extend,
    layers,
    monitors,
    optimizers,
    schedules,
    stopping,
    training,
)
from keras_ch8.verdicts.kinds import KINDS
from keras_ch8.verdicts.state import state_of
from tests import forked
from tests.optimizers.strategy_cases import run_case
from tests.small_callbacks import Dies

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CHOOSE = (ROOT / "docs/choose.md").read_text()
TEXT = "\n\n".join(
    [README.partition("## Read on")[0], *(p.read_text() for p in sorted((ROOT / "docs/guide").glob("*.md")))]
)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 30)).astype("float32")
LABELS = (X[:, 0] > 0).astype("int32")
Y = LABELS[:, None].astype("float32")


def network(optimizer="sgd", loss="mse", units=1, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(units)])
    model.compile(optimizer, loss, **options)
    return model


def fit(model, *watching, x=X, y=Y, **options):
    return model.fit(x, y, **{"batch_size": 16, "epochs": 2, "verbose": 0} | options, callbacks=list(watching)).history


# --- the blocks of code -----------------------------------------------------------------------------------------------

BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
FAST_BLOCKS = (0,)


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=() if n in FAST_BLOCKS else pytest.mark.slow) for n in range(len(BLOCKS))]
)
def test_a_block_of_code_runs_as_it_is_printed(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.sub(r"epochs=\d+", "epochs=2", BLOCKS[number])
    is_classifier = "CategoricalLikelihood" in code
    model, y = network("adam", units=2 if is_classifier else 1), LABELS if is_classifier else Y
    fit(model, epochs=1, **({"y": np.eye(2, dtype="float32")[LABELS]} if is_classifier else {}))
    model.save("model.keras")
    names = {"keras": keras, "keras_ch8": ch8, "np": np, "model": model, "x": X, "y": y, "x_val": X, "y_val": y}
    exec(code, names | {"how_hard": np.abs(X).sum(1)})


# --- the promises -----------------------------------------------------------------------------------------------------

CHECKS = {}


def shows(*phrases):
    """Register a check for the items of README that contain one of the phrases."""

    def register(check):
        for phrase in phrases:
            CHECKS[phrase] = check
        return check

    return register


def items():
    """Return the items of lists, each in one line, and the rows of tables below their heads.

    Numbers, and the data with which a training goes on, have tests of their own.
    """
    for block in re.split(r"\n\n+", TEXT):
        if block.startswith("- "):
            yield from (" ".join(item.split()) for item in re.split(r"^- ", block, flags=re.MULTILINE)[1:])
        elif block.startswith("|") and not any(of in block for of in ("optax", "| data | goes on |")):
            yield from block.splitlines()[2:]


ITEMS = list(items())


def test_every_promise_is_checked_and_every_check_is_of_a_promise():
    for item in ITEMS:
        assert any(phrase in item for phrase in CHECKS), f"no check: {item[:100]}"
    for phrase in CHECKS:
        assert any(phrase in item for item in ITEMS), f"neither README nor the guide says: {phrase}"


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/guide").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_name_in_a_document_exists(document):
    code = " ".join(re.findall(r"`[^`\n]+`", document.read_text()))
    for package, name in set(re.findall(r"(?<![\w.])([a-z_]+)\.([A-Za-z_]+)\b", code.replace("keras_ch8.", ""))):
        if package in (*ch8.PACKAGES, "extend") and name != "jsonl":
            module = importlib.util.find_spec(f"keras_ch8.{package}.{name}") if package != "metrics" else None
            assert module or hasattr(getattr(ch8, package), name), f"{package}.{name}"


def test_what_is_to_be_chosen_can_be_made_as_it_is_printed():
    names = {package: getattr(ch8, package) for package in ch8.PACKAGES} | {"rate": 0.1, "seconds": 60.0, "y": LABELS}
    made = re.findall(r"`(?:\w+=)?((?:optimizers|schedules|clipping|stopping|initializers)\.\w+\(.*?\))`", CHOOSE)
    assert len(made) > 10
    for expression in made:
        eval(expression, names)


def test_README_is_short_and_every_number_of_its_table_stands_where_it_says():
    assert len(README.splitlines()) <= 150
    rows = re.findall(r"^\| (.+) \| (.+) \| .*\((docs/[^)#]+)[^)]*\) \|$", README, re.MULTILINE)
    assert len(rows) >= 3
    for what, measured, page in rows:
        said = (ROOT / page).read_text()
        for number in re.findall(r"\d+(?:\.\d+)?", measured):
            assert re.search(rf"\b{re.escape(number)}\b", said), f"{what}: {page} does not say {number}"


SYMPTOMS = re.findall(r"^\| .+ \| \[`(\w+)`\]\(docs/diagnosis.md#([\w-]+)\) \| (.+) \|$", README, re.MULTILINE)


@shows("| `act` |", "| `watch` |", "| `little_checked` |", "| `ok` |")
def states():
    said = {level: ch8.extend.Verdict("cliff", level, "So it is.", "", "8.2.4", 5) for level in ("act", "watch", "ok")}
    for level, verdict in said.items():
        assert state_of([verdict], applicable=["cliff", "saddle"]).name == level
    assert state_of([said["ok"]], applicable=["cliff", "saddle", "leak"]).name == "little_checked"


@shows("](docs/diagnosis.md#")
def symptoms():
    assert len(SYMPTOMS) == 17
    for kind, anchor, helps in SYMPTOMS:
        assert anchor in (kind, "before-the-first-step")
        remedies = [f"{remedy.cure} {remedy.code}" for remedy in ch8.verdicts.remedies.REMEDIES.get(kind, ())]
        said = " ".join([KINDS[kind].cure, *remedies])
        for part in re.findall(r"`([^`]+)`", helps):
            assert part in said, f"the cures of {kind} do not name {part}"


@shows("| `SGD(momentum=0.9)` |", "| `SGD(momentum=0.9, nesterov=True)` |")
def momentum():
    assert type(optimizers.SGD(momentum=0.9)) is optimizers.Momentum
    nesterov = optimizers.SGD(0.1, momentum=0.9, nesterov=True, finish_at_theta=True)
    assert type(nesterov) is optimizers.Nesterov
    model = network(nesterov)
    fit(model)
    np.testing.assert_allclose(nesterov.book_variables()[0], model.trainable_variables[0].numpy(), rtol=1e-5)


def first_step(optimizer, g):
    variable = keras.Variable([0.0])
    optimizer.apply([keras.ops.array([g], "float32")], [variable])
    return -float(variable.numpy()[0])


@shows("| `Adagrad()` |")
def adagrad():
    ratio = first_step(optimizers.Adagrad(0.1), 0.01) / first_step(keras.optimizers.Adagrad(0.1), 0.01)
    assert ratio == pytest.approx(32, rel=0.05)


@shows("| `RMSprop()` |", "| none | `RMSpropNesterov()` |")
def rmsprop():
    assert optimizers.RMSprop().epsilon == 1e-6
    assert first_step(optimizers.RMSpropNesterov(0.01), 1.0) > 0


@shows("| `Adam()` |", "| `AdamW()` |")
def adam():
    for ours, theirs in ((optimizers.Adam, keras.optimizers.Adam), (optimizers.AdamW, keras.optimizers.AdamW)):
        assert first_step(ours(1.0, epsilon=1e-8), 1e-8) == pytest.approx(0.5, rel=1e-3)
        assert first_step(theirs(1.0, epsilon=1e-8), 1e-8) == pytest.approx(0.03, abs=0.01)


@shows("`python -m keras_ch8 swap train.py`")
def swap(tmp_path):
    (tmp_path / "train.py").write_text("import keras\noptimizer = keras.optimizers.Adam(1e-3)\n")
    command = [sys.executable, "-W", "ignore", "-m", "keras_ch8", "swap", str(tmp_path / "train.py")]
    assert (
        "+optimizer = keras_ch8.optimizers.Adam(1e-3)" in subprocess.run(command, capture_output=True, text=True).stdout
    )
    with pytest.raises(ValueError, match="Write `learning_rate=`"):
        optimizers.Adam(lr=0.1)


@shows('A string names an optimizer as `"keras_ch8>Adam"`')
def strings():
    assert type(network("keras_ch8>Adam").optimizer) is optimizers.Adam
    ch8.integration.register_strings()
    assert type(network("Momentum").optimizer) is optimizers.Momentum


@shows("A training can change over in the middle")
def change_over(tmp_path):
    model = network("adam")
    fit(model)
    model.save(tmp_path / "model.keras")
    model.compile(optimizers.Adam(), "mse")
    model.optimizer.build(model.trainable_variables)
    model.load_weights(tmp_path / "model.keras")
    assert int(model.optimizer.iterations.numpy()) == 8


@shows("float16 and bfloat16 weights move")
def narrow():
    variable, optimizer = keras.Variable([1.0], dtype="bfloat16"), optimizers.SGD(1e-4)
    for _ in range(100):
        optimizer.apply([keras.ops.array([1.0])], [variable])
    assert float(keras.ops.cast(variable, "float32")[0]) == pytest.approx(0.99, abs=4e-3)


@shows("Two replicas equal one device")
def replicas():
    row = forked.call(run_case, "Adam-everything")
    assert row["difference"] <= 1e-6
    assert row["between_replicas"] == 0.0


@shows("Data of unknown length take as many steps")
def unknown_length():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16).filter(lambda x, y: True)
    model = network(optimizers.Adam(weight_decay=0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that the data ran out
        for _ in range(2):
            model.fit(data, verbose=0, shuffle=False)
    assert int(model.optimizer.iterations.numpy()) == 8


@shows("Schedules and `use_ema` count updates")
def updates():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.0])
    optimizer, variable = optimizers.SGD(schedule, gradient_accumulation_steps=2), keras.Variable([0.0])
    for _ in range(2):
        optimizer.apply([keras.ops.array([1.0])], [variable])
    assert float(variable.numpy()[0]) == -1.0


@shows("**`skip_nonfinite=True`**")
def skipping():
    model = network(optimizers.Adam(skip_nonfinite=True))
    fit(model, x=np.full_like(X, np.nan))
    assert model.optimizer.skipped_steps == 8
    assert np.isfinite(model.get_weights()[0]).all()


@shows("**`callbacks.Guard()`**")
def guarding():
    x = X.copy()
    x[5] = np.nan
    model, guard = network(optimizers.Adam()), callbacks.Guard()
    fit(model, guard, x=x, shuffle=False)
    assert guard.left_out[0]["examples"] == [5]
    assert np.isfinite(model.get_weights()[0]).all()


@shows('**`callbacks.Resume("checkpoints")`**')
def resuming(tmp_path):
    def train(*watching):
        model = network(optimizers.Adam())
        return fit(model, *watching, shuffle=False)["loss"], model.get_weights()[0].tolist()

    uninterrupted = train()
    with pytest.raises(KeyboardInterrupt):
        train(callbacks.Resume(tmp_path), Dies("on_epoch_begin", 2))
    assert train(callbacks.Resume(tmp_path)) == uninterrupted


@shows("State is saved variable by variable")
def saving(tmp_path):
    model = network(optimizers.Adam())
    fit(model)
    model.save(tmp_path / "model.keras")
    assert type(keras.models.load_model(tmp_path / "model.keras").optimizer) is optimizers.Adam


@shows("A bad argument raises at construction")
def bad_argument():
    with pytest.raises(ValueError, match=r"beta_1=1\.5.*Try 0\.9"):
        optimizers.Adam(beta_1=1.5)
    keras.optimizers.Adam(beta_1=1.5)


@shows("`Newton`, `TruncatedNewton`, `SaddleFreeNewton`")
def second_order():
    names = "Newton TruncatedNewton SaddleFreeNewton LevenbergMarquardt SteepestDescent ConjugateGradient BFGS LBFGS"
    for name in names.split():
        assert issubclass(getattr(optimizers, name), keras.optimizers.Optimizer)
    loss = fit(network(optimizers.LBFGS()), batch_size=64, epochs=4)["loss"]
    assert loss[-1] < loss[0]


@shows("`accumulate_batches=True`")
def batches():
    loss = fit(network(optimizers.LBFGS(accumulate_batches=True), steps_per_execution=4), epochs=4)["loss"]
    assert loss[-1] < loss[0]


@shows("`callbacks.SwitchOptimizer(at")
def switching():
    model = network("adam")
    fit(model, callbacks.SwitchOptimizer(start="50%", to=optimizers.Momentum(0.01)))
    assert type(model.optimizer) is optimizers.Momentum


@shows("`second_order.minimize(f, x0, method=")
def minimize():
    found = ch8.second_order.minimize(lambda x: keras.ops.sum((x - 1) ** 2), np.zeros(3), method="lbfgs")
    assert found.success
    np.testing.assert_allclose(found.x, 1, atol=1e-6)


@shows("`keras_ch8.curvature` examines the loss")
def curved():
    dense = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    dense.compile(loss="mse")
    x, y = X[:, :3], Y
    exact = 2 * x.T @ x / len(x)
    np.testing.assert_allclose(curvature.hessian(dense, x, y), exact, rtol=1e-4)
    assert curvature.lanczos(dense, x, y, steps=3).largest == pytest.approx(np.linalg.eigvalsh(exact)[-1], rel=1e-3)


@shows("| `clipping.", "`clipping.ByGlobalNorm(1.0)`")
def clip():
    rules = [clipping.ByGlobalNorm(1.0), clipping.ByNorm(1.0), clipping.ByValue(0.5), clipping.Adaptive(0.01),
             clipping.ByPercentile(10), clipping.ByZScore(), clipping.ByTensorHistory()]  # fmt: skip
    for rule in rules:
        assert np.isfinite(first_step(optimizers.SGD(1.0, clip=rule), 1e20))
    assert first_step(optimizers.SGD(1.0, global_clipnorm=1.0), 1e20) == pytest.approx(1.0)
    fit(network("adam"), callbacks.ClipGradients(rules[0]))


@shows("**`EarlyStopping`**")
def early_stopping():
    stop = callbacks.EarlyStopping(
        "loss", criterion=stopping.AnyOf(stopping.GeneralizationLoss(5), stopping.Deadline(0.01))
    )
    fit(network(), stop, epochs=50)
    assert stop.reason.why is extend.StopReason.DEADLINE


@shows("**`training.retrain_on_all_data`**")
def retraining():
    make = functools.partial(network, "adam")
    _, report = training.retrain_on_all_data(make, X[:48], Y[:48], (X[48:], Y[48:]), max_epochs=3, verbose=0)
    assert report.steps == 2 * (report.best_epoch + 1)


@shows("**Schedules** take their lengths")
def scheduling():
    warm = schedules.SequentialSchedule([schedules.Warmup(0.1, "1ep"), schedules.CosineDecay(0.1, "50%")], ["1ep"])
    model = network(optimizers.SGD(warm))
    fit(model, epochs=4)
    assert float(warm(4)) == pytest.approx(0.1)


@shows("**`LearningRateDecay`**")
def decay():
    model = network(optimizers.SGD(schedules.LinearDecay(0.1)))
    fit(model, callbacks.LearningRateDecay(schedules.ReduceOnPlateau("loss", patience=1, factor=0.5, min_delta=10.0)))
    assert float(model.optimizer.learning_rate) < 0.06


@shows("**`keras_ch8.find_learning_rate(model, x, y)`**")
def finding():
    model = network("sgd")
    before = model.get_weights()
    found = choosing.find_learning_rate(model, X, Y, batch_size=16, steps=40)
    assert found
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@shows("`monitors.step_length`, `gradient_noise`")
def measuring():
    model = network()
    assert monitors.gradient_norm(model, X, Y).norm > 0
    assert monitors.gradient_noise(model, X, Y)
    assert monitors.layer_flow(model, X, Y)


@shows("`landscapes.interpolate` and `loss_plane`")
def landscapes():
    model = network()
    end = [1.1 * w for w in model.get_weights()]
    assert len(ch8.landscapes.interpolate(model, X, Y, model.get_weights(), end, points=3).losses) == 3
    assert ch8.landscapes.loss_plane(model, X, Y, points=3).losses.shape == (3, 3)


@shows("`symmetries.permute_units`")
def symmetric():
    model = network()
    before = model.predict(X, verbose=0)
    ch8.symmetries.permute_units(model, model.layers[0], np.arange(8)[::-1])
    np.testing.assert_allclose(model.predict(X, verbose=0), before, rtol=1e-4, atol=1e-6)


@shows("**Initializers**: `GlorotUniform`")
def initializers():
    start = ch8.initializers.Orthogonal("tanh", seed=0)
    assert (start((6, 6)).numpy() != start((6, 6)).numpy()).any()
    start((6, 6), "bfloat16")
    with pytest.raises(Exception, match="bfloat16"):
        keras.initializers.Orthogonal()((6, 6), "bfloat16")


@shows("**`layers.BatchNormalization`** takes")
def batch_norm():
    ours, theirs = (
        keras.Sequential([keras.Input((30,)), keras.layers.Dense(4), norm(), keras.layers.ReLU()])
        for norm in (layers.BatchNormalization, keras.layers.BatchNormalization)
    )
    ours.compile("sgd", "mse")
    fit(ours)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(theirs.predict(X, verbose=0), ours.predict(X, verbose=0), rtol=1e-4, atol=1e-5)
    layers.recalibrate(ours, X)
    np.testing.assert_allclose(
        layers.fold(ours).predict(X, verbose=0), ours.predict(X, verbose=0), rtol=1e-3, atol=1e-4
    )


@shows("**`layers.Residual`**, **`layers.Maxout`**")
def easy_layers():
    block = layers.Residual(keras.Sequential([keras.layers.Dense(30, "relu")]))
    model = keras.Sequential([keras.Input((30,)), block, layers.Maxout(8, 2), keras.layers.Dense(1)])
    supervised = layers.auxiliary_head(model, model.layers[1].name)
    supervised.compile("sgd", "mse")
    assert np.isfinite(fit(supervised)["loss"]).all()


@shows("**`training.pretrain_greedily(model, x, y)`**")
def pretraining():
    assert training.pretrain_greedily(network(optimizers.Adam()), X, Y, epochs=1, verbose=0)


@shows("**`training.check_initialization(model, x, y)`**")
def checking():
    assert str(training.check_initialization(network(), X, Y))


@shows("**`callbacks.PolyakAveraging`**")
def averaging():
    bare, averaged = network(), network()
    loss = fit(bare)["loss"]
    assert fit(averaged, callbacks.PolyakAveraging())["loss"] == loss
    assert (averaged.get_weights()[0] != bare.get_weights()[0]).any()


@shows("**`data.ArraySource`**")
def ordered_data():
    one, two = (ch8.data.ArraySource(X, Y, batch_size=16, seed=3) for _ in range(2))
    assert fit(network(), x=one, y=None, batch_size=None) == fit(network(), x=two, y=None, batch_size=None)
    assert len(ch8.data.read(tf.data.Dataset.from_tensor_slices((X, Y)).batch(16))[0]) == len(X)


@shows("**`callbacks.Curriculum`**")
def easy_first():
    source = ch8.data.ArraySource(X, Y, batch_size=16)
    easy = callbacks.Curriculum(source, np.abs(X).sum(1), pacing="root", until="50%")
    assert len(fit(network(), easy, x=source, y=None, batch_size=None)["loss"]) == 2


@shows("**`choosing.Study(make_model, (x, y)).run()`**")
def studying():
    def make():
        return network(optimizers.SGD(1e-3))

    report = choosing.Study(make, (X, Y), epochs=1, batch_size=16, verbose=0).run()
    assert report.setting.rate > 1e-3
    assert "Set the learning rate to" in str(report)


@shows("**`choosing.tune_speed`**")
def tuning():
    found = choosing.tune_speed(
        network(), X, Y, batch_size=16, steps_per_execution=(1,), multiples=(), rounds=3, verbose=0
    )
    assert found.recommended in [timed.setting for timed in found.settings]


@shows("**`choosing.compare_curricula`**")
def comparing():
    hard = np.abs(X).sum(1)
    found = choosing.compare_curricula(
        network, (X, Y), hard, (X, Y), epochs=2, seeds=2, orders=("none", "easy", "random"), verbose=0
    )
    assert found.values.shape == (3, 2)


@shows("**`keras_ch8.compare`**")
def comparing_optimizers():
    made = choosing.Candidate(lambda learning_rate: optimizers.SGD(learning_rate), {"learning_rate": (0.01, 0.1)})
    found = choosing.compare({"sgd": made}, network, (X, Y), budget=1, seeds=1, trials=1, verbose=0)
    assert np.isfinite(found.values).all()


@shows("**`callbacks.Continuation`**")
def annealing():
    model = network()
    cooled = keras.Sequential([*model.layers, ch8.continuation.Temperature(10.0)])
    cooled.compile("sgd", "mse")
    fit(cooled, callbacks.Continuation(until="1ep"))
    assert cooled.layers[-1].temperature.value == 1.0


@shows("**`optimizers.BlockCoordinateDescent`**")
def blocks():
    fit(network(optimizers.BlockCoordinateDescent(optimizers.SGD(0.01), [0, ".*"])))


@shows(
    "`logs/optimization/report.html`",
    "tensorboard --logdir logs",
    "`print(doctor)`",
    "`python -m keras_ch8 diagnose logs`",
    "In the terminal, what calls for action",
)
def page(tmp_path):
    fit(network(optimizers.SGD(0.1)), callbacks.TensorBoard(tmp_path / "logs"), callbacks.Diagnosis((X, Y)))
    text = (tmp_path / "logs" / "optimization" / "report.html").read_text()
    assert text.startswith("<!doctype html>")
    assert not re.search(r'(src|href)="(?!data:)', text)  # it asks for nothing
    assert ch8.report(tmp_path / "logs")._repr_html_()
    for command, file in (("report", tmp_path / "logs" / "report.html"), ("diagnose", None)):
        called = [sys.executable, "-m", "keras_ch8", command, str(tmp_path / "logs")]
        assert subprocess.run(called, capture_output=True).returncode == 0
        assert file is None or file.exists()
    tabs = importlib.metadata.entry_points(group="tensorboard_plugins", name="keras_ch8")
    assert [tab.load().__name__ for tab in tabs] == ["Loader"]


@shows('`run = keras_ch8.read_run("logs")` has it for Python')
def run_for_python(tmp_path):
    told = [ch8.trackers.CSV(), ch8.trackers.JSONL()]
    limited = network(optimizers.SGD(0.1, global_clipnorm=0.1))
    fit(limited, callbacks.TensorBoard(tmp_path / "logs", log_to=told), callbacks.Diagnosis((X, Y)))
    run = ch8.read_run(tmp_path / "logs")
    assert len(run["step/loss"].values) == run.step == 8
    assert run.verdicts
    assert {event.kind for event in run.events} >= {"clip"}
    assert {path.name for path in (tmp_path / "logs" / "optimization").iterdir()} >= {
        told[0].filename,
        told[1].filename,
    }
    assert issubclass(ch8.trackers.WandB, ch8.extend.Tracker)
    assert issubclass(ch8.trackers.MLflow, ch8.extend.Tracker)
    extras = importlib.metadata.metadata("keras_ch8").get_all("Provides-Extra")
    assert {"wandb", "mlflow", "plot", "pandas"} <= set(extras)
    pytest.importorskip("matplotlib").use("Agg")
    assert run.plot().get_title()
    assert run.plot("8.2.4")


@shows("Every result, such as that of `keras_ch8.find_learning_rate`")
def results():
    found = choosing.find_learning_rate(network(), X, Y, batch_size=16, steps=40)
    rate, *_ = found.suggestions["scaled minimum"]
    [marked] = [line for line in str(found).splitlines() if line.startswith("> ")]
    assert f"{rate:.4g}" in marked
    assert f"{rate:.4g}" in found._repr_html_()
    pytest.importorskip("matplotlib").use("Agg")
    assert found.plot().get_title()


FAST = (symptoms, adagrad, adam, bad_argument, narrow, initializers, updates)


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "check",
    [pytest.param(c, marks=() if c in FAST else pytest.mark.slow) for c in dict.fromkeys(CHECKS.values())],
    ids=lambda check: check.__name__,
)
def test_README_keeps_its_promise(check, tmp_path):
    check(*([tmp_path] if check.__code__.co_argcount else []))
