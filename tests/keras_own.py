"""Runs copies of Keras's own test files, which ship inside its wheel, against our classes."""

import importlib.util
import re
import unittest
from typing import NamedTuple


class Excuse(NamedTuple):
    """Why a test of Keras is meant to fail with ours, and a pattern of that failure: it excuses no other."""

    why: str
    failure: str


def copy_of(module_name, **names):
    """Return a copy of Keras's module of tests, with other things under some of the names that it imports."""
    spec = importlib.util.find_spec(f"keras.src.{module_name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in names.items():
        assert hasattr(module, name), f"{module_name} does not use {name}"
        setattr(module, name, value)
    return module


def cases_of(module):
    """Yield class, method and id of each test in a module."""
    for _, case in sorted(vars(module).items()):
        if isinstance(case, type) and issubclass(case, unittest.TestCase) and case.__module__ == module.__name__:
            for method in unittest.TestLoader().getTestCaseNames(case):
                yield case, method, f"{module.__name__.split('.')[-1]}.{case.__name__}.{method}"


def check(case, method, test_id, exceptions):
    """Run one test: it passes, or it is in the list and fails as its excuse says."""
    result = unittest.TestResult()
    case(method).run(result)
    problems = [text for _, text in result.failures + result.errors]
    if test_id in exceptions:
        assert problems, f"passes now: take {test_id} off the list"
        why, failure = exceptions[test_id]
        assert re.search(failure, problems[0]), f"{test_id} fails otherwise than excused ({why}): {problems[0]}"
    else:
        assert not problems, f"{test_id}: {problems[0]}"
