"""Each check before the first step: facts that it flags, and a neighbour that it does not."""

import collections
import dataclasses
import json
import pathlib
import re

import numpy as np
import pytest

from keras_ch8.extend import Claim
from keras_ch8.verdicts._check import CHOSEN, CHOSEN_TO_ACT, FOUND, FOUND_ONCE, Check, said
from keras_ch8.verdicts.arrays import ALL_STEPS, targets_of
from keras_ch8.verdicts.checks import AFTERWARDS, CHECKS, claims_of
from keras_ch8.verdicts.code import FIND_RATE
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.facts import NAN, Bar, End, Facts, Inputs, Layer, Output, OwnLoss, Start, Targets
from keras_ch8.verdicts.kinds import KINDS, OF_THE_START
from keras_ch8.verdicts.verdict import LEVELS
from tests.verdicts.test_rules import resolve

X = Inputs("x", "numbers", 100, -3.0, 3.0, 0.0, 1.0, 1.0, features=4, spread=2.0)
NUMBERS = Targets("numbers", 100, 1, -2.0, 2.0, deviation=1.0)
BINARY = Targets("0 and 1", 100, 1, 0.0, 1.0, 2, commonest=0.6)
FOUR = Targets("classes", 100, 1, 0.0, 3.0, 4, commonest=0.3)
ONE_HOT = Targets("one-hot", 100, 4, 0.0, 1.0, 4, commonest=0.3, at_once=0.0)
SQUARED = Output("last", "linear", 1, "mean_squared_error", from_logits=False)
SIGMOID = Output("last", "sigmoid", 1, "binary_crossentropy", from_logits=False, hides_logits=True)
SOFTMAX = Output("last", "softmax", 4, "sparse_categorical_crossentropy", from_logits=False, hides_logits=True)
OF_ROWS = dataclasses.replace(SOFTMAX, loss="categorical_crossentropy")
DENSE = Layer("dense", "relu", 8, True, True, False, 1.0, 3.0, 0.7, 0.5, True, 0.3, 0.1)
LAST = Layer("last", "linear", 1, True, True, True, 0.7, 3.0, 0.7, 0.5, True, 0.3)
TANH = Layer("tanh", "tanh", 8, True, True, False, 1.0, 3.0, 0.7, 0.5, True, 0.3)
START = Start(0.7, (DENSE, dataclasses.replace(DENSE, name="hidden"), LAST), 0.5)
BROKEN = Start(NAN, (dataclasses.replace(DENSE, is_finite=False), LAST), NAN)
UNDEFINED = Start(NAN, (dataclasses.replace(DENSE, is_finite=False, input_rms=NAN), LAST), NAN)


def change(value, **fields):
    return dataclasses.replace(value, **fields)


def facts(targets=NUMBERS, output=SQUARED, start=START, inputs=X, **others):
    return Facts((inputs,), targets, output, start, **others)


def first(**fields):
    """Facts whose first layer is another."""
    return facts(start=change(START, layers=(change(DENSE, **fields), *START.layers[1:])))


def deep(*gradients):
    """Facts of layers with these gradients."""
    return facts(start=change(START, layers=tuple(change(DENSE, gradient=g) for g in gradients)))


def through_time(**fields):
    """Facts of a recurrent layer with a gradient far above those of the layers after it."""
    layer = change(DENSE, **{"name": "rnn", "is_recurrent": True, "gradient": 400.0} | fields)
    return facts(start=change(START, layers=(layer, LAST)))


def validated(inputs=X, targets=NUMBERS, of=NUMBERS, **others):
    return facts(of, other="the validation data", other_inputs=(inputs,), other_targets=targets, **others)


PIXELS = change(X, low=0.0, high=255.0)
LARGE = change(START, layers=(change(DENSE, input_largest=255.0, input_rms=80.0), *START.layers[1:]))
ONE_CLASS = Targets("one class", 32, 1, 0.0, 0.0, 1)
MASKS = Targets("numbers", 100, 4, 0.0, 1.0, deviation=0.5, values=2)
SIZES = Targets("numbers", 100, 4, 0.0, 16.0, deviation=5.0, values=17)
OF_MASKS = Output("last", "sigmoid", 4, "binary_crossentropy", from_logits=False, hides_logits=True)


def tiny(size):
    """Facts of inputs of this size, of which the first layer is given the root mean square of a half."""
    of_first = change(DENSE, input_rms=size / 2, input_largest=size)
    return facts(start=change(START, layers=(of_first, *START.layers[1:])))


def grown(by, **more):
    """Facts of a large loss, where each hidden layer gives so many times what it is given."""
    layers = change(DENSE, signal=by), change(DENSE, name="hidden", input_rms=by, signal=by**2)
    return facts(start=Start(50.0, (*layers, LAST), 0.5), chance=1.4, **more)


def falling(until):
    """Rates that fall to 0 within this part of the training."""
    return tuple(0.01 * max(0.0, 1 - place / until) for place in np.linspace(0, 1, 33))


