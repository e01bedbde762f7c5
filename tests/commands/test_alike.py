"""Validation data are prepared as the training data are."""

import difflib

import pytest

from keras_ch8.commands.doctor._alike import alike

ARRAYS = """\
x_train, x_test, y_train, y_test = train_test_split(x, y)
{}
model.fit(x_train, y_train, validation_data=(x_test, y_test))
"""
SETS = """\
train = Dataset.from_tensor_slices((x, y)){}
val = Dataset.from_tensor_slices((x_val, y_val)){}
model.fit(train, validation_data=val)
"""


def added(source):
    """Return the lines that come."""
    lines = difflib.ndiff(source.splitlines(), alike(source).splitlines())
    return [line[2:] for line in lines if line[0] == "+"]


@pytest.mark.parametrize(
    ("is_done", "comes"),
    [
        ("x_train = s.fit_transform(x_train)\nx_test = s.fit_transform(x_test)", "x_test = s.transform(x_test)"),
        ("x_train = s.fit_transform(x_train)", "x_test = s.transform(x_test)"),
        ("x_train = x_train / 255", "x_test = x_test / 255"),
        ("x_train /= 255", "x_test /= 255"),
        (
            "x_train = (x_train - x_train.mean(0)) / np.std(x_train)",
            "x_test = (x_test - x_train.mean(0)) / np.std(x_train)",
        ),
        ("x_train = prepared(x_train)", "x_test = prepared(x_test)"),
    ],
)
def test_arrays_get_what_is_left_out_with_the_statistics_of_the_training(is_done, comes):
    assert added(ARRAYS.format(is_done)) == [comes]


def test_what_needs_the_training_inputs_as_they_were_stands_before_they_change():
    new = alike(ARRAYS.format("x_train = x_train - x_train.mean()")).splitlines()
    assert new.index("x_test = x_test - x_train.mean()") < new.index("x_train = x_train - x_train.mean()")


@pytest.mark.parametrize(
    "is_done",
    [
        "x_train = s.fit_transform(x_train)\nx_test = s.transform(x_test)",
        "x_train = x_train / 255\nx_test = x_test / 255",
        "x_train = x_train[order]",
    ],
)
def test_arrays_that_are_prepared_alike_stay_as_they_are(is_done):
    assert added(ARRAYS.format(is_done)) == []


@pytest.mark.parametrize(
    ("train", "val", "becomes"),
    [
        (".map(scale).shuffle(9).batch(3)", ".batch(3)", ".map(scale).batch(3)"),
        (".shuffle(9).batch(3).map(scale)", ".batch(3)", ".batch(3).map(scale)"),
        (".map(lambda a, b: (a / 255, b)).batch(3)", "", ".map(lambda a, b: (a / 255, b))"),
    ],
)
def test_a_data_set_is_mapped_behind_the_same_step(train, val, becomes):
    assert added(SETS.format(train, val)) == [f"val = Dataset.from_tensor_slices((x_val, y_val)){becomes}"]


def test_a_data_set_that_is_made_elsewhere_is_mapped_where_it_is_given():
    source = "train, val = load()\ntrain = train.map(scale)\nmodel.fit(train, validation_data=val)\n"
    assert added(source) == ["model.fit(train, validation_data=val.map(scale))"]


def test_a_data_set_that_is_mapped_stays_as_it_is():
    assert added(SETS.format(".map(augmented).batch(3)", ".map(scale).batch(3)")) == []


def test_a_layer_is_adapted_once_to_what_the_script_itself_adapts_it_to():
    source = "def encode(texts):\n    v.adapt(texts)\n    return v(texts)\n\nv.adapt(train)\nx = encode(train)\n"
    assert alike(source) == source.replace("v.adapt(texts)", "pass")
    assert alike("v.adapt(train)\nv.adapt(val)\n") == "v.adapt(train)\npass\n"


def test_a_layer_that_is_adapted_in_functions_alone_stays_as_it_is():
    source = "def encode(v, texts):\n    v.adapt(texts)\n\ndef again(v, texts):\n    v.adapt(texts)\n"
    assert alike(source) == source
