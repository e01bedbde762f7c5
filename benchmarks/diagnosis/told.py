"""Holds sentence, number, series, step and limit of every verdict on recorded trainings against each other.

    python -m benchmarks.diagnosis.told [planted zoo3 faults/NAME ...]

A sentence is read as a person reads it: its number is what was measured at the step that it names, and the last of the
series that it names; it is beyond the limit that "Why this was reported" names, and the chart of the page draws that
limit. `kept/` has a sick training of each kind.
"""

import collections
import dataclasses
import fnmatch
import functools
import json
import math
import re
from pathlib import Path
from unittest import mock

import numpy as np

from keras_ch8.board import panels
from keras_ch8.callbacks.diagnosis.judging import Judge
from keras_ch8.cockpit import charts, document
from keras_ch8.monitors import base, progress
from keras_ch8.verdicts import causes
from keras_ch8.verdicts.checks import CHECKS
from keras_ch8.verdicts.kinds import KINDS, title_of
from keras_ch8.verdicts.quantities import LAST, OF_LAST, OF_THREE
from keras_ch8.verdicts.rules import LARGEST
from keras_ch8.verdicts.verdict import LEVELS

from . import replay

HERE = Path(__file__).parent

MONITORS = base.members("full")
BY = replay.Rules({monitor.name: monitor.rules for monitor in MONITORS})
LINES, PANELS = base.lines(MONITORS), [panel.as_data() for panel in panels.of_monitors(MONITORS)]

# --- how a person reads a sentence -----------------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.])(1/)?(\d+(?:\.\d+)?)(e-?\d+)?( %)?")
ENDLESS, NOTHING = (LARGEST, math.inf), (-math.inf, 0.0)
WORDS = {
    "as large as": (0.95, 1.05), "nearly 100 %": (0.99, 1), "just over 100 %": (1, 1.01),
    "less than 0.001 %": (0, 1e-5), "more than 10000 %": (100, math.inf), "to 0 or below": (1, math.inf),
    "below 0": NOTHING, "would not": NOTHING, "neither": (0, 0), "reaches no": (0, 0), "in the first epoch": (0, 0),
    "without limit": ENDLESS, "far above": ENDLESS, "far beyond": ENDLESS, "far longer": ENDLESS,
    "too large": ENDLESS, "no limit": ENDLESS, "linearly dependent": ENDLESS, "lost in its noise": ENDLESS,
}  # fmt: skip
"""What words say instead of a number: from where to where it is."""
IN_SENTENCES = {
    "rate_times_curvature": lambda product: product / 2,
    "kernel_elasticity": lambda size: size / 100,
} | dict.fromkeys(("noise_over_batch", "fall_noise_over_batch"), lambda ratio: max(ratio, 0) / (1 + max(ratio, 0)))
"""What sentences say of quantities that they do not say as they are measured."""
ABSURD = (
    r"\{\w*\}", r"\bnan\b", r"is NaN\b(?! or)", r"\binf(inity)?\b", r"\bNone\b", r"\d{7}",
    r"(?<![\w.])1 (?!(is|has|does|works|times)\b)[a-z]+s\b", r"(?<![\w.])([02-9]|\d+\d) (step|unit|layer|epoch)\b",
    r"(?<![\w.])[01] times\b", r"1/1\b", r"\.\.|  |,,|\( ",
)  # fmt: skip
"""What no sentence has: a name that was not filled in, no number, a noun in the wrong number, "1 times"."""


def says(text, value, quantity):
    """Whether a text says a value of a quantity, to the digits that it has."""
    value = IN_SENTENCES[quantity.name](value) if quantity.name in IN_SENTENCES and abs(value) < math.inf else value
    in_words = [low <= value <= high for words, (low, high) in WORDS.items() if words in text]
    return any(in_words) or any(_is_printed(*found, abs(value)) for found in NUMBER.findall(text))


def _is_printed(one_over, shown, exponent, percent, value):
    """Whether a number stands for a value: half of its last digit is left open; 0 stands for 0 alone."""
    if one_over:
        value = 1 / value if value else math.inf
    whole, _, decimals = shown.partition(".")
    place = -len(decimals) if decimals else len(whole) - len(whole.rstrip("0"))
    power = int(exponent[1:] or 0) if exponent else 0
    left_open = 0.5001 * 10.0 ** (place + power) if float(shown) else 0.0
    return abs((100 if percent else 1) * value - float(shown + exponent)) <= left_open


