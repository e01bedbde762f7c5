"""The page as a file, as an object, and as commands."""

import html
import json
import re
import subprocess
import sys

import pytest

import keras_ch8
from keras_ch8.__main__ import main
from keras_ch8.cockpit import event_files, page
from keras_ch8.extend import Verdict
from keras_ch8.verdicts.texts import report
from tests.cockpit.runs import FINE, VERDICT, curve, record, write

HOSTILE = "</script><script>alert(1)</script><!--<script><img src=x onerror=alert(2)>"


@pytest.fixture
def logs(tmp_path):
    write(tmp_path / "logs" / "deep", curve(9), record(verdicts=[FINE, VERDICT]))
    write(tmp_path / "logs" / "fine", curve(9), record(verdicts=[FINE], ended=False))
    write(tmp_path / "logs" / "plain", curve(9), record(diagnosis=None))
    return tmp_path / "logs"


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs a command, and returns its status and what it prints."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["keras_ch8", *map(str, arguments)])
        return main(), *capsys.readouterr()

    return run


def test_a_file_holds_all_and_loads_nothing(logs):
    text = page.page(page.report(logs)._document)
    assert not re.search(r"""(src|href)=["'](?!data:,)""", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))
    assert "default-src 'none'" in text
    assert text.count("<script") == text.count("</script>") == 2
    assert "render(JSON.parse(" in text
    data = re.search(r'<script type="application/json" id="document">(.*?)</script>', text)[1]
    assert [run["name"] for run in json.loads(data)["runs"]] == ["deep", "fine", "plain"]
    assert "ACT" in re.search(r"<noscript>(.*?)</noscript>", text, re.DOTALL)[1]


def test_hostile_names_are_text(tmp_path):
    verdict = VERDICT | {"finding": HOSTILE, "kind": HOSTILE, "cure": HOSTILE}
    text = record(verdicts=[verdict], hyperparameters={HOSTILE: HOSTILE})
    folder = tmp_path / "logs" / HOSTILE.replace("/", "")
    write(folder, [(1, {f"epoch/{HOSTILE}": 1.0})], text)
    made = page.page(page.report(tmp_path / "logs")._document)
    assert made.count("<script") == made.count("</script>") == 2
    assert "<img" not in made.replace(page.script(), "")
    assert "<!--" not in made.replace(page.script(), "")
    data = re.search(r'<script type="application/json" id="document">(.*?)</script>', made)[1]
    assert json.loads(data)["runs"][0]["record"]["verdicts"][0]["finding"] == HOSTILE


def test_what_report_returns(logs, tmp_path):
    made = keras_ch8.report(logs)
    assert made.path is None
    assert not list(logs.glob("*.html"))
    assert made.verdicts["deep"][0] == Verdict(**VERDICT | {"why": tuple(VERDICT["why"])})
    assert [v.kind for v in made.verdicts["deep"]] == ["vanishing", "cliff"]
    assert made.verdicts["plain"] == []
    assert repr(made) == "<Page of 3 runs of 'logs', not saved: `.save(path)` writes it>"
    assert len(repr(page.Page(made._document, "long/" * 200))) == 400
    assert "ACT Vanishing gradients (vanishing, since step 40" in str(made)
    assert str(made).endswith('Written to no file yet: `.save("report.html")` does that.')
    saved = keras_ch8.report(logs, tmp_path / "a.html")
    assert saved.path == str(tmp_path / "a.html")
    assert str(saved).endswith(f"Page: {saved.path}")
    assert (tmp_path / "a.html").read_text() == page.page(made._document)
    assert made.save(tmp_path / "b.html").path == str(tmp_path / "b.html")


def test_a_notebook_is_shown_the_page_in_a_frame_of_its_own(logs):
    shown = keras_ch8.report(logs)._repr_html_()
    inside = re.fullmatch(r'<iframe srcdoc="([^"]*)" sandbox="allow-scripts allow-downloads" [^<]*></iframe>', shown)[1]
    assert html.unescape(inside) == page.page(keras_ch8.report(logs)._document)


def test_a_name_that_is_no_text_is_shown_as_far_as_it_is(tmp_path):
    folder = tmp_path / "caf\udce9"
    write(tmp_path / "cafe" / "a", curve(3), record())
    (tmp_path / "cafe").rename(folder)
    saved = keras_ch8.report(folder, tmp_path / "a.html")
    assert list(saved.verdicts) == ["a"]
    assert "(caf?)</title>" in (tmp_path / "a.html").read_text()


