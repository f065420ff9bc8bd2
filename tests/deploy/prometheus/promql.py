"""What the rules and the dashboard ask for, as far as tests must know it: names and matchers."""

import pathlib
import re

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = SOURCE / "deploy"
RULE_FILES = sorted((DEPLOY / "prometheus").glob("*.rules.yaml"))

# A name of ours, or of the process, with what stands in braces behind it. Recorded names have a
# colon, and are matched as a whole.
_SELECTOR = re.compile(r"(?<![\w:])((?:\w+:)*(?:chatgate|process)_[\w:]*)\s*(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')

# A range or an offset of an expression, and a time by itself.
_RANGE = re.compile(r"(?<=\[)[\w:]+(?=\])|(?<=\boffset )\w+")
_TIME = re.compile(r"(\d+)(s|m|h|d)")
_MILLISECONDS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

# What Prometheus itself adds to a series.
ADDED = {"job", "instance"}


class Selector:
    """`name{matchers}` in an expression."""

    def __init__(self, name, matchers):
        self.name = name
        self.matchers = [(label, operator, value)
                         for label, operator, value in _MATCHER.findall(matchers)]
        self.is_recorded = ":" in name

    def __repr__(self):
        matchers = ",".join(f'{label}{how}"{value}"' for label, how, value in self.matchers)
        return f"{self.name}{{{matchers}}}" if matchers else self.name

    def selects(self, labels):
        """Whether a series of that name with these labels of its own is meant."""
        return all(_holds(labels.get(label, ""), operator, value)
                   for label, operator, value in self.matchers if label not in ADDED)


def _holds(found, operator, value):
    if "=~" in operator or "!~" in operator:
        return bool(re.fullmatch(value, found)) == (operator == "=~")
    return (found == value) == (operator == "=")


def selectors(expression):
    return [Selector(name, matchers or "") for name, matchers in _SELECTOR.findall(expression)]


def hastened(text, speed):
    """The times in `text`, such as `1h` or `10m:5s`, for a clock `speed` times as fast."""
    return _TIME.sub(lambda time: f"{int(time[1]) * _MILLISECONDS[time[2]] // speed}ms", text)


def hastened_rules(file, speed):
    """A file of rules for such a clock: the same but for its times."""
    content = yaml.safe_load(file.read_text())
    for group in content["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _RANGE.sub(lambda span: hastened(span[0], speed), rule["expr"])
            if "for" in rule:
                rule["for"] = hastened(rule["for"], speed)
    return yaml.safe_dump(content)


def rules():
    """Every rule of deploy/prometheus."""
    return [rule for file in RULE_FILES
            for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def recorded():
    return {rule["record"] for rule in rules() if "record" in rule}
