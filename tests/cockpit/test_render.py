"""The page in a real browser, without a network: what holds for all of it."""

import numpy as np
import pytest

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from keras_ch8.board import panels
from keras_ch8.cockpit import page as file
from tests.chromium import MISSING
from tests.cockpit.browser import NOTHING, PIXELS
from tests.cockpit.documents import HOSTILE, STEPS, curves, document, layers, ordinary, run, series, verdict

pytestmark = [MISSING, pytest.mark.slow]

CONTRAST = """
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
        ctx.clearRect(0, 0, 1, 1);
        ctx.fillStyle = color;
        ctx.fillRect(0, 0, 1, 1);
        return [...ctx.getImageData(0, 0, 1, 1).data];
    };
    const light = (color) => {
        const curve = (c) => (c <= 0.04 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const linear = rgba(color).slice(0, 3).map((c) => curve(c / 255));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const ground = (element) => {
        for (; element; element = element.parentElement) {
            const color = getComputedStyle(element).backgroundColor;
            if (rgba(color)[3] === 255) return color;
        }
        return "white";
    };
    const found = {};
    const walk = document.createTreeWalker(document.querySelector(".ch8"), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.textContent.trim() || !element.getClientRects().length) continue;
        const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
        found[walk.currentNode.textContent.trim()] = (a + 0.05) / (b + 0.05);
    }
    return found;
"""


def test_nothing_is_fetched_and_every_canvas_is_painted(page, six):
    page.open(six, html=file.page(six))
    assert page.js("return performance.getEntriesByType('resource').length") == 0
    found = page.js(PIXELS)
    assert len(found) == len(page.all(".card")) > 25
    assert not [panel for panel in found if panel[1] <= 1000 or panel[2] <= 20]


def test_everything_that_is_clicked_is_24_pixels_high(page, six):
    for width in (1440, 390):
        page.open(six, width)
        page.js("document.querySelectorAll('.verdict, .verdict details').forEach((block) => (block.open = true))")
        small = [each.text for each in page.all("button, summary") if each.is_displayed() and each.rect["height"] < 24]
        assert not small


def test_a_printed_page_shows_what_is_folded_and_hides_what_can_be_clicked(page, six):
    page.open(six, unfold=False)
    why = page.all(".verdict .body > details:last-child li:last-child")[0]
    is_seen = "return arguments[0].checkVisibility() && arguments[0].getBoundingClientRect().height > 0"
    assert not page.js(is_seen, why)
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.js(is_seen, why)
    assert not any(each.is_displayed() for each in page.all(".tools, .csv, .copy, .rest"))
    style = "const style = getComputedStyle(arguments[0]); return arguments[1].map((name) => style[name])"
    assert page.js(style, page.all(".card")[0], ["breakInside", "printColorAdjust"]) == ["avoid", "exact"]
    assert page.js(style, page.all("pre")[0], ["whiteSpace"]) == ["pre-wrap"]
    assert page.js(style, page.all(".ch8")[0], ["backgroundColor"]) == ["rgb(255, 255, 255)"]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_runs_of_any_lengths_and_those_without_a_record_stand_beside_each_other(page):
    rng = np.random.default_rng(1)
    old = run("old", ordinary(rng, STEPS), record=False)
    torn = run("torn", curves(np.linspace(2, 1, 12)), problem="The event file ends in the middle of an entry.")
    page.open(document(old, torn, run("long", ordinary(rng, np.arange(1, 4000, 7))), run("nothing", {})))
    assert "not checked" in page.row("old").text
    assert 'callbacks=[keras_ch8.Doctor("logs")]' in page.text()
    assert "The event file ends in the middle of an entry." in page.row("torn").text
    assert set(page.cells(page.card("Loss of minibatches"))) == {
        (name, "step/loss") for name in ("old", "torn", "long")
    }
    assert NOTHING in page.row("nothing").text
    page.is_sound()


def test_whatever_something_is_called_it_is_text(page):
    rng = np.random.default_rng(2)
    tag = f"mine/{HOSTILE}"
    mine = {
        "title": f"panel {HOSTILE}", "unit": HOSTILE, "section": "8.2", "series": [tag], "kinds": [HOSTILE],
        "events": [HOSTILE], "lines": [{"value": 1.5, "label": HOSTILE}], "log": True,
        "place": 0, "read": HOSTILE,
    }  # fmt: skip
    found = verdict(
        HOSTILE, "act", HOSTILE, cure=HOSTILE, section=HOSTILE, why=[HOSTILE], code=HOSTILE, of=tag, value=1.0
    )
    more = {
        "panels": [mine], "layers": [layers(rng, STEPS[:9], [HOSTILE, "dense"], 0.5, title=HOSTILE)],
        "events": [{"step": 5, "kind": HOSTILE, "text": HOSTILE}], "problem": HOSTILE,
        "hyperparameters": {"optimizer": HOSTILE, "learning_rate": HOSTILE},
        "stopping": {"metric": HOSTILE, "best": 1.0, "best_epoch": 2, "patience_left": 1, "reason": HOSTILE},
    }  # fmt: skip
    made = run(HOSTILE, curves(np.linspace(1, 2, 50), tag=tag) | curves(np.linspace(1, 2, 50)), found, **more)
    made = document(made, title=HOSTILE)
    for panel in made["panels"]:
        panel["heading"] = panel["heading"] and HOSTILE
    page.open(made)
    assert page.js("return window.hurt") is None
    assert not page.all("img, .ch8 script, .ch8 b b")
    assert len(page.all(".card")) == 3
    assert page.text().count("<img src=x onerror=") > 12
    long = "very_" * 60
    page.open(document(run(long, curves(np.linspace(1, 2, 50)))), width=600)
    assert page.js("return document.documentElement.scrollWidth") <= 600
    assert page.all(".runs .short")[0].get_attribute("title") == long


