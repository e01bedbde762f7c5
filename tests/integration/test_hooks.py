"""What is replaced in Keras: nothing by the import, only what is listed, and all of it can be undone."""

import contextlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.backend.tensorflow import trainer

from keras_ch8 import callbacks, data, extend, integration, optimizers
from keras_ch8.integration import epochs, fit, keras_private, of_scripts, registry, train_step
from tests.callbacks.runs import X, Y, network
from tests.callbacks.runs import fit as fit_six_steps

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"
ALL = {
    fit.FIT: lambda: callbacks.EarlyStopping(),
    train_step.TRAIN_STEP: lambda: optimizers.Adam(skip_nonfinite=True),
    train_step.MAKE_TRAIN_FUNCTION: lambda: optimizers.LBFGS(),
    epochs.EPOCH_ITERATOR: lambda: data.ArraySource(np.ones((4, 1)), batch_size=2),
    of_scripts.name_of("fit"): lambda: of_scripts.see("fit", lambda go, *_: go()),
    of_scripts.name_of("evaluate"): lambda: of_scripts.see("evaluate", lambda go, *_: go()),
    of_scripts.name_of("save"): lambda: of_scripts.see("save", lambda go, *_: go()),
    of_scripts.name_of("save_weights"): lambda: of_scripts.see("save_weights", lambda go, *_: go()),
}


def theirs():
    """What stands at every place where there can be a hook."""
    names = ("fit", "evaluate", "save", "save_weights", "predict", "train_step", "make_train_function", "compile")
    inside = [keras_private.cell_of(name).cell_contents for name in ("fit", "evaluate", "predict")]
    return [getattr(keras.Model, name) for name in names] + [trainer.TFEpochIterator, *inside]


@pytest.fixture(autouse=True)
def bare():
    integration.uninstall()
    yield
    integration.uninstall()


@pytest.mark.slow
def test_an_import_replaces_nothing_and_the_first_callback_one_function():
    code = (
        "import keras, numpy\n"
        "from keras.src.backend.tensorflow import trainer\n"
        "def there():\n"
        "    inside = [getattr(keras.Model, n).__closure__[0].cell_contents for n in ('fit', 'evaluate')]\n"
        "    of_classes = [v for c in keras.Model.__mro__[:2] for v in vars(c).values()]\n"
        "    return [trainer.TFEpochIterator, *inside, *of_classes]\n"
        "before = there()\n"
        "import keras_ch8; keras_ch8.callbacks, keras_ch8.optimizers.Adam()\n"
        "print(all(a is b for a, b in zip(before, there(), strict=True)), keras_ch8.integration.hooks())\n"
        "keras_ch8.callbacks.EarlyStopping()\n"
        "print([hook.replaces for hook in keras_ch8.integration.hooks()])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["True []", "['keras.Model.fit']"], done.stderr[-2000:]


@pytest.mark.slow
def test_the_first_fit_of_a_process_is_hooked_though_the_method_is_looked_up_before_the_callback_is_made():
    model = network(optimizers.SGD(0.1))
    assert integration.hooks() == []
    history = model.fit(X, Y, verbose=0, callbacks=[callbacks.GradientClippingLogger(logs=True)]).history
    assert history["gradient_norm"][0] > 0


@pytest.mark.slow
def test_a_fit_that_somebody_wraps_on_the_class_is_hooked_as_well(monkeypatch):
    theirs = keras.Model.fit
    monkeypatch.setattr(keras.Model, "fit", lambda self, *args, **kwargs: theirs(self, *args, **kwargs))
    history = fit_six_steps(network(optimizers.SGD(0.1)), [callbacks.GradientClippingLogger(logs=True)], epochs=1)
    assert history["gradient_norm"][0] > 0


def test_every_hook_is_listed_with_its_reason_once_and_undone():
    before = theirs()
    for make in (*ALL.values(), *ALL.values()):
        make()
    hooks = integration.hooks()
    assert {hook.replaces for hook in hooks} == set(ALL)
    assert len(hooks) == len(ALL)
    assert sum(a is not b for a, b in zip(before, theirs(), strict=True)) == len(ALL)
    for hook in hooks:
        assert len(hook.why) > 60
        assert re.search(r"the first `\w+` was made, 20\d\d-\d\d-\d\dT", hook.since)
        assert hook.undone_by == "keras_ch8.integration.uninstall()"
    integration.uninstall()
    assert integration.hooks() == []
    assert all(a is b for a, b in zip(before, theirs(), strict=True))
    assert not {"train_step", "make_train_function"} & set(vars(keras.Model))


def test_the_page_of_the_documents_names_every_hook():
    page = PAGE.read_text()
    for replaces in ALL:
        assert f"`{replaces}`" in page


@contextlib.contextmanager
def fit_left_in_a_wrapper():
    """Let somebody wrap our `fit`, and uninstall it: it cannot be taken out, and only passes on."""
    callbacks.EarlyStopping()
    cell = keras_private.cell_of("fit")
    ours = cell.cell_contents
    cell.cell_contents = lambda self, *args, **kwargs: ours(self, *args, **kwargs)
    try:
        with pytest.warns(RuntimeWarning, match=r"`keras.Model.fit` was replaced by another package"):
            integration.uninstall()
        yield
    finally:
        integration.uninstall()
        cell.cell_contents = keras.Model.fit.__wrapped__


def test_a_hook_that_somebody_else_has_wrapped_is_left_and_only_passes_on():
    with fit_left_in_a_wrapper():
        assert integration.hooks() == []
        seen = []
        look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(fit.running()))
        fit_six_steps(network("sgd"), [look], epochs=1)
        assert seen == [()]


