"""What a person reads of generated documents in a real browser: headline, verdicts, runs."""

import numpy as np
import pytest

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from keras_ch8.cockpit.headline import ranking
from keras_ch8.verdicts.kinds import title_of
from tests.chromium import MISSING
from tests.cockpit.browser import PIXELS, WORDS
from tests.cockpit.documents import STEPS, curves, document, ordinary, run, series, verdict

pytestmark = [MISSING, pytest.mark.slow]


@pytest.mark.parametrize("width", [1280, 1440])
def test_the_first_view_has_the_finding_the_fix_and_the_loss(page, six, width):
    page.open(six, width)
    best = ranking(six["runs"])[0]
    (heading,) = page.all("h1")
    loss = f"val loss {best['loss']:.3g}"
    assert heading.text == f"OKUse {best['name']}: best of 6 runs ({loss}), which passed all checks"
    assert "ACT below is about 2 other runs" in page.text()
    (main,) = page.all(".part-main .verdict")
    assert f"What to do\nUse {best['name']}." in main.text
    block = page.all(".part-verdicts .verdict")[0]
    name, kind = six["cases"][0]["runs"][0], six["cases"][0]["kind"]
    run = next(run for run in six["runs"] if run["name"] == name)
    found = next(each for each in run["record"]["verdicts"] if each["kind"] == kind)
    assert block.get_attribute("open") is not None
    fix = block.find_elements("css selector", "dd")[1].rect
    assert fix["y"] + fix["height"] <= 900
    text = page.js(WORDS, block)
    assert text.startswith(f"ACT{title_of(kind)}in {name}")
    for head, said in (("What is wrong", "finding"), ("Fix", "cure"), ("Then expect", "expects"), ("If not", "then")):
        assert f"{head}{found[said].replace('`', '')}" in text
    why = block.find_elements("css selector", "details")[-1]
    assert why.text == "Why this was reported"
    why.find_element("css selector", "summary").click()
    assert all(reason.replace("`", "") in why.text for reason in found["why"])
    assert f"Measured at step {found['measured']}; reported since step {found['step']}." in why.text
    assert f"{kind} in code." in why.text
    loss = page.card("Loss")
    assert loss.rect["y"] < 150
    assert loss.rect["x"] > main.rect["x"] + main.rect["width"] - 1


def test_the_other_verdicts_are_a_line_each_the_most_serious_first(page, six):
    page.open(six)
    blocks = page.all(".part-verdicts .verdict")
    cases = six["cases"]
    assert [page.js(WORDS, block).split("in ")[0] for block in blocks] == [
        f"{case['level'].upper()}{case['title']}" for case in cases
    ]
    assert [block.get_attribute("open") for block in blocks] == ["true"] + [None] * (len(cases) - 1)
    for block, case in zip(blocks[1:], cases[1:], strict=True):
        verdicts = next(run for run in six["runs"] if run["name"] == case["runs"][0])["record"]["verdicts"]
        finding = next(each for each in verdicts if each["kind"] == case["kind"])["finding"]
        assert finding.split(" (")[0].replace("`", "") in block.text
        assert block.rect["height"] < 60
        block.find_element("css selector", "summary").click()
        assert block.text.count(finding.split(" (")[0].replace("`", "")) == 1, "it is not said twice"


def test_consequences_stand_under_their_cause_and_never_among_what_passed(page):
    act = verdict("vanishing", "act", "The gradient vanishes.", cure="Normalize.")
    follows = verdict(
        "plateau",
        "ok",
        'Probably caused by "Vanishing gradients", so fix that first. The loss is stuck.',
        explained_by="vanishing",
    )
    page.open(document(run("deep", curves(np.geomspace(2, 1, 50)), act, follows, checks=5)), width=390)
    (fold,) = page.row("deep").find_elements("css selector", ".checks")
    assert fold.text == "3 of 5 checks passed"
    fold.find_element("css selector", "summary").click()
    assert fold.text.split("\n")[1:] == ["Not found: check_0, check_1, check_2"]
    (consequences,) = [one for one in page.all(".verdict details") if "Probably" in one.text]
    assert consequences.text == "Probably caused by “Vanishing gradients” (fix that first): Stuck on a plateau"
    page.js("arguments[0].querySelector('summary').focus()", consequences)
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    assert consequences.text.split("\n")[1] == "Stuck on a plateau: The loss is stuck."


