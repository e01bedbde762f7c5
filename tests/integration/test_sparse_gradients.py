"""Gradients of embeddings, which are sparse, pass whatever watches, scales or leaves out, with the same bits."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import optimizers
from keras_ch8.integration import backend
from tests import forked

RANDOM = np.random.default_rng(0)
X = [RANDOM.integers(0, n, (96, 6)) for n in (50, 2)]
Y = (X[0][:, :3].mean(axis=1) > 25).astype("int32")
OPTIMIZERS = {
    "Keras": keras.optimizers.AdamW,
    "ours": optimizers.AdamW,
    "skipping": lambda rate: optimizers.AdamW(rate, skip_nonfinite=True),
}


def trained(optimizer, policy, folder=None, replicas=1):
    """Return the weights of a small classifier of two rows of tokens after 12 steps; watched, with a folder."""
    strategy = forked.two_replicas() if replicas == 2 else tf.distribute.get_strategy()
    keras.utils.set_random_seed(0)
    policy = keras.dtype_policies.DTypePolicy(policy)
    with strategy.scope():
        words, kinds = (keras.Input((6,), dtype="int32") for _ in range(2))
        layers = keras.layers
        h = layers.Embedding(50, 8, dtype=policy)(words) + layers.Embedding(2, 8, dtype=policy)(kinds)
        h = layers.GlobalAveragePooling1D(dtype=policy)(h)
        model = keras.Model([words, kinds], layers.Dense(2, dtype="float32")(h), name="of_tokens")
        made = OPTIMIZERS[optimizer](1e-2)
        made = keras.optimizers.LossScaleOptimizer(made) if policy.name == "mixed_float16" else made
        model.compile(made, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    watching = [keras_ch8.Doctor(folder, probe=([x[:32] for x in X], Y[:32]))] if folder else []
    model.fit(X, Y, batch_size=32, epochs=4, verbose=0, shuffle=False, callbacks=watching)
    return model.get_weights()


@pytest.mark.usefixtures("in_graphs")
@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float32"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_watched_weights_are_the_same(optimizer, policy, tmp_path):
    bare = trained(optimizer, policy)
    for its, own in zip(bare, trained(optimizer, policy, str(tmp_path)), strict=True):
        np.testing.assert_array_equal(own, its)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16", "float32"])
def test_watched_weights_are_the_same_on_two_replicas(policy, tmp_path):
    bare, watched = (forked.call(trained, "Keras", policy, folder, 2) for folder in (None, str(tmp_path)))
    for its, own in zip(bare, watched, strict=True):
        np.testing.assert_array_equal(own, its)


def test_a_sparse_gradient_that_is_a_quotient_stays_sparse_beside_its_reader():
    """TensorFlow says of a sparse gradient that it is a tensor, and that its operation is that of its values."""
    seen = []

    @tf.function
    def step(values):
        gradient = tf.IndexedSlices(values / 2.0, tf.constant([3, 3]), tf.constant([5, 2]))
        seen.append(backend.beside(gradient, tf.constant(0)))
        return tf.convert_to_tensor(seen[0])

    dense = step(tf.ones((2, 2))).numpy()
    assert backend.is_sparse(seen[0])
    np.testing.assert_array_equal(dense, [[0, 0], [0, 0], [0, 0], [1, 1], [0, 0]])


@pytest.mark.usefixtures("in_graphs")
def test_variables_of_an_optimizer_inside_another_have_the_same_paths(tmp_path):
    paths = []
    for watching in ([], [keras_ch8.Doctor(str(tmp_path))]):
        keras.utils.clear_session()
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()), "mse")
        model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0, callbacks=watching)
        paths.append([variable.path for variable in model.optimizer.variables])
    assert paths[0] == paths[1]
