"""The Custom Scalars dashboard finds every series it asks for, and only those."""

import re

from keras_ch8.board import tags
from keras_ch8.board.layout import custom_scalars

DIAGNOSIS = (
    "step_over_optimal", "loss_change", "loss_change_predicted", "noise_scale", "eigenvalue_smallest",
    "eigenvalue_largest", "fraction_dead", "fraction_saturated", "online_risk", "training_risk",
)  # fmt: skip
SOLVER = (
    "step_length", "evaluations", "products", "cg_iterations", "damping", "trust_ratio", "eigenvalue_smallest",
    "eigenvalue_largest", "restarted", "skipped_pair",
)  # fmt: skip
CURRICULUM = "share", "seen", "loss_1", "loss_2", "loss_3", "loss_4", "loss_5"
CHARTS = [chart for category in custom_scalars().category for chart in category.chart]


def test_the_questions_in_order():
    titles = [category.title for category in custom_scalars().category]
    assert titles == [
        "Is it learning?", "The step", "Diagnosis", "Second-order solver", "Curriculum and average", "Clipping"
    ]  # fmt: skip


def test_bands_are_of_spiky_series():
    bands = [(s.value, s.lower, s.upper) for chart in CHARTS for s in chart.margin.series]
    spiky = (tags.LOSS, tags.GRADIENT_NORM, tags.GRADIENT_NORM_CLIPPED, tags.UPDATE_NORM)
    assert bands == [(tag.name, tag.low, tag.high) for tag in spiky]


def test_lines_match_their_series_and_no_other():
    patterns = [pattern for chart in CHARTS for pattern in chart.multiline.tag]
    other = [tags.batch("loss"), tags.epoch("my_loss"), tags.epoch("loss_2"), tags.epoch("val_accuracy")]
    epochs = [tags.epoch(name) for name in ("loss", "val_loss", "val_loss_average")]
    names = [tag.name for tag in [*tags.ALL, *tags.diagnosis_tags().values(), *epochs, *other]]
    names += [name for tag in tags.ALL for name in (tag.low, tag.high)]
    found = [[name for name in names if re.match(pattern, name)] for pattern in patterns]
    expected = [
        *epochs, tags.SURROGATE, tags.TRUE_LOSS, tags.VAL_SURROGATE,
        tags.VAL_TRUE_LOSS, tags.LEARNING_RATE, *map(tags.diagnosis, DIAGNOSIS), *map(tags.solver, SOLVER),
        *map(tags.CURRICULUM.get, CURRICULUM), tags.AVERAGE_DISTANCE, tags.CLIPPED_SHARE, tags.CLIP_COEFFICIENT,
    ]  # fmt: skip
    assert found == [[tag.name] for tag in expected]
