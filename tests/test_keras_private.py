"""Tripwires: the private names of Keras and TensorFlow that the suite leans on still mean what they meant."""

import functools
import inspect
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from keras_ch8 import optimizers
from keras_ch8.integration import backend, epochs, keras_private, registry

BASE = keras.optimizers.Optimizer


def test_apply_calls_the_hook_once_with_what_is_left_of_the_gradients():
    calls = []

    class Spy(keras_private.Optimizer):
        def update(self, grads, variables):
            calls.append((grads, variables))

    a, b = keras.Variable([1.0]), keras.Variable([2.0])
    optimizer = Spy(0.1, loss_scale_factor=2.0)
    optimizer.apply([keras.ops.array([4.0]), keras.ops.array([6.0])], [a, b])
    ((grads, variables),) = calls
    assert [float(g[0]) for g in grads] == [2.0, 3.0]
    assert variables == [a, b]
    assert int(optimizer.micro_steps.numpy()) == 1
    assert optimizer.known_variables == [a, b]
    assert [optimizer.index_of(v) for v in (a, b)] == [0, 1]
    assert optimizer.index_of(b.value) == 1


def test_names_that_the_base_class_must_have():
    for name in ("_backend_apply_gradients", "_get_current_learning_rate", "_use_weight_decay",
                 "_get_variable_index"):  # fmt: skip
        assert callable(getattr(BASE, name)), name
    assert "_get_current_learning_rate" in inspect.getsource(BASE.learning_rate.fget)
    optimizer = optimizers.SGD(use_ema=True, gradient_accumulation_steps=2)
    optimizer.build([keras.Variable([1.0])])
    assert len(optimizer.averages) == len(optimizer.accumulators) == 1


def test_variables_overwritten_by_their_gradient_are_still_marked_so():
    variable = keras.Variable([1.0])
    variable.overwrite_with_gradient = True
    assert BASE._overwrite_variable_with_gradient(optimizers.SGD(), variable)
    assert keras_private.is_overwritten_by_gradient(variable)


def test_a_variable_has_a_value_but_where_the_loop_on_jax_has_taken_it():
    variable = keras.Variable([1.0])
    assert keras_private.has_value(variable)
    variable._value = None  # as `_purge_model_variables` of Keras's trainer for JAX does
    assert not keras_private.has_value(variable)
    source = (Path(keras.__file__).parent / "src" / "backend" / "jax" / "trainer.py").read_text()
    assert "v._value = None" in source
    assert "ref_v.assign(v)" in source


def test_a_model_is_called_and_its_loss_computed_as_in_its_training_step():
    class Without(keras.Model):
        def call(self, x):
            return 2.0 * x

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return keras.ops.sum(y - y_pred)

    model = Without()
    assert float(keras_private.call(model, np.ones((1, 1)), training=True)[0, 0]) == 2.0
    batch = keras_private.Batch(None, np.ones(2))
    assert float(keras_private.compute_loss(model, batch, np.zeros(2), training=True)) == 2.0
    dropped = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(0.5)])
    assert float(keras.ops.min(keras_private.call(dropped, np.ones((1, 50)), training=True))) == 0.0


def test_the_states_of_random_layers_are_found():
    inner = keras.Sequential([keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model = keras.Sequential([keras.Input((2,)), inner, keras.layers.GaussianNoise(0.1)])
    seeds = keras_private.seeds_of(model)
    assert len(seeds) == 2
    assert all(any(seed is v for v in model.non_trainable_variables) for seed in seeds)


def test_the_optimizers_of_a_model_are_found_by_their_attributes():
    class Gan(keras.Model):
        def __init__(self):
            super().__init__()
            self.d_optimizer = keras.optimizers.SGD()
            self.others = [keras.optimizers.SGD(), self.d_optimizer]

    model = Gan()
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()))
    found = keras_private.optimizers_of(model)
    assert list(found) == ["optimizer", "d_optimizer", "others_0"]
    assert isinstance(found["optimizer"], keras.optimizers.Adam)