RISING = tuple(1e-5 * place for place in range(33))
CASES = {
    "nonfinite inputs": (facts(inputs=change(X, nonfinite=3)), facts()),
    "fractions for an embedding": (first(fractions=0.5), first(fractions=0.0)),
    "pixels": (facts(inputs=PIXELS, start=LARGE), facts(inputs=PIXELS)),
    "large inputs": (facts(start=LARGE), first(input_largest=255.0, input_rms=0.5)),
    "a number for what is missing": (facts(inputs=change(X, stand_in=-999.0, stand_ins=0.1)), facts()),
    "small inputs": (tiny(0.004), tiny(0.4)),
    "constant inputs": (
        facts(inputs=change(X, low=3.0, high=3.0, deviation=0.0, constant=4)),
        facts(inputs=change(X, constant=4)),
    ),
    "channels that were first": (
        facts(FOUR, SOFTMAX, roughened=2.2, layout=(32, 32, 3)),
        facts(FOUR, SOFTMAX, roughened=0.7, layout=(32, 32, 3)),
    ),
    "inputs far from 0": (
        facts(inputs=change(X, rms=1.1, offset=40.0)),
        facts(inputs=change(X, rms=40.0, offset=40.0)),  # the first layer is given others, which a layer has centred
    ),
    "another scale": (validated(change(X, deviation=255.0)), validated(change(X, deviation=3.0))),
    "nonfinite targets": (facts(Targets(nonfinite=1)), facts(Targets())),
    "a number for a target that is missing": (
        facts(change(NUMBERS, values=90, stand_in=-999.0, stand_ins=0.05)),
        facts(change(NUMBERS, values=90)),
    ),
    "labels from 1": (facts(change(FOUR, low=1.0, high=4.0), SOFTMAX), facts(FOUR, SOFTMAX)),
    "negative labels": (facts(change(BINARY, of="-1 and 1", low=-1.0), SIGMOID), facts(BINARY, SIGMOID)),
    "labels with gaps": (
        facts(change(FOUR, low=10.0, high=40.0), SOFTMAX),
        facts(change(FOUR, high=9.0, classes=10), SOFTMAX),
    ),
    "rows without a class": (
        facts(change(ONE_HOT, of="several labels", empty=0.3), OF_ROWS),
        facts(change(ONE_HOT, of="several labels", empty=0.3, at_once=0.3), OF_ROWS),
    ),
    "two numbers for two classes": (
        facts(change(MASKS, high=255.0), OF_MASKS),
        facts(change(MASKS, high=255.0, values=3), OF_MASKS),
    ),
    "sizes in a cross-entropy": (facts(SIZES, OF_MASKS), facts(change(SIZES, low=-1.0), OF_MASKS)),
    "two labels beyond 1": (facts(Targets("classes", 100, 1, 1.0, 2.0, 2), SIGMOID), facts(BINARY, SIGMOID)),
    "validation labels": (
        validated(targets=ONE_HOT, of=FOUR),
        validated(targets=change(FOUR, high=2.0, classes=3), of=FOUR),
    ),
    "labels of others": (
        facts(FOUR, SOFTMAX, chance=1.4, neighbours=0.3, neighbours_of_read=2.5),
        facts(FOUR, SOFTMAX, chance=1.4, neighbours=1.3, neighbours_of_read=2.5),
    ),
    "mirrored images": (facts(MASKS, OF_MASKS, mirrored=0.4), facts(MASKS, OF_MASKS, mirrored=0.1)),
    "moved images": (
        facts(MASKS, change(OF_MASKS, axes=4), has=frozenset({Fact.MOVES_IMAGES})),
        facts(FOUR, change(SOFTMAX, axes=2), has=frozenset({Fact.MOVES_IMAGES})),
    ),
    "equal targets": (facts(Targets("one class", 100, 1, 1.0, 1.0, 1)), facts(Targets("one class", 9, 1, 1.0, 1.0, 1))),
    "more classes than outputs": (facts(FOUR, change(SOFTMAX, units=3)), facts(FOUR, SOFTMAX)),
    "softmax of one unit": (facts(BINARY, change(SIGMOID, activation="softmax")), facts(BINARY, SIGMOID)),
    "one unit for classes": (facts(BINARY, change(OF_ROWS, units=1, activation="sigmoid")), facts(ONE_HOT, OF_ROWS)),
    "numbers in a cross-entropy": (facts(NUMBERS, SIGMOID), facts(change(NUMBERS, low=0.0, high=1.0), SIGMOID)),
    "negative targets of a logarithm": (
        facts(NUMBERS, change(SQUARED, loss="mean_squared_logarithmic_error")),
        facts(change(NUMBERS, low=0.0), change(SQUARED, loss="mean_squared_logarithmic_error")),
    ),
    "one column for many units": (facts(FOUR, change(SQUARED, units=4)), facts(ONE_HOT, change(SQUARED, units=4))),
    "rows for one number": (facts(ONE_HOT, change(SOFTMAX)), facts(ONE_HOT, OF_ROWS)),
    "one unit for many columns": (
        facts(change(NUMBERS, width=3)),
        facts(change(NUMBERS, width=3), change(SQUARED, units=3)),
    ),
    "classes of several labels": (
        facts(change(ONE_HOT, of="several labels", at_once=0.3), change(OF_ROWS, activation="sigmoid")),
        facts(change(ONE_HOT, of="several labels", at_once=0.3), OF_MASKS),
    ),
    "absolute errors of classes": (
        facts(ONE_HOT, change(OF_ROWS, loss="mean_absolute_error")),
        facts(ONE_HOT, change(OF_ROWS, loss="mean_squared_error")),
    ),
    "noise at the end": (
        facts(output=change(SQUARED, ends_with="Dropout", noise="Dropout", noise_at=1)),
        facts(output=change(SQUARED, ends_with="Dense")),
    ),
    "one side of two": (
        facts(BINARY, change(SIGMOID, loss="hinge")),
        facts(BINARY, change(SIGMOID, loss="hinge", activation="tanh")),
    ),
    "negative rates": (
        facts(FOUR, change(SQUARED, loss="poisson", low=-0.5, high=0.7)),
        facts(FOUR, change(SQUARED, loss="poisson", low=0.5, high=0.7)),
    ),
    "several labels at once": (
        facts(change(ONE_HOT, of="several labels", at_once=0.3), OF_ROWS),
        facts(change(ONE_HOT, of="several labels", at_once=0.0), OF_ROWS),
    ),
    "no probabilities": (
        facts(FOUR, change(SOFTMAX, activation="relu", hides_logits=False)),
        facts(FOUR, change(SOFTMAX, activation="linear", hides_logits=False, from_logits=True)),
    ),
    "targets out of reach": (
        facts(NUMBERS, change(SQUARED, activation="sigmoid")),
        facts(change(NUMBERS, low=0.0, high=1.01), change(SQUARED, activation="sigmoid")),
    ),
    "numbers from a softmax": (
        facts(change(SIZES, high=0.9), change(SQUARED, activation="softmax", units=4)),
        facts(change(SIZES, of="probabilities", high=0.9), change(SQUARED, activation="softmax", units=4)),
    ),
    "softmax over the examples": (
        facts(FOUR, change(SOFTMAX, low=0.0, off=0.7, off_by_example=1e-6)),
        facts(FOUR, change(SOFTMAX, low=0.0, off=1e-6, off_by_example=1e-6)),  # as many examples as classes, at random
    ),
    "sums that are not 1": (
        facts(FOUR, change(SOFTMAX, activation="", low=0.1, high=0.9, off=0.8)),
        facts(FOUR, change(SOFTMAX, activation="", low=0.1, high=0.9, off=1e-6)),
    ),
    "softmax twice": (facts(FOUR, change(SOFTMAX, before="softmax")), facts(FOUR, SOFTMAX)),
    "no number below 0 before the end": (
        facts(FOUR, change(SOFTMAX, before="relu")),
        facts(FOUR, change(SOFTMAX, before="tanh")),
    ),
    "one target for many places": (
        facts(change(NUMBERS, places=1), change(SQUARED, places=20)),
        facts(change(NUMBERS, places=20), change(SQUARED, places=20)),
    ),
    "probabilities as logits": (
        facts(FOUR, change(SOFTMAX, from_logits=True, hides_logits=False)),
        facts(FOUR, change(SOFTMAX, from_logits=True)),
    ),
    "each prediction with all targets": (
        facts(NUMBERS, change(SQUARED, loss="", axes=2), own_loss=OwnLoss(compares_all=True)),
        facts(NUMBERS, change(SQUARED, loss="", axes=2), own_loss=OwnLoss()),
    ),
    "directions of single numbers": (
        facts(output=change(SQUARED, loss="cosine_similarity")),
        facts(SIZES, change(SQUARED, loss="cosine_similarity", units=4)),
    ),
    "directions of vectors of any length": (
        facts(change(SIZES, lengths=0.3), change(SQUARED, loss="cosine_similarity", units=4)),
        facts(change(SIZES, lengths=0.05), change(SQUARED, loss="cosine_similarity", units=4)),
    ),
    "divergence of numbers": (
        facts(NUMBERS, change(SQUARED, loss="kl_divergence")),
        facts(change(SIZES, of="probabilities", high=1.0), change(SOFTMAX, loss="kl_divergence")),
    ),
    "sides of numbers": (
        facts(change(NUMBERS, values=90), change(SQUARED, loss="hinge")),
        facts(BINARY, change(SQUARED, loss="hinge")),
    ),
    "logits with a limit": (
        facts(FOUR, change(SOFTMAX, activation="relu", from_logits=True, hides_logits=False)),
        facts(FOUR, change(SOFTMAX, activation="linear", from_logits=True, hides_logits=False)),
    ),
    "a loss of certain predictions": (
        facts(own_loss=OwnLoss(0.55, 0.9, 0.72, of_certainty=0.5)),
        facts(own_loss=OwnLoss(0.2, 2.0, 0.72, of_certainty=0.4)),
    ),
    "normalized at the end": (
        facts(output=change(SQUARED, ends_with="LayerNormalization", end=End.ONE_SIZE)),
        facts(ONE_HOT, change(OF_ROWS, ends_with="LayerNormalization", end=End.ONE_SIZE)),
    ),
    "labels that are smoothed away": (
        facts(ONE_HOT, change(OF_ROWS, label_smoothing=0.9)),
        facts(ONE_HOT, change(OF_ROWS, label_smoothing=0.2)),
    ),
    "labels that are not read": (
        facts(BINARY, own_loss=OwnLoss(unread=0.0, written="-1 and 1")),
        facts(BINARY, own_loss=OwnLoss(0.1, 2.0, 0.7)),
    ),
    "errors over small targets": (
        facts(change(NUMBERS, smallest=0.06, negative=0.5), change(SQUARED, loss="mean_absolute_percentage_error")),
        facts(change(NUMBERS, smallest=0.2, negative=0.0), change(SQUARED, loss="mean_absolute_percentage_error")),
    ),
    "a loss that is linear": (
        facts(ONE_HOT, OF_ROWS, own_loss=OwnLoss(0.2, 14.0, 14.5, is_linear=True)),
        facts(ONE_HOT, OF_ROWS, own_loss=OwnLoss(0.2, 14.0, 14.5)),
    ),
    "a loss that rewards errors": (
        facts(own_loss=OwnLoss(-0.1, -2.0, -0.7)),
        facts(own_loss=OwnLoss(0.1, 2.0, 0.7)),
    ),
    "a loss that breaks at certain predictions": (
        facts(BINARY, SIGMOID, own_loss=OwnLoss(0.1, 2.0, 0.7, breaks="loss", breaks_at="0 or 1")),
        facts(BINARY, SIGMOID, own_loss=OwnLoss(0.1, 2.0, 0.7, of_certainty=1e-6)),
    ),
    "trainable changed after compile": (facts(has_changed_trainable=True), facts()),
    "nothing is trained": (facts(is_trained=False), facts()),
    "weights that the model does not know": (
        facts(start=change(START, untracked=0.9)),
        facts(start=change(START, untracked=0.01)),
    ),
    "frozen as initialized, act": (facts(frozen=0.6), facts(frozen=0.4)),
    "frozen as initialized, watch": (facts(frozen=0.4), facts(frozen=0.01)),
    "frozen, and yet it moves": (
        facts(start=change(START, still_moving=(("base", "its batch normalization"),))),
        facts(start=change(START, still_moving=(("base", "its batch normalization"),)), has={Fact.OWN_TRAINING_STEP}),
    ),
    "training=False that fit overrides": (
        facts(start=change(START, overridden=("base",))),
        facts(start=change(START, overridden=("base",)), has={Fact.OWN_TRAINING_STEP}),
    ),
    "left out by the optimizer": (facts(left_out=0.6), facts(left_out=0.01)),
    "weights decay": (facts(has=frozenset({Fact.STRONG_DECAY})), facts()),
    "units drop": (facts(has=frozenset({Fact.STRONG_DROPOUT})), facts()),
    "a schedule that soon ends": (facts(rates=falling(0.1)), facts(rates=falling(0.4))),
    "the mode of ReduceLROnPlateau": (facts(against=(("ReduceLROnPlateau", "val_accuracy", "min"),)), facts()),
    "the mode of EarlyStopping": (facts(against=(("EarlyStopping", "val_loss", "max"),)), facts()),
    "the min_delta of ReduceLROnPlateau": (
        facts(start=change(START, loss=0.5), least_gains=(("ReduceLROnPlateau", "val_loss", 1.0),)),
        facts(start=change(START, loss=2.0), least_gains=(("ReduceLROnPlateau", "val_loss", 1.0),)),
    ),
    "the min_delta of EarlyStopping": (
        facts(start=change(START, loss=0.5), least_gains=(("EarlyStopping", "loss", 0.6),)),
        facts(start=change(START, loss=0.5), least_gains=(("EarlyStopping", "loss", 0.1),)),
    ),
    "a warm-up far beyond the end": (
        facts(rates=RISING, later_rate=20 * RISING[-1]),
        facts(rates=RISING, later_rate=2 * RISING[-1]),
    ),
    "a warm-up beyond the end": (
        facts(rates=RISING, later_rate=2 * RISING[-1]),
        facts(rates=(*RISING, RISING[-2]), later_rate=2 * RISING[-1]),
    ),
    "steps that lead nowhere": (facts(reach=1e-5), facts(reach=0.01)),
    "equal units": (first(copies=7), first(copies=6)),
    "layer is not finite": (facts(start=UNDEFINED), facts(start=BROKEN)),
    "loss is not finite": (facts(start=BROKEN), facts(Targets(nonfinite=1), start=BROKEN)),
    "dead layer": (first(dead=1.0, gradient=0.0), first(dead=1.0)),
    "dead output": (first(dead=1.0, gradient=0.0, is_output=True), first(dead=1.0, gradient=0.0)),
    "no gradient": (facts(start=change(START, gradient=0.0)), facts(start=change(START, gradient=0.0, loss=0.0))),
    "gradient through time": (through_time(), through_time(is_recurrent=False)),
    "faded gradient": (deep(1e-8, 1e-7, 1e-6, 1e-3, 1e-1), deep(1e-8, 1e-8, 1e-1, 1e-1, 1e-1)),
    "faded examples": (
        facts(start=change(START, layers=(DENSE, change(DENSE, variation=1e-4), LAST))),
        facts(start=change(START, layers=(change(DENSE, variation=1e-4), LAST))),
    ),
    "saturated start": (
        facts(start=change(START, layers=(TANH, change(TANH, signal=0.95), LAST))),
        facts(start=change(START, layers=(change(TANH, signal=0.95), TANH, LAST))),  # the inputs of the first are large
    ),
    "softmax inside": (
        facts(FOUR, change(SOFTMAX, shares_inside=("hidden",))),
        facts(FOUR, change(SOFTMAX, shares_inside=("attention",))),
    ),
    "weights too large": (grown(3.0), grown(1.2)),
    "short averages": (facts(has=frozenset({Fact.SHORT_AVERAGES})), facts(has=frozenset({Fact.NORMALIZATION}))),
    "many equal rows": (validated(equal_rows=0.2), validated(equal_rows=0.2, rows_are_few=True)),
    "steps that see the next": (facts(FOUR, SOFTMAX, sees_next=True), facts(FOUR, SOFTMAX)),
    "equal rows": (validated(equal_rows=0.07), validated(equal_rows=0.04)),
    "a target among the inputs": (
        facts(BINARY, SIGMOID, copied="feature 5"),
        facts(change(BINARY, commonest=0.95), SIGMOID, copied="feature 5"),  # nearly all are 0, in both by chance
    ),
    "tokens that are their own targets": (
        facts(FOUR, SOFTMAX, copied=ALL_STEPS, has=frozenset({Fact.TOKENS})),
        facts(NUMBERS, SQUARED, copied=ALL_STEPS),  # an autoencoder
    ),
    "classes of the validation alone": (
        validated(of=change(FOUR, places=1), output=SOFTMAX, unseen=0.2),
        validated(of=change(FOUR, places=1), output=SOFTMAX, unseen=0.05),
    ),
    "labels in order": (
        facts(FOUR, SOFTMAX, order_read=1.0),
        facts(change(FOUR, commonest=0.97), SOFTMAX, order_read=1.5),  # of two classes, one of which is rare
    ),
    "one class in a batch": (
        facts(ONE_CLASS, SIGMOID, other="the probe", other_targets=BINARY),
        facts(change(ONE_CLASS, examples=4), SIGMOID, other="the probe", other_targets=BINARY),
    ),
    "one class has nearly all": (
        facts(change(BINARY, commonest=0.97), SIGMOID),
        facts(change(BINARY, commonest=0.9), SIGMOID),
    ),
}  # fmt: skip


