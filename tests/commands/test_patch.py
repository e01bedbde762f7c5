"""The code of a cure becomes an edit of a script: at its place, in its names, and as a diff that git applies."""

import ast
import builtins
import collections
import dataclasses
import re
import subprocess

import pytest

from benchmarks.diagnosis import test_told
from keras_ch8.commands import _source
from keras_ch8.commands.doctor._patch import patched
from keras_ch8.commands.doctor._place import NoPatch, Place, place_of
from keras_ch8.commands.doctor._script import _edited
from keras_ch8.verdicts import RULES, code, ending, remedies
from keras_ch8.verdicts.checks import CHECKS
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.facts import Facts, Output, Targets
from tests import forked

FLAT = '''\
"""Three kinds of points."""
import numpy as np
from tensorflow import keras
from keras import layers

EPOCHS = 2
rng = np.random.default_rng(0)
x_train = rng.normal(size=(256, 8)).astype("float32")
y_train = rng.integers(0, 3, 256)
x_test, y_test = x_train[:64], y_train[:64]

net = keras.Sequential([
    keras.Input((8,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(1, name="score"),
])
net.compile(optimizer="sgd", loss="mse", metrics=["accuracy"])
history = net.fit(x_train, y_train, epochs=EPOCHS, batch_size=24, validation_data=(x_test, y_test), verbose=0)
print(net.evaluate(x_test, y_test, verbose=0))
'''
CLASSES, ONE = (
    f"last = {last}\nlayers = [keras.Input(x.shape[1:]), *model.layers[:-1], last]\n"
    f'body, model = model, keras.Sequential(layers)\nkeras_ch8.training.compile_as(model, body, loss="{loss}")'
    for last, loss in [
        ('keras.layers.Dense(5, activation="softmax")', "sparse_categorical_crossentropy"),
        ('keras.layers.Dense(1, activation="sigmoid")', "binary_crossentropy"),
    ]
)
IN_A_SET = code.fitting("y = y - 1", {Fact.DATA_SET, Fact.NO_ARRAYS})
SOFTMAX = FLAT.replace('Dense(1, name="score")', 'Dense(5, activation="softmax")')
MAIN = """\
import argparse
import keras
import numpy as np
from keras.layers import Dense


def load(n):
    x = np.random.default_rng(n).normal(size=(n, 4))
    return x, x[:, 0] > 0


def build(rate):
    m = keras.Sequential()
    m.add(keras.Input(shape=(4,)))
    m.add(Dense(16, activation='relu'))
    m.add(Dense(1, activation='relu'))
    opt = keras.optimizers.Adam(learning_rate=rate)
    m.compile(loss='binary_crossentropy', optimizer=opt)
    return m


def train(model, x, y, epochs):
    stop = keras.callbacks.EarlyStopping('loss', patience=3)
    return model.fit(x, y, epochs=epochs, callbacks=[stop], verbose=0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rate', type=float, default=1.0)
    args = parser.parse_args([])
    x, y = load(128)
    model = build(args.rate)
    train(model, x, y, 2)
    model.evaluate(*load(32), verbose=0)


if __name__ == '__main__':
    main()
"""
DATA_SET = """\
import tensorflow as tf


def get_data():
    x = tf.random.normal((512, 8))
    ds = tf.data.Dataset.from_tensor_slices((x, x[:, :1]))
    return ds.batch(32), ds.batch(32)


train_ds, val_ds = get_data()
inputs = tf.keras.Input((8,))
h = tf.keras.layers.Dense(16, "sigmoid")(inputs)
outputs = tf.keras.layers.Dense(1, activation="relu", name="out")(h)
model = tf.keras.Model(inputs, outputs)
model.compile(tf.keras.optimizers.SGD(0.1), "mse")
model.fit(train_ds, validation_data=val_ds, epochs=2, verbose=0)
"""
CLASS = """\
import keras
import numpy as np


class Trainer:
    def __init__(self, sizes):
        self.model = keras.Sequential([keras.Input((4,))])
        for size in sizes:
            self.model.add(keras.layers.Dense(size, activation="relu"))
        self.model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        self.x = np.random.default_rng(0).normal(size=(64, 4))

    def run(self):
        with open("log.txt", "w") as log:
            log.write(str(self.model.fit(self.x, self.x[:, 0], verbose=0).history["loss"]))
            self.model.evaluate(self.x, self.x[:, 0], verbose=0)


if __name__ == "__main__": Trainer([8, 1]).run()
"""
FOLDS = """\
import keras
import numpy as np

rng = np.random.default_rng(0)
x, y, scores = rng.normal(size=(60, 5)), rng.integers(0, 2, 60), []
for fold in range(2):
    held_out = np.arange(60) % 2 == fold
    layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dense(1), keras.layers.Activation("sigmoid")]
    model = keras.Sequential(layers)
    model.compile(loss="binary_crossentropy")
    options = {"epochs": 2, "batch_size": 10}
    model.fit(x[~held_out], y[~held_out], validation_data=(x[held_out], y[held_out]), verbose=0, **options)
    scores.append(model.evaluate(x[held_out], y[held_out], verbose=0))
"""
STYLES = {"flat": FLAT, "functions": MAIN, "data set": DATA_SET, "class": CLASS, "folds": FOLDS}


