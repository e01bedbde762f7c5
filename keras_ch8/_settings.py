"""Frozen dataclasses of settings that Keras can save."""

import dataclasses
from typing import Any, Self


class Settings:
    """A frozen dataclass whose fields are its configuration; two with equal fields are equal."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make it again."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make it from `get_config`."""
        return cls(**config)
