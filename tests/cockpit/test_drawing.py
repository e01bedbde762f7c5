"""What a person sees of the charts of generated documents, in a real browser."""

import re

import numpy as np
import pytest

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains

from keras_ch8.board import panels
from tests.chromium import MISSING
from tests.cockpit.browser import NOTHING, PIXELS
from tests.cockpit.documents import STEPS, curves, document, layers, ordinary, run, series, verdict

pytestmark = [MISSING, pytest.mark.slow]


def test_a_fold_has_the_charts_that_nothing_asks_for(page, six):
    page.open(six, unfold=False)
    (fold,) = page.all("details.rest")
    folded = fold.find_elements("css selector", ".card")
    summary = fold.find_element("css selector", "summary")
    assert fold.get_attribute("open") is None
    assert summary.text == f"All other charts: {len(folded)}"
    assert len(folded) > 15
    seen = [card.get_attribute("data-panel") for card in page.all(".card") if card.is_displayed()]
    assert seen[:3] == ["Loss", "Learning rate", "Gradient norm"]
    assert not fold.find_elements("css selector", ".card:is(.act, .watch)")
    asked = page.all(".part-groups:not(.rest *) .card:not(:has(.scale))")[2:]
    assert all(set(card.get_attribute("class").split()) & {"act", "watch"} for card in asked)
    assert not any(card.is_displayed() for card in folded)
    page.all(".tools nav button")[-1].click()
    page.wait()
    assert all(card.is_displayed() for card in folded)
    last = page.js("return arguments[0].getBoundingClientRect().top", page.all(".rest h2")[-1])
    assert -60 < last < 900, "a link into the fold opens it"
    page.scroll_to(summary)
    summary.click()
    page.drawn("const more = structuredClone(data); more.runs.pop(); render(more, page);")
    assert fold.get_attribute("open") is None, "what somebody has closed stays so"
    assert summary.text.startswith("All other charts: ")
    assert summary.text != f"All other charts: {len(folded)}"


def test_nothing_is_folded_where_that_would_be_all(page):
    rng = np.random.default_rng(8)
    page.open(document(run("norms", {"step/weight_norm": ordinary(rng, STEPS)["step/weight_norm"]})), unfold=False)
    assert [card.is_displayed() for card in page.all(".card")] == [True]


def test_no_panel_is_empty_and_each_says_how_to_read_it(page, six):
    page.open(six)
    units = {panel["title"]: panel["unit"] for panel in six["panels"]}
    for card in page.all(".card"):
        assert card.find_elements("css selector", ".legend tbody tr, .scale")
        unit = units[card.get_attribute("data-panel")]
        says = f"[{unit}]" in card.find_element("css selector", ".axis").text
        assert says != unit.startswith(("ratio", "as ")), "which says nothing"
    assert page.card("Loss").find_element("css selector", ".axis").text == "[loss] log axis"
    assert not re.search(r"\b(null|undefined|Infinity|\[object|\[ratio\])\b", page.text())
    unread = [
        card.get_attribute("data-panel")
        for card in page.all(".card")
        if not card.find_element("css selector", ".read").text
    ]
    described = {panel["title"] for panel in six["panels"] if panel["read"] or panel["map"]}
    assert described.isdisjoint(unread)
    titles = [card.get_attribute("data-panel") for card in page.all(".card")]
    assert titles[0] == "Loss"
    assert "Trust ratio" not in titles, "no run has it"
    assert "Heads and tails" in titles, "of a run's own"
    headings = [heading.text.upper() for heading in page.all("h2")]
    assert headings[:2] == ["AT A GLANCE", "WHERE SOMETHING IS WRONG"]
    assert headings[2:] == [each.upper() for each in panels.GROUPS.values() if each.upper() in headings]
    lefts = [heading.rect["x"] for heading in page.all("h2")]
    assert set(lefts) == {lefts[0]}, "each begins a row"
    assert len(headings) > 9
    flow = titles.index("Gradient from layer to layer")
    assert titles[flow + 1 : flow + 4] == ["Gradient at each layer"] * 3, "the maps are beside their curve"


def test_every_chart_says_what_it_shows_to_those_who_cannot_see_it(page):
    fell = {"epoch/loss": series([1, 2], [2.3, 2.1]), "epoch/val_loss": series([1, 2], [2.2, np.nan])}
    rng = np.random.default_rng(6)
    page.open(document(run("sick", fell, layers=[layers(rng, [1, 50], ["conv", "dense"], 1.0)])))
    texts = [plot.get_attribute("aria-label") for plot in page.all('.plot[role="img"]')]
    assert texts == [
        "Loss. loss of sick: 2.3 to 2.1; val_loss of sick: 2.2 to NaN",
        "Gradient at each layer of sick: 2 rows, 2 columns",
    ]


