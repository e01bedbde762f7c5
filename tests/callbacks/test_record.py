"""The record of a training: what it holds, when it is on the disk, and what it costs nobody."""

import json
import time

import keras
import numpy as np
import pytest
from keras import layers
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

import keras_ch8
from keras_ch8 import callbacks, clipping, extend
from keras_ch8 import optimizers as ours
from keras_ch8.board import tags
from keras_ch8.verdicts.kinds import title_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 4)).astype("float32")
Y = (X @ RNG.normal(size=(4, 1))).astype("float32")


def network(optimizer, loss="mse", depth=3):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), *(layers.Dense(5, "tanh") for _ in range(depth)), layers.Dense(1)])
    model.compile(optimizer, loss)
    return model


def fit(model, listed, epochs=2, **options):
    return model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=listed, **options).history


def records(log_dir, run="optimization"):
    """Return the steps and the records that the event files of a run hold by now, the oldest first."""
    found = []
    for path in sorted((log_dir / run).glob("*tfevents*")):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag == "diagnosis/record":
                    assert value.metadata.plugin_data.plugin_name == "keras_ch8"
                    found.append((event.step, json.loads(value.tensor.string_val[0])))
    return found


def newest(log_dir):
    return records(log_dir)[-1][1]


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_record_alone_has_everything(tmp_path, order):
    watching = callbacks.Diagnosis((X, Y), measure_every=3, budget=None)
    fit(network(ours.SGD(0.1)), [callbacks.TensorBoard(tmp_path), watching][::order])
    found = newest(tmp_path)
    assert (found["version"], found["ended"], found["step"]) == (1, True, 12)
    expected = {"optimizer": "SGD", "learning_rate": 0.1, "batch_size": 8, "loss": "mse", "epochs": 2}
    assert found["hyperparameters"].items() >= (expected | {"steps_per_epoch": 6, "trainable weights": 91}).items()
    assert found["diagnosis"] == {"measurements": watching.measurements, "cost": watching.cost}
    assert found["state"] == watching.state.as_data()
    assert found["state"]["reasons"][0].startswith("The probe was measured 4 times, too few to judge trends.")
    assert [(v["kind"], v["level"], v["finding"]) for v in found["verdicts"]] == [
        (v.kind, v.level, v.finding) for v in watching.verdicts
    ]
    assert {"value": 0.4, "label": "act: dead_units", "direction": "above"} in found["lines"]["diagnosis/fraction_dead"]
    assert found["begun"] <= found["now"]


@pytest.mark.slow
def test_heat_maps_are_names_and_values(tmp_path):
    watching = callbacks.Diagnosis((X, Y), measure_every=2, budget=None)
    model = network(ours.SGD(0.1))
    fit(model, [callbacks.TensorBoard(tmp_path), watching])
    maps = {each["name"]: each for each in newest(tmp_path)["layers"]}
    parts = {"name", "title", "unit", "section", "rows", "steps", "values", "kinds"}
    assert all(set(each) == parts for each in maps.values())
    flows, steps = watching.log.of("layer_flow"), watching.log.steps_of("layer_flow").tolist()
    names = [layer.name for layer in model.layers]
    for tag, quantity in ((tags.FLOW_GRADIENT, "gradient"), (tags.FLOW_SIGNAL, "signal")):
        found = maps[tag.name]
        assert (found["rows"], found["steps"]) == (names, steps)
        np.testing.assert_allclose(found["values"], [getattr(flow, quantity) for flow in flows], rtol=5e-3)
    assert maps[tags.FLOW_UPDATE.name]["rows"] == names
    assert (maps[tags.FLOW_GRADIENT.name]["unit"], maps[tags.FLOW_GRADIENT.name]["section"]) == (
        "loss / signal",
        "8.2.5",
    )
    assert maps[tags.FLOW_GRADIENT.name]["kinds"] == ["vanishing", "exploding"]