NO_ACTIVATION = change(SOFTMAX, activation="", hides_logits=False)
AVERAGE = change(NO_ACTIVATION, low=0.0, high=0.9, off=1e-6, from_logits=True)
FOCAL = change(SIGMOID, loss="binary_focal_crossentropy")
PART = change(SIGMOID, activation="", hides_logits=False, low=0.2, high=0.8, from_logits=True)
LOGITS = change(NO_ACTIVATION, low=-1.0, high=2.0, off=3.0)
CLIPPED = change(SQUARED, activation="", ends_with="Clip")
DIRECTIONS, VECTORS = change(SQUARED, loss="cosine_similarity", units=4), change(SIZES, lengths=0.3)
RARE = change(BINARY, commonest=0.97)
FIRST_TWO, ALL_TEN = change(FOUR, of="0 and 1", high=1.0, classes=2), change(FOUR, high=9.0, classes=10)
FURTHER = [
    # targets of the validation that may be written so, and labels of classes that come later
    ("validation labels", validated(targets=change(FIRST_TWO, deviation=0.5)), None),  # mixed labels
    ("validation labels", validated(targets=change(NUMBERS, deviation=20.0)), None),
    ("validation labels", validated(targets=FIRST_TWO, of=FOUR), None),
    ("validation labels", validated(targets=Targets("one class", 100, 1, 1.0, 1.0, 1), of=BINARY), None),
    ("validation labels", validated(targets=ALL_TEN, of=FIRST_TWO, output=change(SOFTMAX, units=10)), None),
    (
        "validation labels",
        validated(targets=ALL_TEN, of=FIRST_TWO, output=change(SOFTMAX, units=2)),
        "as classes from 0 to 9",
    ),
    # an output of no known activation is told by what it gives
    ("probabilities as logits", facts(FOUR, AVERAGE), "last outputs"),
    ("probabilities as logits", facts(BINARY, change(FOCAL, from_logits=True)), "last ends with sigmoid"),
    ("probabilities as logits", facts(BINARY, change(SIGMOID, from_logits=True)), None),
    ("no probabilities", facts(BINARY, change(FOCAL, activation="linear", hides_logits=False)), "ends with linear"),
    ("probabilities as logits", facts(FOUR, change(AVERAGE, low=NAN, high=NAN)), None),
    ("probabilities as logits", facts(FOUR, change(AVERAGE, activation="elu", from_logits=None)), None),
    ("probabilities as logits", facts(FOUR, PART), "last outputs"),
    ("no probabilities", facts(FOUR, LOGITS), "last outputs"),
    ("no probabilities", facts(FOUR, change(LOGITS, low=NAN, high=NAN)), None),
    ("no probabilities", facts(FOUR, change(LOGITS, activation="elu", from_logits=None)), None),
    (
        "targets out of reach",
        facts(output=change(CLIPPED, limits=(-1.0, 1.0))),
        "Clip, which outputs only values from -1 to 1",
    ),
    ("targets out of reach", facts(output=CLIPPED), None),
    # sizes in another unit, and numbers to be met
    ("sizes in a cross-entropy", facts(change(NUMBERS, low=0.0, high=100.0), SIGMOID), "0 to 100"),  # percent
    (
        "sizes in a cross-entropy",
        facts(change(NUMBERS, low=0.0, high=100.0), change(SIGMOID, activation="linear")),
        None,
    ),
    ("sizes in a cross-entropy", facts(change(NUMBERS, low=0.0, high=4000.0), SIGMOID), None),
    ("sizes in a cross-entropy", facts(change(SIZES, high=20.0), change(SOFTMAX, loss="kl_divergence")), "rows"),
    # of sequences of labels, and of several labels at once, no class is unseen
    ("classes of the validation alone", validated(of=change(FOUR, places=9), output=SOFTMAX, unseen=0.5), None),
    (
        "classes of the validation alone",
        validated(of=change(ONE_HOT, of="several labels", places=1), output=SOFTMAX, unseen=0.5),
        None,
    ),
    # directions are what is asked of embeddings, and of an output of length 1
    ("directions of vectors of any length", facts(change(VECTORS, width=100), DIRECTIONS), None),
    ("directions of vectors of any length", facts(VECTORS, change(DIRECTIONS, end=End.LENGTH_1)), None),
    ("directions of vectors of any length", facts(change(VECTORS, of="one-hot"), DIRECTIONS), None),
    # numbers may be sorted, and labels may come in runs
    ("labels in order", facts(order_read=1.0), "in the order of their targets"),
    ("labels in order", facts(FOUR, SOFTMAX, order_read=3.0, runs_read=32.0), "runs of 32"),
    ("labels in order", facts(FOUR, SOFTMAX, order_read=6.0, runs_read=4.0), None),
    ("labels in order", facts(FOUR, SOFTMAX, order_read=6.0, runs_read=4.0, leading_read=12), "The first 12"),
    ("labels in order", facts(FOUR, SOFTMAX, order_read=6.0, runs_read=4.0, leading_read=11), None),  # 0.3**11 > 1e-6
    # numbers from 0 to 1 where the others are centered, unless noise alone has brought these below 0
    ("another scale", validated(change(X, low=0.0, high=1.0, mean=0.3, deviation=0.4)), "mean 0.3"),
    ("another scale", validated(change(X, low=0.0, high=0.996, mean=0.3, deviation=0.4)), "mean 0.3"),
    ("another scale", validated(change(X, low=0.0, high=0.9, mean=0.3, deviation=0.4)), None),
    ("another scale", validated(change(X, low=0.0, high=1.0, mean=0.2, deviation=0.4)), None),
    (
        "a loss that rewards errors",
        facts(own_loss=OwnLoss(0.0, 5.0, 0.0, of_far=-500.0, falls_without_end=True)),
        "falls without limit",
    ),
    # rare classes, and numbers of which few differ
    ("one class has nearly all", facts(RARE, change(SIGMOID, loss="mean_squared_error")), "97 %"),
    ("one class has nearly all", facts(RARE, SQUARED), None),
    ("one class has nearly all", facts(RARE, SIGMOID, heaviest=0.97), "with their weights 97 %"),
    ("one class has nearly all", facts(change(RARE, commonest=0.8), SIGMOID, heaviest=0.97), "with their weights 97 %"),
    ("one class has nearly all", facts(RARE, SIGMOID, heaviest=0.5), None),
    ("one class has nearly all", facts(RARE, SIGMOID, heaviest=0.0), None),  # it is not known
    # a recurrent gradient as large as the loss is, or the inputs
    ("gradient through time", through_time(gradient=20.0), None),
    ("gradient through time", through_time(input_rms=50.0), None),
]


