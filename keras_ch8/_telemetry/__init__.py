"""What a step of an optimizer leaves behind for callbacks to read: one row of numbers, in a ring inside the step."""

from ._frame import Frame as Frame
from ._recorder import Blocks as Blocks
from ._recorder import Recorder as Recorder
from ._recorder import publish as publish
from ._row import Note as Note
from ._row import Row as Row
from ._solver_log import SOLVER_NUMBERS as SOLVER_NUMBERS
from ._solver_log import SolverLog as SolverLog
