"""Event files of runs, written as the callback does."""

import json

from tensorboard.compat.proto import summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2

from keras_ch8.board.writer import RunWriter
from keras_ch8.verdicts.state import NOT_DIAGNOSED, state_of
from keras_ch8.verdicts.verdict import Verdict

VERDICT = {
    "kind": "vanishing", "level": "act", "finding": "The gradient shrinks 3 times a layer.", "cure": "Use `ReLU`.",
    "section": "8.2.5", "step": 40, "measured": 90, "why": ["It is 0.3.", "It should be 1."],
    "code": "model.add(keras.layers.ReLU())", "series": "diagnosis/backward_factor", "value": 0.3,
    "then": "Use `layers.Residual`.", "then_code": "", "expects": "It should be 0.9.", "explained_by": "",
    "is_of_probe": False, "shows": "Labels", "bars": [["3", 0.25, True], ["4", 0.75, False]],
}  # fmt: skip
FINE = {
    "kind": "cliff", "level": "ok", "finding": "No spike.", "cure": "", "section": "8.2.4", "step": 40, "measured": 90,
    "why": [], "code": "", "series": "", "value": None, "then": "", "then_code": "", "expects": "", "explained_by": "",
    "is_of_probe": False, "shows": "", "bars": [],
}  # fmt: skip


def standing(said):
    """Return what the verdicts of a record come to, as it stands there."""
    is_diagnosed = said["verdicts"] or said["diagnosis"]
    return (state_of([Verdict(**each) for each in said["verdicts"]]) if is_diagnosed else NOT_DIAGNOSED).as_data()


def record(**said):
    """Return a record as JSON."""
    basic = {"version": 1, "begun": 1.0, "now": 2.0, "ended": True, "step": 100, "hyperparameters": {"batch_size": 32}}
    whole = basic | {"diagnosis": {"measurements": 9, "cost": 0.01}, "verdicts": []} | said
    return json.dumps({"state": standing(whole)} | whole)


def write(log_dir, points, text=None):
    """Write a run of points [(step, {name: value})] and, at the last step, a record; return its folder."""
    writer = RunWriter.open(str(log_dir), points[0][0] if points else 1)
    writer.points(points)
    if text is not None:
        last = max((step for step, _ in points), default=1)
        writer._write((last, lambda: of_record(text)))
    writer.close()
    return writer.folder


def of_record(text):
    """Return a record as it stands in an event."""
    metadata = summary_pb2.SummaryMetadata(
        plugin_data={"plugin_name": "keras_ch8"}, data_class=summary_pb2.DATA_CLASS_TENSOR
    )
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, string_val=[text.encode()], tensor_shape=tensor_shape_pb2.TensorShapeProto()
    )
    return summary_pb2.Summary(value=[{"tag": "diagnosis/record", "metadata": metadata, "tensor": tensor}])


def curve(steps, **more):
    """Return points of a loss that falls."""
    return [(step, {"step/loss": 1 / step} | more) for step in range(1, steps + 1)]
