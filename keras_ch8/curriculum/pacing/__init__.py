"""How the share of the examples that are drawn grows: laws of the progress u, which goes from 0 to 1."""

from ._baby_steps import baby_steps
from ._competence import competence
from ._exponential import exponential
from ._linear import linear
from ._one_pass import one_pass
from ._pacing import AbstractPacing
from ._root import root
from ._step import step

__all__ = ["AbstractPacing", "baby_steps", "competence", "exponential", "linear", "one_pass", "root", "step"]
