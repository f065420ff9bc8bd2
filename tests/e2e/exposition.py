"""Reads the Prometheus text format, as far as the tests need it."""

import re

_SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Exposition:
    """The samples of one scrape."""

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if match := _SAMPLE.match(line):
                labels = dict(_LABEL.findall(match[2] or ""))
                self.samples.append((match[1], labels, float(match[3])))

    def matching(self, name, **labels):
        """(labels, value) of each series of that name that has these labels."""
        return [(own, value) for own_name, own, value in self.samples
                if own_name == name and labels.items() <= own.items()]

    def sum(self, name, **labels):
        return sum(value for _, value in self.matching(name, **labels))

    def value(self, name, **labels):
        """The one series that matches. Fails when there is none, or more than one."""
        found = self.matching(name, **labels)
        assert len(found) == 1, f"{len(found)} series match {name} {labels}: {found}"
        return found[0][1]

    def series(self):
        return {(name, *sorted(labels.items())) for name, labels, _ in self.samples}

    def is_accounted(self):
        return (self.sum("chatgate_connections_accepted_total")
                == self.sum("chatgate_connections_rejected_total")
                + self.sum("chatgate_connections_closed_total")
                + self.sum("chatgate_connections_open"))
