"""Arrays with an order of their own, and what each of Keras's loops is given of them."""

import dataclasses
import random
from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np

from .. import _checks, _objects
from .._describe import short
from .._types import Data, Tensor
from ..integration import backend, epochs, fit, keras_private
from ._examples import Examples, dataset_of
from .plan import LAST_BATCHES, EveryExample, Sampler, checked


@final
class ArraySource(keras_private.DataAdapter):
    """Pass arrays to `fit` in a new order every epoch, determined by a seed (section 8.1.3).

    For epoch e, counted from 0, and each batch k of it:

        order    <- np.random.default_rng([seed, e]).permutation(count)
        batch k  <- examples order[k * batch_size], ..., order[(k + 1) * batch_size - 1]

    `fit(source)`, `validation_data=source`, `evaluate(source)` and `predict(source)` take it. `evaluate` and `predict`
    give every example once, in the order of the arrays, in batches of their own `batch_size` if they have one, and
    leave the position alone. `fit` goes on from the position: two `fit` of 3 epochs are epochs 0 to 5. One that
    was not trained on yet begins with `initial_epoch`, so that a training that goes on in another process has the same
    orders. An epoch that a `fit` did not finish is begun again by the next, unless
    `source.seek(source.epoch, source.step)` lets it go on within it. `seek(0)` starts from the beginning.

    If the examples do not fill the last batch of an epoch,

        "keep"   it is smaller, as in `fit` on arrays
        "drop"   it is left out; another part of the examples every epoch, if they are shuffled
        "wrap"   it is filled from the start of the same order

    `len(source)` is the number of batches of an epoch, `source.count` that of the examples.

    Arrays that are mapped from a file are read batch by batch, not into memory. Floats are cast to
    `keras.config.floatx()`, as `fit` does with arrays; integers and booleans stay what they are.

    State: seed, epoch and step (`get_state`, `set_state`). In `on_train_batch_end`, `step` is the number of batches of
    the epoch that were trained on; those that were prefetched do not count.

    Differs from `fit` on arrays: after `keras.utils.set_random_seed`, that gives the same order in every epoch. `fit`
    on a source takes `class_weight`, but not `y`, `sample_weight`, `steps_per_epoch`, another `batch_size`, or
    `shuffle=False` if the source shuffles.

    Args:
        x: Array with an entry for each example along the first axis, or a dict, tuple or list of such. A
            `tf.data.Dataset` or `keras.utils.PyDataset` is turned into arrays by `read`.
        y: Targets in the same way. Defaults to `None`.
        sample_weight: Weight of each example in the loss; one array, or one for each target. Defaults to `None`.
        batch_size: Examples in a batch of `fit`, over all workers and replicas. Defaults to `32`.
        shuffle: Whether each epoch has an order of its own; if not, that of the arrays. Defaults to `True`.
        seed: Integer of at least 0 that decides the orders. Defaults to `None`: one that
            `keras.utils.set_random_seed` decides; `seed` tells which.
        last_batch: `"keep"`, `"drop"` or `"wrap"`, as above. Defaults to `"keep"`.
        prefetch: Batches that are made ready in advance. Defaults to `2`.

    Raises:
        TypeError: If something is not an array of numbers.
        ValueError: If arrays differ in length, or an argument lies outside its range; in `fit`, if it is given an
            argument that the source decides.

    Example:
        >>> x = np.arange(6.0)
        >>> source = keras_ch8.data.ArraySource(x, x**2, batch_size=3, seed=0)
        >>> for epoch in range(2):
        ...     print([x.tolist() for x, y, _ in source.batches(epoch)])
        [[3.0, 2.0, 5.0], [4.0, 0.0, 1.0]]
        [[1.0, 4.0, 3.0], [0.0, 2.0, 5.0]]
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(source, epochs=3, validation_data=source, verbose=0)
        >>> source.epoch, model.predict(source, verbose=0).shape
        (3, (6, 1))

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """

    section = "8.1.3"

    def __init__(
        self,
        x: Data,
        y: Data = None,
        sample_weight: Data = None,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        last_batch: str = "keep",
        prefetch: int = 2,
    ) -> None:
        epochs.install(type(self).__name__)
        fit.install(type(self).__name__)
        self.examples = Examples.of(x, y, sample_weight)
        batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
        _checks.word("last_batch", last_batch, LAST_BATCHES, meaning="what becomes of a last batch that is not full")
        if last_batch == "drop" and self.count < batch_size:
            raise ValueError(
                f'`last_batch="drop"` would drop the only batch. Received: batch_size={batch_size} for {self.count} '
                f'examples. Make `batch_size` at most {self.count}, or use last_batch="wrap".'
            )
        self.prefetch = _checks.count("prefetch", prefetch, 0, meaning="the batches made in advance", fix="Try 2.")
        seed = random.randint(1, 10**9) if seed is None else seed  # as Keras
        seed = _checks.count("seed", seed, 0, meaning="what decides the orders", fix="Try seed=0.")
        shuffle = _checks.flag("shuffle", shuffle, meaning="whether each epoch has an order of its own")
        self._own = EveryExample(self.count, batch_size, seed, shuffle, last_batch)
        self._sampler: Sampler = self._own
        self._override: Sampler | None = None
        self._epoch = self._step = 0
        self._running: TrainingPass | None = None

    @property
    def count(self) -> int:
        """The number of examples."""
        return self.examples.count

    @property
    def batch_size(self) -> int:
        """The examples in a batch of `fit`, over all workers."""
        return self._own.batch_size

    @property
    def steps(self) -> int:
        """The batches in an epoch of `fit`; also `len(source)`."""
        return self._own.steps

    def __len__(self) -> int:
        return self.steps

    @property
    def has_smaller_batch(self) -> bool:
        """Whether the last batch of an epoch is smaller than the others."""
        return self._own.has_smaller_batch

    @property
    def shuffle(self) -> bool:
        """Whether the source's own sampler shuffles."""
        return self._own.shuffle

    @property
    def seed(self) -> int:
        """What decides the orders."""
        return self._own.seed

    @property
    def sampler(self) -> Sampler:
        """Who decides the epochs; a new one decides the next epoch that begins."""
        return self._sampler if self._override is None else self._override

    @sampler.setter
    def sampler(self, value: Sampler) -> None:
        if not callable(getattr(value, "plan", None)):
            raise TypeError(
                "`sampler` must have a method `plan(epoch)`: see `keras_ch8.extend.Sampler`. "
                f"Received: {short(value)} of type {type(value).__name__}."
            )
        self._sampler = value

    def override_sampler(self, sampler: Sampler | None) -> None:
        """Let a sampler decide the epochs of this `fit`, until it is None or, if `fit` has died, until the next one."""
        self._override = sampler

    @property
    def epoch(self) -> int:
        """The epoch of the running pass, or of the next one, counted from 0."""
        return self._epoch

    @property
    def step(self) -> int:
        """The batches of that epoch that `fit` has been given."""
        return min(self._step + (self._running.batches_given if self._running else 0), self.steps)

    def seek(self, epoch: int, step: int = 0) -> None:
        """Let the next pass of `fit` be this epoch, from this batch on."""
        epoch = _checks.count("epoch", epoch, 0, meaning="the number of an epoch", fix="Start with 0.")
        step = _checks.count("step", step, 0, meaning="the batches of the epoch to leave out", fix="Try 0 for none.")
        if step > self.steps:
            raise ValueError(
                f"`step` is a batch of an epoch, so it must be at most {self.steps} here. Received: step={step}. Try 0."
            )
        self._epoch, self._step = (epoch + 1, 0) if step == self.steps else (epoch, step)
        self._running = None

    def get_state(self) -> dict[str, Any]:
        """Return the position: the batch that `fit` is given next."""
        epoch, step = (self.epoch + 1, 0) if self.step == self.steps else (self.epoch, self.step)
        return {
            "seed": self.seed, "epoch": epoch, "step": step, "count": self.count, "batch_size": self.batch_size,
        }  # fmt: skip

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on in the next pass from what `get_state` returned, with its seed."""
        for name in ("count", "batch_size"):
            if state[name] != getattr(self, name):
                raise ValueError(
                    f"This is the position in another source. Received: a state with {name}={state[name]}, where this "
                    f"source has {name}={getattr(self, name)}. Create the source with the same arguments."
                )
        if state["seed"] != self.seed:
            if self._sampler is not self._own:
                raise ValueError(
                    f"The source's sampler was made for another seed. Received: a state with seed={state['seed']}, "
                    f"where this source has seed={self.seed}. Create the source with that seed."
                )
            self._own = dataclasses.replace(self._own, seed=state["seed"])
            self._sampler = self._own
        self.seek(state["epoch"], state["step"])

    def start(self, running: "TrainingPass") -> tuple[int, int]:
        """Let a pass of `fit` count the steps, and return the epoch and the step that it starts from.

        One that was cut short before it leaves no trace.
        """
        if self._running is not running and self.step == self.steps:
            self.seek(self.epoch + 1)
        self._running = running
        return self._epoch, self._step

    def end(self, running: "TrainingPass") -> None:
        """Go on to the next epoch at the end of a pass, unless something else was sought in the meantime."""
        if self._running is running:
            self.seek(self.epoch + 1)

    def plan(self, epoch: int) -> np.ndarray:
        """Return the plan that the sampler has for an epoch, checked."""
        return checked(self.sampler.plan(epoch), self)

    def take(self, indices: Tensor) -> tuple[Any, Any, Any]:
        """Return x, y and sample_weight of these examples, in this order, in the structure that they were given in."""
        return self.examples.take(np.asarray(indices))

    def batches(self, epoch: int | None = None, step: int = 0) -> Iterator[tuple[Any, Any, Any]]:
        """Yield x, y and sample_weight of the batches of an epoch, the position's if None, from one on.

        For loops of your own: the whole batches, as they are before casts.
        The position stays.
        """
        for row in self.plan(self.epoch if epoch is None else epoch)[step:]:
            yield self.take(row[row >= 0])

    @property
    def num_batches(self) -> int:
        """As `steps`, for Keras."""
        return self.steps

    def get_tf_dataset(self) -> Any:
        """Refuse: the order depends on who asks.

        Keras takes an adapter as it is, for `fit`, `evaluate` and `predict` alike, and drops their other arguments. So
        its loops ask for the adapter of what they do (`adapter_for`) before they ask for this.
        """
        raise RuntimeError(
            "Only Keras's `fit`, `evaluate` and `predict` can iterate over a source. Received: a call from elsewhere, "
            "or after `integration.uninstall()`. Pass a new source to one of them, or use its `batches`."
        )

    def adapter_for(self, loop: epochs.BatchLoop) -> "TrainingPass | InOrder":
        """Return what one of Keras's loops is to read: in the order of the sampler for `fit`, else of the arrays."""
        return TrainingPass(self, loop) if loop.trains else InOrder(self, loop)

    def __repr__(self) -> str:
        return (
            f"<ArraySource of {self.count} examples, batch_size={self.batch_size}, seed={self.seed}, "
            f"at epoch {self.epoch}, step {self.step}>"
        )


