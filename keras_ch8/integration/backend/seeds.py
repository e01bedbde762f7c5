"""Where random operations in eager code get their seeds from."""

from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.ops import stateful_random_ops


def seed_state() -> Any:
    """Return the state of the generators that give seeds to random operations in eager code."""
    counter, generator = getattr(context.context(), "_rng", None), stateful_random_ops.global_generator
    return (
        None if counter is None else counter.getstate(),
        None if generator is None else generator.state.numpy().tolist(),
    )


def set_seed_state(state: Any) -> None:
    """Go back to what `seed_state` returned.

    Operations that were run since are cached by their seeds, and would go on from where they are: so forget them.
    """
    if seed_state() == state:
        return
    counter, generator = state
    if counter is not None:
        tf.random.set_seed(context.global_seed())  # this forgets them
        context.context()._rng.setstate(counter)
    if generator is None:
        stateful_random_ops.global_generator = None
    else:
        stateful_random_ops.global_generator.state.assign(generator)
