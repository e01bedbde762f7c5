"""A training that goes on after its process has died, as if nothing had happened."""

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import keras

from .. import _checks, _objects
from .._describe import misfit
from .._duration import duration
from .._types import Logs
from ..checkpoints import callback_states, fingerprint, variables
from ..checkpoints.folder import Folder, Sigterm, Workers
from ..checkpoints.state import Position, TrainingState, Validation, position_of
from ..integration import backend, epochs, fit, keras_private
from ._switch_optimizer import SwitchOptimizer, switched_by
from .base import Callback, say
from .plain import PlainCallback
from .session.batch_counter import remember_batches

_ended_here: set[str] = set()
"""The folders of the trainings that have ended in this process."""


@final
class Resume(Callback):
    """Resume a training after its process has died, at the exact batch, as if nothing had happened (section 8.1.3).

    Add it to the callbacks of `fit`. After a crash, a kill, or the end of a rented machine, run the same script
    again: `fit` goes on from the newest state, and ends bit for bit as a training that nothing has interrupted:
    weights, state of the optimizer, all variables that hang on the model or a callback, `History`, and the states of
    all callbacks of this package and of Keras's own. A script whose training has ended gets the trained model, its
    history and what callbacks have come to at once. `initial_epoch` need not be given.

    A state is a file in `directory`, of arrays and JSON with a checksum; nothing is pickled. A thread writes it to the
    disk under another name and then renames it, so a step waits only until the variables are copied. If the newest file
    is damaged, a warning says so, and the one before it is used. If the disk fails, one warning says so, the training
    goes on, and the next state is tried again.

    At SIGTERM, which rented machines send before they are taken away, a state is written at the next batch, and
    the process ends with `SystemExit(143)`.

    Of several workers (`MultiWorkerMirroredStrategy`) each keeps its own states, in a folder of its own in `directory`,
    and all go on from the newest one that each of them has. The machines need not share `directory`; where they do not,
    each worker must find again what it wrote. When one worker dies, the others fail at their next step: start all of
    them again, as many as before. A SIGTERM to one of them ends all, at the next state that is due.

    Where a training goes on, by its data (docs/guide/order.md has all kinds):

        arrays, ArraySource   at the exact batch: arrays are read through an ArraySource
        tf.data.Dataset       likewise, if all that draws has a seed: what was read is read again and skipped
        PyDataset             at the beginning of the epoch
        generator             at the beginning of an epoch, from the beginning of the generator

    Where it ends otherwise, one warning says what differs, when `fit` begins. A number of Python that training changes
    (`self.beta += 0.1`) is not kept: make it a variable.

    Bit for bit needs what two equal trainings need of TensorFlow: `keras.utils.set_random_seed`, and on a GPU
    `tf.config.experimental.enable_op_determinism()`.

    Args:
        directory: Folder of the states of this one training; it is made if it is not there.
        every: When a state is taken: `"1ep"` (epochs), `"500ba"` (batches) or a number of them, or `"60s"` (seconds).
            Defaults to `"1ep"`.
        keep: How many of the newest states are kept. Defaults to `2`.
        allow: What may have changed since a state was written, of `"model"`, `"loss"`, `"optimizer"`, `"data"`,
            `"callbacks"` and `"epochs"`; another change is an error that lists what differs. The variables of the model
            must have the same shapes in any case. An optimizer with other arguments goes on with the old state at its
            own rate; one of another class begins anew. Other data begin with the epoch. Defaults to `()`.

    Raises:
        TypeError: If `directory` is not a path.
        ValueError: If another argument is none of these; in `fit`, if the states are of another training, or all of
            them are damaged.
        OSError: In `fit`, before the first step, if `directory` cannot be written.

    Example:
        >>> import tempfile
        >>> x, y = np.arange(8.0)[:, None], np.arange(8.0)
        >>> directory = tempfile.mkdtemp()
        >>> def script(epochs):
        ...     keras.utils.set_random_seed(0)
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     source = keras_ch8.data.ArraySource(x, y, batch_size=2, seed=0)
        ...     resume = keras_ch8.callbacks.Resume(directory, allow=["epochs"])
        ...     return model.fit(source, epochs=epochs, callbacks=[resume], verbose=0).history["loss"]
        >>> first = script(2)
        >>> script(3)[:2] == first  # doctest: +ELLIPSIS
        Resuming from '...': in epoch 2, after 0 of its batches.
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """

    section = "8.1.3"

    observes_steps = False
    _needs_fit = True
    _place_in_fit = fit.FIRST

    transient: ClassVar[Mapping[str, Any]] = {
        "_training": None, "_data": None, "_folder": None, "_saved": None, "_taken": None, "_others": (),
        "_fingerprint": None, "_differs": None, "_sigterm": None, "_workers": None, "_validation": None,
    }  # fmt: skip

    _training: fit.Training
    _data: Position
    _validation: Validation
    _folder: Folder
    _saved: TrainingState | None
    """What is still to be put back, at the moment at which it was taken."""
    _taken: dict[str, Any] | None
    """What is written after this batch."""

    def __init__(
        self,
        directory: str | os.PathLike[str],
        every: int | str = "1ep",
        keep: int = 2,
        allow: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.directory = os.fspath(_objects.path("directory", directory))
        try:
            self.every, self._every = every, duration("every", every, or_seconds=True)
            fits = self._every.unit == "s" or (self._every.unit != "%" and self._every.amount.is_integer())
        except ValueError:
            fits = False
        if not fits:
            expected = 'whole epochs ("1ep"), whole batches ("500ba") or seconds ("60s")'
            raise ValueError(misfit("every", "says when a state is taken", expected, every, 'Try every="1ep".'))
        self.keep = _checks.count("keep", keep, 1, meaning="how many of the newest states are kept", fix="Try 2.")
        self.allow = _checks.some_of("allow", allow, fingerprint.PARTS, meaning="what may have changed")

    # --- around Keras's `fit`: integration.fit calls the first, `exits` of the training the second -------------------

    def _enter_fit(self, training: fit.Training) -> keras.callbacks.History | None:
        """Bring a training that begins to where it was; return its history if it has ended before."""
        _refuse_what_cannot_resume(training.callbacks, type(self))
        epochs.install(type(self).__name__)
        self._training, self._saved, self._taken = training, None, None
        self._sigterm, self._has_begun = Sigterm(), False
        self._workers, self._asked_to_end = Workers(training.model.distribute_strategy), False
        self._workers.check(self.every, self._every.unit, self.keep)
        self._folder = Folder(self._workers.folder_in(self.directory), self.keep)
        training.exits.callback(self._leave_fit)
        self._folder.prepare()
        self._data, self._validation = position_of(training), Validation(training)
        self._others = [callback for callback in training.callbacks if callback is not self]
        parts = {
            "loss": fingerprint.of_loss(training.model),
            "optimizer": fingerprint.of_optimizer(training.model.optimizer),
            "data": self._data.description | {"validation": self._validation.description},
            "callbacks": fingerprint.of_callbacks([c for c in self._others if callback_states.has_state(c)]),
            "epochs": training.arguments.get("epochs", 1),
        }
        self._fingerprint = fingerprint.by_place(parts, training.model)
        found = self._workers.newest(self._folder)
        history = None if found is None else self._go_on(TrainingState.unpacked(found.content))
        if history is None:
            self._announce()
            self._sigterm.listen(training.exits)
        return history

    def _leave_fit(self) -> None:
        """Write that the training has ended, unless it has died, and wait until that is on the disk."""
        has_ended, sigterm = self._has_begun and not self._training.has_died, self._sigterm
        try:
            if has_ended:
                self._write(self._copy(self._epoch + 1, 0, has_ended=True))
                _ended_here.add(os.path.realpath(self.directory))
        finally:
            self._folder.close()
            self.__dict__.update(self.transient)
        if has_ended and sigterm.came:
            sigterm.end()

    def _go_on(self, saved: TrainingState) -> keras.callbacks.History | None:
        """Go on from a state; return the history if the training had ended with it."""
        training, first = self._training, self._training.model.optimizer
        differs = self._differs = self._differences(saved)
        refused = [part for part in differs if part not in self.allow]
        if refused:
            raise ValueError(fingerprint.not_the_same(self.directory, differs, refused))
        if saved.has_ended and "epochs" in differs:
            if (earlier := self._workers.newest(self._folder, unfinished=True)) is not None:
                return self._go_on(TrainingState.unpacked(earlier.content))
            if self._fingerprint["epochs"] > saved.fingerprint["epochs"] and training.model.optimizer is first:
                say(
                    f"No state in {self.directory!r} is from before the end, so training for more epochs starts from "
                    "scratch."
                )
                return None
        has_ended = saved.has_ended or saved.epoch >= self._fingerprint["epochs"]
        self._put_variables(saved, () if has_ended and "loss" not in differs else (variables.METRICS,))
        if "data" in differs:
            saved.batch = 0
            self._data.begin_epoch(saved.data)
        else:
            if not has_ended:
                self._validation.put(saved.validation)
            self._data.put(saved.data)
        callback_states.put_before(self._others, saved.callbacks)
        remember_batches(training, saved.step, saved.brought, saved.counted)
        if has_ended:
            _say_that_it_has_ended(self.directory)
            return self._history(saved)
        training.arguments["initial_epoch"], training.first_batch = saved.epoch, saved.batch
        self._saved = saved
        return None

    def _differences(self, saved: TrainingState) -> dict[str, list[str]]:
        """Return in what this training is not the one of a state, once its model is built as it was."""
        model = self._training.model
        switch = next((c for name, c in callback_states.named(self._others) if name == saved.switched_by), None)
        if isinstance(switch, SwitchOptimizer):
            if model.optimizer is not switch.to:
                keras_private.set_optimizer(model, switch.to)
                model.train_function = None
            else:  # in the process that has switched, nobody knows the first one any more
                self._fingerprint["optimizer"] = saved.fingerprint["optimizer"]
        variables.build(model, self._data.example)
        self._fingerprint["model"] = fingerprint.of_model(model)
        differs = fingerprint.differences(saved.fingerprint, self._fingerprint)
        if lines := variables.others_differ(model, self._others, saved.variables):
            differs["model"] = differs.get("model", []) + lines
        return differs

    def _history(self, saved: TrainingState) -> keras.callbacks.History:
        """Return the history of a training that has ended, and leave the callbacks as it has left them."""
        model, epochs = self._training.model, self._fingerprint["epochs"]
        history = keras.callbacks.History()
        for callback in (history, *self._training.callbacks):
            callback.set_model(model)
            callback.set_params({"epochs": epochs, "verbose": 0, "steps": None})
        history.epoch, history.history = saved.history
        model.history = history
        backend.random_numbers.put(saved.random)
        ours = [callback for callback in self._others if isinstance(callback, PlainCallback)]
        for callback in ours:
            callback.on_train_begin()
        for callback in ours:
            state = callback._take_kept()
            if state is not None:
                callback.show_results(state)
        callback_states.put_within(self._others, saved.callbacks)
        return history

    def _announce(self) -> None:
        """Say from where the training goes on, and where it would."""
        if (saved := self._saved) is not None:
            say(f"Resuming from {self.directory!r}: in epoch {saved.epoch + 1}, after {saved.batch} of its batches.")
        lost = variables.cannot_be_saved(self._training.model, self._others)
        begins_anew = f"what {', '.join(f'`{path}`' for path in lost)} has come to starts from scratch" if lost else ""
        if said := "; ".join(filter(None, (self._data.differs, self._validation.differs, begins_anew))):
            warnings.warn(
                f"After an interruption, this training resumes but ends differently from an uninterrupted one: {said}. "
                "docs/guide/order.md has a table of all kinds of data.",
                UserWarning,
                stacklevel=2,
            )
        if self._training.arguments.get("verbose") == 0:
            return
        if self._data.said:
            say(self._data.said)
        if unknown := callback_states.without_state(self._others):
            say(
                f"`Resume` cannot save what {', '.join(unknown)} must remember after an interruption. If it has state "
                "other than variables, add `get_state` and `set_state` to the class."
            )

    # --- while Keras trains: the first of all callbacks ---------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Join the training."""
        if getattr(self, "_training", None) is None:
            raise ValueError(
                "`Resume` works only with `Model.fit`. Received: a loop of your own. Remove `Resume`, or train with "
                "`fit`."
            )
        super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take a state if it is time: by now all callbacks have seen the end of the last epoch."""
        self._taken = None  # of a batch that there was not
        is_first, self._has_begun, self._epoch = not self._has_begun, True, epoch
        if self._saved is not None and self._saved.batch == 0:
            self._put_within(self._saved)
        elif not is_first and self._is_due(epoch):
            self._data.epoch_begins()
            self._write(self._copy(epoch, 0))
            if self._must_end:
                self._end_process()
        super().on_epoch_begin(epoch, logs)
        self._data.epoch_begins()
        if is_first:
            self._note_time()
            callback_states.check_others(self._others)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Take a state if it is time, before any callback is called for the batch.

        It is written when the batch has been trained on: at the end of data of unknown length there is a batch less.
        """
        if self._saved is not None:
            self._put_within(self._saved)
        elif batch > 0 and self._data.within_epochs and self._is_due(self._epoch):
            self._taken = self._copy(self._epoch, batch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write what was taken before the batch."""
        super().on_train_batch_end(batch, logs)
        taken, self._taken = self._taken, None
        if taken is not None:
            self._write(taken)
        if self._must_end and (taken is not None or not self._data.within_epochs):
            self._end_process()

    def _is_due(self, epoch: int) -> bool:
        """Whether it is time to take a state, and the one before is written."""
        if self._must_end:
            return True
        passed = {
            "ep": epoch - self._noted_epoch,
            "ba": self.session.step - self._noted_step,
            "st": self.session.step - self._noted_step,
            "s": time.monotonic() - self._noted_seconds,
        }
        waits = self._folder.is_writing and not self._workers.are_several  # several take theirs at the same batch
        return passed[self._every.unit] >= self._every.amount and not waits

    @property
    def _must_end(self) -> bool:
        """Whether SIGTERM has come; of several workers, whether all have agreed that it has come to one."""
        return self._asked_to_end if self._workers.are_several else self._sigterm.came

    def _note_time(self) -> None:
        self._noted_epoch, self._noted_step, self._noted_seconds = self._epoch, self.session.step, time.monotonic()

    # --- the state ----------------------------------------------------------------------------------------------------

    def _copy(self, epoch: int, batch: int, has_ended: bool = False) -> dict[str, Any] | None:
        """Return a copy of the state of the training before a batch; None, after a warning, where that fails."""
        self.session.read()
        try:
            return self._state_now(epoch, batch, has_ended).packed()
        except (MemoryError, callback_states.NoState) as error:
            self._folder.report(error)
            return None

    def _state_now(self, epoch: int, batch: int, has_ended: bool) -> TrainingState:
        session, model = self.session, self._training.model
        copies, built_for = variables.taken(model, self._others)
        self._fingerprint.setdefault("model", fingerprint.of_model(model))
        brought, counted = session.batches.pace
        history = model.history
        return TrainingState(
            fingerprint=self._fingerprint,
            epoch=epoch,
            batch=batch,
            has_ended=has_ended,
            step=session.step,
            brought=brought,
            counted=counted,
            updates=variables.updates_of(model),
            data=self._data.taken(None if has_ended else batch),
            validation=self._validation.taken(),
            callbacks=callback_states.taken(self._others),
            random=backend.random_numbers.taken(),
            history=(list(history.epoch), {name: list(values) for name, values in history.history.items()}),
            switched_by=switched_by(model, self._others),
            built_for=built_for,
            variables=copies,
        )

    def _write(self, packed: dict[str, Any] | None) -> None:
        """Let a state be written while the training goes on; of several workers, once all have the one before."""
        self._note_time()
        if self._workers.are_several:
            self._folder.wait()
            self._asked_to_end = self._workers.any_says(self._sigterm.came)
        if packed is not None:
            self._folder.write(packed)

    def _put_variables(self, saved: TrainingState, without: Sequence[str]) -> None:
        """Put back all variables; of an optimizer that was changed what it shares with the old one."""
        model = self._training.model
        variables.build_optimizers(model, saved.built_for)
        if "optimizer" in self._differs:
            variables.put_under_changed_optimizer(model, self._others, saved.variables, without, saved.updates)
        else:
            variables.put(model, self._others, saved.variables, without)

    def _put_within(self, saved: TrainingState) -> None:
        """Put back what `fit` and callbacks forget when they begin, at the moment at which the state was taken."""
        self._saved = None
        missing = variables.others_missing(self._training.model, self._others, saved.variables)
        if missing and "model" not in self.allow:
            raise ValueError(
                f"A training resumes with all variables that it had. Received: no {', '.join(missing)}, for which the "
                f"states in {self.directory!r} have a value, before the first step. Create them before `fit`, such as "
                f"in `__init__`, or let them start from scratch with `Resume({self.directory!r}, allow=['model'])`."
            )
        is_within = saved.batch > 0 and "loss" not in self._differs
        self._put_variables(saved, () if is_within else (variables.METRICS,))
        callback_states.put_within(self._others, saved.callbacks)
        history = self._training.model.history
        history.epoch[:], history.history = saved.history[0], dict(saved.history[1])
        backend.random_numbers.put(saved.random)

    def _end_process(self) -> None:
        """End the process, as SIGTERM has asked."""
        written = self._folder.wait()
        where = f"in {self.directory!r}" if written else f"the one before: {self.directory!r} could not be written"
        say(f"SIGTERM: the newest state of the training is {where}. Run the same script again to resume.")
        self._sigterm.end()


def _refuse_what_cannot_resume(callbacks: Sequence[keras.callbacks.Callback], kind: type) -> None:
    """Refuse what would restore or write over what `Resume` does, which is of this kind."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise ValueError(
                "`Resume` restores everything that `keras.callbacks.BackupAndRestore` does, and more, so only one of "
                "the two can be used. Received: both. Remove `BackupAndRestore`."
            )
    if sum(isinstance(callback, kind) for callback in callbacks) > 1:
        raise ValueError("A training can have only one `Resume`. Received: several. Keep one.")


def _say_that_it_has_ended(directory: str) -> None:
    """Say that nothing is trained: as a warning, where it has ended in this process and so may be another training."""
    said = (
        f"This training has already ended: model and history are restored from {directory!r}. To train again, pass "
        "another directory to `Resume`."
    )
    if os.path.realpath(directory) in _ended_here:
        warnings.warn(f"Nothing is trained. {said}", UserWarning, stacklevel=2)
    else:
        say(said)
