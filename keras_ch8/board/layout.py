"""The charts of the Custom Scalars dashboard: questions to ask of a run."""

import re
from collections.abc import Iterable

from tensorboard.plugins.custom_scalar import layout_pb2

from . import tags

_SURROGATES = (tags.SURROGATE, tags.TRUE_LOSS, tags.VAL_SURROGATE, tags.VAL_TRUE_LOSS)


def custom_scalars(declared: Iterable[tags.Tag] = ()) -> layout_pb2.Layout:
    """Return the layout, which is written once for each run; `declared` are curves of callbacks of your own."""
    layout = layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title="Is it learning?",
                chart=[
                    _band("loss of minibatches", tags.LOSS),
                    _lines("loss of epochs", *map(tags.epoch, ("loss", "val_loss", "val_loss_average"))),
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
                title="Diagnosis",
                chart=[
                    _lines("update over the best length: above 2 the loss rises", _of("step_over_optimal")),
                    _lines(
                        "change of the loss, and its prediction", *map(_of, ("loss_change", "loss_change_predicted"))
                    ),
                    _lines("noise scale of the gradient", _of("noise_scale")),
                    _lines("curvature", *map(_of, ("eigenvalue_smallest", "eigenvalue_largest"))),
                    _lines("idle units", *map(_of, ("fraction_dead", "fraction_saturated"))),
                    _lines("new and known examples", *map(_of, ("online_risk", "training_risk"))),
                ],
            ),
            layout_pb2.Category(
                title="Second-order solver",
                chart=[
                    _lines("step length", _solver("step_length")),
                    _lines("evaluations and products", *map(_solver, ("evaluations", "products", "cg_iterations"))),
                    _lines("damping", _solver("damping")),
                    _lines("trust ratio", _solver("trust_ratio")),
                    _lines("eigenvalues", *map(_solver, ("eigenvalue_smallest", "eigenvalue_largest"))),
                    _lines("restarts and skipped pairs", *map(_solver, ("restarted", "skipped_pair"))),
                ],
            ),
            layout_pb2.Category(
                title="Curriculum and average",
                chart=[
                    _lines("share of the examples", *map(_of_curriculum, ("share", "seen"))),
                    _lines("loss by difficulty", *(_of_curriculum(f"loss_{fifth}") for fifth in range(1, 6))),
                    _lines("distance from the weights to their average", tags.AVERAGE_DISTANCE),
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
    if charts := [_lines(tag.name, tag) for tag in declared]:
        layout.category.append(layout_pb2.Category(title="Your own", chart=charts))
    return layout


def _of(name: str) -> tags.Tag:
    return tags.diagnosis_tags()[name]


def _solver(name: str) -> tags.Tag:
    return tags.SOLVER[name]


def _of_curriculum(name: str) -> tags.Tag:
    return tags.CURRICULUM[name]


def _lines(title: str, *series: tags.Tag) -> layout_pb2.Chart:
    # The dashboard matches from the start, so the end is all that is missing.
    patterns = [f"{re.escape(tag.name)}$" for tag in series]
    return layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=patterns))


def _band(title: str, tag: tags.Tag) -> layout_pb2.Chart:
    series = layout_pb2.MarginChartContent.Series(value=tag.name, lower=tag.low, upper=tag.high)
    return layout_pb2.Chart(title=title, margin=layout_pb2.MarginChartContent(series=[series]))
