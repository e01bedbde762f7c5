"""Problems with bounds: the value that is found, and the evaluations, beside SciPy's L-BFGS-B.

.venv/bin/python benchmarks/bounds.py
"""

import warnings

from keras_ch8.second_order.methods import LBFGS
from tests.second_order.bounded import CASES, ours, scipys


def main() -> None:
    """Print a row for each problem, and the sums over those where both found the lower of the two values."""
    warnings.simplefilter("ignore")
    sums, solved = [0, 0], [0, 0]
    print(f"{'problem':34} {'at a bound':>10} {'f':>18} {'evaluations':>12} {'SciPy: f':>18} {'evaluations':>12}")
    for case, (value, count, status, x), (theirs, their_count) in zip(CASES, ours(LBFGS()), scipys(), strict=True):
        lowest = min(value, theirs)
        good = [f - lowest <= 1e-6 * abs(lowest) + 1e-8 for f in (value, theirs)]
        solved = [n + is_good for n, is_good in zip(solved, good, strict=True)]
        if all(good):
            sums = [sums[0] + count, sums[1] + their_count]
        at = int(((x == case.low) | (x == case.high)).sum())
        marks = ["" if is_good else "*" for is_good in good]
        print(
            f"{case.name:34} {at:10} {value:17.10g}{marks[0]:1} {count:12} {theirs:17.10g}{marks[1]:1} {their_count:12}"
            f"  {status.name}"
        )
    print(f"{'solved; evaluations where both':34} {'':10} {solved[0]:18} {sums[0]:12} {solved[1]:18} {sums[1]:12}")


if __name__ == "__main__":
    main()
