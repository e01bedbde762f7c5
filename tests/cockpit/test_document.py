"""What the document says of a run, from whatever there is of it."""

import json
import math
import os
import re
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.event_file_writer import EventFileWriter

import keras_ch8
from keras_ch8.cockpit import event_files
from keras_ch8.cockpit.document import POINTS, Run, document, name_of
from keras_ch8.cockpit.history import RunHistory
from keras_ch8.cockpit.page import in_words, page
from keras_ch8.cockpit.records import verdicts_of
from tests.cockpit.runs import FINE, VERDICT, curve, record, write


def only_run(log_dir):
    (run,) = event_files.read(log_dir)["runs"]
    return run


def panels_that_show(made, name):
    return [panel for panel in made["panels"] if name in panel["series"]]


def test_a_run_is_read_back(tmp_path):
    write(tmp_path / "logs" / "a", curve(10), record(verdicts=[VERDICT, FINE], step=12))
    made = event_files.read(tmp_path / "logs")
    (run,) = made["runs"]
    assert (made["version"], made["title"], made["live"]) == (1, "logs", False)
    assert made["headline"]["text"] == "Vanishing gradients"
    assert (run["name"], run["step"], run["ended"], run["problem"]) == ("a", 12, True, "")
    assert run["series"] == {
        "step/loss": {
            "steps": [*range(1, 11)],
            "values": [float(f"{np.float32(1 / step):.5g}") for step in range(1, 11)],
        }
    }
    assert run["tags"]["step/loss"] == {"text": "Loss of single minibatches.", "unit": "loss", "section": "8.1.3"}
    assert run["record"]["verdicts"] == [VERDICT, FINE]
    assert run["record"]["layers"] == []
    assert run["summary"] == {"loss": 0.1, "step": 10, "validation": None, "clipped": None}
    json.dumps(made, allow_nan=False)


def test_the_newest_record_counts_also_of_several_files(tmp_path):
    write(tmp_path, curve(10), record(step=10, ended=False))
    write(tmp_path, [(step + 10, values) for step, values in curve(10)], record(step=20))
    run = only_run(tmp_path)
    assert (run["step"], run["ended"], len(run["series"]["step/loss"]["steps"])) == (20, True, 20)


@pytest.mark.parametrize(
    "relative, name",
    [
        ("a/optimization", "a"), ("a/b/optimization", "a/b"), ("a/optimization_2", "a/optimization_2"),
        ("optimization", "logs"), (".", "logs"), ("optimization_2", "optimization_2"), ("a", "a"),
    ],
)  # fmt: skip
def test_names_are_relative_and_leave_out_what_goes_without_saying(relative, name, tmp_path):
    assert name_of(relative, str(tmp_path / "logs")) == name
    assert name_of(relative, "gs://bucket/logs/") == name


def test_the_folder_of_the_run_itself_may_be_given(tmp_path):
    folder = write(tmp_path / "logs", curve(3))
    assert event_files.read(folder)["title"] == only_run(folder)["name"] == "logs"


def test_runs_stand_in_the_order_in_which_they_began(tmp_path):
    for name, begun in (("cured", 30.0), ("sick", 20.0), ("unknown", None)):
        write(tmp_path / "logs" / name, curve(3), record(begun=begun))
    assert [run["name"] for run in event_files.read(tmp_path / "logs")["runs"]] == ["sick", "cured", "unknown"]


def test_bands_are_there_where_they_differ(tmp_path):
    names = {"step/gradient_norm": 2.0, "step/gradient_norm/min": 1.0, "step/gradient_norm/max": 3.0}
    same = {"step/update_norm": 2.0, "step/update_norm/min": 2.0, "step/update_norm/max": 2.0}
    write(tmp_path, [(1, names | same), (2, names | same | {"step/gradient_norm/max": 9.0})])
    assert only_run(tmp_path)["series"] == {
        "step/gradient_norm": {"steps": [1, 2], "values": [2.0, 2.0], "low": [1.0, 1.0], "high": [3.0, 9.0]},
        "step/update_norm": {"steps": [1, 2], "values": [2.0, 2.0]},
    }