@pytest.mark.slow
def test_of_a_recurrent_layer_the_rows_are_the_time_steps_from_the_last(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((7, 2)), layers.SimpleRNN(3), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(16, 7, 2))
    watching = callbacks.Diagnosis((x, x[:, 0, :1]), measure_every=1, budget=None)
    model.fit(x, x[:, 0, :1], batch_size=8, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path), watching])
    (found,) = [each for each in newest(tmp_path)["layers"] if each["name"] == tags.TIME_PROFILE.name]
    assert found["rows"] == ["the last", *(f"{i} before the last" for i in range(1, 7))]
    np.testing.assert_allclose(
        found["values"], [layers[0].profile for layers in watching.log.of("time_horizon")], rtol=5e-3
    )


@pytest.mark.slow
def test_without_diagnosis_that_is_null_and_the_opening_is_there_before_the_first_step(tmp_path):
    fit(network("adam"), [callbacks.TensorBoard(tmp_path)])
    (step, first), *_, (_, last) = records(tmp_path)
    assert (step, first["step"], first["ended"]) == (0, 0, False)
    assert first["hyperparameters"]["optimizer"] == "Adam"
    assert first["hyperparameters"]["trainable weights"] == 91
    assert (last["diagnosis"], last["verdicts"], last["layers"], last["ended"]) == (None, [], [], True)


class Stop(keras.callbacks.Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch, logs=None):
        if batch == 3:
            raise self.error


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("mine")])
def test_a_training_that_is_ended_by_an_error_has_ended(tmp_path, error):
    with pytest.raises(type(error)):
        fit(network("sgd"), [callbacks.TensorBoard(tmp_path), Stop(error)])
    found = newest(tmp_path)
    assert (found["ended"], found["step"]) == (True, 4)


@pytest.mark.slow
def test_a_second_fit_begins_a_record_of_its_own(tmp_path):
    model, listed = network("sgd"), [callbacks.TensorBoard(tmp_path)]
    for epochs in (2, 4):
        fit(model, listed, epochs=epochs, initial_epoch=epochs - 2)
    found = records(tmp_path)
    assert [r["ended"] for _, r in found if r["ended"]] == [True, True]
    assert (np.diff([step for step, _ in found]) > 0).all()
    assert found[-1][1]["begun"] > found[0][1]["now"]


class Slow(keras.callbacks.Callback):
    """Trains on for a while, and looks into the file meanwhile."""

    def __init__(self, log_dir, seconds):
        super().__init__()
        self.log_dir, self.seconds, self.found = log_dir, seconds, None

    def on_train_batch_end(self, batch, logs=None):
        if batch == 40:
            end = time.monotonic() + self.seconds
            while self.found is None and time.monotonic() < end:
                time.sleep(0.2)
                self.found = next((r["verdicts"] for _, r in records(self.log_dir)[::-1] if r["verdicts"]), None)


@pytest.mark.slow
def test_a_verdict_is_on_the_disk_ten_seconds_after_it_was_found(tmp_path):
    model = network(ours.SGD(3.0))
    watching, slow = callbacks.Diagnosis((X, Y), measure_every=5, budget=None), Slow(tmp_path, 10)
    x, y = np.tile(X, (8, 1)), np.tile(Y, (8, 1))
    listed = [callbacks.TensorBoard(tmp_path), watching, slow]
    model.fit(x, y, batch_size=8, epochs=1, verbose=0, callbacks=listed)
    assert slow.found, "nothing was in the file"
    assert any(v["level"] == "act" for v in slow.found)
    acts = [e for e in newest(tmp_path)["events"] if e["kind"] == "act"]
    assert {e["text"].partition(":")[0] for e in acts} >= {
        title_of(v.kind) for v in watching.verdicts if v.level == "act"
    }


@pytest.mark.slow
def test_events_of_others_are_in_the_record_and_known_without_a_board(tmp_path):
    class Mine(extend.Callback):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            self.session.event("stage", f"Stage {epoch + 1} ends.")

    mine = Mine()
    fit(network("sgd"), [mine])
    assert [tuple(event) for event in mine.session.record.events] == [
        (6, "stage", "Stage 1 ends."), (12, "stage", "Stage 2 ends.")
    ]  # fmt: skip
    fit(network("sgd"), [mine, callbacks.TensorBoard(tmp_path)])
    assert [e["text"] for e in newest(tmp_path)["events"]] == ["Stage 1 ends.", "Stage 2 ends."]


