"""The page in a real browser, without a network: what a person sees of generated documents."""

import re

import numpy as np
import pytest

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from keras_ch8.board import panels
from keras_ch8.cockpit import page as file
from tests.chromium import MISSING
from tests.cockpit import browser, documents
from tests.cockpit.documents import HOSTILE, STEPS, document, layers, ordinary, run, series, verdict

pytestmark = [MISSING, pytest.mark.slow]

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


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser.offline_page(tmp_path_factory.mktemp("page")) as found:
        yield found


@pytest.fixture(scope="module")
def six():
    return document(*documents.six_runs())


def curves(values, steps=None, tag="step/loss", **band):
    return {tag: series(STEPS[: len(values)] if steps is None else steps, values, **band)}


def cells(page, card):
    """Return the numbers below a panel: {(run, series): text}."""
    rows = page.js(
        """const tags = [...arguments[0].querySelectorAll(".legend thead th.number")].map((head) => head.title);
        return [...arguments[0].querySelectorAll(".legend tbody tr")].flatMap((row) =>
            [...row.querySelectorAll("td")].map((cell, i) => [row.cells[0].textContent, tags[i], cell.textContent]));
        """,
        card,
    )
    return {(name, tag): text for name, tag, text in rows}


def test_nothing_is_fetched_and_every_canvas_is_painted(page, six):
    page.open(six, html=file.page(six))
    assert page.js("return performance.getEntriesByType('resource').length") == 0
    found = page.js(PIXELS)
    assert len(found) == len(page.all(".card")) > 25
    assert not [panel for panel in found if panel[1] <= 1000 or panel[2] <= 20]


WORDS = "return arguments[0].textContent.replace(/\\s+/g, ' ')"


@pytest.mark.parametrize("width", [1280, 1440])
def test_the_first_view_has_the_finding_the_fix_and_the_loss(page, six, width):
    page.open(six, width)
    best = six["ranking"][0]
    (heading,) = page.all("h1")
    assert heading.text == f"ACT6 runs: best is {best['name']} (val loss {best['loss']:.3g}); 2 need action"
    (block,) = page.all(".part-main .verdict")
    name, kind = six["cases"][0]["runs"][0], six["cases"][0]["kind"]
    run = next(run for run in six["runs"] if run["name"] == name)
    found = next(each for each in run["record"]["verdicts"] if each["kind"] == kind)
    assert block.get_attribute("open") is not None
    assert block.rect["y"] + block.rect["height"] <= 900
    text = page.js(WORDS, block)
    assert text.startswith(f"ACT{kind}in {name}")
    for head, said in (("What is wrong", "finding"), ("Fix", "cure"), ("Then expect", "expects"), ("If not", "then")):
        assert f"{head}{found[said].replace('`', '')}" in text
    why = block.find_elements("css selector", "details")[-1]
    assert why.text == "Why this was reported"
    why.find_element("css selector", "summary").click()
    assert all(reason.replace("`", "") in why.text for reason in found["why"])
    assert f"Measured at step {found['measured']}; reported since step {found['step']}." in why.text
    loss = page.card("Loss")
    assert loss.rect["y"] < 150
    assert loss.rect["x"] > block.rect["x"] + block.rect["width"] - 1


def test_the_other_verdicts_are_a_line_each_the_most_serious_first(page, six):
    page.open(six)
    blocks = page.all(".part-verdicts .verdict")
    cases = six["cases"][1:]
    assert [page.js(WORDS, block).split("in ")[0] for block in blocks] == [
        f"{case['level'].upper()}{case['kind']}" for case in cases
    ]
    assert [block.get_attribute("open") for block in blocks] == [None] * len(cases)
    for block, case in zip(blocks, cases, strict=True):
        verdicts = next(run for run in six["runs"] if run["name"] == case["runs"][0])["record"]["verdicts"]
        finding = next(each for each in verdicts if each["kind"] == case["kind"])["finding"]
        assert finding.split(" (")[0].replace("`", "") in block.text
        assert block.rect["height"] < 60
        block.find_element("css selector", "summary").click()
        assert block.text.count(finding.split(" (")[0].replace("`", "")) == 1, "it is not said twice"


