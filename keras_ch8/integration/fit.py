"""The hook around `fit` of `keras.Model`: each `fit` is a `Training`.

It knows what Keras tells no callback: the list of callbacks, the arguments, the validation data, the first batch and
the end, even after an error. Every model has it, also one with a `fit` of its own that calls `super().fit`.
"""

import contextvars
import functools
import inspect
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

import keras

from .. import _net
from . import backend, keras_private, multi_worker, registry
from .ahead import Ahead, build_metrics, most_before_a_step

FIT = "keras.Model.fit"

FIRST, EARLY, LAST = range(3)
"""Places of a callback in a `fit`, wherever it is listed, as its `_place_in_fit` says; within one, as listed. One that
has `_parts_in_fit()` gives the callbacks that stand in its place, and is not called by Keras itself. One that has
`_behind_in_fit()` gives callbacks of Keras that stand right behind it. One that has `_enter_fit(training)` may change
the arguments there, or return a `History` in the place of the training."""

LeadingCallback = Callable[[Any], keras.callbacks.Callback | None]

_leaders: dict[str, LeadingCallback] = {}
"""Who may put a callback in front of the list, given the model, by name."""

_running: contextvars.ContextVar[tuple["Training", ...]] = contextvars.ContextVar("keras_ch8_trainings", default=())


class DataPosition(NamedTuple):
    """Where data are at the beginning of an epoch, as far as Keras's loop knows.

    Args:
        passes: How often they were begun: a seeded shuffle gives another order each time.
        read: The batches that were read since they were begun last, where an epoch does not begin them anew.
        length: The batches of a pass, where Keras has learned them; None before.
    """

    passes: int = 0
    read: int = 0
    length: int | None = None


