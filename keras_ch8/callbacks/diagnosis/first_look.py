"""The checks that `Diagnosis` makes before the first step."""

import dataclasses
from collections.abc import Callable

from ..._types import Data, Tensor
from ...monitors.held_out import first_given, validated_on
from ...monitors.start import facts_of
from ...verdicts.checks import claims_of, judged_by
from ...verdicts.verdict import Verdict
from ..session.session import Session
from .judgement import Judgement
from .measuring import Measuring
from .probe_data import EXAMPLES


class FirstLook:
    """What can be seen of a training without a step, looked at once.

    Nothing that fails here touches the training. A loss that cannot be evaluated is reported with the first
    measurement. A model that its first batch builds is looked at after that.

    Args:
        is_wanted: Whether to look at all.
        loss: As for `Diagnosis`.
    """

    def __init__(self, is_wanted: bool, loss: Callable[[Tensor, Tensor], Tensor] | None) -> None:
        self.is_over, self.loss = not is_wanted, loss
        self.first: Data = None
        """The first examples that `fit` reads, where the model is not built yet."""

    def look(self, session: Session, first: Data, probe: Data, measuring: Measuring) -> list[Verdict]:
        """Return the verdicts that change by it, if it is time.

        Args:
            session: The training.
            first: The first examples that `fit` reads, if they are known. Where nobody can read ahead, such as with
                several replicas or workers, arrays and sources that `fit` was given are looked into.
            probe: The examples that are measured on, if they are known.
            measuring: What is told of a check that fails.
        """
        if self.is_over:
            return []
        if first is None and not session.training.can_read_ahead:
            first = self._given(session, measuring)
        data = probe if first is None else first
        if data is None:
            return []
        if not session.is_built:
            self.first = first
            return []
        self.is_over, self.first = True, None
        if not session.model.built:  # the training step does not call it
            return []
        judgement: Judgement = measuring.judgement
        try:
            others, training = None if data is probe else probe, session.training
            facts, _ = facts_of(
                session.model, data, others, self.loss, training=training, is_traced=measuring.only_computes
            )
            for name in ("chance", "neighbours", "least_squares", "unevenness"):
                setattr(judgement.past, name, getattr(facts, name))
            facts = dataclasses.replace(facts, **validated_on(training.arguments))
            claims, _ = claims_of(facts, measuring.leave_out)
            judgement.looked(judged_by(facts))
        except Exception as error:
            measuring.leave_out("preflight", error)
            return []
        return judgement.tracker.update(session.step, claims, "preflight")

    @staticmethod
    def _given(session: Session, measuring: Measuring) -> Data:
        try:
            return first_given(session.training.arguments, EXAMPLES)
        except Exception as error:  # of a sampler of the user's
            measuring.leave_out("preflight", error)
            return None
