"""What a person sees of a run: the file and the tab, in a browser."""

import json
import shutil
import time
from functools import partial

import keras
import numpy as np
import pytest

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium import webdriver

import keras_ch8
from keras_ch8.board.writer import RunWriter
from tests.board.readers import LOADERS
from tests.chromium import MISSING, chromium, severe, tensorboard, wait_for
from tests.cockpit.runs import FINE, VERDICT, curve, record, write
from tests.marks import mostly

pytestmark = [MISSING, pytest.mark.slow]
HOSTILE = "<img src=x onerror=alert(1)>"
PANELS = """
    for (const fold of document.querySelectorAll("details.rest")) fold.open = true;
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile"), notes=("performance", "browser")) as made:
        yield made


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Return a folder with a real run, a run whose names mean no good, and an ordinary one without a record."""
    folder = tmp_path_factory.mktemp("runs") / "logs"
    random = np.random.default_rng(0)
    x = random.normal(size=(512, 8)).astype("float32")
    model = keras.Sequential(
        [keras.Input((8,)), *(keras.layers.Dense(16, "tanh") for _ in range(3)), keras.layers.Dense(1)]
    )
    model.compile(keras_ch8.optimizers.Adam(0.01), "mse", metrics=["mae"])
    listed = [keras_ch8.callbacks.TensorBoard(folder / "real"), keras_ch8.callbacks.Diagnosis()]
    model.fit(x, x[:, :1] ** 2, epochs=6, validation_split=0.25, verbose=0, callbacks=listed)
    verdicts = [VERDICT | {"kind": HOSTILE, "finding": f"</script>{HOSTILE}", "cure": HOSTILE}, FINE]
    write(folder / HOSTILE, curve(30, **{f"epoch/{HOSTILE}": 1.0}), record(verdicts=verdicts))
    write(folder / "old", curve(20))
    return folder


def requested(browser):
    """Return the addresses that were asked for since the last time."""
    rows = (json.loads(row["message"])["message"] for row in browser.get_log("performance"))
    return [row["params"]["request"]["url"] for row in rows if row["method"] == "Network.requestWillBeSent"]


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


def seen(browser):
    """Wait until the page is drawn, and return the titles of its panels and its table."""
    waiting = "return document.querySelector('.ch8')?.dataset.waiting"
    wait_for(lambda: browser.execute_script(waiting) == "0", "all is drawn")
    panels = wait_for(lambda: browser.execute_script(PANELS), "panels")
    return panels, browser.execute_script(TABLE)


def open_tab(browser, address):
    browser.get("about:blank")
    browser.get(f"{address}/#keras_ch8")
    wait_for(lambda: browser.find_elements("css selector", "iframe"), "the tab")
    browser.switch_to.frame(0)


def zoom(browser, title):
    """Drag over the middle of a panel."""
    card = browser.find_element("css selector", f"[data-panel='{title}']")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", card)
    over = wait_for(lambda: card.find_elements("css selector", ".u-over"), title)[0]
    drag = webdriver.ActionChains(browser).move_to_element_with_offset(over, -60, 0).click_and_hold()
    drag.move_by_offset(60, 0).move_by_offset(60, 0).release().perform()


def can_reset_zoom(browser):
    (button,) = (b for b in browser.find_elements("css selector", "button") if b.text == "Reset zoom")
    return button.is_enabled()


def test_a_notebook_shows_the_page_in_a_frame_that_cannot_reach_it(browser, logs, tmp_path):
    shown = keras_ch8.report(logs)._repr_html_()
    (tmp_path / "notebook.html").write_text(f"<!doctype html><meta charset=utf-8><body>{shown}")
    requested(browser), severe(browser)
    browser.get((tmp_path / "notebook.html").as_uri())
    browser.switch_to.frame(0)
    panels, table = seen(browser)
    assert len(panels) > 12
    assert len(table) == 4
    with pytest.raises(Exception, match=r"cross-origin|Blocked a frame"):
        browser.execute_script("return parent.document.title")
    browser.switch_to.default_content()
    assert severe(browser) == []


