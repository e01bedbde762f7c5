"""Of a model with several outputs each is known by its own loss, labels and last layer; of masks each place counts."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_ch8
from keras_ch8.monitors._gradient_norm import GradientNormMonitor
from keras_ch8.monitors.outputs import Head, heads_of, without_loss
from keras_ch8.monitors.probe import ProbeEvaluator
from keras_ch8.monitors.start import facts_of
from keras_ch8.verdicts.chance import chance_level
from keras_ch8.verdicts.checks import claims_of
from keras_ch8.verdicts.facts import Output

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 5)).astype("float32")
PRICE = 3 * X[:, :1]
KIND = RNG.integers(0, 4, 64)
MSE, CLASSES = "mean_squared_error", "sparse_categorical_crossentropy"
CHANCE = {"price": float(PRICE.var()), "kind": chance_level(Output(loss=CLASSES), KIND)}


def two_heads(loss, price="linear", kind="softmax", named=False, **options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,))
    hidden = layers.Dense(8, "relu")(inputs)
    outputs = [layers.Dense(1, price, name="price")(hidden), layers.Dense(4, kind, name="kind")(hidden)]
    if named:
        outputs = {"price": outputs[0], "kind": outputs[1]}
    model = keras.Model(inputs, outputs)
    model.compile("adam", loss, **options)
    return model


def of(model, y=(PRICE, KIND), weights=None):
    return facts_of(model, (X, y, weights))[0]


def claimed(facts):
    return [(claim.kind, claim.finding.partition(":")[0], claim.code) for claim in claims_of(facts, unexpected)]


def unexpected(name, error):
    raise error


BY_NAME = {"price": MSE, "kind": CLASSES}


@pytest.mark.parametrize(
    "loss, options, y",
    [
        ([MSE, CLASSES], {}, [PRICE, KIND]),
        (BY_NAME, {}, {"price": PRICE, "kind": KIND}),
        (BY_NAME, {"named": True}, {"price": PRICE, "kind": KIND}),
        ([keras.losses.MeanSquaredError(), keras.losses.SparseCategoricalCrossentropy()], {}, [PRICE, KIND]),
    ],
)
def test_losses_are_paired_with_outputs_and_labels_as_keras_does(loss, options, y):
    facts = of(two_heads(loss, **options), y)
    assert {one.output.name: (one.output.loss, one.targets.of) for one in facts.outputs} == {
        "price": (MSE, "numbers"), "kind": (CLASSES, "classes"),
    }  # fmt: skip
    assert facts.chance == pytest.approx(sum(CHANCE.values()), rel=1e-4)
    assert claimed(facts) == []


@pytest.mark.parametrize("shares", [[0.1, 2.0], {"price": 0.1, "kind": 2.0}])
def test_the_best_constant_has_the_sum_of_what_it_has_for_each_output_by_their_weights(shares):
    loss = BY_NAME if isinstance(shares, dict) else [MSE, CLASSES]
    y = {"price": PRICE, "kind": KIND} if isinstance(shares, dict) else [PRICE, KIND]
    facts = of(two_heads(loss, loss_weights=shares), y)
    assert facts.chance == pytest.approx(0.1 * CHANCE["price"] + 2 * CHANCE["kind"], rel=1e-4)


@pytest.mark.parametrize("weight, share", [(0.5, 0.5), ("accuracy", 1.0)])
def test_of_one_output_the_weight_of_its_loss_counts_too_unless_it_is_a_metric_in_the_wrong_place(weight, share):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    model.compile("sgd", "mse", [weight])
    assert of(model, PRICE).chance == pytest.approx(share * CHANCE["price"], rel=1e-4)


def test_an_output_without_a_loss_is_left_alone():
    facts = of(two_heads([MSE, None]), [PRICE])
    assert [one.output.name for one in facts.outputs] == ["price"]
    assert facts.chance == pytest.approx(CHANCE["price"], rel=1e-4)


@pytest.mark.parametrize(
    "loss, y, code",
    [
        ([MSE, CLASSES], [PRICE, KIND], "compile_as(model, model)"),
        (BY_NAME, {"price": PRICE, "kind": KIND}, "compile_as(model, model)"),
    ],
)
def test_the_fault_of_one_output_is_told_with_its_name_and_cured_in_its_layer(loss, y, code):
    model = two_heads(loss, kind="relu")
    ((kind, named, lines),) = claimed(of(model, y))
    assert (kind, named) == ("wrong_output", "Output 'kind'")
    assert code in lines
    exec(lines, {"model": model, "keras": keras, "keras_ch8": keras_ch8})
    assert model.get_layer("kind").activation is keras.activations.softmax
    assert claimed(of(model, y)) == []


@pytest.mark.parametrize("loss, y", [([CLASSES, CLASSES], [PRICE, KIND]), (dict.fromkeys(BY_NAME, CLASSES), None)])
def test_the_loss_of_one_output_is_cured_and_that_of_the_other_stays(loss, y):
    y = y or {"price": PRICE, "kind": KIND}
    model = two_heads(loss)
    ((kind, named, lines),) = claimed(of(model, y))
    assert (kind, named) == ("wrong_loss", "Output 'price'")
    lines = lines.partition("\nfound =")[0]  # a rate is searched then, which takes long
    exec(lines, {"model": model, "keras": keras, "keras_ch8": keras_ch8})
    facts = of(model, y)
    assert [one.output.loss for one in facts.outputs] == [MSE, CLASSES]
    assert claimed(facts) == []


def test_of_one_loss_for_all_outputs_each_is_judged_and_there_is_no_code():
    model = two_heads(CLASSES)
    assert [head.output.loss for head in heads_of(model)] == [CLASSES, CLASSES]
    ((kind, named, lines),) = claimed(of(model, [PRICE, KIND]))
    assert (kind, named, lines) == ("wrong_loss", "Output 'price'", "")


@pytest.mark.slow
def test_a_training_of_several_outputs_is_compared_with_chance_and_its_outputs_are_checked():
    model, diagnosis = two_heads([MSE, CLASSES], kind="relu"), keras_ch8.callbacks.Diagnosis(verbose=False)
    model.fit(X, [PRICE, KIND], epochs=2, batch_size=16, verbose=0, callbacks=[diagnosis])
    assert diagnosis.log.chance == pytest.approx(sum(CHANCE.values()), rel=1e-4)
    assert diagnosis.verdicts[0].kind == "wrong_output"
    assert diagnosis.verdicts[0].finding.startswith("Output 'kind'")


# --- masks and labels of tokens --------------------------------------------------------------------------------------

IMAGES = RNG.normal(size=(16, 6, 6, 1)).astype("float32")
MASKS = RNG.choice(3, size=(16, 6, 6), p=[0.6, 0.3, 0.1])
ENTROPY = -sum(p * np.log(p) for p in np.bincount(MASKS.ravel()) / MASKS.size)


def segmenting(loss, units=3, activation="softmax"):
    model = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(units, 1, activation=activation)])
    model.compile("sgd", loss)
    return model


ONE_HOT_MASKS = np.eye(3, dtype="float32")[MASKS]


@pytest.mark.parametrize(
    "loss, y, weights",
    [
        (CLASSES, MASKS, None),
        (CLASSES, MASKS[..., None], None),
        ("categorical_crossentropy", ONE_HOT_MASKS, None),
        (CLASSES, MASKS, np.ones_like(MASKS, "float32")),
    ],
)
def test_of_masks_each_place_is_a_prediction_and_the_order_of_examples_says_nothing(loss, y, weights):
    facts, failed = facts_of(segmenting(loss), (IMAGES, y, weights))
    assert failed is None
    assert facts.chance == pytest.approx(ENTROPY, rel=1e-4)
    assert (facts.targets.places, facts.targets.classes) == (36, 3)
    assert facts.targets.commonest == pytest.approx(0.6, abs=0.05)
    assert np.isnan(facts.order_read)
    assert claimed(facts) == []


def test_a_mask_of_two_classes_has_one_share_for_all_places():
    mask = (MASKS == 0).astype("float32")
    for y in (mask, mask[..., None]):
        facts, _ = facts_of(segmenting("binary_crossentropy", 1, "sigmoid"), (IMAGES, y, None))
        p = mask.mean()
        assert facts.chance == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p), rel=1e-4)


def test_too_few_classes_for_the_labels_of_a_mask_are_told():
    ((kind, _, _),) = claimed(facts_of(segmenting(CLASSES, units=2), (IMAGES, MASKS, None))[0])
    assert kind == "wrong_output"


def test_what_a_model_inside_gives_and_nobody_takes_needs_no_gradient():
    inputs = keras.Input((3,))
    words = keras.layers.Dense(4, name="words")(inputs)
    summary = keras.layers.Dense(2, name="summary")(words)
    backbone = keras.Model(inputs, {"words": words, "summary": summary})
    model = keras.Model(inputs, keras.layers.Dense(1, name="head")(backbone(inputs)["words"]))
    model.compile("sgd", "mse")
    assert [v.path for v in without_loss(model)] == ["summary/kernel", "summary/bias"]
    whole = keras.Model(inputs, keras.layers.Concatenate()(list(backbone(inputs).values())))
    whole.compile("sgd", "mse")
    assert without_loss(whole) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Gradients do not exist")  # which Keras says of the embedding
def test_layers_that_only_lead_to_an_output_without_a_loss_need_no_gradient():
    inputs = keras.Input((5,))
    hidden = layers.Dense(8, "relu")(inputs)
    embedding = layers.Dense(3, name="embedding")(layers.Dense(4, "tanh")(hidden))
    model = keras.Model(inputs, [layers.Dense(1, name="price")(hidden), embedding])
    model.compile(keras.optimizers.SGD(0.01), [MSE, None])
    diagnosis = keras_ch8.callbacks.Diagnosis((X, [PRICE]), ["layer_flow"], verbose=False, measure_every=1)
    model.fit(X, [PRICE], epochs=3, batch_size=16, verbose=0, callbacks=[diagnosis])
    assert "no_gradient" in {v.kind for v in diagnosis.verdicts if v.level == "ok"}


def one_of_two():
    """Return a model with two outputs, the second of which has a loss."""
    inputs = keras.Input((5,))
    outputs = {name: layers.Dense(units, name=name)(inputs) for name, units in (("free", 3), ("judged", 1))}
    model = keras.Model(inputs, outputs)
    model.compile(loss={"judged": "mse"})
    return model, {"judged": PRICE}


def without_an_axis():
    """Return a model whose output has the axis of the examples alone."""
    inputs = keras.Input((5,))
    model = keras.Model(inputs, layers.Reshape(())(layers.Dense(1)(inputs)))
    model.compile(loss="mse")
    return model, PRICE[:, 0]


@pytest.mark.parametrize("made", [one_of_two, without_an_axis])
def test_the_losses_of_the_examples_are_known_of_the_only_output_with_a_loss(made):
    model, y = made()
    found = ProbeEvaluator(model, X, y, monitors=[GradientNormMonitor()]).evaluate()["gradient_norm"]
    outputs = model(X)
    given = np.ravel(outputs["judged"] if isinstance(outputs, dict) else outputs)
    losses, of_constant = (PRICE[:, 0] - given) ** 2, (PRICE[:, 0] - PRICE.mean()) ** 2
    assert found.spread == pytest.approx((losses - of_constant).std(), rel=1e-5)
    assert (found.loss, found.examples) == (pytest.approx(losses.mean(), rel=1e-5), len(X))


def test_where_the_losses_of_the_examples_fail_the_rest_is_measured(monkeypatch):
    monkeypatch.setattr(Head, "losses_of", lambda *_: 1 / 0)
    model, y = without_an_axis()
    found = ProbeEvaluator(model, X, y, monitors=[GradientNormMonitor()]).evaluate()["gradient_norm"]
    assert np.isnan(found.spread)
    assert found.loss == pytest.approx(float(((PRICE[:, 0] - np.ravel(model(X))) ** 2).mean()), rel=1e-5)
