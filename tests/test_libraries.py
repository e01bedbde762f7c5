"""Each block of docs/guide/libraries.md runs as it is printed, and the numbers are what the page says."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import optimizers
from keras_ch8.optimizers import Group

PAGE = (Path(__file__).parent.parent / "docs/guide/libraries.md").read_text()
BLOCKS = {
    library: re.findall(r"```python\n(.*?)```", "".join(sections), re.DOTALL)
    for library in ("KerasHub", "KerasRS", "KerasTuner", "scikeras")
    if (sections := re.findall(rf"^## {library}\b.*?(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
}
MODULES = {"KerasHub": "keras_hub", "KerasRS": "keras_rs", "KerasTuner": "keras_tuner", "scikeras": "scikeras"}
L = keras.layers


@pytest.fixture(autouse=True)
def _as_it_was():
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


def run(library, tmp_path, monkeypatch):
    """Run the blocks of a library one after another, in a folder of their own, and return what they have named."""
    pytest.importorskip(MODULES[library], reason="not installed: pip install 'keras_ch8[libraries]'")
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    names = {}
    for block in BLOCKS[library]:
        exec(compile(block, f"<{library}>", "exec"), names)
    return names


def test_the_blocks_are_short():
    assert {library: len(blocks) for library, blocks in BLOCKS.items()} == dict.fromkeys(MODULES, 1) | {"KerasHub": 2}
    assert max(len(block.splitlines()) for blocks in BLOCKS.values() for block in blocks) < 22


# --- KerasHub ---------------------------------------------------------------------------------------------------------

NO_INT8 = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method implemented:UserWarning")
"""Keras says so of each layer without weights to quantize."""
NO_SHUFFLE = pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored:UserWarning")
"""Keras says so of the data set that KerasHub makes of arrays."""
NO_OPTIMIZER = pytest.mark.filterwarnings(
    "ignore:`compile\\(\\)` was not called as part of model loading:UserWarning",
    "ignore:Skipping variable loading for optimizer 'adam:UserWarning",
)
"""Keras says so of each task of KerasHub, whose `compile` is its own: the page says what to do."""


def classifier():
    hub = pytest.importorskip("keras_hub", reason="not installed: pip install 'keras_ch8[libraries]'")
    keras.utils.set_random_seed(0)
    sizes = {"vocabulary_size": 50, "num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}
    backbone = hub.models.DistilBertBackbone(**sizes, dropout=0.0)
    return hub.models.DistilBertTextClassifier(backbone=backbone, num_classes=2, preprocessor=None, dropout=0.0)


def losses(model, optimizer=None, epochs=2, callbacks=()):
    tokens = np.random.default_rng(0).integers(1, 50, (64, 6))
    x = {"token_ids": tokens, "padding_mask": np.ones_like(tokens)}
    if optimizer is not None:
        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    how = {"batch_size": 16, "epochs": epochs, "shuffle": False, "verbose": 0, "callbacks": [*callbacks]}
    return model.fit(x, tokens[:, 0] % 2, **how).history["loss"]


@pytest.mark.slow
@NO_INT8
@NO_SHUFFLE
@NO_OPTIMIZER
def test_a_backbone_is_fine_tuned_with_lora_in_float16_saved_exported_and_quantized(tmp_path, monkeypatch):
    names = run("KerasHub", tmp_path, monkeypatch)
    model, small, x = (names[name] for name in ("model", "small", "x"))
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    groups = model.optimizer.inner_optimizer.grouping
    assert sorted({round(rate, 6) for rate in groups.rates.values()}) == [0.512, 0.64, 0.8, 1.0]
    assert "other checks found nothing" in str(names["doctor"])
    by_tensorflow = L.TFSMLayer("served", call_endpoint="serve")({name: v.astype("int32") for name, v in x.items()})
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(by_tensorflow, expected, atol=2e-3)  # float16
    np.testing.assert_allclose(small.predict(x, verbose=0), expected, atol=0.02)  # int8


@pytest.mark.slow
def test_with_lora_in_float16_the_losses_are_those_of_keras():
    found = []
    for cls in (keras.optimizers.AdamW, optimizers.AdamW):
        keras.config.set_dtype_policy("mixed_float16")
        model = classifier()
        model.backbone.enable_lora(2)
        found.append(losses(model, cls(1e-3)))
    np.testing.assert_allclose(*found, atol=3e-5)


@pytest.mark.slow
@NO_OPTIMIZER
def test_a_loaded_model_that_is_compiled_and_given_its_state_goes_on_bit_for_bit(tmp_path):
    def compiled(model):
        return optimizers.AdamW(1e-3, groups=Group.by_depth(model, 0.8))

    whole = classifier()
    expected = losses(whole, compiled(whole), epochs=4)
    model = classifier()
    begun = losses(model, compiled(model))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.compile(compiled(loaded), model.loss)
    loaded.optimizer.build(loaded.trainable_variables)
    loaded.load_weights(tmp_path / "model.keras")
    assert begun + losses(loaded) == expected


@pytest.mark.slow
def test_with_lora_in_float16_a_training_that_resumes_has_the_losses_of_one_without_a_break(tmp_path):
    def train(folder, *more):
        keras.config.set_dtype_policy("mixed_float16")
        model = classifier()
        model.backbone.enable_lora(2)
        optimizer = optimizers.AdamW(1e-3, groups=Group.by_depth(model, 0.8))
        return losses(model, optimizer, 3, [keras_ch8.Doctor(folder, resume=folder / "states"), *more])

    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken", Break())
    assert train(tmp_path / "broken") == train(tmp_path / "whole")


@pytest.mark.slow
def test_blocks_within_one_layer_have_rates_by_their_names():
    hub = pytest.importorskip("keras_hub", reason="not installed: pip install 'keras_ch8[libraries]'")
    sizes = {"patch_size": 4, "num_layers": 12, "num_heads": 1, "hidden_dim": 2, "mlp_dim": 2}
    weights = hub.models.ViTBackbone((8, 8, 3), **sizes).trainable_variables
    (groups,) = re.findall(r"`(\[Group\(.*?)`", PAGE)
    optimizer = optimizers.AdamW(groups=eval(groups, {"Group": Group}))
    optimizer.build(weights)
    found = {weight.path.split("/")[1]: optimizer.grouping.rate(i) for i, weight in enumerate(weights)}
    expected = {f"transformer_block_{i}": 0.8 ** (12 - i) for i in range(1, 13)} | {"patch_embedding": 0.8**12}
    assert found.items() >= expected.items()


# --- the others -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_model_with_parts_of_keras_rs_learns_and_its_embeddings_do_not_decay(tmp_path, monkeypatch):
    names = run("KerasRS", tmp_path, monkeypatch)
    history = names["model"].history.history["loss"]
    assert history[-1] < 0.2 * history[0]
    assert len(names["model"].optimizer.grouping.members["*embedding_of_*"]) == 2
    assert str(names["doctor"]).startswith("OK: ")


@pytest.mark.slow
def test_a_row_that_occurs_several_times_moves_as_if_it_were_dense():
    rows = np.random.default_rng(0).integers(0, 9, 256)
    found = []
    for make, x in (
        (lambda: L.Embedding(9, 4, embeddings_initializer="uniform"), rows),
        (lambda: L.Dense(4, use_bias=False, kernel_initializer="uniform"), np.eye(9, dtype="float32")[rows]),
    ):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input(x.shape[1:]), make(), L.Dense(1)])
        model.compile(optimizers.AdamW(0.01), "mse")
        found.append(model.fit(x, rows % 3, batch_size=64, epochs=3, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*found, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:(currentThread|getName)\\(\\) is deprecated:DeprecationWarning")  # KerasTuner 1.4.8
def test_a_search_over_the_learning_rate_finds_one(tmp_path, monkeypatch):
    names = run("KerasTuner", tmp_path, monkeypatch)
    (best,) = names["tuner"].oracle.get_best_trials(1)
    trials = names["tuner"].oracle.trials.values()
    assert best.score == min(trial.score for trial in trials)
    assert 1e-4 <= best.hyperparameters.get("learning_rate") <= 1e-1
    assert len(list((tmp_path / "logs_tuner").iterdir())) == len(trials) == 3


@pytest.mark.slow
def test_a_grid_of_scikit_learn_finds_the_better_rate_and_each_fit_is_a_run(tmp_path, monkeypatch):
    names = run("scikeras", tmp_path, monkeypatch)
    assert names["search"].best_params_ == {"optimizer__learning_rate": 1e-2}
    assert names["search"].best_estimator_.model_.optimizer.learning_rate == np.float32(1e-2)
    assert len(list((tmp_path / "logs_sklearn").iterdir())) == 2 * 2 + 1
