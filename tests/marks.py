"""When a test runs: in every run, behind `slow` in `.ci/run`, or behind `full` in `.ci/full` before a release."""

import pytest


def mostly(mark, values, *others):
    """Return the values as parameters that have this mark, but for some that have none."""
    return [value if value in others else pytest.param(value, marks=mark) for value in values]