def test_the_table_has_the_best_run_first_and_says_how_much_worse_the_others_are(page, six):
    page.open(six)
    rows = page.all(".runs tbody tr")
    assert [row.get_attribute("data-run") for row in rows] == [rank["name"] for rank in six["ranking"]]
    assert ["★ best" in row.text for row in rows] == [True] + [False] * 5
    for row, rank in zip(rows, six["ranking"], strict=True):
        far = rank["times"] >= 1.5
        times = float(f"{rank['times']:.2g}")
        assert (f"{times:g} x worse than the best" in row.text) == far
    fine = page.row("cnn_healthy").text
    assert "OKnothing to do" in fine.replace("\n", "").replace(" nothing", "nothing")
    assert "13 of 13 checks passed" in fine
    assert "LITTLE CHECKED" in page.row("quickstart").text


def test_a_run_that_is_pointed_at_stands_out_and_the_others_fade(page, six):
    page.open(six)

    def colored():
        return {title: count for title, _, count in page.js(PIXELS)}["Loss"]

    before = colored()
    ActionChains(page.browser).move_to_element(page.row("lbfgs")).perform()
    page.wait()
    assert 0 < colored() < before / 2
    ActionChains(page.browser).move_to_element(page.all("h1")[0]).perform()
    page.wait()
    assert colored() == before


def test_the_table_is_sorted_by_any_column(page, six):
    page.open(six)

    def order():
        return [row.get_attribute("data-run") for row in page.all(".runs tbody tr")]

    def click(name):
        next(button for button in page.all(".runs th button") if button.text == name).click()

    rates = {run["name"]: run["record"]["hyperparameters"]["optimizer"] for run in six["runs"] if run["record"]}
    click("steps")
    steps = {run["name"]: run["step"] for run in six["runs"]}
    assert [steps[name] for name in order()] == sorted(steps.values())
    click("steps")
    assert [steps[name] for name in order()] == sorted(steps.values(), reverse=True)
    assert [head.get_attribute("aria-sort") for head in page.all(".runs th")].count("descending") == 1
    click("optimizer")
    assert [rates[name] for name in order()] == sorted(rates.values())


def test_columns_that_nobody_uses_are_left_out(page):
    heads = "return [...document.querySelectorAll('.runs th')].map((head) => head.textContent)"
    page.open(document(run("plain", curves([2.0, 1.0]) | {"epoch/loss": series([1, 2], [2.0, 1.0])})))
    assert page.js(heads) == ["run", "state", "optimizer", "steps", "loss"]
    clipped = {"step/clipped_share": series([1, 2], [1.0, 0.5])}
    page.open(
        document(run("clips", curves([2.0, 1.0]) | clipped, hyperparameters={"optimizer": "", "learning_rate": None}))
    )
    assert page.js(heads) == ["run", "state", "steps", "loss", "clipped"]
    assert page.row("clips").text.endswith("75 %")


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


def test_the_checks_that_passed_are_named_in_a_fold(page, six):
    page.open(six)
    page.is_sound()
    (fold,) = page.row("cnn_healthy").find_elements("css selector", ".checks")
    assert fold.text == "13 of 13 checks passed"
    fold.find_element("css selector", "summary").click()
    assert fold.text.split("\n")[1] == f"Passed: {', '.join(f'check_{i}' for i in range(13))}"
    assert "off" not in page.row("cnn_healthy").get_attribute("class"), "the run is not hidden by that"
    page.drawn("render(structuredClone(data), page);")
    assert "check_12" in page.row("cnn_healthy").text, "it stays open"
    (others,) = page.row("tanh_deep").find_elements("css selector", ".checks")
    assert others.text == "12 checks passed"
    assert not page.row("quickstart").find_elements("css selector", ".checks")


def test_consequences_stand_under_their_cause_and_never_among_what_passed(page):
    act = verdict("vanishing", "act", "The gradient vanishes.", cure="Normalize.")
    follows = verdict(
        "plateau",
        "ok",
        "Probably a consequence of `vanishing`, so fix that first. The loss is stuck.",
        explained_by="vanishing",
    )
    page.open(document(run("deep", curves(np.geomspace(2, 1, 50)), act, follows, checks=5)), width=390)
    (fold,) = page.row("deep").find_elements("css selector", ".checks")
    assert fold.text == "3 checks passed"
    fold.find_element("css selector", "summary").click()
    assert fold.text.split("\n")[1:] == ["Passed: check_0, check_1, check_2"]
    (consequences,) = [one for one in page.all(".verdict details") if "consequences" in one.text]
    assert consequences.text == "Probably consequences of vanishing (fix it first): plateau"
    page.js("arguments[0].querySelector('summary').focus()", consequences)
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    assert consequences.text.split("\n")[1] == "plateau: The loss is stuck."


