"""Numbers in the sentences of verdicts: two or three digits, and never a sign that a sentence cannot read.

Each function has an answer for every float, also for infinity and for what is not a number: a sentence with such a
number is needed most where a training has gone wrong.
"""

import math

SMALLEST_PERCENT, LARGEST_PERCENT = 0.001, 10_000.0
"""Percentages beyond these are said to be beyond them."""


def digits(value: float, significant: int = 2) -> str:
    """Return a number with few digits, without an exponent where it can be read without one.

    Example:
        >>> from keras_ch8.verdicts.wording import digits
        >>> digits(0.012345), digits(4321.0), digits(123.4), digits(2.5e-7), digits(-3.0), digits(float("inf"))
        ('0.012', '4300', '123', '2.5e-7', '-3', 'infinity')
    """
    value = float(value)
    size = abs(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
    if size and not 1e-4 <= size < 1e6:
        mantissa, _, exponent = f"{value:.{significant - 1}e}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    rounded = float(f"{value:.{max(3, significant) if 100 <= size < 1000 else significant}g}")
    return f"{rounded or 0.0:.10f}".rstrip("0").rstrip(".")


def percent(fraction: float) -> str:
    """Return the size of a fraction in percent; what direction it has is for the sentence to say.

    It is 0 % or 100 % only of nothing and of all.
    """
    size = abs(100 * fraction)
    if 0 < size < SMALLEST_PERCENT:
        return f"less than {digits(SMALLEST_PERCENT)} %"
    if size > LARGEST_PERCENT:
        return f"more than {digits(LARGEST_PERCENT)} %"
    shown = next((some for some in (digits(size), digits(size, 3)) if size == 100 or some != "100"), "")
    return f"{shown} %" if shown else f"{'nearly' if size < 100 else 'just over'} 100 %"


def times(factor: float, of: str) -> str:
    """Return how a quantity compares with another: "12 times its start", "as large as its start"."""
    if factor < 0:
        return "below 0"
    shown = digits(factor)
    return f"as large as {of}" if shown == "1" else f"{shown} times {of}"


def share(fraction: float) -> str:
    """Return the size of a part or a multiple: "1/6000", "3 %", "12 times"."""
    size = abs(fraction)
    if size >= 2:
        return f"{digits(size)} times"
    return f"1/{digits(1 / size)}" if SMALLEST_PERCENT / 100 <= size <= 0.01 else percent(size)


def part(fraction: float, of: str) -> str:
    """Return a part or a multiple of something: "1/6000 of the best length", "12 times the best length"."""
    return f"{share(fraction)} {of if abs(fraction) >= 2 else f'of {of}'}"


def counted(number: float, noun: str) -> str:
    """Return a number of things, with the noun in the singular for one."""
    shown = digits(number, 3 if float(number).is_integer() else 2)
    return f"{shown} {noun}" if shown == "1" else f"{shown} {noun}s"


def moved(fall: float) -> str:
    """Return by what fraction something fell or, where that is negative, rose."""
    if fall == 0:
        return "neither fell nor rose"
    return f"{'rose' if fall < 0 else 'fell'} by {percent(fall)}"


def begun_small(sentence: str) -> str:
    """Return a sentence or a title as it stands after a colon, or within a sentence; "NaN" and "ReLU" stay."""
    first = sentence.partition(" ")[0]
    return sentence if any(letter.isupper() for letter in first[1:]) else sentence[:1].lower() + sentence[1:]
