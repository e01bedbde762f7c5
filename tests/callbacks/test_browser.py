"""What a person sees: TensorBoard itself, in a browser. Skipped where there is none."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from keras_ch8 import callbacks
from keras_ch8 import optimizers as ours
from tests.callbacks.runs import X, Y, fit, network

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [pytest.mark.skipif(not (DRIVER and BROWSER), reason="no Chromium with its driver"), pytest.mark.slow]

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1500,2400",
]  # fmt: skip
TEXT = """
    const texts = [];
    (function walk(node) {
        if (node.nodeType === Node.TEXT_NODE && node.textContent.trim()) texts.push(node.textContent.trim());
        if (node.shadowRoot) walk(node.shadowRoot);
        if (!['STYLE', 'SCRIPT'].includes(node.nodeName)) node.childNodes.forEach(walk);
    })(document.body);
    return texts.join('\\n');
"""


@contextlib.contextmanager
def tensorboard(log_dir):
    code = "from tensorboard.main import run_main; run_main()"
    command = [sys.executable, "-W", "ignore", "-c", code, "--logdir", str(log_dir), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            for line in server.stderr:
                if found := re.search(r"http://\S+:(\d+)", line):
                    yield f"http://localhost:{found[1]}"
                    return
            raise AssertionError("TensorBoard did not start")
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a function that opens a dashboard and waits until all words are on it."""
    log_dir = tmp_path_factory.mktemp("logs")
    listed = [callbacks.TensorBoard(log_dir, update_freq=2, layers=True), callbacks.GradientClippingLogger()]
    fit(network(ours.SGD(0.1, global_clipnorm=0.5)), listed, epochs=20, validation_data=(X, Y))
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    with tensorboard(log_dir) as address, webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as browser:

        def look(dashboard, *words):
            browser.get("about:blank")
            browser.get(f"{address}/#{dashboard}")
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                text = browser.execute_script(TEXT)
                whole = text.replace("\n", "")  # long names come in pieces
                missing = [word for word in words if word not in text and word not in whole]
                if not missing:
                    break
                time.sleep(0.5)
            if folder := os.environ.get("SCREENSHOTS"):
                time.sleep(3)  # until the charts are drawn
                browser.save_screenshot(f"{folder}/{dashboard}.png")
            assert not missing, f"not on the page: {missing}"
            severe = [row["message"] for row in browser.get_log("browser") if row["level"] == "SEVERE"]
            assert not severe

        yield look


def test_the_scalars_are_on_the_page(page):
    page(
        "timeseries",
        "optimization",
        *(f"ch8/{name}" for name in ("clip_coefficient", "clipped_share", "gradient_norm")),
    )


def test_the_charts_of_custom_scalars_are_on_the_page(page):
    page("custom_scalars", "Is it learning?", "The step", "Clipping", "loss of minibatches")


def test_the_report_is_on_the_page(page):
    page("text", "ch8/report", "Steps 1 to 120.", "of 120 steps: the threshold acts as a learning rate", "not finite")


def test_the_heat_map_is_on_the_page(page):
    page("images", "ch8_layers/gradient_norms")
