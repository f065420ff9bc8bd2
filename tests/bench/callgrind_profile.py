"""Where the instructions that callgrind counted went: by function, inlined ones included.

Callgrind knows the functions that the compiler left. With its counts by address (--dump-instr) and
llvm-symbolizer, what was inlined gets its own name back.
"""

import collections
import json
import re
import subprocess

SYMBOLIZER = "llvm-symbolizer-16"


class Counts:
    """The costs in files of callgrind, by address.

    `own` is what the instruction at (object, address, function) took, `called` what it called.
    """

    def __init__(self, files):
        self.own = collections.Counter()
        self.called = collections.Counter()
        for file in files:
            self._read(file.read_text(errors="replace").splitlines())

    # The format is in callgrind's manual, "Callgrind Format Specification".
    def _read(self, lines):
        names = {}  # Each file numbers its names.
        of = {"ob": "", "fn": ""}
        address = 0
        callee = None
        for line in lines:
            if match := re.match(r"(c?)(ob|fn)=\((\d+)\)(?: (.*))?", line):
                is_callee, kind, number, name = match.groups()
                if name is not None:
                    names[kind, number] = name
                if not is_callee:
                    of[kind] = names[kind, number]
                elif kind == "fn":
                    callee = names[kind, number]
            elif re.match(r"[+*-]|0x", line):
                position, _, cost = line.split()
                address = moved(address, position)
                at = (of["ob"], address, of["fn"])
                if callee is None:
                    self.own[at] += int(cost)
                elif callee != of["fn"]:  # What recursion costs is in the outer call.
                    self.called[at] += int(cost)
                callee = None


def moved(address, position):
    """The position of a line, which is absolute, relative to the last one, or the same."""
    if position.startswith("0x"):
        return int(position, 16)
    return address + (0 if position == "*" else int(position))


def inlined_frames(program, addresses):
    """{address: [(function, file:line), ...]}, innermost first."""
    said = subprocess.run([SYMBOLIZER, f"--obj={program}", "--inlines", "--output-style=JSON"],
                          input="".join(f"{address:#x}\n" for address in addresses),
                          check=True, capture_output=True, text=True).stdout
    return {int(entry["Address"], 16): [
        (shortened(frame["FunctionName"]), f"{frame['FileName']}:{frame['Line']}")
        for frame in entry.get("Symbol", [])] for entry in map(json.loads, said.splitlines())}


def shortened(name):
    """A function's name without its parameters and template arguments."""
    name = name.replace("operator()", "operator call").replace("(anonymous namespace)::", "")
    name = re.sub(r"operator(<<|>>|<=>|<|>|->)", "operator", name)
    before = None
    while before != name:
        before, name = name, re.sub(r"<[^<>]*>|\([^()]*\)", "", name)
    return re.sub(r" (const|noexcept)\b|\[abi:\w+\]|\[clone \.(\w+)\]", r" \2", name).strip()


class Profile:
    """Self and inclusive costs of functions, and self costs of source lines of `program`."""

    def __init__(self, program, files):
        counts = Counts(files)
        ours = {key[1] for key in {**counts.own, **counts.called} if key[0].endswith("/program")}
        frames = inlined_frames(program, sorted(ours))
        self.own = collections.Counter()
        self.inclusive = collections.Counter()
        self.lines = collections.Counter()
        total = sum(counts.own.values())
        for costs, is_own in ((counts.own, True), (counts.called, False)):
            for (binary, address, function), cost in costs.items():
                stack = frames.get(address) if binary.endswith("/program") else None
                stack = stack or [(shortened(function), binary.rpartition("/")[2])]
                for name in {name for name, _ in stack}:
                    self.inclusive[name] += cost
                if is_own:
                    self.own[stack[0][0]] += cost
                    self.lines["  <  ".join(f"{place.rpartition('/')[2]} {name}"
                                            for name, place in stack[:3])] += cost

        for name in self.inclusive:  # A function that is called below itself counts twice.
            self.inclusive[name] = min(self.inclusive[name], total)

    def print(self, title, operations, top=40):
        tables = {"by itself": self.own, "with what it calls": self.inclusive,
                  "a source line  <  where it is inlined": self.lines}
        for kind, costs in tables.items():
            print(f"\n{title}: instructions an operation, {kind}")
            for name, cost in costs.most_common(top):
                print(f"{cost / operations:10.1f}  {name[:160]}")
