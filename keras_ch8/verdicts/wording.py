"""Numbers in the sentences of verdicts: two or three digits, and never a sign that a sentence cannot read."""

SMALLEST_PERCENT, LARGEST_PERCENT = 0.001, 10_000.0
"""Percentages beyond these are said to be beyond them."""


def digits(value: float, significant: int = 2) -> str:
    """Return a finite number with few digits, without an exponent where it can be read without one.

    Example:
        >>> from keras_ch8.verdicts.wording import digits
        >>> digits(0.012345), digits(4321.0), digits(123.4), digits(2.5e-7), digits(-3.0)
        ('0.012', '4300', '123', '2.5e-7', '-3')
    """
    size = abs(value)
    if size and not 1e-4 <= size < 1e6:
        mantissa, _, exponent = f"{value:.{significant - 1}e}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    rounded = float(f"{value:.{3 if 100 <= size < 1000 else significant}g}")
    return f"{rounded or 0.0:.10f}".rstrip("0").rstrip(".")


def percent(fraction: float) -> str:
    """Return the size of a fraction in percent; what direction it has is for the sentence to say."""
    size = abs(100 * fraction)
    if 0 < size < SMALLEST_PERCENT:
        return f"less than {digits(SMALLEST_PERCENT)} %"
    return f"{digits(size)} %" if size <= LARGEST_PERCENT else f"more than {digits(LARGEST_PERCENT)} %"


def times(factor: float, of: str) -> str:
    """Return how a quantity compares with another: "12 times its start", "as large as its start"."""
    if factor < 0:
        return "below 0"
    shown = digits(factor)
    return f"as large as {of}" if shown == "1" else f"{shown} times {of}"


def part(fraction: float, of: str) -> str:
    """Return a part of something, or a multiple of it: "3 % of the best length", "12 times the best length"."""
    return times(abs(fraction), of) if abs(fraction) >= 2 else f"{percent(fraction)} of {of}"


def counted(number: float, noun: str) -> str:
    """Return a number of things, with the noun in the singular for one."""
    shown = digits(number, 3 if number == int(number) else 2)
    return f"{shown} {noun}" if shown == "1" else f"{shown} {noun}s"


def moved(fall: float) -> str:
    """Return by what fraction something fell or, where that is negative, rose."""
    if percent(fall) == "0 %":
        return "neither fell nor rose"
    return f"{'fell' if fall > 0 else 'rose'} by {percent(fall)}"