@pytest.mark.parametrize("name, of, part", FURTHER)
def test_a_check_flags_what_it_is_for_in_other_forms_too_and_nothing_else(name, of, part):
    check = next(check for check in CHECKS if check.name == name)
    assert check.when(of) == (part is not None)
    assert part is None or part in said(check.says, of)


def test_behind_a_recurrent_output_that_has_a_limit_comes_a_layer_without():
    recurrent = change(SQUARED, activation="", ends_with="LSTM", end=End.RECURRENT, limits=(-1.0, 1.0), replaced=0)
    for has, code in (
        (frozenset({Fact.SEQUENTIAL}), "*model.layers, last"),
        (frozenset(), "last(model.layers[-1].output"),
    ):
        (claim,) = claims_of(facts(output=recurrent, has=has), unexpected)
        assert "Dense(1)\n" in claim.code
        assert (claim.kind, claim.level) == ("wrong_output", "act")
        assert claim.cure.startswith("Put `keras.layers.Dense(1)` without an activation after the")
        assert code in claim.code
    assert claims_of(facts(change(NUMBERS, low=-0.9, high=0.9), recurrent), unexpected) == []


def unexpected(name, error):
    raise error


@pytest.mark.parametrize("name", CASES)
def test_a_check_flags_what_it_is_for_and_not_its_neighbour(name):
    check = next(check for check in CHECKS if check.name == name)
    flagged, neighbour = CASES[name]
    assert check.when(flagged)
    assert not check.when(neighbour)
    finding = said(check.says, flagged)
    assert re.fullmatch(r"\w.*[^.]\.", finding), finding
    assert "nan" not in finding
    cure = said(check.cure, flagged)
    assert not cure or cure.endswith("."), cure
    for part in re.findall(r"`((?:keras|layers|training|initializers)\.[\w.]+)", cure):
        assert callable(resolve(part)), part
    if code := said(check.code, flagged):
        compile(code, name, "exec")


