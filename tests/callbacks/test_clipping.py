"""ClipGradients gives any optimizer a rule for the length of `fit`; GradientClippingLogger says what clipping does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, clipping
from keras_ch8 import optimizers as ours
from keras_ch8.callbacks._gradient_clipping_logger import sentence
from keras_ch8.callbacks.session import batch_counter
from tests.board.readers import python_loader
from tests.callbacks.runs import BATCH, STEPS, Frames, X, Y, by_hand, fit, length, network

RULES = [
    clipping.ByValue(0.05), clipping.ByNorm(0.2), clipping.ByGlobalNorm(0.5), clipping.ByPercentile(50),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("way", [{}, {"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_an_optimizer_of_keras_with_the_callback_is_ours_with_the_rule(rule, way):
    theirs, same = network(keras.optimizers.SGD(0.1, momentum=0.9), **way), network(ours.Momentum(0.1, clip=rule))
    fit(theirs, [callbacks.ClipGradients(rule)])
    fit(same, [])
    for a, b in zip(theirs.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("policy", ["mixed_float16", "float32"])
def test_it_clips_the_true_gradient_also_under_loss_scaling(policy):
    scale = {} if policy == "mixed_float16" else {"loss_scale_factor": 64.0}
    model = network(keras.optimizers.SGD(1.0, **scale), policy)
    before = model.get_weights()
    fit(model, [callbacks.ClipGradients(clipping.ByGlobalNorm(0.01))], epochs=1, steps_per_epoch=1)
    moved = length([a - b for a, b in zip(before, model.get_weights(), strict=True)])
    np.testing.assert_allclose(moved, 0.01, rtol=1e-2)


@pytest.mark.slow
def test_autoclip_goes_on_over_two_fits():
    rule, once, twice = clipping.ByPercentile(50), *(network(keras.optimizers.SGD(0.1)) for _ in range(2))
    fit(once, [callbacks.ClipGradients(rule)])
    for _ in range(2):
        fit(twice, [callbacks.ClipGradients(rule)], epochs=1)
    for a, b in zip(once.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


BAD = [
    (
        ours.SGD(0.1),
        RULES[:1],
        r"for optimizers of other packages.*`SGD\(\.\.\., clip=ByValue\(limit=0\.05\)\)`",
    ),
    (keras.optimizers.SGD(0.1, clipnorm=1.0), RULES[:1], r"would both clip\. Received: SGD with clipnorm=1\.0"),
]


@pytest.mark.parametrize("optimizer, rules, message", BAD)
def test_two_that_clip_are_refused_before_the_first_step(optimizer, rules, message):
    model = network(optimizer)
    with pytest.raises(ValueError, match=message):
        fit(model, [callbacks.ClipGradients(rule) for rule in rules])
    assert int(optimizer.iterations.numpy()) == 0


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("kind", ["ours", "Keras"])
def test_the_logs_are_the_numbers_of_a_loop_by_hand(kind):
    listed = [callbacks.GradientClippingLogger(logs=True)]
    if kind == "ours":
        model = network(ours.SGD(0.1, clip=clipping.ByGlobalNorm(1.0)))
    else:
        model, listed = (
            network(keras.optimizers.SGD(0.1)),
            [*listed, callbacks.ClipGradients(clipping.ByGlobalNorm(1.0))],
        )
    history = fit(model, listed)
    row = by_hand(0.1, clip=lambda gs: [g * min(1, 1 / length(gs)) for g in gs])
    was_clipped = row["norm"] > 1
    assert 0 < was_clipped.sum() < len(was_clipped)
    for epoch in range(2):
        at = slice(epoch * STEPS, (epoch + 1) * STEPS)
        expected = {
            "gradient_norm": row["norm"][at].mean(),
            "gradient_norm_clipped": row["clipped"][at].mean(),
            "clip_coefficient": (row["clipped"] / row["norm"])[at].mean(),
            "clipped_share": was_clipped[at].mean(),
            "gradient_norm_q90": np.quantile(row["norm"][: at.stop], 0.9),
        }
        assert {name: history[name][epoch] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert listed[0].findings()[0].startswith(f"clipped {was_clipped.mean():.1%} of 12 steps")


@pytest.mark.slow
def test_without_a_rule_there_are_the_norms_alone_and_the_logger_says_so(tmp_path):
    logger = callbacks.GradientClippingLogger(logs=True)
    history = fit(network(keras.optimizers.Adam()), [logger, callbacks.TensorBoard(tmp_path)])
    assert set(history) == {"loss", "gradient_norm", "gradient_norm_q90"}
    assert logger.findings()[0].startswith("no rule clips these 12 steps; of the last 12 norms")
    with python_loader(tmp_path) as board:
        assert not [name for name in board.scalars() if "clip" in name]


@pytest.mark.slow
def test_a_rule_that_never_acts_has_columns_and_curves_that_say_so(tmp_path):
    logger = callbacks.GradientClippingLogger(logs=True)
    listed = [logger, callbacks.TensorBoard(tmp_path)]
    history = fit(network(ours.SGD(0.1, clip=clipping.ByGlobalNorm(1e3))), listed)
    assert history["clipped_share"] == [0, 0]
    assert history["clip_coefficient"] == [1, 1]
    assert history["gradient_norm_clipped"] == history["gradient_norm"]
    assert logger.findings()[0].startswith("clipped none of 12 steps: no gradient has reached the limit; ")
    with python_loader(tmp_path) as board:
        curves = board.scalars()
    assert {value for _, value in curves["step/clipped_share"]} == {0.0}
    assert curves["step/gradient_norm_clipped"] == curves["step/gradient_norm"]


@pytest.mark.slow
def test_the_curves_of_a_rule_that_acts_once_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_counter, "READ_EVERY", 2)
    norms = by_hand(0.1)["norm"]
    limit = norms.max() * 0.999
    model = network(ours.SGD(0.1, clip=clipping.ByGlobalNorm(limit)))
    fit(model, [callbacks.TensorBoard(tmp_path)])
    with python_loader(tmp_path) as board:
        curves = board.scalars()
    for name, expected in (("clipped_share", norms > limit), ("gradient_norm_clipped", np.minimum(norms, limit))):
        steps, values = zip(*curves[f"step/{name}"], strict=True)
        assert steps == tuple(range(1, 2 * STEPS + 1))
        np.testing.assert_allclose(values, expected, rtol=1e-3)


@pytest.mark.parametrize("clipped, words", [
    (None, "no rule clips these 1000 steps"),
    (0, "clipped none of 1000 steps: no gradient has reached the limit"),
    (10, "clipped 1.0% of 1000 steps: it catches the rare steep ones, as it should"),
    (630, "clipped 63.0% of 1000 steps: the threshold acts as a learning rate"),
    (1000, "clipped 100.0% of 1000 steps: every step has the same length"),
])  # fmt: skip
def test_the_sentence(clipped, words):
    said = sentence(clipped, 1000, np.linspace(0, 1, 101))
    assert said.startswith(words)
    assert (
        "the last 101 norms before clipping the median is 0.5, the 90 % quantile 0.9 and the 99 % quantile 0.99."
        in said
    )


def test_the_sentence_counts_what_is_not_finite():
    said = sentence(1, 4, np.array([1.0, np.nan, np.inf, 3.0]))
    assert "the median is 2," in said
    assert "2 of them had an infinite or NaN gradient" in said
    assert sentence(0, 4, np.full(3, np.nan)).endswith("; all of the last 3 gradients are infinite or NaN.")


@pytest.mark.slow
def test_a_custom_train_step_without_scale_loss_has_no_loss_but_all_else():
    class Plain(keras.Sequential):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(x) - y))
            variables = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return {"loss": loss}

    for optimizer in (ours.SGD(0.1), keras.optimizers.SGD(0.1)):
        keras.utils.set_random_seed(0)
        model, frames = Plain([keras.Input((6,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(2)]), Frames()
        model.compile(optimizer)
        model.fit(X, Y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0, callbacks=[frames])
        np.testing.assert_allclose(frames.norm, by_hand(0.1)["norm"], rtol=1e-5)
        assert all(frame.loss is None for frame in frames.frames)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("rule", [clipping.ByPercentile(10), clipping.ByGlobalNorm(1.0)])
def test_the_state_of_a_rule_is_taken_by_a_callback_with_the_same_rule_and_no_other(rule):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    clip = callbacks.ClipGradients(rule)
    model.fit(np.ones((8, 2)), np.ones((8, 1)), callbacks=[clip], verbose=0)
    callbacks.ClipGradients(rule).set_state(clip.get_state())
    other = clip.get_state() | {"remembered": {"": {"nothing of it": np.zeros(3)}}}
    with pytest.raises(ValueError, match="what the rule remembers"):
        callbacks.ClipGradients(rule).set_state(other)