def test_a_code_that_cures_two_verdicts_of_a_run_is_shown_once(page):
    code = {"cure": "Normalize.", "code": "normalize(model)", "then": "Scale.", "expects": "It falls."}
    act = verdict("vanishing", "act", "The gradient vanishes.", **code)
    watch = verdict("plateau", "watch", "The loss is stuck.", **code)
    page.open(document(run("deep", curves(np.geomspace(2, 1, 50)), act, watch), run("other", curves([2, 1]), watch)))
    page.js("document.querySelectorAll('.verdict, .verdict details').forEach((block) => (block.open = true))")
    first, second = page.all(".verdict")
    here, other = second.find_elements("css selector", ".body")
    said = ("normalize(model)", "Scale.", "It falls.")
    assert all(words in first.text and words in other.text for words in said), "the first of each run"
    assert not any(words in here.text for words in said)
    assert "The same as for vanishing, above." in here.text
    assert "above" not in other.text


def test_a_verdict_on_several_runs_is_one_card_that_names_them(page):
    runs = [
        run(f"sgd_{i}", curves([2, 1]), verdict("step_too_short", "act", f"Steps are {i} times too short."))
        for i in range(5)
    ]
    page.open(document(*runs))
    (block,) = page.all(".verdict")
    assert page.js(WORDS, block).startswith("ACTstep_too_shortin sgd_0 sgd_1 sgd_2 and 2 more")
    assert block.text.count("Steps are") == 5
    page.row("sgd_0").click()
    (block,) = page.all(".verdict")
    assert page.js(WORDS, block).startswith("ACTstep_too_shortin sgd_1 sgd_2 sgd_3 and 1 more")


def test_where_nothing_is_wrong_the_page_says_so_and_how_to_check_more(page):
    page.open(document(run("fine", curves(np.geomspace(2, 1, 50)))))
    assert page.all("h1")[0].text == "OKAll right: 13 of 13 checks passed"
    assert "Nothing to do: no check found a problem." in page.all(".part-main")[0].text
    little = run("little", curves(np.geomspace(2, 1, 50)))
    little["state"] |= {
        "name": "little_checked",
        "judged": 2,
        "applicable": 19,
        "missing": ["saddle"],
        "reasons": ["Give a `probe`."],
    }
    page.open(document(little))
    assert page.all("h1")[0].text == "Little checked: 2 of 19 checks could run"
    assert not page.all(".ok")
    main = page.all(".part-main")[0]
    assert "Give a probe." in main.text
    main.find_element("css selector", ".checks summary").click()
    assert "Could not run: saddle" in main.text


def test_the_number_of_a_verdict_is_the_last_one_of_the_chart_that_it_frames(page, six):
    page.open(six)
    compared = 0
    for each in six["runs"]:
        for found in (v for v in each["record"]["verdicts"] if v["level"] != "ok"):
            framed = [card for card in page.all(f".card.{found['level']}") if found["kind"] in card.text]
            texts = [cells(page, card).get((each["name"], found["series"])) for card in framed]
            (text,) = set(filter(None, texts))
            assert float(text) == pytest.approx(found["value"], rel=5e-3)
            compared += 1
    assert compared == 4


def test_no_panel_is_empty_and_each_says_its_unit_and_how_to_read_it(page, six):
    page.open(six)
    for card in page.all(".card"):
        assert card.find_elements("css selector", ".legend tbody tr, .scale")
    assert page.card("Loss").find_element("css selector", ".axis").text == "loss, log axis"
    assert (
        page.card("Gradient from layer to layer").find_element("css selector", ".axis").text.startswith("ratio a layer")
    )
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
    assert "Range test: loss over the learning rate" in titles
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