def place(source, number=0):
    """Return the place of a `fit`, by the position that Python has for its call."""
    calls = [node for node in ast.walk(ast.parse(source.removeprefix("\ufeff"))) if isinstance(node, ast.Call)]
    call = [node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "fit"][number]
    return place_of(source, (call.lineno, call.end_lineno, call.col_offset, call.end_col_offset))


def edit(source, cure, number=0):
    return patched(place(source, number), cure)


def changes(source, cure):
    """Return the lines that go, and those that come."""
    new = edit(source, cure)
    assert isinstance(new, str), new.reason
    lines = _source.diff(source, new, "a/train.py", "b/train.py").splitlines()[2:]
    return [line for line in lines if line.startswith(("-", "+"))]


# --- the code of all cures ------------------------------------------------------------------------------------------


class Numbers(collections.defaultdict):
    def __missing__(self, key):
        return "16" if "batch" in key or "epochs" in key else "0.5"


def codes():
    """Return the code of every remedy, rule and check that has code of its own, and of ends of models."""
    texts = [remedy.code for its in remedies.REMEDIES.values() for remedy in its]
    texts += [rule.code for rule in RULES]
    filled = [text.format_map(Numbers()) for text in texts]
    filled += [check.code for check in CHECKS if isinstance(check.code, str)]
    facts = Facts(
        targets=Targets(of="classes", width=1, classes=3, low=0, high=2, mean=100.0, deviation=50.0),
        output=Output(layer="scores", activation="relu", units=1, loss="mean_squared_error", replaced=1),
    )
    ends = [
        ending.Ending(3, "softmax", "sparse_categorical_crossentropy", labels)
        for labels in ("", ending.NUMBERED, ending.ZERO_AND_ONE)
    ]
    ends += [ending.Ending(1, "sigmoid", "binary_crossentropy"), ending.Ending(1, "linear", "mean_squared_error")]
    for has in ({Fact.SEQUENTIAL}, set()):
        for can_be_set in (True, False):
            output = dataclasses.replace(facts.output, can_be_set=can_be_set)
            known = dataclasses.replace(facts, has=frozenset(has), output=output)
            filled += [ending.code_by(known, end) for end in ends]
            filled += [ending.code_by(known, ends[0], before="keras.layers.Flatten()"), ending.without(known, 1)]
    return sorted(set(filter(None, filled)))


def kept():
    """Return the code of all verdicts on the recorded trainings, of which there is one for each kind."""
    runs = [run for name in test_told.KEPT for run in test_told.fits(name)]
    return sorted({text for run in runs for v in run.verdicts for text in (v.code, v.then_code)} - {""})


def for_style(style, texts):
    if style != "data set":
        return texts
    return sorted({code.fitting(text, frozenset({Fact.DATA_SET, Fact.NO_ARRAYS})) for text in texts} - {""})


def undefined(source):
    """Return the names that nothing in a script gives a meaning."""
    tree = ast.parse(source)
    bound = {n for node in ast.walk(tree) for n in [*_source.bound_by(node), *_source.imported_by(node)]}
    return _source.loaded(tree) - bound - set(dir(builtins)) - {"__file__"}


