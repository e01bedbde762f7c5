"""When a test runs: in every run, behind `slow` in `.ci/run`, or behind `full` in `.ci/full`, which is run by hand."""

import pytest


def mostly(mark, values, *others):
    """Return the values, or tuples of several, as parameters that have this mark, but for some that have none."""
    cases = [(value, value if isinstance(value, tuple) else (value,)) for value in values]
    return [value if value in others else pytest.param(*case, marks=mark) for value, case in cases]


def spread(values, count):
    """Return so many of the values, the last and the first and others at equal distances between them; at most all."""
    if count >= len(values):
        return list(values)
    if count == 1:
        return [values[-1]]
    return [values[i * (len(values) - 1) // (count - 1)] for i in range(count)]
