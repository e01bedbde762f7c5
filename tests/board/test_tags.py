"""Tags: every series has its own name, a unit, and a description that names its section."""

import re

import pytest

from keras_ch8.board import tags

NAMES = {
    "ch8/gradient_norm", "ch8/gradient_norm_clipped", "ch8/clip_coefficient", "ch8/clipped_share", "ch8/update_norm",
    "ch8/weight_norm", "ch8/nonfinite", "ch8/learning_rate", "ch8/effective_rate", "ch8/loss",
    "ch8_layers/gradient_norm_largest", "ch8_layers/gradient_norm_median", "ch8_layers/gradient_norm_smallest",
    "ch8_layers/gradient_norms", "ch8/report", "ch8_surrogate/surrogate", "ch8_surrogate/true",
    "ch8_surrogate/val_surrogate", "ch8_surrogate/val_true", "ch8_range/log10_learning_rate", "ch8_range/loss",
    "ch8_range/loss_smoothed", "ch8_range/report", "ch8/verdicts", "ch8_diagnosis/gradient_by_layer",
    "ch8_diagnosis/signal_by_layer", "ch8_diagnosis/relative_update_by_layer", "ch8_diagnosis/gradient_by_time",
    "ch8/gradient_norm_q90", "ch8_surrogate/flat_epochs", "ch8_stopping/metric", "ch8_stopping/best",
    "ch8_stopping/patience_left", "ch8_blocks/block", "ch8_start/deviation_before", "ch8_start/deviation_after",
    "ch8_start/sums_before", "ch8_start/sums_after", "ch8_start/report", "ch8/average_distance",
    "ch8_epoch/val_loss_best",
    *(f"ch8_diagnosis/{name}" for name in tags.diagnosis_tags()), *(f"ch8_solver/{name}" for name in tags.SOLVER),
    *(f"ch8_curriculum/{name}" for name in tags.CURRICULUM),
}  # fmt: skip
EVERY = [*tags.ALL, *tags.diagnosis_tags().values()]
SPIKY = {
    tags.GRADIENT_NORM, tags.GRADIENT_NORM_CLIPPED, tags.UPDATE_NORM, tags.EFFECTIVE_RATE, tags.LOSS, tags.BLOCK,
}  # fmt: skip


def test_the_names_are_these_and_each_is_there_once():
    assert sorted(tag.name for tag in EVERY) == sorted(NAMES)
    assert {tag for tag in tags.ALL if tag.spiky} == SPIKY


@pytest.mark.parametrize(
    "tag",
    [
        *EVERY,
        tags.batch("loss"),
        tags.epoch("val_loss"),
        tags.continuation("blur.stddev"),
        tags.pretraining("stage_1_loss"),
        tags.block_norm("0"),
    ],
    ids=lambda tag: tag.name,
)
def test_a_description_says_what_in_which_unit_and_where_in_the_book(tag):
    assert re.fullmatch(r"[A-Z].+\. \[.+\] \(section 8\.\d(\.\d)?\)", tag.description)
    assert tag.unit in tag.description
    assert tags.describe(tag.name) == tag.description


@pytest.mark.parametrize("tag", sorted(SPIKY, key=lambda tag: tag.name), ids=lambda tag: tag.name)
def test_the_extremes_of_a_spiky_series_say_which_they_are(tag):
    assert (tag.low, tag.high) == (f"{tag.name}/min", f"{tag.name}/max")
    words = ("5 % quantile", "95 % quantile") if tag is tags.EFFECTIVE_RATE else ("smallest", "largest")
    for name, word in zip((tag.low, tag.high), words, strict=True):
        assert f"The {word}" in tags.describe(name)
        assert tags.describe(name).endswith(tag.description)


def test_names_of_metrics_are_kept_as_they_are():
    for name in ("loss", "top 5 [%]", "größe/x:0", "a\tb"):
        assert tags.batch(name).name == f"ch8_batch/{name}"
        assert tags.epoch(name).name == f"ch8_epoch/{name}"


def test_a_series_of_someone_else_has_no_description():
    assert tags.describe("accuracy") == tags.describe(f"{tags.WEIGHT_NORM.name}/max") == ""
