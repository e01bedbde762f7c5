"""Steps go forward: TensorBoard's fast loader deletes all later points of a series whose step goes back."""

import warnings
from collections.abc import Iterable


class Steps:
    """The last step of each series of a run."""

    def __init__(self, last: dict[str, int]) -> None:
        self._last = last
        self._warned = False

    def __contains__(self, name: str) -> bool:
        return name in self._last

    def forward(self, step: int, names: Iterable[str]) -> set[str]:
        """Return the names for which `step` is new, which it is no more after this; warn of others once."""
        names = set(names)
        kept = {name for name in names if self._last.get(name, -1) < step}
        if kept != names:
            self._warn(step, min(names - kept))
        self._last.update(dict.fromkeys(kept, step))
        return kept

    def free(self, step: int, name: str) -> int:
        """Return `step`, or the first one after it that is new for this series; it is no more after this."""
        self._last[name] = max(step, self._last.get(name, -1) + 1)
        return self._last[name]

    def _warn(self, step: int, name: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                "The steps of a run for TensorBoard must go forward, so some points are dropped. "
                f"Received: {name!r} at step {step}, after step {self._last[name]}. "
                f"For a run that starts again, open a writer with first_step={step}.",
                RuntimeWarning,
                stacklevel=2,
            )