WORDY = r"\b(is|are|was|were) to be\b|\bof which\b|\b[Ii]t is said\b|\bwhat \w+ gives\b|\bof one's own\b"


def assert_plain(text):
    """Each sentence has at most 25 words, where code counts as one, and none of the turns that nobody says aloud."""
    without_code = re.sub(r"`[^`]*`", "code", text)
    for sentence in re.split(r"(?<=[\w)])\. (?=[A-Z])", without_code):
        assert len(sentence.split()) <= 25, sentence
    assert not re.search(WORDY, without_code), text


@pytest.mark.parametrize("name", CASES)
def test_what_a_check_says_is_plain_and_short(name):
    check, of = next(check for check in CHECKS if check.name == name), CASES[name][0]
    assert re.fullmatch(r"[A-Z].*[^.]", check.holds)
    for text in (check.holds, said(check.says, of), said(check.cure, of), check.expects, said(check.then, of)):
        assert_plain(text)
    for text in AFTERWARDS.get(check.kind, ()):
        assert_plain(text)


def test_a_check_says_as_many_false_alarms_as_the_benchmarks_had():
    """Six checks called for a change now by a limit that was "chosen; worth watching at most"."""
    cases = json.loads((pathlib.Path(__file__).parents[2] / "benchmarks/faults/detect.json").read_text())["cases"]
    healthy = [case["repaired"]["told"] for case in cases.values() if "repaired" in case]
    told = collections.Counter(v["kind"] for one in healthy for v in one if (v["level"], v["step"]) == ("act", 0))
    assert all(f" {len(healthy)} healthy trainings " in source for source in (FOUND, FOUND_ONCE, CHOSEN_TO_ACT))
    for kind in {check.kind for check in CHECKS if check.source in (FOUND, FOUND_ONCE, CHOSEN_TO_ACT)}:
        once = [check.name for check in CHECKS if (check.kind, check.source) == (kind, FOUND_ONCE)]
        assert told[kind] == len(once), (kind, once)
    assert {check.level for check in CHECKS if check.source == CHOSEN} == {"watch"}