# --- a training, told ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Told:
    """A training as it was told: the calls of its judge by their steps, all verdicts ever, and those of its end."""

    calls: dict
    ever: list
    verdicts: list

    @classmethod
    def of(cls, fit):
        """Judge one `fit` of a record again."""
        judge, calls, ever = Judge(), collections.defaultdict(list), []
        with mock.patch.object(progress, "progress_measured", lambda log: log.progress):
            for call in fit["calls"]:
                monitors = [BY.monitors[name] for name in call["asked"] if name in BY.monitors]
                ever += judge.judge(replay.Log(call), monitors).changed
                calls[call["step"]].append(call)
        return cls(calls, ever, judge.tracker.verdicts)

    @functools.cached_property
    def series(self):
        """The values of each series by their steps, as far as the judge was told of them."""
        found = collections.defaultdict(dict)
        for step, given in (
            (s, given) for s, calls in self.calls.items() for c in calls for given in c["asked"].values()
        ):
            for name, value in given["drawn"].items():
                if math.isfinite(value):
                    found[name][step] = value
        return found

    @functools.cached_property
    def page(self):
        """What the page is drawn from."""
        run = document.Run("run")
        for name, points in self.series.items():
            for step, value in points.items():
                run.point(name, step, value)
        verdicts = [dataclasses.asdict(verdict) for verdict in self.verdicts]
        run.record(json.dumps({"version": 1, "verdicts": verdicts, "lines": LINES, "panels": PANELS}))
        return document.joined("runs", [run.as_document()], live=False)

    def spoken(self, verdict):
        """Return the rule that says what a verdict has found, and what the judge was given then; None of a check."""
        for name, given in (pair for c in self.calls.get(verdict.measured, ()) for pair in c["asked"].items()):
            where = given["remarks"].get(verdict.kind, "")
            for rule in _rules(name, verdict.kind, given["measured"]):
                if verdict.finding.endswith(rule.finding(given["measured"], where)):
                    return rule, given
        return None

    def disagreements(self):
        """Yield a sentence for each thing in the verdicts that does not agree with another."""
        for verdict in [*self.ever, *self.verdicts]:
            wrong = [*of_words(verdict), *of_steps(verdict, self), *of_cause(verdict, self)]
            spoken = self.spoken(verdict)
            if verdict.level == "ok" and not verdict.explained_by:
                wrong += of_what_is_fine(verdict, self)
            elif spoken:
                wrong += [*of_number(verdict, *spoken, self), *of_limits(verdict, *spoken)]
                wrong += of_page(verdict, *spoken, self) if verdict in self.verdicts else ()
            elif verdict.kind not in {check.kind for check in CHECKS}:
                wrong.append("no rule says that")
            yield from (
                f"{verdict.kind} {verdict.level}: {each}. Said: {verdict.finding} {verdict.why}" for each in wrong
            )


# --- what does not agree ---------------------------------------------------------------------------------------------


def of_words(verdict):
    """Yield what a text has that no sentence may have."""
    for text in (verdict.finding, *verdict.why, verdict.cure, verdict.expects, verdict.then):
        yield from (f"{found[0]!r} in {text!r}" for like in ABSURD if (found := re.search(like, text)))
    if re.search(r"(?<![\w.])0 %", verdict.finding):
        yield "0 % of something is said"


def of_steps(verdict, told):
    """Yield which steps are none of the training, or in the wrong order."""
    yield from (f"step {step} is none" for step in (verdict.step, verdict.measured) if step not in told.calls)
    fell = verdict.why and verdict.why[0].startswith("At step")  # to a lower level, which is told by what was before
    if verdict.level != "ok" and verdict.measured < verdict.step and not fell:
        yield f"it stands since {verdict.step}, and was measured before"


def of_cause(verdict, told):
    """Yield what is wrong with what explains it."""
    cause = verdict.explained_by
    if cause and verdict.kind not in causes.follows_from(cause):
        yield f"{cause} does not explain it"
    if cause and (f'caused by "{title_of(cause)}"' not in verdict.finding or verdict.cure or verdict.code):
        yield "it does not say that it is a consequence, or has a cure of its own"
    if cause and verdict in told.verdicts and not any(v.kind == cause and v.level == "act" for v in told.verdicts):
        yield f"{cause} calls for no action"


def of_what_is_fine(verdict, told):
    """Yield what speaks against a check that has found nothing."""
    if verdict.finding != f"{KINDS[verdict.kind].fine}.":
        yield "all is well is said in other words"
    is_excused = any(why.startswith(("It is reported only if", "It is not", "At step")) for why in verdict.why)
    measured = [
        [rule.is_reached(given["measured"]) for rule in _rules(name, verdict.kind, given["measured"])]
        for call in told.calls.get(verdict.measured, ())
        for name, given in call["asked"].items()
    ]
    if (asked := [reached for reached in measured if reached]) and all(map(any, asked)) and not is_excused:
        yield "a limit is reached, and why nothing is reported is not said"


