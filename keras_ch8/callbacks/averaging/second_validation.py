"""A validation, and a second one on the same examples."""

import itertools
from collections.abc import Callable
from typing import Any

from ... import _batches
from ...integration import backend, fit, registry


def validated(
    evaluate: Callable[..., dict[str, Any]], training: fit.Training, arguments: dict[str, Any]
) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """Validate, and return the result and a function that does it again, without callbacks.

    To read a shuffle or a generator a second time would give other examples, and change what the next validation reads:
    of such data all batches are read before the first is measured, and kept in memory.

    Args:
        evaluate: Keras's function.
        training: The training.
        arguments: What `fit` gives to `evaluate`.
    """
    model = training.model
    again = {"callbacks": None, "verbose": 0}
    if training.replicas > 1 or _batches.is_pure(training.validation_data):
        return evaluate(**arguments), lambda: evaluate(**arguments | again)
    model.make_test_function()
    test, steps, at_once = model.test_function, arguments.get("steps"), model.steps_per_execution
    read: list[Any] = []
    iterators: list[Any] = []

    def on_kept(iterator: Any) -> Any:
        if not iterators:
            read.extend(itertools.islice(iterator, None if steps is None else -(-steps // at_once) * at_once))
            iterators.extend([iterator, backend.iterator_of(read, like=iterator) if read else iterator])
        return test(iterators[1])

    with registry.replaced(model, test_function=on_kept):
        first = evaluate(**arguments)
    if not read:
        return first, lambda: first
    return first, lambda: evaluate(x=backend.dataset_of(read, like=iterators[0]), return_dict=True, **again)
