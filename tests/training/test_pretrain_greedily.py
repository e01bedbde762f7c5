"""Greedy pretraining: what each stage trains, what is handed on, what is left after a failure, and that it helps."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, layers, optimizers, schedules, training

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
def test_each_stage_trains_the_next_layer_on_the_last_and_at_the_end_all():
    model = chain()
    watch = Watch(model)
    report = pretrain(model, callbacks=[watch])
    assert [names for names, _, _ in watch.stages] == [
        ["h0", "out"], ["h0", "h1", "out"], ["h0", "h1", "h2", "out"], ["h0", "h1", "h2", "out"]
    ]  # fmt: skip
    frozen = [["h0"], ["h1"], ["h2", "out"], ["h0", "h1", "h2", "out"]]
    assert [moved for _, moved, _ in watch.stages] == frozen
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
        keras.utils.set_random_seed(3)
        pretrain(some)
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
def test_there_is_one_run_of_tensorboard_for_each_stage(tmp_path):
    pretrain(chain(optimizers.SGD(0.01), run_eagerly=False), callbacks=[callbacks.TensorBoard(tmp_path)])
    runs = ["optimization", "optimization_2", "optimization_3", "optimization_4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == runs
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