def _rules(monitor, kind, measured):
    """Return the rules of a monitor that can judge a kind by what was measured."""
    return [rule for rule in BY.of.get(monitor, ()) if rule.kind == kind and rule.can_be_judged(measured)]


def of_number(verdict, rule, given, told):
    """Yield whether the number of the sentence is not that of the first limit, or of its series."""
    measured, drawn = given["measured"], given["drawn"]
    quantity = next(limit.quantity for limit in rule.judged if not math.isnan(measured[limit.quantity.name]))
    value, series = measured[quantity.name], quantity.series
    sentence = verdict.finding.partition(f"{rule.says}: ")[2]
    if not says(sentence, value, quantity):
        yield f"{quantity.name} was {value}"
    if series and verdict.series != series and math.isfinite(value):
        yield f"its series is {verdict.series}, and the number is of {series}"
    shown = drawn.get(series) if not quantity.usual else _median(quantity, told.series[series], verdict.measured)
    if shown is not None and math.isfinite(value) and not says(sentence, shown, quantity):
        yield f"{series} shows {shown}"


def _median(quantity, points, until):
    """Return what is judged of the points of a series; None where not all of them are known."""
    last = {OF_THREE: 3, OF_LAST: LAST}.get(quantity.usual)
    values = [value for step, value in points.items() if step <= until]
    return float(np.median(values[-last:])) if last and len(values) >= last else None


def of_limits(verdict, rule, given):
    """Yield which limits are not reached, or are others in the sentences than in the rule."""
    level = verdict.level if verdict.level != "ok" else "watch"
    sentences = [why for why in verdict.why if re.search(": (WATCH|ACT) at ", why)]
    judged = [limit for limit in rule.judged if not math.isnan(given["measured"][limit.quantity.name])]
    for limit, sentence in zip(judged, sentences, strict=False):
        value, quantity = given["measured"][limit.quantity.name], limit.quantity
        first, _, second = re.split(": (?:WATCH|ACT) at ", sentence)[1].partition(", ACT at ")
        if LEVELS.index(limit.level(value)) < LEVELS.index(level) and not _is_raised(verdict):
            yield f"{value} is not beyond the limit of {sentence}"
        if quantity.phrase and not says(sentence, value, quantity):
            yield f"{quantity.name} was {value}, and not as in {sentence}"
        for text, number in ((first, limit.watch), (second, limit.act)):
            if text and not says(text.partition(" (")[0], number, quantity):
                yield f"the limit is {number}, and not as in {sentence}"


def _is_raised(verdict):
    """Whether a verdict calls for action for what has come of the training, and not for its own numbers."""
    return bool(verdict.why) and verdict.why[0].startswith("It is raised to ACT")


def of_page(verdict, rule, given, told):
    """Yield what the charts of the page do not show of a verdict that stands."""
    (run,) = told.page["runs"]
    name, level = verdict.series, verdict.level
    if name not in run["series"] or verdict.value is None:
        if name:
            yield f"its series {name!r} is not there"
        return
    if not math.isclose(run["series"][name]["values"][-1], verdict.value, rel_tol=1e-3):
        yield f"{name} does not end with {verdict.value}"
    if level == "ok":
        return
    parts = {p["part"] for p in told.page["panels"] if any(fnmatch.fnmatchcase(name, like) for like in p["series"])}
    if not parts - {charts.FOLDED}:
        yield f"no open chart shows {name}"
    drawn = {(limit["value"], limit["direction"]) for limit in run["limits"].get(name, ())}
    for limit in rule.judged:
        here = {limit.watch, limit.act} if _is_raised(verdict) else {limit.act if level == "act" else limit.watch}
        is_shown = limit.quantity.series == name and math.isfinite(given["measured"][limit.quantity.name])
        if is_shown and not {(number, limit.direction) for number in here} & drawn:
            yield f"the chart of {name} draws {drawn}, and the rule judges by {limit}"


def main():
    """Print what does not agree in all records."""
    for path in replay.paths(replay.parser(__doc__).parse_args()):
        for fit in replay.load(path)["fits"]:
            print(*dict.fromkeys(f"{path.stem} {each}\n" for each in Told.of(fit).disagreements()), sep="", end="")


if __name__ == "__main__":
    main()