class Training:
    """One training of one model: a `fit`, or a loop that somebody else writes.

    Args:
        model: The model.
        arguments: What `fit` was given, by the names that it has for it; {} in a loop of one's own.
        callbacks: All callbacks that are called, in order.
        is_fit: Whether Keras makes the train function.
        optimizers: The optimizers of a loop of one's own, by name; None for those of the model.
        counted_as: The model under which the batches are counted, where the model is made for this training only.
    """

    def __init__(
        self,
        model: keras.Model,
        arguments: Mapping[str, Any],
        callbacks: Sequence[keras.callbacks.Callback],
        *,
        is_fit: bool = True,
        optimizers: dict[str, Any] | None = None,
        counted_as: Any = None,
    ) -> None:
        self.model = model
        self.was_built = getattr(model, "built", False)
        """Whether the model had its weights before."""
        has_function = getattr(model, "train_function", None) is not None
        self.was_traced = has_function and not getattr(model, "run_eagerly", False)
        """Whether a training step was traced before, with which Keras goes on."""
        self.counted_as = model if counted_as is None else counted_as
        self.arguments = dict(arguments)
        self.callbacks = list(callbacks)
        self.is_fit = is_fit
        self.optimizers = optimizers
        self.exits = ExitStack()
        """What is done at the end, the last first, even after an error."""
        self.session: Any = None
        """What those callbacks of the suite share that see the steps; None where there is none."""
        self.numbers: Any = None
        """What all callbacks of the suite have measured, and share."""
        self.has_died = False
        """Whether it ends with an exception, whatever raised it: known before anything is given back."""
        self.first_batch = 0
        """The batch of its first epoch, counted from 0, at which it goes on."""
        self.place = DataPosition()
        """Where the data are at the beginning of its first epoch."""
        self.place_now: Callable[[], DataPosition] = DataPosition
        """Returns where the data are at the beginning of an epoch, once they are read."""
        self.ahead = Ahead()
        """What was read ahead of the steps."""
        self._readers_ahead: list[tuple[int, Callable[[list[Any]], None]]] = []
        """Who is shown the first batches before the first step, and how many examples they want."""
        self.skipped_batches: Any = None
        """Who is handed the batches of steps that are left out (see train_step); None for nobody."""

    @property
    def validation_data(self) -> Any:
        """What `fit` was given to validate on; None if nothing."""
        return self.arguments.get("validation_data")

    @property
    def validates(self) -> bool:
        """Whether `fit` validates any epoch."""
        return self.validation_data is not None or bool(self.arguments.get("validation_split"))

    @property
    def goes_on_with_old_weights(self) -> bool:
        """Whether `trainable` was changed after `compile`, and Keras does not heed it."""
        return self.is_fit and self.was_traced and keras_private.has_changed_trainable(self.model)

    @property
    def can_read_ahead(self) -> bool:
        """Whether the first batches can be shown before the first step: on one device, where Keras steps."""
        is_own = keras_private.makes_own_train_function(self.model) or keras_private.has_own_train_function(self.model)
        return self.is_fit and self.replicas == 1 and not is_own

    @property
    def replicas(self) -> int:
        """How many devices share each batch."""
        return int(self.model.distribute_strategy.num_replicas_in_sync)

    def read_ahead(self, examples: int, then: Callable[[list[Any]], None]) -> None:
        """Let `then` be called before the first step with the first batches that `fit` reads, of so many examples.

        To be asked for while the session opens; fewer come where an epoch has fewer.
        """
        self._readers_ahead.append((examples, _net.later(then)))

    def begin_to_read(self, steps: int | None) -> None:
        """Show the first batches to those who have asked, at the first step and before it is made.

        To be called when the train function is the one that the first step will run, with the batches of an epoch if
        they are known. The steps are given what was read by an iterator of the same kind, so that they run the same
        graph.
        """
        if not self._readers_ahead:
            return
        model, train, ahead = self.model, self.model.train_function, self.ahead
        at_once = model.steps_per_execution
        most = None if steps is None else -(-steps // at_once) * at_once
        before_a_step = most_before_a_step(self.arguments.get("x"), at_once)
        most = most if before_a_step is None else before_a_step

        def read() -> Any:
            readers, self._readers_ahead = self._readers_ahead, []
            batches, iterator = ahead.read(max(examples for examples, _ in readers), most, at_once)
            if ahead.error is None:
                put_back()
            if batches:
                build_metrics(model, batches[0])
                for _, then in readers:
                    then(list(batches))
            return iterator

        def first(iterator: Any) -> Any:
            if self._readers_ahead and iterator is ahead.iterator:  # not that of `train_on_batch` or another `fit`
                iterator = read()
            try:
                return train(iterator)
            except Exception as error:
                if ahead.error is None or backend.FAILED not in str(error):
                    raise
                raise ahead.error from None

        def put_back() -> None:
            if model.train_function is first:
                model.train_function = train

        setattr(first, INSTEAD_OF, train)
        model.train_function = first
        self.exits.callback(put_back)

    def spread_net(self, callback: keras.callbacks.Callback) -> None:
        """Let nothing end this training that a callback raises which only watches: see `_net`."""

        def lost() -> None:
            if self.session is not None:
                self.session.lose(callback)

        if _net.watches(callback):
            left = None if self in _running.get() else self.exits.close
            self.exits.enter_context(_spread(callback, lost, left))

    @contextmanager
    def running(self) -> Iterator["Training"]:
        """Be the training that is found by its model, and undo everything at the end."""
        _running.set((*_running.get(), self))
        try:
            with self.exits:
                for callback in self.callbacks:
                    self.spread_net(callback)
                try:
                    yield self
                except BaseException:
                    self.has_died = True
                    raise
        finally:
            _running.set(tuple(training for training in _running.get() if training is not self))
            self.arguments, self.callbacks, self.place_now = {}, [], DataPosition
            self.ahead = Ahead()


def running_training(model: keras.Model | None = None) -> Training | None:
    """Return the innermost training, of this model if it is given, that runs in this thread; None if there is none."""
    return next((t for t in reversed(_running.get()) if model is None or t.model is model), None)


def running() -> tuple[Training, ...]:
    """Return the trainings that run in this thread, the outermost first."""
    return _running.get()


def one_of_each(callbacks: Iterable[Any]) -> list[Any]:
    """Return callbacks without a second one of a kind of which a training has one, which watches and so does no harm.

    A warning names what is left out. Those that act refuse a second one themselves, before the first step.
    """
    kept: list[Any] = []
    for callback in callbacks:
        if getattr(callback, "_is_alone", False) and type(callback) in map(type, kept):
            name = type(callback).__name__
            warnings.warn(
                f"A training can have only one `{name}`: the first in `callbacks` is used, and the second, "
                f"{callback!r}, does nothing. Remove one of them; a `Doctor` brings its own `TensorBoard` and "
                "`Diagnosis`.",
                UserWarning,
                stacklevel=3,
            )
        else:
            kept.append(callback)
    return kept


def install(for_: str) -> None:
    """Put the hook around `fit`."""
    why = (
        "Keras tells a callback neither the other callbacks nor the arguments of `fit`, and calls none after an "
        "exception: without it nothing could be given back then."
    )
    registry.install(registry.inside("fit", FIT), _fit, why, for_)


def lead_with(name: str, callback_for: LeadingCallback) -> None:
    """Let `callback_for(model)` put a callback in front of the list of every `fit`; it returns None for no wish."""
    _leaders[name] = callback_for


def _fit(theirs: Callable[..., Any], is_active: Callable[[], bool]) -> Callable[..., Any]:
    signature = inspect.signature(theirs)

    @functools.wraps(theirs)
    def fit(self: keras.Model, *args: Any, **kwargs: Any) -> Any:
        if not is_active():
            return theirs(self, *args, **kwargs)
        call = signature.bind(self, *args, **kwargs)
        given = call.arguments.get("callbacks")
        made = given if isinstance(given, keras.callbacks.CallbackList) else None
        before = keras.tree.flatten(given or []) if made is None else made.callbacks
        leading = [c for c in (callback_for(self) for callback_for in _leaders.values()) if c is not None]
        once = one_of_each(before)
        wholes = [callback for callback in once if hasattr(type(callback), "_parts_in_fit")]
        parts = [part for each in once for part in (each._parts_in_fit() if each in wholes else [each])]
        # once more, since beside a part there may be another of its kind
        listed = sorted(one_of_each(parts), key=lambda callback: getattr(callback, "_place_in_fit", LAST))
        listed = [each for one in listed for each in (one, *getattr(one, "_behind_in_fit", tuple)())]
        first = [callback for callback in listed if getattr(callback, "_place_in_fit", LAST) == FIRST]
        listed = first + leading + listed[len(first) :]
        training = Training(self, {k: v for k, v in call.arguments.items() if k != "self"}, listed)
        called = [callback for callback in listed if not (_net.watches(callback) and _net.off())]
        if made is None:
            call.arguments["callbacks"] = called
        else:
            training.exits.callback(setattr, made, "callbacks", before)
            made.callbacks = called
        multi_worker.prepare(getattr(self, "distribute_strategy", None), type(listed[0]).__name__ if listed else "fit")
        with training.running():
            if made is not None:
                met = [id(callback) for callback in before]  # the model, when the list was made
                for callback in (each for each in called if id(each) not in met):
                    callback.set_model(self)
                    callback.set_params(made.params)
            for callback in [*wholes, *listed]:
                enter = getattr(callback, "_enter_fit", None)
                history = None if enter is None else enter(training)
                if history is not None:
                    return history
            call.arguments |= {name: value for name, value in training.arguments.items() if name != "callbacks"}
            return theirs(*call.args, **call.kwargs)

    return fit


# --- the net under the hooks of a callback that only watches: see `_net` ----------------------------------------------


ANSWERS: dict[str, Callable[[], Any]] = {
    "set_model": lambda: None, "set_params": lambda: None, "findings": list, "_summary": list,
    "next_batch": lambda: math.inf, "get_state": lambda: None, "show_results": lambda: None,
}  # fmt: skip
"""What a watcher is asked beside its hooks `on_...`, and what is answered for one that has failed."""


def _spread(
    callback: keras.callbacks.Callback, lost: Callable[[], None], left: Callable[[], None] | None = None
) -> AbstractContextManager[None]:
    """Have a net under each hook of a callback that watches, inside; where nothing is to watch, it is torn already.

    Args:
        callback: The callback.
        lost: Called when it has failed.
        left: Called after `on_train_end`, where nothing else ends the training.
    """
    net = _net.Net(f"`{type(callback).__name__}`", lost)
    net.is_torn = bool(_net.off())
    kind, of_keras = type(callback), keras.callbacks.Callback
    own = [name for name in dir(kind) if getattr(kind, name) is not getattr(of_keras, name, None)]  # Keras's do nothing
    names = [name for name in own if name.startswith("on_") or name in ANSWERS]
    hooks = {name: _over(net, getattr(callback, name), name) for name in names}
    if left is not None:
        at_end = hooks.get("on_train_end", callback.on_train_end)
        hooks["on_train_end"] = lambda logs=None: (at_end(logs), left())[0]
    return registry.replaced(callback, **hooks)


def _over(net: _net.Net, hook: Callable[..., Any], name: str) -> Callable[..., Any]:
    answer = ANSWERS.get(name, lambda: None)

    @functools.wraps(hook)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return net.attempt(functools.partial(hook, *args, **kwargs), answer())

    guarded.__dict__["is_of_the_net"] = True
    return guarded


def without_net(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a callback without those that are the net's, for a copy of it."""
    return {name: x for name, x in attributes.items() if getattr(x, "is_of_the_net", False) is not True}


# --- the train function ------------------------------------------------------------------------------------------

KEPT = "kept_by_keras_ch8"
"""Attribute of a train function under which one that was traced with more in it is kept: `compile` drops both."""
PROGRAMS, INSTEAD_OF = "programs_of_keras_ch8", "instead_of_for_keras_ch8"
"""Attributes of a train function: what else was traced for its model, and the function in whose place it stands."""


def programs_of(model: keras.Model) -> dict[Any, Any]:
    """Return what is kept for a model from one `fit` to the next, by name; `compile` drops it with the train function.

    Of a model without one, or whose train function takes no attributes, nothing is kept.
    """
    function = model.train_function
    while (other := getattr(function, INSTEAD_OF, None)) is not None:
        function = other
    programs: dict[Any, Any] = getattr(function, PROGRAMS, {})
    with suppress(AttributeError):
        setattr(function, PROGRAMS, programs)
    return programs


def kept_with(train_function: Any) -> tuple[Any, Any, Any]:
    """Return key, function and parts that `use_train_function` has kept beside a train function; all None before."""
    return getattr(train_function, KEPT, (None, None, None))


def use_train_function(model: keras.Model, key: Any, parts: Any, exits: ExitStack) -> None:
    """Train until `exits` ends with a function that is traced while the replacements of `key` are in force.

    It is kept beside the bare one, so that a second `fit` with an equal key traces nothing.
    """
    bare = model.train_function
    if bare is None:
        model.make_train_function()
        bare = model.train_function
    known, function, _ = kept_with(bare)
    if function is None or known != key:
        model.make_train_function(force=True)
        function = model.train_function
        with suppress(AttributeError):  # one that somebody else has put there need not take attributes
            setattr(bare, KEPT, (key, function, parts))
            setattr(function, INSTEAD_OF, bare)

    def restore() -> None:
        if model.train_function is function:
            model.train_function = bare

    model.train_function = function
    exits.callback(restore)
