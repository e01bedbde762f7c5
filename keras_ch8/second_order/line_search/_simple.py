"""Searches that need no bracket: a constant step, the exact minimum of a quadratic, and backtracking."""

import dataclasses
from typing import Annotated, final

from keras import ops

from ..._registration import registered
from ..._settings import Number, positive
from ..._types import Tensor
from .. import _vector
from .line import Line, LineSearch, SearchState, Trial, decreases_or_level


@final
@registered
@dataclasses.dataclass(frozen=True)
class Constant(LineSearch):
    r"""A step of constant length, whether or not the value falls (section 8.6).

    .. math::

        t \leftarrow \text{length}

    Only a step to an infinite value, or NaN, is not made.

    Args:
        length: Number above 0: the multiple of the direction. Defaults to `1.0`, the whole step of Newton's method.

    Raises:
        ValueError: If `length` is not above 0.

    Example:
        >>> search = keras_ch8.second_order.line_search.Constant(0.25)
        >>> method = keras_ch8.second_order.methods.SteepestDescent(line_search=search)
        >>> found = keras_ch8.second_order.minimize(lambda x: keras.ops.sum(x**2), np.array([8.0]), method)
        >>> found.success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.
    """

    section = "8.6"

    length: Annotated[float, positive("the multiple of the direction to go", "Try 1.0.")] = 1.0

    def init(self, line: Line, first: Tensor) -> SearchState:
        """Propose the length."""
        del first
        return SearchState.before_any_trial(line, ops.full_like(line.slope, self.length))

    def update(self, line: Line, state: SearchState, trial: Trial) -> SearchState:
        """Take it if it is finite."""
        del line
        finite = ops.isfinite(trial.value)
        return state._replace(chosen=state.chosen_if(finite, trial), accepted=finite, is_over=ops.ones_like(finite))


@final
@registered
@dataclasses.dataclass(frozen=True)
class Exact(LineSearch):
    r"""The minimum along the line if the function is quadratic there (section 8.6.2).

    .. math::

        t \leftarrow - \frac{g \cdot d}{d \cdot H d}

    It costs one product with the Hessian. Of other functions it is the Newton step along the line: if that is not
    downhill (d . H d <= 0, where a quadratic has no minimum), no step is made.

    Example:
        >>> search = keras_ch8.second_order.line_search.Exact()
        >>> method = keras_ch8.second_order.methods.SteepestDescent(line_search=search)
        >>> found = keras_ch8.second_order.minimize(lambda x: keras.ops.sum(x**2), np.array([8.0, 1.0]), method)
        >>> found.nit
        1

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, equation 4.10 and section 8.6.2.
    """

    section = "8.6"

    products = 1

    def init(self, line: Line, first: Tensor) -> SearchState:
        """Propose the minimum of the parabola."""
        del first
        bend = _vector.dot(line.direction, line.problem.product(line.point.x, line.direction))
        state = SearchState.before_any_trial(line, -line.slope / bend)
        return state._replace(is_over=~(bend > 0))

    def update(self, line: Line, state: SearchState, trial: Trial) -> SearchState:
        """Take it if it is finite."""
        return Constant().update(line, state, trial)


@final
@registered
@dataclasses.dataclass(frozen=True)
class Backtracking(LineSearch):
    """Shorten the step until the value has decreased sufficiently (section 8.6; Armijo).

        while phi(t) > phi(0) + c1 t phi'(0):  t <- shrink t

    It asks nothing of the slope at the end, so a quasi-Newton method may find no curvature to learn from.

    Args:
        c1: Number in (0, 0.5): the fraction of the decrease that the slope promises. Defaults to `1e-4`.
        shrink: Number in (0, 1): the factor by which each trial shortens the step. Defaults to `0.5`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> search = keras_ch8.second_order.line_search.Backtracking(shrink=0.8)
        >>> method = keras_ch8.second_order.methods.SteepestDescent(line_search=search)
        >>> found = keras_ch8.second_order.minimize(lambda x: keras.ops.sum(x**2), np.array([8.0, 1.0]), method)
        >>> found.success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6; Nocedal and Wright (2006), algorithm 3.1.
    """

    section = "8.6"

    c1: Annotated[float, Number("the fraction of the promised decrease", "Try 1e-4.", 0.0, 0.5, open_low=True)] = 1e-4
    shrink: Annotated[float, Number("a factor for the step", "Try 0.5.", 0.0, 1.0, open_low=True)] = 0.5

    def init(self, line: Line, first: Tensor) -> SearchState:
        """Propose the first step."""
        return SearchState.before_any_trial(line, first)

    def update(self, line: Line, state: SearchState, trial: Trial) -> SearchState:
        """Take it, or shorten it."""
        enough = decreases_or_level(line, trial, self.c1)
        return state._replace(
            step=self.shrink * trial.step,
            chosen=state.chosen_if(enough, trial),
            accepted=enough,
            is_over=enough,
        )
