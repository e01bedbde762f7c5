"""Mutation testing: which small changes of the code does no test notice? `python -m tests.mutation TARGET ...`.

TensorFlow takes seconds to import, so everything is imported once, and each mutant is a fork of that process. In the
fork the module is executed with one change, and what that gives is put in the place of what is there: the code and the
defaults of functions, the attributes of classes, the constants of the module. So no class is replaced by another one.
Only tests are run that call the changed function, the fastest first; for a change outside functions, those that call
any function of the module. See docs/design/mutation.md.
"""

import ast
import functools
import importlib
import os
import pkgutil
import re
import sys
import time
from pathlib import Path

import pytest
import sklearn.datasets  # noqa: F401

from keras_ch8 import callbacks, layers, training  # noqa: F401
from tests.mutation import changes, forks

OPTIONS = ["-q", "-x", "-p", "no:cacheprovider"]
RULE = r"^(SGD|Momentum|Nesterov|Adagrad|RMSprop|RMSpropNesterov|AdamRule)\.rule$"
GRAPH = (
    r"Probe|Curve|LayerCall|Evaluation|Snapshot|Monitor$|\.(tensors|reading|needs|numbers|curves|of_set)$|"
    r"^(is_weighted|activation|by_unit|gradient|dead|saturated|relative_update|root_mean_square|_gaps|_estimates|_by_time|"
    r"profile|_ends|ends_of|_kernel_elasticity|spectrum|gradient_noise|layer_flow|_of_set|_one|members|chosen|_register|"
    r"_registered|_unknown)$"
)
TARGETS = {  # name: module or package, tests that judge it, functions that are changed, functions that are not
    "stopping": ("keras_ch8.stopping", ["tests/stopping"], "", "^$"),
    "verdicts": ("keras_ch8.verdicts", ["tests/verdicts", "tests/monitors"], "", "^$"),
    "monitors": ("keras_ch8.monitors", ["tests/monitors"], "", GRAPH),
    "optimizers": (
        "keras_ch8.optimizers",
        ["tests/optimizers/test_algorithms.py", "-m", "not bench"],
        RULE,
        "^$",
    ),
    "clipping": ("keras_ch8.clipping", ["tests/clipping"], "", "^$"),
    "schedules": ("keras_ch8.schedules", ["tests/schedules"], "", "Resolver|resolve|relative_schedules|clock_of"),
}
COLLECTED_ONCE = ("stopping", "verdicts", "monitors")
"""Targets whose tests run no TensorFlow while they are collected: a process that has cannot be forked."""
OF_DATA = "::test_the_page_is_up_to_date"
"""How the test ends that judges what stands outside functions, though it calls none of the module."""


class Watch:
    """Lets pytest run some tests, the fastest first, and notes which functions each of them calls."""

    def __init__(self, files=(), chosen=None):
        self.files, self.chosen, self.calls, self.seconds, self.now = files, chosen, {}, {}, None

    def called(self, frame, event, arg):
        if event == "call" and frame.f_code.co_filename in self.files and self.now:
            place = frame.f_code.co_filename, frame.f_code.co_firstlineno
            self.calls.setdefault(place, set()).add(self.now)

    def pytest_collection_modifyitems(self, items):
        if self.chosen is not None:
            items[:] = sorted((i for i in items if i.nodeid in self.chosen), key=lambda i: self.chosen[i.nodeid])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        self.now, begun = item.nodeid, time.monotonic()
        yield
        self.now, self.seconds[item.nodeid] = None, time.monotonic() - begun


class Once:
    """Lets pytest collect the tests, and then do something else than to run them."""

    def __init__(self, work):
        self.work = work

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.work(session)
        return True


def run(session, tests, watch):
    """Run tests, in a session that has collected them or in a new one, until one fails; return 0 if none does."""
    if session is None:
        return int(pytest.main([*OPTIONS, *tests], [watch]))
    session.config.pluginmanager.register(watch)
    watch.pytest_collection_modifyitems(session.items)
    for item, after in zip(session.items, [*session.items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            return 1
    return 0


def unchanged(session, modules, tests):
    """Return which tests call which function, how long each takes, and whether one fails; in a fork."""
    for module in modules:
        forks.install(module, ast.parse(Path(module.__file__).read_text()))
    watch = Watch({module.__file__ for module in modules})
    sys.setprofile(watch.called)
    failed = run(session, tests, watch)
    sys.setprofile(None)
    return watch.calls, watch.seconds, failed


def judge(session, module, tree, chosen, options):
    """Return 0 if no test notices the change of a module; in a fork."""
    try:
        forks.install(module, tree)
    except Exception:
        return 1
    return run(session, [*options, *sorted({test.split("::")[0] for test in chosen})], Watch(chosen=chosen))


def try_all(name, modules, session=None):
    """Print the mutants of a target that survive, and the share that is killed."""
    _, tests, only, but = TARGETS[name]
    options = tests[tests.index("-m") :] if "-m" in tests else []
    calls, seconds, failed = forks.call(functools.partial(unchanged, session, modules, tests), 900)
    if failed:
        sys.exit(f"{name}: the tests fail without a change.")
    killed = survive = 0
    for module in modules:
        file = module.__file__
        of_module = set().union(*(tests for (other, _), tests in calls.items() if other == file))
        of_module |= {test for test in seconds if test.endswith(OF_DATA)}
        for function, begins, line, words, tree in changes.of(file):
            if not re.search(only, function) or re.search(but, function):
                continue
            chosen = {test: seconds[test] for test in calls.get((file, begins)) or of_module or seconds}
            trial = functools.partial(judge, session, module, tree, chosen, options)
            if forks.call(trial, 20 + 10 * sum(chosen.values())) != 0:  # a test failed, or it took too long
                killed += 1
            else:
                survive += 1
                print(f"{Path(file).name}:{line} {function}: {words}", flush=True)
    print(f"{name}: {killed + survive} mutants, {killed} killed, {survive} survive", flush=True)


def modules_of(name):
    """Return a module, or all modules of a package."""
    package = importlib.import_module(name)
    inside = pkgutil.iter_modules(getattr(package, "__path__", []))
    return [package, *(importlib.import_module(f"{name}.{module.name}") for module in inside)]


def main(names):
    """Try all mutants of some targets."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # each fork would take the time to import them
    for name in names:
        modules = modules_of(TARGETS[name][0])
        if name in COLLECTED_ONCE:
            pytest.main([*OPTIONS, "-s", *TARGETS[name][1]], [Once(functools.partial(try_all, name, modules))])
        else:
            try_all(name, modules)


if __name__ == "__main__":
    main(sys.argv[1:] or TARGETS)
