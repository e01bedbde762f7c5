"""Time one optimizer step against Keras, torch and optax, all in the same run.

    python benchmarks/update_step.py [--shapes big,mlp,many,resnet] [--device cpu] [--json update_step.json]

"in graph": K steps inside one tf.function, as in `fit`. Keras jit is Keras's step as one XLA program, called in the
same way; "all in XLA" compiles the loop too, as `fit` with `jit_compile=True` compiles the rest of the step. torch and
optax step from Python. Gradients are given; entries are medians of several rounds, in ms a step; ratios are Keras's or
the peer's time over ours, so above 1 we are faster. "first" is the first call: tracing and compiling, in seconds.
"roofline" is the time in which the memory moves what an update has to read and write, at the bandwidth that TensorFlow
reaches at best where it adds the gradient to as many arrays of this size. (Blocks that stay in a cache may be faster.)
"""

import os
import statistics
import time
import warnings

import harness

warnings.filterwarnings("ignore")

import keras
import numpy as np
import tensorflow as tf

import keras_ch8

try:
    import jax
    import optax
except ImportError:
    optax = None
try:
    import torch
except ImportError:
    torch = None

K = 20
STATES = {"Adam": 2, "Momentum": 1}
"""Arrays beside weights and gradient that an update reads and writes."""
SHAPES = {
    "big": [(2048, 2048)] * 4,
    "mlp": [(784, 1024), (1024,), (1024, 1024), (1024,), (1024, 10), (10,)],
    "many": [(100, 100)] * 300,
    "resnet": ([(3, 3, 64, 64), (64,), (64,)] * 54)[:160],
}
OURS = {"Adam": keras_ch8.optimizers.Adam, "Momentum": keras_ch8.optimizers.Momentum}
KERAS = {"Adam": keras.optimizers.Adam, "Momentum": lambda: keras.optimizers.SGD(0.001, momentum=0.9)}
TORCH = {
    "Adam": lambda p, **kw: torch.optim.Adam(p, **kw),
    "Momentum": lambda p, **kw: torch.optim.SGD(p, 0.001, momentum=0.9, **kw),
}
OPTAX = {"Adam": lambda: optax.adam(0.001), "Momentum": lambda: optax.sgd(0.001, momentum=0.9)}


def median_ms(call, steps, rounds):
    """Return the median time of one step in ms, after one call to warm up."""
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) / steps * 1e3


def arrays(name):
    """Return fixed random weights, or gradients, of the shapes."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=s).astype("float32") for s in SHAPES[name]]


def roofline(kind, name, rounds):
    """Return the ms in which the memory moves what one update has to, the bytes a weight, and GB/s."""
    whole = np.concatenate([a.ravel() for a in arrays(name)])
    grad, written = tf.constant(whole), [tf.Variable(whole) for _ in range(1 + STATES[kind])]

    @tf.function(autograph=False)
    def add():
        for variable in written:
            variable.assign_add(grad, read_value=False)

    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        for _ in range(K):
            add()
        written[0][0].numpy()  # waits for a GPU
        seconds.append((time.perf_counter() - start) / K)
    bandwidth = 12 * len(written) * len(whole) / min(seconds) / 1e9  # a sum reads two numbers and writes one
    size = 4 * (1 + 2 * len(written))
    return size * len(whole) / bandwidth / 1e6, size, bandwidth


def time_keras(make, name, mode, rounds):
    """Time a Keras optimizer, ours or Keras's: (ms a step, seconds of the first call)."""
    optimizer, variables = make(), [keras.Variable(a) for a in arrays(name)]
    grads = [tf.constant(a) for a in arrays(name)]
    optimizer.build(variables)

    def step(grads):
        optimizer.apply(grads, variables)

    if mode == "python":
        start = time.perf_counter()
        step(grads)
        first = time.perf_counter() - start
        return median_ms(waiting(lambda: step(grads), variables), 1, rounds), first
    inner = tf.function(step, jit_compile=True, autograph=False) if mode == "jit" else step

    @tf.function(jit_compile=mode == "xla", autograph=False)
    def loop(grads):
        def body(k):
            inner(grads)
            return (k + 1,)

        tf.while_loop(lambda k: k < K, body, [tf.constant(0)])

    one = loop if mode == "xla" else tf.function(inner, autograph=False)
    start = time.perf_counter()
    one(grads)
    first = time.perf_counter() - start
    return median_ms(waiting(lambda: loop(grads), variables), K, rounds), first