def test_a_training_step_of_ones_own_is_told_from_that_of_keras():
    class Own(keras.Sequential):
        def train_step(self, data):
            return super().train_step(data)

    assert keras_private.has_own_train_step(Own())
    assert not keras_private.has_own_train_step(keras.Sequential())
    model = keras.Sequential()
    model.train_step = lambda data: {}
    assert keras_private.has_own_train_step(model)


def test_a_layer_lists_its_own_variables_and_can_be_found_by_them():
    inner, other = keras.layers.Dense(2), keras.layers.Dense(2)
    model = keras.Sequential([keras.Input((3,)), inner, other])
    assert [v.name for v in inner._trainable_variables] == ["kernel", "bias"]
    owner = keras_private.owners_in(keras.Sequential([model]))
    assert [owner[id(v)] for v in model.trainable_variables] == [inner, inner, other, other]


def test_the_parts_of_a_model_are_its_layers_at_all_depths_and_its_operations():
    inner, inputs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)]), keras.Input((3,))
    model = keras.Model(inputs, inner(inputs) + inputs)
    kinds = [type(part).__name__ for part in keras_private.parts_of(model)]
    assert "Dense" in kinds
    assert "Add" in kinds


def test_a_train_function_can_be_swapped_in_mid_fit():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.make_train_function()
    first = model.train_function
    model.make_train_function(force=True)
    second, calls = model.train_function, []
    assert second is not first

    class Swap(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.train_function = lambda iterator: calls.append(1) or second(iterator)

    model.fit(keras.ops.ones((4, 2)), keras.ops.ones((4, 1)), batch_size=1, verbose=0, callbacks=[Swap()])
    assert len(calls) == 4
    assert model.distribute_strategy is tf.distribute.get_strategy()


def test_a_tensor_is_reachable_in_its_graph_and_the_graphs_inside():
    assert isinstance(tf.constant(1.0), tf.__internal__.EagerTensor)
    seen = []

    @tf.function
    def outer(x):
        @tf.function
        def inner():
            seen.append(backend.is_reachable(x))
            return x

        return inner()

    outer(tf.constant(1.0))

    @tf.function
    def leaks(x):
        seen.append(x)

    leaks(tf.constant(1.0))
    assert seen[0]
    assert not backend.is_reachable(seen[1])


def test_tensorflow_names():
    assert callable(tf.__internal__.distribute.interim.maybe_merge_call)
    seen = []

    @tf.function(jit_compile=True)
    def f(x):
        seen.append(control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))
        return x

    f(1.0)
    tf.function(f.python_function)(1.0)
    assert seen == [True, False]


def test_a_model_can_be_built_by_a_batch():
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    keras_private.build_on(model, (np.ones((4, 3)), np.ones((4, 2)), None))
    assert model.count_params() == 8
    assert len(model.metrics_variables) == 4


def test_the_layers_of_keras_take_their_moments_from_where_they_are_swapped(monkeypatch):
    """Keras 3.16 moved the module; were the function copied elsewhere, a swap would change nothing and say nothing."""
    calls = []
    exact = keras_private._moments
    monkeypatch.setattr(keras_private, "_moments", lambda *given: calls.append(given) or exact(*given))
    layer = keras.layers.BatchNormalization()
    layer.build((None, 3))
    with keras_private.exact_moments():
        layer(np.ones((4, 3), "float32"), training=True)
    assert len(calls) == 1


def test_eager_seeds_come_from_a_generator_that_can_be_put_back():
    tf.random.set_seed(3)
    tf.random.get_global_generator()
    state = backend.random_numbers.taken()
    assert state["operations"] is not None
    first = tf.random.uniform((2,)).numpy(), tf.random.get_global_generator().uniform((2,)).numpy()
    backend.random_numbers.put(state)
    again = tf.random.uniform((2,)).numpy(), tf.random.get_global_generator().uniform((2,)).numpy()
    np.testing.assert_array_equal(first, again)


def test_the_leaves_of_a_model_are_its_layers_and_a_recurrent_one_is_a_leaf():
    inner = keras.Sequential([keras.layers.Dense(3), keras.layers.ReLU()])
    recurrent = keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True))
    model = keras.Sequential([keras.Input((4, 3)), recurrent, inner])
    expected = [recurrent.forward_layer, recurrent.backward_layer, *inner.layers]
    leaves = [leaf for leaf in keras_private.leaves_of(model) if not isinstance(leaf, keras.layers.InputLayer)]
    assert sorted(map(id, leaves)) == sorted(map(id, expected))


