"""What several rounds say together: medians, spreads, and ratios within each round.

A sample is one measurement, {name: number}; the samples of a server are a list, one a round, with
None for a round that failed.
"""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Figure:
    """The median of some rounds, the least and the most."""
    median: float
    least: float
    most: float
    rounds: int

    def text(self, digits=2):
        """`7.02 (6.90–7.31)`; without the spread when there is none."""
        median, least, most = (f"{round(value, digits) + 0.0:,.{digits}f}"  # -0 becomes 0.
                               for value in (self.median, self.least, self.most))
        return median if least == most else f"{median} ({least}–{most})"


def figure(values):
    """The figure of numbers; None when there is none."""
    values = [value for value in values if value is not None]
    if not values:
        return None
    return Figure(statistics.median(values), min(values), max(values), len(values))


def of(samples, name):
    """The figure of one number of the samples; None when no round has it."""
    return figure(sample.get(name) for sample in samples or [] if sample)


def ratio(samples, to, name, to_name=None):
    """The figure of the ratios within each round that both have; None when there is none.

    `to` may call it by another name. What else the machine does in a round slows both, and leaves
    their ratio as it is.
    """
    to_name = to_name or name
    return figure(
        one[name] / other[to_name] for one, other in zip(samples or [], to or [])
        if one and other and one.get(name) is not None and other.get(to_name))
