"""Numbers of every part that works on JAX and PyTorch too, by "package.name": the same code runs on each backend.

KERAS_BACKEND=jax python -m tests.integration.pure_parts model.keras numbers.npz
"""

import importlib
import inspect
import re
import sys

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import callbacks, clipping, extend, initializers, layers, losses, metrics, schedules, stopping
from keras_ch8.integration.backend import WORKS

RNG = np.random.default_rng(8)
X = RNG.normal(size=(48, 5)).astype("float32")
Y = (X[:, :1] - 2 * X[:, 1:2] + 0.5).astype("float32")
SEQUENCES = RNG.normal(size=(6, 4, 5)).astype("float32")
CLOCK = extend.Clock(steps_per_epoch=10.0, batches_per_step=1.0, steps=100.0)
STEPS = (0, 1, 9, 30, 77, 200)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


# --- one number, or several, of each part ------------------------------------------------------------------------


SCHEDULES = {
    "CosineDecay": lambda: schedules.CosineDecay(0.1, "80%", 0.1),
    "CosineDecayRestarts": lambda: schedules.CosineDecayRestarts(0.1, "15ba", 2.0, 0.5),
    "CyclicalLearningRate": lambda: schedules.CyclicalLearningRate(0.01, 0.1, "2ep", "triangular2"),
    "ExponentialDecay": lambda: schedules.ExponentialDecay(0.1, "3ep", 0.5),
    "InverseTimeDecay": lambda: schedules.InverseTimeDecay(0.1, 20, 0.5),
    "LinearDecay": lambda: schedules.LinearDecay(0.1, "6ep"),
    "OneCycle": lambda: schedules.OneCycle(0.1),
    "PolynomialDecay": lambda: schedules.PolynomialDecay(0.1, "6ep", power=2.0),
    "ScaledSchedule": lambda: schedules.ScaledSchedule(keras.optimizers.schedules.InverseTimeDecay(0.1, 20, 0.5), 0.25),
    "SequentialSchedule": lambda: schedules.SequentialSchedule(
        [schedules.Warmup(0.1, "2ep"), schedules.CosineDecay(0.1, "5ep")], ["2ep"]
    ),
    "Warmup": lambda: schedules.Warmup(0.1, "40ba"),
    "WarmupStableDecay": lambda: schedules.WarmupStableDecay(0.1, "10%"),
}


def rates(name):
    schedule = SCHEDULES[name]()
    schedule.resolve(CLOCK)
    return [float(schedule(step)) for step in STEPS]


SIGNS = np.array([[0], [1], [1], [0]])
SCORES = np.array([[-2.0], [0.3], [-0.1], [2.5]], "float32")
TWO = RNG.normal(size=(4, 4)).astype("float32")
FAMILIES = {
    "BernoulliLikelihood": (losses.likelihoods.BernoulliLikelihood, SIGNS, SCORES),
    "CategoricalLikelihood": (losses.likelihoods.CategoricalLikelihood, np.array([0, 2, 1, 3]), TWO),
    "GaussianLikelihood": (lambda: losses.likelihoods.GaussianLikelihood(0.5), X[:4, :2], X[4:8, :2]),
    "HeteroscedasticGaussianLikelihood": (losses.likelihoods.HeteroscedasticGaussianLikelihood, X[:4, :2], TWO),
    "LaplaceLikelihood": (lambda: losses.likelihoods.LaplaceLikelihood(0.5), X[:4, :2], X[4:8, :2]),
    "PoissonLikelihood": (
        losses.likelihoods.PoissonLikelihood,
        np.array([[0.0], [1.0], [3.0], [8.0]], "float32"),
        SCORES,
    ),
}
COUNTS_AND_SCORES = FAMILIES["PoissonLikelihood"][1:]
LOSSES = {
    "ExponentialLoss": lambda: losses.ExponentialLoss()(SIGNS, SCORES),
    "ModifiedHuber": lambda: losses.ModifiedHuber()(SIGNS, SCORES),
    "NegativeLogLikelihood": lambda: losses.NegativeLogLikelihood(losses.likelihoods.PoissonLikelihood())(
        *COUNTS_AND_SCORES
    ),
}


def loss(name):
    if name in LOSSES:
        return array(LOSSES[name]())
    make, y, eta = FAMILIES[name]
    return array(make().nll(keras.ops.convert_to_tensor(y), keras.ops.convert_to_tensor(eta)))