COLUMN = """
    const [card, place] = arguments;
    const [canvas, over] = [card.querySelector("canvas"), card.querySelector(".u-over")];
    const x = over.offsetLeft + Math.round(place * over.clientWidth);
    const { data } = canvas.getContext("2d").getImageData(x, over.offsetTop, 1, over.clientHeight);
    return [...Array(over.clientHeight).keys()].map((y) => [...data.slice(4 * y, 4 * y + 4)]);
"""


def test_the_steps_of_nan_are_shaded_and_the_others_are_not(page):
    values = [*np.geomspace(2, 1, 10), *[np.nan] * 10]
    page.open(document(run("nan", curves(values, [*range(1, 21)]))))
    card = page.card("Loss of minibatches")
    clear, shaded = (page.js(COLUMN, card, place) for place in (0.21, 0.93))
    assert sum(pixel[3] > 0 for pixel in clear) < 0.2 * len(clear)
    assert sum(pixel[3] > 0 for pixel in shaded) > 0.9 * len(shaded)
    assert page.all("h1")[0].text == "ACTThe loss is NaN from step 11 on"
    assert page.js("return getComputedStyle(document.querySelector('.nan')).color") == "rgb(194, 41, 41)"


def test_a_limit_is_a_band_on_the_side_where_something_is_wrong(page):
    tag = "diagnosis/backward_factor"
    lines = {tag: [{"value": 0.7, "label": "act: vanishing", "direction": "below"}]}
    found = verdict("vanishing", "act", "It vanishes.", of=tag)
    factors = curves(np.geomspace(2, 0.1, 50), range(1, 51), tag=tag)
    for verdicts, is_drawn in (((found,), True), ((), False)):
        page.open(document(run("deep", factors, *verdicts, lines=lines)))
        column = page.js(COLUMN, page.card("Gradient from layer to layer"), 0.9)
        upper, lower = column[: len(column) // 4], column[-len(column) // 4 :]
        assert sum(pixel[3] > 0 for pixel in upper) < 0.3 * len(upper)
        assert (sum(pixel[3] > 0 and pixel[0] > pixel[2] for pixel in lower) > 0.6 * len(lower)) == is_drawn


def test_a_few_values_far_away_do_not_hide_the_others(page):
    values = np.sin(np.arange(200) / 9)
    values[[50, 120]] = 90.0, -90.0
    page.open(document(run("wild", curves(values, tag="diagnosis/step_over_best"))))
    card = page.card("Step length / best (1 ideal, > 2 diverges)")
    rows = {
        y
        for place in np.linspace(0.05, 0.95, 60)
        for y, pixel in enumerate(page.js(COLUMN, card, place))
        if pixel[2] > 150 and pixel[0] < 90
    }
    assert np.ptp(sorted(rows)) > 50
    assert "wide at its ends" in card.find_element("css selector", ".axis").text


def test_a_spike_in_200000_steps_has_a_pixel_in_the_top_fifth(page):
    steps = np.arange(1, 200_001, 223)
    values = 0.5 + 2 * np.exp(-steps / 4e4)
    high, spikes = values * 1.05, [100, 333, 600, 850]
    high[spikes] = 40.0
    page.open(document(run("long", curves(values, steps, low=values * 0.95, high=high))))
    columns = page.js(
        """const card = document.querySelector("[data-panel='Loss of minibatches']");
        const [canvas, over] = [card.querySelector("canvas"), card.querySelector(".u-over")];
        const [x, y, width, height] = [over.offsetLeft, over.offsetTop, over.clientWidth, over.clientHeight];
        const { data } = canvas.getContext("2d").getImageData(x, y, width, Math.floor(height / 5));
        const found = new Set();
        for (let i = 0; i < data.length; i += 4) if (data[i + 2] - data[i] > 40) found.add((i / 4) % width);
        return [[...found], width];"""
    )
    at = sorted(np.array(columns[0]) / columns[1] * 202_000 - 1000)
    for spike in spikes:
        assert min(abs(step - steps[spike]) for step in at) < 1500
    assert all(min(abs(step - steps[spike]) for spike in spikes) < 3000 for step in at), "and nothing else is there"


ODD = {
    "fifteen decades": np.geomspace(1e-12, 1e3, 150),
    "not finite": np.where(np.arange(150) % 7, np.linspace(1, 2, 150), np.nan),
    "nothing finite": np.full(150, np.nan),
    "infinite": np.where(np.arange(150) == 75, np.inf, 1.0),
    "one point": np.array([0.5]),
    "no point": np.array([]),
    "constant": np.full(150, 3.0),
    "zero": np.zeros(150),
    "tiny and constant": np.full(150, 1e-30),
    "negative": np.linspace(-5, 5, 150),
    "huge": np.geomspace(1, 1e300, 150),
    "next to each other": 1 + np.arange(150) * 1e-9,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_numbers_are_drawn_in_less_than_a_second(page, name):
    page.open(document(run(name, curves(ODD[name])), run("other", {})))
    _, milliseconds = page.drawn("clear(page); render(data, page);")
    assert milliseconds < 1000
    shown = np.isfinite(ODD[name]).any()
    assert len(page.all("canvas")) == int(shown)
    assert all(painted > 1000 and colored > 5 for _, painted, colored in page.js(PIXELS))
    assert not re.search(r"\b(null|undefined|Infinity)\b", page.text())
    page.drawn("document.querySelector('.tools button')?.click();")


def drag(page, card, start, end):
    """Drag from one fraction of the width of a plot to another."""
    over = card.find_element("css selector", ".u-over")
    page.scroll_to(over)
    width = over.size["width"]
    chain = ActionChains(page.browser, duration=50)
    chain.move_to_element_with_offset(over, (start - 0.5) * width, 0).click_and_hold()
    chain.move_to_element_with_offset(over, (end - 0.5) * width, 5).release().perform()
    page.wait()


def at(page, card, place=0.005):
    """Return the step that the cursor reads at a fraction of the width."""
    over = card.find_element("css selector", ".u-over")
    page.scroll_to(over)
    ActionChains(page.browser, duration=0).move_to_element_with_offset(
        over, (place - 0.5) * over.size["width"], 9
    ).perform()
    said = card.find_element("css selector", ".legend th").text
    assert said.startswith("at ")
    return float(said[3:].replace(",", ""))


def test_zoom_and_cursor_are_shared_and_stay_when_new_numbers_come(page, six):
    page.open(six)
    loss, norm = page.card("Loss of minibatches"), page.card("Gradient norm")
    assert at(page, loss, 0.02) < 20
    assert page.cells(loss)["lbfgs", "step/loss"] != NOTHING
    assert at(page, loss, 0.5) == pytest.approx(430, abs=10)
    assert page.cells(loss)["lbfgs", "step/loss"] == NOTHING, "which has ended there"
    assert float(page.cells(loss)["tanh_deep", "step/loss"]) == pytest.approx(
        np.interp(430, STEPS, six["runs"][2]["series"]["step/loss"]["values"]), rel=0.2
    )
    near = page.card("Length of the update")
    assert near.find_element("css selector", ".legend th").text.startswith("at 4"), "the cursor is shared"
    reset = page.all(".tools > button")[1]
    assert not reset.is_enabled()
    drag(page, loss, 0.5, 0.75)
    assert at(page, norm) == pytest.approx(430, abs=10)
    assert at(page, norm, 0.995) == pytest.approx(645, abs=10)
    page.row("lbfgs").click()
    summary = page.all(".verdict summary")[0]
    page.scroll_to(summary)
    summary.click()
    newer = """
        const newer = structuredClone(data);
        for (const run of newer.runs) for (const series of Object.values(run.series)) {
            const n = series.steps.length;
            series.steps.push(series.steps[n - 1] + 100);
            for (const name of ["values", "low", "high"]) series[name]?.push(series[name][n - 1] * 1.5);
        }
        newer.runs.push({ ...structuredClone(newer.runs[1]), name: "another" });
        newer.rows.push({ ...newer.rows[1], name: "another", runs: ["another"] });
        render(newer, page);
    """
    page.drawn(newer)
    loss, norm = page.card("Loss of minibatches"), page.card("Gradient norm")
    assert at(page, norm) == pytest.approx(430, abs=10)
    assert "off" in page.row("lbfgs").get_attribute("class")
    assert page.all(".verdict")[0].get_attribute("open") is None, "what somebody has closed stays so"
    assert ("another", "step/loss") in page.cells(loss)
    over = loss.find_element("css selector", ".u-over")
    page.scroll_to(over)
    ActionChains(page.browser).double_click(over).perform()
    page.wait()
    assert at(page, norm) < 20
    assert not page.all(".tools > button")[1].is_enabled()


def test_new_numbers_are_drawn_in_the_plot_that_is_there(page):
    rng = np.random.default_rng(4)
    page.open(document(run("live", ordinary(rng, STEPS), ended=False), run("done", ordinary(rng, STEPS)), live=True))
    assert "running" in page.row("live").text
    assert "running" not in page.row("done").text
    assert re.search(r"as of \d\d:\d\d:\d\d, step 856: reload for newer", page.text())
    page.js("window.before = [...document.querySelectorAll('canvas')]; window.pixels = before[0].toDataURL()")
    page.drawn(
        """const { series } = data.runs[0];
        for (const { steps, values } of Object.values(series)) { steps.push(2000); values.push(9); }
        data.runs[0].step = 2000; data.live = true; data.runs[0].series["step/loss"].low.push(9);
        data.runs[0].series["step/loss"].high.push(9);
        render(data, page);"""
    )
    page.js("document.querySelectorAll('.card')[0].scrollIntoView()")
    page.wait()
    assert page.js("return window.before.every((canvas) => canvas.isConnected)"), "no plot is built anew"
    assert page.js("return window.before[0].toDataURL() !== window.pixels")
    assert page.cells(page.card("Loss of minibatches"))["live", "step/loss"] == "9"
    assert "step 2,000: reload for newer" in page.text()
    page.drawn("data.runs[0].news = null; render(data, page);")
    assert not page.all(".live")


def test_what_a_panel_shows_can_be_saved(page):
    name = 'comma, "quote"'
    values = np.array([3.0, np.nan, 1.0])
    found = curves(values, [1, 5, 9], low=values / 2, high=values * 2)
    page.open(document(run(name, found), run("other", curves(values * 2, [1, 2, 3]))))
    page.js("URL.createObjectURL = (blob) => { window.saved = blob.text(); return '#'; }")
    page.js("document.querySelector('.csv').click()")
    saved = page.browser.execute_async_script("window.saved.then(arguments[0])")
    assert saved.splitlines() == [
        'batches trained on,"comma, ""quote"": step/loss","comma, ""quote"": step/loss (max)",'
        '"comma, ""quote"": step/loss (min)",other: step/loss',
        "1,3,6,1.5,6",
        "2,,,,",
        "3,,,,2",
        "5,,,,",
        "9,1,2,0.5,",
    ]


def test_a_heat_map_names_its_layers_and_shares_its_colours(page):
    rng = np.random.default_rng(6)
    weak, strong = (layers(rng, [1, 50, 99], ["conv", "dense"], factor) for factor in (1e-3, 1.0))
    sick = verdict("vanishing", "act", "The gradient vanishes.")
    both = [
        run("weak", ordinary(rng, STEPS), sick, layers=[weak]),
        run("strong", ordinary(rng, STEPS), layers=[strong]),
    ]
    page.open(document(*both))
    maps = [card for card in page.all(".card") if card.get_attribute("data-panel") == "Gradient at each layer"]
    assert [[name.text for name in card.find_elements("css selector", ".rows span")] for card in maps] == [
        ["1 conv", "2 dense"]
    ] * 2
    (top,) = {card.find_element("css selector", "canvas").rect["y"] for card in maps}
    assert top > 0, "rows of the same layers stand at one height, whatever is said above"
    first, second = (card.find_element("css selector", ".scale").text for card in maps)
    assert first == second
    assert "NaN" in first
    over = maps[0].find_element("css selector", ".u-over")
    page.scroll_to(over)
    height = over.size["height"]
    ActionChains(page.browser, duration=0).move_to_element_with_offset(
        over, -over.size["width"] * 0.49, -height / 4
    ).perform()
    assert maps[0].find_element("css selector", ".said").text == f"conv, step 1: {weak['values'][0][0]:.3g}"
    colors = """
        const [canvas, over] = [arguments[0].querySelector("canvas"), arguments[0].querySelector(".u-over")];
        const y = over.offsetTop + over.clientHeight * arguments[1];
        return [...canvas.getContext("2d").getImageData(over.offsetLeft + 4, y, 1, 1).data].slice(0, 3);
    """
    dark, bright = (page.js(colors, card, 0.25) for card in maps)
    assert sum(dark) < sum(bright)
    assert page.js(colors, maps[0], 0.75) == pytest.approx(page.js(colors, maps[1], 0.75), abs=40)