def test_the_mean_of_the_loss_counts_the_examples_of_the_epoch():
    model, seen = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), []
    assert keras_private.examples_seen(model) == 0
    model.compile("sgd", "mse")
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(keras_private.examples_seen(model))
    )
    model.fit(np.ones((7, 1)), np.ones((7, 1)), batch_size=3, epochs=2, callbacks=[watch], verbose=0)
    assert seen == [3, 6, 7] * 2


def test_another_compile_is_another_loss():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    loss, *variables = keras_private.what_loss_depends_on(model)
    assert loss is not None
    assert keras_private.what_loss_depends_on(model)[0] is loss
    model.compile("sgd", "mae")
    assert keras_private.what_loss_depends_on(model)[0] is not loss
    assert len(variables) == 2


def test_metrics_can_be_told_of_a_step_that_keras_did_not_make():
    x, y = np.ones((4, 2)), np.zeros((4, 1))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizers.SGD(), "mse", metrics=["mae"])
    model.build((None, 2))
    expected = model.evaluate(x, y, return_dict=True, verbose=0)
    model.reset_metrics()
    y_pred = model(x)
    batch = keras_private.Batch(x, keras.ops.array(y))
    logs = keras_private.update_metrics(model, np.float32(expected["loss"]), batch, y_pred)
    assert {name: float(value) for name, value in logs.items()} == expected


def test_layers_still_say_whether_xla_can_compile_them():
    can, cannot = keras.layers.Dense(1), keras.layers.Dense(1)
    cannot.supports_jit = False
    assert keras_private.can_be_compiled(keras.Sequential([keras.Input((2,)), can]))
    assert not keras_private.can_be_compiled(keras.Sequential([keras.Input((2,)), can, cannot]))


def test_the_variable_behind_unseeded_random_numbers():
    keras_private.forget_global_seed_generator()
    assert keras_private.global_seeds() == []
    keras.random.normal((2,))
    (state,) = keras_private.global_seeds()
    before = state.numpy().copy()
    keras.random.normal((2,))
    assert (state.numpy() != before).any()


def test_loss_weights_and_masks_are_still_found():
    model = keras.Sequential([keras.Input((2, 1)), keras.layers.Masking()])
    for weights in (None, [0.5]):
        model.compile(optimizers.SGD(), "mse", loss_weights=weights)
        assert keras_private.has_loss_weights(model) == (weights is not None)
    assert keras_private.mask_of(model(np.ones((4, 2, 1)))) is not None
    assert keras_private.mask_of(keras.ops.ones(3)) is None


def test_a_symbolic_tensor_knows_the_layer_that_made_it_and_what_that_was_called_on():
    inputs = keras.Input((3,))
    layer = keras.layers.Dense(3)
    once = layer(inputs)
    twice = layer(once)
    assert keras_private.source_of(twice)[0] is layer
    assert [
        t is s
        for t, s in zip(
            keras_private.source_of(twice)[1] + keras_private.source_of(once)[1], [once, inputs], strict=True
        )
    ]
    assert keras_private.source_of(inputs)[1] == []
    both = keras.Model(inputs, {"twice": twice, "once": once})
    given = both(keras.Input((3,)))
    assert keras_private.inside(given["once"])[0] is once
    assert keras_private.inside(given["twice"])[0] is twice
    assert keras_private.inside(once) == []


def test_a_model_knows_what_it_was_compiled_with_and_the_loss_of_one_output_alone():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_regularizer="l2")])
    metric = keras.metrics.MeanSquaredError()
    model.compile("sgd", "mse", metrics=[metric], jit_compile=False)
    arguments = keras_private.compile_arguments(model)
    assert arguments["metrics"] == [metric]
    assert arguments["jit_compile"] is False
    again = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    again.compile(**arguments | {"optimizer": "adam"})
    y, y_pred, weight = np.zeros((2, 1)), np.array([[1.0], [2.0]]), np.array([1.0, 3.0])
    assert float(keras_private.compiled_loss(model, y, y_pred, weight)) == pytest.approx((1 + 3 * 4) / 2)


