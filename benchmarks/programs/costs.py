"""What a `Doctor` costs in a training of some seconds."""

import os
import statistics

from trainings import CLOCKS, SETS, begun_in_a_fork, in_a_fork, nothing, trained

COSTLY = (
    "captcha_ctc", "conditional_gan", "point_net", "real_nvp", "stateful_forecast", "transformer", "unet", "unet_large",
)  # fmt: skip
"""Programs whose graphs or steps are large."""


def cost(program, seconds):
    """Return what watching costs in a training of about so many seconds of CPU."""
    short = in_a_fork(trained, program, "arrays", nothing)
    an_epoch = (short["cpu"] - short["first"]) / short["epochs"]
    epochs = max(1, round((seconds - short["first"]) / an_epoch))
    cores = sorted(os.sched_getaffinity(0))
    turns = [(cores[0], cores[-1]), (cores[-1], cores[0])]
    pairs = [_at_once(program, epochs, *turn) for turn in turns]
    bare, watched = (
        {name: round(statistics.mean(run[name] for run in some), 2) for name in CLOCKS}
        for some in zip(*pairs, strict=True)
    )
    bare_rest, watched_rest = (each["cpu"] - each["first"] for each in (bare, watched))
    return {
        "bare": bare["cpu"],
        "watched": watched["cpu"],
        "bare_first": bare["first"],
        "watched_first": watched["first"],
        "first": round(watched["first"] / bare["first"] - 1, 3),
        "rest": round(watched_rest / bare_rest - 1, 3),
        "verdicts": pairs[0][1]["verdicts"],
    }


def _at_once(program, epochs, *cores):
    """Return a bare training and a watched one, made at the same time, each on a core of its own."""
    added = (nothing, SETS["doctor"])
    waiting = [begun_in_a_fork(_on, core, program, each, epochs) for core, each in zip(cores, added, strict=True)]
    return [ended() for ended in waiting]


def _on(core, program, added, epochs):
    os.sched_setaffinity(0, {core})
    return trained(program, "arrays", added, epochs)


def line(name, row):
    """Return the line of a training."""
    return f"{name:44}{row['bare']:6.1f} ->{row['watched']:5.1f} s  {'; '.join(row['verdicts'])}"


def table(rows):
    """Return in Markdown what watching costs each program."""
    lines = [
        "| program | bare, s | watched, s | up to the first step, s | more | in the rest, of the rest | of the whole |",
        7 * "|---" + "|",
    ]
    for name, row in sorted(rows.items()):
        first = f"{row['bare_first']:.1f} -> {row['watched_first']:.1f} | {row['first']:.0%}"
        rest = f"{row['rest']:.0%} | {row['rest'] * (row['bare'] - row['bare_first']) / row['bare']:.0%}"
        lines += [f"| {name} | {row['bare']:.1f} | {row['watched']:.1f} | {first} | {rest} |"]
    return "\n".join(lines)


def total(rows):
    """Return nothing: seconds of several programs are not added."""
    return ""
