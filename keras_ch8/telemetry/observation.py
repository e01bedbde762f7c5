"""The optimizers of one model, observed for the length of a training: each step of each leaves a row of telemetry."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from .. import _net, _numerics
from .._types import Tensor
from ..clipping.rule import Clipped, Clipper, ClippingRule
from ..integration import backend, keras_private, registry, train_step
from .frame import Frame
from .recorder import Recorder, Wishes, measured, not_measured
from .solver_log import SolverLog

Judge = Callable[[Tensor, Tensor | None, Tensor], Tensor]
"""`judge(number, loss, half) -> whether to take the step`, given half the sum of squares of its gradient."""


class Observation:
    """Observes optimizers; several calls of `fit` may use it again, and then trace nothing.

    Args:
        model: The model that they train.
        optimizers: The optimizers by name; of one that scales the loss, the one inside.
        rule: A clipping rule for each; None for none.
        judge: As in `ObservedOptimizer`; None for none.
    """

    def __init__(
        self, model: keras.Model, optimizers: Mapping[str, Any], rule: ClippingRule | None, judge: Judge | None
    ) -> None:
        self.optimizers, self.rule, self.judge = dict(optimizers), rule, judge
        self._observers = {
            name: ObservedSolver(o)
            if isinstance(getattr(o, "telemetry", None), SolverLog)
            else ObservedOptimizer(o, rule, judge)
            for name, o in self.optimizers.items()
        }
        self._weights = lambda: _wide(model.trainable_variables)  # as they are then: it may be built later
        self._squares = backend.trace(lambda: 2 * _numerics.half_of_all(_numerics.half_squares(self._weights())))
        self._counted: dict[str, int] = {}
        self._applied: list[str] = []
        self._filled: dict[str, int] = {}
        """The batches up to the last update of each; those after it are part of one that is still to come."""

    def serves(self, optimizers: Mapping[str, Any], rule: ClippingRule | None, judge: Judge | None) -> bool:
        """Whether these are the optimizers, the rule and the judge that it was made for."""
        if self.optimizers.keys() != optimizers.keys() or (self.rule, self.judge) != (rule, judge):
            return False
        has_failed = any(observer.recorder.net.is_torn for observer in self._observers.values())
        return not has_failed and all(self.optimizers[name] is optimizer for name, optimizer in optimizers.items())

    def start(self, model: keras.Model, batches: int, wishes: Wishes | None, exits: ExitStack, under: _net.Net) -> None:
        """Observe until `exits` ends, over a net; the model has been trained on so many batches before.

        With wishes of None no step leaves a row.
        """
        for name, observer in self._observers.items():
            observer.start(wishes, exits)
            observer.recorder.net = under
            self._counted[name] = keras_private.iterations_of(observer.optimizer)
            self._filled[name] = batches - keras_private.batches_of_next_update(observer.optimizer)
        outer = getattr(model, "optimizer", None)
        inner = keras_private.unscaled(outer)
        observed = next((o for o in self._observers.values() if o.optimizer is inner), None)
        if outer is not None and outer is not inner and isinstance(observed, ObservedOptimizer):
            theirs = outer.scale_loss

            def record_and_scale(loss: Tensor) -> Any:
                observed.record_loss(loss)
                return theirs(loss)

            exits.enter_context(registry.replaced(outer, scale_loss=record_and_scale))

    def rule_state(self) -> dict[str, dict[str, np.ndarray]]:
        """Return what the rule remembers, for each optimizer by its name."""
        return {
            name: observed.rule_state()
            for name, observed in self._observers.items()
            if isinstance(observed, ObservedOptimizer)
        }

    def set_rule_state(self, state: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Let the rule go on from what `rule_state` has returned."""
        for name, observed in self._observers.items():
            if isinstance(observed, ObservedOptimizer) and name in state:
                observed.set_rule_state(state[name])

    @property
    def most_steps(self) -> int:
        """Steps that the busiest optimizer has made since the last reading."""
        made = [keras_private.iterations_of(o) - self._counted[name] for name, o in self.optimizers.items()]
        return max(made, default=0)

    def read(self, batches: int) -> dict[str, Frame]:
        """Return the rows since the last time, by the name of the optimizer; "" if only one has ever been applied.

        Their steps are counted in batches that the model has been trained on, now `batches`. An optimizer that makes
        several steps for each batch, or one for several, has them spread evenly over these.
        """
        leaving = [o.optimizer for o in self._observers.values() if o.recorder.has_rings]
        counts = {name: keras_private.iterations_of(o) for name, o in self.optimizers.items() if o in leaving}
        moved = {name: count for name, count in counts.items() if count > self._counted[name]}
        self._applied = [name for name in self._observers if name in moved or name in self._applied]
        filled = {
            name: batches - keras_private.batches_of_next_update(optimizer)
            for name, optimizer in self.optimizers.items()
        }
        frames = {}
        for name, last in moved.items():
            first = self._counted[name]
            frame = self._observers[name].recorder.read(first + 1, last)
            before = self._filled[name]
            place = partial(_in_batches, first=first, made=last - first, before=before, batches=filled[name])
            frames[name if len(self._applied) > 1 else ""] = frame.at(place)
        self._counted |= counts
        self._filled = filled
        return frames

    @property
    def mixes_examples(self) -> bool:
        """Whether a step was traced that combines predictions of shape (n, 1) with data of shape (n,)."""
        return any(isinstance(seen, ObservedOptimizer) and seen.mixes_examples for seen in self._observers.values())

    @property
    def rings(self) -> list[Any]:
        """What the steps write, as far as it is made."""
        return [ring for observer in self._observers.values() for ring in observer.recorder.rings]

    def norm_of_weights(self) -> float:
        """Return the Euclidean norm of all trainable weights, as they are now."""
        squares = self._squares().numpy()
        if _numerics.is_exact(squares):
            return math.sqrt(float(squares))
        return float(_numerics.careful_norm(self._weights())[0])


