"""Healthy trainings that look suspicious at first sight: group 13, by fresh eyes.

Nobody who knew the rules wrote these runs; they were committed before they were judged. Each docstring says what is
unusual, and how well it learns, measured at seed 0 without `Diagnosis`.
"""

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets

from .data import disks, documents, friedman, relabeled_digits, scikit_table, texts, waves
from .faults_of_set_up import columns_apart, inputs_of, mixtures, rare
from .healthy_practice import cosine
from .runs import LOGITS, encoder_block, healthy, net, ready, split, standardized

CROSS_ENTROPY = "sparse_categorical_crossentropy"


@healthy(group=13)
def head_on_a_frozen_base(rng):
    """Most weights do not train; accuracy on new examples: 0.98."""
    (x, y), (x_probe, y_probe) = relabeled_digits(rng)
    low, low_probe = y < 5, y_probe < 5
    base = net((64,), layers.Dense(192, "relu"), layers.Dense(128, "relu"))
    teacher = keras.Sequential([base, layers.Dense(5)])
    teacher.compile("adam", LOGITS)
    teacher.fit(x[low], y[low], epochs=12, verbose=0)
    base.trainable = False
    model = keras.Sequential([base, layers.Dense(5)])
    train, probe = (x[~low], y[~low] - 5), (x_probe[~low_probe], y_probe[~low_probe] - 5)
    return ready(model, LOGITS, keras.optimizers.Adam(cosine(0.02, 500)), train, probe, 32, steps=500, validate=True)


@healthy(group=13)
def wines_stopped_in_time(rng):
    """118 examples, for as many epochs as they bear; accuracy on new examples: 0.98, loss 0.03."""
    train, probe = scikit_table(datasets.load_wine, rng, 60)
    hidden = layers.Dense(32, "relu"), layers.Dropout(0.3)
    model = net((13,), *hidden, layers.Dense(3, "softmax"))
    return ready(model, CROSS_ENTROPY, keras.optimizers.Adam(0.003), train, probe, 8, steps=300, validate=True)


@healthy(group=13)
def encoder_with_a_long_warm_up(rng):
    """The loss hardly falls in the first quarter; accuracy on new examples: 0.93."""
    train, probe = split(*texts(rng, 10496), rng, 256)
    inputs = keras.Input((20,))
    h = encoder_block(layers.Embedding(400, 16)(inputs))
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(h)))
    optimizer = keras.optimizers.AdamW(cosine(0.004, 480, warmup=120), weight_decay=0.05)
    return ready(model, LOGITS, optimizer, train, probe, 32, steps=480, validate=True)


@healthy(group=13)
def one_in_ten_but_learned(rng):
    """Nine in ten examples are of one class; mean of the accuracies of both, new examples: 0.98."""
    x, y = rare(rng, 4352, 0.1, apart=4.5)
    train, probe = split(x, y[:, None].astype(float), rng, 256)
    model = net((8,), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid"))
    optimizer = keras.optimizers.Adam(cosine(0.01, 512))
    return ready(model, "binary_crossentropy", optimizer, train, probe, 32, steps=512, metrics=["accuracy"])


@healthy(group=13)
def normalized_residual_images(rng):
    """Loss on new examples, with the moving statistics: 0.021; accuracy: 0.99."""
    x, y = datasets.load_digits(return_X_y=True)
    train, probe = split(x.reshape(-1, 8, 8, 1) / 16, y, rng, 256)
    inputs = keras.Input((8, 8, 1))
    h = layers.Conv2D(12, 3, padding="same", use_bias=False)(inputs)
    for _ in range(2):
        new = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(h))
        h = h + layers.Conv2D(12, 3, padding="same", use_bias=False)(new)
    h = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(h))
    h = layers.Flatten()(layers.MaxPooling2D()(h))
    model = keras.Model(inputs, layers.Dense(10)(layers.Dropout(0.3)(h)))
    optimizer = keras.optimizers.SGD(cosine(0.05, 480), momentum=0.9, nesterov=True)
    return ready(model, LOGITS, optimizer, train, probe, 32, steps=480)


@healthy(group=13)
def huber_among_outliers(rng):
    """One target in twenty is far off, in new examples too; loss on them: 0.13, and 0.09 in training."""
    x, y = friedman(rng, 3328, 0.5)
    y = np.where(rng.random(y.shape) < 0.05, y + rng.normal(0, 5, y.shape), y)
    train, probe = split(x, y, rng, 256)
    model = net((10,), layers.Dense(48, "relu"), layers.Dense(24, "relu"), layers.Dense(1))
    optimizer = keras.optimizers.Adam(cosine(0.008, 768))
    return ready(model, keras.losses.Huber(0.5), optimizer, train, probe, 32, steps=768)


@healthy(group=13)
def disks_cleaned_by_convolutions(rng):
    """The output is as large as the input; accuracy of the pixels of new images: 0.99."""
    x, mask = disks(rng, 2304)
    train, probe = split(x, mask, rng, 256)
    inputs = keras.Input((8, 8, 1))
    h = layers.Conv2D(12, 3, 2, "same", activation="relu")(inputs)
    h = layers.Conv2D(24, 3, padding="same", activation="relu")(h)
    h = layers.Conv2DTranspose(12, 3, 2, "same", activation="relu")(h)
    model = keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(h))
    optimizer = keras.optimizers.Adam(cosine(0.008, 640))
    return ready(model, "binary_crossentropy", optimizer, train, probe, 32, steps=640)


