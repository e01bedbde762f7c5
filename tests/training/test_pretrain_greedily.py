"""Greedy pretraining: what each stage trains, what is handed on, what is left after a failure, and that it helps."""

import keras
import numpy as np
import pytest

from keras_ch8 import layers, optimizers, schedules, training
from keras_ch8.training._chain import put_slots, slots_of
from tests.callbacks.test_record import newest
from tests.callbacks.test_tensorboard import read

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 6)).astype("float32")
Y = np.tanh(X @ RNG.normal(size=(6, 2))).astype("float32")
Dense = keras.layers.Dense


def chain(optimizer="sgd", seed=1, between=(), **options):
    """Three small hidden layers; run eagerly, since that takes less than tracing four models."""
    options = {"run_eagerly": True} | options
    keras.utils.set_random_seed(seed)
    hidden = [part for i in range(3) for part in (Dense(5, "tanh", name=f"h{i}"), *(make() for make in between))]
    model = keras.Sequential([keras.Input((6,)), *hidden, Dense(2, name="out")])
    model.compile(optimizer, "mse", **options)
    return model


def pretrain(model, **options):
    options = {"epochs": 2, "fine_tune_epochs": 1, "batch_size": 32, "verbose": 0} | options
    return training.pretrain_greedily(model, X, Y, **options)


class Watch(keras.callbacks.Callback):
    """Keeps, of each stage, what its model has and what became of the weights of the whole."""

    def __init__(self, whole):
        super().__init__()
        self.whole, self.stages = whole, []

    def on_train_begin(self, logs=None):
        self.start = {v.path.split("/", 1)[-1]: v.numpy() for v in self.whole.variables}
        self.model_of_stage = self.model

    def on_train_end(self, logs=None):
        moved = {n for v in self.whole.weights if np.any(self.start[n := v.path.split("/", 1)[-1]] != v.numpy())}
        names = [layer.name for layer in self.model.layers if layer.weights]
        self.stages.append(
            (names, sorted({name.split("/")[0] for name in moved}), int(self.model.optimizer.iterations))
        )


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("freeze", [True, False])
def test_each_stage_trains_the_next_layer_on_the_last_and_at_the_end_all(freeze):
    model = chain()
    watch = Watch(model)
    report = pretrain(model, freeze=freeze, callbacks=[watch])
    assert [names for names, _, _ in watch.stages] == [
        ["h0", "out"], ["h0", "h1", "out"], ["h0", "h1", "h2", "out"], ["h0", "h1", "h2", "out"]
    ]  # fmt: skip
    frozen = [["h0"], ["h1"], ["h2", "out"], ["h0", "h1", "h2", "out"]]
    free = [["h0"], ["h0", "h1"], ["h0", "h1", "h2", "out"], ["h0", "h1", "h2", "out"]]
    assert [moved for _, moved, _ in watch.stages] == (frozen if freeze else free)
    assert [steps for _, _, steps in watch.stages] == [4, 4, 4, 2]  # 2 batches, 2 epochs; every stage counts from 0
    assert [s.trained for s in report.stages] == [
        tuple(name for name in moved if name != "out") for _, moved, _ in watch.stages
    ]
    assert [len(s.history["loss"]) for s in report.stages] == [2, 2, 2, 1]
    assert str(report).count("\n") == 5
    assert "h0, h1, h2, head" in str(report).splitlines()[-1]


@pytest.mark.slow
def test_a_stage_is_the_training_of_a_shallow_network_of_its_own():
    model = chain(keras.optimizers.SGD(0.05, 0.9))
    first, out = model.get_layer("h0").get_weights(), Dense(2, name="out", kernel_initializer="ones")
    pretrain(model, head=lambda: out, fine_tune_epochs=0, shuffle=False, epochs=1)
    alone = keras.Sequential([keras.Input((6,)), Dense(5, "tanh"), Dense(2, kernel_initializer="ones")])
    alone.layers[0].set_weights(first)
    alone.compile(keras.optimizers.SGD(0.05, 0.9), "mse", run_eagerly=True)
    alone.fit(X, Y, batch_size=32, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.get_layer("h0").kernel, alone.layers[0].kernel)


