"""Checks configs/*.yaml against configs/chatgate.schema.json, and that the schema refuses mistakes.

Usage: validate_schema.py CONFIGS
"""

import json
import pathlib
import re
import sys

import jsonschema
import yaml


class Yaml12Loader(yaml.SafeLoader):
    """PyYAML reads YAML 1.1, where `off` is a boolean; chatgate and editors read YAML 1.2."""


Yaml12Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf")
)

REFUSED = {
    "unknown key": "limits: {max_conections: 5}",
    "missing unit": "timeouts: {idle: 30}",
    "number out of bounds": "threads: {acceptors: 0}",
    "unknown word": "limits: {mode: sometimes}",
    "number in quotes": 'limits: {max_connections: "5"}',
    "listener name": "listeners: [{name: Public}]",
    "no listener": "listeners: []",
    "service name": "services: {a.b: {}}",
    "address without port": "listeners: [{name: a, address: 127.0.0.1}]",
}

ACCEPTED = {
    "words that YAML 1.1 takes for booleans": "limits: {mode: off}",
    "a sum of durations": "timeouts: {idle: 1m30s}",
    "a number of workers": "threads: {workers: 4}",
    "an empty address": 'admin: {address: ""}',
}


def main(configs: pathlib.Path) -> int:
    schema = json.loads((configs / "chatgate.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    mistakes = []

    def first_mistake(text: str):
        return next(validator.iter_errors(yaml.load(text, Loader=Yaml12Loader)), None)

    files = sorted(configs.glob("*.yaml"))
    if len(files) < 3:
        mistakes.append(f"only {len(files)} files in {configs}")
    for file in files:
        if mistake := first_mistake(file.read_text(encoding="utf-8")):
            mistakes.append(f"{file.name}: {mistake.json_path}: {mistake.message}")
    for name, text in ACCEPTED.items():
        if mistake := first_mistake(text):
            mistakes.append(f"refused: {name}: {mistake.json_path}: {mistake.message}")
    for name, text in REFUSED.items():
        if first_mistake(text) is None:
            mistakes.append(f"not refused: {name}")

    print("\n".join(mistakes) or f"{len(files)} files are valid")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
