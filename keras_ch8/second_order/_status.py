"""Why a run ended."""

import enum


class Status(enum.IntEnum):
    """Why a run ended; a run that only came to a halt is not converged."""

    RUNNING = 0
    CONVERGED_GRADIENT = 1
    CONVERGED_VALUE = 2
    CONVERGED_STEP = 3
    CONVERGED_AT_START = 4
    ITERATION_LIMIT = 5
    LINE_SEARCH_FAILED = 6
    STALLED = 7
    NOT_FINITE_AT_START = 8
    FLAT = 9
    UNBOUNDED = 10
    NEGATIVE_CURVATURE = 11

    @property
    def converged(self) -> bool:
        """Whether a criterion for a minimum was met."""
        return self in _CONVERGED

    @property
    def is_end(self) -> bool:
        """Whether more iterations would not help."""
        return self not in (Status.RUNNING, Status.ITERATION_LIMIT)

    def message(self, dtype: str) -> str:
        """Return what it means and what to do, for numbers of this type."""
        words = _WORDS[self]
        if self in _OUT_OF_DIGITS:
            words += _MORE_DIGITS[dtype]
        return words


_CONVERGED = {Status.CONVERGED_GRADIENT, Status.CONVERGED_VALUE, Status.CONVERGED_STEP, Status.CONVERGED_AT_START}
_OUT_OF_DIGITS = {Status.STALLED, Status.LINE_SEARCH_FAILED}
_MORE_DIGITS = {
    "float32": " float32 holds 7 digits: a smaller gradient needs float64.",
    "float64": " Check that the gradient is that of the function, or accept a larger `gtol`.",
}
_WORDS = {
    Status.RUNNING: "The run is not over.",
    Status.CONVERGED_GRADIENT: "Converged: no entry of the gradient is above `gtol`.",
    Status.CONVERGED_VALUE: "Converged: the value fell by less than `ftol` of itself.",
    Status.CONVERGED_STEP: "Converged: the step was shorter than `xtol` of the point.",
    Status.CONVERGED_AT_START: "Converged at the start: no entry of the gradient is above `gtol` there.",
    Status.ITERATION_LIMIT: "Not converged: `max_iterations` were made. Raise it, or go on from `x`.",
    Status.LINE_SEARCH_FAILED: (
        "Not converged: no step along -gradient makes the value smaller, although the gradient says that one should. "
        "Either it is not the gradient of the function, or the difference drowns in rounding."
    ),
    Status.UNBOUNDED: (
        "Not converged: the value was still falling at the longest step that could be made. The function is unbounded "
        "below in that direction, or ends where it is no longer finite. Check its sign, or bound it by a penalty."
    ),
    Status.NEGATIVE_CURVATURE: (
        "Not converged: the curvature along -gradient is 0 or negative, and there a quadratic has no minimum to step "
        "to. Take a search that asks for no curvature, such as `StrongWolfe`, or `TruncatedNewton`."
    ),
    Status.STALLED: "Not converged: the value no longer falls by more than its rounding.",
    Status.NOT_FINITE_AT_START: (
        "Not started: value or gradient is infinite or NaN at the start. Start where the function is finite."
    ),
    Status.FLAT: (
        "Not started: the gradient is exactly 0, and so it is nearby, with the same value. The function does not "
        "depend on x there: saturated units, a constant, or a part through which no gradient flows."
    ),
}
