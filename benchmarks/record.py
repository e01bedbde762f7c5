"""Measure what the record of a run costs: CPU of what writes it over the CPU of `fit`.

    python benchmarks/record.py [--steps 2000] [--batch 64] [--epochs 4] [--when 20] [--json record.json]

An MLP 784-256-256-10 is trained with `TensorBoard` and `Diagnosis`, once to trace all graphs and then several times
anew. Of each part that makes the record the CPU time of its thread is added up: finding events, heat maps, JSON, and
the thread that writes the bytes to the event file. `report.html`, which is drawn from the record and all curves, is
given by itself. Each row is the median over the rounds, as a fraction of the CPU time of the whole process in that
`fit`. `--when` is the number of steps between two measurements; 0 for the default. The aim is 0.5 % for the record.
"""

import itertools
import statistics
import tempfile
import time

import harness
import numpy as np
from keras import layers

import keras_ch8
from keras_ch8.board import _event_file, record, writer
from keras_ch8.callbacks.board import step_events
from keras_ch8.cockpit import live

AIM = 0.005
PARTS = {
    "events": [(step_events.StepEvents, "add")],
    "heat maps": [(record.Record, "add_column")],
    "JSON": [(writer.RunWriter, "record"), (writer.RunWriter, "hyperparameters")],
    "page": [(live.LivePage, "refresh"), (live.LivePage, "close")],
}


class Clock:
    """Adds up the CPU time that threads spend in some methods, and counts the calls."""

    def __init__(self):
        self.seconds, self.calls = dict.fromkeys([*PARTS, "bytes"], 0.0), dict.fromkeys([*PARTS, "bytes"], 0)

    def watch(self, part, cls, name, counts=lambda *_: True):
        """Let a method be counted under a part, where its arguments are of interest."""
        method = getattr(cls, name)

        def timed(*args, **kwargs):
            begin = time.thread_time()
            try:
                return method(*args, **kwargs)
            finally:
                if counts(*args):
                    self.seconds[part] += time.thread_time() - begin
                    self.calls[part] += 1

        setattr(cls, name, timed)

    def reset(self):
        """Begin anew."""
        self.__init__()


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "record.json", steps=2000, batch=64, epochs=4, measure_every=20, rounds=5)
    clock = Clock()
    for part, methods in PARTS.items():
        for cls, name in methods:
            clock.watch(part, cls, name)
    is_record = lambda _, item, __: isinstance(item, list) and any(b"diagnosis/record" in each for each in item)  # noqa: E731
    clock.watch("bytes", _event_file.EventFile, "_handle", is_record)
    dense = [layers.Dense(256, "relu"), layers.Dense(256, "relu"), layers.Dense(10)]
    model = harness.classifier((784,), dense, keras_ch8.optimizers.Adam())
    random = np.random.default_rng(0)
    examples = options.steps // options.epochs * options.batch
    x, y = random.normal(size=(examples, 784)).astype("float32"), random.integers(0, 10, examples)
    pace = {"measure_every": options.measure_every, "budget": None} if options.measure_every else {}
    diagnosis = keras_ch8.callbacks.Diagnosis((x[:256], y[:256]), **pace)
    rounds = []
    for _ in itertools.chain([-1], harness.rounds(options)):  # once before, to warm up
        clock.reset()
        listed = [keras_ch8.callbacks.TensorBoard(tempfile.mkdtemp()), diagnosis]
        fit = {"batch_size": options.batch, "epochs": options.epochs, "verbose": 0, "callbacks": listed}
        _, cpu, _ = harness.timed(model.fit, x, y, **fit)
        rounds.append({part: seconds / cpu for part, seconds in clock.seconds.items()} | {"CPU": cpu})
    results = {name: statistics.median(each[name] for each in rounds[1:]) for name in rounds[0]}
    record = [name for name in clock.seconds if name != "page"]
    results["record"] = statistics.median(sum(each[name] for name in record) for each in rounds[1:])
    print(f"fit: {results['CPU']:.1f} s of CPU, {diagnosis.measurements} measurements, {clock.calls['JSON']} writes")
    for name in (*record, "record", "page"):
        print(f"{name:12}{results[name]:8.3%}")
    print(f"The record takes {'no more' if results['record'] <= AIM else 'more'} than {AIM:.1%}.")
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
