"""The exact minimum along a line, of a quadratic."""

import dataclasses
from typing import Any, final

import keras

from .. import _vector
from ._constant import Constant
from ._line import AbstractSearch, Line, Look, Trial, first_look


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class Exact(AbstractSearch):
    """The minimum along the line if the function is quadratic there (section 8.6.2).

        t <- -g . d / (d . H d)

    It costs one product with the Hessian. Of other functions it is the Newton step along the line: if that is not
    downhill (d . H d <= 0, where a quadratic has no minimum), no step is made.

    Example:
        >>> method = keras_ch8.second_order.SteepestDescent(line_search=keras_ch8.second_order.Exact())
        >>> found = keras_ch8.second_order.minimize(lambda x: keras.ops.sum(x**2), np.array([8.0, 1.0]), method)
        >>> found.nit
        1

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, equation 4.10 and section 8.6.2.
    """

    products = 1

    def begin(self, line: Line, first: Any) -> Look:
        """Propose the minimum of the parabola."""
        del first
        bend = _vector.dot(line.direction, line.problem.product(line.point.x, line.direction))
        look = first_look(line, -line.slope / bend)
        return look._replace(is_over=~(bend > 0))

    def take(self, line: Line, look: Look, trial: Trial) -> Look:
        """Take it if it is finite."""
        return Constant().take(line, look, trial)
