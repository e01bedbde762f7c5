"""Makes docs/pictures/tour.gif: what the tour prints, block by block, and then its page, in ten seconds.

The file has the text in its comment, by which a test sees whether the tour still prints it. It needs no browser: the
page is docs/pictures/tour_light.png, which tools/pictures.py makes.
"""

import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
SIZE, COLUMNS, LINE, MARGIN = (820, 621), 86, 21, 16
FONT = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSansMono.ttf", 15)
INKS = {"ACT": "#ff7b72", "OK": "#7fca87", "$": "#9aa0a6"}
"""Colours of lines that have this word first, or after "says:"."""
READING, LEAST, LAST = 6, 800, 3500
"""Milliseconds for each new character, for a block at least, and for the page."""


def blocks() -> Iterator[str]:
    """Yield what the tour prints, but the paths at its end, in the parts in which it appears."""
    yield "$ python -m keras_ch8 tour"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "keras_ch8", "tour", "--logs", f"{folder}/tour"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    yield from re.split(r"\n(?=\.\.\.|ACT|Fix|Second)", said.rpartition("\n\n")[0])


def screen(text: str) -> Image.Image:
    """Return a terminal with a text."""
    picture = Image.new("RGB", SIZE, "#1e1e20")
    draw = ImageDraw.Draw(picture)
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, COLUMNS) or [""]]
    for place, line in enumerate(lines):
        first = re.search(r"^(?:.* says: )?(\$|ACT|OK)\b|^\$", line)
        ink = INKS[first[1] or "$"] if first else "#e6e6e6"
        draw.text((MARGIN, MARGIN + LINE * place), line, ink, FONT)
    return picture


def main() -> None:
    """Draw a picture after each block, and the page after the last."""
    shown, pictures, times = "", [], []
    for block in blocks():
        shown += f"{block}\n"
        pictures.append(screen(shown))
        times.append(max(LEAST, READING * len(block)))
    pictures.append(Image.open(PICTURES / "tour_light.png").convert("RGB").resize(SIZE, Image.Resampling.LANCZOS))
    first, *others = (each.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE) for each in pictures)
    options = {"duration": [*times, LAST], "loop": 0, "optimize": True, "comment": shown}
    first.save(PICTURES / "tour.gif", save_all=True, append_images=others, **options)


if __name__ == "__main__":
    main()
