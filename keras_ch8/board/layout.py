"""The charts of the Custom Scalars dashboard: three questions to ask of a run."""

import re

from tensorboard.plugins.custom_scalar import layout_pb2

from . import tags

_SURROGATES = (tags.SURROGATE, tags.TRUE_LOSS, tags.VAL_SURROGATE, tags.VAL_TRUE_LOSS)


def custom_scalars() -> layout_pb2.Layout:
    """Return the layout, which is written once for each run."""
    return layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title="Is it learning?",
                chart=[
                    _band("loss of minibatches", tags.LOSS),
                    _lines("loss of epochs", tags.epoch("loss"), tags.epoch("val_loss")),
                    _lines("surrogate and true loss", *_SURROGATES),
                ],
            ),
            layout_pb2.Category(
                title="The step",
                chart=[
                    _band("gradient norm before clipping", tags.GRADIENT_NORM),
                    _band("gradient norm after clipping", tags.GRADIENT_NORM_CLIPPED),
                    _band("update norm", tags.UPDATE_NORM),
                    _lines("learning rate", tags.LEARNING_RATE),
                ],
            ),
            layout_pb2.Category(
                title="Clipping",
                chart=[
                    _lines("share of clipped steps", tags.CLIPPED_SHARE),
                    _lines("clip coefficient", tags.CLIP_COEFFICIENT),
                ],
            ),
        ]
    )


def _lines(title: str, *series: tags.Tag) -> layout_pb2.Chart:
    # The dashboard matches from the start, so the end is all that is missing.
    patterns = [f"{re.escape(tag.name)}$" for tag in series]
    return layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=patterns))


def _band(title: str, tag: tags.Tag) -> layout_pb2.Chart:
    series = layout_pb2.MarginChartContent.Series(value=tag.name, lower=tag.low, upper=tag.high)
    return layout_pb2.Chart(title=title, margin=layout_pb2.MarginChartContent(series=[series]))