def test_a_long_series_is_thinned_and_every_spike_is_kept():
    run = Run("long")
    spikes = {17: 100.0, 4_321: 200.0, 9_999: 300.0}
    for step in range(10_500):
        run.point("step/loss", step, spikes.get(step, 1.0))
    series = run.as_document()["series"]["step/loss"]
    assert 900 < len(series["steps"]) <= POINTS
    assert series["steps"][-1] == 10_499
    assert series["steps"] == sorted(set(series["steps"]))
    assert set(spikes.values()) == set(series["high"]) - {1.0}
    assert "low" in series or min(series["values"]) == 1.0


@pytest.mark.slow
def test_of_many_runs_less_is_kept_and_a_page_has_at_most_two_megabytes():
    runs = [Run(f"run_{number}") for number in range(24)]
    for run in runs:
        for name in range(20):
            values = np.exp(np.cumsum(np.random.default_rng(name).normal(size=1000)) / 30)
            for step, value in enumerate(values.tolist()):
                run.point(f"diagnosis/{name}", 200 * step, 1e3 if step == 500 else value)
    made = document("many", runs)
    assert len(page(made)) <= 2_000_000
    for run in made["runs"]:
        for series in run["series"].values():
            assert 100 <= len(series["steps"]) <= 125
            assert max(series["high"]) == 1e3
    one = document("one", runs[:1])["runs"][0]["series"]
    assert all(len(series["steps"]) == 1000 for series in one.values())


def test_what_is_not_finite_is_null_also_where_it_is_thinned():
    run = Run("odd")
    for step, value in enumerate((math.nan, math.inf, -math.inf, 1e-12, 123456.789)):
        run.point("step/loss", step, value)
    for step in range(5_000):
        run.point("step/gradient_norm", step, math.nan)
    made = json.loads(json.dumps(document("t", [run]), allow_nan=False))
    series = made["runs"][0]["series"]
    assert series["step/loss"]["values"] == [None, None, None, 1e-12, 123460.0]
    assert set(series["step/gradient_norm"]["values"]) == {None}
    assert made["runs"][0]["summary"]["loss"] == 123460.0


def test_the_table_says_of_a_loss_that_ended_as_nan_that_it_is_nan():
    run = Run("diverged")
    for step, value in enumerate((1.5, math.nan)):
        run.point("epoch/loss", step, value)
        run.point("epoch/val_loss", step, value)
    said = document("t", [run])["runs"][0]["summary"]
    assert (said["loss"], said["validation"]) == ("NaN", {"name": "val_loss", "last": "NaN", "best": 1.5})


def test_steps_that_go_back_are_put_in_order_and_the_last_word_counts():
    run = Run("again")
    for step, value in ((1, 1.0), (2, 2.0), (1, 3.0), (5, 5.0)):
        run.point("step/loss", step, value)
    assert run.as_document()["series"]["step/loss"] == {"steps": [1, 2, 5], "values": [3.0, 2.0, 5.0]}


def test_a_run_without_points_or_record_stands():
    run = Run("empty")
    assert not run.is_ours
    made = document("t", [run])["runs"][0]
    assert (made["step"], made["series"], made["record"], made["ended"]) == (0, {}, None, None)
    assert document("t", [])["runs"] == []


# --- panels ----------------------------------------------------------------------------------------------------------


def test_metrics_are_in_pairs_and_series_without_a_panel_get_one(tmp_path):
    values = dict.fromkeys(
        ["epoch/accuracy", "epoch/val_accuracy", "epoch/loss", "step/running_loss", "diagnosis/new_thing"], 0.5
    )
    write(tmp_path, [(1, values), (2, values)], record(tags={"diagnosis/new_thing": {"text": "New.", "unit": "m"}}))
    made = event_files.read(tmp_path)
    (accuracy,) = panels_that_show(made, "epoch/accuracy")
    assert accuracy == panels_that_show(made, "epoch/val_accuracy")[0]
    assert (accuracy["title"], accuracy["log"]) == ("accuracy", False)
    (new,) = panels_that_show(made, "diagnosis/new_thing")
    assert (new["title"], new["unit"], new["section"]) == ("New", "m", "")
    assert len(panels_that_show(made, "epoch/loss")) == 1
    assert "step/running_loss" not in made["runs"][0]["series"]


