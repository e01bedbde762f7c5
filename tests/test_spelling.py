"""A misspelt argument is refused with the one that was meant, by every public part that names its arguments."""

import inspect
import operator
import re

import pytest

import keras_ch8
from keras_ch8 import callbacks, choosing, extend, optimizers
from tools import chapter


def parts():
    """Yield the name of each public part with arguments, and the part."""
    for _, name in chapter.parts():
        yield name, operator.attrgetter(name)(keras_ch8)


def long_arguments(part):
    """Return arguments that can be misspelt and still be known; of an optimizer those of Keras too."""
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [n for n, p in inspect.signature(part).parameters.items() if p.kind in kinds and len(n) > 3]


def is_said_by_us(part):
    """Whether the package says it: of other classes Python does, from 3.13 on and where nothing else is missing.

    What a function hands on to `fit` or another function, that one reads.
    """
    if isinstance(part, type):
        ours = keras_ch8.Doctor | extend.Callback | extend.RuleOptimizer | extend.ClosureOptimizer
        return issubclass(part, ours)
    return not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(part).parameters.values())


@pytest.mark.parametrize(("name", "part"), [each for each in parts() if long_arguments(each[1])])
def test_a_misspelt_argument_is_refused_with_the_one_that_was_meant(name, part):
    for argument in long_arguments(part):
        wrong = argument[:2] + argument[3:]
        if wrong in inspect.signature(part).parameters:
            continue
        with pytest.raises((TypeError, ValueError)) as caught:
            part(**{wrong: 1})
        if is_said_by_us(part):
            found = re.search(rf"{wrong}=1.*Did you mean `(\w+)`\?", str(caught.value))
            assert found is not None, str(caught.value)
            assert found[1] == argument or len(wrong) < 4  # "los" is as much like "logs" as like "loss"


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: keras_ch8.Doctor(logdir="logs"), "log_dir"),
        (lambda: keras_ch8.Doctor(probes=None), "probe"),
        (lambda: callbacks.EarlyStopping(patiance=3), "patience"),
        (lambda: optimizers.Adam(beta1=0.9), "beta_1"),
        (lambda: optimizers.Adam(ema_momentums=0.9), "ema_momentum"),
        (lambda: optimizers.Adam(clip_norm=1.0), "clipnorm"),
        (lambda: optimizers.LBFGS(history=5), "history_size"),
        (lambda: keras_ch8.Doctor(None).watch(None, optimzers=None), "optimizers"),
        (lambda: keras_ch8.report(log_dirs="logs"), "log_dir"),
        (lambda: choosing.find_learning_rate(batchsize=3), "batch_size"),
    ],
)
def test_the_mistakes_that_people_make(call, meant):
    with pytest.raises((TypeError, ValueError), match=rf"Did you mean `{meant}`\?"):
        call()


def test_what_is_like_no_argument_is_refused_with_those_that_there_are():
    with pytest.raises(TypeError, match=r"`report` has no argument `qqq`. Received: qqq=1. It takes: log_dir, file"):
        keras_ch8.report(qqq=1)
    with pytest.raises(TypeError, match=r"`Doctor` has no argument `qqq`. Received: qqq=1. It takes: log_dir, probe, "):
        keras_ch8.Doctor(qqq=1)
    with pytest.raises(TypeError, match=r"`EarlyStopping` has no argument `qqq`. Received: qqq=1. It takes: monitor, "):
        callbacks.EarlyStopping(qqq=1)


def test_what_checks_the_spelling_hides_nothing_of_a_part():
    arguments = ["log_dir", "probe", "resume", "ignore", "log_to"]
    assert list(inspect.signature(keras_ch8.Doctor).parameters) == arguments
    assert next(iter(inspect.signature(keras_ch8.find_learning_rate).parameters)) == "model"
    assert next(iter(inspect.signature(callbacks.EarlyStopping).parameters)) == "monitor"
    assert keras_ch8.find_learning_rate.section == "8.3.1"
    assert keras_ch8.find_learning_rate.__module__.startswith("keras_ch8.choosing.")