def test_every_check_has_a_case_a_kind_a_level_and_a_source_and_every_kind_of_the_start_a_check():
    assert [check.name for check in CHECKS] == list(CASES)
    assert {check.kind for check in CHECKS} <= set(KINDS)
    assert {kind.name for kind in OF_THE_START} <= {check.kind for check in CHECKS}
    assert {check.level for check in CHECKS} == set(LEVELS[1:])
    assert all(check.source for check in CHECKS)


@pytest.mark.parametrize(
    "healthy",
    [
        facts(),
        facts(BINARY, SIGMOID),
        facts(FOUR, SOFTMAX),
        facts(ONE_HOT, OF_ROWS),
        facts(FOUR, change(SOFTMAX, activation="linear", from_logits=True, hides_logits=False)),
        facts(change(NUMBERS, low=0.0), change(SQUARED, activation="relu")),
        facts(change(ONE_HOT, of="probabilities"), OF_ROWS),
        facts(change(ONE_HOT, of="several labels", at_once=0.4), change(SIGMOID, units=4)),
        facts(Targets(), Output()),
        Facts(),
    ],
)
def test_of_what_is_well_or_not_known_nothing_is_said(healthy):
    assert claims_of(healthy, unexpected) == []


def test_each_kind_is_claimed_once_certain_at_once_and_by_the_first_check():
    claims = claims_of(facts(inputs=change(PIXELS, nonfinite=2), start=LARGE), unexpected)
    assert [(c.kind, c.level, c.proven) for c in claims] == [("bad_inputs", "act", True)]
    assert "2 NaN or infinite values" in claims[0].finding
    assert claims[0].why[0].startswith("An input is NaN or infinite (certain")


