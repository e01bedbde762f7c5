"""The chapter as data: the subject of each section, its example, and the parts of the package that are for it.

Each part says its section itself (`section = "8.5.3"` in a class, `@section("8.4")` at a function), or its paper where
the book does not have it (`paper = "Chen et al. 2023"`). The map of the chapter is made from that: docs/index.md, and
chapter.txt, which `python -m keras_ch8` prints, so that nobody waits for Keras.
"""

import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

import keras_ch8
from keras_ch8._describe import source


class Section(NamedTuple):
    """One section of chapter 8: its number, its subject, its example."""

    number: str
    subject: str
    example: str = ""


SECTIONS = (
    Section("8.1", "learning differs from pure optimization: early stopping", "s8_1_early_stopping.py"),
    Section("8.1.1", "empirical risk, and surrogates of the 0-1 loss", "s8_1_1_surrogate.py"),
    Section("8.1.2", "surrogate losses: maximum likelihood", "s8_1_2_likelihood.py"),
    Section("8.1.3", "batch and minibatch algorithms", "s8_1_3_minibatches.py"),
    Section("8.2", "challenges, seen in TensorBoard", "quickstart.py"),
    Section("8.2.1", "ill-conditioning", "s8_2_1_ill_conditioning.py"),
    Section("8.2.2", "local minima", "s8_2_2_local_minima.py"),
    Section("8.2.3", "plateaus, saddle points and other flat regions", "s8_2_3_saddle_points.py"),
    Section("8.2.4", "cliffs and exploding gradients", "s8_2_4_cliffs.py"),
    Section("8.2.5", "long-term dependencies", "s8_2_5_long_term_dependencies.py"),
    Section("8.2.6", "inexact gradients", "s8_2_6_inexact_gradients.py"),
    Section("8.2.7", "poor correspondence between local and global structure", "s8_2_7_local_and_global.py"),
    Section("8.3.1", "stochastic gradient descent and its learning rate", "s8_3_1_learning_rate.py"),
    Section("8.3.2", "momentum", "s8_3_2_momentum.py"),
    Section("8.3.3", "Nesterov momentum", "s8_3_2_momentum.py"),
    Section("8.4", "parameter initialization", "s8_4_initialization.py"),
    Section("8.5.1", "AdaGrad", "s8_5_1_adaptive_rates.py"),
    Section("8.5.2", "RMSProp", "s8_5_1_adaptive_rates.py"),
    Section("8.5.3", "Adam", "quickstart.py"),
    Section("8.5.4", "choosing the right optimization algorithm", "s8_5_4_compare.py"),
    Section("8.6", "approximate second-order methods", "s8_6_pinn.py"),
    Section("8.6.1", "Newton's method", "s8_6_1_newton.py"),
    Section("8.6.2", "conjugate gradients", "s8_6_2_conjugate_gradients.py"),
    Section("8.6.3", "BFGS", "s8_6_3_bfgs.py"),
    Section("8.7.1", "batch normalization", "s8_7_1_batch_norm.py"),
    Section("8.7.2", "coordinate descent", "s8_7_2_coordinate_descent.py"),
    Section("8.7.3", "Polyak averaging", "s8_7_3_polyak.py"),
    Section("8.7.4", "supervised pretraining", "s8_7_4_pretraining.py"),
    Section("8.7.5", "designing models to aid optimization", "s8_7_5_easy_models.py"),
    Section("8.7.6", "continuation methods and curriculum learning", "s8_7_6_curriculum.py"),
)