def test_any_optimizer_knows_its_variables_and_names_slots_after_them():
    variable = keras.Variable([1.0], name="w")
    optimizer = keras.optimizers.Adam()
    assert keras_private.known_variables(optimizer) == []
    optimizer.build([variable])
    assert [v is variable for v in keras_private.known_variables(optimizer)] == [True]
    slots = [v.name for v in optimizer.variables if v.name.startswith(f"{variable.path.replace('/', '_')}_")]
    assert len(slots) == 2


def test_layers_inside_a_layer_have_flags_of_their_own_that_can_be_put_back():
    inner = keras.layers.Dense(2, trainable=False)
    outer = keras.Sequential([keras.Input((2,)), inner, keras.layers.Dense(2)])
    flags = keras_private.flags_of(outer)
    outer.trainable = False
    outer.trainable = True
    assert inner.trainable
    for part, trainable in flags:
        part.trainable = trainable
    assert [layer.trainable for layer in outer.layers] == [False, True]
    assert [v.trainable for v in outer.variables] == [False, False, True, True]


def test_fit_evaluate_and_predict_ask_a_source_for_an_adapter_and_call_that_in_this_order():
    epochs.install("test")

    class Source:
        def adapter_for(self, loop):
            self.loop = loop
            return Adapter(loop)

    class Adapter(keras_private.DataAdapter):
        num_batches = 2

        def __init__(self, loop):
            self.loop = loop

        def get_tf_dataset(self):
            calls.append("dataset")
            return tf.data.Dataset.from_tensors((np.ones((2, 1)), np.ones((2, 1)))).repeat(3)

        def on_epoch_begin(self):
            self.loop.set_length(3)
            calls.append("begin")

        def on_epoch_end(self):
            calls.append("before" if self.loop.is_before_first_epoch else "end")

    model, calls, source = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), [], Source()
    model.compile("sgd", "mse")
    count = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: calls.append("callback"),
        on_train_batch_end=lambda batch, logs: calls.append(source.loop.batches_given),
    )
    model.fit(source, epochs=2, verbose=0, callbacks=[count], class_weight={0: 1.0}, shuffle=False, batch_size=5)
    assert calls == ["dataset", "before", *2 * ["callback", "begin", 1, 2, 3, "end"]]
    said = {"batch_size": 5, "class_weight": {0: 1.0}, "shuffle": False, "steps_per_epoch": None, "y": None,
            "sample_weight": None}  # fmt: skip
    assert source.loop.trains
    assert {name: source.loop.arguments[name] for name in said} == said
    model.evaluate(source, verbose=0, steps=2)
    assert not source.loop.trains
    assert source.loop.arguments["steps_per_epoch"] == 2
    assert model.predict(source, verbose=0).shape == (6, 1)
    assert not source.loop.trains


def test_keras_sums_gradients_over_replicas_by_the_method_that_is_replaced_on_one_device():
    optimizer, calls = keras.optimizers.Adam(), []
    instead = keras_private.without_all_reduce(optimizer)
    spies = {name: lambda pairs, put=put: calls.append(pairs) or put(pairs) for name, put in instead.items()}
    with registry.replaced(optimizer, **spies):
        optimizer.apply([keras.ops.array([2.0])], [keras.Variable([1.0])])
    ((pair,),) = calls
    assert float(pair[0][0]) == 2.0


def test_a_train_function_of_ones_own_is_told_from_that_of_keras():
    class Own(keras.Sequential):
        def make_train_function(self, force=False):
            super().make_train_function(force=force)

    assert keras_private.makes_own_train_function(Own())
    assert not keras_private.makes_own_train_function(keras.Sequential())


def test_a_train_function_that_somebody_has_set_is_told_from_one_that_keras_has_made():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert not keras_private.has_own_train_function(model)
    model.make_train_function()
    assert not keras_private.has_own_train_function(model)
    theirs = model.train_function
    for mine in (lambda iterator: theirs(iterator), tf.function(theirs), functools.wraps(theirs)(lambda i: theirs(i))):
        model.train_function = mine
        assert keras_private.has_own_train_function(model)


