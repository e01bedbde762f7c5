"""The charts of the Custom Scalars dashboard: the panels that have data, by the groups of the page."""

import functools
import re
from collections.abc import Collection, Iterable

from tensorboard.plugins.custom_scalar import layout_pb2

from . import tags
from .panels import GROUPS, PANELS, Panel


def custom_scalars(names: Collection[str], declared: Iterable[tags.Tag] = ()) -> layout_pb2.Layout:
    """Return the layout for a run that has scalars of these names.

    TensorBoard shows the newest layout of each run, puts those of all runs together by the titles of their categories,
    and leaves out charts that are equal to one that is there. So a chart is the same in every run that has it. And
    every category is in every layout, an empty one too: otherwise their order would be that of the runs, and of a
    category that the first run lacks, TensorBoard loses all charts that the second one lacks.

    Args:
        names: What the run has.
        declared: Tags of callbacks of the user's own, which say to which section of the book they belong.
    """
    charts: dict[str, list[layout_pb2.Chart]] = {section: [] for section in GROUPS}

    def names_of(series: str) -> set[str]:
        return set(filter(_compiled(series).match, names))

    for panel in [*PANELS, *_of_their_own(names, {tag.name: tag for tag in declared})]:
        if any(map(names_of, panel.series)):
            content = layout_pb2.MultilineChartContent(tag=[_pattern(series) for series in panel.series])
            charts[_group(panel.section)].append(layout_pb2.Chart(title=panel.title, multiline=content))
    titles = {section: f"{section} {title}".strip() for section, title in GROUPS.items()}
    return layout_pb2.Layout(
        category=[layout_pb2.Category(title=titles[section], chart=charts[section]) for section in GROUPS]
    )


def _of_their_own(names: Collection[str], declared: dict[str, tags.Tag]) -> list[Panel]:
    """Return a panel for each series that no panel shows; a metric of validation is beside that of training."""
    shown = [_compiled(series) for panel in PANELS for series in panel.series]
    found: dict[str, Panel] = {}
    for name in names:
        if not any(pattern.match(name) for pattern in shown):
            title = re.sub(f"^{tags.EPOCH}val_", tags.EPOCH, name)
            series = dict.fromkeys((title, re.sub(f"^{tags.EPOCH}", f"{tags.EPOCH}val_", title)))
            section = declared[name].section if name in declared else ""
            found[title] = Panel(title, "", section, tuple(series))
    return list(found.values())


@functools.cache
def _compiled(series: str) -> re.Pattern[str]:
    return re.compile(_pattern(series))


@functools.cache
def _pattern(series: str) -> str:
    """Return the pattern of a series, which the dashboard matches from the start.

    A series of steps may be that of one of several optimizers.
    """
    folder, slash, rest = (".*".join(map(re.escape, part.split("*"))) for part in series.partition("/"))
    optimizer = "([^/]+/)?" if folder + slash == tags.STEP else ""
    return f"{folder}{slash}{optimizer}{rest}$"


def _group(section: str) -> str:
    """Return the group that a section belongs to: its own, or the nearest above it."""
    while section not in GROUPS:
        section = section.rpartition(".")[0]
    return section
