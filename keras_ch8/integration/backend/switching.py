"""One of several functions, chosen while the graph runs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from .tensorflow import one_of, replicated


def switch(index: Any, functions: Sequence[Callable[[Any], None]], arguments: Sequence[Any]) -> None:
    """Run the function at `index`, which is equal on all replicas, on its argument; it may synchronize replicas.

    Replicas can only meet in a branch that all take together: so the choice is made once for all of them, and each
    runs the function that was chosen.
    """
    if not replicated():
        tf.switch_case(index, [partial(f, a) for f, a in zip(functions, arguments, strict=True)])
        return

    def choose(strategy: Any, index: Any, *arguments: Any) -> None:
        each = strategy.extended.call_for_each_replica
        branches = [partial(each, f, args=(a,)) for f, a in zip(functions, arguments, strict=True)]
        tf.switch_case(one_of(index), branches)

    tf.distribute.get_replica_context().merge_call(choose, args=(index, *arguments))