def test_causes_silence_their_symptoms():
    faded = [change(DENSE, gradient=1e-9) for _ in range(4)]
    both = change(LARGE, layers=(change(LARGE.layers[0], gradient=1e-9), *faded, LAST))
    alone = change(both, layers=(faded[0], *faded, LAST))
    assert [c.kind for c in claims_of(facts(start=alone), unexpected)] == ["vanishing"]
    assert [c.kind for c in claims_of(facts(start=both), unexpected)] == ["bad_inputs"]


def test_a_check_that_fails_is_left_out_and_the_others_speak(monkeypatch):
    broken = Check("broken", "leak", "", lambda f: 1 / 0, lambda f: "")
    monkeypatch.setattr("keras_ch8.verdicts.checks.CHECKS", (broken, *CHECKS))
    failed = []
    claims = claims_of(facts(start=LARGE), lambda name, error: failed.append((name, type(error))))
    assert failed == [("broken", ZeroDivisionError)]
    assert [c.kind for c in claims] == ["bad_inputs"]
    assert isinstance(claims[0], Claim)


def test_what_a_cure_names_is_filled_in():
    few = change(SOFTMAX, units=3, can_be_set=True, replaced=1)
    of_ones_own = change(few, replaced=-1)
    assert claims_of(facts(FOUR, of_ones_own), unexpected)[0].code == ""  # the last layer of a model of the user's own
    claims = claims_of(facts(FOUR, few, has=frozenset({Fact.SEQUENTIAL})), unexpected)
    assert "4 classes" in claims[0].finding
    assert 'Dense(4, activation="softmax")' in claims[0].code
    claims = claims_of(facts(NUMBERS, change(SQUARED, activation="relu")), unexpected)
    assert claims[0].cure == "End the model without an activation."


@pytest.mark.parametrize("inputs", [PIXELS, X])
def test_a_rate_that_was_low_for_large_inputs_is_found_anew_for_scaled_ones(inputs):
    def cure(*has):
        (claim,) = [c for c in claims_of(facts(inputs=inputs, start=LARGE, has=frozenset(has)), unexpected)
                    if c.kind == "bad_inputs"]  # fmt: skip
        return claim

    assert cure(Fact.LOW_RATE).code == f"{cure().code}\n{FIND_RATE}"
    assert "find a new learning rate" in cure(Fact.LOW_RATE).cure
    assert "rate" not in cure().cure


PRICE = change(SQUARED, layer="price", name="price", activation="sigmoid", can_be_set=True, replaced=-1)
KIND = change(SOFTMAX, layer="kind", name="kind", can_be_set=True, replaced=-1)


def of_both(*outputs, targets=(NUMBERS, FOUR)):
    """Facts of a model with two outputs."""
    has = frozenset({Fact.SEVERAL_OUTPUTS})
    each = tuple(Facts(targets=y, output=output, has=has) for y, output in zip(targets, outputs, strict=True))
    return Facts((X,), start=START, has=has, outputs=each)


def test_each_of_several_outputs_is_judged_for_itself_and_its_name_is_said():
    (claim,) = claims_of(of_both(PRICE, KIND), unexpected)
    assert claim.kind == "wrong_output"
    assert claim.finding.startswith("Output 'price': The targets range from -2 to 2, but price ends with sigmoid")
    assert claim.code.splitlines()[0] == 'model.get_layer("price").activation = keras.activations.linear'
    both = of_both(PRICE, KIND, targets=(NUMBERS, change(FOUR, low=1.0, high=4.0)))
    kinds = {claim.kind: claim for claim in claims_of(both, unexpected)}
    assert kinds.keys() == {"wrong_labels", "wrong_output"}
    assert kinds["wrong_labels"].finding.startswith("Output 'kind': ")
    assert kinds["wrong_labels"].code == ""  # y is not one array
    assert claims_of(of_both(change(PRICE, activation="linear"), KIND), unexpected) == []


