"""What every callback of the suite is, and one of your own may be: Keras's `Callback`, and a few hooks more."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from .._types import Logs
from ..board.tags import Tag
from ..telemetry.frame import Frame
from .plain import PlainCallback
from .session.session import Session


class Callback(PlainCallback):
    """A callback that sees what every step of the optimizer did, and may add curves to TensorBoard (section 8.2).

    It is Keras's `Callback` with a few hooks more. All callbacks of this kind in one `fit` share one `session`, which
    reads the telemetry of the optimizers for all of them; `Doctor.watch` calls them in a loop of your own. In this
    order:

        Keras calls              and then                the session calls, of all callbacks that have joined
        on_train_begin           it joins
        on_epoch_begin           at the first epoch      on_open, and on_built if the model has its weights
        on_train_batch_end       after the first batch   on_built, if only that batch has made the weights
                                 every 500 batches, 1 s  on_telemetry
        on_epoch_end             always                  on_telemetry, with all rows of the epoch
        on_train_end
        (the end of `fit`)       after an error too      on_telemetry, and on_close in reverse order

    A hook of Keras that a subclass overrides begins with `super().on_...(...)`, `on_train_end` ends with it: that is
    what makes the session go on. It can be copied and pickled, also after a training. One that remembers something from
    step to step overrides `get_state` and `set_state`, so that an interrupted training goes on as if it had not been.

    Attributes of the class that a subclass may set:

        observes_steps     whether on_telemetry is to be called; True. If no callback asks, steps cost nothing more
        observes_updates   at which steps update and effective rate are measured, as every 10th; None: no wish. Where
                           no callback has one, steps are cheaper, and a norm below 1e-19 is 0, one above 1e19 infinite
        tags               the curves that `write` adds to TensorBoard, each a `keras_ch8.extend.Tag`, with a panel on
                           the page
        watches            whether it only observes: an error of one that says so is reported in one warning, and the
                           training goes on without it; False: its errors end the training, before the first step if
                           they can be seen by then
        clips_gradients    whether it clips the gradient of each step; False. The diagnosis then does not recommend it
        skips_steps        whether it leaves out steps whose gradient is not finite; False
        sets_learning_rate whether it sets the learning rate; False. The diagnosis then sets none
        transient          attributes that belong to one training of one model, and are not copied or pickled: a dict of
                           the value that each has where there is none

    Numbers of an epoch that others may monitor are handed to `self.session.log(self, logs, values)` in on_epoch_end, by
    name. The criteria of the suite find all of them. Keras's `logs`, and so the progress bar, `History` and
    `CSVLogger`, get those that are asked for.

    Args:
        logs: Whether numbers join Keras's `logs`: `True` for all that the first epoch has measured, or a list of names.
            Such a column has NaN for an epoch in which nothing was measured. What a callback of Keras monitors is there
            in any case. Defaults to `False`.

    Example:
        >>> class Steepest(keras_ch8.extend.Callback):
        ...     steepest = keras_ch8.extend.Tag("mine/steepest", "Steepest", "loss / weight", "Largest of an epoch.")
        ...     tags = (steepest,)
        ...
        ...     def on_epoch_begin(self, epoch, logs=None):
        ...         super().on_epoch_begin(epoch, logs)
        ...         self.norms = []
        ...
        ...     def on_telemetry(self, frames, logs):
        ...         for frame in frames.values():
        ...             self.norms += list(frame.norm)
        ...
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         super().on_epoch_end(epoch, logs)
        ...         self.write({self.steepest: max(self.norms)})
        ...
        ...     def findings(self):
        ...         return [f"The last epoch had {len(self.norms)} steps."]
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> mine = Steepest()
        >>> _ = model.fit(np.ones((32, 2)), np.ones((32, 1)), batch_size=8, callbacks=[mine], verbose=0)
        >>> mine.findings()
        ['The last epoch had 4 steps.']

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    observes_steps = True
    observes_updates: int | None = None
    tags: ClassVar[Sequence[Tag]] = ()

    _rows_may_wait = False
    """Whether it can do with the rows of an epoch after its end."""
    _needs_fit = False
    """Whether it cannot do without the hook around `fit`, though it does not observe the steps."""
    _asks_for_summary = False
    """Whether a summary of all callbacks is printed when `fit` ends, unless that was asked to print nothing."""

    session: Session

    # --- Keras's hooks, in the order in which they are called ---------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Join the session of the training."""
        super().on_train_begin(logs)
        self.session = Session.join(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Open the session at the first epoch: by then every callback has joined."""
        super().on_epoch_begin(epoch, logs)
        self.session.epoch_begins(self.params, epoch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Count the batch, counted from 0 in each epoch, and read the telemetry once in a while.

        With `steps_per_execution` it is called after several batches, with the number of the last.
        """
        self.session.batch_ended(self, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Read the telemetry: all rows of the epoch have come after this."""
        self.session.read_epoch()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the session. The training has not died, and `fit` does not touch the weights any more."""
        self.session.leave(self)

    # --- the session's hooks, in the order in which they are called ---------------------------------------------------

    def on_open(self) -> None:
        """Prepare the training: the first epoch begins; an error here stops it before the first step."""

    def on_built(self) -> None:
        """Take the model with its weights: before the first step, or after the first batch where that makes them."""

    def on_telemetry(self, frames: Mapping[str, Frame], logs: Logs) -> None:
        """Take the rows of the last steps.

        Args:
            frames: A `keras_ch8.extend.Frame` for each optimizer, by its name; of the only one under `""`; nothing
                where none makes a step.
            logs: What Keras reports after a batch; {} between batches.
        """

    def on_close(self) -> None:
        """Take the end of the training, even after an error; all rows have come."""

    def write(self, values: Mapping[Tag, float]) -> None:
        """Write numbers at this step for TensorBoard, if `keras_ch8.callbacks.TensorBoard` is listed too.

        Args:
            values: Numbers by their tags, which are to be listed in `tags`.
        """
        self.session.show(values)


def say(*sentences: str) -> None:
    """Tell the user."""
    print(*sentences, sep="\n")  # noqa: T201