def test_everything_that_is_clicked_is_24_pixels_high(page, six):
    for width in (1440, 390):
        page.open(six, width)
        page.js("document.querySelectorAll('.verdict, .verdict details').forEach((block) => (block.open = true))")
        small = [each.text for each in page.all("button, summary") if each.is_displayed() and each.rect["height"] < 24]
        assert not small


def test_a_printed_page_shows_what_is_folded_and_hides_what_can_be_clicked(page, six):
    page.open(six, unfold=False)
    (why,) = page.all(".part-main .verdict .body > details:last-child li:last-child")
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
    assert page.all("h1")[0].text == "ACTNaN from step 11 on"
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


def test_runs_of_any_lengths_and_those_without_a_record_stand_beside_each_other(page):
    rng = np.random.default_rng(1)
    old = run("old", ordinary(rng, STEPS), record=False)
    torn = run("torn", curves(np.linspace(2, 1, 12)), problem="The event file ends in the middle of an entry.")
    page.open(document(old, torn, run("long", ordinary(rng, np.arange(1, 4000, 7))), run("nothing", {})))
    assert "LITTLE CHECKED" in page.row("old").text
    assert "keras_ch8.callbacks.Diagnosis()" in page.text()
    assert "The event file ends in the middle of an entry." in page.row("torn").text
    assert set(cells(page, page.card("Loss of minibatches"))) == {
        (name, "step/loss") for name in ("old", "torn", "long")
    }
    assert NOTHING in page.row("nothing").text
    page.is_sound()


def test_without_a_run_the_page_says_what_to_do(page):
    page.open(document())
    assert "keras_ch8.callbacks.TensorBoard(log_dir)" in page.text()
    assert "python -m keras_ch8 report LOG_DIR" in page.text()
    assert not page.all(".card, .tools, table")


