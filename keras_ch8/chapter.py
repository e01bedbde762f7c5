"""The chapter as data: the subject of each section, its example, and the parts of this package that are for it.

Each part says its section itself (`section = "8.5.3"` in a class, `@section("8.4")` at a function). The map of the
chapter, docs/index.md, is made from that:

    python -m keras_ch8                    prints the map for a terminal
    python -m keras_ch8.chapter docs       writes the documents of `DOCUMENTS` anew, from the root of the repository
"""

import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
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
    Section("8.5.4", "Choosing the Right Optimization Algorithm"),
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
    """Yield the section and the dotted name below `keras_ch8` of each public class or function that names a section."""
    for package in keras_ch8.PACKAGES:
        module = importlib.import_module(f"keras_ch8.{package}")
        for name in module.__all__:
            section = getattr(getattr(module, name), "section", None)
            if isinstance(section, str):
                yield section, f"{package}.{name}"


def bases() -> Iterator[str]:
    """Yield the dotted name below `keras_ch8` of each public class from which other classes of the package derive."""
    for package in keras_ch8.PACKAGES:
        module = importlib.import_module(f"keras_ch8.{package}")
        for name in module.__all__:
            thing = getattr(module, name)
            derived = thing.__subclasses__() if inspect.isclass(thing) else []
            if "section" not in getattr(thing, "__dict__", {}) and any(_is_here(cls) for cls in derived):
                yield f"{package}.{name}"


def _is_here(cls: type) -> bool:
    return cls.__module__.startswith(f"{keras_ch8.__name__}.")


def for_terminal(width: int = 100) -> str:
    """Return the map as plain text: each section with its parts, in lines of at most so many characters."""
    lines = []
    of_sections = sorted(parts())
    for section in SECTIONS:
        names = ", ".join(name for number, name in of_sections if number == section.number)
        indent = " " * 8
        lines.append(f"{section.number:<8}{section.subject}")
        lines += textwrap.wrap(names, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
    return "\n".join(lines)


def contents() -> str:
    """Return a table of the sections in Markdown, with the subject and the example of each."""
    lines = ["| section | subject | example |", "|---|---|---|"]
    for section in SECTIONS:
        anchor = re.sub(r"[^\w -]", "", f"{section.number} {section.subject}".lower()).replace(" ", "-")
        example = f"[{section.example}](../examples/{section.example})" if section.example else ""
        lines.append(f"| [{section.number}](#{anchor}) | {section.subject} | {example} |")
    return "\n".join(lines)


def index() -> str:
    """Return the index of the documents: each part, section by section, and what is meant to be extended."""
    lines = [
        "# The map of the chapter",
        "",
        "Every public part of `keras_ch8`, in the order of the book; `help(keras_ch8.optimizers.Adam)` shows the whole",
        "text of a part. This page is made from the code by `python -m keras_ch8.chapter docs`.",
        "",
        contents(),
    ]
    of_sections = sorted(parts())
    for section in SECTIONS:
        names = [name for number, name in of_sections if number == section.number]
        if names:
            lines += ["", f"## {section.number} {section.subject}", ""]
            lines += [f"- `{name}`: {_first_line(name)}" for name in names]
            lines += [f"- Example: [{section.example}](../examples/{section.example})"] if section.example else []
    lines += ["", "## Base classes", "", "What to derive from; CONTRIBUTING.md has a recipe for each.", ""]
    lines += [f"- `{name}`: {_first_line(name)}" for name in bases()]
    lines += ["", "## Checks for classes of your own", ""]
    lines += [f"- `testing.{name}`: {_first_line(f'testing.{name}')}" for name in keras_ch8.testing.__all__]
    return "\n".join(lines) + "\n"


def _first_line(name: str) -> str:
    package, _, part = name.rpartition(".")
    return (inspect.getdoc(getattr(importlib.import_module(f"keras_ch8.{package}"), part)) or "").splitlines()[0]


def _rules() -> str:
    from .monitors import documentation

    return documentation.page()


DOCUMENTS: dict[str, Callable[[], str]] = {"docs/index.md": index, "docs/diagnosis.md": _rules}
"""The documents that are made from the parts, by what makes them."""


def main(arguments: list[str]) -> None:
    """Write the documents, or print the map."""
    if arguments != ["docs"]:
        print(for_terminal())  # noqa: T201
        return
    for name, made in DOCUMENTS.items():
        Path(name).write_text(made())


if __name__ == "__main__":
    main(sys.argv[1:])
