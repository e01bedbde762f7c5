"""What `--json` prints is what docs/verdicts.schema.json says, field by field, and short."""

import dataclasses
import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from keras_ch8.commands import _json, diagnose, report
from keras_ch8.extend import Verdict
from keras_ch8.proof.judge import Pair, judge
from keras_ch8.proof.program import Outcome
from keras_ch8.proof.result import Proof, Tried
from keras_ch8.verdicts.state import OverallState
from tests.cockpit import runs

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "verdicts.schema.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "null": type(None)}
STATE = OverallState("act", 20, 26, ("leak",), ("Pass a probe.",))
CODE = "model.optimizer.learning_rate = 0.01"


def wrong(data, schema=SCHEMA, path="$"):
    """Yield what of some data is not as the schema says."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if all([*wrong(data, each, path)] for each in schema["anyOf"]):
            yield f"{path} is none of the forms it may have"
        return
    names = schema.get("type", [])
    types = tuple(TYPES[name] for name in ([names] if isinstance(names, str) else names))
    if (types and not isinstance(data, types)) or data not in schema.get("enum", [data]):
        yield f"{path} is {data!r}"
    if schema.get("const", data) != data:
        yield f"{path} is {data!r}, not {schema['const']!r}"
    if isinstance(data, dict) and "properties" in schema:
        known = schema["properties"]
        yield from (f"{path} has {name}" for name in data.keys() - known.keys())
        yield from (f"{path} lacks {name}" for name in {*schema["required"]} - data.keys())
        for name in data.keys() & known.keys():
            yield from wrong(data[name], known[name], f"{path}.{name}")
    for number, each in enumerate(data if isinstance(data, list) else ()):
        yield from wrong(each, schema["items"], f"{path}[{number}]")


def verdicts(count=1, words=1):
    """Return verdicts, each with long reasons if so asked."""
    why = ("The loss is 7 times its initial value. " * words,) * 4
    sick = Verdict("step_too_long", "act", "It diverges.", "Lower the rate.", "8.2.4", 5, 7, why, CODE * words)
    return [sick] * count + [Verdict("cliff", "ok", "No spikes.", "", "8.2.4", 5)]


def proof(patch):
    """Return what is proven with three seeds, one of which fails without the fix."""
    scores = (0.2, 0.9), (0.3, 0.8), (math.nan, 0.9)
    pairs = [Pair(n, *(Outcome(each, "accuracy") for each in two)) for n, two in enumerate(scores)]
    tried = Tried((verdicts()[0],), judge(pairs)), Tried((verdicts()[0],), None, "Its `fit` stands elsewhere.")
    patched = SimpleNamespace(text=patch)
    unchecked = ("`minutes` allowed no more fixes.",)
    return Proof(Outcome(0.2, "accuracy"), tried, (verdicts()[0],), patched, judge(pairs), unchecked=unchecked)


def printed(text):
    """Return what a command printed, which is as the schema says."""
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert [*wrong(data)] == []
    return data


def test_the_schema_tells_every_other_form():
    data = printed(_json.report("doctor", [_json.run("train.py", verdicts(), STATE)], proof=proof("--- a\n+++ b\n")))
    for change in ({"version": 2}, {"command": "swap"}, {"patch": 7}, {"more": 1}, {"runs": [{}]}, {"gain": {}}):
        assert [*wrong(data | change)], change
    assert [*wrong({name: value for name, value in data.items() if name != "page"})] == ["$ lacks page"]


def test_a_finding_has_its_evidence_its_code_and_where_that_goes():
    units, where = {"diagnosis/loss": "loss"}, {"step_too_long": "train.py:41"}
    sick = Verdict("step_too_long", "act", "It diverges.", "Lower it.", "8.2.4", 5, 7, (), CODE, "diagnosis/loss", 3.5)
    found = _json.run("train.py", [sick, *verdicts(0)], STATE, units=units, where=where)
    (finding,) = found["findings"]  # none of what is ok
    assert finding["evidence"] == {"step": 7, "number": 3.5, "unit": "loss", "series": "diagnosis/loss", "reasons": []}
    assert (finding["code"], finding["where"]) == (CODE, "train.py:41")
    assert found["not_checked"] == ["Pass a probe.", "Not judged: leak."]


def test_a_proof_has_its_patch_its_gain_and_what_was_tried():
    patch = "--- a/train.py\n+++ b/train.py\n"
    data = printed(_json.report("doctor", [_json.run("train.py", verdicts(), STATE)], proof=proof(patch)))
    assert data["patch"] == patch
    assert data["gain"]["result"] == "proven"
    assert data["fresh"] == data["gain"]
    assert (data["gain"]["with"], data["gain"]["without"], data["gain"]["seeds"]) == (0.9, 0.2, 3)
    assert data["gain"]["largest_change"] is None  # of a training that fails without the fix
    assert [each["reason"] for each in data["tried"]] == [None, "Its `fit` stands elsewhere."]
    assert data["runs"][0]["not_checked"][-1] == "`minutes` allowed no more fixes."


def test_what_fresh_seeds_say_is_told_where_it_is_too_little_for_a_patch():
    unproven = dataclasses.replace(proof("x"), patched=None, fresh=judge([Pair(3, *[Outcome(0.5, "accuracy")] * 2)]))
    data = printed(_json.report("doctor", [], proof=unproven))
    assert (data["patch"], data["gain"]) == (None, None)
    assert (data["fresh"]["result"], data["fresh"]["with"], data["fresh"]["seeds"]) == ("not proven", 0.5, 1)


def test_a_later_fix_is_measured_by_the_seeds_that_it_is_for():
    pairs = [Pair(n, *(Outcome(each, "accuracy") for each in two)) for n, two in enumerate([(0.5, 0.9), (0.9, 0.9)])]
    found = _json._measured(judge(pairs, aim=(0,)))
    assert (found["result"], found["without"], found["with"], found["seeds"]) == ("proven", 0.5, 0.9, 1)


def test_the_measure_of_a_training_that_fails_without_the_fix_is_that_of_the_training_with_it():
    found = judge([Pair(0, Outcome(error="ValueError: shapes"), Outcome(0.9, "accuracy"))])
    assert _json._measured(found)["measure"] == "accuracy"


@pytest.mark.parametrize(
    ("count", "words", "patch"), [(1, 1, 10), (3, 20, 10), (40, 5, 10), (9, 9, 3500), (9, 9, 9000)]
)
def test_a_run_has_at_most_6000_characters_with_its_patch_which_is_whole(count, words, patch):
    run = _json.run("train.py", verdicts(count, words), STATE)
    text = _json.report("doctor", [run], proof=proof("x" * patch))
    data = printed(text)
    (short,) = data["runs"]
    assert data["patch"] == "x" * patch
    assert len(json.dumps(short, indent=1)) + patch <= max(6000, patch + 2000)
    assert short["findings"][0]["code"] == CODE * words
    assert len(short["findings"]) + short["left_out"] == count


def test_diagnose_and_report_print_the_runs_of_a_folder(tmp_path, capsys):
    curve = [(step, {"diagnosis/backward_factor": 0.3}) for step in (1, 90)]
    runs.write(tmp_path / "sick", curve, runs.record(verdicts=[runs.VERDICT, runs.FINE]))
    status = diagnose.run(SimpleNamespace(log_dir=str(tmp_path), json=True))
    data = printed(capsys.readouterr().out)
    assert (status, data["command"], data["patch"]) == (1, "diagnose", None)
    assert [(run["state"], run["findings"][0]["kind"]) for run in data["runs"]] == [("act", "vanishing")]
    assert data["runs"][0]["findings"][0]["evidence"]["number"] == 0.3
    assert report.run(SimpleNamespace(log_dir=str(tmp_path), file=None, json=True)) == 0
    again = printed(capsys.readouterr().out)
    assert again["page"] == str(tmp_path / "report.html")
    assert again["runs"] == data["runs"]