@final
class TrainingPass(keras_private.DataAdapter):
    """The epochs of a source, one after the other, in one `fit`.

    Keras calls `on_epoch_begin` before it asks for the first batch of an epoch and after the callbacks' own, so
    whatever they changed, sampler or position, holds for this epoch. It calls `on_epoch_end` after the last batch, and
    once before the first epoch.
    """

    def __init__(self, source: ArraySource, loop: epochs.BatchLoop) -> None:
        _objects.inside_source(loop.arguments, "y", "sample_weight")
        _check_arguments(source, loop.arguments)
        self._source, self._loop = source, loop
        source.override_sampler(None)  # by a training that has died
        training = fit.running_training()
        if training is not None and (source.epoch, source.step) == (0, 0):
            source.seek(training.arguments.get("initial_epoch", 0))
        self._rows = np.zeros((0, 0), np.int64)

    @property
    def num_batches(self) -> int:
        """Batches of a whole epoch: what the progress bar and schedules get."""
        return self._source.steps

    @property
    def batches_given(self) -> int:
        """Batches of the running epoch that the training has taken, without those that were prefetched."""
        return self._loop.batches_given

    def get_tf_dataset(self) -> Any:
        """Return the batches of an epoch, of the one that runs when they are asked for."""
        source, class_weight = self._source, self._loop.arguments["class_weight"]
        examples = source.examples if class_weight is None else source.examples.weighted_by_class(class_weight)
        rows = backend.planned(lambda: self._rows, source.batch_size, full=not source.has_smaller_batch)
        return dataset_of(examples, rows, source.prefetch)

    def on_epoch_begin(self) -> None:
        """Decide the epoch, and count its batches from here on."""
        source = self._source
        epoch, step = source.start(self)
        self._rows = source.plan(epoch)[step:]
        self._loop.set_length(len(self._rows))

    def on_epoch_end(self) -> None:
        """Go on to the next epoch."""
        if not self._loop.is_before_first_epoch:
            self._source.end(self)


