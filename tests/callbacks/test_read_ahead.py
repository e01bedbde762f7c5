"""Whoever is shown the first batches before the first step, a training makes the steps that it makes otherwise."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, extend
from keras_ch8.integration import ahead, epochs

X = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
Y = np.tanh(X @ np.ones((4, 1), "float32"))
TRAIN, OTHERS = slice(0, 64), slice(64, 80)


class Reads(extend.Callback):
    """Is shown the first 256 examples."""

    observes_steps = False
    shown = ()

    def __init__(self, examples=256):
        super().__init__()
        self.examples = examples

    def _enter_fit(self, training):
        epochs.install("Reads")

    def on_open(self):
        self.session.training.read_ahead(self.examples, lambda batches: setattr(self, "shown", batches))


def network(steps=1, eager=False):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(3, "tanh"), keras.layers.Dropout(0.3), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile("adam", "mse", steps_per_execution=steps, run_eagerly=eager)
    return model


def fit(model, data=None, epochs=2, callbacks=(), **arguments):
    """Return the losses, and the error that a training ends with."""
    given = {"x": X[TRAIN], "y": Y[TRAIN], "batch_size": 8} if data is None else {"x": data}
    try:
        history = model.fit(**given, epochs=epochs, verbose=0, shuffle=False, callbacks=list(callbacks), **arguments)
    except Exception as error:
        return type(error)
    return history.history["loss"]


def left(model):
    """Return what a training leaves: weights, seeds, the updates that were made, and the optimizer's numbers."""
    return [np.array(v).tobytes() for v in (*model.variables, *model.optimizer.variables)]


def same(train, reads=Reads):
    """Train bare and watched; return the callback."""
    outcomes = []
    for watching in ([], [reads()]):
        outcomes.append(train(watching))
    assert outcomes[1] == outcomes[0]
    return watching[0]


# --- others who train meanwhile ------------------------------------------------------------------------------------

MEANWHILE = {
    "another train function": lambda model: model.make_train_function(force=True),
    "train_on_batch": lambda model: model.train_on_batch(X[OTHERS], Y[OTHERS]),
    "fit": lambda model: model.fit(X[OTHERS], Y[OTHERS], batch_size=8, epochs=2, verbose=0),
    "a wrapper": lambda model: wrap(model),
}


def wrap(model):
    theirs = model.train_function
    model.train_function = lambda iterator: theirs(iterator)


class Meanwhile(keras.callbacks.Callback):
    def __init__(self, when, what):
        super().__init__()
        setattr(
            self,
            when,
            lambda batch, logs=None: what(self.model) if batch // self.model.steps_per_execution == at else None,
        )
        at = 0 if when == "on_train_batch_begin" else 1


@pytest.mark.broad(slow=3)
@pytest.mark.parametrize("options", [{}, {"steps": 2}, {"eager": True}], ids=["", "two steps at once", "eager"])
@pytest.mark.parametrize("when", ["on_train_batch_end", "on_train_batch_begin"])
@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.slow
def test_what_a_callback_trains_meanwhile_has_its_own_batches_and_leaves_the_others_to_fit(what, when, options):
    def train(watching):
        model = network(**options)
        return fit(model, callbacks=[*watching, Meanwhile(when, MEANWHILE[what])]), left(model)

    shown = same(train).shown
    assert len(shown) == (0 if (what, when) == ("another train function", "on_train_batch_begin") else 8)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("examples, batches", [(20, 4), (1, 2), (1000, 8)])
def test_whole_executions_are_shown_until_there_are_so_many_examples(examples, batches):
    def train(watching):
        model = network(steps=2)
        return fit(model, callbacks=watching), left(model)

    shown = same(train, lambda: Reads(examples)).shown
    assert len(shown) == batches
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in shown]), X[: 8 * batches])


@pytest.mark.slow
def test_each_of_several_fits_of_a_model_makes_the_steps_of_the_bare_one():
    def train(watching):
        model = network()
        losses = [fit(model, epochs=1, callbacks=given) for given in (watching, [], watching, watching)]
        return losses, left(model)

    assert len(same(train).shown) == 8


