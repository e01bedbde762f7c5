"""Every check of an argument. An error says what came, what was expected, and how to fix it."""

import contextlib
import inspect
import math
import numbers
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ._describe import misfit, short

_SMALLEST = 1e-37
"""About the smallest number that float32 does not flush to 0."""
COMPARABLE = ("float32", "float64")
"""Types in which losses can be compared that differ in the last digits, as the methods of section 8.6 do."""
LARGEST_INTEGER = 2**63 - 1
"""The largest that TensorFlow and NumPy count with."""


def number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    meaning: str,
    fix: str,
    open_low: bool = False,
    closed_high: bool = False,
) -> float:
    """Return `value` as a float in [low, high), without `low` or with `high` if asked; else raise ValueError.

    A bound of minus infinity is never in. The error says the `meaning` of the argument and, in `fix`, how to fix it.
    """
    open_low = open_low or low == -math.inf
    interval = f"{'(' if open_low else '['}{low:g}, {high:g}{']' if closed_high else ')'}"
    given = math.nan
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # an integer that is larger than any float
            given = float(value)
    if not (low < given if open_low else low <= given) or not (given <= high if closed_high else given < high):
        raise ValueError(misfit(name, f"is {meaning}", f"a number in {interval}", value, fix))
    return given


def count(name: str, value: Any, low: int, *, meaning: str, fix: str) -> int:
    """Return `value` as an integer of at least `low` that fits into 64 bits; else raise ValueError."""
    ok = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not ok or not low <= int(value) <= LARGEST_INTEGER:
        least = "" if low == -LARGEST_INTEGER else f" of at least {low}"
        most = " below 2^63" if ok and int(value) > LARGEST_INTEGER else ""
        raise ValueError(misfit(name, f"is {meaning}", f"an integer{least}{most}", value, fix))
    return int(value)


def whole(name: str, value: Any, *, meaning: str, fix: str) -> int:
    """Return `value` as an integer, of either sign; else raise ValueError."""
    return count(name, value, -LARGEST_INTEGER, meaning=meaning, fix=fix)


def seed(value: Any, *, or_none: bool = False) -> int | None:
    """Return a seed; None passes, if it may be left open."""
    if value is None and or_none:
        return None
    return count("seed", value, 0, meaning="what random numbers are drawn with", fix="Try seed=0.")


def seeds(value: Any, fewest: int) -> list[int]:
    """Return the seeds that a number of them stands for, from 0 on, or a list: at least so many that differ."""
    fix = "Try seeds=5 for 0 to 4."
    if not isinstance(value, list | tuple | range):
        return list(range(count("seeds", value, fewest, meaning="the number of seeds, or the seeds", fix=fix)))
    given = list(dict.fromkeys(count("seeds", one, 0, meaning="the seeds", fix=fix) for one in value))
    if len(given) < fewest:
        raise ValueError(f"`seeds` must hold at least {fewest} that differ. Received: seeds={short(value)}. {fix}")
    return given


def flag(name: str, value: Any, *, meaning: str) -> bool:
    """Return what is True or False, which may be written 1 or 0, as a bool; else raise TypeError."""
    if not isinstance(value, int | np.integer | np.bool_) or value not in (0, 1):
        raise TypeError(misfit(name, f"says {meaning}", "True or False", value))
    return bool(value)


def verbose(value: Any) -> int:
    """Check how much is printed, as in Keras."""
    if not isinstance(value, numbers.Integral | np.bool_) or int(value) not in (0, 1, 2):
        expected = "0, 1 or 2, or False or True"
        raise ValueError(misfit("verbose", "says how much is printed", expected, value, "0 prints nothing."))
    return bool(value) if isinstance(value, bool | np.bool_) else int(value)


def text(name: str, value: Any, *, meaning: str, or_none: bool = False) -> Any:
    """Return a string that is not empty; None passes, if it may be left out; else raise TypeError."""
    if not (value is None and or_none) and not is_name(value):
        expected = f"a string that is not empty{' or None' if or_none else ''}"
        raise TypeError(misfit(name, f"is {meaning}", expected, value, _without_surrogates(value)))
    return value


def as_array(value: Any) -> np.ndarray:
    """Return something as an array; that of None where it is none, such as lists of several lengths."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RecursionError):
        return np.array(None)


def is_list(value: Any) -> bool:
    """Whether this is a list, a tuple or an array with an axis; a text is none."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def is_name(value: Any) -> bool:
    """Whether this is a string that is not empty and can be written: a lone surrogate is half a letter."""
    return isinstance(value, str) and value != "" and not _without_surrogates(value)


def _without_surrogates(value: Any) -> str:
    """Return what to do about a string that no file can hold; "" for any other."""
    try:
        value.encode() if isinstance(value, str) else None
    except UnicodeEncodeError:
        return "It contains a lone surrogate, which no file can store: remove it."
    return ""


def label(value: Any) -> Any:
    """Return the name of a part; None is for the one that Keras finds."""
    return text("name", value, meaning="what the part is called", or_none=True)


