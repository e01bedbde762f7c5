"""PolyakAveraging among callbacks that keep, save and restore weights, in every order, and in trainings that die.

The oracle is a bare training: a plain LambdaCallback records the weights after each update, and averages of them and
losses of both are computed in float64.
"""

import functools
import itertools
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, optimizers
from keras_ch8.callbacks import weight_average
from keras_ch8.callbacks.weight_average import Swap
from keras_ch8.integration import backend
from tests.callbacks.runs import BATCH, STEPS, X, Y, network
from tests.callbacks.test_polyak_averaging import assert_same
from tests.marks import mostly
from tests.oracles import averages
from tests.small_callbacks import Dies

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*so the average mostly covers its start",  # of a few updates
    "ignore:After an interruption, `BackupAndRestore` restores",
)

ALPHA, EPOCHS, PATIENCE = 0.8, 5, 1
VALIDATION = X[:20], 0.3 * Y[:20]
"""The loss on these rises after two epochs of the weights, and after three of the averages."""
MODES = "average", "raw"
"""What `evaluate` says."""
FREQUENCIES = {"each": 1, "second": 2, "none": None}


def mean_square(weights):
    """Return the loss on the validation data of the network of `runs`, in float64."""
    w1, b1, w2, b2 = (np.asarray(w, "float64") for w in weights)
    return float(np.mean(np.square(np.tanh(VALIDATION[0] @ w1 + b1) @ w2 + b2 - VALIDATION[1])))


def averages_of(path, alpha=ALPHA):
    """Return the averages after each update, in float64."""
    of_each = [[averages.exponential(values[:n], alpha) for n in range(1, len(path) + 1)] for values in zip(*path)]  # noqa: B905
    return [list(weights) for weights in zip(*of_each, strict=True)]


@functools.cache
def shared():
    """Return a compiled model, an average, and all values at the start, for many trainings that trace once."""
    model = network(keras.optimizers.SGD(0.1, momentum=0.5))
    model.optimizer.build(model.trainable_variables)
    values = [v.numpy() for v in variables_of(model)]
    return model, callbacks.PolyakAveraging(ALPHA), values


def variables_of(model):
    return [*model.variables, *model.optimizer.variables]


def from_the_start():
    model, _, values = shared()
    model._initial_epoch = None  # where BackupAndRestore leaves its epoch for ever
    for variable, value in zip(variables_of(model), values, strict=True):
        variable.assign(value)
    return model


def train(model, listed, epochs=EPOCHS, every=1, **options):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0} | options
    validation = {} if every is None else {"validation_data": VALIDATION, "validation_freq": every}
    return model.fit(X, Y, epochs=epochs, callbacks=listed, **(validation | options)).history


class Recorded:
    """What plain LambdaCallbacks have seen of the weights; `first` and `last` are for both ends of a list."""

    def __init__(self):
        self.path, self.begins, self.ends = [], [], []
        self.first = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda _, logs=None: self._keep(self.path, self.first)
        )
        self.last = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda _, logs=None: self._keep(self.begins, self.last),
            on_epoch_end=lambda _, logs=None: self._keep(self.ends, self.last),
        )

    def _keep(self, where, callback):
        where.append(callback.model.get_weights())


@functools.cache
def bare():
    """Return weights and averages after each update, and both losses after each epoch, of a training by itself."""
    seen = Recorded()
    losses = train(from_the_start(), [seen.first], every=None)["loss"]
    averaged = averages_of(seen.path)
    ends = range(STEPS - 1, EPOCHS * STEPS, STEPS)
    of = {"": [mean_square(seen.path[n]) for n in ends], "_average": [mean_square(averaged[n]) for n in ends]}
    return seen.path, averaged, of, losses


def close(some, others):
    return all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(some, others, strict=True))


KEEPERS = ["theirs", "ours", "best", "batches", "backup"]