def applied(folder, before, after, encoding="utf-8"):
    """Return what `git apply` makes of a script with the diff."""
    path = folder / "train.py"
    path.write_bytes(before.encode(encoding))
    diff = _source.diff(before, after, "a/train.py", "b/train.py").encode(encoding)
    subprocess.run(["git", "apply", "--verbose", "-"], input=diff, cwd=folder, check=True, capture_output=True)
    return path.read_bytes().decode(encoding)


@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("style", STYLES)
def test_the_code_of_every_cure_becomes_an_edit_of_every_style_of_script_that_git_applies(style, tmp_path):
    source, texts = STYLES[style], for_style(style, codes())
    assert isinstance(place(source), Place)
    assert len(texts) > (5 if style == "data set" else 50)
    for text in texts:
        new = edit(source, text)
        assert isinstance(new, str), f"{new.reason}\n{text}"
        assert new != source, text
        assert undefined(new) == set(), f"{text}\n{new}"
        assert applied(tmp_path, source, new) == new
        assert isinstance(place(new), Place)  # it can be looked at, and edited, again


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_so_does_the_code_of_every_recorded_verdict(style, tmp_path):
    for text in for_style(style, kept()):
        new = edit(STYLES[style], text)
        assert isinstance(new, str), f"{new.reason}\n{text}"
        assert undefined(new) == set(), f"{text}\n{new}"
        assert applied(tmp_path, STYLES[style], new) == new