def takes(value: Any, number_of_arguments: int) -> bool:
    """Whether this is a function, or such an object, that takes so many arguments; one without signature is believed.

    A class and a layer are none: what they make of their arguments is nowhere asked for.
    """
    if not callable(value) or isinstance(value, type | keras.Layer):
        return False
    try:
        inspect.signature(value).bind(*[None] * number_of_arguments)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def decay_rate(name: str, value: Any, *, of: str) -> float:
    """Check the decay rate of a running average, or a momentum: the fraction that each step keeps."""
    return number(
        name,
        value,
        0.0,
        1.0,
        meaning=f"the fraction of {of} that each step keeps",
        fix="Try 0.9 for a memory of about 10 steps, 0.99 for 100.",
    )


def stabilizer(name: str, value: Any, *, default: float) -> float:
    """Check the small constant (the book's delta) that keeps a division by small numbers finite."""
    return number(
        name,
        value,
        _SMALLEST,
        math.inf,
        meaning="the small constant (delta in the book) that prevents a division by 0",
        fix=f"The book's value is {default:g}.",
    )


def rate(name: str, value: Any, *, or_zero: bool = False) -> float:
    """Check one learning rate of a schedule."""
    return number(
        name, value, 0.0, math.inf, open_low=not or_zero, meaning="a learning rate", fix="Try 0.001, or 0.1 for SGD."
    )


def positive(name: str, value: Any, *, meaning: str, fix: str) -> float:
    """Check a number above 0."""
    return number(name, value, 0.0, math.inf, open_low=True, meaning=meaning, fix=fix)


def finite(name: str, value: Any, *, meaning: str, fix: str) -> float:
    """Check a number of either sign."""
    return number(name, value, -math.inf, math.inf, open_low=True, meaning=meaning, fix=fix)


def fraction(name: str, value: Any, *, meaning: str, fix: str) -> float:
    """Check a number in (0, 1]."""
    return number(name, value, 0.0, 1.0, open_low=True, closed_high=True, meaning=meaning, fix=fix)


def changeable_rate(value: Any, owner: str) -> None:
    """Refuse a learning rate that is a callable: there is nothing to set."""
    if callable(value):
        raise TypeError(
            f"`LearningRateDecay` changes a rate that is a number or a schedule. Received: the callable {short(value)} "
            f"as learning rate of {owner}. Let the callable lower it, or compile with a number."
        )


def one_rate(optimizers: Sequence[keras.optimizers.Optimizer]) -> None:
    """Refuse an optimizer with several learning rates."""
    if len(optimizers) != 1:
        raise ValueError(
            f"Learning rates are tried on a single optimizer. Received: one made of {[o.name for o in optimizers]}. "
            "Compile the model with one of them for the trial."
        )


def length(name: str, value: Any, expected: int, *, of: str) -> None:
    """Check that a flat vector has one entry for each of something."""
    shape = as_array(value).shape
    if shape != (expected,):
        raise ValueError(
            f"`{name}` must be a flat vector with one entry for each of {of}, {expected} in all. "
            f"Received: shape {shape}."
        )


def permutation(name: str, value: Any, size: int, *, of: str) -> np.ndarray:
    """Return a permutation of 0 .. size - 1 as an array of integers; else raise ValueError."""
    order = as_array(value)
    if order.shape != (size,) or order.dtype.kind not in "iu" or (np.sort(order) != np.arange(size)).any():
        expected = f"a permutation of the integers 0 to {size - 1}"
        fix = f"Try `np.random.default_rng(0).permutation({size})`."
        raise ValueError(misfit(name, f"says which of {of} comes where", expected, value, fix))
    return order


def axes(name: str, value: Any, *, of: str) -> Any:
    """Check some axes, which None leaves to the part; what is given is returned."""
    if value is None:
        return None
    given = list(value) if is_list(value) else []
    if not given or not all(isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in given):
        expected = "a list of integers, or None"
        raise ValueError(misfit(name, f"says which axes are {of}", expected, value, "Try [-1], the last axis."))
    return value


def axis(value: Any, shape: Sequence[int | None]) -> int:
    """Return the place from the left of an axis of a tensor with a known size, counted from either end."""
    rank = len(shape)
    ok = isinstance(value, numbers.Integral) and -rank <= int(value) < rank
    if not ok or shape[value] is None:
        raise ValueError(
            "`axis` says which axis of the input has one entry for each feature, so it must be an integer in "
            f"[{-rank}, {rank - 1}], and the size of that axis must be known. Received: axis={short(value)} for inputs "
            f"of shape {tuple(shape)}. Use -1 for channels last, 1 for channels first."
        )
    return int(value) % rank


def word(name: str, value: Any, words: tuple[str, ...], *, meaning: str) -> str:
    """Return one of a few words; else raise ValueError."""
    if not isinstance(value, str) or value not in words:
        raise ValueError(misfit(name, f"says {meaning}", f"one of {', '.join(map(repr, words))}", value))
    return str(value)


