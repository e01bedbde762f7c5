"""TensorBoard's own two loaders, with the sampling that they have by default where the tab is installed."""

import argparse
import contextlib
import re
import subprocess

import grpc
import tensorboard_data_server
from tensorboard.backend.event_processing import data_ingester
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.data.grpc_provider import GrpcDataProvider, make_stub

from keras_ch8.board.tags import EDGES
from keras_ch8.cockpit.loader import Loader

ALL = 10**6
"""More points than any loader keeps, so that reading does not sample again."""


class Board:
    """What TensorBoard knows of a log_dir."""

    def __init__(self, provider):
        self.provider = provider
        self.where = {"ctx": RequestContext(), "experiment_id": ""}

    def runs(self):
        return {run.run_name for run in self.provider.list_runs(**self.where)}

    def scalars(self, run="optimization", plugin="scalars"):
        """Return {tag: [(step, value)]} of what TensorBoard draws, or of what another plugin reads."""
        found = self.provider.read_scalars(**self.where, plugin_name=plugin, downsample=ALL).get(run, {})
        return {tag: [(point.step, point.value) for point in points] for tag, points in found.items()}

    def edges(self, run="optimization"):
        """Return {tag: [(step, value)]} of the smallest and the largest values of windows."""
        return self.scalars(run, EDGES)

    def steps(self, tag, run="optimization"):
        return [step for step, _ in self.scalars(run).get(tag, [])]

    def descriptions(self, kind, plugin, run="optimization"):
        found = getattr(self.provider, f"list_{kind}")(**self.where, plugin_name=plugin)[run]
        return {tag: series.description for tag, series in found.items()}

    def tensors(self, plugin, run="optimization"):
        """Return {tag: [(step, array)]}."""
        found = self.provider.read_tensors(**self.where, plugin_name=plugin, downsample=ALL)[run]
        return {tag: [(point.step, point.numpy) for point in points] for tag, points in found.items()}


def samples():
    """Return how many points TensorBoard is told to keep of each plugin."""
    flags = argparse.Namespace(samples_per_plugin={})
    Loader().fix_flags(flags)
    return flags.samples_per_plugin


@contextlib.contextmanager
def python_loader(log_dir):
    multiplexer = EventMultiplexer(
        size_guidance=data_ingester.DEFAULT_SIZE_GUIDANCE,
        tensor_size_guidance=data_ingester.DEFAULT_TENSOR_SIZE_GUIDANCE | samples(),
    )
    multiplexer.AddRunsFromDirectory(str(log_dir))
    multiplexer.Reload()
    yield Board(MultiplexerDataProvider(multiplexer, str(log_dir)))


@contextlib.contextmanager
def fast_loader(log_dir):
    hints = ",".join(f"{plugin}={number}" for plugin, number in samples().items())
    command = [tensorboard_data_server.server_binary(), f"--logdir={log_dir}", "--reload=once", "--port=0", "--verbose"]
    command += [f"--samples-per-plugin={hints}"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*command, "--die-after-stdin"], **pipes) as server:
        said = ""
        while not (port := re.search(r"listening on \S+:(\d+)", said)) or "Finished load cycle" not in said:
            line = server.stdout.readline()
            assert line, f"the data server ended: {said}"
            said += line
        address = f"localhost:{port[1]}"
        with grpc.insecure_channel(address) as channel:
            yield Board(GrpcDataProvider(address, make_stub(channel)))
        server.stdin.close()


LOADERS = [python_loader] + [fast_loader] * (tensorboard_data_server.server_binary() is not None)
