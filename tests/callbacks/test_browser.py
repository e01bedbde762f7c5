"""What a person sees: TensorBoard itself, in a browser. Skipped where there is none."""

import os
import time

import keras
import pytest

from keras_ch8 import callbacks
from keras_ch8 import optimizers as ours
from tests.callbacks.runs import X, Y, fit, network
from tests.chromium import MISSING, chromium, severe, tensorboard, wait_for
from tests.marks import mostly

pytestmark = [MISSING, pytest.mark.slow]

TEXT = """
    const texts = [];
    (function walk(node) {
        if (node.nodeType === Node.TEXT_NODE && node.textContent.trim()) texts.push(node.textContent.trim());
        if (node.shadowRoot) walk(node.shadowRoot);
        if (!['STYLE', 'SCRIPT'].includes(node.nodeName)) node.childNodes.forEach(walk);
    })(document.body);
    return texts.join('\\n');
"""


BROKEN_WORDS = """
    const broken = [], seen = [];
    (function walk(node) {
        if (node.nodeType === Node.TEXT_NODE) {
            for (const found of node.textContent.matchAll(/[\\w]+/g)) {
                const range = document.createRange();
                range.setStart(node, found.index);
                range.setEnd(node, found.index + found[0].length);
                const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
                if (lines.size) seen.push(found[0]);
                if (lines.size > 1) broken.push(found[0]);
            }
        }
        if (node.shadowRoot) walk(node.shadowRoot);
        if (!['STYLE', 'SCRIPT'].includes(node.nodeName)) node.childNodes.forEach(walk);
    })(document.body);
    return [seen, broken];
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a function that opens a dashboard and waits until all words are on it."""
    log_dir = tmp_path_factory.mktemp("logs")
    listed = [callbacks.TensorBoard(log_dir, measure_every=2), callbacks.GradientClippingLogger()]
    fit(network(ours.SGD(0.1, global_clipnorm=0.5)), listed, epochs=20, validation_data=(X, Y))
    with tensorboard(log_dir) as address, chromium(tmp_path_factory.mktemp("profile"), (1500, 2400)) as browser:

        def look(dashboard, *words):
            browser.get("about:blank")
            browser.get(f"{address}/#{dashboard}")

            def is_there():
                text = browser.execute_script(TEXT)
                whole = text.replace("\n", "")  # long names come in pieces
                return all(word in text or word in whole for word in words)

            wait_for(is_there, words, seconds=60, every=0.5)
            if folder := os.environ.get("SCREENSHOTS"):
                time.sleep(3)  # until the charts are drawn
                browser.save_screenshot(f"{folder}/{dashboard}.png")
            assert not severe(browser)

        yield look


def test_the_scalars_are_on_the_page(page):
    page(
        "timeseries",
        "optimization",
        *(f"step/{name}" for name in ("clip_coefficient", "clipped_share", "gradient_norm")),
    )


def test_the_report_is_on_the_page(page):
    page(
        "text",
        "diagnosis/report",
        "Steps 1 to 120.",
        "of 120 steps: the threshold acts as a learning rate",
    )


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory):
    """Return a folder with a run that needs cures, one of a solver, and an ordinary one, and what is wrong."""
    log_dir = tmp_path_factory.mktemp("three")
    keras.utils.set_random_seed(0)
    deep = [keras.layers.Dense(8, "tanh", kernel_initializer=narrow()) for _ in range(10)]
    vanishing = keras.Sequential([keras.Input((6,)), *deep, keras.layers.Dense(2)])
    vanishing.compile(ours.SGD(0.5, global_clipnorm=1e-3), "mse")
    diagnosis = callbacks.Diagnosis((X, Y), measure_every=10, budget=None)
    fit(vanishing, [callbacks.TensorBoard(log_dir / "vanishing", measure_every=2), diagnosis], epochs=20)
    for name, optimizer, size in (("solver", ours.LBFGS(), len(X)), ("plain", "adam", 8)):
        listed = [callbacks.TensorBoard(log_dir / name, measure_every=2)]
        fit(network(optimizer), listed, epochs=5, batch_size=size, validation_data=(X, Y))
    return log_dir, [verdict for verdict in diagnosis.verdicts if verdict.level != "ok"]


def narrow():
    return keras.initializers.RandomNormal(stddev=0.05, seed=0)


@pytest.mark.parametrize("fast", mostly(pytest.mark.full, ["true", "false"], "true"))
def test_no_word_of_a_verdict_is_broken(three_runs, tmp_path, fast):
    log_dir, verdicts = three_runs
    assert verdicts
    with tensorboard(log_dir, "--load_fast", fast) as address, chromium(tmp_path, (1280, 6000)) as browser:
        browser.get(f"{address}/#text")
        words = {"ACT", "Steps", *(verdict.kind for verdict in verdicts)}

        def read():
            seen, broken = browser.execute_script(BROKEN_WORDS)
            return words <= set(seen) and [broken]

        assert wait_for(read, words, seconds=120, every=1) == [[]]