def test_what_keras_reports_after_batches_goes_when_epochs_have_come(tmp_path):
    write(tmp_path / "a", [(step, {"step/running_accuracy": 0.5}) for step in range(1, 9)])
    assert panels_that_show(event_files.read(tmp_path), "step/running_accuracy")
    assert "step/running_accuracy" in only_run(tmp_path)["series"]
    values = {"step/running_accuracy": 0.5, "epoch/accuracy": 0.5}
    write(tmp_path / "b", [(step, values) for step in range(1, 9)])
    assert list(event_files.read(tmp_path)["runs"][1]["series"]) == ["epoch/accuracy"]


def test_several_optimizers_have_the_same_panels_each():
    run = Run("gan")
    for name in (
        "step/d_optimizer/gradient_norm",
        "step/g_optimizer/gradient_norm",
        "step/d_optimizer/gradient_norm/max",
    ):
        run.point(name, 1, 2.0)
    made = document("t", [run])
    for optimizer in ("d_optimizer", "g_optimizer"):
        (panel,) = panels_that_show(made, f"step/{optimizer}/gradient_norm")
        assert panel["title"] == f"Gradient norm ({optimizer})"
        assert (panel["section"], panel["kinds"]) == ("8.2.4", ["cliff", "exploding", "nonfinite"])
    assert set(made["runs"][0]["series"]) == {"step/d_optimizer/gradient_norm", "step/g_optimizer/gradient_norm"}


def test_panels_of_records_stand_once_and_lines_are_numbers_or_names(tmp_path):
    own = {
        "title": "Mine",
        "unit": "m",
        "section": "8.2",
        "series": ["mine/*"],
        "lines": [{"value": 1, "label": "one"}],
    }
    for name in "ab":
        text = record(panels=[own], tags={"mine/ratio": {"text": "Ratio.", "unit": "m", "section": ""}})
        write(tmp_path / name, [(1, {"mine/ratio": 1.0})], text)
    made = event_files.read(tmp_path)
    mine = [panel for panel in made["panels"] if panel["title"] == "Mine"]
    assert [(panel["series"], panel["lines"], panel["log"]) for panel in mine] == [
        (["mine/*"], [{"label": "one", "value": 1, "direction": ""}], True)
    ]
    assert not panels_that_show(made, "mine/ratio")


# --- live ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ended, age, live", [(False, 1, True), (False, 1e6, False), (True, 1, False), (None, 1, False)]
)
def test_a_run_is_live_until_it_has_ended_or_died(ended, age, live):
    run = Run("a")
    run.point("step/loss", 1, 1.0)
    run.record(record(ended=ended, now=time.time() - age))
    assert document("t", [run])["live"] is live


# --- files that are not as they should be ----------------------------------------------------------------------------


def newest_file(folder):
    return max(path.path for path in os.scandir(folder) if "tfevents" in path.name)


def test_a_run_is_as_far_as_its_newest_curve_and_a_range_test_is_none_of_its_steps(tmp_path):
    written = [(28, {"step/loss": 0.1}), (100, {"step/range_loss": 2.0})]
    write(tmp_path, [*curve(10), *written], record(ended=False, step=16))
    assert only_run(tmp_path)["step"] == 28


@pytest.mark.parametrize("cut", [3, 11, 100])
def test_a_file_that_is_cut_short_is_read_up_to_there(tmp_path, cut):
    folder = write(tmp_path, curve(50))
    with open(newest_file(folder), "rb+") as file:
        file.truncate(os.path.getsize(file.name) - cut)
    run = only_run(tmp_path)
    assert 40 < len(run["series"]["step/loss"]["steps"]) < 50
    assert re.fullmatch(r".*Only a part of \S+ can be read: it is cut short\.", run["problem"])