def test_a_verdict_on_labels_has_bars_of_them_in_words_too(page):
    bars = [["0", 0.955, True], ["1", 0.045, False]]
    page.open(
        document(run("rare", {}, verdict("imbalance", "act", "One class.", shows="Labels", bars=bars))), width=390
    )
    (head, *rows) = page.js("return [...document.querySelectorAll('dd:has(.scale)')][0].innerText.split('\\n')")
    assert (head, "".join(rows)) == ("Labels", "95.5 %04.5 %1")
    fills = [page.js("return getComputedStyle(arguments[0]).backgroundImage", bar) for bar in page.all(".bar")]
    red, blue = (
        page.js(f"return getComputedStyle(page.querySelector('{of}')).backgroundColor") for of in (".badge", ".dot")
    )
    assert fills[0].startswith(f"linear-gradient(90deg, {red} 95.5%")
    assert fills[1].startswith(f"linear-gradient(90deg, {blue} 4.5%")


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
    assert "The same as for Vanishing gradients, above." in here.text
    assert "above" not in other.text


def test_a_verdict_on_several_runs_is_one_card_that_names_them(page):
    cures = [f"Raise the learning rate to {i}." for i in range(5)]
    found = [verdict("step_too_short", "act", "Steps are too short.", cure=cure) for cure in cures]
    page.open(document(*(run(f"sgd_{i}", curves([2, 1]), one) for i, one in enumerate(found))))
    (block,) = page.all(".verdict")
    assert page.js(WORDS, block).startswith("ACTLearning rate too lowin sgd_0 sgd_1 sgd_2 and 2 more")
    lines = [page.js(WORDS, head) for head in block.find_elements("css selector", ":scope > details > summary")]
    assert lines == [f"sgd_{i} {cure}" for i, cure in enumerate(cures)], "the fix of each"
    page.row("sgd_0").click()
    (block,) = page.all(".verdict")
    assert page.js(WORDS, block).startswith("ACTLearning rate too lowin sgd_1 sgd_2 sgd_3 and 1 more")


