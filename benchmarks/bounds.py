"""Problems with bounds: the value that is found, and the evaluations, beside SciPy's L-BFGS-B.

    python benchmarks/bounds.py [--json bounds.json]

Those of Moré, Garbow and Hillstrom with a box each, and ten of Hock and Schittkowski, in float64; both see the same
compiled function. * marks a value that is not the lower one; "ratio" is of the evaluations where both found it.
"""

import pathlib
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import harness

from keras_ch8.second_order.methods import LBFGS
from tests.second_order.bounded import CASES, ours, scipys


def main() -> None:
    """Print a row for each problem, and the sums over those where both found the lower of the two values."""
    options = harness.options(__doc__, "bounds.json")
    warnings.simplefilter("ignore")
    sums, solved, rows = [0, 0], [0, 0], {}
    print(f"{'problem':34} {'at a bound':>10} {'f':>18} {'evaluations':>12} {'SciPy: f':>18} {'evaluations':>12}")
    for case, (value, count, status, x), (theirs, their_count) in zip(CASES, ours(LBFGS()), scipys(), strict=True):
        lowest = min(value, theirs)
        good = [f - lowest <= 1e-6 * abs(lowest) + 1e-8 for f in (value, theirs)]
        solved = [n + is_good for n, is_good in zip(solved, good, strict=True)]
        if all(good):
            sums = [sums[0] + count, sums[1] + their_count]
        rows[case.name] = {"f": value, "evaluations": count, "SciPy: f": theirs, "SciPy: evaluations": their_count}
        at = int(((x == case.low) | (x == case.high)).sum())
        marks = ["" if is_good else "*" for is_good in good]
        print(
            f"{case.name:34} {at:10} {value:17.10g}{marks[0]:1} {count:12} {theirs:17.10g}{marks[1]:1} {their_count:12}"
            f"  {status.name}"
        )
    print(f"{'solved; evaluations where both':34} {'':10} {solved[0]:18} {sums[0]:12} {solved[1]:18} {sums[1]:12}")
    print(f"{'ratio':34} {'':10} {'':18} {sums[0] / sums[1]:12.2f}")
    harness.save(options.json, {"solved": solved, "evaluations": sums, "rows": rows})


if __name__ == "__main__":
    main()