@pytest.mark.slow
def test_a_data_set_tells_whether_it_has_a_state(tmp_path):
    rows = tf.data.Dataset.range(9)
    seeds, noise = tf.Variable(0), keras.layers.GaussianNoise(1.0)
    with_state = [
        rows.shuffle(9, seed=0).batch(3),
        tf.data.Dataset.zip(rows, rows.shuffle(9)).take(1),
        rows.map(lambda x: x + tf.random.uniform((), 0, 9, "int64")),
        rows.map(lambda x: tf.cond(x > 3, lambda: tf.random.uniform((), 0, 9, "int64"), lambda: x)),
        rows.map(lambda x: tf.py_function(lambda a: a, [x], "int64")),
        rows.map(lambda x: seeds.assign_add(1)),
        rows.map(lambda x: noise(tf.ones((2,)), training=True)),
        rows.interleave(lambda i: rows.shuffle(9)),
        rows.interleave(lambda i: rows.map(lambda x: x + tf.random.uniform((), 0, 9, "int64", seed=1))),
        tf.data.Dataset.from_generator(lambda: iter([1]), output_signature=tf.TensorSpec((), "int32")),
        tf.data.Dataset.sample_from_datasets([rows, rows]),
        rows.cache(str(tmp_path / "cache")),
        rows.snapshot(str(tmp_path / "snapshot")),
        tf.data.experimental.from_variant(tf.data.experimental.to_variant(rows), rows.element_spec),
    ]
    for dataset in with_state:
        assert backend.has_state(dataset), dataset
    without = [
        rows.batch(3).cache().prefetch(2),
        rows.map(lambda x: x + tf.cast(seeds, "int64")),
        rows.map(lambda x: tf.cond(x > 3, lambda: x + 1, lambda: x)),
        rows.interleave(lambda i: tf.data.TFRecordDataset(["a"])),
        tf.data.TextLineDataset(["a"]).map(lambda line: tf.io.decode_image(tf.io.read_file(line))),
        rows.window(3).flat_map(lambda x: x.batch(3)),
    ]
    for dataset in without:
        assert not backend.has_state(dataset), dataset


def test_what_a_data_set_caches_is_read_in_its_place():
    rows = tf.data.Dataset.range(9).batch(3)
    assert backend.before_cache(rows) is rows
    assert backend.before_cache(rows.cache().with_options(tf.data.Options()).prefetch(2)) is rows
    assert backend.before_cache(rows.cache().map(lambda x: x)) is None


def test_of_optimizers_the_one_that_scales_the_loss_is_outside():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    model.compile(scaled, "mse")
    assert keras_private.outer_optimizers_of(model) == {"optimizer": scaled}
    scaled.build(model.trainable_variables)
    assert {id(v) for v in scaled.inner_optimizer.variables} < {id(v) for v in scaled.variables}


def test_arrays_are_split_as_fit_does():
    x = np.arange(10)
    (first, no_y), (last, _) = keras_private.validation_split((x, None), 0.25)
    assert np.array(first).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert np.array(last).tolist() == [7, 8, 9]
    assert no_y is None


def test_the_generator_of_unseeded_draws_can_be_made_before_them():
    keras.utils.set_random_seed(0)
    assert keras_private.global_seeds() == []
    keras_private.make_global_seed_generator()
    assert len(keras_private.global_seeds()) == 1


def test_keras_leads_through_an_epoch_by_the_methods_that_the_hook_overrides():
    """It begins the data anew twice an epoch where their length is known: `Resume` counts that."""
    dataset = tf.data.Dataset.range(6).batch(2)
    iterator = epochs._trainer.TFEpochIterator(
        distribute_strategy=tf.distribute.get_strategy(), x=dataset, shuffle=False
    )
    begun = []
    get_iterator = iterator._get_iterator
    iterator._get_iterator = lambda: begun.append(iterator._steps_seen) or get_iterator()
    iterator.reset()
    for _ in range(2):
        assert [(begin, end) for begin, end, _ in iterator] == [(0, 0), (1, 1), (2, 2)]
    assert len(begun) == 4
    assert iterator.num_batches == iterator._num_batches == 3


