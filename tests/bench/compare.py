#!/usr/bin/env python3
"""What a message and a connection cost the gateway, next to a bare epoll loop; and idling.

  compare.py echo --gateway build/release/bin/chatgate [--rounds 5] [--max-ratio 1.25] [--json]
  compare.py idle --gateway build/release/bin/chatgate [--connections 15000] [--json]

`floor` and `load` are looked for beside the gateway. Cost is the server's CPU time, user and
system, of all its threads, divided by the operations. Gateway and floor take turns, so that what
else the machine does hits both. Exits with 1 when the gateway is above a bound, 2 for wrong usage.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import select
import statistics
import subprocess
import sys
import tempfile
import time

PATIENCE = 60
TICK = os.sysconf("SC_CLK_TCK")

# One worker, one acceptor, the session log on, and everything else as it is by default.
CONFIG = {
    "threads": {"acceptors": 1, "workers": 1},
    "listeners": [{"name": "public", "address": "127.0.0.1:0"}],
    "admin": {"address": "127.0.0.1:0"},
}

SCENARIOS = {
    "50 connections, window 1": ["messages", "--window", "1", "--messages", "400000"],
    "50 connections, window 16": ["messages", "--window", "16", "--messages", "2000000"],
    "whole conversations": ["connection", "--messages", "30000", "--sources", "16"],
}
# What --max-ratio bounds: messages, and not the coming and going of clients.
ECHOES = [name for name, arguments in SCENARIOS.items() if arguments[0] == "messages"]


class Server:
    """A running server: its process, and the port that it serves."""

    def __init__(self, process, port):
        self.process = process
        self.port = port

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self):
        """VmRSS and RssAnon in KiB (proc(5))."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return {name: int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon")}


@contextlib.contextmanager
def stopped_afterwards(process):
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def gateway(binary, config):
    with tempfile.TemporaryDirectory(prefix="chatgate-bench-") as directory:
        path = pathlib.Path(directory)
        (path / "chatgate.yaml").write_text(json.dumps(config))
        log = path / "log"
        with open(log, "w") as sink:
            process = subprocess.Popen([binary, "run", "--config", path / "chatgate.yaml"],
                                       stdin=subprocess.DEVNULL, stderr=sink)
        with stopped_afterwards(process):
            yield Server(process, port_in(log, process))


def port_in(log, process):
    """The port that the gateway tells in its log once it is ready."""
    deadline = time.monotonic() + PATIENCE
    while "event=ready" not in (text := log.read_text()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the gateway does not start:\n{text}")
        time.sleep(0.01)
    line = next(line for line in text.splitlines() if "event=listening" in line)
    return int(line.partition("address=")[2].split()[0].strip('"').rpartition(":")[2])


@contextlib.contextmanager
def floor(binary):
    process = subprocess.Popen([binary, "1"], stdout=subprocess.PIPE, text=True)
    with stopped_afterwards(process), process.stdout:
        yield Server(process, int(process.stdout.readline()))


def measure(server, load, arguments):
    """One run of the load: what it said, with the CPU microseconds of the server an operation."""
    before = server.cpu_seconds()
    done = subprocess.run([load, "--port", str(server.port), *arguments], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"load failed ({done.returncode}): {done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    result["cpu_us"] = (server.cpu_seconds() - before) * 1e6 / result["operations"]
    return result


def summary(runs):
    costs = [run["cpu_us"] for run in runs]
    return {"cpu_us": statistics.median(costs), "cpu_us_min": min(costs), "cpu_us_max": max(costs),
            "p99_us": statistics.median(run["p99_us"] for run in runs),
            "per_second": statistics.median(run["operations"] / run["seconds"] for run in runs)}


def compare(options):
    """Alternates the two servers, each started anew for each round of a scenario."""
    results = {}
    starters = {"gateway": lambda: gateway(options.gateway, CONFIG),
                "floor": lambda: floor(options.floor)}
    for scenario, arguments in SCENARIOS.items():
        runs = {name: [] for name in starters}
        for _ in range(options.rounds):
            for name, start in starters.items():
                with start() as server:
                    measure(server, options.load, [arguments[0], "--messages", "2000"])
                    runs[name].append(measure(server, options.load, arguments))
        results[scenario] = {name: summary(runs[name]) for name in runs}
        results[scenario]["ratio"] = (results[scenario]["gateway"]["cpu_us"]
                                      / results[scenario]["floor"]["cpu_us"])
    return results


def print_comparison(results):
    print(f"{'CPU us an operation: median (min..max)':28}{'gateway':>26}{'floor':>26}{'ratio':>8}")
    for scenario, result in results.items():
        cells = ["{cpu_us:.2f} ({cpu_us_min:.2f}..{cpu_us_max:.2f})".format(**result[name])
                 for name in ("gateway", "floor")]
        print(f"{scenario:38}{cells[0]:>26}{cells[1]:>26}{result['ratio']:>8.2f}")


def echo(options):
    results = compare(options)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        print_comparison(results)
    worst = max(results[scenario]["ratio"] for scenario in ECHOES)
    if options.max_ratio and worst > options.max_ratio:
        print(f"an echo costs {worst:.2f} times the floor's, at most {options.max_ratio} is "
              "allowed", file=sys.stderr)
        return 1
    return 0


def idle(options):
    count = options.connections
    config = {**CONFIG, "limits": {"max_connections": count + 100}}
    with gateway(options.gateway, config) as server:
        measure(server, options.load, ["messages", "--messages", "2000"])
        before = server.memory()
        load = subprocess.Popen(
            [options.load, "idle", "--port", str(server.port), "--connections", str(count),
             "--sources", "4"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with stopped_afterwards(load), load.stdin, load.stdout:
            opened = json.loads(load.stdout.readline())
            during = server.memory()
            used = server.cpu_seconds()
            select.select([load.stdout], [], [], 5)  # The time that is measured.
            used = server.cpu_seconds() - used
        after = server.memory()
    result = {"connections": opened["operations"], "errors": opened["errors"], "before_kib": before,
              "during_kib": during, "after_kib": after, "cpu_seconds_in_5": used,
              "bytes_per_session": (during["RssAnon"] - before["RssAnon"]) * 1024 / count}
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        for name, value in result.items():
            print(f"{name:20}{value}")
    return int(opened["operations"] != count or result["bytes_per_session"] > options.max_bytes)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("echo", "idle"))
    parser.add_argument("--gateway", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-ratio", type=float, help="of a message")
    parser.add_argument("--connections", type=int, default=15_000)
    parser.add_argument("--max-bytes", type=float, default=1024, help="of an idle session")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.gateway = options.gateway.resolve()
    options.floor = options.gateway.with_name("floor")
    options.load = options.gateway.with_name("load")
    for program in (options.gateway, options.floor, options.load):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is not there: build it first")
    return options


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options = parse_arguments()
    return {"echo": echo, "idle": idle}[options.what](options)


if __name__ == "__main__":
    sys.exit(main())
