"""The values of an event as TensorBoard's own plugins read them."""

from collections.abc import Mapping

import numpy as np
from tensorboard.compat.proto import summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.util import tensor_util

from . import tags

PLUGIN = "keras_ch8"
"""Name of the plugin that reads the records."""


def scalars(values: Mapping[str, float], described: set[str], declared: Mapping[str, tags.Tag]) -> summary_pb2.Summary:
    """Return a summary of scalars; those not yet in `described` carry their description, and are added to it.

    Those of the suite have it in `tags`, all others in `declared`. Edges of bands are tensors: what has a simple value
    is a chart, whatever plugin it says that it is of.
    """
    summary = summary_pb2.Summary()
    for name, value in values.items():
        if tags.is_edge(name):
            entry = summary.value.add(
                tag=name, tensor=tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[value])
            )
        else:
            entry = summary.value.add(tag=name, simple_value=value)
        if name not in described:
            entry.metadata.CopyFrom(scalar_metadata.create_summary_metadata(name, description(name, declared)))
            entry.metadata.data_class = summary_pb2.DATA_CLASS_SCALAR
            if tags.is_edge(name):
                entry.metadata.plugin_data.plugin_name = tags.EDGES
            described.add(name)
    return summary


def description(name: str, declared: Mapping[str, tags.Tag]) -> str:
    """Return what a series says of itself."""
    return declared[name].description if name in declared else tags.describe(name)


def text(tag: tags.Tag, markdown: str) -> summary_pb2.Summary:
    """Return a summary of one markdown text."""
    metadata = text_metadata.create_summary_metadata(tag.name, tag.description)
    return _string(tag.name, metadata, markdown)


def record(tag: tags.Tag, json: str) -> summary_pb2.Summary:
    """Return a summary of one JSON object, for the plugin of the suite."""
    data = summary_pb2.SummaryMetadata.PluginData(plugin_name=PLUGIN)
    metadata = summary_pb2.SummaryMetadata(plugin_data=data, summary_description=tag.description)
    return _string(tag.name, metadata, json)


EXPERIMENT, SESSION = hparams_metadata.EXPERIMENT_TAG, hparams_metadata.SESSION_START_INFO_TAG
COLUMNS = {
    "optimizer": api_pb2.DATA_TYPE_STRING,
    "learning_rate": api_pb2.DATA_TYPE_FLOAT64,
    "schedule": api_pb2.DATA_TYPE_STRING,
    "batch_size": api_pb2.DATA_TYPE_FLOAT64,
    "loss": api_pb2.DATA_TYPE_STRING,
    "epochs": api_pb2.DATA_TYPE_FLOAT64,
}
"""Columns of the dashboard HParams, the same in all runs: TensorBoard takes those of the first that it finds."""
RESULTS = (tags.epoch("val_loss"), tags.epoch("loss"))
"""Columns of what came out: the last value of each series."""


def experiment() -> summary_pb2.Summary:
    """Return a summary that says what columns the dashboard HParams has."""
    found = api_pb2.Experiment(
        hparam_infos=[api_pb2.HParamInfo(name=name, type=of) for name, of in COLUMNS.items()],
        metric_infos=[
            api_pb2.MetricInfo(name={"tag": t.name}, display_name=t.name.rpartition("/")[2], description=t.text)
            for t in RESULTS
        ],
    )
    return _hparams(EXPERIMENT, plugin_data_pb2.HParamsPluginData(experiment=found))


def hyperparameters(values: dict[str, object], begun: float) -> summary_pb2.Summary:
    """Return a summary of the settings of a run that began then, for the dashboard HParams."""
    session = plugin_data_pb2.SessionStartInfo(start_time_secs=begun)
    rate = values.get("learning_rate")
    for name, value in (values | ({"schedule": rate} if isinstance(rate, str) else {})).items():
        is_number = COLUMNS.get(name) == api_pb2.DATA_TYPE_FLOAT64
        if is_number and isinstance(value, int | float):
            session.hparams[name].number_value = value
        elif not is_number and name in COLUMNS and isinstance(value, str):
            session.hparams[name].string_value = value
    return _hparams(SESSION, plugin_data_pb2.HParamsPluginData(session_start_info=session))


def _hparams(tag: str, data: plugin_data_pb2.HParamsPluginData) -> summary_pb2.Summary:
    metadata = hparams_metadata.create_summary_metadata(data)
    value = summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)
    return summary_pb2.Summary(value=[value])


def histogram(tag: tags.Tag, counts: np.ndarray, edges: np.ndarray) -> summary_pb2.Summary:
    """Return a summary of one histogram, a row (left, right, count) for each bucket."""
    metadata = histogram_metadata.create_summary_metadata(tag.name, tag.description)
    metadata.data_class = summary_pb2.DATA_CLASS_TENSOR
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1).astype("float64")
    tensor = tensor_util.make_tensor_proto(buckets)
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag.name, metadata=metadata, tensor=tensor)])


def _string(name: str, metadata: summary_pb2.SummaryMetadata, value: str) -> summary_pb2.Summary:
    metadata.data_class = summary_pb2.DATA_CLASS_TENSOR
    shape = tensor_shape_pb2.TensorShapeProto()  # a scalar
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[value.encode()], tensor_shape=shape)
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=name, metadata=metadata, tensor=tensor)])
