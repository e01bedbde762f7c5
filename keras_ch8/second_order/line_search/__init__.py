"""How far to go along a direction. A search is a frozen dataclass; `_line` says what it must do."""

from ._hager_zhang import HagerZhang as HagerZhang
from ._line import Line as Line
from ._line import LineSearch as LineSearch
from ._line import SearchState as SearchState
from ._line import Trial as Trial
from ._line import search_along as search_along
from ._simple import Backtracking as Backtracking
from ._simple import Constant as Constant
from ._simple import Exact as Exact
from ._strong_wolfe import StrongWolfe as StrongWolfe
