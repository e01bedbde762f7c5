"""A picture of norms by layer and step, and a PNG of it, with nothing but NumPy."""

import struct
import zlib

import numpy as np

WIDTH, HEIGHT, CELL = 1000, 600, 16
"""Pixels of the picture, unless there are more layers than that, and of a cell's side, at most."""

ZERO, NONFINITE = (128, 128, 128), (220, 30, 30)
"""Colours that are not on the scale: grey, and red."""

SCALE = np.array([(68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37)])
"""Colours from the smallest to the largest norm, each brighter than the one before; the same for colour-blind eyes."""


def heat_map(values: np.ndarray) -> np.ndarray:
    """Return the pixels [height, width, 3], uint8, of norms [layers, steps] on a logarithmic scale.

    Zeros are grey, infinities and NaN red. Where there are more steps than pixels, a column is the largest of several.
    """
    layers, steps = values.shape
    columns = min(steps, WIDTH)
    norms = np.maximum.reduceat(values, np.arange(columns) * steps // columns, axis=1)
    pixels = np.empty((layers, columns, 3), np.uint8)
    pixels[:] = ZERO
    pixels[~np.isfinite(norms)] = NONFINITE
    shown = np.isfinite(norms) & (norms > 0)
    pixels[shown] = _colours(np.log10(norms[shown]))
    tall, wide = (max(1, min(CELL, room // cells)) for room, cells in ((HEIGHT, layers), (WIDTH, columns)))
    return pixels.repeat(tall, axis=0).repeat(wide, axis=1)


def png(pixels: np.ndarray) -> bytes:
    """Return pixels [height, width, 3], uint8, as a PNG."""
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB, no filter method, not interlaced
    rows = np.hstack([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)])  # each row begins with its filter
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _colours(logs: np.ndarray) -> np.ndarray:
    """Return a colour for each number: the smallest gets the first of the scale, the largest the last."""
    low, high = logs.min(initial=np.inf), logs.max(initial=-np.inf)
    places = (logs - low) / (high - low if high > low else 1.0) * (len(SCALE) - 1)
    anchors = np.arange(len(SCALE))
    return np.stack([np.interp(places, anchors, channel) for channel in SCALE.T], axis=1).round()