@pytest.mark.full
def test_24_runs_of_20_series_are_there_at_once(page):
    rng = np.random.default_rng(3)
    tags = [panel.series[0] for panel in panels.PANELS if "*" not in panel.series[0]][:20]
    steps = np.arange(1, 200_001, 200)
    runs = []
    for i in range(24):
        walk = np.exp(np.cumsum(rng.normal(size=(20, 1000)), axis=1) / 30)
        runs.append(run(f"run_{i}", {tag: series(steps, values) for tag, values in zip(tags, walk, strict=True)}))
    page.open(document(*runs))
    assert len(page.all(".card")) >= 18
    assert min(page.cpu("clear(page); render(data, page);") for _ in range(3)) < 2000
    hide = "document.querySelector('[data-run={}]').click();"
    assert min(page.cpu(hide.format(name)) for name in ("run_3", "run_9", "run_3", "run_17", "run_9")) < 100
    assert len(page.all(".runs .off")) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_every_word_stands_out_from_its_ground(page, six, dark):
    live = document(*six["runs"], live=True)
    live["runs"][0]["news"], live["runs"][1]["problem"] = 1.0, "Something is torn."
    page.open(live, dark=dark)
    page.row("everything").click()
    page.drawn("document.querySelectorAll('details').forEach((details) => (details.open = true));")
    found = page.js(CONTRAST)
    assert len(found) > 100
    assert not {text: ratio for text, ratio in found.items() if ratio < 4.5}
    ground = page.js("return getComputedStyle(document.querySelector('.ch8')).backgroundColor")
    assert (ground != "rgb(255, 255, 255)") == dark
    before = page.js("return document.querySelector('canvas').toDataURL()")
    page.drawn(f"document.documentElement.className = '{'light' if dark else 'dark'}';")
    assert page.js("return getComputedStyle(document.querySelector('.ch8')).backgroundColor") != ground
    page.wait()
    assert page.js("return document.querySelector('canvas').toDataURL()") != before
    assert min(page.js(CONTRAST).values()) >= 4.5
    page.js("document.documentElement.className = ''")


def test_the_keyboard_is_enough(page, six):
    page.open(six)

    def tab_to(focus):
        for _ in range(60):
            ActionChains(page.browser).send_keys(Keys.TAB).perform()
            if page.js("return document.activeElement.dataset.focus") == focus:
                return
        raise AssertionError(f"no way to {focus}")

    page.all("h1")[0].click()
    tab_to("checks cnn_healthy")
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    assert "check_12" in page.row("cnn_healthy").text
    outline = page.js("const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth]")
    assert outline == ["solid", "2px"]
    page.js("document.activeElement.blur(); scrollTo(0, 0)")
    page.all("h1")[0].click()
    tab_to("tanh_deep")
    for key, is_off in ((Keys.ENTER, True), (Keys.SPACE, False), (Keys.SPACE, True)):
        ActionChains(page.browser).send_keys(key).perform()
        assert ("off" in page.row("tanh_deep").get_attribute("class")) == is_off
        assert page.js("return document.activeElement.dataset.run") == "tanh_deep", "the focus stays"
    assert not [block for block in page.all(".verdict") if "tanh_deep" in block.text], "its verdicts are gone with it"
    assert ("tanh_deep", "step/loss") not in page.cells(page.card("Loss of minibatches"))


def test_nothing_is_left_behind(page, six):
    page.open(six)
    watchers = """
        window.alive = 0;
        for (const name of ["ResizeObserver", "IntersectionObserver", "MutationObserver"]) {
            const real = window[name];
            window[name] = class extends real {
                constructor(...args) { super(...args); window.alive++; }
                disconnect() { super.disconnect(); window.alive--; }
            };
        }
        clear(page);
    """
    page.js(watchers.replace("clear(page);", "clear(page); window.alive = 0;"))
    assert not page.all("canvas")
    for _ in range(8):
        page.drawn("render(data, page); document.querySelector('.tools button').click();")
    assert page.js("return window.alive") == 3
    assert len(page.all("canvas")) == len(page.all(".card")) == len(page.all(".uplot"))
    page.drawn("const fewer = structuredClone(data); fewer.runs.length = 1; render(fewer, page);")
    assert len(page.all("canvas")) == len(page.all(".card")) < 12
    page.js("clear(page)")
    assert page.js("return [window.alive, page.children.length]") == [0, 0]


def test_the_page_fits_a_narrow_window(page, six):
    page.open(six, width=390)
    assert page.js("return document.documentElement.scrollWidth") <= 390
    cells = page.all(".runs :is(th, td)")
    assert all(cell.rect["x"] + cell.rect["width"] <= 390 for cell in cells), "each column of the table is in view"
    page.open(six, width=600)
    assert page.js("return document.documentElement.scrollWidth") <= 600
    cards = page.all(".card")
    assert all(card.rect["width"] > 520 for card in cards)
    page.open(six, width=1440)
    before = [canvas.size["width"] for canvas in page.all("canvas")]
    size = {"width": 1000, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.drawn("")
    page.wait()
    after = [canvas.size["width"] for canvas in page.all("canvas")]
    assert all(a > b for a, b in zip(after[1:], before[1:], strict=True)), "two columns are wider than three"