def test_code_is_copied_and_cures_name_it(page, six):
    page.open(six)
    page.js("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.all(".copy")[0].click()
    assert page.js("return window.copied").startswith("import keras_ch8\n\nkeras_ch8.training.scale_to_data(")
    assert page.all(".copy")[0].text == "Copied"
    assert page.all(".where")[0].text.startswith("Paste between compile and fit")
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
    kinds = page.js("return arguments[0].querySelector('.finding').textContent.slice(3).split(/ in .*|, /)", card)
    kinds = list(filter(None, kinds))
    page.js("document.querySelectorAll('.verdict').forEach((block) => (block.open = false))")
    page.scroll_to(card)
    card.find_element("css selector", ".under .link").click()
    (opened,) = page.all(".verdict[open]")
    assert any(kind in opened.find_element("css selector", "summary").text for kind in kinds)
    assert 0 <= page.js("return arguments[0].getBoundingClientRect().top", opened) < 900


def test_early_stopping_is_told(page, six):
    rng = np.random.default_rng(5)
    waits = {"metric": "val_loss", "best": 0.25, "best_epoch": 3, "patience_left": 1, "reason": None}
    page.open(document(six["runs"][-1], run("waits", ordinary(rng, STEPS), stopping=waits, ended=False)))
    stopped, waiting = (page.js("return arguments[0].textContent", line) for line in page.all(".stopping"))
    best = six["runs"][-1]["record"]["stopping"]["best"]
    assert stopped == (
        f"Early stopping in everything: val_loss was best at {best:.3g} in epoch 15; at step 840: "
        "Stopped after epoch 20: val_loss did not fall for 5 epochs."
    )
    assert waiting == "Early stopping in waits: val_loss was best at 0.25 in epoch 3; patience left: 1"
    said = page.card("Early stopping: the metric and its best value").find_element("css selector", ".said").text
    assert "stop" in said
    assert "restore" in said


def test_without_a_run_the_page_says_what_to_do(page):
    page.open(document())
    assert "callbacks=[keras_ch8.Doctor(log_dir)]" in page.text()
    assert "python -m keras_ch8 report LOG_DIR" in page.text()
    assert not page.all(".card, .tools, table")


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


def test_of_many_runs_the_best_five_stand_out(page):
    falls = [curves(np.geomspace(2, 1 + i / 9, 50)) | {"epoch/loss": series([1, 2], [2, 1 + i])} for i in range(12)]
    page.open(document(*(run(f"run_{i}", each) for i, each in enumerate(falls))))

    def colored():
        return {title: count for title, _, count in page.js(PIXELS)}["Loss of minibatches"]

    before = colored()
    page.drawn("data.faint = []; render(data, page);")
    page.js("document.querySelector('.tools button').click(); document.querySelector('.tools button').click()")
    page.wait()
    assert 0 < before < 0.7 * colored()


def test_seeds_of_a_candidate_are_one_row_and_one_colour(page):
    losses = {"Adam/seed_0": 0.2, "Adam/seed_1": 0.3, "SGD/seed_0": 0.8, "SGD/seed_1": 0.9}
    curves_of = {name: {"epoch/val_loss": series([1, 2], [2.0, loss])} for name, loss in losses.items()}
    page.open(document(*(run(name, each, checks=0) for name, each in curves_of.items())))
    assert [row.get_attribute("data-run") for row in page.all(".runs tbody tr")] == ["Adam", "SGD"]
    assert "0.25 (0.2\N{EN DASH}0.3)" in page.row("Adam").text
    colours = "return [...document.querySelectorAll('.legend .dot')].map((dot) => dot.style.background)"
    adam, also, sgd, _ = page.js(colours)
    assert adam == also != sgd
    page.row("Adam").click()
    assert {name for name, _ in page.cells(page.card("Loss"))} == {"SGD/seed_0", "SGD/seed_1"}
    assert [each.text for each in page.all(".part-main dt")] == [
        "Result", "How sure", "What to do", "Then expect", "Note",
    ]  # fmt: skip
    assert "Use Adam with learning rate 0.05." in page.all(".part-main")[0].text


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
    assert page.js(heads) == ["run", "state", "loss", "optimizer", "steps"]
    clipped = {"step/clipped_share": series([1, 2], [1.0, 0.5])}
    page.open(
        document(run("clips", curves([2.0, 1.0]) | clipped, hyperparameters={"optimizer": "", "learning_rate": None}))
    )
    assert page.js(heads) == ["run", "state", "loss", "steps", "clipped"]
    assert page.row("clips").text.endswith("75 %")


def test_the_checks_that_passed_are_named_in_a_fold(page, six):
    page.open(six)
    page.is_sound()
    (fold,) = page.row("cnn_healthy").find_elements("css selector", ".checks")
    assert fold.text == "13 of 13 checks passed"
    fold.find_element("css selector", "summary").click()
    assert fold.text.split("\n")[1] == f"Not found: {', '.join(f'check_{i}' for i in range(13))}"
    assert "off" not in page.row("cnn_healthy").get_attribute("class"), "the run is not hidden by that"
    page.drawn("render(structuredClone(data), page);")
    assert "check_12" in page.row("cnn_healthy").text, "it stays open"
    (others,) = page.row("tanh_deep").find_elements("css selector", ".checks")
    assert others.text == "12 of 13 checks passed"
    assert not page.row("quickstart").find_elements("css selector", ".checks")


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
        since = words.removeprefix("last news ").partition(" ago")[0]
        assert page.all("h1")[0].text == f"WATCHNo news from this run for {since}: is it still running?"
        assert page.all(".part-main dt")[1].text == "What to do"
        assert not page.all(".ok:not(.grey)"), "nothing is green"
    page.drawn("render(data, page);")
    assert page.all(".part-heading .old")[0].text.endswith("last news 2 hours ago, step 856"), "in a file, too"