def wrong():
    several, labels = metrics.ZeroOneLoss(multi_label=True), np.array([[1, 0], [0, 0], [1, 1]])
    classes = metrics.ZeroOneLoss()
    classes.update_state(np.array([0, 1, 1, 3]), TWO)
    return [
        float(metrics.ZeroOneLoss(from_logits=True)(SIGNS, SCORES)),
        float(classes.result()),
        float(several(labels, np.array([[0.9, 0.6], [0.1, 0.2], [0.7, 0.8]], "float32"))),
    ]


KNOWN_STARTS = {
    "forget_gate": lambda: initializers.forget_gate(3)((12,)),
    "output_marginal": lambda: initializers.output_marginal(np.array([0, 1, 1, 2]), "softmax")((3,)),
}
DRAWN_STARTS = {
    "Heuristic": lambda: initializers.Heuristic(seed=1),
    "Orthogonal": lambda: initializers.Orthogonal("tanh", seed=1),
    "RandomWalk": lambda: initializers.RandomWalk(seed=1),
    "Sparse": lambda: initializers.Sparse(7, seed=1),
}


def start(name):
    """What is known of a start: its values, or where they are drawn the scale, to a few parts in 100."""
    if name in KNOWN_STARTS:
        return array(KNOWN_STARTS[name]())
    made = DRAWN_STARTS[name]()
    w, other = array(made((200, 300))), array(made((200, 300)))
    assert (w != other).any(), "a second call gives other values"
    assert (array(DRAWN_STARTS[name]()((200, 300))) == w).all(), "the same seed gives the same values"
    if name == "Orthogonal":
        gram = w @ w.T
        np.testing.assert_allclose(gram, np.eye(200) * gram[0, 0], atol=1e-4)
        return gram[0, 0]
    if name == "Sparse":
        assert (np.count_nonzero(w, axis=0) == 7).all()
    return np.std(w)


def outputs(layer, shape=(5,)):
    """What a layer makes of a batch with known weights, and its slope by the batch."""
    model = keras.Sequential([keras.Input(shape), layer])
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape).astype("float32") for w in model.get_weights()])
    return array(model(X if shape == (5,) else SEQUENCES))


LAYERS = {
    "BatchNormalization": lambda: [outputs(layers.BatchNormalization()), *normalized()],
    "Maxout": lambda: [outputs(layers.Maxout(3, pieces=4)), outputs(layers.Maxout(3), (4, 5))],
    "Residual": lambda: [outputs(layers.Residual([keras.layers.Dense(7, "relu"), keras.layers.Dense(3)]))],
}


def fixed(model):
    """Give a model weights that are the same on every backend."""
    rng = np.random.default_rng(2)
    for layer in model.layers:
        if not isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.normal(size=w.shape).astype("float32") / 2 for w in layer.get_weights()])
    return model


def normalized():
    """Yield what batch normalization is after 12 steps of `fit`: weights, number of batches, predictions."""
    for statistics in ("moving", "cumulative"):
        norm = layers.BatchNormalization(momentum=0.8, statistics=statistics)
        masked = [keras.layers.Masking(), keras.layers.Dense(4), layers.BatchNormalization(), keras.layers.Dense(1)]
        plain = [keras.layers.Dense(4), norm, layers.Maxout(3), layers.Residual(keras.layers.Dense(3, "tanh"))]
        model = fixed(keras.Sequential([keras.Input((5,)), *plain, keras.layers.Dense(1)]))
        model.compile(keras.optimizers.SGD(0.05), "mse")
        model.fit(X, Y, batch_size=12, epochs=3, shuffle=False, verbose=0)
        yield from (*model.get_weights(), np.array(norm._batches), array(model(X)))
        model = fixed(keras.Sequential([keras.Input((4, 5)), *masked]))
        model.compile(keras.optimizers.SGD(0.05), "mse")
        blank = np.where(np.arange(4)[:, None] > 1, 0, SEQUENCES).astype("float32")
        model.fit(blank, SEQUENCES[..., :1], batch_size=3, epochs=3, shuffle=False, verbose=0)
        yield from model.get_weights()


G = RNG.normal(size=(5, 3)).astype("float32")
RULES = {
    "ByGlobalNorm": lambda: clipping.ByGlobalNorm(0.5),
    "ByNorm": lambda: clipping.ByNorm(0.5),
    "ByPercentile": lambda: clipping.ByPercentile(50, memory=4),
    "ByValue": lambda: clipping.ByValue(0.3),
}


