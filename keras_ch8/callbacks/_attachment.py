"""A function after each training step, inside its compiled program, and one around each validation of `fit`."""

from collections.abc import Callable
from typing import Any

from ..integration import backend, keras_private

Validate = Callable[[Callable[..., dict[str, float]], dict[str, Any]], dict[str, float]]


class Attachment:
    """Replaces `train_step` and `evaluate` on the instance of a model, until it is removed.

    So it works with every optimizer, also those that are given the loss, and with a custom `train_step`. Both train
    functions are kept: many calls of `fit` do not trace many times.

    Args:
        model: A compiled model.
        after_step: Called inside each training step with a boolean tensor: whether an optimizer has made an update.
            The middle of an accumulation is none, nor is a step that was skipped for its infinite gradient.
        validate: Called in the place of a validation by `fit`, with the function that does it and its arguments.
    """

    def __init__(self, model: Any, after_step: Callable[[Any], None], validate: Validate) -> None:
        self.model = model
        self._after_step, self._validate = after_step, validate
        self._bare: Any = None
        self._attached: Any = None
        self._theirs: dict[str, Any] = {}

    def attach(self) -> None:
        """Replace them from the next training step on."""
        self.remove()  # from a training that has died
        model, step, evaluate = self.model, self.model.train_step, self.model.evaluate
        self._theirs = {name: vars(model).get(name) for name in ("train_step", "evaluate")}

        def train_step(data: Any) -> Any:
            before = _updates(model)
            logs = step(data)
            self._after_step(_updates(model) != before)
            return logs

        def evaluate_or_validate(*args: Any, **kwargs: Any) -> Any:
            if keras_private.is_validation(kwargs):
                return self._validate(evaluate, kwargs)
            return evaluate(*args, **kwargs)

        model.train_step, model.evaluate = train_step, evaluate_or_validate
        if self._attached is None or model.train_function is not self._bare:
            self._bare = model.train_function
            model.make_train_function(force=True)
            self._attached = model.train_function
        model.train_function = self._attached

    def remove(self) -> None:
        """Give the model its own back; a train function that was made meanwhile is made anew by the next `fit`."""
        if not self._theirs:
            return
        for name, own in self._theirs.items():
            if own is None:
                delattr(self.model, name)
            else:
                setattr(self.model, name, own)
        self._theirs = {}
        self.model.train_function = self._bare if self.model.train_function is self._attached else None


def _updates(model: Any) -> Any:
    """Return how many updates the optimizers of a model have made, those that were skipped left out."""
    total = 0
    for optimizer in keras_private.movers_in(model.optimizer):
        total = total + backend.as_tensor(optimizer.iterations)
        skipped = getattr(optimizer, "_skipped", None)
        total = total if skipped is None else total - backend.as_tensor(skipped)
    return total
