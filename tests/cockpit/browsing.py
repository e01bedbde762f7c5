"""What a page in a browser asks for and shows."""

import json
from functools import partial

from tests.chromium import wait_for

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
