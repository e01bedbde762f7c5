"""Writes the limits of all rules as one table, and draws them beside what recorded trainings had.

    python -m benchmarks.diagnosis.limits [planted zoo3 ...]

`limits.csv` has a row for each limit that a rule judges: kind, quantity, direction, watch, act, source, and in how many
recorded trainings, sick of that kind or healthy, the last number is beyond "watch". `docs/pictures/limits.png` shows
these numbers over the limit.
"""

import collections
import csv
from pathlib import Path

import numpy as np

from keras_ch8._plot import COLORS, GREY
from keras_ch8.monitors.base import members
from keras_ch8.verdicts.verdict import LEVELS

from . import replay

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "docs" / "pictures" / "limits.png"
FAR = 1e3
"""Numbers so many times a limit, or so small a part of it, are drawn at the edge."""


def rows():
    """Yield the monitor, the kind and the limit of each row."""
    seen = set()
    for monitor in members("full"):
        for rule in monitor.rules:
            for limit in rule.judged:
                if (rule.kind, limit) not in seen:
                    seen.add((rule.kind, limit))
                    yield monitor.name, rule.kind, limit


def numbers(records):
    """Return the last finite number of each quantity in each training, by monitor and by what is true of it."""
    found = collections.defaultdict(list)
    for record in records:
        last = {}
        for call in (call for fit in record["fits"] for call in fit["calls"]):
            for monitor, given in call["asked"].items():
                last |= {(monitor, name): value for name, value in given["measured"].items() if value is not None}
        for (monitor, name), value in last.items():
            if np.isfinite(value):
                for kind in {*record["truth"], *record["also"]} if record["is_sick"] else {"healthy"}:
                    found[monitor, name, kind].append(value)
    return found


def beyond(limit, values):
    """Return in words for how many values a limit is reached."""
    return f"{sum(limit.level(value) != LEVELS[0] for value in values)} of {len(values)}"


def write(table, found):
    """Write the table."""
    with (HERE / "limits.csv").open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["kind", "quantity", "direction", "watch", "act", "sick beyond", "healthy beyond", "source"])
        for monitor, kind, limit in table:
            name = limit.quantity.name
            sick, healthy = (beyond(limit, found[monitor, name, of]) for of in (kind, "healthy"))
            numbers_of = (f"{limit.watch:.4g}", f"{limit.act:.4g}")
            out.writerow([kind, name, limit.direction, *numbers_of, sick, healthy, limit.source])


def draw(table, found):
    """Draw each number over the limit of "watch", on a logarithmic axis; what has another sign is at the left edge."""
    import matplotlib.pyplot as plt  # of the extra `examples`: the tests import this file without it

    figure, ax = plt.subplots(figsize=(9, 0.24 * len(table) + 1))
    rng = np.random.default_rng(0)
    for row, (monitor, kind, limit) in enumerate(table):
        for of, color, offset in (("healthy", GREY, 0.15), (kind, COLORS[1], -0.15)):
            values = np.array(found[monitor, limit.quantity.name, of])
            over = np.clip(values / limit.watch if limit.watch else values + 1, 1 / FAR, FAR)
            ax.plot(over, row + offset + rng.uniform(-0.1, 0.1, len(over)), ".", color=color, markersize=3, alpha=0.6)
        if limit.watch:
            ax.plot(limit.act / limit.watch, row, "|", color="black", markersize=9)
    ax.axvline(1, color="black", linewidth=0.8)
    ax.set_xscale("log")
    sign = {"above": "≥", "below": "≤"}
    labels = [f"{kind}: {limit.quantity.name} {sign[limit.direction]}" for _, kind, limit in table]
    ax.set_yticks(range(len(table)), labels, fontsize=7)
    ax.set_ylim(len(table), -1)
    ax.set_xlabel(
        "last number of each training over the limit of watch (bar: act)\ngrey: healthy, orange: sick of this kind"
    )
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=80)


def main():
    """Write and draw them."""
    table, found = [*rows()], numbers(map(replay.load, replay.paths(replay.parser(__doc__).parse_args())))
    write(table, found)
    draw(table, found)


if __name__ == "__main__":
    main()
