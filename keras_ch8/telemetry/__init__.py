"""What a step of an optimizer leaves behind for callbacks to read: one row of numbers, in a ring inside the step."""

from .frame import Frame as Frame
from .gate import Decided as Decided
from .gate import Gate as Gate
from .gate import LeftOut as LeftOut
from .gate import Pending as Pending
from .gate import decide as decide
from .recorder import Blocks as Blocks
from .recorder import Recorder as Recorder
from .recorder import publish as publish
from .row import Change as Change
from .row import Note as Note
from .row import Row as Row
from .row import measured as measured
from .solver_log import SOLVER_NUMBERS as SOLVER_NUMBERS
from .solver_log import SolverLog as SolverLog

__all__ = ["Frame"]
