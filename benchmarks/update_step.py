"""Time one optimizer step against Keras, torch and optax, all in the same run.

    python benchmarks/update_step.py [--shapes big,mlp,many,resnet] [--device cpu] [--json update_step.json]

"in graph": K steps inside one tf.function, as in `fit`. Keras jit is Keras's step as one XLA program, called in the
same way; "all in XLA" compiles the loop too, as `fit` with `jit_compile=True` compiles the rest of the step. torch and
optax step from Python. Gradients are given; entries are medians of rounds in which all have their turn, in ms a step;
ratios are Keras's or the peer's time over ours in the same round, so above 1 we are faster: their median, and the
smallest and largest. "ours with groups" is ours with three rates that alternate from weight to weight: its ratio is
what that costs. "first" is the first call: tracing and compiling, in seconds.
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
from keras_ch8.optimizers import Group

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
GROUPS = [Group("*[02468]", learning_rate=0.1), Group("*[13579]", learning_rate=0.5)]
"""By the last digit of the number of a weight."""
OURS = {"Adam": keras_ch8.optimizers.Adam, "Momentum": keras_ch8.optimizers.Momentum}
KERAS = {"Adam": keras.optimizers.Adam, "Momentum": lambda: keras.optimizers.SGD(0.001, momentum=0.9)}
TORCH = {
    "Adam": lambda p, **kw: torch.optim.Adam(p, **kw),
    "Momentum": lambda p, **kw: torch.optim.SGD(p, 0.001, momentum=0.9, **kw),
}
OPTAX = {"Adam": lambda: optax.adam(0.001), "Momentum": lambda: optax.sgd(0.001, momentum=0.9)}


def arrays(name):
    """Return fixed random weights, or gradients, of the shapes."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=s).astype("float32") for s in SHAPES[name]]


def roofline(kind, name):
    """Return the ms in which the memory moves what one update has to, the bytes a weight, and GB/s."""
    whole = np.concatenate([a.ravel() for a in arrays(name)])
    grad, written = tf.constant(whole), [tf.Variable(whole) for _ in range(1 + STATES[kind])]

    @tf.function(autograph=False)
    def add():
        for variable in written:
            variable.assign_add(grad, read_value=False)

    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        for _ in range(K):
            add()
        written[0][0].numpy()  # waits for a GPU
        seconds.append((time.perf_counter() - start) / K)
    bandwidth = 12 * len(written) * len(whole) / min(seconds) / 1e9  # a sum reads two numbers and writes one
    size = 4 * (1 + 2 * len(written))
    return size * len(whole) / bandwidth / 1e6, size, bandwidth


def of_keras(make, name, mode):
    """Return what calls a Keras optimizer, ours or Keras's, the steps of one call, and the seconds of the first."""
    optimizer, variables = make(), [keras.Variable(a) for a in arrays(name)]
    grads = [tf.constant(a) for a in arrays(name)]
    optimizer.build(variables)

    def step(grads):
        optimizer.apply(grads, variables)

    if mode == "python":
        start = time.perf_counter()
        step(grads)
        first = time.perf_counter() - start
        return waiting(lambda: step(grads), variables), 1, first
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
    return waiting(lambda: loop(grads), variables), K, first


def waiting(call, variables):
    """Return a call that is over when the variables are written, on a GPU too."""

    def run():
        call()
        if harness.on_gpu():
            variables[-1].numpy()

    return run


def of_torch(make, name, **options):
    """Return the same for a torch optimizer, from Python."""
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

    return call, K, 0.0


def of_optax(make, name):
    """Return the same for an optax optimizer, jitted, with its buffers donated, from Python."""
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

    return call, K, first


def contenders(kind, name):
    """Yield all that update such weights by this algorithm: name, call, steps of one call, seconds of the first."""
    ours, peer = OURS[kind], KERAS[kind]
    yield "ours in graph", of_keras(ours, name, "graph")
    yield "ours with groups", of_keras(lambda: ours(groups=GROUPS), name, "graph")
    yield "Keras graph", of_keras(peer, name, "graph")
    yield "Keras jit", of_keras(peer, name, "jit")
    if optax is not None:
        yield "optax jit", of_optax(OPTAX[kind], name)
    if torch is not None:
        yield "torch foreach", of_torch(TORCH[kind], name, foreach=True)
        yield "torch fused", of_torch(TORCH[kind], name, fused=True)
    yield "ours from Python", of_keras(ours, name, "python")
    yield "Keras eager", of_keras(peer, name, "python")
    yield "ours all in XLA", of_keras(ours, name, "xla")
    yield "Keras all in XLA", of_keras(peer, name, "xla")


def measure(kind, name, options):
    """Return {contender: (ms, first call in s, ratio to ours)}, all measured in turn."""
    made = dict(contenders(kind, name))
    _, wall = harness.in_turn({who: call for who, (call, _, _) in made.items()}, options, 1)
    times = {who: [us / steps / 1e3 for us in wall[who]] for who, (_, steps, _) in made.items()}
    found = {}
    for who, (_, _, first) in made.items():
        ratio = harness.ratio(times[who], times[PEER_OF.get(who, who)])
        found[who] = statistics.median(times[who]), first, ratio
    return found


PEER_OF = {
    "ours with groups": "ours in graph",
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
            row = measure(kind, name, options)
            ms, size, bandwidth = roofline(kind, name)
            results[f"{kind} {name}"] = row | {"roofline": (ms, bandwidth)}
            print(f"\n{kind}, {name}")
            moved = f"{size} bytes a weight at {bandwidth:.0f} GB/s"
            print(f"  {'roofline':18s} {ms:9.2f} ms  {ms / row['ours in graph'][0]:6.2f} x   {moved}")
            for contender, (ms, first, ratio) in row.items():
                to_ours = str(ratio) if contender in PEER_OF else " " * 26
                print(f"  {contender:18s} {ms:9.2f} ms  {to_ours}   first {first:6.2f} s", flush=True)
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