def test_a_model_is_built_on_the_first_batch_and_logs_are_reduced_by_what_is_replaced_for_several_workers():
    trainer = keras.src.backend.tensorflow.trainer
    built = inspect.signature(keras_private.trainer_with("_maybe_symbolic_build")._maybe_symbolic_build)
    assert list(built.parameters) == ["self", "iterator", "data_batch"]
    assert list(inspect.signature(trainer.reduce_per_replica).parameters) == ["values", "strategy", "reduction"]
    source = inspect.getsource(trainer)
    assert "._maybe_symbolic_build(iterator=epoch_iterator)" in source
    assert source.count("reduce_per_replica(") > 2


def test_fit_keeps_the_iterator_of_its_validations_and_each_begins_the_data_anew():
    epochs.install("a test")
    passes = []
    see = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: passes.append(keras_private.validation_passes(model)))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensors((np.ones((2, 1)), np.ones(2)))
    model.fit(
        data, validation_data=data.repeat(), validation_steps=1, epochs=3, callbacks=[see], shuffle=False, verbose=0
    )
    each = passes[0]
    assert passes == [each, 2 * each, 3 * each]
    assert each > 0
    assert keras_private.validation_passes(model) == 0


@pytest.mark.parametrize("kind", [keras.optimizers.SGD, optimizers.SGD])
def test_an_optimizer_counts_the_batches_of_an_update_that_is_still_to_come(kind):
    optimizer, weight = kind(gradient_accumulation_steps=3), keras.Variable([1.0])
    counted = []
    for _ in range(4):
        optimizer.apply([keras.ops.ones(1)], [weight])
        counted.append(keras_private.batches_of_next_update(optimizer))
    assert counted == [1, 2, 0, 1]
    assert keras_private.batches_of_next_update(keras.optimizers.SGD()) == 0


def drawing(**arguments):
    return tf.data.Dataset.range(4).map(lambda x: tf.random.uniform([]), **arguments)


def called():
    @tf.function
    def inner(x):
        tf.debugging.assert_non_negative(x)
        return tf.cond(x > 1, lambda: tf.random.uniform([]), lambda: 0.0)

    return tf.data.Dataset.range(4).map(inner)


def counting():
    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, 0)
    return tf.data.Dataset.range(4).map(lambda x: (table.insert(x, x), x)[1])


@pytest.mark.slow
def test_what_a_data_set_draws_from_is_seen_in_its_graphs():
    keras.utils.set_random_seed(0)
    assert backend.has_seed()
    numbers, layer = tf.data.Dataset.range(4), keras.layers.GaussianNoise(1.0)
    with_layer = numbers.map(lambda x: layer(tf.ones([2]), training=True))
    same = (
        numbers.shuffle(4),
        drawing(),
        called(),
        with_layer,
        numbers.flat_map(tf.data.Dataset.range),
        numbers.map(abs),
    )
    assert [backend.why_not_the_same(each) for each in same] == [""] * len(same)
    parallel = drawing(num_parallel_calls=2)
    assert "several calls at once" in backend.why_not_the_same(parallel)
    assert "caches" in backend.why_not_the_same(numbers.shuffle(4).cache())
    assert "a state of its own (LookupTableInsertV2)" in backend.why_not_the_same(counting())
    assert backend.why_not_the_same(numbers.map(abs, num_parallel_calls=2).cache()) == ""
    assert [variable.shape for variable in backend.written_variables(with_layer.prefetch(1))] == [(2,)]
    assert backend.written_variables(called()) == []
    in_python = numbers.map(lambda x: tf.numpy_function(lambda a: a, [x], tf.int64))
    assert backend.calls_python(in_python)
    assert backend.calls_python(tf.data.Dataset.from_generator(lambda: iter([1]), output_signature=tf.TensorSpec([])))
    assert not backend.calls_python(numbers)
    tf.random.set_seed(None)
    assert not backend.has_seed()
    assert "without a `seed`" in backend.why_not_the_same(numbers.shuffle(4))
    assert "random numbers without a seed" in backend.why_not_the_same(drawing())
