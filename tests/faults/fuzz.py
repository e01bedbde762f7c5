"""Wild values for every argument of every public part: refused with a sentence, or it works.

A part is called as in its documentation, with one argument replaced by a wild value. What is allowed says the meaning
of the argument (tests.faults.meanings), which knows nothing of the package's checks. A call is judged

- refused: a value that is not allowed raised ValueError or TypeError where it was given, with a sentence that says what
  was received;
- works: a value that is allowed was accepted, and a first use of the part went through;
- bare: any other exception, or a message that does not say what was received, or says it at length, or all of an array;
- silent: a value that is not allowed was accepted, and a first use went through;
- late: a value was accepted, and the first use failed;
- shut out: a value that is allowed was refused.
"""

import collections
import contextlib
import io
import os
import re
import signal
import tempfile
import traceback
import warnings

import keras
import numpy as np

import keras_ch8

FAULTS = ("bare", "silent", "late", "shut out")
LIMIT = 60
"""Seconds after which a call has failed."""

MOST = 600
"""Characters of an error, at most."""
SECRET = 0.87654321
"""What is in arrays, of which an error says shape and type alone."""


class Silent:
    """What cannot say what it is."""

    def __repr__(self):
        raise RuntimeError("it says nothing")


def holds_itself():
    """Return a list without end."""
    some = [1]
    some.append(some)
    return some


WILD = {
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "0": lambda: 0,
    "-1": lambda: -1,
    "1.5": lambda: 1.5,
    "10**30": lambda: 10**30,
    "True": lambda: True,
    "None": lambda: None,
    "''": lambda: "",
    "'x'": lambda: "x",
    "b'x'": lambda: b"x",
    "[]": lambda: [],
    "[1, 2]": lambda: [1, 2],
    "{}": lambda: {},
    "{'a': 1}": lambda: {"a": 1},
    "array of two": lambda: np.array([1.0, 2.0]),
    "array(nan)": lambda: np.array(np.nan),
    "float32(0.5)": lambda: np.float32(0.5),
    "1j": lambda: 1j,
    "object()": object,
    "a function without arguments": lambda: lambda: 0.5,
    "a class": lambda: int,
    "a layer": lambda: keras.layers.Dense(1),
    "True of NumPy": lambda: np.True_,
    "10**400": lambda: 10**400,
    "a long array": lambda: np.full(1000, SECRET),
    "two arrays": lambda: (np.full((50, 3), SECRET), np.full(49, SECRET)),
    "a long list": lambda: [SECRET] * 1000,
    "a long text": lambda: "long " * 50,
    "a lone surrogate": lambda: "\ud800",
    "names in an array": lambda: np.array(["a", "b"]),
    "a list that holds itself": holds_itself,
    "an object that says nothing": Silent,
}
"""What is given, by what it is called: made anew for each call."""


class Call(collections.namedtuple("Call", "part argument wild verdict says")):
    """One call, and what became of it."""

    def __str__(self):
        return f"{self.verdict:8s} {self.part}({self.argument}={self.wild}): {self.says}"


def judge(case, argument, wild):
    """Call a part with one wild value, use it, and return the call."""
    value = WILD[wild]()
    allowed = case.meanings[argument].allows(value)

    def judged(verdict, error=None):
        says = "" if error is None else f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return Call(case.name, argument, wild, verdict, says)

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            with seconds(LIMIT):
                made = case.make(**(case.arguments() | {argument: value}))
        except Exception as error:
            if not reaches_us(error):
                return judged("refused", error)
            if not is_a_sentence(error, argument):
                return judged("bare", error)
            return judged("shut out" if allowed else "refused", error)
        try:
            with seconds(LIMIT):
                case.use(made)
        except Exception as error:
            return judged("late", error)
    return judged("works" if allowed else "silent")


@contextlib.contextmanager
def seconds(limit):
    """End what takes longer: a training of 10**30 epochs."""

    def end(*_):
        raise TimeoutError(f"it did not end in {limit} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def reaches_us(error):
    """Whether code of the package ran before an error: Keras's `Layer` reads its arguments before ours does."""
    of_us = os.path.dirname(keras_ch8.__file__) + os.sep
    return any(frame.filename.startswith(of_us) for frame in traceback.extract_tb(error.__traceback__))


def is_a_sentence(error, argument):
    """Whether an error says what was received, for which argument."""
    text = str(error)
    names_it = re.search(rf"(?<!\w){argument}(?!\w)", text)
    is_short = len(text) <= MOST and text.count(str(SECRET)) <= 12
    return isinstance(error, ValueError | TypeError) and "eceived" in text and names_it is not None and is_short


def calls(cases, chosen=lambda case, argument, wild: True):
    """Yield what becomes of each call."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for case in cases:
            for argument in case.meanings:
                for wild in WILD:
                    if chosen(case, argument, wild):
                        with contextlib.chdir(folder):  # where some of them write
                            call = judge(case, argument, wild)
                        yield call