RUN = {
    "flat": ["epochs = 3", code.SHUFFLE, code.NORMALIZE_INPUTS, code.NORMALIZE_LAYERS, code.LEAKY, code.LARGER,
             code.RESCALE_TARGETS, code.FIND_RATE],
    "functions": [code.NORMALIZE_INPUTS, code.LEAKY, code.ADAM, code.SCALE_TO_DATA, remedies._STOP.code],
    "data set": [code.NORMALIZE_INPUTS, code.NEW_START, code.FIND_RATE],
    "class": [code.NORMALIZE_INPUTS, code.SHUFFLE, code.CLIP.format(clip_at=2.0), "epochs = 3 * epochs"],
    "folds": [code.NORMALIZE_INPUTS, code.SHUFFLE, ending.ZERO_AND_ONE, "epochs = 3 * epochs"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("style", RUN)
def test_an_edited_script_runs_to_its_end(style, tmp_path):
    for number, text in enumerate(for_style(style, RUN[style])):
        path = tmp_path / f"train{number}.py"
        path.write_text(edit(STYLES[style], text))
        forked.call(forked.run_script, path, tmp_path, tmp_path / "screen.txt")


# --- where edits belong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "cure", "expected"),
    [
        (
            FLAT, "model.optimizer.learning_rate = 0.01",
            ['-net.compile(optimizer="sgd", loss="mse", metrics=["accuracy"])',
             '+net.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01), loss="mse", metrics=["accuracy"])'],
        ),
        (
            MAIN, "model.optimizer.learning_rate = 0.01",
            ["-    opt = keras.optimizers.Adam(learning_rate=rate)",
             "+    opt = keras.optimizers.Adam(learning_rate=0.01)"],
        ),
        (
            DATA_SET, "model.optimizer.learning_rate = 0.01",
            ['-model.compile(tf.keras.optimizers.SGD(0.1), "mse")',
             '+model.compile(tf.keras.optimizers.SGD(0.01), "mse")'],
        ),
        (
            MAIN, code.CLIP.format(clip_at=2.0),
            ["-    opt = keras.optimizers.Adam(learning_rate=rate)",
             "+    opt = keras.optimizers.Adam(learning_rate=rate, global_clipnorm=2.0)"],
        ),
        (
            FLAT + "print(np.argmax(net.predict(x_test), axis=1))\n", CLASSES,
            ['-    layers.Dense(1, name="score"),', '+    layers.Dense(5, activation="softmax", name="score"),',
             '-net.compile(optimizer="sgd", loss="mse", metrics=["accuracy"])',
             '+net.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])'],
        ),
        (
            DATA_SET,
            "last = keras.layers.Dense(2)\noutput = last(model.layers[-1].input)\n"
            "body, model = model, keras.Model(model.inputs, output)\n"
            "keras_ch8.training.compile_as(model, body)  # compile as before",
            ['-outputs = tf.keras.layers.Dense(1, activation="relu", name="out")(h)',
             '+outputs = tf.keras.layers.Dense(2, name="out")(h)'],
        ),
        (
            MAIN, "model.layers[-1].activation = keras.activations.sigmoid\n" + code.COMPILE_ANEW,
            ["-    m.add(Dense(1, activation='relu'))", "+    m.add(Dense(1, activation='sigmoid'))"],
        ),
        (
            MAIN, code.LEAKY,
            ["-    m.add(Dense(16, activation='relu'))", "-    m.add(Dense(1, activation='relu'))",
             "+    m.add(Dense(16, activation='leaky_relu'))", "+    m.add(Dense(1, activation='leaky_relu'))"],
        ),
        (
            FLAT, code.NORMALIZE_INPUTS,
            ["+scale = keras.layers.Normalization()", "+scale.adapt(x_train)", "+    scale,"],
        ),
        (
            FLAT, code.LARGER_BATCH.format(larger_batch=64),
            ["-history = net.fit(x_train, y_train, epochs=EPOCHS, batch_size=24, validation_data=(x_test, y_test), "
             "verbose=0)",
             "+history = net.fit(x_train, y_train, epochs=EPOCHS * 64 // 24, batch_size=64, "
             "validation_data=(x_test, y_test), verbose=0)"],
        ),
        (
            DATA_SET, "epochs = 3 * epochs",
            ["-model.fit(train_ds, validation_data=val_ds, epochs=2, verbose=0)",
             "+model.fit(train_ds, validation_data=val_ds, epochs=6, verbose=0)"],
        ),
        (
            MAIN, remedies._STOP.code,
            ["+import keras_ch8",
             "-    return model.fit(x, y, epochs=epochs, callbacks=[stop], verbose=0)",
             "+    new_stop = keras_ch8.callbacks.EarlyStopping(patience=3, restore_best_weights=True)",
             "+    return model.fit(x, y, epochs=epochs, callbacks=[new_stop, stop], verbose=0)"],
        ),
        (
            MAIN.replace("EarlyStopping('loss', patience=3)", "ReduceLROnPlateau('loss')"), code.WITHOUT_PLATEAUS,
            ["-    return model.fit(x, y, epochs=epochs, callbacks=[stop], verbose=0)",
             "+    return model.fit(x, y, epochs=epochs, callbacks=[], verbose=0)"],
        ),
        (
            FLAT, code.SHUFFLE,
            ["+order = np.random.default_rng(0).permutation(len(x_train))",
             "+x_train, y_train = x_train[order], y_train[order]"],
        ),
    ],
)  # fmt: skip
def test_an_edit_stands_where_a_person_would_write_it(source, cure, expected):
    assert changes(source, cure) == expected


OF_CLASS = """\
import keras
from keras import layers


class Net(keras.Model):
    def __init__(self):
        super(Net, self).__init__()
        self.body = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(4)])
        self.head = layers.Dense(1, name="head")

    def call(self, x):
        return self.head(self.body(x))


loss = keras.losses.BinaryCrossentropy(label_smoothing=0.1)
net = Net()
net.compile("adam", loss=loss, metrics=["accuracy"])
net.fit(x, y)
"""
LOGITS = "keras_ch8.training.compile_as(model, model, loss=keras.losses.BinaryCrossentropy(from_logits=True))"
SIGMOID = f"model.head.activation = keras.activations.sigmoid\n{code.COMPILE_ANEW}"


@pytest.mark.parametrize(
    ("source", "cure", "expected"),
    [
        (
            OF_CLASS, SIGMOID,
            ['-        self.head = layers.Dense(1, name="head")',
             '+        self.head = layers.Dense(1, name="head", activation="sigmoid")'],
        ),
        (
            OF_CLASS, SIGMOID.replace("head.", "body.layers[-1]."),
            ['-        self.body = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(4)])',
             '+        self.body = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(4, '
             'activation="sigmoid")])'],
        ),
        (
            OF_CLASS, LOGITS,
            ["-loss = keras.losses.BinaryCrossentropy(label_smoothing=0.1)",
             "+loss = keras.losses.BinaryCrossentropy(label_smoothing=0.1, from_logits=True)"],
        ),
        (
            OF_CLASS.replace("loss=loss", 'loss="binary_crossentropy"'), LOGITS,
            ['-net.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])',
             '+net.compile("adam", loss=keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])'],
        ),
        (
            OF_CLASS.replace("net = Net()", "other = Net()\nnet = Net()"), SIGMOID,  # which would change another model
            ["+import keras_ch8", "+net.head.activation = keras.activations.sigmoid",
             "+keras_ch8.training.compile_as(net, net)  # compile again, as before"],
        ),
    ],
)  # fmt: skip
def test_a_model_of_a_class_of_the_script_gets_another_end_and_any_a_loss_for_logits(source, cure, expected):
    assert changes(source, cure) == expected


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("print(net.predict(x) > 0)", [LOGITS]),
        ("logits = net(x)[:, 0]\nprint(logits.numpy() >= 0.0)", [LOGITS]),
        ("print(keras.ops.sigmoid(net.predict(x)) > 0.5)", [LOGITS]),
        ("raw = net.predict(x)\np = 1 / (1 + np.exp(-raw))\nprint(tf.nn.sigmoid(raw))", [LOGITS]),
        ("print(np.round(net.predict(x)))", [SIGMOID]),
        ("p = net.predict(x)\nq = p[:, 0]\nprint([int(each > 0.5) for each in q])", [SIGMOID]),
        ("print(net.predict(x).argmax(axis=1) > 0, 0.5 > args.rate > 0)", [LOGITS, SIGMOID]),
        ("", [LOGITS, SIGMOID]),
    ],
)
def test_logits_become_probabilities_and_the_other_way_round_only_where_they_are_not_read_otherwise(line, fits):
    found = {cure: patched(place(f"{OF_CLASS}{line}\n"), cure) for cure in (LOGITS, SIGMOID)}
    assert [cure for cure in found if isinstance(found[cure], str)] == fits
    for cure in found.keys() - set(fits):
        assert re.search("it reads its predictions as (logits|probabilities), and the fix", found[cure].reason)


