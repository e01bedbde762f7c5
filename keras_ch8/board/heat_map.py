"""A picture of norms by layer and step, and a PNG of it, with NumPy; names and scale around it with Pillow."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np

WIDTH, HEIGHT, CELL = 1000, 600, 16
"""Pixels of the picture, unless there are more layers than that, and of a cell's side, at most."""

ZERO, NONFINITE = (128, 128, 128), (220, 30, 30)
"""Colours that are not on the scale: grey, and red."""

SCALE = np.array([(68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37)])
"""Colours from the smallest to the largest norm, each brighter than the one before; the same for colour-blind eyes."""

LOW, HIGH = -8, 4
"""Powers of ten at the ends of the scale, which is the same for all pictures of all runs: what is beyond has the colour
of the end."""

LEAST_WIDTH, LEAST_HEIGHT = 420, 112
"""Pixels of a small picture that has names around it."""

LONGEST = 28
"""Letters of a name; of a longer one the end is shown."""


def heat_map(values: np.ndarray) -> np.ndarray:
    """Return the pixels [height, width, 3], uint8, of norms [layers, steps] on the logarithmic scale of all pictures.

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


def framed(pixels: np.ndarray, rows: Sequence[str], steps: Sequence[int]) -> np.ndarray:
    """Return the pixels of a heat map with the names of its rows, the steps below it and the scale beside it.

    Without Pillow, which newer versions of TensorBoard bring along, it is returned as it is.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        return pixels
    font = ImageFont.load_default()
    line = 16
    tall, wide = (-(-least // size) for least, size in zip((LEAST_HEIGHT, LEAST_WIDTH), pixels.shape, strict=False))
    map_ = pixels.repeat(tall, axis=0).repeat(wide, axis=1)
    height, width, _ = map_.shape
    names = [name if len(name) <= LONGEST else f"...{name[-LONGEST:]}" for name in rows]
    left = int(max(font.getlength(name) for name in names)) + 12
    scale = np.linspace(HIGH, LOW, height)[:, None].repeat(line, axis=1)
    picture = Image.new("RGB", (left + width + 90, height + 2 * line), "white")
    picture.paste(Image.fromarray(map_), (left, line // 2))
    picture.paste(Image.fromarray(_colours(scale).astype(np.uint8)), (left + width + 20, line // 2))
    draw = ImageDraw.Draw(picture)

    def write(x: float, y: float, text: str, anchor: str) -> None:
        draw.text((x, y + line // 2), text, "black", font, anchor)

    row = height / len(names)
    every = -(-line // max(1, int(row)))
    for place in range(0, len(names), every):
        write(left - 6, (place + 0.5) * row, names[place], "rm")
    for power in range(LOW, HIGH + 1, 2):
        write(left + width + 42, (HIGH - power) / (HIGH - LOW) * (height - 1), f"1e{power}", "lm")
    write(left, height + line // 2, f"step {steps[0]}", "lm")
    write(left + width, height + line // 2, f"step {steps[-1]}", "rm")
    if len(steps) > 2:
        write(left + width / 2, height + line // 2, f"{steps[len(steps) // 2]}", "mm")
    return np.asarray(picture)


def _colours(logs: np.ndarray) -> np.ndarray:
    """Return a colour for each power of ten: LOW and less gets the first of the scale, HIGH and more the last."""
    places = (logs - LOW) / (HIGH - LOW) * (len(SCALE) - 1)
    anchors = np.arange(len(SCALE))
    return np.stack([np.interp(places, anchors, channel) for channel in SCALE.T], axis=-1).round()