@healthy(group=13)
def class_and_size_at_once(rng):
    """Two outputs, two losses; on new examples: 0.13, and 0.05, which is near the noise of the size."""
    x, y = mixtures(rng, 6656, 3, 10)
    size = standardized(np.sqrt((x**2).sum(axis=1)) + rng.normal(0, 0.2, 6656))
    parts = split(np.hstack([x, size[:, None]]), y, rng, 256)
    train, probe = ((x[:, :10], {"kind": y, "size": x[:, 10:]}) for x, y in parts)
    inputs = keras.Input((10,))
    h = layers.Dense(48, "relu")(inputs)
    h = layers.Dense(48, "relu")(h)
    outputs = {"kind": layers.Dense(3, name="kind")(h), "size": layers.Dense(1, name="size")(h)}
    optimizer = keras.optimizers.Adam(cosine(0.006, 640))
    return ready(keras.Model(inputs, outputs), {"kind": LOGITS, "size": "mse"}, optimizer, train, probe, 32, steps=640)


@healthy(group=13)
def masked_sentences_of_unequal_length(rng):
    """Up to half of each sentence is padding, which is masked; accuracy on new examples: 0.90."""
    words, y = texts(rng, 10496, length=24)
    x = (words + 1) * (np.arange(24) < rng.integers(10, 25, (10496, 1)))
    train, probe = split(x, y, rng, 256)
    model = net((24,), layers.Embedding(401, 12, mask_zero=True), layers.GRU(16), layers.Dense(3, "softmax"))
    optimizer = keras.optimizers.Adam(cosine(0.006, 400))
    return ready(model, CROSS_ENTROPY, optimizer, train, probe, 32, steps=400, validate=True)


@healthy(group=13)
def words_beside_numbers(rng):
    """Two inputs of different kinds; accuracy on new examples: 0.97."""
    x, y = documents(rng, 10496, clear=0.4)[0]
    extra = np.eye(4)[y] + rng.normal(0, 1.2, (len(y), 4))
    train, probe = columns_apart(split(np.hstack([x, extra]), y, rng, 256), words=slice(0, 20), numbers=slice(20, 24))
    inputs = inputs_of(train)
    h = layers.GlobalAveragePooling1D()(layers.Embedding(300, 12)(inputs["words"]))
    h = layers.Concatenate()([h, layers.Dense(8, "relu")(inputs["numbers"])])
    model = keras.Model(inputs, layers.Dense(4)(layers.Dense(24, "relu")(h)))
    return ready(model, LOGITS, keras.optimizers.Adam(cosine(0.005, 600)), train, probe, 32, steps=600)


@healthy(group=13)
def smoothed_labels_with_weight_decay(rng):
    """The loss cannot fall below 0.35; it is 0.46 on new examples, with an accuracy of 0.95."""
    x, y = mixtures(rng, 3328, 4, 16)
    train, probe = split(x, np.eye(4)[y], rng, 256)
    model = net((16,), layers.Dense(48, "gelu"), layers.Dense(48, "gelu"), layers.Dense(4))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    optimizer = keras.optimizers.AdamW(cosine(0.005, 600), weight_decay=0.1)
    return ready(model, loss, optimizer, train, probe, 32, steps=600, metrics=["accuracy"])


@healthy(group=13)
def large_batches_of_noisy_targets(rng):
    """Variance of the noise: 2.25; loss on new examples: 2.35, and 2.30 in training."""
    x = rng.normal(size=(12544, 16))
    y = np.tanh(x[:, :4] @ rng.normal(0, 0.6, 4)) + 0.3 * np.sin(2 * x[:, 4]) + rng.normal(0, 1.5, 12544)
    train, probe = split(x, y[:, None], rng, 256)
    model = net((16,), layers.Dense(24, "tanh"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(cosine(0.02, 240)), train, probe, 512, steps=240)


@healthy(group=13)
def waves_under_noise_and_dropout(rng):
    """The training loss is above that of new examples: 0.045, and 0.025; accuracy: 1.00."""
    train, probe = waves(rng, 3328)
    model = net((32, 1), layers.GaussianNoise(0.2))
    for width in (16, 32):
        model.add(layers.Conv1D(width, 5, padding="same", activation="relu"))
        model.add(layers.MaxPooling1D())
        model.add(layers.SpatialDropout1D(0.1))
    model.add(layers.Flatten())
    model.add(layers.Dense(3, kernel_regularizer=keras.regularizers.L2(1e-3)))
    return ready(model, LOGITS, keras.optimizers.Adam(cosine(0.01, 600)), train, probe, 32, steps=600, validate=True)


@healthy(group=13)
def counts_in_the_hundreds_by_poisson(rng):
    """The loss is about -700; mean squared error over variance, new examples: 0.05."""
    x = rng.normal(size=(3328, 5))
    y = rng.poisson(np.exp(0.5 * np.sin(2 * x[:, 0]) + 0.4 * x[:, 1] + 0.3 * x[:, 2] * (x[:, 3] > 0) + 5.0))
    train, probe = split(x, y[:, None].astype(float), rng, 256)
    last = layers.Dense(1, bias_initializer=keras.initializers.Constant(5.1), kernel_initializer="zeros")
    model = net((5,), layers.Dense(48, "silu"), layers.Dense(24, "silu"), last, layers.Activation(ops.exp))
    optimizer = keras.optimizers.Adam(cosine(0.005, 640))
    return ready(model, "poisson", optimizer, train, probe, 32, steps=640)