class Case:
    """One training with these callbacks in this order, and what has to come of it.

    Args:
        order: Names of the callbacks, with "average" among them.
        mode: As `evaluate` of `PolyakAveraging`.
        final: As in `PolyakAveraging`.
        frequency: Key of FREQUENCIES.
        folder: Where files go.
    """

    def __init__(self, order, mode, final, frequency, folder):
        self.order, self.mode, self.final, self.folder = order, mode, final, folder
        self.every = FREQUENCIES[frequency]
        self.monitor = "loss" if self.every is None else "val_loss"
        self.stays = self.every is not None and mode == "average"
        self.made = {name: getattr(self, f"_{name}")() for name in order}

    def _average(self):
        average = shared()[1]
        average.evaluate, average.final = self.mode, self.final
        return average

    def _stop(self, kind, **options):
        options |= {"restore_best_weights": True, "mode": "max" if self.every is None else "min"}
        return kind(self.monitor, patience=PATIENCE, **options)

    def _theirs(self):
        return self._stop(keras.callbacks.EarlyStopping)

    def _ours(self):
        return self._stop(callbacks.EarlyStopping, start_from_epoch=(self.every or 1) - 1)

    def _best(self):
        file, mode = str(self.folder / "best.weights.h5"), "max" if self.every is None else "min"
        return keras.callbacks.ModelCheckpoint(
            file, self.monitor, mode=mode, save_best_only=True, save_weights_only=True
        )

    def _batches(self):
        file = str(self.folder / "{epoch}-{batch}.weights.h5")
        return keras.callbacks.ModelCheckpoint(file, save_freq=7, save_weights_only=True)

    def _backup(self):
        frequency = 4 if self.stays else "epoch"
        return keras.callbacks.BackupAndRestore(
            str(self.folder / "backup"), save_freq=frequency, delete_checkpoint=False
        )

    def check(self):
        path, averaged, losses, trained = bare()
        model, seen, average = from_the_start(), Recorded(), shared()[1]
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Early stopping conditioned|Can save best model|.*leaves the weights unchanged"
            )
            history = train(model, [seen.first, *self.made.values(), seen.last], every=self.every)
        validated = [e for e in range(EPOCHS) if self.every is not None and (e + 1) % self.every == 0]
        measured = {"average": "_average", "raw": ""}[self.mode]

        def monitored(epoch):
            return -trained[epoch] if self.every is None else losses[measured][epoch]

        # The stop, and what is best by then.
        last, best = EPOCHS - 1, None
        wait = 0
        for epoch in validated or range(EPOCHS):
            wait += 1
            if best is None or monitored(epoch) < monitored(best):
                best, wait = epoch, 0
            elif {"theirs", "ours"} & set(self.order) and wait >= PATIENCE:
                last = epoch
                break
        assert len(history["loss"]) == last + 1
        ran = [e for e in validated if e <= last]
        updates = (last + 1) * STEPS

        # The training is that of the bare run, and each epoch begins with its weights.
        assert len(seen.path) == updates
        for some, others in zip(seen.path, path, strict=False):
            assert_same(some, others)
        for epoch in range(1, last + 1):
            assert_same(seen.begins[epoch], path[epoch * STEPS - 1])
        assert history["loss"] == trained[: last + 1]

        # Validation measured what `evaluate` says.
        assert history.get("val_loss", []) == pytest.approx([losses[measured][e] for e in ran], rel=1e-5)

        # What the others find at the end of an epoch, keep and save.
        def at_the_end_of(epoch):
            n = (epoch + 1) * STEPS - 1
            return averaged[n] if self.stays and epoch in validated else path[n]

        for epoch in range(last + 1):
            assert close(seen.ends[epoch], at_the_end_of(epoch))
        kept = at_the_end_of(best)
        for name in {"theirs", "ours"} & set(self.order):
            assert close(self.made[name].best_weights, kept)

        # What the model has in the end.
        if {"theirs", "ours"} & set(self.order):
            expected = kept
        elif self.final == "average":
            expected = averaged[updates - 1]
        else:
            expected = path[updates - 1]
        assert close(model.get_weights(), expected)
        if self.final == "average" or not {"theirs", "ours"} & set(self.order):
            assert_same(average.raw_weights, path[updates - 1])
        assert average.updates == updates
        assert close(average.weights, averaged[updates - 1])

        # What is in the files; to load them is the last thing, since the optimizer's variables are in them.
        if "best" in self.order:
            # Where nothing was monitored, Keras saves the epoch, whatever its value.
            saved = max([best, *(e for e in range(last + 1) if self.every and e not in validated)])
            model.load_weights(self.folder / "best.weights.h5")
            assert close(model.get_weights(), at_the_end_of(saved))
        if "batches" in self.order:
            saved = sorted(self.folder.glob("*-*.weights.h5"))
            assert len(saved) == updates // 7
            for file in saved:
                epoch, batch = map(int, file.name.partition(".")[0].split("-"))
                model.load_weights(file)
                assert_same(model.get_weights(), path[(epoch - 1) * STEPS + batch - 1])
        if "backup" in self.order:
            model.load_weights(self.folder / "backup" / "latest.weights.h5")
            assert_same(model.get_weights(), path[(updates // 4 * 4 if self.stays else updates) - 1])


@pytest.mark.slow
def test_the_oracle_tells_weights_from_averages_and_one_epoch_from_another():
    path, averaged, losses, trained = bare()
    for n in range(STEPS - 1, len(path), STEPS):
        assert not close(path[n], averaged[n])
    values = [*losses[""], *losses["_average"]]
    assert min(abs(a / b - 1) for a, b in itertools.combinations(values, 2)) > 1e-4
    for kind in losses:
        assert 0 < np.argmin(losses[kind]) < EPOCHS - 1 - PATIENCE, losses
    assert (np.diff(trained) < 0).all()


FINALS = "average", "raw"


def check_each(cases, folder):
    for i, (order, mode, final, frequency) in enumerate(cases):
        own = folder / str(i)
        own.mkdir()
        try:
            Case(order, mode, final, frequency, own).check()
        except Exception as error:
            error.add_note(f"{order}, {mode!r}, final={final!r}, validation: {frequency}")
            raise


@pytest.mark.slow
def test_beside_one_other_before_and_after_it(tmp_path):
    """Of all that can be combined, a part that has everything in it; the slow test has every order with each mode."""
    orders = [("average", other) if first else (other, "average") for other in KEEPERS for first in (True, False)]
    modes, frequencies = ("average", "average", "raw"), ("each", "each", "second", "none")
    cases = [(order, modes[i % 3], FINALS[i // 2 % 2], frequencies[i % 4]) for i, order in enumerate(orders)]
    check_each(cases, tmp_path)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("frequency", FREQUENCIES)
@pytest.mark.parametrize("mode", MODES)
def test_by_itself(mode, frequency, tmp_path):
    check_each([(("average",), mode, final, frequency) for final in FINALS], tmp_path)


# --- what is refused, and what others set ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer, others, message",
    [
        (keras.optimizers.SGD(use_ema=True), [], r"with use_ema=True.*Leave `use_ema` out"),
        (keras.optimizers.SGD(use_ema=True), [keras.callbacks.SwapEMAWeights()], r"with use_ema=True"),
        ("sgd", [callbacks.SwitchOptimizer("1ep", to=optimizers.SGD(use_ema=True))], r"with use_ema=True"),
        (optimizers.LBFGS(accumulate_batches=True), [], r"accumulate_batches=True.*Leave `accumulate_batches` out"),
        (
            "sgd",
            [keras.callbacks.BackupAndRestore("never")],
            r"`BackupAndRestore` would save .* a `save_freq` in batch",
        ),
    ],
    ids=["use_ema", "SwapEMAWeights", "use_ema later", "accumulate_batches", "BackupAndRestore"],
)
def test_what_cannot_go_with_it_is_refused_before_the_first_step_in_either_order(optimizer, others, message):
    model = network(optimizer, steps_per_execution=2 if isinstance(optimizer, optimizers.LBFGS) else 1)
    before = model.get_weights()
    for order in itertools.permutations([callbacks.PolyakAveraging(ALPHA), *others]):
        with pytest.raises(ValueError, match=message):
            train(model, list(order))
        assert_same(model.get_weights(), before)
        assert not OURS & set(vars(model))


class Sets(keras.callbacks.Callback):
    """Sets the bias of the last layer in the hook of this name, each time."""

    def __init__(self, hook):
        super().__init__()
        setattr(self, hook, self.set)

    def set(self, *args, **kwargs):
        self.model.layers[-1].bias.assign([7.0, 7.0])


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["on_epoch_end", "on_train_end"])
def test_weights_that_another_sets_stay_and_the_others_are_what_final_says(hook):
    """`final` is said before the others hear of the end of the training, and what they set at an epoch's end stays."""
    path, averaged, *_ = bare()
    for i, first in enumerate((True, False)):
        model, average = from_the_start(), shared()[1]
        average.evaluate, average.final = "average", FINALS[i]
        train(model, [average, Sets(hook)] if first else [Sets(hook), average], epochs=1)
        expected = path[STEPS - 1] if FINALS[i] == "raw" else averaged[STEPS - 1]
        assert close(model.get_weights()[:3], expected[:3])
        np.testing.assert_array_equal(model.get_weights()[3], [7.0, 7.0])
        assert_same(average.raw_weights[:3], path[STEPS - 1][:3])


@pytest.mark.slow
@pytest.mark.parametrize("mode", mostly(pytest.mark.full, MODES, "average"))
def test_a_backup_goes_on_from_the_weights(mode, tmp_path):
    """By epochs, or, where the model has the averages at their ends, by batches: as it does without an average."""
    frequency = 7 if mode == "average" else "epoch"

    def runs(names, folder):
        backup = keras.callbacks.BackupAndRestore(str(folder), save_freq=frequency)
        seen = [Recorded(), Recorded()]
        made = {"average": shared()[1], "backup": backup, "dies": Dies("on_train_batch_end", 2 * STEPS + 3)}
        with pytest.raises(KeyboardInterrupt):
            train(from_the_start(), [seen[0].first, *(made[name] for name in names)])
        train(from_the_start(), [seen[1].first, *(made[name] for name in names)])
        return seen[0].path + seen[1].path

    expected = runs(["backup", "dies"], tmp_path)
    orders = [("average", "backup", "dies"), ("backup", "dies", "average"), ("dies", "average", "backup")]
    for i, names in enumerate(orders):  # the average before and after each of the others
        average = shared()[1]
        average.evaluate, average.final = mode, FINALS[i % 2]
        for some, others in zip(runs(names, tmp_path / str(i)), expected, strict=True):
            assert_same(some, others)


# --- a training that dies --------------------------------------------------------------------------------------------

OURS = {"fit", "train_step", "test_step", "apply", "scale_loss"}
DEATHS = {
    "on_test_batch_end": 5,
    "on_test_end": 2,
    "on_epoch_end": 2,
    "on_train_batch_end": STEPS + 3,
    "on_train_end": 1,
}
"""At which call a training dies."""


def dead(model, listed, hook, first=True, error=KeyboardInterrupt, call=None):
    """Train until the death, and return what was seen."""
    seen, dies = Recorded(), Dies(hook, call or DEATHS[hook], error)
    with pytest.raises(error):
        train(model, [seen.first, dies, *listed] if first else [seen.first, *listed, dies], epochs=2)
    return seen


def afterwards(model):
    """Train without the average; return the weights after each batch, and all values at the end."""
    seen = Recorded()
    train(model, [seen.first], epochs=2)
    return [*seen.path, [v.numpy() for v in model.variables]]


@functools.cache
def without(hook):
    """Return the same of a training that has died without an average."""
    dead(from_the_start(), [], hook)
    return [*afterwards(shared()[0]), [v.numpy() for v in shared()[0].optimizer.variables]]


def check_death(hook, mode, final, first, error, file=None):
    model, average = from_the_start(), shared()[1]
    average.evaluate, average.final = mode, final
    seen = dead(model, [average], hook, first, error)
    assert_same(model.get_weights(), seen.path[-1])
    assert_same(average.raw_weights, seen.path[-1])
    assert not OURS & {*vars(model), *vars(model.optimizer)}
    if file is not None:
        model.save(file)
        assert_same(keras.models.load_model(file).get_weights(), seen.path[-1])
    updates = average.updates
    found = [*afterwards(model), [v.numpy() for v in model.optimizer.variables]]
    for some, others in zip(found, without(hook), strict=True):
        assert_same(some, others)
    assert average.updates == updates


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("hook", DEATHS)
def test_a_training_that_dies_leaves_the_raw_weights_and_nothing_else(hook, tmp_path):
    first = len(hook) % 2 == 0
    file = tmp_path / "model.keras" if hook in ("on_test_end", "on_train_end") else None
    check_death(hook, "average", "average", first, KeyboardInterrupt, file)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("kind", [keras.callbacks.EarlyStopping, callbacks.EarlyStopping], ids=["Keras", "ours"])
def test_what_others_restore_before_a_death_stays_and_what_they_do_not_get_to_does_not(kind):
    path, averaged, *_ = bare()
    for order in itertools.permutations(["average", "stop", "dies"]):
        model, average = from_the_start(), shared()[1]
        average.evaluate, average.final = "average", "average"
        stop = kind("val_loss", mode="max", restore_best_weights=True, patience=1)  # stops after the second epoch
        made = {"average": average, "stop": stop, "dies": Dies("on_train_end")}
        with pytest.raises(KeyboardInterrupt):
            train(model, [made[name] for name in order])
        restored = order.index("stop") < order.index("dies")
        expected = averaged[STEPS - 1] if restored else path[2 * STEPS - 1]
        assert close(model.get_weights(), expected), order
        if not restored:
            assert_same(average.raw_weights, path[2 * STEPS - 1])


def test_a_swap_that_is_interrupted_is_undone_whole(monkeypatch):
    """Wherever the interruption comes: while values are held, written, looked at or put back."""
    variables = [keras.Variable(np.float32([i])) for i in range(3)]
    for call in range(1, 20):
        for i, variable in enumerate(variables):
            variable.assign([i])
        swap, left = Swap(variables), [call]

        def count(function, left=left):
            def counted(*args):
                left[0] -= 1
                if not left[0]:
                    raise KeyboardInterrupt
                return function(*args)

            return counted

        with monkeypatch.context() as patch:
            for name in ("copy", "native"):
                patch.setattr(backend, name, count(getattr(backend, name)))
            patch.setattr(weight_average, "_print", count(weight_average._print))
            try:
                swap.put(lambda: [count(v.assign)([9.0]) for v in variables])
                swap.back()
                died = False
            except KeyboardInterrupt:
                died = True
        swap.back()
        assert [float(v.numpy()[0]) for v in variables] == [0, 1, 2], call
    assert not died, "the last round had no interruption"


# --- other models and ways to train ----------------------------------------------------------------------------------


class Adversaries(keras.Model):
    """Two parts that take turns, each with an optimizer of its own."""

    def __init__(self):
        super().__init__()
        self.one, self.other = keras.layers.Dense(5, "tanh"), keras.layers.Dense(2)
        self.mean = keras.metrics.Mean("loss")

    @property
    def metrics(self):
        return [self.mean]

    def compile(self, **optimizers):
        super().compile()
        self.d_optimizer, self.g_optimizer = optimizers["d"], optimizers["g"]

    def call(self, x):
        return self.other(self.one(x))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = keras.ops.mean(keras.ops.square(self(x) - y))
        ours, theirs = self.one.trainable_variables, self.other.trainable_variables
        gradients = tape.gradient(loss, [v.value for v in (*ours, *theirs)])
        for optimizer, variables in ((self.d_optimizer, ours), (self.g_optimizer, theirs)):
            if not optimizer.built:
                with tf.init_scope():
                    optimizer.build(variables)

        def one():
            self.d_optimizer.apply(gradients[: len(ours)], ours)
            return loss

        def other():
            self.g_optimizer.apply(gradients[len(ours) :], theirs)
            return loss

        is_first = self.d_optimizer.iterations.value == self.g_optimizer.iterations.value
        self.mean.update_state(tf.cond(is_first, one, other))
        return {"loss": self.mean.result()}

    def test_step(self, data):
        x, y = data
        self.mean.update_state(keras.ops.square(self(x) - y))
        return {"loss": self.mean.result()}


def unbuilt():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(5, "tanh"), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model


def adversaries():
    keras.utils.set_random_seed(0)
    model = Adversaries()
    model.compile(d=keras.optimizers.SGD(0.1), g=optimizers.Adam(0.02))
    return model


SETTINGS = {
    "unbuilt": unbuilt,
    "two optimizers": adversaries,
    "several steps at once": lambda: network(keras.optimizers.Adam(0.02), steps_per_execution=2),
    "accumulation": lambda: network(keras.optimizers.Adam(0.02, gradient_accumulation_steps=4)),
    "accumulation, ours": lambda: network(optimizers.Adam(0.02, gradient_accumulation_steps=4)),
    "XLA": lambda: network(keras.optimizers.Adam(0.02), jit_compile=True),
    "op by op": lambda: network(keras.optimizers.Adam(0.02), run_eagerly=True),
    "XLA, ours": lambda: network(optimizers.Adam(0.02), jit_compile=True),
    "Nesterov": lambda: network(optimizers.Nesterov(0.1, 0.9)),
    "clipped": lambda: network(optimizers.Adam(0.02, global_clipnorm=0.1, weight_decay=0.1)),
    "RMSprop": lambda: network(keras.optimizers.RMSprop()),
}


def updates_in(path, start=None):
    """Return the weights after each update, without those of batches that changed nothing."""
    pairs = zip([start, *path], path, strict=False)
    return [new for old, new in pairs if old is None or any((a != b).any() for a, b in zip(old, new, strict=True))]


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_average_is_that_of_the_bare_path(setting):
    """A second `fit` begins a new average, and trains on from the weights as they were trained."""
    make = SETTINGS[setting]
    model, one_by_one = make(), make()
    one_by_one.steps_per_execution = 1
    average = callbacks.PolyakAveraging(ALPHA)
    for _ in range(2):
        seen, path = Recorded(), Recorded()
        start = one_by_one.get_weights() if one_by_one.built else None
        history = train(model, [average, seen.first, seen.last], epochs=2)["val_loss"]
        train(one_by_one, [path.first], epochs=2)
        every = len(path.path) // len(seen.path)
        is_close = "XLA" in setting or setting == "several steps at once"
        same = close if is_close else lambda a, b: assert_same(a, b) or True
        for some, others in zip(seen.path, path.path[every - 1 :: every], strict=True):
            assert same(some, others)
        assert_same(seen.begins[1], seen.path[STEPS // every - 1])
        moved = updates_in(path.path, start)
        assert average.updates == len(moved) == 2 * STEPS // (4 if "accumulation" in setting else 1)
        averaged = averages_of(moved)
        assert close(model.get_weights(), averaged[-1])
        assert close(seen.ends[0], averaged[len(updates_in(path.path[:STEPS], start)) - 1])
        assert history == pytest.approx([mean_square(w) for w in seen.ends], rel=1e-5)
        assert_same(average.raw_weights, seen.path[-1])
