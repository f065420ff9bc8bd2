"""Takes turns: every variant once a round, so that what else the machine does hits all alike."""

import dataclasses
import subprocess
import sys
import time

from processes import Failure


@dataclasses.dataclass(frozen=True)
class Variant:
    """One thing to measure: `measure()` returns a sample, {name: number}, or raises Failure.

    `key` names it in the results: a server, or `server/what`. `seconds` is what one run takes,
    about. It is left out of rounds beyond `rounds`.
    """
    key: str
    seconds: float
    measure: object
    rounds: int = sys.maxsize


@dataclasses.dataclass(frozen=True)
class Plan:
    """A scenario that is ready to run."""
    name: str
    variants: list
    rounds: int

    def seconds(self):
        return sum(variant.seconds * min(variant.rounds, self.rounds)
                   for variant in self.variants)


class Progress:
    """Says on standard error what was measured, and how long the rest will take."""

    def __init__(self, plans):
        self._left = sum(plan.seconds() for plan in plans)
        self._total = self._left or 1
        self._planned = 0.0  # What is done, as it was planned...
        self._spent = 0.0    # ... and what it took.

    def done(self, planned, spent, text):
        self._left -= planned
        self._planned += planned
        self._spent += spent
        pace = self._spent / self._planned if self._planned > 10 else 1
        share = 1 - self._left / self._total
        minutes = max(self._left, 0) * pace / 60
        print(f"[{share:4.0%}, {minutes:4.1f} min left] {text}", file=sys.stderr, flush=True)


def run(plan, progress):
    """Measures all rounds of a plan. Returns {key: [sample or None, ...]}, one for each round."""
    samples = {variant.key: [] for variant in plan.variants}
    for turn in range(plan.rounds):
        # There and back again: nobody always comes after the same neighbour.
        for variant in plan.variants[::-1 if turn % 2 else 1]:
            if turn >= variant.rounds:
                continue
            started = time.monotonic()
            try:
                sample = variant.measure()
                said = summary(sample)
            except (Failure, OSError, subprocess.SubprocessError) as failure:
                sample, said = None, f"FAILED: {failure}"
            samples[variant.key].append(sample)
            progress.done(variant.seconds, time.monotonic() - started,
                          f"{plan.name} {turn + 1}/{plan.rounds} {variant.key}: {said}")
    return samples


# What a line of progress tells of a sample, in this order, as far as it has it.
TOLD = (("cpu_us", "{:.2f} us CPU"), ("per_second", "{:,.0f}/s"), ("p99_us", "p99 {:.0f} us"),
        ("p999_us", "p99.9 {:.0f} us"), ("bytes_per_connection", "{:,.0f} bytes each"),
        ("answer_ms", "answer {:.1f} ms"), ("errors", "{} errors"), ("refused", "{} refused"),
        ("message, window 1", "{:,.0f} instructions a message"),
        ("instructions_a_message", "{:,.0f} instructions a message"))


def summary(sample):
    return ", ".join(form.format(sample[name]) for name, form in TOLD if sample.get(name))
