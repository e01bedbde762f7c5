"""Section 8.6: second-order methods and line searches, for any function of a flat vector. `_method` is the contract."""

from ..integration import backend as _backend

if not _backend.is_tensorflow():
    raise _backend.needs_tensorflow(__name__)

from ._bfgs import BFGS as BFGS
from ._conjugate_gradient import ConjugateGradient as ConjugateGradient
from ._descent import AbstractDescent as AbstractDescent
from ._lbfgs import LBFGS as LBFGS
from ._levenberg_marquardt import LevenbergMarquardt as LevenbergMarquardt
from ._method import AbstractMethod as AbstractMethod
from ._method import Info as Info
from ._minimize import Minimizer as Minimizer
from ._minimize import OptimizeResult as OptimizeResult
from ._minimize import minimize as minimize
from ._newton import Newton as Newton
from ._problem import Point as Point
from ._problem import Problem as Problem
from ._saddle_free_newton import SaddleFreeNewton as SaddleFreeNewton
from ._solve import Run as Run
from ._solve import Stop as Stop
from ._solve import solve as solve
from ._state import SolverState as SolverState
from ._state import init_state as init_state
from ._state import resume as resume
from ._status import Status as Status
from ._steepest_descent import SteepestDescent as SteepestDescent
from ._truncated_newton import TruncatedNewton as TruncatedNewton
from .line_search import AbstractSearch as AbstractSearch
from .line_search import Backtracking as Backtracking
from .line_search import Constant as Constant
from .line_search import Exact as Exact
from .line_search import HagerZhang as HagerZhang
from .line_search import StrongWolfe as StrongWolfe

__all__ = [
    "BFGS",
    "LBFGS",
    "AbstractDescent",
    "AbstractMethod",
    "AbstractSearch",
    "Backtracking",
    "ConjugateGradient",
    "Constant",
    "Exact",
    "HagerZhang",
    "Info",
    "LevenbergMarquardt",
    "Minimizer",
    "Newton",
    "OptimizeResult",
    "Point",
    "Problem",
    "Run",
    "SaddleFreeNewton",
    "SolverState",
    "Status",
    "SteepestDescent",
    "Stop",
    "StrongWolfe",
    "TruncatedNewton",
    "init_state",
    "minimize",
    "resume",
    "solve",
]