OPTIMIZERS = [
    lambda: optimizers.Momentum(0.05),
    lambda: optimizers.Adam(0.01),
    lambda: keras.optimizers.Adam(0.01),
    lambda: keras.optimizers.LossScaleOptimizer(optimizers.Adam(0.01), initial_scale=1.0),
]


def remembered(optimizer, variable):
    """The slots of a variable, by name; of Keras's optimizers from the lists that Adam keeps."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if hasattr(optimizer, "state_of"):
        return optimizer.state_of(variable)
    at = next(i for i, v in enumerate(optimizer._trainable_variables) if v is variable)
    return {"m": optimizer._momentums[at].numpy(), "v": optimizer._velocities[at].numpy()}


class Slots(keras.callbacks.Callback):
    """What the optimizer remembers of h0 and h1 at both ends of each stage."""

    def __init__(self):
        super().__init__()
        self.begin, self.end = [], []

    def see(self, into):
        known = {v.path.split("/", 1)[-1]: v for v in self.model.trainable_variables}
        kernels = {n: known[n] for n in ("h0/kernel", "h1/kernel") if n in known}
        into.append({n: remembered(self.model.optimizer, v) for n, v in kernels.items()})

    def on_train_begin(self, logs=None):
        self.see(self.begin)

    def on_train_end(self, logs=None):
        self.see(self.end)


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("freeze", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "make", [OPTIMIZERS[2], *(pytest.param(OPTIMIZERS[i], marks=pytest.mark.slow) for i in (0, 1, 3))]
)
def test_what_the_optimizer_remembers_of_a_weight_is_handed_on(make, freeze):
    model, slots = chain(make()), Slots()
    pretrain(model, freeze=freeze, callbacks=[slots], epochs=1)
    assert len(slots.end) == 4
    last_of_h0, of_h1 = (slots.end[0], slots.end[1]) if freeze else (slots.end[2], slots.end[2])
    for name, value in last_of_h0["h0/kernel"].items():
        np.testing.assert_array_equal(slots.begin[3]["h0/kernel"][name], value)
        assert np.any(value != 0)
    for name, value in of_h1["h1/kernel"].items():
        np.testing.assert_array_equal(slots.begin[3]["h1/kernel"][name], value)
    if not freeze:
        for name, value in slots.end[0]["h0/kernel"].items():
            np.testing.assert_array_equal(slots.begin[1]["h0/kernel"][name], value)
    assert all(np.all(value == 0) for value in slots.begin[0]["h0/kernel"].values())


def test_slots_of_variables_with_one_path_are_told_apart():
    variables = [keras.Variable(np.ones(shape), name="w") for shape in (3, 3, 2)]
    assert len({v.path for v in variables}) == 1
    some, other = keras.optimizers.Adam(), keras.optimizers.Adam()
    some.build(variables)
    some.apply([keras.ops.full(v.shape, i + 1.0) for i, v in enumerate(variables)])
    other.build(variables[::-1])
    put_slots(other, variables, slots_of(some, variables))
    for i, variable in enumerate(variables):
        for name, value in remembered(some, variable).items():
            np.testing.assert_array_equal(remembered(other, variable)[name], value)
            assert np.all(value == value.flat[0])
            assert value.flat[0] == pytest.approx({"m": 0.1 * (i + 1), "v": 0.001 * (i + 1) ** 2}[name], rel=1e-5)


@pytest.mark.parametrize("inner", [optimizers.Adam, keras.optimizers.Adam], ids=["ours", "Keras"])
def test_slots_of_blocks_are_carried_to_another_optimizer(inner):
    known, others = (
        [keras.Variable(np.ones(n), name=name, dtype="float32") for name, n in (("one", 2), ("two", 3))]
        for _ in range(2)
    )
    optimizer, other = (optimizers.BlockCoordinateDescent(inner(), blocks=["one", "two"]) for _ in range(2))
    for _ in range(2):
        optimizer.apply([keras.ops.ones(2), 2 * keras.ops.ones(3)], known)
    other.build(others)
    slots = slots_of(optimizer, known)
    put_slots(other, others, slots)
    found = slots_of(other, others)
    assert found.keys() == slots.keys()
    assert {place for place, _ in slots} == {0, 1}
    for key, value in slots.items():
        np.testing.assert_array_equal(found[key], value)
    assert all(np.any(value != 0) for value in slots.values())


@pytest.mark.slow
def test_another_optimizer_for_the_stages_hands_on_the_weights_only():
    model, slots = chain(optimizers.Momentum(0.01)), Slots()
    pretrain(model, optimizer=keras.optimizers.Adam(0.01), callbacks=[slots], epochs=1)
    assert set(slots.end[0]["h0/kernel"]) == {"m", "v"}
    assert all(np.all(value == 0) for value in slots.begin[3]["h0/kernel"].values())
    assert type(model.optimizer) is optimizers.Momentum


@pytest.mark.slow
def test_every_stage_goes_through_the_whole_schedule():
    class Rates(keras.callbacks.Callback):
        ends = ()

        def on_train_end(self, logs=None):
            self.ends = (*self.ends, float(self.model.optimizer.learning_rate))

    rates = Rates()
    pretrain(chain(optimizers.SGD(schedules.LinearDecay(0.1, "100%", 0.01))), callbacks=[rates])
    assert rates.ends == pytest.approx([0.01] * 4, rel=1e-5)


@pytest.mark.slow
def test_the_model_is_compiled_as_it_was_and_all_flags_are_as_they_were():
    model = chain(between=(keras.layers.BatchNormalization,), metrics=["mae"])
    model.get_layer("h1").trainable = False
    flags = [layer.trainable for layer in model.layers]
    optimizer = model.optimizer
    report = pretrain(model, validation_data=(X, Y), epochs=1)
    assert [layer.trainable for layer in model.layers] == flags
    assert [v.trainable for layer in model.layers for v in layer.trainable_variables].count(False) == 0
    assert model.optimizer is optimizer
    assert all({"loss", "mae", "val_loss", "val_mae"} == set(stage.history) for stage in report.stages)
    assert report.stages[-1].history["val_loss"][-1] == pytest.approx(
        model.evaluate(X, Y, batch_size=32, verbose=0)[0], rel=1e-5
    )


@pytest.mark.slow
def test_a_frozen_normalization_keeps_its_statistics():
    model = chain(between=(keras.layers.BatchNormalization,))
    first = next(part for part in model.layers if isinstance(part, keras.layers.BatchNormalization))

    class Statistics(keras.callbacks.Callback):
        means = ()

        def on_train_end(self, logs=None):
            self.means = (*self.means, first.moving_mean.numpy())

    seen = Statistics()
    pretrain(model, callbacks=[seen])
    np.testing.assert_array_equal(seen.means[0], seen.means[2])
    assert np.any(seen.means[2] != seen.means[3])


def images():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((8, 8, 1)), keras.layers.Rescaling(2.0), keras.layers.Conv2D(4, 3, name="c"),
        keras.layers.MaxPooling2D(), layers.Residual([keras.layers.Conv2D(4, 3, padding="same")], name="s"),
        keras.layers.Flatten(), layers.Maxout(6, name="m"), keras.layers.Dropout(0.1), Dense(3), keras.layers.Softmax(),
    ])  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return model


@pytest.mark.slow
def test_convolutions_blocks_and_what_follows_them_are_stages_too():
    x, y = RNG.normal(size=(16, 8, 8, 1)).astype("float32"), RNG.integers(0, 3, 16)
    report = training.pretrain_greedily(images(), x, y, epochs=1, fine_tune_epochs=1, verbose=0)
    assert [stage.trained for stage in report.stages] == [("c",), ("s",), ("m",), ("c", "s", "m")]


@pytest.mark.slow
def test_a_functional_chain_is_trained_as_the_sequential_one():
    model = chain(keras.optimizers.SGD(0.05, 0.9))
    inputs = keras.Input((6,))
    outputs = inputs
    keras.utils.set_random_seed(1)
    for layer in [*(Dense(5, "tanh", name=f"h{i}") for i in range(3)), Dense(2, name="out")]:
        outputs = layer(outputs)
    functional = keras.Model(inputs, outputs)
    functional.compile(keras.optimizers.SGD(0.05, 0.9), {"out": "mse"}, run_eagerly=True)
    functional.set_weights(model.get_weights())
    for some in (model, functional):
        pretrain(some, seed=3)
    for a, b in zip(model.get_weights(), functional.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Interrupt(keras.callbacks.Callback):
    """Stops the third training in its last epoch."""

    trainings = 0

    def on_train_begin(self, logs=None):
        self.trainings += 1

    def on_epoch_end(self, epoch, logs=None):
        if self.trainings == 3 and epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_after_an_interruption_the_model_is_as_before():
    model = chain(keras.optimizers.SGD(0.05, 0.9), between=(lambda: keras.layers.Dropout(0.2),))
    model.fit(X, Y, verbose=0)
    before = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    with pytest.raises(KeyboardInterrupt):
        pretrain(model, callbacks=[Interrupt()])
    for value, variable in zip(before, (*model.variables, *model.optimizer.variables), strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    assert all(layer.trainable for layer in model.layers)


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: keras.optimizers.SGD(0.05, 0.9), OPTIMIZERS[1]])
def test_a_run_that_goes_on_ends_as_one_that_was_not_interrupted(make, tmp_path):
    between = (lambda: keras.layers.Dropout(0.2),)
    whole, cut = (chain(make(), between=between) for _ in range(2))
    expected = pretrain(whole, seed=5, freeze=False)
    with pytest.raises(KeyboardInterrupt):
        pretrain(cut, seed=5, freeze=False, directory=tmp_path, callbacks=[Interrupt()])
    other = chain(make(), seed=99, between=between)  # a new process has other weights
    report = pretrain(other, seed=5, freeze=False, directory=tmp_path)
    for a, b in zip(whole.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [s.history for s in report.stages] == [s.history for s in expected.stages]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_file_of_another_run_is_refused_and_so_is_a_broken_one(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        pretrain(chain(), directory=tmp_path, callbacks=[Interrupt()])
    with pytest.raises(ValueError, match=r"to another: it differs in epochs\. Received: directory="):
        pretrain(chain(), epochs=1, directory=tmp_path)
    (tmp_path / "pretraining.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(ValueError, match=r"cannot be read .*or delete it"):
        pretrain(chain(), directory=tmp_path)


@pytest.mark.slow
def test_the_first_layers_come_from_a_trained_model_and_have_no_stage():
    source, model = chain(seed=4), chain(seed=5)
    copied = [w.copy() for i in range(2) for w in source.get_layer(f"h{i}").get_weights()]
    report = pretrain(model, source=source, source_layers=2, fine_tune_epochs=0)
    assert [(s.name, s.trained) for s in report.stages] == [("stage 3", ("h2",))]
    assert report.transferred == 2
    for w, value in zip([w for i in range(2) for w in model.get_layer(f"h{i}").get_weights()], copied, strict=True):
        np.testing.assert_array_equal(w, value)
    everything = pretrain(chain(seed=6), source=source, fine_tune_epochs=0)
    assert [(s.name, s.trained) for s in everything.stages] == [("stage 3", ())]  # the head only


@pytest.mark.slow
def test_one_run_has_the_losses_of_all_stages_one_behind_another_and_says_where_each_begins(tmp_path):
    report = pretrain(chain(), log_dir=tmp_path, validation_data=(X, Y))
    curves, steps, begun = read(tmp_path), -(-len(X) // 32), 0
    for stage in report.stages:
        for name in ("loss", "val_loss"):
            expected = [(begun + steps * (i + 1), pytest.approx(v)) for i, v in enumerate(stage.history[name])]
            assert curves[f"epoch/pretraining_{stage.name.replace(' ', '_')}_{name}"] == expected
        begun += steps * len(stage.history["loss"])
    events = [(event["step"], event["kind"], event["text"]) for event in newest(tmp_path)["events"]]
    assert events[:2] == [(0, "stage", "stage 1 begins: h0, head."), (2 * steps, "stage", "stage 2 begins: h1, head.")]
    assert len(events) == 4


@pytest.mark.slow
def test_there_is_one_run_of_tensorboard_for_each_stage(tmp_path):
    pretrain(chain(optimizers.SGD(0.01), run_eagerly=False), log_dir=tmp_path)
    stages = ["fine-tuning", "stage_1", "stage_2", "stage_3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*stages, "optimization"])
    assert all(list(path.rglob("*tfevents*")) for path in tmp_path.iterdir())


def test_the_progress_names_the_stages(capsys):
    pretrain(chain(), epochs=1, verbose=2)
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.endswith("head")] == [
        "stage 1: h0, head", "stage 2: h1, head", "stage 3: h2, head", "fine-tuning: h0, h1, h2, head"
    ]  # fmt: skip


def branching():
    inputs = keras.Input((6,))
    a, b = Dense(3)(inputs), Dense(3)(inputs)
    model = keras.Model(inputs, Dense(2)(keras.layers.Add(name="sum")([a, b])))
    model.compile("sgd", "mse")
    return model


def twice():
    inputs, layer = keras.Input((6,)), Dense(6, name="again")
    model = keras.Model(inputs, Dense(2)(layer(layer(inputs))))
    model.compile("sgd", "mse")
    return model


def other_sizes():
    model = keras.Sequential([keras.Input((6,)), Dense(5), Dense(7), Dense(2)])
    model.compile("sgd", "mse")
    return model


def unbuilt():
    model = keras.Sequential([Dense(3), Dense(2)])
    model.compile("sgd", "mse")
    return model


BAD = [
    (
        branching,
        {},
        r"on the output of the one before.*'sum', called on 2 tensors.*layers.Residual",
    ),
    (twice, {}, r"Received: 'again', called on 1 tensors or more than once"),
    (unbuilt, {}, r"Begin a Sequential with `keras.Input\(shape\)`"),
    (lambda: keras.Sequential([keras.Input((6,)), Dense(2, name="d")]), {}, r"matrix of weights are \['d'\]. Pass a"),
    (lambda: keras.Sequential([keras.Input((6,)), Dense(5), Dense(2)]), {}, r"not compiled. Compile it"),
    (chain, {"epochs": 0}, r"epochs=0"),
    (chain, {"fine_tune_epochs": -1}, r"fine_tune_epochs=-1"),
    (chain, {"initial_epoch": 1}, r"Received: initial_epoch"),
    (chain, {"head": lambda: Dense(3)}, r"\(None, 2\). Received: \(None, 3\) on top of 'h0'.*Pass `head`"),
    (chain, {"source": other_sizes(), "source_layers": 2}, r"same shapes. Received: \['dense_\d+'\].*for \['h1'\]"),
    (chain, {"source": other_sizes(), "source_layers": 3}, r"source_layers=3, with 3 here and 2 in `source`"),
]


@pytest.mark.parametrize("make, arguments, message", BAD)
def test_what_cannot_be_pretrained_is_refused_with_the_fix_and_left_alone(make, arguments, message):
    model = make()
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(ValueError, match=message):
        pretrain(model, **arguments)
    for w, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, value)