def test_labels_that_are_written_otherwise_are_so_in_all_data_of_the_model():
    added = [line[1:] for line in changes(FLAT, ending.NUMBERED) if line.startswith("+")]
    assert added == [
        "labels, y_train = np.unique(y_train, return_inverse=True)",
        "y_test = np.searchsorted(labels, y_test)",
    ]


@pytest.mark.parametrize(
    ("cure", "line", "is_right"),
    [
        (ending.NUMBERED, "print(np.mean(net.predict(x_test).argmax(-1) == y_test))", True),  # written, too
        (ending.NUMBERED, "guess = net.predict(x_test)[:, 0]\nprint(accuracy_score(y_test, guess))", True),
        (ending.NUMBERED, "print(np.mean(net.predict(x_test).argmax(-1) == kinds))", False),
        (ending.NUMBERED, "print(net.predict(x_test).argmax(-1))", False),  # to be read by a person
        ("y = y - 1", "print(np.mean(net(x_test).numpy().argmax(-1) == kinds))", False),
        (IN_A_SET, "print(np.mean(net(x_test).numpy().argmax(-1) == kinds))", False),
        (ending.ZERO_AND_ONE, "print(np.mean(np.sign(net.predict(x_test)) == y_test))", False),
        (ending.ZERO_AND_ONE, "print(np.mean(np.round(net.predict(x_test)) == y_test))", True),
        (code.SHUFFLE, "print(np.mean(net.predict(x_test).argmax(-1) == kinds))", True),  # no other number
        (ending.NUMBERED, "print(net.count_params() == kinds)", True),  # no prediction
    ],
)
def test_labels_get_other_numbers_only_where_predictions_are_compared_with_these(cure, line, is_right):
    found = patched(place(f"{FLAT}{line}\n"), cure)
    assert isinstance(found, NoPatch) != is_right
    assert is_right or found.reason.endswith("it reads its predictions as labels, which the fix numbers anew.")


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("train", "train"),
        ("df.drop('price', axis=1)", "df.drop('price', axis=1)"),
        ("a if a else b", "(a if a else b)"),
    ],
)
def test_data_of_pandas_are_made_arrays_where_a_cure_needs_them_and_only_there(given, made):
    source = FLAT.replace("net.fit(x_train, y_train", f"net.fit({given}, y_train")
    call = place(source).call
    position = call.lineno, call.end_lineno, call.col_offset, call.end_col_offset
    where = place_of(source, position, {"x": ".to_numpy()", "y": ".to_numpy()[:, None]"})
    new = patched(where, code.NORMALIZE_INPUTS)
    assert f"\nx = {made}.to_numpy()\nscale = keras.layers.Normalization()\nscale.adapt(x)\n" in new
    assert "net.fit(x, y_train" in new
    assert f"net.fit({given}, y_train" in patched(where, "epochs = 7")
    assert "y = y_train.to_numpy()[:, None]\nfound = keras_ch8.find_learning_rate(net, x, y)" in patched(
        where, code.FIND_RATE
    )


