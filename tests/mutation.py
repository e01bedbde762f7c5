"""Mutation testing: which small changes of the code does no test notice? `python -m tests.mutation PACKAGE ...`.

TensorFlow takes seconds to import, so everything is imported once, and each mutant is a fork of that process. In the fork
the module is executed with one change, and what that gives is put in the place of what is there: the code and the
defaults of functions, the attributes of classes, the constants of the module. So no class is replaced by another one.
Only tests are run that call the changed function, the fastest first; for a change outside functions, all of them.
"""

import ast
import contextlib
import functools
import importlib
import inspect
import os
import pickle
import pkgutil
import re
import sys
import time
import types
from pathlib import Path

import keras
import pytest
import sklearn.datasets  # noqa: F401

from keras_ch8 import callbacks, layers, training  # noqa: F401
from tests import mutants

os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
OPTIONS = ["-q", "-x", "-p", "no:cacheprovider"]
BOX = r"^(SGD|Momentum|Nesterov|Adagrad|RMSprop|RMSpropNesterov|AbstractAdam)\.rule$"
GRAPH = (
    r"Probe|Taken|^taking|^_call|Met$|Pass$|Scene|\.(tensors|reading|takes|numbers|of_set)$|Monitor$|^(is_weighted|"
    r"activation|by_unit|gradient|dead|saturated|relative_update|root_mean_square|_gaps|_estimates|_by_time|profile|_ends|"
    r"ends_of|_kernel_elasticity|spectrum|gradient_noise|_of_set|_one|members|chosen|_register|_registered|_unknown)$"
)
NUMPY = ("tests/monitors/test_claims.py", "tests/monitors/test_scalars.py")
TARGETS = {  # name: module or package, tests that judge it, functions that are changed, functions that are not
    "stopping": ("keras_ch8.stopping", ["tests/stopping"], "", "^$"),
    "verdicts": ("keras_ch8.verdicts", ["tests/verdicts", "tests/monitors"], "", "^$"),
    "monitors": ("keras_ch8.monitors", ["tests/monitors"], "", GRAPH),
    "optimizers": ("keras_ch8.optimizers", ["tests/optimizers/test_boxes.py", "-m", "not bench"], BOX, "^$"),
    "clipping": ("keras_ch8.clipping", ["tests/clipping"], "", "^$"),
    "schedules": ("keras_ch8.schedules", ["tests/schedules"], "", "Resolver|resolve|relative_schedules|clock_of"),
}
COLLECTED_ONCE = ("stopping", "verdicts", "monitors")
"""Targets whose tests run no TensorFlow while they are collected: a process that has begun with that cannot be forked."""


def modules_of(name):
    """Return a module, or all modules of a package."""
    package = importlib.import_module(name)
    inside = pkgutil.iter_modules(getattr(package, "__path__", []))
    return [package, *(importlib.import_module(f"{name}.{module.name}") for module in inside)]


class Watch:
    """Lets pytest run some tests, the fastest first, and notes which function each of them calls."""

    def __init__(self, files, chosen=None):
        self.files, self.chosen, self.calls, self.seconds, self.now = files, chosen, {}, {}, None

    def called(self, frame, event, arg):
        if event == "call" and frame.f_code.co_filename in self.files:
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


