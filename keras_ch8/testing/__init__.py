"""Contract tests for classes of your own: each `check_...` says what the package relies on, and what breaks it.

A check is a plain function. It returns nothing where the class keeps the contract, and raises an AssertionError whose
message says what is wrong and how to fix it. The tests of this package call the same checks.

    def test_my_optimizer():
        keras_ch8.testing.check_optimizer(functools.partial(MyOptimizer, 0.01))

A check takes a function that makes the object, usually the class itself, or the object where it has no state: what a
rule, a criterion, a schedule or a pacing answers depends on its arguments alone.
"""

from ..integration import backend

backend.require_tensorflow(__name__)

from ._callback import check_callback
from ._initializer import check_initializer
from ._monitor import check_monitor
from ._net import raise_caught
from ._optimizers import OPTIMIZER_CONTRACT as OPTIMIZER_CONTRACT
from ._optimizers import check_closure_optimizer, check_optimizer
from ._tracker import check_tracker
from ._values import check_clipping_rule, check_pacing, check_schedule, check_stopping_criterion

__all__ = [
    "check_callback",
    "check_clipping_rule",
    "check_closure_optimizer",
    "check_initializer",
    "check_monitor",
    "check_optimizer",
    "check_pacing",
    "check_schedule",
    "check_stopping_criterion",
    "check_tracker",
    "raise_caught",
]


def __dir__() -> list[str]:
    return sorted(__all__)