def test_of_a_run_that_is_written_right_now_the_end_may_be_on_its_way(tmp_path):
    folder = write(tmp_path, curve(50), record(ended=False, now=time.time()))
    with open(newest_file(folder), "ab") as file:
        file.write(b"\x10\0\0")
    assert (only_run(tmp_path)["problem"], event_files.read(tmp_path)["live"]) == ("", True)


def test_a_file_that_is_damaged_in_the_middle_is_read_up_to_there(tmp_path):
    folder = write(tmp_path, curve(50))
    with open(newest_file(folder), "rb+") as file:
        file.seek(os.path.getsize(file.name) // 2)
        file.write(b"\xff" * 40)
    run = only_run(tmp_path)
    assert 10 < len(run["series"]["step/loss"]["steps"]) < 40
    assert "damaged, or no event file" in run["problem"] or "cut short" in run["problem"]


def test_runs_of_others_are_passed_over(tmp_path):
    write(tmp_path / "ours", curve(3))
    for name in ("train", "validation"):
        other = EventFileWriter(str(tmp_path / "ours" / name))
        other.add_event(
            event_pb2.Event(step=1, summary=summary_pb2.Summary(value=[{"tag": "epoch_loss", "simple_value": 1}]))
        )
        other.close()
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "events.out.tfevents.1").write_bytes(bytes(range(256)))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "events.out.tfevents.1").write_bytes(b"")
    assert [run["name"] for run in event_files.read(tmp_path)["runs"]] == ["ours"]


def test_no_folder_and_a_folder_without_runs_are_refused_with_the_fix(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must be a folder.*Received: log_dir='.*nowhere'.*Pass the"):
        event_files.read(tmp_path / "nowhere")
    (tmp_path / "events.out.tfevents.1").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"must hold a run.*with 1 folders of event files.*=.keras_ch8.Doctor"):
        event_files.read(tmp_path)


@pytest.mark.parametrize("text", ["", "nothing", "[1]", "{}", '{"version": "one"}', "{" * 50, "\0"])
def test_what_is_no_record_is_said(text):
    run = Run("odd")
    run.point("step/loss", 1, 1.0)
    run.record(text)
    made = run.as_document()
    assert made["record"] is None
    assert made["problem"].startswith("Its newest record cannot be read: ")


def test_of_a_record_only_what_has_the_right_type_is_kept():
    odd = {
        "version": 7, "ended": "yes", "step": "many", "verdicts": [5, {"level": "act"}, {"level": "huge"}, None],
        "events": {"a": 1}, "lines": {"step/loss": [{"value": []}, {"value": 2, "label": 3}, 4]}, "tags": {"a": 5},
        "panels": [{"series": "abc"}, {"series": [7], "lines": 5}, []], "hyperparameters": [],
        "layers": [{"rows": ["a"], "steps": [1], "values": values} for values in ([[1, 2]], [[None]], [1], [[1], [2]])],
    }  # fmt: skip
    run = Run("odd")
    run.record(json.dumps(odd))
    made = run.as_document()
    read = made["record"]
    assert (read["ended"], read["step"], read["events"], read["hyperparameters"]) == (None, None, [], {})
    assert [(v["level"], v["kind"], v["value"], v["why"]) for v in read["verdicts"]] == [("act", "", None, [])]
    assert read["lines"] == {"step/loss": [{"label": "3", "value": 2, "direction": ""}]}
    assert [(panel["series"], panel["lines"]) for panel in read["panels"]] == [(["7"], [])]
    assert [layer["values"] for layer in read["layers"]] == [[[None]]]
    assert "newer keras_ch8" in made["problem"]
    assert "'events' of its newest record" in made["problem"]
    json.dumps(document("t", [run]), allow_nan=False)