def at_most_one(given: dict[str, Any], *, meaning: str) -> None:
    """Refuse several arguments that say the same; None is none."""
    if sum(value is not None for value in given.values()) > 1:
        received = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
        names = ", ".join(f"`{name}`" for name in given)
        raise ValueError(f"Each of {names} says {meaning}. Received: {received}. Pass one of them.")


def names(name: str, value: Any, *, meaning: str) -> bool | tuple[str, ...]:
    """Return True or False for all or none, or some names as a tuple; else raise TypeError."""
    if isinstance(value, bool):
        return value
    if is_list(value) and all(map(is_name, value)):
        return tuple(map(str, value))
    fix = 'Pass a list, such as ["val_loss"], even for one name.'
    raise TypeError(misfit(name, f"says {meaning}", "True, False, or a list of names", value, fix))


def mode(value: Any) -> str:
    """Check which direction of a quantity is better."""
    if not isinstance(value, str) or value not in ("auto", "min", "max"):
        reason = "says which direction of the monitored quantity is better"
        raise ValueError(misfit("mode", reason, "'min', 'max', or 'auto' for the one that Keras knows", value))
    return str(value)


def baseline(value: Any) -> float | None:
    """Check the value that the monitored quantity has to be better than; None is for no such value."""
    if value is None:
        return None
    meaning, fix = "the value that the monitored quantity has to be better than", "Try None, for no such value."
    return finite("baseline", value, meaning=meaning, fix=fix)


def is_off(value: Any, off_value: Any) -> bool:
    """Whether an argument of Keras's has its value for "off": None, a word, a number or a bool."""
    if isinstance(off_value, str):
        return isinstance(value, str) and value == off_value
    return value is None if off_value is None else isinstance(value, numbers.Real) and bool(value == off_value)


def off(name: str, value: Any, off_value: Any, *, owner: str, instead: str) -> None:
    """Accept a flag of Keras's that the book's algorithm does not have at its `off` value only."""
    if not is_off(value, off_value):
        raise ValueError(
            f"`{owner}` is the algorithm as printed and has no `{name}`: "
            f"it takes {name}={off_value!r} only. Received: {name}={short(value)}. {instead}"
        )


def written(cls: type, name: str, contract: str) -> None:
    """Refuse a subclass of one of the suite's bases that does not define what the base leaves to it."""
    if not callable(getattr(cls, name, None)):
        raise TypeError(
            f"`{cls.__name__}` must define `{name}`. Received: a class that does not. Write a method `{contract}`."
        )


def floating(name: str, path: str, dtype: str) -> None:
    """Refuse variables that have no gradient in the usual sense: integers, booleans, complex numbers."""
    if "float" not in dtype:
        raise ValueError(
            f"`{name}` updates variables of floating point type. Received: {path!r} of dtype {dtype}. "
            "Make it non-trainable (`trainable=False`) or give it a floating dtype."
        )


def keras_3(value: Any) -> None:
    """Refuse an object of Keras 2: a model, an optimizer, a tensor; where its class comes from tells."""
    homes = [f"{cls.__module__}.{cls.__qualname__}" for cls in type(value).__mro__]
    if any(home.startswith(("tf_keras.", "tensorflow.python.keras.")) for home in homes):
        raise TypeError(
            f"keras_ch8 works with Keras 3 (`import keras`). Received: an object of Keras 2, `{homes[0]}`. Create it "
            "with `import keras`, and unset TF_USE_LEGACY_KERAS=1, which turns `tf.keras` into Keras 2."
        )


def tolerances(**given: Any) -> dict[str, float]:
    """Return the tolerances of a minimization, each at least 0."""
    fix = "Try 1e-5 for `gtol`; 0 switches a criterion off."
    return {name: number(name, value, 0.0, meaning="a tolerance", fix=fix) for name, value in given.items()}


def wolfe(c1: Any, c2: Any) -> None:
    """Check the constants of the Wolfe conditions: 0 < c1 < c2 < 1, and c1 below a half."""
    number("c1", c1, 0.0, 0.5, open_low=True, meaning="the fraction of the promised decrease", fix="Try 1e-4.")
    meaning, fix = "the fraction of the slope that may be left", "Try 0.9, or 0.2 for conjugate gradients."
    number("c2", c2, c1, 1.0, open_low=True, meaning=meaning, fix=fix)


def stddev(value: Any) -> float:
    """Check the standard deviation of a noise or of a blur, which is at least 0."""
    return number(
        "stddev", value, 0.0, math.inf, meaning="a standard deviation", fix="Try 1.0; 0 is no noise and no blur."
    )


def some_of(name: str, value: Any, words: Sequence[str], *, meaning: str) -> tuple[str, ...]:
    """Return some of these words as a tuple; else raise ValueError."""
    given = [value] if isinstance(value, str) else value
    if isinstance(given, Sequence) and all(isinstance(one, str) and one in words for one in given):
        return tuple(given)
    expected = f"a list of some of {', '.join(map(repr, words))}"
    raise ValueError(misfit(name, f"says {meaning}", expected, value, "Leave out what is not among them."))
