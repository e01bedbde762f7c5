"""For parts of your own: what to derive from, what goes with it, and checks of those that a training could break.

An optimizer, a callback and a monitor run inside a training, so what breaks their contract may show only there. A
`check_...` returns nothing where the contract is kept, and raises an AssertionError that says what is wrong and how to
fix it. What a clipping rule, a criterion, a schedule, a pacing or an initializer returns you see by calling it.

    def test_my_optimizer():
        keras_ch8.extend.check_optimizer(functools.partial(MyOptimizer, 0.01))
"""

from .._duration import Clock
from ..clipping.rule import GlobalRule, TensorRule
from ..initializers.base import Initializer, KernelInitializer, RandomInitializer
from ..integration import backend as _backend
from ..losses.likelihoods import Likelihood, aligned
from ..schedules.base import Schedule
from ..stopping.criterion import Criterion, EpochHistory, MonitorCriterion, Reason, StopReason
from ..telemetry.frame import Frame
from ..verdicts.kinds import Kind
from ..verdicts.rules import Combination, Limit, Quantity, Rule
from ..verdicts.verdict import Claim, Verdict, VerdictError

if _backend.is_tensorflow():
    from .._net import raise_caught
    from ..board.tags import Tag
    from ..callbacks.base import Callback
    from ..continuation.annealed import Annealed
    from ..curriculum.pacings import Pacing
    from ..data.plan import Sampler
    from ..monitors.base import Curve, LayerCall, Monitor, Snapshot
    from ..monitors.measurement_log import MeasurementLog
    from ..optimizers.base import RuleOptimizer
    from ..optimizers.closure import ClosureOptimizer
    from ..second_order.contract import Info, Method, Point, Problem
    from ..second_order.descent import Descent, Move
    from ..second_order.line_search.line import Line, LineSearch, SearchState, Trial
    from ..trackers.base import Tracker
    from ._callback import check_callback, check_monitor
    from ._optimizers import check_optimizer

__all__ = [
    "Annealed",
    "Callback",
    "Claim",
    "Clock",
    "ClosureOptimizer",
    "Combination",
    "Criterion",
    "Curve",
    "Descent",
    "EpochHistory",
    "Frame",
    "GlobalRule",
    "Info",
    "Initializer",
    "KernelInitializer",
    "Kind",
    "LayerCall",
    "Likelihood",
    "Limit",
    "Line",
    "LineSearch",
    "MeasurementLog",
    "Method",
    "Monitor",
    "MonitorCriterion",
    "Move",
    "Pacing",
    "Point",
    "Problem",
    "Quantity",
    "RandomInitializer",
    "Reason",
    "Rule",
    "RuleOptimizer",
    "Sampler",
    "Schedule",
    "SearchState",
    "Snapshot",
    "StopReason",
    "Tag",
    "TensorRule",
    "Tracker",
    "Trial",
    "Verdict",
    "VerdictError",
    "aligned",
    "check_callback",
    "check_monitor",
    "check_optimizer",
    "raise_caught",
]

_backend.refuse_the_rest(__name__)


def __dir__() -> list[str]:
    return sorted(__all__)