def test_labels_get_an_axis_where_the_model_gets_them_and_keep_their_names():
    added = [line[1:] for line in changes(FLAT, "y = y[:, None]\n# and the validation data") if line.startswith("+")]
    assert ["y_train[:, None], epochs" in added[0], "(x_test, y_test[:, None])" in added[0], len(added)] == [
        True,
        True,
        2,
    ]
    assert added[1] == "print(net.evaluate(x_test, y_test[:, None], verbose=0))"
    by_name = FLAT.replace("net.evaluate(x_test, y_test,", "net.evaluate(y=y_test, x=x_test,")
    assert "+print(net.evaluate(y=y_test[:, None], x=x_test, verbose=0))" in changes(by_name, "y = y[:, None]")


def test_an_edit_that_would_be_no_valid_python_leaves_a_script_as_it_is():
    assert _edited(lambda text: _source.Source(text).edited([(0, 0, "(")]), FLAT) == FLAT
    assert _edited(lambda text: _source.Source(text).edited([(0, 0, "a = 1\n")]), FLAT) == f"a = 1\n{FLAT}"


def test_validation_data_of_no_name_get_names():
    source = FLAT.replace("(x_test, y_test), verbose", "make_test(), verbose").replace(
        "x_test, y_test, v", "*test(), v"
    )
    added = [line[1:] for line in changes(source, ending.ZERO_AND_ONE) if line.startswith("+")]
    assert added[0] == "x_val, y_val = make_test()"
    assert added[2] == 'y_val = (y_val == y_val.max()).astype("float32")'
    assert "validation_data=(x_val, y_val)" in added[3]


def test_weights_of_examples_are_put_into_the_order_of_the_examples():
    source = FLAT.replace("verbose=0)\nprint", "sample_weight=weights)\nprint")
    assert "+weights = weights[order]" in changes(source, code.SHUFFLE)


@pytest.mark.parametrize(
    ("call", "cure", "expected"),
    [
        ("model.fit(*load())", code.SHUFFLE, ["x, y = load()", "model.fit(x, y)"]),
        ("model.fit(load()[0], load()[1])", code.SHUFFLE, ["x = load()[0]", "y = load()[1]", "model.fit(x, y)"]),
        ("build().fit(a, b)", code.NEW_START, ["model = build()", "model.fit(a, b)"]),
        ("self.net.fit(self.x, self.y)", code.SHUFFLE, ["self.x, self.y = self.x[order], self.y[order]"]),
        ("model.fit(x=a, y=b)", code.SHUFFLE, ["a, b = a[order], b[order]"]),
        ("if a: model.fit(a, b)", code.SHUFFLE, ["    a, b = a[order], b[order]", "    model.fit(a, b)"]),
        ("a = 1; model.fit(a, b)", code.SHUFFLE, ["a, b = a[order], b[order]", "model.fit(a, b)"]),
        ("model.fit(a, b)", "epochs = 7", ["model.fit(a, b, epochs=7)"]),
        ("model.fit(*load())", "epochs = 7", ["model.fit(*load(), epochs=7)"]),
        ("model.fit(**a)", code.SHUFFLE, ["options = {**a}", "model.fit(**options)"]),
        ("model.fit(**a)", "print(x)", ['print(a["x"])', "model.fit(**a)"]),
        ("model.fit(a, b, **c)", "epochs = 7",
         ["options = {**c}", 'options["epochs"] = 7', "model.fit(a, b, **options)"]),
        ("m.fit(*a, **b())", "epochs = 3", ["options = {**b()}", 'options["epochs"] = 3', "m.fit(*a, **options)"]),
        ("model.fit(a, b, sample_weight=w())", code.SHUFFLE,
         ["sample_weight = w()", "sample_weight = sample_weight[order]",
          "model.fit(a, b, sample_weight=sample_weight)"]),
        ("model.fit(a, b, 64, 5)", "epochs = 3 * epochs", ["model.fit(a, b, 64, 15)"]),
        ("model.fit(a, b, callbacks=make())", remedies._STOP.code, ["model.fit(a, b, callbacks=[stop, *make()])"]),
        ("model.fit(a, b, callbacks=Bar())", remedies._STOP.code, ["model.fit(a, b, callbacks=[stop, Bar()])"]),
        ("(model\n .fit(a, b))", "epochs = 7", [" .fit(a, b, epochs=7))"]),
    ],
)  # fmt: skip
def test_an_argument_that_is_no_name_gets_one_where_that_is_needed(call, cure, expected):
    new = edit(f"import keras\nimport keras_ch8\nimport numpy as np\n{call}\n", cure)
    assert isinstance(new, str), new.reason
    lines = new.splitlines()
    assert [line for line in lines if line in expected] == expected, new


