"""Chromium with a page of the cockpit in it, and what a test asks of it."""

import contextlib
import json

from keras_ch8.cockpit import page
from tests.chromium import chromium, go_offline, severe, wait_for

WORK = "ScriptDuration", "LayoutDuration", "RecalcStyleDuration"
NOTHING = "\N{EN DASH}"
"""What stands where there is no number."""
PIXELS = """
    return [...document.querySelectorAll("canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let [painted, colored] = [0, 0];
        for (let i = 0; i < data.length; i += 4) {
            const [low, high] = [Math.min(...data.slice(i, i + 3)), Math.max(...data.slice(i, i + 3))];
            if (data[i + 3]) painted++;
            if (data[i + 3] > 100 && high - low > 40) colored++;
        }
        return [canvas.closest(".card").dataset.panel, painted, colored];
    });
"""
"""Of each canvas: its panel, how many pixels are painted, and how many in a colour."""
WORDS = "return arguments[0].textContent.replace(/\\s+/g, ' ')"
"""All words of an element."""
DRAWN = """
    const [draw, done] = arguments;
    const start = performance.now();
    const element = document.querySelector(".ch8");
    new Function(draw)();
    let painted;
    const wait = () => {
        painted ??= performance.now() - start;
        if (element.dataset.waiting === "0") done([painted, performance.now() - start]);
        else setTimeout(wait, 5);
    };
    requestAnimationFrame(() => setTimeout(wait));
"""


def host(document):
    """Return a file that needs nothing beside it, with the page of a document."""
    inline = json.dumps(document, allow_nan=False).replace("</", r"<\/")
    return (
        f'<!doctype html><meta charset="utf-8"><style>body {{ margin: 0 }}\n{page.style()}</style>'
        '<div id="page"></div>'
        f'<script id="document" type="application/json">{inline}</script><script type="module">{page.script()}\n'
        'const [data, page] = ["document", "page"].map((id) => document.getElementById(id));\n'
        "Object.assign(window, { render, clear, page, data: JSON.parse(data.textContent) });\n"
        "const begun = performance.now(); render(window.data, page); window.took = performance.now() - begun;</script>"
    )


UNFOLDED = """
    for (const fold of document.querySelectorAll("details.rest")) fold.open = true;
    return [...document.querySelectorAll("article:not([hidden])")].every((card) => card.querySelector("canvas"));
"""


class Page:
    """A browser with one page."""

    def __init__(self, browser, folder):
        self.browser, self.folder = browser, folder

    def open(self, document, width=1440, height=900, dark=False, html=None, unfold=True):
        """Show a document with all its curves, and wait until it is drawn; nothing may have gone wrong."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        file = self.folder / "page.html"
        file.write_text(html or host(document), encoding="utf-8")
        self.browser.get("about:blank")
        self.browser.get_log("browser")
        self.browser.get(file.as_uri())
        self.wait()
        if unfold:
            wait_for(lambda: self.js(UNFOLDED), "all is unfolded and drawn", every=0.02)
            self.wait()

    def wait(self):
        waiting = "return document.querySelector('.ch8')?.dataset.waiting"
        wait_for(lambda: self.js(waiting) == "0", "all is drawn", every=0.02)
        self.is_sound()

    def is_sound(self):
        assert not severe(self.browser)

    def js(self, code, *args):
        return self.browser.execute_script(code, *args)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def scroll_to(self, element):
        """Have an element in the middle, and uPlot know where it is now."""
        self.js("arguments[0].scrollIntoView({ block: 'center' })", element)
        self.browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]));")
        self.wait()

    def drawn(self, code):
        """Run code that draws; return the milliseconds until what is in view is painted, and until all is."""
        first, all_of_it = self.browser.execute_async_script(DRAWN, code)
        self.is_sound()
        return first, all_of_it

    def cpu(self, code):
        """Run code that draws; return the milliseconds of its processor until what is in view is painted.

        The time on a clock is that of whatever else the machine does too.
        """
        before = self._worked()
        self.browser.execute_async_script(f"requestAnimationFrame(() => setTimeout(arguments[0]));\n{code}")
        took = self._worked() - before
        self.wait()
        return took

    def _worked(self):
        self.browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        metrics = self.browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return 1000 * sum(metric["value"] for metric in metrics if metric["name"] in WORK)

    def text(self):
        return self.js("return document.querySelector('.ch8').innerText")

    def cells(self, card):
        """Return the numbers below a panel: {(run, series): text}."""
        rows = self.js(
            """const tags = [...arguments[0].querySelectorAll(".legend thead th.number")].map((head) => head.title);
            return [...arguments[0].querySelectorAll(".legend tbody tr")].flatMap((row) =>
                [...row.querySelectorAll("td")].map(
                    (cell, i) => [row.cells[0].textContent, tags[i], cell.textContent]));
            """,
            card,
        )
        return {(name, tag): text for name, tag, text in rows}

    def card(self, title):
        (found,) = [card for card in self.all(".card:not([hidden])") if card.get_attribute("data-panel") == title]
        return found

    def row(self, run):
        (found,) = [row for row in self.all(".runs tbody tr") if row.get_attribute("data-run") == run]
        return found


@contextlib.contextmanager
def offline_page(folder):
    """Yield a page, in a browser that cannot reach a network."""
    with chromium(folder / "profile") as browser:
        go_offline(browser)
        yield Page(browser, folder)
