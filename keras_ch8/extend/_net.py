"""The switch for what is caught."""

import os

from .. import _net


def raise_caught(wanted: bool = True) -> None:
    """Raise every error of what only watches, which otherwise becomes a warning while the training goes on.

    For tests: so no defect hides. It is the environment variable `KERAS_CH8_RAISE`, so processes that are started
    afterwards do the same.

    Args:
        wanted: Whether they are raised from now on. Defaults to `True`.

    Example:
        >>> keras_ch8.extend.raise_caught()
    """
    os.environ[_net.RAISE] = "1" if wanted else ""