def test_a_name_of_the_script_keeps_its_meaning():
    new = edit(FLAT, code.LONG_MEMORY.format(memory=3))
    assert "new_layers = list(net.layers)" in new
    assert "from keras import layers" in new
    new = edit("import keras\n\nx, y = 1, 2\n\n\ndef train(model):\n    return model.fit(x, y)\n", code.SHUFFLE)
    assert "    new_x = x\n    new_y = y\n" in new  # to set `x` here would make another one of it
    assert "model.fit(new_x, new_y)" in new


def test_another_model_is_made_where_the_name_of_the_old_one_is_used():
    new = edit(MAIN, code.NORMALIZE_INPUTS)
    lines = new.splitlines()
    assert lines[lines.index("    train(model, x, y, 2)") - 2].startswith("    body, model = model, keras.Sequential")


def test_a_layer_that_a_loop_adds_is_not_taken_for_the_first_or_the_last():
    lines = [line[1:].strip() for line in changes(CLASS, code.NORMALIZE_INPUTS)]
    assert "scale.adapt(self.x)" in lines
    assert "body, self.model = self.model, keras.Sequential(layers)" in lines
    assert not any("add(" in line for line in lines)


def test_what_makes_other_models_too_stays():
    twice = MAIN.replace("    train(model", "    build(0.1).summary()\n    train(model")
    for text in ("model.optimizer.learning_rate = 0.01", code.LEAKY):
        assert not any(line.startswith("-") for line in changes(twice, text))


def test_a_number_that_only_has_the_name_of_the_rate_stays():
    alike = MAIN.replace("import argparse\n", "import argparse\nrate = 0.5\n").replace("args.rate", "1.0")
    added = [line[1:].strip() for line in changes(alike, "model.optimizer.learning_rate = 0.01") if line[0] == "+"]
    assert added == ["opt = keras.optimizers.Adam(learning_rate=0.01)"]


def test_what_maps_a_data_set_maps_that_of_the_validation_and_no_array_that_is_predicted():
    predicted = "x_test = [[0.0] * 8]\n" + DATA_SET + "print(model.predict(x_test))\n"
    lines = "x = x.map(lambda given, target: (given, -target))"
    added = [line[1:].strip() for line in changes(predicted, lines) if line[0] == "+"]
    assert [line.partition(" =")[0] for line in added] == ["train_ds", "val_ds"]
    unnamed = predicted.replace("validation_data=val_ds", "validation_data=val_ds.take(2)")
    assert "validation = validation.map(" in edit(unnamed, lines)


def test_what_was_compiled_for_another_fit_stays():
    twice = FLAT + "net.fit(x_train, y_train)\n"
    assert "net.optimizer.learning_rate = 0.01\nnet.fit" in edit(twice, "model.optimizer.learning_rate = 0.01", -1)
    changed = FLAT.replace("history", "net.optimizer.learning_rate = 3\nhistory")
    assert "net.optimizer.learning_rate = 0.01\nhistory" in edit(changed, "model.optimizer.learning_rate = 0.01")


