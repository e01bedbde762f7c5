"""The median of the last norms before each step."""

import numpy as np

WINDOW, FEWEST = 100, 20
"""Norms that a median is taken of, and how many there must be."""


def running_median(norms: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """Return for each norm the median of the WINDOW before it, NaN where there are not FEWEST.

    Args:
        norms: Norms, the oldest first.
        before: Those that came before them.
    """
    before = np.zeros(0) if before is None else before[-WINDOW:]
    known = np.concatenate([np.full(WINDOW - len(before), np.nan), before, norms])
    windows = np.lib.stride_tricks.sliding_window_view(known, WINDOW)[:-1]
    fewer, all_there = (np.clip(n - len(before), 0, len(norms)) for n in (FEWEST, WINDOW))
    medians = np.full(len(norms), np.nan)
    medians[fewer:all_there] = np.nanmedian(windows[fewer:all_there], axis=1)  # much slower than without NaN
    medians[all_there:] = np.median(windows[all_there:], axis=1)
    return medians
