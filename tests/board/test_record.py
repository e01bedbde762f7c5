"""The record of a run: one JSON object, bounded whatever the training does."""

import json
import math

import numpy as np

from keras_ch8.board import record
from keras_ch8.board.record import Event, HeatMap, Record
from keras_ch8.board.tags import FLOW_GRADIENT
from keras_ch8.board.writer import RunWriter
from keras_ch8.extend import Verdict
from keras_ch8.verdicts.state import NOT_DIAGNOSED
from tests.board.readers import LOADERS


def read(text):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_record_that_nobody_has_put_anything_into_has_all_its_parts():
    found = read(Record().text(7))
    assert found.pop("begun") <= found.pop("now")
    assert found == {
        "version": 1, "ended": False, "step": 7, "hyperparameters": {}, "diagnosis": None, "verdicts": [],
        "events": [], "lines": {}, "tags": {}, "panels": [], "stopping": None, "layers": [],
        "state": NOT_DIAGNOSED.as_data(),
    }  # fmt: skip


def test_what_is_not_finite_is_null_and_hostile_names_are_data():
    known = Record()
    name = "<img src=x onerror=alert(1)></script>\ud800é"
    known.hyperparameters = {name: math.nan, "rate": np.float32(0.5), "many": [math.inf, np.int64(3)], "what": object}
    known.verdicts = [Verdict("cliff", "watch", name, "", "8.2.4", 5)]
    known.events.add(Event(3, "spike", name))
    known.add_column(HeatMap.of(FLOW_GRADIENT, [name, "b", "c"]), 1, np.array([np.nan, -np.inf, 1e-30]))
    found = read(known.text(1))
    assert found["hyperparameters"] == {name: None, "rate": 0.5, "many": [None, 3], "what": "<class 'object'>"}
    assert (found["verdicts"][0]["finding"], found["verdicts"][0]["value"]) == (name, None)
    assert found["events"] == [{"step": 3, "kind": "spike", "text": name}]
    assert found["layers"] == [
        {
            "name": FLOW_GRADIENT.name,
            "title": FLOW_GRADIENT.title,
            "unit": "loss / signal",
            "section": "8.2.5",
            "rows": [name, "b", "c"],
            "kinds": [],
            "steps": [1],
            "values": [[None, None, 1e-30]],
        }
    ]


def test_of_many_events_the_first_and_the_last_hundred_stay():
    known = Record()
    for step in range(1000):
        known.events.add(Event(step, "spike", "A spike."))
    assert [e["step"] for e in read(known.text(1))["events"]] == [*range(100), *range(900, 1000)]


def test_a_heat_map_keeps_its_first_and_its_newest_column_and_even_steps_between():
    heat_map = HeatMap.of(FLOW_GRADIENT, ["a", "b"])
    for step in range(1, 1001):
        heat_map.add(step, np.array([step, 2.0 * step]))
        heat_map.thin(10**6)
        found = read(heat_map.as_json())
        steps = found["steps"]
        assert (steps[0], steps[-1]) == (1, step)
        assert len(steps) <= 100
        assert len(set(np.diff(steps[:-1]))) <= 1
        assert found["values"][-1] == [float(f"{step:.3g}"), float(f"{2 * step:.3g}")]
    assert len(steps) > 50


def test_a_column_of_other_layers_is_left_out():
    heat_map = HeatMap.of(FLOW_GRADIENT, ["a", "b"])
    heat_map.add(1, np.ones(2))
    heat_map.add(2, np.ones(3))
    assert read(heat_map.as_json())["steps"] == [1]


def test_of_200_layers_and_100_measurements_each_record_and_all_together_are_small():
    known, total = Record(), 0
    rows = [f"a_block_of_many/convolution_{i}" for i in range(200)]
    maps = [HeatMap.of(FLOW_GRADIENT, rows) for _ in range(4)]
    random = np.random.default_rng(0)
    known.verdicts = [Verdict("cliff", "act", "f" * 200, "c" * 300, "8.2.4", 5, 5, ("w" * 100,) * 5, "x" * 200)] * 13
    for step in range(100):
        for heat_map in maps:
            known.add_column(heat_map, step, random.lognormal(-9, 3, size=200))
        for _ in range(10):
            known.events.add(Event(step, "spike", "The gradient was 123 times the median of the 100 steps before it."))
        text = known.text(step)
        assert len(text) < 64 * 1024
        total += len(text)
    assert total < 6 * 2**20
    found = read(text)["layers"][0]
    assert (found["rows"][0], found["rows"][-1], len(found["rows"])) == (rows[0], rows[-1], record.MOST_ROWS)
    assert {len(column) for column in found["values"]} == {record.MOST_ROWS}
    assert len(found["steps"]) >= record.FEWEST_COLUMNS


def test_records_come_less_and_less_often(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(record.time, "time", lambda: now[0])
    monkeypatch.setattr(record.time, "monotonic", lambda: now[0])
    known, written = Record(), []
    while now[0] < 1000.0 + 3 * 86400:
        if known.is_due():
            known.text(1)
            written.append(now[0])
        now[0] += 0.5
    assert np.diff(written).min() >= 1
    assert np.diff(written).max() <= 0.02 * 3 * 86400 + 1
    assert len(written) < 600


def test_records_are_read_back_by_both_loaders_the_newest_last(tmp_path):
    writer, known = RunWriter.open(str(tmp_path), 1), Record()
    for step in (*range(1, 31), 30):
        writer.record(lambda step=step: known.text(step), step)
    writer.close()
    for loader in LOADERS:
        with loader(tmp_path) as board:
            points = board.tensors("keras_ch8")["diagnosis/record"]
        assert points[-1][0] == 31
        assert read(points[-1][1].item().decode())["step"] == 30


def test_a_record_that_cannot_be_made_is_one_warning(tmp_path, recwarn):
    writer = RunWriter.open(str(tmp_path), 1)
    for step in (1, 2):
        writer.record(lambda: 1 / 0, step)
    writer.close()
    assert ["ZeroDivisionError" in str(w.message) for w in recwarn] == [True]
