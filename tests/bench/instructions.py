#!/usr/bin/env python3
"""How many instructions of user space a message and a connection cost, counted by callgrind.

  instructions.py [--json FILE]     the gateway, the floor, and the small operations
  instructions.py --profile [NAME]  where those of the gateway go, or of one line of its table
  instructions.py --check           fails (1) when a figure is 5 % above instructions.json
  instructions.py --update          takes the figures as they are now into instructions.json

What a server does by time and not by message (ticks) is counted while it idles, and taken off.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import lockstep
from callgrind import Server, calls, count_calls, total
from callgrind_profile import Profile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMITTED = pathlib.Path(__file__).with_suffix(".json")
CONNECTIONS = 50
IDLE_SECONDS = 2
TICK = "chatgate::net::TimerWheel::advance"
TOLERANCE = 0.05
IDLE = "an idle second"  # By time, not by operation: printed and not compared.
SKIPPED = 77

# One worker, one acceptor, sources that are tracked and not exempt; else as it is by default.
CONFIG = {
    "threads": {"acceptors": 1, "workers": 1},
    "listeners": [{"name": "public", "address": "127.0.0.1:0"}],
    "limits": {"per_source": {"max": 1000, "rate": "10000/s", "burst": 10000, "exempt": []}},
    "admin": {"address": "127.0.0.1:0"},
}


def gateway(build):
    server = Server([build / "bin/chatgate", "run", "--config", "chatgate.yaml"],
                    {"chatgate.yaml": json.dumps(CONFIG)})
    server.port = int(server.wait_for(server.stderr, r'event=listening .*address="?\S*:(\d+)')[1])
    server.wait_for(server.stderr, "event=ready")
    return server


def floor(build):
    server = Server([build / "bin/floor", "1"])
    server.port = int(server.wait_for(server.stdout, r"^(\d+)$")[1])
    return server


class Meter:
    """Counts what a server does for its clients, less what it would have done anyway.

    A thread that ticks is charged its ticks, which a machine that is busy delays and merges; what
    others do by time is charged by the second.
    """

    def __init__(self, server):
        self.server = server
        files, _ = self._count(1, lambda: time.sleep(IDLE_SECONDS))
        self.idle = {thread_of(file): (total([file]), calls(file, TICK)) for file in files}
        self.of_a_second = total(files) / IDLE_SECONDS
        self.of_a_stop = 0  # Each thread looks around once when it continues.
        self.of_a_stop = self.count(100, 1, lambda: lockstep.all_at_once(server, [], 0))[0] / 100

    def count(self, rounds, stops, work):
        """(instructions, files of them) of doing `work` so many times over, each with `stops`."""
        files, seconds = self._count(rounds, work)
        idle = sum(self._idle(file, seconds) for file in files)
        return total(files) - idle - rounds * stops * self.of_a_stop, files

    def _count(self, rounds, work):
        self.server.settle()
        self.server.zero()
        started = time.monotonic()
        for _ in range(rounds):
            work()
        self.server.settle()
        seconds = time.monotonic() - started
        return self.server.dump(), seconds

    def _idle(self, file, seconds):
        cost, ticks = self.idle.get(thread_of(file), (0, 0))
        return cost * (calls(file, TICK) / ticks if ticks else seconds / IDLE_SECONDS)


def thread_of(file):
    return file.name.rpartition("-")[2]


def measure(server, look=lambda *_: None):
    """{what: instructions an operation}. `look(what, files, operations)` sees each count."""
    clients = [lockstep.connect(server) for _ in range(CONNECTIONS)]
    # What; rounds; a round; its operations; how often it stops the server.
    scenarios = [
        ("message, window 1", 100, lambda: lockstep.all_at_once(server, clients, 1),
         CONNECTIONS, 1),
        ("message, window 16", 20, lambda: lockstep.all_at_once(server, clients, 16),
         CONNECTIONS * 16, 1),
        ("message, one client at a time", 40, lambda: lockstep.one_by_one(server, clients),
         CONNECTIONS, 0),
        ("connection", 500, lambda: lockstep.converse(server), 1, 0),
    ]
    meter = Meter(server)
    figures = {}
    for what, rounds, work, operations, stops in scenarios:
        for _ in range(rounds // 5):  # Memory grows, and then does not.
            work()
        counted, files = meter.count(rounds, stops, work)
        figures[what] = counted / (rounds * operations)
        look(what, files, rounds * operations)
    figures[IDLE] = meter.of_a_second
    for client in clients:
        client.close()
    return figures


def measure_operations(build):
    """{operation: instructions an item} of micro/."""
    said, counts = count_calls(build / "bin/micro_instructions", "collected")
    names = [line.split() for line in said.splitlines()]
    assert len(names) == len(counts), f"{len(counts)} counts of {len(names)} operations"
    return {name: count / int(items) for (name, items), count in zip(names, counts)}


def measure_all(build):
    figures = {}
    for name, start in {"gateway": gateway, "floor": floor}.items():
        with start(build) as server:
            figures[name] = measure(server)
    figures["operation"] = measure_operations(build)
    return figures


def print_tables(figures):
    print(f"{'user-space instructions':32}{'gateway':>12}{'floor':>12}")
    for what, count in figures["gateway"].items():
        print(f"{what:32}{count:12,.1f}{figures['floor'][what]:12,.1f}")
    print(f"\n{'operation':32}{'an item':>12}")
    for what, count in figures["operation"].items():
        print(f"{what:32}{count:12,.1f}")


def profile(build, wanted):
    program = build / "bin/chatgate"

    def look(what, files, operations):
        if wanted in ("all", what):
            Profile(program, files).print(what, operations)

    with gateway(build) as server:
        measure(server, look)


def origin(build):
    """What the figures depend on besides the code."""
    flags = pathlib.Path("/proc/cpuinfo").read_text().partition("flags")[2].split("\n")[0].split()
    cache = (build / "CMakeCache.txt").read_text().splitlines()
    compiler = next(line for line in cache if line.startswith("CMAKE_CXX_COMPILER:"))
    version = subprocess.run([compiler.partition("=")[2], "--version"], check=True,
                             capture_output=True, text=True).stdout.splitlines()[0]
    return {"machine": platform.machine() + (" avx2" if "avx2" in flags else ""),
            "compiler": version, "libc": " ".join(platform.libc_ver())}


def compare(committed, figures):
    """Prints what costs more than it did. Returns whether something does."""
    risen = False
    for kind, costs in figures.items():
        for what, now in costs.items():
            was = committed.get(kind, {}).get(what)
            if what == IDLE:
                continue
            if was is None:
                print(f"instructions: {kind}: {what} is not in {COMMITTED.name}: --update it")
                risen = True
            elif now > was * (1 + TOLERANCE) and now > was + 1:
                print(f"instructions: {kind}: {what}: was {was:,.1f}, is {now:,.1f} "
                      f"(+{(now / was - 1) * 100:.1f} %, at most +{TOLERANCE * 100:.0f} %)")
                risen = True
            elif now < was * (1 - TOLERANCE):
                print(f"instructions: {kind}: {what}: was {was:,.1f}, is {now:,.1f}: --update "
                      "to keep it so")
    return risen


def check(build):
    committed = json.loads(COMMITTED.read_text())
    here = origin(build)
    if committed["origin"]["machine"] != here["machine"]:
        print(f"instructions: {COMMITTED.name} is of {committed['origin']['machine']}, this is "
              f"{here['machine']}: nothing to compare")
        return SKIPPED
    figures = measure_all(build)
    print_tables(figures)
    if not compare(committed["figures"], figures):
        return 0
    if committed["origin"] != here:
        print(f"instructions: note that they were counted with {committed['origin']}, and now "
              f"with {here}")
    return 1


def write(path, build, figures):
    rounded = {kind: {what: round(count, 1) for what, count in costs.items()}
               for kind, costs in figures.items()}
    path.write_text(json.dumps({"origin": origin(build), "figures": rounded}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release",
                        help="the folder with what was built (build/release)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--json", type=pathlib.Path, metavar="FILE")
    what.add_argument("--profile", nargs="?", const="all", metavar="NAME")
    what.add_argument("--check", action="store_true")
    what.add_argument("--update", action="store_true")
    options = parser.parse_args()
    build = options.build.resolve()
    for program in ("chatgate", "floor", "micro_instructions"):
        if not os.access(build / "bin" / program, os.X_OK):
            parser.error(f"{build}/bin/{program} is not there: build it first")
    if options.check:
        return check(build)
    if options.profile:
        return profile(build, options.profile)
    figures = measure_all(build)
    print_tables(figures)
    if file := options.json or (COMMITTED if options.update else None):
        write(file, build, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
