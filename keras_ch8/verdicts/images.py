"""Facts about images: whether they lie as their targets do, and whether their axes are in the order that they say."""

import numpy as np

from .facts import NAN

MOST, MOST_CLASSES, CLEARLY = 64, 64, 0.2
"""Images that are looked at, values of targets up to which they are classes, and by how much a correlation with them is
clearly larger."""
SMALLEST = 8
"""Height and width from which on neighbouring pixels tell anything."""


def mirrored_of(x: np.ndarray, y: np.ndarray) -> float:
    """Return the fraction of images whose targets, one at each place, clearly match the mirrored image better.

    It is 0 unless as many match the image as it is, and NaN of other data.
    """
    are_images = x.ndim == 4 and y.ndim in (3, 4) and x.shape[:3] == y.shape[:3]
    if not are_images or not {x.dtype.kind, y.dtype.kind} <= set("fiub"):
        return NAN
    x, y = x[:MOST], y[:MOST]
    rows = y.reshape(*x.shape[:3], -1)
    is_one_hot = rows.shape[-1] > 1 and bool(np.isin(y, (0, 1)).all())
    places = rows.argmax(axis=-1) if is_one_hot else rows.mean(axis=-1, dtype="float64")
    values, counts = np.unique(places, return_counts=True)
    if len(values) <= MOST_CLASSES:
        places = (places != values[counts.argmax()]).astype("float64")  # what is no background
    grey = x.mean(axis=-1, dtype="float64")
    as_it_is = _matches(grey, places)
    gained = [_matches(np.flip(grey, axis), places) - as_it_is for axis in (1, 2)]
    return max(float(min((gain > CLEARLY).mean(), (gain < -CLEARLY).mean())) for gain in gained)


def _matches(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the size of the correlation between each image and its targets; 0 where one of them is constant."""
    one, other = (a - a.mean(axis=(1, 2), keepdims=True) for a in (images, places))
    sizes = np.sqrt((one**2).sum(axis=(1, 2)) * (other**2).sum(axis=(1, 2)))
    return np.abs((one * other).sum(axis=(1, 2))) / np.where(sizes > 0, sizes, np.inf)


def roughened_by(x: np.ndarray) -> float:
    """Return how much rougher images are than the same numbers with the channels first; NaN of other data.

    That is the lower of two ratios, along height and along width, of the mean difference of neighbouring pixels. Images
    that were saved with the channels first and reshaped, not transposed, are rougher.
    """
    if x.ndim != 4 or x.shape[-1] not in (3, 4) or min(x.shape[1:3]) < SMALLEST or x.dtype.kind not in "fiu":
        return NAN
    images = x[:MOST].astype("float64")
    height, width, channels = images.shape[1:]
    others = images.reshape(-1, channels, height, width)
    ratios = [
        np.abs(np.diff(images, axis=axis)).mean() / np.abs(np.diff(others, axis=axis + 1)).mean() for axis in (1, 2)
    ]
    return float(min(ratios))
