"""Frozen dataclasses of settings: an annotation says once what a field may be, and Keras can save them."""

import dataclasses
import math
import typing
from typing import Any, NamedTuple, Self

from . import _checks


class Number(NamedTuple):
    """What a field may be, in `Annotated[float, Number(...)]`; the arguments are those of `_checks.number`."""

    meaning: str
    fix: str
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    closed_high: bool = False

    def __repr__(self) -> str:
        return repr(self.meaning)

    def check(self, name: str, value: Any) -> float:
        """Return the value as a float; else raise ValueError."""
        return _checks.number(name, value, **self._asdict())


class Count(NamedTuple):
    """The same for `Annotated[int, Count(...)]`: an integer, `low` at least."""

    meaning: str
    fix: str
    low: int

    def __repr__(self) -> str:
        return repr(self.meaning)

    def check(self, name: str, value: Any) -> int:
        """Return the value as an integer; else raise ValueError."""
        return _checks.count(name, value, **self._asdict())


def positive(meaning: str, fix: str) -> Number:
    """Return what a number above 0 is."""
    return Number(meaning, fix, 0.0, open_low=True)


def fraction(meaning: str, fix: str) -> Number:
    """Return what a number in (0, 1] is."""
    return Number(meaning, fix, 0.0, 1.0, open_low=True, closed_high=True)


def said_of(annotation: Any) -> list[Number | Count]:
    """Return what an annotation says that a field may be."""
    return [said for part in (annotation, *typing.get_args(annotation)) for said in getattr(part, "__metadata__", ())]


class Checked:
    """A dataclass that refuses what its fields may not be; None passes where it is the default."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            for said in said_of(field.type):
                if value is not None or field.default is not None:
                    said.check(field.name, value)


class Settings(Checked):
    """A frozen dataclass whose fields are its configuration; two with equal fields are equal."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make it again."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make it from `get_config`."""
        return cls(**config)
