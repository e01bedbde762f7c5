"""The chapter as data: what each section is about and which parts of the suite are for it.

A section without parts has none yet. README's table is made from this: `python -m keras_ch8.chapter`.
"""

from typing import NamedTuple


class Section(NamedTuple):
    """One section of chapter 8: its number, its subject, the parts for it (dotted below `keras_ch8`), its example."""

    number: str
    subject: str
    parts: tuple[str, ...] = ()
    example: str = ""


SECTIONS = (
    Section("8.1", "learning against pure optimization: surrogate losses, early stopping, minibatches"),
    Section("8.2", "challenges, seen in TensorBoard", ("callbacks.TensorBoard",), "quickstart.py"),
    Section("8.2.1", "ill-conditioning"),
    Section("8.2.2", "local minima"),
    Section("8.2.3", "plateaus, saddle points and other flat regions"),
    Section(
        "8.2.4",
        "cliffs and exploding gradients",
        (
            "clipping.by_global_norm",
            "clipping.by_norm",
            "clipping.by_value",
            "clipping.adaptive",
            "clipping.by_percentile",
            "callbacks.ClipGradients",
            "callbacks.GradientClippingLogger",
        ),
        "s8_2_4_cliffs.py",
    ),
    Section("8.2.5", "long-term dependencies"),
    Section("8.2.6", "inexact gradients"),
    Section("8.2.7", "poor correspondence between local and global structure"),
    Section("8.3.1", "stochastic gradient descent", ("optimizers.SGD",), "quickstart.py"),
    Section("8.3.2", "momentum", ("optimizers.Momentum",)),
    Section("8.3.3", "Nesterov momentum", ("optimizers.Nesterov",)),
    Section("8.4", "parameter initialization"),
    Section("8.5.1", "AdaGrad", ("optimizers.Adagrad",)),
    Section("8.5.2", "RMSProp", ("optimizers.RMSprop", "optimizers.RMSpropNesterov")),
    Section("8.5.3", "Adam", ("optimizers.Adam",), "quickstart.py"),
    Section("8.6", "approximate second-order methods"),
    Section("8.7.1", "batch normalization"),
    Section("8.7.2", "coordinate descent"),
    Section("8.7.3", "Polyak averaging"),
    Section("8.7.4", "supervised pretraining"),
    Section("8.7.5", "designing models to aid optimization"),
    Section("8.7.6", "continuation methods and curriculum learning"),
)


def table() -> str:
    """Return the map as a Markdown table of the sections that have parts."""
    lines = ["| section | subject | parts of `keras_ch8` |", "|---|---|---|"]
    for section in SECTIONS:
        if section.parts:
            lines.append(f"| {section.number} | {section.subject} | {', '.join(f'`{p}`' for p in section.parts)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())  # noqa: T201
