"""Makes docs/pictures: tour, page, tab, terminal, light and dark. Needs Chromium, `pip install -e ".[dev,examples]"`.

python tools/pictures.py            # trains the six runs of tools/six_runs.py first: some minutes
python tools/pictures.py LOG_DIR     # of runs that are there
"""

import contextlib
import html
import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from selenium import webdriver

import keras_ch8
from keras_ch8 import tour

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, ROWS = 80, 34
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
FOLDED = "document.querySelectorAll('.verdict[open]').forEach((one, number) => one.open = number === 0)"
"""Of several verdicts the first alone is read on a picture."""
TRAINING = """
import sys
sys.path.insert(0, {tools!r})
import keras_ch8 as ch8
import keras
from six_runs import digits, network
train, val = digits()
keras.utils.set_random_seed(2)
model = network(ch8.optimizers.SGD(0.1), *(keras.layers.Dense(32, "sigmoid") for _ in range(10)))
model.fit(*train, validation_data=val, epochs=6, callbacks=[ch8.Doctor("logs")])
"""


def terminal(folder: Path) -> list[str]:
    """Train in a terminal of 80 columns, and return the last rows of its screen."""
    screen = pyte.HistoryScreen(COLUMNS, 400)
    stream = pyte.ByteStream(screen)
    folder.joinpath("train.py").write_text(TRAINING.format(tools=str(ROOT / "tools")))

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 4096)
        stream.feed(data)
        return data

    os.environ |= {"COLUMNS": str(COLUMNS), "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    with contextlib.chdir(folder):
        pty.spawn(["sh", "-c", f"stty cols {COLUMNS}; exec {sys.executable} train.py 2>/dev/null"], read)
    rows = [row.rstrip() for row in screen.display]
    while rows and not rows[-1]:
        rows.pop()
    return rows[-ROWS:]


@contextlib.contextmanager
def tensorboard(log_dir: str) -> Iterator[str]:
    """Yield the address of a TensorBoard that shows a folder."""
    code = "from tensorboard.main import run_main; run_main()"
    command = [sys.executable, "-W", "ignore", "-c", code, "--logdir", log_dir, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            found = next(filter(None, (re.search(r"http://\S+:(\d+)", line) for line in server.stderr or ())))
            yield f"http://localhost:{found[1]}"
        finally:
            server.terminate()


class Camera:
    """A browser that takes pictures."""

    def __init__(self, profile: str) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        self.browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))

    def take(
        self, url: str, name: str, size: tuple[int, int], dark: bool, before: str = "", seconds: float = 3
    ) -> None:
        """Open an address in a window of this width and height, and keep the picture."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.browser.get("about:blank")
        self.browser.get(url)
        time.sleep(seconds)
        if before:
            self.browser.execute_script(before)
            time.sleep(seconds)
        shot = Image.open(io.BytesIO(self.browser.get_screenshot_as_png())).convert("RGB")
        said = PngInfo()
        said.add_text("Title", self.browser.title)  # the finding, by which a test sees whether the page still says it
        shot = shot.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        shot.save(PICTURES / f"{name}.png", optimize=True, pnginfo=said)


def main(log_dir: str | None) -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as scratch:
        rows = terminal(Path(scratch))
        if log_dir is None:
            log_dir = f"{scratch}/runs"
            subprocess.run([sys.executable, ROOT / "tools" / "six_runs.py", log_dir], check=True)
        keras_ch8.report(log_dir, f"{scratch}/report.html")
        tour.main(f"{scratch}/tour")
        shown = Path(scratch, "terminal.html")
        for dark in (False, True):
            ink, paper = ("#e6e6e6", "#1e1e20") if dark else ("#1d1d1f", "#ffffff")
            style = f"margin:0;padding:16px;color:{ink};background:{paper};font:15px/1.4 monospace"
            text = html.escape("\n".join(rows))
            shown.write_text(f'<!doctype html><meta charset="utf-8"><body style="{style}"><pre>{text}</pre>')
            theme = "dark" if dark else "light"
            camera = Camera(f"{scratch}/profile_{theme}")
            camera.take(shown.as_uri(), f"terminal_{theme}", (780, 40 + 21 * len(rows)), dark, seconds=0.5)
            camera.take(f"file://{scratch}/report.html", f"page_{theme}", (1440, 1500), dark)
            camera.take(f"file://{scratch}/tour/report.html", f"tour_{theme}", (1320, 1000), dark, FOLDED)
            with tensorboard(log_dir) as address:
                toggle = "document.body.classList.add('dark-mode')" if dark else ""
                camera.take(f"{address}/#keras_ch8", f"tab_{theme}", (1440, 1200), dark, toggle, seconds=10)
            camera.browser.quit()


if __name__ == "__main__":
    main(*sys.argv[1:] or [None])
