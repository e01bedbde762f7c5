"""The pacing of competence-based curricula."""

from ..._section import section
from ._root import Root


@section("8.7.6")
def competence(start: float = 0.01) -> Root:
    """Return the pacing of Platanios et al.: the square root, from 1 % of the examples on (section 8.7.6).

        c(u) = sqrt(start^2 + (1 - start^2) u)

    They draw an example once its place in the order of difficulty, as a share, is below the competence c: so does every
    pacing here.

    Args:
        start: Competence at the beginning, in (0, 1]. Defaults to `0.01`.

    Raises:
        ValueError: If `start` lies outside its range.

    Example:
        >>> pacing = keras_ch8.curriculum.competence()
        >>> [round(float(pacing(u)), 6) for u in (0, 0.25, 1)]
        [0.01, 0.500075, 1.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Platanios et al. (2019), Competence-based
        Curriculum Learning for Neural Machine Translation.
    """
    return Root(2, start)