def test_a_callback_outside_fit_says_that_it_sees_no_steps_and_the_training_goes_on():
    board = callbacks.GradientClippingLogger()
    integration.uninstall()
    model = network(optimizers.SGD(0.1))
    with pytest.warns(RuntimeWarning, match=r"use `with keras_ch8.Doctor\(\)\.watch\(model\)`"):
        history = fit_six_steps(model, [board], epochs=1)
    assert list(history) == ["loss"]


def test_the_hooks_keep_the_signatures_of_keras():
    before = [inspect.signature(getattr(keras.Model, name)) for name in ("fit", "evaluate")]
    callbacks.EarlyStopping()
    assert before == [inspect.signature(getattr(keras.Model, name)) for name in ("fit", "evaluate")]


def test_replaced_attributes_of_an_instance_come_back_unless_somebody_has_set_others():
    class Thing:
        pass

    thing = Thing()
    thing.own = 1

    def dies():
        with registry.replaced(thing, own=2, other=3):
            assert (thing.own, thing.other) == (2, 3)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies()
    assert vars(thing) == {"own": 1}
    with registry.replaced(thing, other=3):
        thing.other = 4
    assert thing.other == 4


# --- what the hook around fit knows -------------------------------------------------------------------------------


class Looks(extend.Callback):
    """Keeps what the training knows at its first epoch."""

    observes_steps = False

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        training = self.session.training
        self.seen = list(training.callbacks), dict(training.arguments), training.validation_data


@pytest.mark.slow
def test_a_training_knows_its_callbacks_in_order_its_arguments_and_its_validation_data():
    model, looks = network("sgd"), Looks()
    others = [keras.callbacks.LambdaCallback(), keras.callbacks.TerminateOnNaN()]
    for given in ([others[0], looks, others[1]], [others[0], [looks, others[1]]]):
        model.fit(X, Y, batch_size=8, epochs=1, verbose=0, callbacks=given, validation_data=(X, Y))
        listed, arguments, validation = looks.seen
        assert listed == [others[0], looks, others[1]]
        assert arguments["batch_size"] == 8
        assert validation[0] is X
    assert looks.session.training.callbacks == []  # nothing is held after it
    assert looks.session.training.arguments == {}


def test_a_list_that_the_user_has_made_is_served_and_given_back():
    model, looks = network("sgd"), Looks()
    average = callbacks.PolyakAveraging(uniform=True)
    made = keras.callbacks.CallbackList([looks, average], model=model, epochs=1, steps=6, add_history=True)
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0, callbacks=made)
    assert looks.seen[0][:2] == [average, looks]
    assert made.callbacks[:2] == [looks, average]


def test_a_hook_that_was_left_in_a_wrapper_stays_out_of_the_way_of_the_next_one():
    with fit_left_in_a_wrapper():
        seen = []
        look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(len(fit.running())))
        fit_six_steps(network("sgd"), [callbacks.EarlyStopping("loss"), look], epochs=1)
        assert seen == [1]


@pytest.mark.slow
def test_keras_says_of_a_variable_without_a_gradient_what_it_says_unwatched():
    class Half(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.idle = keras.layers.Dense(2), keras.layers.Dense(2)

        def call(self, x):
            self.idle(x)
            return self.used(x)

    for watching in ([], [callbacks.GradientClippingLogger()]):
        model = Half()
        model.compile("sgd", "mse")
        with pytest.warns(UserWarning, match=r"Gradients do not exist for variables"):
            fit_six_steps(model, watching, epochs=1)


@pytest.mark.slow
def test_a_model_keeps_no_callback_of_an_earlier_fit():
    import gc
    import weakref

    model = network(optimizers.SGD(0.1))
    average = callbacks.PolyakAveraging(uniform=True)
    fit_six_steps(model, [average], epochs=1)
    gone = weakref.ref(average)
    del average
    fit_six_steps(model, [], epochs=1)
    gc.collect()
    assert gone() is None