PICTURES = {
    "8.1": "Loss and wrong digits over the epochs: on validation data each is lowest at another epoch",
    "8.1.1": "Five surrogates beside the 0-1 loss; a training whose surrogate falls on after its last mistake",
    "8.1.2": "A curve with noise that grows, and the loss of three families: one comes down to the entropy of the data",
    "8.1.3": "The noise of the gradient falls as one over the root of the batch; the loss over the examples seen",
    "8.2": "Loss and gradient from layer to layer of a training with the verdict vanishing, and of the same cured",
    "8.2.1": "The loss falls over the steps, while the norm of the gradient rises and stays high",
    "8.2.2": "A hill of the loss between two sets of weights that are one function; decay makes units alike in and out",
    "8.2.3": "Paths of SGD, momentum and Adam away from a saddle point, and the gradient along each",
    "8.2.4": "A map of the loss with a cliff: one step throws a path away, a clipped one stays; the loss along both",
    "8.2.5": "Gradients of five recurrent layers over the time steps back, and the powers of their matrices",
    "8.2.6": "The error of a gradient over the batch falls, that of a wrong one does not; the losses in training",
    "8.2.7": "Two descents of a sin(w x), one to the solution and one away from it, and the lines to the solution",
    "8.3.1": "A range test of the learning rate, and the loss with a rate that is held and one that falls",
    "8.3.2": "Paths of SGD and momentum through a ravine, and the loss along each",
    "8.3.3": "Paths of momentum and Nesterov momentum in a ravine, and the loss along each",
    "8.4": "Signal and gradient through twenty layers from five starts: two vanish, one explodes, two stay",
    "8.5.1": "Paths of SGD and AdaGrad through a ravine, and AdaGrad's two rates, which only fall",
    "8.5.2": "Paths of AdaGrad and RMSProp in Rosenbrock's valley, and the rate of each: RMSProp's grows again",
    "8.5.3": "The lengths of the first steps of RMSProp and Adam; paths of Adam and SGD in Rosenbrock's valley",
    "8.5.4": "The loss of four algorithms over the learning rate: far apart at one rate, near at the best of each",
    "8.6": "The solution of a differential equation, and the loss by Adam alone and with L-BFGS after Adam",
    "8.6.1": "Newton's step to the minimum of a quadratic; on a saddle as printed into it, and saddle-free away",
    "8.6.2": "The zigzag of steepest descent beside the two steps of conjugate gradients, and the loss over steps",
    "8.6.3": "Loss and gradient of steepest descent, Adam, L-BFGS and BFGS over the evaluations of the gradient",
    "8.7.1": "A chain of layers and a network of sigmoid units, with and without batch normalization",
    "8.7.2": "Stairs of coordinate descent to a minimum, short and long, and a dictionary of strokes for sparse codes",
    "8.7.3": "A path of noisy steps around a minimum, its average nearer to it, and the loss of both",
    "8.7.4": "Loss and wrong digits of a deep network trained at once, which stays at chance, and layer by layer",
    "8.7.5": "The gradient through ten layers of three kinds, and the loss of each with the same Adam",
    "8.7.6": "Rastrigin's function, blurred and real, and where plain descents and continuation end",
}
"""What is seen on docs/pictures/sections."""


def parts() -> Iterator[tuple[str, str]]:
    """Yield the section, or the paper, and the dotted name below `keras_ch8` of each public part."""
    for package in ("", *keras_ch8.PACKAGES, *keras_ch8.SHELVES, "extend"):
        module = importlib.import_module(f"keras_ch8.{package}".rstrip("."))
        for name in module.__all__:
            if (said := source(getattr(module, name))) and (package or name not in keras_ch8.choosing.__all__):
                yield said, f"{package}.{name}".lstrip(".")


def _of_papers() -> list[tuple[str, str]]:
    """Return the paper and the name of the parts that are not in the book."""
    numbers = {section.number for section in SECTIONS}
    return sorted((said, name) for said, name in parts() if said not in numbers)


def for_terminal() -> str:
    """Return the map as plain text: each section with its parts, in lines of at most 100 characters."""
    lines = []
    of_sections = sorted(parts())
    for section in SECTIONS:
        names = ", ".join(name for number, name in of_sections if number == section.number)
        indent = " " * 8
        lines.append(f"{section.number:<8}{section.subject}")
        lines += textwrap.wrap(names, 100, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
    for paper, name in _of_papers():
        lines += textwrap.wrap(f"{name}, {paper}", 100, subsequent_indent=" " * 8, break_long_words=False)
    return "\n".join(lines) + "\n"


def index() -> str:
    """Return the index of the documents: each part, section by section, and what is meant to be extended."""
    lines = [
        "# The map of the chapter",
        "",
        "Every public part of `keras_ch8`, in the order of the book. `help(keras_ch8.optimizers.Adam)` prints all about"
        " one.",
    ]
    of_sections = sorted(parts())
    for section in SECTIONS:
        names = [name for number, name in of_sections if number == section.number]
        if names:
            lines += ["", f"## {section.number} {section.subject}", ""]
            if section.number in PICTURES:
                lines += [f"![{PICTURES[section.number]}](pictures/sections/{section.number}.png)", ""]
            lines += [f"- `{name}`: {_first_line(name)}" for name in names]
            lines += [f"- Example: [{section.example}](../examples/{section.example})"] if section.example else []
    if beyond := _of_papers():
        lines += ["", "## Beyond the book", ""]
        lines += [f"- `{name}`: {_first_line(name)}" for _, name in beyond]
    lines += ["", "## Parts of your own", "", "[CONTRIBUTING.md](../CONTRIBUTING.md) has recipes for most kinds."]
    lines += ["`keras_ch8.extend` has what to derive from, and what checks it: `check_monitor`, `check_optimizer`."]
    return "\n".join(lines) + "\n"


def _first_line(name: str) -> str:
    """Return the first line of a docstring, without the section at its end: the heading of the map says it."""
    package, _, part = name.rpartition(".")
    module = importlib.import_module(f"keras_ch8.{package}".rstrip("."))
    line = (inspect.getdoc(getattr(module, part)) or "").splitlines()[0]
    return re.sub(r" \([^()]*\b[4-8]\.\d[^()]*\)\.$", ".", line)