def clipped(name):
    rule = RULES[name]()
    if hasattr(rule, "clip"):
        return array(rule.clip(keras.ops.convert_to_tensor(G)))
    factors, state = [], {name: keras.ops.zeros(shape) for name, shape in rule.state_shapes().items()}
    for norm in (1.0, 3.0, 100.0, 2.0, 0.4):
        factor, state = rule.coefficient(keras.ops.convert_to_tensor(norm, "float32"), **state)
        factors.append(float(factor))
    return factors


CRITERIA = {
    "AnyOf": lambda: stopping.AnyOf(stopping.Patience(3), stopping.Deadline(2.0)),
    "Deadline": lambda: stopping.Deadline(2.5),
    "Diverged": lambda: stopping.Diverged(6.0),
    "GeneralizationLoss": lambda: stopping.GeneralizationLoss(100.0),
    "Patience": lambda: stopping.Patience(2),
    "Productivity": lambda: stopping.Productivity(0.5, strip=2),
    "SuccessiveRises": lambda: stopping.SuccessiveRises(2, strip=2),
    "Threshold": lambda: stopping.Threshold(2.0),
}


def first_reason(name):
    """The epoch at which a criterion says stop, and its reason, on a run that gets better and then worse."""
    criterion, past = CRITERIA[name](), extend.EpochHistory("val_loss", {"val_loss": "min", "loss": "min"})
    for epoch, value in enumerate((4.0, 2.0, 1.5, 2.5, 3.0, 5.0, 7.0, 9.0)):
        past = past.after(epoch, {"val_loss": value, "loss": 3.0 - 0.1 * epoch}, float(epoch))
        if reason := criterion.evaluate(past):
            return f"{reason.epoch} {reason.why} {reason.message}"
    return "never"


def trained(rate, own, **arguments):
    """Train a linear unit with callbacks, and return it with the history."""
    model = fixed(keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)]))
    model.compile(keras.optimizers.SGD(rate), "mse")
    given = {"epochs": 20, "batch_size": 12, "validation_data": (X[:20], Y[:20]), "verbose": 0, "shuffle": False}
    history = model.fit(X, Y, callbacks=own, **given | arguments).history
    return model, history


def stopped():
    """From epoch 4 on the rate is far too large: the best epoch is the third, and two later it is over."""
    stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    spoil = callbacks.LearningRateDecay(lambda epoch: 0.05 if epoch < 3 else 0.8, logs=True)
    model, history = trained(0.05, [stop, spoil])
    assert len(history["val_loss"]) == 5
    assert (stop.best_epoch, stop.stopped_epoch, stop.reason.why) == (2, 4, extend.StopReason.PATIENCE)
    assert min(history["val_loss"]) == stop.best == history["val_loss"][2]
    assert all((a == b).all() for a, b in zip(model.get_weights(), stop.best_weights, strict=True))
    np.testing.assert_allclose(model.evaluate(X[:20], Y[:20], verbose=0), stop.best, rtol=1e-6)
    assert history["val_loss"][-1] > 2 * stop.best, "what was trained last is not what was put back"
    measured = callbacks.EarlyStopping("loss", restore_best_weights=True, evaluate_on=(X, Y), logs=True)
    model, own = trained(0.05, [measured], epochs=3, validation_data=None)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), own["measured_loss"][-1], rtol=1e-6)
    return [*history["loss"], *history["val_loss"], *history["learning_rate"], *own["measured_loss"]]


def decayed():
    """Rates that are lowered on a plateau, by a function around a schedule, and by one with lengths in epochs."""
    plateau = schedules.ReduceOnPlateau(factor=0.5, patience=1, min_delta="90%")
    _, history = trained(0.02, [callbacks.LearningRateDecay(plateau, logs=True)], epochs=5)
    np.testing.assert_allclose(history["learning_rate"], [0.02, 0.02, 0.01, 0.005, 0.0025], rtol=1e-6)
    halve = callbacks.LearningRateDecay(lambda epoch, rate: 0.04 / 2**epoch)
    decay = schedules.LinearDecay(0.02, "4ep", 0.0)
    _, scaled = trained(decay, [halve], epochs=3)
    decay_by_steps, freeze = schedules.LinearDecay(0.02, 100), lambda epoch: 0.0 if epoch else 0.02
    frozen, _ = trained(decay_by_steps, [callbacks.LearningRateDecay(freeze)], epochs=3)
    first, _ = trained(decay_by_steps, [callbacks.LearningRateDecay(freeze)], epochs=1)
    pairs = zip(frozen.get_weights(), first.get_weights(), strict=True)
    assert all((a == b).all() for a, b in pairs), "the step that is compiled has the new factor"
    given, as_schedule = trained(decay, [], epochs=2)
    longer = given.fit(X[:24], Y[:24], batch_size=12, epochs=4, verbose=0, shuffle=False).history  # 2 steps an epoch
    return [*history["loss"], *scaled["loss"], *as_schedule["loss"], *longer["loss"], *np.ravel(given.get_weights()[0])]