def in_fork(function, timeout):
    """Return what a function returns in a fork of this process; None if it takes too long or dies."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.environ.get("MUTATION_LOG", os.devnull), os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(1, 2)
        answer = None
        with contextlib.suppress(BaseException):
            answer = function()
        with os.fdopen(send, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(send)
    ends = time.monotonic() + timeout
    with os.fdopen(receive, "rb") as pipe:
        os.set_blocking(pipe.fileno(), False)
        got = b""
        while time.monotonic() < ends and not os.waitpid(child, os.WNOHANG)[0]:
            got += pipe.read() or b""
            time.sleep(0.01)
        else:
            if time.monotonic() >= ends:
                os.kill(child, 9)
                os.waitpid(child, 0)
        got += pipe.read() or b""
    return pickle.loads(got) if got else None


def put(old, new, module):
    """Give a function, a property or a class what its changed version has."""
    if isinstance(old, classmethod | staticmethod):
        put(old.__func__, new.__func__, module)
    elif isinstance(old, property):
        for one, other in ((old.fget, new.fget), (old.fset, new.fset)):
            put(one, other, module)
    elif isinstance(old, types.FunctionType):
        old, new = inspect.unwrap(old), inspect.unwrap(new)
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    elif isinstance(old, type) and old.__module__ == module:
        for name, value in list(vars(old).items()):
            other = vars(new).get(name, value)
            if callable(value) or isinstance(value, property | classmethod | staticmethod):
                put(value, other, module)
            elif not name.startswith("_") and repr(value) != repr(other):
                setattr(old, name, other)


def install(module, tree):
    """Put what a changed tree of a module defines in the place of what it has."""
    ours, names = [m for name, m in sys.modules.items() if name.startswith("keras_ch8")], dict(vars(module))
    registries = [d for m in ours for d in vars(m).values() if type(d) is dict] + [keras.saving.get_custom_objects()]
    before = [dict(registry) for registry in registries]
    exec(compile(tree, module.__file__, "exec"), names)
    for registry, entries in zip(registries, before, strict=True):
        registry.update(entries)
    for name, old in list(vars(module).items()):
        new = names[name]
        if getattr(old, "__module__", None) == module.__name__ and (inspect.isroutine(old) or isinstance(old, type)):
            put(old, new, module.__name__)
        elif isinstance(old, dict) and not name.startswith("__"):
            for key, value in new.items():
                put(old[key], value, module.__name__)
                if not callable(value):
                    old[key] = value
        elif isinstance(old, int | float | str | tuple | re.Pattern) and not name.startswith("__") and old != new:
            for other in ours:
                if vars(other).get(name) is old:
                    setattr(other, name, new)


class Once:
    """Lets pytest collect the tests, and then do something else than to run them."""

    def __init__(self, work):
        self.work = work

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.work(session)
        return True


def run(session, tests, watch):
    """Run tests that are collected, in a session or a new one, until one fails; return 0 if none does."""
    if session is None:
        return int(pytest.main([*OPTIONS, *tests], [watch]))
    session.config.pluginmanager.register(watch)
    watch.pytest_collection_modifyitems(session.items)
    for item, after in zip(session.items, [*session.items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            return 1
    return 0


def try_all(name, modules, session=None):
    """Print the mutants of a target that survive, and the share that is killed."""
    _, tests, only, but = TARGETS[name]
    files, killed, survivors = {module.__file__ for module in modules}, 0, 0

    def baseline():
        for module in modules:
            install(module, ast.parse(Path(module.__file__).read_text()))
        watch = Watch(files)
        sys.setprofile(watch.called)
        failed = run(session, tests, watch)
        sys.setprofile(None)
        return watch.calls, watch.seconds, failed

    calls, seconds, failed = in_fork(baseline, 900)
    if failed:
        sys.exit(f"{name}: the tests fail without a change")

    def judge(module, tree, chosen):
        try:
            install(module, tree)
        except Exception:
            return 1
        options = [tests[i] for i in range(len(tests)) if tests[i].startswith("-") or tests[i - 1] == "-m"]
        return run(session, [*options, *sorted({test.split("::")[0] for test in chosen})], Watch(files, chosen))

    for module in modules:
        for function, begins, line, words, tree in mutants.of(module.__file__):
            if not re.search(only, function) or re.search(but, function):
                continue
            callers = calls.get((module.__file__, begins), set()) if begins else {None}
            chosen = seconds if None in callers else {test: seconds[test] for test in callers}
            limit = 20 + 10 * sum(chosen.values())
            if chosen and in_fork(functools.partial(judge, module, tree, chosen), limit) != 0:
                killed += 1
                continue
            survivors += 1
            untested = "" if chosen else "  (no test)"
            print(f"{Path(module.__file__).name}:{line} {function}: {words}{untested}", flush=True)
    print(f"{name}: {killed + survivors} mutants, {killed} killed, {survivors} survive", flush=True)


def main(names):
    """Try all mutants of some targets."""
    for name in names:
        modules = modules_of(TARGETS[name][0])
        if name in COLLECTED_ONCE:
            pytest.main([*OPTIONS, "-s", *TARGETS[name][1]], [Once(functools.partial(try_all, name, modules))])
        else:
            try_all(name, modules)


if __name__ == "__main__":
    main(sys.argv[1:] or TARGETS)