def _in_batches(steps: Any, *, first: int, made: int, before: int, batches: int) -> Any:
    """Return at which batch each step was made: the `made` steps after `first` fill the batches after `before`."""
    return before + -(-(steps - first) * (batches - before) // made)


class ObservedSolver:
    """Observes a method of section 8.6, whose iterations leave their rows in the loop of the method."""

    def __init__(self, optimizer: keras.optimizers.Optimizer) -> None:
        self.optimizer = optimizer
        self.recorder: SolverLog = optimizer.telemetry

    def start(self, wishes: Wishes | None, exits: ExitStack) -> None:
        """Observe until `exits` ends, if there is something to leave."""
        if wishes is None:
            return
        self.optimizer.listen(**wishes._asdict())
        exits.callback(self.recorder.stop)
        if self.optimizer.built:
            self.recorder.make_rings()


class ObservedOptimizer:
    """Observes an optimizer by what goes in and what comes out, and may clip or refuse what goes in.

    What only the step itself knows it reports (see integration.train_step): the gradient as it was summed, accumulated
    and clipped. Of an optimizer that reports nothing, that is the gradient that goes in.

    Args:
        optimizer: Any Keras optimizer that follows a gradient.
        rule: A clipping rule, or None. It acts on each call of `apply`: with `gradient_accumulation_steps`, on each
            micro-step. What it remembers lives as long as this object.
        judge: Says whether the optimizer is to take a step, or None. It is asked of each call of `apply`. Where it says
            no, the optimizer is handed NaN, so it must be one that leaves out such a step: `skip_nonfinite=True`.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        rule: ClippingRule | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.optimizer, self.rule = optimizer, rule
        self.judge: Any = judge
        self.recorder = Recorder(optimizer)
        self.recorder.records_loss = judge is not None
        self.mixes_examples = False
        """Whether a step was traced that combines predictions of shape (n, 1) with data of shape (n,)."""
        self._place: dict[int, int] = {}
        self._clipper: Any = None
        self._remembered: Mapping[str, np.ndarray] = {}
        """What the rule begins with, before there is anything to hold it."""
        self._apply: Any = None
        self._scale: Any = None
        self._reporting = train_step.Ending(lambda report: report)
        self._with_row: dict[Wishes, train_step.Ending] = {}
        self._graphs: dict[Wishes, Callable[..., None]] = {}
        """What leaves a row behind a step in a loop that runs op by op, where a graph is several times faster."""

    def start(self, wishes: Wishes | None, exits: ExitStack) -> None:
        """Observe until `exits` ends: until then `apply` and `scale_loss` of the instance are replaced.

        With wishes of None no step leaves a row.
        """
        self._apply, self._scale = self.optimizer.apply, self.optimizer.scale_loss
        exits.enter_context(registry.replaced(self.optimizer, apply=self.apply, scale_loss=self.scale_loss))
        self.recorder.listen(wishes)
        exits.callback(self.recorder.stop)
        if self.optimizer.built:
            self._know(keras_private.known_variables(self.optimizer))
            if wishes is not None:
                self.recorder.make_rings()

    def _know(self, variables: Sequence[Any]) -> None:
        """Learn the variables, once; the optimizer is built by the first that it is given, as by Keras."""
        if self._clipper is None:
            with backend.outside_graphs():
                if not self.optimizer.built:
                    self.optimizer.build(variables)
                known = keras_private.known_variables(self.optimizer)
                self._place = {id(v): i for i, v in enumerate(known)}
                self._clipper = Clipper(self.rule, _new_state)
                self.set_rule_state(self._remembered)

    def rule_state(self) -> dict[str, np.ndarray]:
        """Return what the rule remembers, by name."""
        if self._clipper is None:
            return {name: np.array(value) for name, value in self._remembered.items()}
        return {name: np.array(variable) for name, variable in self._clipper.state.items()}

    def set_rule_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Let the rule go on from this."""
        self._remembered = state
        if self._clipper is not None:
            shapes, given = ({k: tuple(v.shape) for k, v in of.items()} for of in (self._clipper.state, state))
            if state and shapes != given:
                raise ValueError(
                    f"`ClipGradients` can restore its state only for the same weights. Received: {given}, where this "
                    f"model has {shapes}. Start from scratch, without that state."
                )
            for name, value in state.items():
                self._clipper.state[name].assign(value)

    def scale_loss(self, loss: Tensor) -> Any:
        """Record the loss, and scale it as the optimizer does."""
        self.record_loss(loss)
        return self._scale(loss)

    def record_loss(self, loss: Tensor) -> None:
        """Remember the loss of the step that is on its way."""
        record = partial(self.recorder.record_loss, loss)
        record() if self.judge is not None else self.recorder.net.attempt(record)

    def apply(
        self,
        grads: Iterable[Tensor | None],
        trainable_variables: Sequence[keras.Variable] | None = None,
        *more: Any,
        **options: Any,
    ) -> Any:
        """Take a step with the optimizer, and leave a row of it.

        What clips or judges acts, and raises what it raises. What only watches does not: without it the step is the
        bare one.
        """
        given = list(grads)
        known = keras_private.known_variables(self.optimizer)
        variables = list(known if trainable_variables is None else trainable_variables)
        bare = partial(self._apply, given, trainable_variables, *more, **options)
        if len(given) != len(variables) or all(g is None for g in given) or self._refuses(variables):
            return bare()  # raises what Keras says of it
        acts, watching = self.rule is not None or self.judge is not None, self.recorder.net.attempt
        begin = partial(self._step, given, variables)
        step = begin() if acts else watching(begin)
        if step is None:
            return bare()
        seen, handed = None, step.grads
        if acts:
            seen = self._seen(step)
            handed = self._clipped(step, seen.clipped) if self.judge is None else self._judged(step, seen)
        begun = watching(partial(self._begun, step)) if self.recorder.listening else None
        # Nothing makes Keras's step wait, but that a weight is written after it is read: at the end of data of unknown
        # length, what does not depend on data, such as the count of steps, races with the end, and must win as often
        # as without us. Of those without a gradient Keras says what it says without us.
        left = iter(handed)
        take = partial(self._apply, [None if g is None else next(left) for g in given], variables, *more, **options)
        if begun is None:
            return take()
        with train_step.asking(self.optimizer, *self._ending(step, begun)) as reports:
            answer = take()
        if reports != [None]:  # else the step has ended with its row
            watching(partial(self._leave, step, begun, seen, reports))
        return answer

    def _refuses(self, variables: Sequence[Any]) -> bool:
        """Whether the optimizer was built without one of these."""
        places = {id(v) for v in keras_private.known_variables(self.optimizer)}
        return self.optimizer.built and not all(id(v) in places for v in variables)

    def _step(self, given: Sequence[Any], everything: Sequence[Any]) -> "_Step":
        self._know(everything)
        indices = tuple(self._place[id(v)] for v, g in zip(everything, given, strict=True) if g is not None)
        number = backend.as_tensor(self.optimizer.iterations) + 1
        return _Step(indices, [g for g in given if g is not None], number, self.recorder.take_loss())

    def _seen(self, step: "_Step") -> "_Seen":
        """Return the true gradient, not scaled, and summed over replicas; clipped, if there is a rule; and the loss."""
        scale = self.optimizer.loss_scale_factor or 1.0
        read = step.grads if self.rule is not None else [backend.beside(g, step.number) for g in step.grads]
        types = [_numerics.working_dtype(backend.dtype_of(v)) for v in self._variables(step.indices)]
        wide = [backend.as_gradient(g, dtype) for g, dtype in zip(read, types, strict=True)]
        *summed, loss = backend.all_reduce_sum([*wide, step.loss])
        true = [_numerics.scaled(backend.sum_duplicates(g), 1 / scale) for g in summed]
        grads = dict(zip(step.indices, true, strict=True))
        return _Seen(self._clipper.clip(grads, lambda clipped: list(clipped.values())), loss)

    def _variables(self, indices: Iterable[int]) -> list[Any]:
        known = keras_private.known_variables(self.optimizer)
        return [known[i] for i in indices]

    def _judged(self, step: "_Step", seen: "_Seen") -> list[Any]:
        """Return the gradient, with NaN in one tensor, which is enough, where the step is not to be taken."""
        number = backend.as_tensor(self.optimizer.micro_steps) + 1
        loss = seen.loss if self.recorder.knows_loss else None
        good = self.judge(number, loss, _numerics.half_of_all(seen.clipped.halves))
        variables = self._variables(step.indices)
        sizes = [(backend.is_sparse(g), math.prod(v.shape)) for g, v in zip(step.grads, variables, strict=True)]
        place = min((i for i, (_, size) in enumerate(sizes) if size), key=sizes.__getitem__, default=0)
        g = step.grads[place]
        values = backend.values(g)
        values = ops.where(good, values, ops.full_like(values, float("nan")))
        spoiled = backend.with_values(g, values) if backend.is_sparse(g) else values
        return [*step.grads[:place], spoiled, *step.grads[place + 1 :]]

    def _clipped(self, step: "_Step", clipped: Clipped) -> list[Any]:
        """Return the clipped gradient as the optimizer is given it, scaled and in the types of its variables."""
        share = (self.optimizer.loss_scale_factor or 1.0) / backend.replicas()  # Keras divides by the one and sums
        factor = share if clipped.factor is None else share * clipped.factor
        types = [backend.dtype_of(v) for v in self._variables(step.indices)]
        scaled = [_numerics.scaled(g, factor) for g in clipped.after.values()]
        return [backend.as_gradient(g, dtype) for g, dtype in zip(scaled, types, strict=True)]

    def _begun(self, step: "_Step") -> "_Begun":
        """Return what is to be known of a step before it is made."""
        self.mixes_examples |= backend.mixes_examples()
        rate = backend.as_tensor(keras_private.readable_rate(self.optimizer))
        # The copies do not depend on data: at the end of data of unknown length Keras takes a step without any, and
        # what it counts there it counts here too.
        is_measured = self.recorder.is_measured(step.number)
        copied = step.indices if is_measured is not False else ()
        before = backend.copy_when(is_measured, map(backend.native, self._variables(copied)), _numerics.pieces)
        return _Begun(rate, is_measured, before)

    def _ending(self, step: "_Step", begun: "_Begun") -> tuple[Any, ...]:
        """Return what the step is to end with, and what that is given: in a loop op by op with its row, in one graph.

        A step that is measured only reports: its row needs the weights after Keras's constraints, which come last.
        """
        if begun.is_measured is not False or not backend.in_eager_loop():
            return (self._reporting,)
        settings = self.recorder.settings
        ending = self._with_row.setdefault(settings, train_step.Ending(self._end_with_row))
        return ending, step.number, step.loss, begun.rate

    def _end_with_row(self, clipped: Clipped, number: Any, loss: Any, rate: Any) -> None:
        """Leave the row of a step that is not measured, inside it."""
        step, begun = _Step((), [], number, loss), _Begun(rate, False, [])
        self.recorder.net.attempt(partial(self._write, step, begun, None, [clipped]))

    def _leave(self, step: "_Step", begun: "_Begun", seen: "_Seen | None", reports: Sequence[Clipped]) -> None:
        """Leave the row of a step that was made."""
        if not backend.in_eager_loop():
            self._write(step, begun, seen, reports)
            return
        settings = self.recorder.settings
        if settings not in self._graphs:
            self._graphs[settings] = backend.trace(self._write)
        self._graphs[settings](step, begun, seen, reports)

    def _write(self, step: "_Step", begun: "_Begun", seen: "_Seen | None", reports: Sequence[Clipped]) -> None:
        if reports and seen is None:
            seen = _Seen(reports[0], *backend.all_reduce_sum([step.loss]))
        clipped, loss = self._seen(step) if seen is None else seen
        clipped = reports[0] if reports else clipped
        half = _numerics.half_of_all(clipped.halves)
        is_due = self.recorder.is_due(begun.is_measured, half)
        self.recorder.make_rings()
        variables = dict(zip(clipped.after, self._variables(clipped.after), strict=True))

        def moved() -> list[Any]:
            after = _numerics.pieces([backend.as_tensor(v) for v in variables.values()])
            return list(
                backend.branch(
                    begun.is_measured,
                    lambda: [a - ops.reshape(b, a.shape) for a, b in zip(after, begun.before, strict=True)],
                    lambda: [ops.full_like(a, float("nan")) for a in after],
                )
            )

        def leave(tail: Tensor | None) -> None:
            self.recorder.write_row(step.number, begun.rate, loss, clipped, half, tail)

        def tail() -> Tensor:
            dense = [backend.densify(clipped.after[i], v.shape) for i, v in variables.items()]
            change = moved()
            return measured(_numerics.pieces(dense), change, half, self._of_groups(variables, change))

        if backend.replicated() and is_due is not False:  # replicas cannot meet in a branch to write a row
            leave(backend.branch(is_due, tail, partial(not_measured, len(self.recorder.group_rates))))
        else:
            leave(None)
            backend.run_when(is_due, lambda: leave(tail()))
        if getattr(self.optimizer, "step_numbers", ()):
            reported = self.optimizer.report_step(dict(zip(clipped.after, clipped.halves, strict=True)))
            self.recorder.write_numbers(step.number, reported)

    def _of_groups(self, variables: Mapping[int, Any], change: Sequence[Any]) -> list[Tensor]:
        """Return the norm of the change over that of the weights, for each group; NaN where none has a gradient."""
        if not self.recorder.group_rates:
            return []
        shapes = [tuple(v.shape) for v in variables.values()]
        moved = dict(zip(variables, _numerics.of_pieces(change, shapes), strict=True))
        found = []
        for members in self.optimizer.grouping.members.values():
            own = [i for i in members if i in variables]
            if not own:
                found.append(ops.full((), float("nan"), "float32"))
                continue
            both = [moved[i] for i in own], [backend.as_tensor(variables[i]) for i in own]
            update, weights = (ops.cast(_numerics.squared_norm(some), "float32") for some in both)
            found.append(ops.sqrt(_numerics.safe_ratio(update, weights, float("nan"))))
        return found


class _Step(NamedTuple):
    """A step before it is made: the places of the variables with a gradient, the gradients, its number, the loss."""

    indices: tuple[int, ...]
    grads: list[Any]
    number: Any
    loss: Any


class _Seen(NamedTuple):
    """The true gradient that goes into a step, and the loss, both of all replicas."""

    clipped: Clipped
    loss: Any


class _Begun(NamedTuple):
    """What of a step is known before it is made: its rate, whether it is measured, and then the weights in pieces."""

    rate: Any
    is_measured: Any
    before: Sequence[Any]


def _new_state(shape: tuple[int, ...], name: str) -> keras.Variable:
    return keras.Variable("zeros", shape=shape, dtype="float32", trainable=False, name=name)


def _wide(variables: list[Any]) -> list[Any]:
    """Return the values of variables in the types that their steps are computed in."""
    weights = [backend.as_tensor(v) for v in variables]
    return [backend.as_gradient(w, _numerics.working_dtype(w.dtype.name)) for w in weights]