TRAININGS = {"EarlyStopping": stopped, "LearningRateDecay": decayed}
KINDS = {
    "schedules": (SCHEDULES, rates),
    "losses": (LOSSES, loss),
    "losses.likelihoods": (FAMILIES, loss),
    "metrics": (["ZeroOneLoss"], lambda name: wrong()),
    "initializers": ({**KNOWN_STARTS, **DRAWN_STARTS}, start),
    "layers": (LAYERS, lambda name: np.concatenate([np.ravel(part) for part in LAYERS[name]()])),
    "clipping": (RULES, clipped),
    "stopping": (CRITERIA, first_reason),
    "callbacks": (TRAININGS, lambda name: TRAININGS[name]()),
}
"""Of each package its parts, and what gives the numbers of one by its name."""


def numbers(*packages):
    """Return what every part of some packages gives."""
    return {f"{p}.{name}": np.asarray(f(name)) for p in packages for parts, f in [KINDS[p]] for name in parts}


# --- what works, as the package says it --------------------------------------------------------------------------


def public_names():
    """Yield package, name (None for all of it) and error of all that is public; no error is `""`."""
    for package in keras_ch8.__all__:
        try:
            module = getattr(keras_ch8, package)
        except ImportError as error:
            yield package, None, str(error)
            continue
        if not inspect.ismodule(module):
            yield package, None, ""
            continue
        for name in module.__all__:
            try:
                getattr(module, name)
            except ImportError as error:
                yield package, name, str(error)
            else:
                yield package, name, ""


AT_THE_TOP = ("Doctor", "compare", "cure", "find_learning_rate", "preflight")
"""What needs TensorFlow there."""


def check_refusals(backend):
    """Check that what works is what `WORKS` says, and that all else raises the one error."""
    works = set()
    for package, name, error in public_names():
        part = package if name is None else f"{package}.{name}"
        if not error:
            works |= {package, part} & set(WORKS)
            assert {package, part} & set(WORKS), part
            continue
        assert package == "extend" or not {package, part} & set(WORKS), part
        said = "choosing" if part in ("compare", "find_learning_rate") else part
        assert error.startswith(f"`keras_ch8.{said}` needs Keras's TensorFlow backend. Received: backend {backend!r}.")
        assert re.search(r'KERAS_BACKEND="tensorflow".*works with.*layers\.Maxout.*schedules', error), error
        if name is None and package not in AT_THE_TOP:
            with pytest.raises(ImportError, match=re.escape(error)):
                importlib.import_module(f"keras_ch8.{package}")
    assert works == set(WORKS)


def saved():
    """Return a model with all layers of the suite that work everywhere, and their weights somewhere."""
    inside = [layers.Maxout(4), layers.BatchNormalization(), layers.Residual([keras.layers.Dense(4, "relu")])]
    model = fixed(keras.Sequential([keras.Input((5,)), *inside, keras.layers.Dense(1)]))
    model.compile(
        keras.optimizers.SGD(schedules.LinearDecay(0.05, "2ep")),
        losses.NegativeLogLikelihood(losses.likelihoods.GaussianLikelihood()),
    )
    model.fit(X, Y, batch_size=12, epochs=2, shuffle=False, verbose=0)
    return model


def main(file, path):
    check_refusals(keras.backend.backend())
    before_fit = numbers("schedules", "losses", "losses.likelihoods", "metrics", "initializers", "clipping", "stopping")
    loaded = keras.models.load_model(file)
    assert "tensorflow" not in sys.modules, "only Keras's own `fit` may import TensorFlow"
    np.savez(path, loaded=array(loaded(X)), **before_fit, **numbers("layers", "callbacks"))


if __name__ == "__main__":
    main(*sys.argv[1:])