@pytest.mark.slow
def test_a_switch_of_the_optimizer_is_an_event(tmp_path):
    switch = callbacks.SwitchOptimizer("1ep", to=ours.SGD(0.01))
    fit(network(ours.Adam()), [callbacks.TensorBoard(tmp_path), switch])
    assert [(e["step"], e["kind"], "SGD" in e["text"]) for e in newest(tmp_path)["events"]] == [(6, "optimizer", True)]


@pytest.mark.slow
def test_clipping_is_two_events_and_not_one_for_each_step(tmp_path):
    model = network(ours.SGD(0.1, clip=clipping.ByGlobalNorm(1e-3)))
    fit(model, [callbacks.TensorBoard(tmp_path)])
    first, last = newest(tmp_path)["events"]
    assert (first["step"], first["kind"]) == (1, "clip")
    assert last == {"step": 12, "kind": "clip", "text": "Clipping acted at 100 % of the steps."}
    assert newest(tmp_path)["hyperparameters"]["global_clipnorm"] == 1e-3, "the limit that is drawn beside the norms"


class Ratio(extend.Monitor):
    name = "ratio_of_mine"
    source = "epochs"
    curves = (extend.Curve("ratio_of_mine", "Ratio of mine", "1", "A number of mine.", "8.2"),)
    kinds = (extend.Kind("mine_high", "8.2", "It is high.", "It is low", "Lower it."),)
    rules = (
        extend.Rule(
            kind="mine_high",
            says="It is high",
            limits=(extend.Limit(extend.Quantity("mine", "Mine."), "above", 1.0, 2.0, source="Experience."),),
        ),
    )

    def numbers(self, log):
        return {"ratio_of_mine": 3.0}


class Mine(extend.Callback):
    tags = (extend.Tag("mine/number", "A length of mine", "metres", "A length of mine."),)


@pytest.mark.slow
def test_what_is_the_users_own_has_its_tag_and_its_panel(tmp_path):
    listed = [callbacks.TensorBoard(tmp_path), Mine(), callbacks.Diagnosis((X, Y), checks=["step_length", Ratio()])]
    fit(network("sgd"), listed)
    found = newest(tmp_path)
    assert found["tags"] == {"mine/number": {"text": "A length of mine.", "unit": "metres", "section": ""}}
    ratio = keras_ch8.read_run(tmp_path)["diagnosis/ratio_of_mine"]
    assert (ratio.text, ratio.unit, ratio.section) == ("A number of mine.", "1", "8.2")
    made = {panel["title"]: panel for panel in found["panels"]}
    assert len(made) == len(found["panels"])
    length, ratio = made["A length of mine"], made["Ratio of mine"]
    assert (length["unit"], length["series"], length["kinds"]) == ("metres", ["mine/number"], [])
    assert (ratio["series"], ratio["kinds"]) == (["diagnosis/ratio_of_mine"], ["mine_high"])
    step = made["Step length / best (1 ideal, > 2 diverges)"]
    assert (step["kinds"], step["log"]) == (["step_too_long", "step_too_short"], False)


@pytest.mark.slow
def test_an_optimizer_that_cannot_tell_its_settings_is_named(tmp_path):
    class Odd(keras.optimizers.SGD):
        def get_config(self):
            raise NotImplementedError

    fit(network(Odd(0.1)), [callbacks.TensorBoard(tmp_path)])
    assert newest(tmp_path)["hyperparameters"]["optimizer"] == "Odd"


@pytest.mark.broad
@pytest.mark.parametrize(
    "loss, name",
    [
        ("mse", "mse"),
        (keras.losses.Huber(), "huber_loss"),
        (keras.losses.mean_absolute_error, "mean_absolute_error"),
        (lambda y, p: keras.ops.mean((y - p) ** 2), "<lambda>"),
    ],
)
@pytest.mark.slow
def test_the_loss_has_its_name(tmp_path, loss, name):
    fit(network("sgd", loss), [callbacks.TensorBoard(tmp_path)], epochs=1)
    assert newest(tmp_path)["hyperparameters"]["loss"] == name
