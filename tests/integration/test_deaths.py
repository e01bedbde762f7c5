"""Whatever ends `fit`, nothing of the suite stays on what it has watched, and the next training is as any other."""

import itertools

import keras
import numpy as np
import pytest

from keras_ch8 import extend, optimizers
from keras_ch8.continuation.annealed import annealed_in
from keras_ch8.integration import fit
from tests.board import readers
from tests.integration.everybody import CALLBACKS, TOGETHER, network, train
from tests.marks import mostly

OFTEN = ["on_train_batch_end", "on_test_end", "on_train_end"]
SELDOM = ["on_epoch_begin", "on_train_batch_begin", "on_test_batch_begin", "on_epoch_end"]
HOOKS = OFTEN + [pytest.param(hook, marks=pytest.mark.slow) for hook in SELDOM]


ITERATOR = "_eval_epoch_iterator"
"""What Keras itself leaves on a model whose training has died."""


class Dies(keras.callbacks.Callback):
    """Raises in a hook at the second epoch, or at the end; counts the batches that were trained."""

    def __init__(self, hook):
        super().__init__()
        self.epoch, self.batches = 0, 0
        theirs = getattr(self, hook)

        def die(*args, **kwargs):
            theirs(*args, **kwargs)
            if self.epoch == 1:
                raise KeyboardInterrupt

        setattr(self, hook, die)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


class Refuses(extend.Callback):
    """Raises before the first step, after all others have opened."""

    batches = 0

    def on_open(self):
        raise KeyboardInterrupt


class Watched:
    """A model, and callbacks that watch it again and again, each time from the same beginning."""

    def __init__(self, folder, optimizer, names, **options):
        self.folder = folder
        self.model = network(optimizer, **options)
        for number in annealed_in(self.model).values():
            number.value = number.end  # where `Continuation` leaves it
        self.callbacks = [CALLBACKS[name](folder) for name in names]
        train(self.model)  # by now Keras has made what it makes at the first training
        self.variables = [*self.model.variables, *self.model.optimizer.variables]
        self.values = [np.array(v) for v in self.variables]
        self.things = [self.model, self.model.optimizer, *self.model.layers, *self.model.metrics]
        self.names, self.functions = self.attributes()
        self.bare_losses = self.train()["loss"]
        self.losses = self.train(self.callbacks)["loss"]

    def attributes(self):
        """The names of all attributes, and the functions among these themselves, of their classes too."""
        classes = dict.fromkeys(cls for thing in self.things for cls in type(thing).__mro__ if cls is not object)
        functions = [
            (owner, name, value)
            for owner in (*self.things, *classes)
            for name, value in vars(owner).items()
            if callable(value) and name not in ("train_function", "test_function")
        ]
        return [set(vars(thing)) - {ITERATOR} for thing in self.things], functions

    def train(self, watching=()):
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
        return train(self.model, watching)

    def rows(self):
        """Run and step of each row that is written."""
        with readers.python_loader(self.folder) as board:
            return [(run, step) for run in sorted(board.runs()) for step in board.steps("step/gradient_norm", run)]

    def assert_nothing_stays(self):
        names, functions = self.attributes()
        assert names == self.names
        assert len(functions) == len(self.functions)
        for now, before in zip(functions, self.functions, strict=True):
            assert now[:2] == before[:2]
            assert now[2] is before[2], now[:2]
        assert fit.running() == ()
        assert not any(callback.session.is_open for callback in self.callbacks if hasattr(callback, "session"))

    def assert_survives(self, dies):
        before = self.rows()
        bare = self.model.train_function
        with pytest.raises(KeyboardInterrupt):
            self.train([*self.callbacks, dies])
        dies.epoch = 0  # it has died, and lets others live
        assert self.model.train_function is bare
        self.assert_nothing_stays()
        new = [row for row in self.rows() if row not in before]
        assert len(new) == dies.batches
        assert new == sorted(set(new))
        assert self.train()["loss"] == self.bare_losses
        history = self.train(self.callbacks)
        assert history["loss"] == self.losses
        assert history["gradient_norm"][0] > 0
        self.assert_nothing_stays()


MADE = {
    "Keras's": (lambda: keras.optimizers.SGD(0.05), [*TOGETHER, "Continuation", "ClipGradients"]),
    "ours": (lambda: optimizers.SGD(0.05), [*TOGETHER, "Continuation"]),
}


@pytest.fixture(scope="module", params=["Keras's", pytest.param("ours", marks=pytest.mark.slow)])
def watched(request, tmp_path_factory):
    optimizer, names = MADE[request.param]
    return Watched(tmp_path_factory.mktemp("deaths"), optimizer(), names)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("hook", HOOKS)
def test_a_training_that_dies_in_a_foreign_callback_leaves_nothing(watched, hook):
    watched.assert_survives(Dies(hook))


@pytest.mark.slow
def test_a_training_that_one_of_the_callbacks_refuses_leaves_nothing(watched):
    watched.assert_survives(Refuses())


@pytest.mark.slow
@pytest.mark.parametrize(
    "made, in_validation",
    mostly(pytest.mark.full, itertools.product(MADE, (False, True)), ("Keras's", False), ("ours", True)),
)
def test_a_training_that_dies_in_the_middle_of_a_step_leaves_nothing(tmp_path, made, in_validation):
    optimizer, names = MADE[made]
    watched = Watched(tmp_path, optimizer(), names, run_eagerly=True)
    dies = Dies("on_predict_end")
    theirs = watched.model.compute_loss

    def compute_loss(*args, training=True, **kwargs):
        if dies.epoch == 1 and dies.batches > 8 and training is not in_validation:
            raise KeyboardInterrupt
        return theirs(*args, training=training, **kwargs)

    watched.model.compute_loss = compute_loss
    watched.names, watched.functions = watched.attributes()
    watched.assert_survives(dies)