@pytest.mark.parametrize(
    "compiled_by, code",
    [
        ('{{**model.loss, "price": "{}"}}', '{**model.loss, "price": "mean_squared_error"}'),
        ('["{}", *model.loss[1:]]', '["mean_squared_error", *model.loss[1:]]'),
        ("", None),  # one loss for all outputs
    ],
)
def test_the_loss_of_one_output_is_changed_and_the_others_stay(compiled_by, code):
    price = change(PRICE, activation="linear", loss="binary_crossentropy", compiled_by=compiled_by)
    (claim,) = claims_of(of_both(price, KIND), unexpected)
    assert claim.kind == "wrong_loss"
    assert "keras.losses.MeanSquaredError" in claim.cure
    assert (f"loss={code}" in claim.code) if code else claim.code == ""


def test_a_vocabulary_of_more_than_a_thousand_words_is_classes():
    words = np.arange(5000).reshape(100, 50)
    output = Output(
        layer="last", activation="softmax", units=5000, loss="sparse_categorical_crossentropy", from_logits=False,
        metrics=("accuracy",), can_be_set=True,
    )  # fmt: skip
    assert claims_of(Facts(targets=targets_of(words, 3), output=output), unexpected) == []
    claims = claims_of(Facts(targets=targets_of(words, 3), output=change(output, units=4999)), unexpected)
    assert [claim.kind for claim in claims] == ["wrong_loss"]


def test_targets_of_places_get_no_class_weight():
    rare = (np.arange(128 * 64).reshape(128, 8, 8, 1) % 25 == 0).astype("float32")
    output = Output(activation="sigmoid", units=1, loss="binary_crossentropy", from_logits=False, places=64)
    (of_places,) = claims_of(Facts(targets=targets_of(rare, 4), output=output), unexpected)
    assert (of_places.kind, of_places.code) == ("imbalance", "")
    assert "`sample_weight`" in of_places.cure
    (one,) = claims_of(Facts(targets=targets_of(rare[:, 0, 0]), output=change(output, places=1)), unexpected)
    assert "class_weight = " in one.code


def test_numbers_in_a_cross_entropy_of_many_units_get_one_unit():
    output = Output(
        layer="last", activation="softmax", units=10, loss="sparse_categorical_crossentropy", from_logits=False,
        can_be_set=True, replaced=1,
    )  # fmt: skip
    numbers = facts(targets_of(np.linspace(-3, 3, 64), 2), output, Start(), has=frozenset({Fact.SEQUENTIAL}))
    (claim,) = claims_of(numbers, unexpected)
    assert "Dense(1)\n" in claim.code
    assert "1 unit without an activation" in claim.cure


LABELS = tuple(Bar(float(i), float(i), 0.25) for i in range(1, 5))
RARE = (Bar(0, 0, 0.96), Bar(1, 1, 0.04))
HUGE = (Bar(0.1, 1, 0.1), Bar(1, 10, 0.2), Bar(100, 1000, 0.7))


@pytest.mark.parametrize(
    ("kind", "known", "marked"),
    [
        ("wrong_labels", facts(change(FOUR, low=1.0, high=4.0, bars=LABELS), SOFTMAX), ["4"]),
        ("wrong_labels", facts(targets_of([0.0, np.nan]), SIGMOID), ["NaN or infinite"]),
        ("wrong_labels", facts(targets_of(np.eye(4)[[3] * 20]), OF_ROWS), []),
        ("imbalance", facts(change(BINARY, commonest=0.96, bars=RARE), SIGMOID), ["0"]),
        (
            "label_order",
            facts(FOUR, SOFTMAX, order_read=1.0, commonest_read=(1.0, 0.5, 0.9, 1.0)),
            ["part 1", "part 3", "part 4"],
        ),
        ("label_order", facts(change(FOUR, places=1), SOFTMAX, unseen=0.5), ["of classes without training examples"]),
        ("leak", facts(equal_rows=0.2), ["also in the training data"]),
        (
            "bad_inputs",
            change(first(input_rms=300.0, input_largest=999.0), inputs=(change(X, bars=HUGE, rms=300.0),)),
            ["100 to 1000"],
        ),
    ],
)
def test_what_is_wrong_with_labels_and_inputs_is_marked_in_bars_of_them(kind, known, marked):
    (claim,) = [claim for claim in claims_of(known, unexpected) if claim.kind == kind]
    assert claim.shows
    assert [label for label, _, is_wrong in claim.bars if is_wrong] == marked
    assert all(0 < share <= 1 for _, share, _ in claim.bars)


def test_what_no_bars_show_has_none():
    similar = facts(chance=1.0, neighbours=0.1, neighbours_of_read=1.9)
    copied = facts(copied="feature 3", equal_rows=0.0)
    claims = [*claims_of(similar, unexpected), *claims_of(copied, unexpected)]
    assert [claim.kind for claim in claims] == ["wrong_labels", "leak"]
    assert all((claim.shows, claim.bars) == ("", ()) for claim in claims)


def test_weights_that_the_first_step_has_made_large_are_not_those_of_the_start():
    for has, is_said in ((frozenset(), True), (frozenset({Fact.BUILT_BY_THE_FIRST_BATCH}), False)):
        found = [claim.finding for claim in claims_of(grown(3.0, has=has), print) if claim.kind == "bad_scale"]
        assert any("The initial weights are too large" in finding for finding in found) == is_said
