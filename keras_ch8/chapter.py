"""The chapter as data: what each section is about, its example, and the parts of the suite that are for it.

Each part says its section itself (`section = "8.5.3"` in a class, `@section("8.4")` at a function); README's table is
made from this: `python -m keras_ch8.chapter`.
"""

import importlib
from collections.abc import Iterator
from typing import NamedTuple

import keras_ch8


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
    Section("8.3.2", "momentum"),
    Section("8.3.3", "Nesterov momentum"),
    Section("8.4", "parameter initialization", "s8_4_initialization.py"),
    Section("8.5.1", "AdaGrad"),
    Section("8.5.2", "RMSProp"),
    Section("8.5.3", "Adam", "quickstart.py"),
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


def parts() -> Iterator[tuple[str, str]]:
    """Give the section and the dotted name below `keras_ch8` of each public part that is for a section."""
    for package in keras_ch8.PACKAGES:
        module = importlib.import_module(f"keras_ch8.{package}")
        for name in module.__all__:
            section = getattr(getattr(module, name), "section", None)
            if isinstance(section, str):
                yield section, f"{package}.{name}"


def table() -> str:
    """Return the map as a Markdown table of the sections that have parts."""
    lines = ["| section | subject | parts of `keras_ch8` |", "|---|---|---|"]
    of_sections = sorted(parts())
    for section in SECTIONS:
        names = [f"`{name}`" for number, name in of_sections if number == section.number]
        if names:
            lines.append(f"| {section.number} | {section.subject} | {', '.join(names)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())  # noqa: T201
