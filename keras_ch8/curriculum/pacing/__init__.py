"""How the share of the examples that are drawn grows: laws of the progress u, which goes from 0 to 1."""

from ._baby_steps import BabySteps
from ._competence import competence
from ._exponential import Exponential
from ._linear import Linear
from ._one_pass import OnePass
from ._pacing import AbstractPacing
from ._root import Root
from ._step import Step

__all__ = ["AbstractPacing", "BabySteps", "Exponential", "Linear", "OnePass", "Root", "Step", "competence"]
