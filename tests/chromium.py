"""Chromium, and TensorBoard in a process of its own for it to open. Tests without a browser skip by `MISSING`."""

import contextlib
import re
import shutil
import subprocess
import sys
import time

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
MISSING = pytest.mark.skipif(not (DRIVER and BROWSER), reason="no Chromium with its driver")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextlib.contextmanager
def chromium(profile, size=(1440, 900), notes=("browser",)):
    """Yield a browser with a window of this width and height; "performance" among its notes are its requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", dict.fromkeys(notes, "ALL"))
    for flag in [*FLAGS, "--window-size={},{}".format(*size), f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as browser:
        yield browser


@contextlib.contextmanager
def tensorboard(log_dir, *arguments):
    """Yield the address of TensorBoard with the tab, also where the package is not installed."""
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


def go_offline(browser, offline=True):
    """Let a browser reach no network, or any again."""
    browser.execute_cdp_cmd("Network.enable", {})
    conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def severe(browser):
    """Return what went wrong in the page since the last time."""
    return [row["message"] for row in browser.get_log("browser") if row["level"] == "SEVERE"]


def wait_for(condition, what, seconds=30, every=0.1):
    """Return what a function returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(every)
    return found