def test_whatever_something_is_called_it_is_text(page):
    rng = np.random.default_rng(2)
    tag = f"mine/{HOSTILE}"
    mine = {
        "title": f"panel {HOSTILE}", "unit": HOSTILE, "section": "8.2", "series": [tag], "kinds": [HOSTILE],
        "events": [HOSTILE], "lines": [{"value": 1.5, "label": HOSTILE}], "log": True, "x": "", "x_label": HOSTILE,
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
    tags = [panel.series[0] for panel in panels.PANELS if not panel.x and "*" not in panel.series[0]][:20]
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
    assert ("tanh_deep", "step/loss") not in cells(page, page.card("Loss of minibatches"))


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
    sweep = page.card("Range test: loss over the learning rate")
    assert at(page, loss, 0.02) < 20
    assert cells(page, loss)["lbfgs", "step/loss"] != NOTHING
    assert at(page, loss, 0.5) == pytest.approx(430, abs=10)
    assert cells(page, loss)["lbfgs", "step/loss"] == NOTHING, "which has ended there"
    assert float(cells(page, loss)["tanh_deep", "step/loss"]) == pytest.approx(
        np.interp(430, STEPS, six["runs"][2]["series"]["step/loss"]["values"]), rel=0.2
    )
    near = page.card("Length of the update")
    assert near.find_element("css selector", ".legend th").text.startswith("at 4"), "the cursor is shared"
    reset = page.all(".tools > button")[1]
    assert not reset.is_enabled()
    drag(page, loss, 0.5, 0.75)
    assert at(page, norm) == pytest.approx(430, abs=10)
    assert at(page, norm, 0.995) == pytest.approx(645, abs=10)
    assert at(page, sweep) == pytest.approx(-5.05, abs=0.1), "another axis is another zoom"
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
        render(newer, page);
    """
    page.drawn(newer)
    loss, norm = page.card("Loss of minibatches"), page.card("Gradient norm")
    assert at(page, norm) == pytest.approx(430, abs=10)
    assert "off" in page.row("lbfgs").get_attribute("class")
    assert page.all(".verdict")[0].get_attribute("open") is None, "what somebody has closed stays so"
    assert ("another", "step/loss") in cells(page, loss)
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
    assert cells(page, page.card("Loss of minibatches"))["live", "step/loss"] == "9"
    assert "step 2,000: reload for newer" in page.text()
    page.drawn("data.runs[0].news = null; render(data, page);")
    assert not page.all(".live")


def test_a_page_that_is_followed_is_live_until_there_is_no_news(page):
    rng = np.random.default_rng(4)
    made = document(run("live", ordinary(rng, STEPS), ended=False), live=True)
    page.open(made)
    page.drawn("render(data, page, true);")
    assert (
        page.all(".part-heading .live")[0].text == "● live, step 856"
        or page.all(".part-heading .live")[0].text == "live, step 856"
    )
    assert not page.all(".old")
    for seconds, words in ((200, "last news 3 min ago, step 856"), (8000, "last news 2 hours ago, step 856")):
        page.drawn(f"data.runs[0].news = Date.now() / 1000 - {seconds}; render(data, page, true);")
        assert [each.text.removeprefix("● ") for each in page.all(".old")] == [words, "no news"]
    page.drawn("render(data, page);")
    assert page.all(".part-heading .old")[0].text.endswith("last news 2 hours ago, step 856"), "in a file, too"


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


def test_code_is_copied_and_cures_name_it(page, six):
    page.open(six)
    page.js("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.all(".copy")[0].click()
    assert page.js("return window.copied").startswith("import keras_ch8\n\nkeras_ch8.training.scale_to_data(")
    assert page.all(".copy")[0].text == "Copied"
    codes = [code.text for code in page.all(".verdict.act dd > code")]
    assert "training.scale_to_data" in codes
    assert "`" not in page.text()


def test_a_verdict_leads_to_its_charts_and_they_to_it(page, six):
    page.open(six)
    block = page.all(".verdict[open]")[0]
    links = block.find_elements("css selector", "dd .link")
    assert links
    for link in links:
        page.js("arguments[0].scrollIntoView({ block: 'center' })", link)
        title = link.text.removeprefix("\N{DOWNWARDS ARROW} ")
        link.click()
        tops = "return arguments[0].map((card) => card.getBoundingClientRect().top)"
        named = [card for card in page.all(".card") if card.get_attribute("data-panel") == title]
        seen = page.js(tops, named)
        assert any(0 < top < 450 for top in seen), (title, seen)
    card = page.all(".card.act")[0]
    kinds = page.js("return arguments[0].querySelector('.finding').textContent.slice(3).split(', ')", card)
    page.js("document.querySelectorAll('.verdict').forEach((block) => (block.open = false))")
    page.scroll_to(card)
    card.find_element("css selector", ".under .link").click()
    (opened,) = page.all(".verdict[open]")
    assert any(kind in opened.find_element("css selector", "summary").text for kind in kinds)
    assert 0 <= page.js("return arguments[0].getBoundingClientRect().top", opened) < 900


def test_early_stopping_is_told(page, six):
    rng = np.random.default_rng(5)
    waits = {"metric": "val_loss", "best": 0.25, "best_epoch": 3, "patience_left": 1, "reason": None}
    page.open(document(six["runs"][-1], run("waits", ordinary(rng, STEPS), stopping=waits)))
    stopped, waiting = (page.js("return arguments[0].textContent", line) for line in page.all(".stopping"))
    best = six["runs"][-1]["record"]["stopping"]["best"]
    assert stopped == (
        f"Early stopping in everything: val_loss was best at {best:.3g} in epoch 15; at step 840: "
        "Stopped after epoch 20: val_loss did not fall for 5 epochs."
    )
    assert waiting == "Early stopping in waits: val_loss was best at 0.25 in epoch 3; 1 epoch of patience left"
    said = page.card("Early stopping: the metric and its best value").find_element("css selector", ".said").text
    assert "stop" in said
    assert "restore" in said


def test_a_heat_map_names_its_layers_and_shares_its_colours(page):
    rng = np.random.default_rng(6)
    weak, strong = (layers(rng, [1, 50, 99], ["conv", "dense"], factor) for factor in (1e-3, 1.0))
    both = [run(name, ordinary(rng, STEPS), layers=[each]) for name, each in (("weak", weak), ("strong", strong))]
    page.open(document(*both))
    maps = [card for card in page.all(".card") if card.get_attribute("data-panel") == "Gradient at each layer"]
    assert [[name.text for name in card.find_elements("css selector", ".rows span")] for card in maps] == [
        ["conv", "dense"]
    ] * 2
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


def test_the_page_fits_a_narrow_window(page, six):
    page.open(six, width=390)
    assert page.js("return document.documentElement.scrollWidth") <= 390
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
