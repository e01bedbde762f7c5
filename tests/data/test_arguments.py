"""What a source, or `fit` on one, cannot do is refused with what came and the fix."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.data import ArraySource

from .recorder import Recorder

X, Y = np.zeros((6, 2)), np.zeros(6)


@pytest.mark.parametrize(
    ("error", "data", "arguments", "message"),
    [
        (ValueError, (X, Y), {"batch_size": 0}, "batch_size=0"),
        (ValueError, (X, Y), {"last_batch": "drop"}, "batch_size=32 for 6 examples. Make `batch_size` at most 6, or"),
        (ValueError, (X, Y), {"last_batch": "cut"}, "'keep', 'drop', 'wrap'. Received: last_batch='cut'"),
        (ValueError, (X, Y), {"batch_size": 6, "seed": -1}, "seed=-1. Try seed=0"),
        (ValueError, (X, Y), {"batch_size": 6, "prefetch": 1.5}, "prefetch=1.5"),
        (ValueError, (X, Y[:5]), {}, r"6 in x\[0\], 5 in y\[0\]"),
        (ValueError, ({"a": X, "b": X[:3]}, Y), {}, r"6 in x\[0\], 3 in x\[1\], 6 in y\[0\]"),
        (ValueError, (X[:0], Y[:0]), {}, "at least one example"),
        (ValueError, (None, Y), {}, "x=None"),
        (ValueError, (X, None, Y), {}, "sample_weight without y"),
        (ValueError, (X, {"a": Y, "b": Y}, {"a": Y}), {}, r"paths \[\('a',\)\] for \[\('a',\), \('b',\)\]"),
        (TypeError, ([1, 2, 3], Y), {}, "Received: 1 of type int"),
        (TypeError, (np.array(["a", "b"]), None), {}, r"Received: <U1\[2\].*turn strings into numbers"),
        (TypeError, (np.float64(3), None), {}, r"Received: float64\[\]"),
        (TypeError, (tf.data.Dataset.range(3),), {}, r"`ArraySource\(\*keras_ch8.data.read\(dataset\), ...\)`"),
        (TypeError, (tf.ragged.constant([[1], [2, 3]]),), {}, "of type RaggedTensor"),
    ],
)  # fmt: skip
def test_a_source_of_something_else_is_refused(error, data, arguments, message):
    with pytest.raises(error, match=f"(?s){message}"):
        ArraySource(*data, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": Y}, r"`y` together with a source. Create the source with it"),
        ({"sample_weight": Y}, "`sample_weight` together with a source"),
        (
            {"batch_size": 3},
            r"batch size, which is 2. Received in `fit`: batch_size=3. Pass `batch_size` to the source",
        ),
        ({"shuffle": False}, "shuffle=False. Pass `shuffle=False` to the source"),
        ({"shuffle": "batch"}, "shuffle='batch'"),
        ({"steps_per_epoch": 2}, "has 3 batches.*steps_per_epoch=2. Omit it"),
        ({"class_weight": {0: 2.0}}, r"Received: class_weight=\{0: 2.0\} for x=float64\[6, 2\].*`sample_weight`"),
    ],
)
def test_what_keras_would_drop_is_refused(arguments, message):
    source = ArraySource(X, Y, Y, batch_size=2)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        Recorder().fit(source, **arguments)
    assert (source.epoch, source.step) == (0, 0)


def test_arguments_that_say_what_the_source_says_are_taken():
    source = ArraySource(X, Y, batch_size=2, shuffle=False)
    assert len(Recorder().fit(source, batch_size=2, shuffle=False)) == 3


def test_evaluate_refuses_targets_beside_the_source():
    with pytest.raises(ValueError, match="`y` together with a source"):
        Recorder().evaluate(ArraySource(X, batch_size=2), Y, verbose=0)


def test_an_epoch_that_keras_cuts_short_is_refused():
    keras.config.set_max_steps_per_epoch(2)
    try:
        with pytest.raises(ValueError, match="steps_per_epoch=2"):
            Recorder().fit(ArraySource(X, batch_size=2))
    finally:
        keras.config.set_max_steps_per_epoch(None)


def test_nothing_but_the_loops_of_keras_may_ask_for_batches():
    with pytest.raises(RuntimeError, match=r"Only Keras's `fit`, `evaluate` and `predict`.*use its `batches`"):
        ArraySource(X, batch_size=2).get_tf_dataset()