@pytest.mark.slow
def test_one_that_is_interrupted_while_batches_are_read_leaves_the_model_to_the_next(monkeypatch):
    model, bare = network(), network()
    with monkeypatch.context() as patch:
        patch.setattr(ahead, "examples_of", lambda batch: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fit(model, callbacks=[Reads()])
    assert fit(model) == fit(bare)
    assert left(model) == left(bare)


# --- data that depend on the training ------------------------------------------------------------------------------


class Follower:
    """Batches that are there no sooner than the step two before them has been made."""

    def __init__(self):
        self.made, self.told = 0, threading.Condition()

    def batch(self, i):
        with self.told:
            if not self.told.wait_for(lambda: self.made + 2 >= i, 30):
                raise RuntimeError(f"batch {i} was asked for after {self.made} steps")
        return X[8 * i : 8 * i + 8], Y[8 * i : 8 * i + 8]

    def step_is_made(self, batch, logs=None):
        with self.told:
            self.made = batch + 1
            self.told.notify_all()

    def batches(self):
        return (self.batch(i) for i in range(8))

    def dataset(self):
        kinds = tf.TensorSpec((8, 4)), tf.TensorSpec((8, 1))
        return tf.data.Dataset.from_generator(self.batches, output_signature=kinds)

    def py_dataset(self):
        follower = self

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 8

            def __getitem__(self, i):
                return follower.batch(i)

        return Batches()


@pytest.mark.slow
@pytest.mark.broad(slow=3)
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("kind", ["batches", "dataset", "py_dataset"])
def test_of_data_that_python_makes_no_more_is_read_than_the_first_step_reads(kind, steps):
    def train(watching):
        model, follower = network(steps), Follower()
        tells = keras.callbacks.LambdaCallback(on_train_batch_end=follower.step_is_made)
        losses = fit(model, getattr(follower, kind)(), 1, [*watching, tells], steps_per_epoch=8)
        assert isinstance(losses, list), losses
        return losses, left(model)

    assert len(same(train).shown) == steps


# --- an error in the data ------------------------------------------------------------------------------------------


def broken(at):
    def checked(x, y):
        with tf.control_dependencies([tf.debugging.assert_less(x[0, 0], 100.0)]):
            return tf.identity(x), y

    bad = X[TRAIN].copy()
    bad[8 * at] = 1e3
    return tf.data.Dataset.from_tensor_slices((bad, Y[TRAIN])).batch(8).map(checked)


def missing(at):
    there = tf.data.Dataset.from_tensor_slices((X[: 8 * at], Y[: 8 * at])).batch(8)
    names = tf.data.TextLineDataset(["/no/such/file"])
    return there.concatenate(names.map(lambda line: (tf.zeros((8, 4)), tf.zeros((8, 1)))))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("options", [{}, {"steps": 2}, {"eager": True}], ids=["", "two steps at once", "eager"])
@pytest.mark.parametrize("at", [5, 0])
@pytest.mark.parametrize("data", [broken, missing])
def test_an_error_in_the_data_ends_the_training_at_the_same_state(data, at, options):
    def train(watching):
        model = network(**options)
        error = fit(model, data(at), callbacks=watching)
        assert issubclass(error, tf.errors.OpError)
        return error, left(model)

    same(train)


# --- a train function of the user's --------------------------------------------------------------------------------


class Own(keras.callbacks.Callback):
    """Takes the place of the train function, or goes around it, and counts the calls."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def put(self, model, theirs):
        def mine(iterator):
            self.calls += 1
            return theirs(iterator)

        model.train_function = mine

    def on_train_begin(self, logs=None):
        if not self.calls:
            self.put(self.model, self.model.train_function)


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("when", ["before fit", "in on_train_begin"])
def test_a_train_function_that_was_put_in_place_is_called_at_each_step(when):
    def train(watching):
        model, own = network(), Own()
        if when == "before fit":
            own.put(model, lambda iterator: {"loss": model.train_step(next(iterator))["loss"]})
        if watching:
            with pytest.warns(UserWarning, match=r"`model.train_function` is not what .* it is left alone"):
                losses = fit(model, callbacks=[*watching, *([own] if when != "before fit" else [])])
        else:
            losses = fit(model, callbacks=[own] if when != "before fit" else [])
        return losses, own.calls, model.train_function.__qualname__, left(model)

    assert same(train, callbacks.GradientClippingLogger).session.observation is None


def test_what_acts_in_each_step_refuses_such_a_train_function():
    model = network()
    Own().put(model, None)
    with pytest.raises(ValueError, match=r"must act in each step. `model.train_function` is not what"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.PolyakAveraging(0.5)])