@pytest.mark.parametrize("fast", mostly(pytest.mark.full, [False, True][: len(LOADERS)], len(LOADERS) > 1))
def test_tab_and_file_show_the_same(browser, logs, tmp_path, fast):
    shutil.copytree(logs, tmp_path / "logs")
    shutil.rmtree(tmp_path / "logs" / "old")
    keras_ch8.report(tmp_path / "logs", tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    expected = seen(browser)
    prefix = ["--path_prefix=/foo/bar"] if fast else []
    with tensorboard(tmp_path / "logs", f"--load_fast={str(fast).lower()}", *prefix) as address:
        requested(browser), severe(browser)
        open_tab(browser, address)
        wait_for(lambda: browser.execute_script(PANELS) == expected[0], "the panels of the file")
        assert seen(browser) == expected
        inline = "return [...document.scripts].filter(s => !s.src).map(s => s.textContent.trim())"
        (script,) = browser.execute_script(inline)  # TensorBoard's own, which imports ours
        assert "./static/tab.js" in script
        pixels = painted(browser)
        assert {title: count for title, count in pixels.items() if count <= 1000} == {}
        known = (address.removesuffix("/foo/bar"), "data:", "blob:", "chrome", "about:")
        assert [url for url in requested(browser) if not url.startswith(known)] == []
        assert [row for row in severe(browser) if "font-roboto" not in row] == []  # which TensorBoard seeks elsewhere


def document_requests(browser):
    return [url for url in requested(browser) if "/document?since=" in url]


def run_that_is_written(folder):
    """Return the writer of a run, and a function that writes points of these steps and a record."""
    writer = RunWriter.open(str(folder), 1)

    def write_on(steps, **said):
        writer.points((step, {"step/loss": 1 / step, "step/learning_rate": 0.1}) for step in steps)
        last = steps[-1]
        writer.record(lambda: record(**{"step": last, "ended": False, "now": time.time()} | said), last)

    return writer, write_on


def step_shown(browser):
    return int(browser.execute_script(TABLE)[1][-1].replace(",", ""))


def test_a_run_that_is_written_is_followed_to_its_end(browser, tmp_path):
    writer, write_on = run_that_is_written(tmp_path / "logs")
    write_on(range(1, 11))
    with tensorboard(tmp_path / "logs") as address:
        open_tab(browser, address)
        seen(browser)
        assert step_shown(browser) == 10
        zoom(browser, "Loss of minibatches")
        assert can_reset_zoom(browser)
        write_on(range(11, 21), verdicts=[VERDICT])
        wait_for(lambda: browser.find_elements("css selector", ".verdict.act"), "the verdict", seconds=10)
        assert step_shown(browser) == 20
        assert can_reset_zoom(browser), "the zoom is lost"
        write_on(range(21, 31), ended=True)
        wait_for(lambda: step_shown(browser) == 30, "the end", seconds=10)
        writer.close()


@pytest.mark.full  # since it waits for half a minute
def test_a_run_that_has_ended_is_asked_for_again_only_where_somebody_looks(browser, tmp_path):
    writer, write_on = run_that_is_written(tmp_path / "logs")
    write_on(range(1, 31), ended=True)
    with tensorboard(tmp_path / "logs") as address:
        open_tab(browser, address)
        seen(browser)
        assert step_shown(browser) == 30
        document_requests(browser)
        time.sleep(8)
        assert document_requests(browser) == []
        write_on(range(31, 41))  # the next fit
        writer.close()
        time.sleep(7)  # until TensorBoard has read it
        assert step_shown(browser) == 30
        browser.switch_to.default_content()
        browser.find_element("css selector", "app-header-reload button").click()
        browser.switch_to.frame(0)
        wait_for(lambda: step_shown(browser) == 40, "what is new after the reload", seconds=10)
        browser.switch_to.default_content()
        browser.execute_script("location.hash = '#scalars'")
        time.sleep(1)
        document_requests(browser)
        time.sleep(8)
        assert document_requests(browser) == [], "it asks while nobody looks"
        browser.execute_script("location.hash = '#keras_ch8'")
        wait_for(lambda: document_requests(browser), "a look when it is shown again", seconds=5)


def test_the_tab_is_dark_where_tensorboard_is(browser, logs, tmp_path):
    shutil.copytree(logs / "real", tmp_path / "logs")
    with tensorboard(tmp_path / "logs") as address:
        open_tab(browser, address)
        seen(browser)
        shades = set()
        for name in ("light", "dark"):
            browser.switch_to.default_content()
            browser.execute_script("document.body.classList.toggle('dark-mode', arguments[0])", name == "dark")
            browser.switch_to.frame(0)
            ground = "return getComputedStyle(document.querySelector('.ch8')).backgroundColor"
            wait_for(lambda name=name: browser.find_elements("css selector", f"html.{name}"), name)
            shades.add(browser.execute_script(ground))
    assert len(shades) == 2