def test_the_title_of_the_page_is_its_finding(tmp_path):
    write(tmp_path / "logs", curve(3), record(verdicts=[VERDICT]))
    keras_ch8.report(tmp_path / "logs", tmp_path / "a.html")
    assert "<title>Vanishing gradients (logs)</title>" in (tmp_path / "a.html").read_text()


def test_a_file_is_written_at_once_or_not_at_all(tmp_path, monkeypatch):
    event_files.write(str(tmp_path / "a"), "old")
    monkeypatch.setattr(event_files.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        event_files.write(str(tmp_path / "a"), "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_file_that_cannot_be_written_is_refused_with_the_fix(logs, tmp_path):
    with pytest.raises(
        OSError, match=r"must be a writable file.*Received: '.*nowhere.*a.html'.*FileNotFoundError.*Pass a file"
    ):
        keras_ch8.report(logs, tmp_path / "nowhere" / "a.html")


# --- commands --------------------------------------------------------------------------------------------------------


def test_report_writes_the_page_without_keras(logs, tmp_path, command):
    options = ["-W", "ignore", "-X", "importtime", "-m", "keras_ch8", "report", str(logs)]
    done = subprocess.run([sys.executable, *options], capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "keras_ch8" in imported
    assert not {"keras", "tensorflow"} & imported
    assert done.stdout == f"{logs / 'report.html'}\n"
    assert (logs / "report.html").read_text().startswith("<!doctype html>")
    assert command("report", logs / "deep", "-o", tmp_path / "one.html")[0] == 0
    assert (tmp_path / "one.html").exists()


@pytest.mark.parametrize("name", ["report", "diagnose"])
def test_bad_input_is_refused(name, tmp_path, command):
    status, said, error = command(name, tmp_path / "nowhere")
    assert (status, said) == (2, "")
    assert "must be a folder with runs" in error
    status, said, error = command(name, tmp_path)
    assert (status, said) == (2, "")
    assert "must hold a run" in error


def test_diagnose_prints_the_verdicts_and_says_whether_to_act(logs, command):
    status, said, error = command("diagnose", logs)
    assert (status, error) == (1, "")
    assert max(map(len, said.splitlines())) <= 80
    table, _, of_runs = said.partition("\n\n")
    assert [re.split("  +", line.strip("> ")) for line in table.splitlines()] == [
        ["run", "loss", "state"], ["deep", "0.111", "ACT Vanishing gradients, \N{BLACK STAR} best"],
        ["fine", "0.111", "OK so far"], ["plain", "0.111", "not checked"],
    ]  # fmt: skip
    assert of_runs == (
        "deep, step 100, ended\n"
        f"{report(keras_ch8.report(logs).verdicts['deep'])}\n"
        "\n"
        "fine, step 100, not ended\n"
        "OK: 1 of 1 check ran, nothing to do.\n"
        "\n"
        "plain, step 100, ended\n"
        "LITTLE CHECKED: No check could run.\n"
        "\n"
        "This run was not diagnosed. Train it with `fit(...,\n"
        '    callbacks=[keras_ch8.Doctor("logs")])`.\n'
    )
    assert "ACT Vanishing gradients (vanishing, since step 40, measured at step 90)\n" in said
    assert [command("diagnose", logs / name)[0] for name in ("fine", "plain")] == [0, 3]
    assert {name: state.name for name, state in keras_ch8.report(logs).states.items()} == {
        "deep": "act", "fine": "ok", "plain": "little_checked",
    }  # fmt: skip


def test_of_several_runs_a_table_comes_first_with_the_best_on_top_by_validation(tmp_path, command):
    for name, loss in (("bad", 0.9), ("best", 0.3), ("odd", float("nan"))):
        write(tmp_path / name, [(step, {"epoch/loss": 1.0, "epoch/val_loss": loss}) for step in (1, 2)], record())
    said = command("diagnose", tmp_path)[1]
    header, *rows = (line.split() for line in said.partition("\n\n")[0].splitlines())
    assert header == ["run", "val_loss", "(best)", "state"]
    assert [" ".join(row) for row in rows] == [
        "> best 0.3 (0.3) not checked, ★ best",
        "bad 0.9 (0.9) not checked, 3 x worse than the best run",
        "odd NaN not checked",
    ]
    assert re.findall(r"^(\w+), step 100", said, re.MULTILINE) == ["best", "bad", "odd"]


def test_diagnose_prints_nothing_that_a_terminal_obeys(tmp_path, command):
    write(tmp_path, curve(3), record(verdicts=[VERDICT | {"finding": "\x1b[2J\x07 red " * 20, "kind": "a\nb"}]))
    status, said, _ = command("diagnose", tmp_path)
    assert status == 1
    assert all(line.isprintable() and len(line) <= 80 for line in said.splitlines())