def waiting(call, variables):
    """Return a call that is over when the variables are written, on a GPU too."""

    def run():
        call()
        if harness.on_gpu():
            variables[-1].numpy()

    return run


def time_torch(make, name, rounds, **options):
    """Time a torch optimizer from Python."""
    device = "cuda" if harness.on_gpu() else "cpu"
    parameters = [torch.tensor(a, requires_grad=True, device=device) for a in arrays(name)]
    for parameter, grad in zip(parameters, arrays(name), strict=True):
        parameter.grad = torch.tensor(grad, device=device)
    optimizer = make(parameters, **options)

    def call():
        for _ in range(K):
            optimizer.step()
        if harness.on_gpu():
            torch.cuda.synchronize()

    return median_ms(call, K, rounds), 0.0


def time_optax(make, name, rounds):
    """Time an optax optimizer, jitted, with its buffers donated, from Python."""
    optimizer, params = make(), [jax.numpy.array(a) for a in arrays(name)]
    grads, state = [jax.numpy.array(a) for a in arrays(name)], optimizer.init(params)

    def update(params, state):
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    step = jax.jit(update, donate_argnums=(0, 1))
    start = time.perf_counter()
    params, state = jax.block_until_ready(step(params, state))
    first = time.perf_counter() - start

    def call():
        nonlocal params, state
        for _ in range(K):
            params, state = step(params, state)
        jax.block_until_ready(params)

    return median_ms(call, K, rounds), first


def measure(kind, name, rounds):
    """Return {contender: (ms, first call in s)} for one algorithm and one set of shapes."""
    ours, peer = OURS[kind], KERAS[kind]
    found = {
        "ours in graph": time_keras(ours, name, "graph", rounds),
        "Keras graph": time_keras(peer, name, "graph", rounds),
        "Keras jit": time_keras(peer, name, "jit", rounds),
    }
    if optax is not None:
        found["optax jit"] = time_optax(OPTAX[kind], name, rounds)
    if torch is not None:
        found["torch foreach"] = time_torch(TORCH[kind], name, rounds, foreach=True)
        found["torch fused"] = time_torch(TORCH[kind], name, rounds, fused=True)
    return found | {
        "ours from Python": time_keras(ours, name, "python", rounds),
        "Keras eager": time_keras(peer, name, "python", 3),
        "ours all in XLA": time_keras(ours, name, "xla", rounds),
        "Keras all in XLA": time_keras(peer, name, "xla", rounds),
    }


PEER_OF = {
    "Keras graph": "ours in graph",
    "Keras jit": "ours in graph",
    "optax jit": "ours in graph",
    "torch foreach": "ours in graph",
    "torch fused": "ours in graph",
    "Keras eager": "ours from Python",
    "Keras all in XLA": "ours all in XLA",
}


def leave_out_what_is_missing():
    """Leave out peers that are not installed, or do not see the GPU."""
    global optax, torch
    if harness.on_gpu():
        optax = None if optax is None or jax.default_backend() != "gpu" else optax
        torch = None if torch is None or not torch.cuda.is_available() else torch
    elif torch is not None:
        torch.set_num_threads(os.cpu_count())
    for peer, module in (("optax", optax), ("torch", torch)):
        if module is None:
            print(f"{peer} is not installed for this device, and is left out.")


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "update_step.json", shapes=",".join(SHAPES), kinds="Adam,Momentum", rounds=9)
    leave_out_what_is_missing()
    results = {}
    for kind in options.kinds.split(","):
        for name in options.shapes.split(","):
            row = measure(kind, name, options.rounds)
            ms, size, bandwidth = roofline(kind, name, options.rounds)
            results[f"{kind} {name}"] = row | {"roofline": (ms, bandwidth)}
            print(f"\n{kind}, {name}")
            moved = f"{size} bytes a weight at {bandwidth:.0f} GB/s"
            print(f"  {'roofline':18s} {ms:9.2f} ms  {ms / row['ours in graph'][0]:6.2f} x   {moved}")
            for contender, (ms, first) in row.items():
                ratio = f"{ms / row[PEER_OF[contender]][0]:6.2f} x" if contender in PEER_OF else "        "
                print(f"  {contender:18s} {ms:9.2f} ms  {ratio}   first {first:6.2f} s", flush=True)
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
