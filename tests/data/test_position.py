"""Where a source stands: it goes on there, and only `fit` moves it."""

import keras
import numpy as np
import pytest

from keras_ch8.data import ArraySource

from .recorder import Recorder, numbers

X = np.arange(13.0)
STEPS = 4


def source_of(**kwargs):
    return ArraySource(X, X, batch_size=3, seed=2, last_batch="drop", **kwargs)


def uninterrupted(epochs):
    """Return the batches of these epochs, from the formula."""
    orders = [np.random.default_rng([2, epoch]).permutation(13)[:12].reshape(STEPS, 3) for epoch in epochs]
    return np.concatenate(orders).tolist()


def after_batch(k, action):
    """Return a callback that acts once k batches have been given."""
    callback = keras.callbacks.Callback()
    callback.left = k

    def on_train_batch_end(batch, logs=None):
        callback.left -= 1
        if not callback.left:
            action(callback.model)

    callback.on_train_batch_end = on_train_batch_end
    return callback


def test_fit_gives_the_order_of_the_sampler_and_a_second_fit_goes_on():
    model, source = Recorder(), source_of()
    assert model.fit(source, epochs=2) == uninterrupted([0, 1])
    assert (source.epoch, source.step) == (2, 0)
    assert model.fit(source, epochs=5, initial_epoch=4) == uninterrupted([2])
    source.seek(0)
    assert model.fit(source) == uninterrupted([0])


@pytest.mark.parametrize(("k", "prefetch"), [(1, 5), (4, 0), (6, 5)])
def test_from_a_state_taken_after_any_batch_the_remaining_batches_are_the_same(k, prefetch):
    states, source = [], source_of(prefetch=prefetch)
    first = Recorder().fit(source, epochs=3, callbacks=[after_batch(k, lambda _: states.append(source.get_state()))])
    assert first == uninterrupted([0, 1, 2])
    other = ArraySource(X, X, batch_size=3, seed=77, last_batch="drop")
    other.set_state(states[0])
    assert other.get_state() == states[0]
    epochs = 3 - k // STEPS
    assert Recorder().fit(other, epochs=epochs) == first[k:]
    assert (other.epoch, other.step, other.seed) == (3, 0, 2)


def stop(model):
    model.stop_training = True


def fail(model):
    raise KeyboardInterrupt


def test_an_epoch_that_was_stopped_is_begun_again_or_gone_on_with():
    model, source, k = Recorder(), source_of(), 3
    assert model.fit(source, callbacks=[after_batch(k, stop)]) == uninterrupted([0])[:k]
    assert (source.epoch, source.step) == (0, k)
    assert model.fit(source, callbacks=[after_batch(k, stop)]) == uninterrupted([0])[:k]
    source.seek(source.epoch, source.step)
    assert model.fit(source, epochs=2) == uninterrupted([0, 1])[k:]


def test_an_epoch_that_was_stopped_after_its_last_batch_is_finished():
    model, source = Recorder(), source_of()
    model.fit(source, callbacks=[after_batch(STEPS, stop)])
    assert model.fit(source) == uninterrupted([1])


@pytest.mark.slow
def test_an_epoch_in_which_fit_died_is_begun_again_where_it_began():
    model, source = Recorder(), source_of()
    source.seek(3, 1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(source, callbacks=[after_batch(2, fail)], epochs=2)
    assert model.fit(source) == uninterrupted([3])[1:]


@pytest.mark.slow
def test_with_several_steps_in_one_execution_the_position_is_that_after_the_last_of_them():
    model, source, seen = Recorder(), source_of(), []
    model.steps_per_execution = 3
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(source.step))
    assert model.fit(source, epochs=2, callbacks=[watch]) == uninterrupted([0, 1])
    assert seen == [3, 4, 3, 4]
    source.seek(3, 2)
    assert model.fit(source, epochs=2) == uninterrupted([3, 4])[2:]


@pytest.mark.slow
def test_evaluate_and_predict_give_every_example_in_order_and_move_nothing():
    model, source, shown = Recorder(), source_of(), []

    def look(model):
        shown.append(model.predict(source, verbose=0).tolist())
        model.evaluate(source, verbose=0)

    assert model.fit(source, epochs=2, callbacks=[after_batch(2, look)]) == uninterrupted([0, 1])
    assert shown == [X.tolist()]
    assert [numbers(batch) for batch in model.evaluated] == [*np.arange(12).reshape(4, 3).tolist(), [12]]
    assert (source.epoch, source.step) == (2, 0)
    assert model.predict(source, batch_size=5, steps=2, verbose=0).tolist() == list(range(10))


def test_validation_data_may_be_the_source_itself():
    model, source = Recorder(), source_of()
    assert model.fit(source, epochs=2, validation_data=source) == uninterrupted([0, 1])
    assert np.concatenate([numbers(batch) for batch in model.evaluated]).tolist() == 2 * list(range(13))


def test_a_position_set_by_a_callback_holds_for_the_epoch_that_begins():
    model, source = Recorder(), source_of()

    def jump(epoch, logs):
        if epoch == 1:
            source.seek(7, 1)

    expected = [*uninterrupted([0]), *uninterrupted([7])[1:], *uninterrupted([8])]
    assert model.fit(source, epochs=3, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=jump)]) == expected
    assert source.epoch == 9


class Constant:
    """Gives one example all the time."""

    def __init__(self, number):
        self.number = number

    def plan(self, epoch):
        return np.full((STEPS, 3), self.number)


def test_another_sampler_decides_the_next_epoch_that_begins():
    model, source = Recorder(), source_of()
    change = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: setattr(source, "sampler", Constant(8)) if epoch == 1 else None
    )
    assert model.fit(source, epochs=2, callbacks=[change]) == [*uninterrupted([0]), *[[8, 8, 8]] * STEPS]


def test_a_state_of_another_source_is_refused():
    state = source_of().get_state()
    with pytest.raises(ValueError, match=r"count=13, where this source has count=12. Create the source with the same"):
        ArraySource(X[:12], batch_size=3).set_state(state)
    with pytest.raises(ValueError, match="batch_size=3, where this source has batch_size=4"):
        ArraySource(X, batch_size=4).set_state(state)
    other = ArraySource(X, batch_size=3, seed=1)
    other.sampler = Constant(0)
    with pytest.raises(ValueError, match="seed=2, where this source has seed=1"):
        other.set_state(state)


def test_a_place_outside_the_epoch_is_refused_and_its_end_is_the_next():
    source = source_of()
    with pytest.raises(ValueError, match=r"at most 4 here. Received: step=5"):
        source.seek(0, 5)
    source.seek(1, 4)
    assert (source.epoch, source.step) == (2, 0)
    assert "at epoch 2, step 0" in repr(source)
