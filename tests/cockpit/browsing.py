"""What a page in a browser asks for and shows, and TensorBoard with the tab in a process of its own."""

import contextlib
import json
import re
import subprocess
import sys
import time
from functools import partial

from tests.cockpit.browser import BROWSER, DRIVER, FLAGS, webdriver

PANELS = """
    const cards = [...document.querySelectorAll("[data-panel]")];
    return cards.filter(card => card.checkVisibility()).map(card => card.dataset.panel);
"""
TABLE = """
    const rows = [...document.querySelectorAll("table.runs tr")];
    return rows.map(row => [...row.cells].map(cell => cell.innerText.trim()));
"""
PAINTED = """
    const canvas = arguments[0];
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((count, x, i) => count + (i % 4 === 3 && x > 0), 0);
"""


@contextlib.contextmanager
def noting(profile):
    """Return a browser that notes what it requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as browser:
        yield browser


def requested(browser):
    """Return the addresses that were asked for since the last time."""
    rows = (json.loads(row["message"])["message"] for row in browser.get_log("performance"))
    return [row["params"]["request"]["url"] for row in rows if row["method"] == "Network.requestWillBeSent"]


def severe(browser):
    """Return what went wrong in the page."""
    return [row["message"] for row in browser.get_log("browser") if row["level"] == "SEVERE"]


def wait_for(condition, what, seconds=30):
    """Return what a function returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.1)
    return found


def painted(browser):
    """Scroll to each panel that is to be seen, and return by their titles how many pixels of them are painted."""

    def pixels(card):
        canvas = card.find_elements("css selector", "canvas")
        return canvas and browser.execute_script(PAINTED, canvas[0])

    found = {}
    for card in browser.find_elements("css selector", "[data-panel]"):
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", card)
        found[card.get_attribute("data-panel")] = wait_for(partial(pixels, card), card.text)
    return found


@contextlib.contextmanager
def tensorboard(log_dir, *arguments):
    """Return the address of TensorBoard with the tab, also where the package is not installed."""
    code = (
        "import sys\nfrom tensorboard import default, program\nfrom keras_ch8.cockpit.loader import Loader\n"
        "others = [p for p in default.get_plugins() if getattr(p, '__module__', '') != Loader.__module__]\n"
        "board = program.TensorBoard(plugins=[*others, Loader])\nboard.configure(sys.argv)\nsys.exit(board.main())"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, "--logdir", str(log_dir), "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            for line in server.stderr:
                if found := re.search(r"at (http://\S+)/", line):
                    yield found[1]
                    return
            raise AssertionError("TensorBoard did not start")
        finally:
            server.terminate()
