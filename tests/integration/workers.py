"""Workers on this machine, each a process, that train one model together."""

import functools
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf
from tensorflow.python.eager import context

from tests import forked

PATIENCE = 30_000
"""Milliseconds for which a worker may say nothing; after the 10 s of TensorFlow, a busy machine ends healthy tests."""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def strategy(index, ports):
    """Return the strategy of one of the workers; the first thing that its process asks of TensorFlow."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    of_tensorflow = context.context()
    of_tensorflow.configure_coordination_service = functools.partial(
        of_tensorflow.configure_coordination_service, heartbeat_timeout_in_ms=PATIENCE
    )
    return tf.distribute.MultiWorkerMirroredStrategy()


def together(function, *arguments, count=2):
    """Return what a function returns to each of the workers, given its number and the ports of all, and arguments."""
    ports = free_ports(count)
    with ThreadPoolExecutor(count) as pool:
        waiting = [pool.submit(forked.call, function, i, ports, *arguments) for i in range(count)]
        return [each.result() for each in waiting]