@pytest.mark.parametrize("part", ["x_train[:200]", "x_train[10:len_of, ::1]"])
def test_a_part_of_an_array_is_read_where_the_model_is_defined_if_all_its_names_are_known_there(part):
    of_part = FLAT.replace("fit(x_train,", f"fit({part},").replace("EPOCHS = 2", "EPOCHS, len_of = 2, 90")
    assert f"scale.adapt({part})\nnet = keras" in edit(of_part, code.NORMALIZE_INPUTS)
    late = of_part.replace("history =", "len_of, x_train = 80, x_train + 1\nhistory =")
    assert f"\nx = {part}\nscale = " in edit(late, code.NORMALIZE_INPUTS)


def test_one_patch_goes_on_top_of_another():
    new = FLAT
    for text in ("model.optimizer.learning_rate = 0.01", code.NORMALIZE_INPUTS, "epochs = 7", code.SHUFFLE):
        new = edit(new, text)
    assert all(part in new for part in ("SGD(learning_rate=0.01)", "    scale,", "epochs=7", "x_train[order]"))
    assert undefined(new) == set()


@pytest.mark.parametrize(
    ("source", "cure", "said"),
    [
        ("m.fit(ds)\n", code.SHUFFLE, "gets the labels as a part of a data set"),
        ("[m.fit(x, y) for m in models]\n", "epochs = 3", "line 1 is part of a larger expression"),
        ("class A:\n    def fit(self, x):\n        super().fit(x)\n", "epochs = 3", "Line 3 does not call `fit` as"),
        ("def f(m):\n    x, y = load()\n    m.fit(x, y)\nf(net)\nnet.save()\n", code.LARGER, "`net` is used after"),
        (FLAT + "print(net.predict(x_test)[:, 0] > 0.5)\n", CLASSES, "does not read its predictions by `argmax`"),
        (FLAT + "print(net(x_test)[:, 0] > 0.5)\n", CLASSES, "does not read its predictions by `argmax`"),
        (SOFTMAX + "print(net.predict(x_test).argmax(-1))\n", ONE, "it reads its predictions by `argmax`"),
    ],
)  # fmt: skip
def test_where_there_is_no_patch_a_sentence_says_why(source, cure, said):
    where = place(source)
    found = where if isinstance(where, NoPatch) else patched(where, cure)
    assert isinstance(found, NoPatch)
    assert re.search(said, found.reason), found.reason


# --- files as they are -----------------------------------------------------------------------------------------------

FORMS = {
    "ends of Windows": (FLAT.replace("\n", "\r\n"), "utf-8"),
    "tabs": (MAIN.replace("    ", "\t"), "utf-8"),
    "no end of the last line": (DATA_SET.removesuffix("\n"), "utf-8"),
    "a byte order mark": (f"\ufeff{FLAT}", "utf-8"),
    "other letters": (FLAT.replace("kinds", "Sorten für Größe 北"), "utf-8"),
    "another encoding": (f"# -*- coding: latin-1 -*-\n{FLAT.replace('kinds', 'Größen')}", "latin-1"),
    "a form feed": (FLAT.replace("\nnet =", "\n\x0cnet ="), "utf-8"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_stays_as_it_is_written_but_for_the_edit(form, tmp_path):
    source, encoding = FORMS[form]
    path = tmp_path / "read.py"
    path.write_bytes(source.encode(encoding))
    assert _source.read(path) == (source, encoding if encoding == "utf-8" else "iso-8859-1")
    for text in ("model.optimizer.learning_rate = 0.01", code.LEAKY, code.NEW_START, "epochs = 7"):
        new = edit(source, text)
        assert applied(tmp_path, source, new, encoding) == new
        assert ("\r\n" in new) == ("\r\n" in source)
        assert "\n" not in new.replace("\r\n", "") or "\r\n" not in source
        if form == "tabs":
            assert not any(line.startswith(" ") for line in new.splitlines())


def test_a_file_whose_name_has_a_space_is_patched(tmp_path):
    (tmp_path / "my train.py").write_text(FLAT)
    new = edit(FLAT, "epochs = 7")
    diff = _source.diff(FLAT, new, "a/my train.py", "b/my train.py")
    subprocess.run(["git", "apply"], input=diff.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "my train.py").read_text() == new
