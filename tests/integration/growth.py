"""What a training leaves behind: run as `python -m tests.integration.growth KIND TIMES`, prints growth for each one."""

import gc
import os
import sys
import tempfile
import threading
from pathlib import Path

import keras
import numpy as np

from tests.integration.everybody import CALLBACKS, TOGETHER, network, train

PAGE = os.sysconf("SC_PAGE_SIZE") / 2**20


def watchers(kind):
    folder = tempfile.mkdtemp()
    if kind != "theirs":
        return [CALLBACKS[name](folder) for name in ([kind] if kind in CALLBACKS else TOGETHER)]
    return [keras.callbacks.TensorBoard(folder), keras.callbacks.EarlyStopping("loss", restore_best_weights=True)]


def state():
    gc.collect()
    statm = Path("/proc/self/statm").read_text().split()
    return {
        "megabytes": int(statm[1]) * PAGE,
        "objects": len(gc.get_objects()),
        "models": sum(isinstance(o, keras.Model) for o in gc.get_objects()),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
    }


def main(kind, times):
    model = network("adam") if kind == "refit" else None
    states = []
    for _ in range(times):
        train(network("adam") if model is None else model, watchers(kind))
        states.append(state())
    first = times // 3
    for name in states[0]:
        values = np.array([each[name] for each in states[first:]], dtype=float)
        slope = np.polyfit(np.arange(len(values)), values, 1)[0]
        sys.stdout.write(f"{name} {float(slope):.4f}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