# --- files of somebody who means no good ------------------------------------------------------------------------------

NUMBERS = ["1e999", "NaN", "-Infinity", "1" + "0" * 400, "1" * 5000, "-1", "0.5", "true", "null"]
WILD = st.recursive(
    st.sampled_from([*NUMBERS, '""', '"\\u001b]0;x\\u0007"', '"\\ud800"', "[" * 100 + "]" * 100]),
    lambda some: (
        st.lists(some, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.dictionaries(
            st.sampled_from(["kind", "step", "text", "value", "notes", "x\\u001b"]), some, max_size=3
        ).map(lambda parts: "{" + ",".join(f'"{key}":{one}' for key, one in parts.items()) + "}")
    ),
    max_leaves=8,
)


@given(st.sampled_from(["record", "verdicts", "events", "panels", "layers"]), st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_a_record_says_is_read_or_refused_with_a_sentence(where, data):
    basic = json.loads(record(verdicts=[VERDICT], events=[{"step": 1, "kind": "clip", "text": "It clips."}]))
    basic["panels"] = [{"title": "t", "unit": "", "section": "8.2", "series": ["step/loss"], "lines": []}]
    basic["layers"] = [{"name": "n", "rows": ["a"], "steps": [1], "values": [[1.0]], "kinds": []}]
    target = basic if where == "record" else basic[where][0]
    key = data.draw(st.sampled_from(sorted({*target, "another"} - {"version"})))
    target[key] = "HERE"
    run = Run("a\x1b[2J")
    run.point("step/loss\x1b", 1, 1.0)
    run.record(json.dumps(basic).replace('"HERE"', data.draw(WILD)))
    made = document("logs", [run])
    whole = json.dumps(made, allow_nan=False)
    assert all(letter not in whole for letter in ("\\u001b", "\\u0007", "\\ud800"))
    said = [in_words(made), str(RunHistory(run, "logs")), *map(str, verdicts_of(run.said))]
    assert all(letter.isprintable() or letter == "\n" for text in said for letter in text)


HOSTILE = {
    "nested": '{"version": 1, "hyperparameters": ' + "[" * 50_000 + "]" * 50_000 + "}",
    "huge": record(verdicts=[VERDICT]).replace("0.3", "1" + "0" * 400),
    "no record": "[]",
}


@pytest.mark.parametrize("kind", [*HOSTILE, "long"])
def test_a_run_that_cannot_be_read_is_named_and_the_others_are_shown(tmp_path, kind):
    write(tmp_path / "good", curve(5), record(verdicts=[VERDICT]))
    folder = write(tmp_path / "bad", curve(5), HOSTILE.get(kind))
    if kind == "long":
        (file,) = Path(folder).glob("*tfevents*")
        length = struct.pack("<Q", 2**40)
        file.write_bytes(file.read_bytes() + length + struct.pack("<I", masked_crc32c(length)) + b"more")
    bad, good = sorted(event_files.read(tmp_path)["runs"], key=lambda run: run["name"])
    assert (good["problem"], good["record"]["verdicts"]) == ("", [VERDICT])
    assert ("it is nested" in bad["problem"]) == (kind == "nested")
    assert ("cut short" in bad["problem"]) == (kind == "long")
    assert bad["series"]["step/loss"]["steps"] == [1, 2, 3, 4, 5]
    json.dumps([bad, good], allow_nan=False)
    assert "vanishing" in str(keras_ch8.report(tmp_path))


def test_a_verdict_of_an_untrusted_folder_has_no_escape_sequences(tmp_path):
    hostile = VERDICT | {"finding": "Bad\x1b]0;title\x07 news", "code": "a = 1\n\tb"}
    write(tmp_path, curve(3), record(verdicts=[hostile]))
    ((verdict,),) = keras_ch8.report(tmp_path).verdicts.values()
    assert (verdict.finding, verdict.code) == ("Bad]0;title news", "a = 1\n b")
    assert str(keras_ch8.read_run(tmp_path).verdicts[0]).isprintable()
