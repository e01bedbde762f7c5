"""Weights that differ and are one function: why a network has no single minimum (section 8.2.2 of the book)."""

from ..integration import backend as _backend

if not _backend.is_tensorflow():
    raise _backend.needs_tensorflow(__name__)

from ._balance import Balance, balance
from ._difference import difference
from ._permute_units import permute_units
from ._rescale_units import rescale_units

__all__ = ["Balance", "balance", "difference", "permute_units", "rescale_units"]
