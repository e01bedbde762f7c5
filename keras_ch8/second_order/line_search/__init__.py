"""How far to go along a direction. A search is a frozen dataclass; `_line` says what it must do."""

from ._backtracking import Backtracking as Backtracking
from ._constant import Constant as Constant
from ._exact import Exact as Exact
from ._hager_zhang import HagerZhang as HagerZhang
from ._line import AbstractSearch as AbstractSearch
from ._line import Line as Line
from ._line import Look as Look
from ._line import Trial as Trial
from ._line import search_along as search_along
from ._strong_wolfe import StrongWolfe as StrongWolfe
