"""Section 8.6: second-order methods and line searches, for any function of a flat vector. See `Method`."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._contract import Info as Info
from ._contract import Method as Method
from ._contract import Point as Point
from ._contract import Problem as Problem
from ._descent import Descent as Descent
from ._descent import Move as Move
from ._gradient import ConjugateGradient as ConjugateGradient
from ._gradient import SteepestDescent as SteepestDescent
from ._levenberg_marquardt import LevenbergMarquardt as LevenbergMarquardt
from ._loop import Recording as Recording
from ._loop import Run as Run
from ._loop import SolverState as SolverState
from ._loop import Status as Status
from ._loop import Stop as Stop
from ._loop import init_state as init_state
from ._loop import resume as resume
from ._loop import solve as solve
from ._minimize import Minimizer as Minimizer
from ._minimize import OptimizeResult as OptimizeResult
from ._minimize import as_method as as_method
from ._minimize import minimize as minimize
from ._newton import Newton as Newton
from ._newton import SaddleFreeNewton as SaddleFreeNewton
from ._quasi_newton import BFGS as BFGS
from ._quasi_newton import LBFGS as LBFGS
from ._truncated_newton import TruncatedNewton as TruncatedNewton
from .line_search import Backtracking as Backtracking
from .line_search import Constant as Constant
from .line_search import Exact as Exact
from .line_search import HagerZhang as HagerZhang
from .line_search import Line as Line
from .line_search import LineSearch as LineSearch
from .line_search import SearchState as SearchState
from .line_search import StrongWolfe as StrongWolfe
from .line_search import Trial as Trial

__all__ = [
    "BFGS",
    "LBFGS",
    "Backtracking",
    "ConjugateGradient",
    "Constant",
    "Descent",
    "Exact",
    "HagerZhang",
    "Info",
    "LevenbergMarquardt",
    "Line",
    "LineSearch",
    "Method",
    "Minimizer",
    "Move",
    "Newton",
    "OptimizeResult",
    "Point",
    "Problem",
    "Recording",
    "Run",
    "SaddleFreeNewton",
    "SearchState",
    "SolverState",
    "Status",
    "SteepestDescent",
    "Stop",
    "StrongWolfe",
    "Trial",
    "TruncatedNewton",
    "init_state",
    "minimize",
    "resume",
    "solve",
]