@final
class InOrder(keras_private.DataAdapter):
    """Every example of a source once, in the order of the arrays; the last batch has what is left."""

    def __init__(self, source: ArraySource, loop: epochs.BatchLoop) -> None:
        _objects.inside_source(loop.arguments, "y", "sample_weight")
        self._source = source
        self._batch_size = loop.arguments.get("batch_size") or source.batch_size

    @property
    def num_batches(self) -> int:
        """Batches of a pass."""
        return -(-self._source.count // self._batch_size)

    def get_tf_dataset(self) -> Any:
        """Return the batches."""
        source = self._source
        return dataset_of(source.examples, backend.in_order(source.count, self._batch_size), source.prefetch)


def _check_arguments(source: ArraySource, arguments: dict[str, Any]) -> None:
    """Refuse what Keras would drop, or what the order of the source cannot follow."""
    if arguments.get("batch_size") not in (None, source.batch_size):
        raise ValueError(
            f"The source sets the batch size, which is {source.batch_size}. Received in `fit`: "
            f"batch_size={arguments['batch_size']}. Pass `batch_size` to the source."
        )
    if arguments.get("shuffle") == "batch" or (not arguments.get("shuffle", True) and source.shuffle):
        raise ValueError(
            f"The source decides the order of the examples. Received in `fit`: shuffle={arguments['shuffle']!r}. Pass "
            "`shuffle=False` to the source for the order of the arrays."
        )
    if (steps := arguments["steps_per_epoch"]) is not None:
        raise ValueError(
            f"An epoch of the source has {source.steps} batches. Received in `fit`, or from "
            f"`keras.config.set_max_steps_per_epoch`: steps_per_epoch={steps}. Omit it; for shorter epochs, pass fewer "
            "examples to the source."
        )
