#!/usr/bin/env python3
"""Whether the admin endpoint slows those who talk: the delay of replies with and without requests.

usage: CHATGATE=build/release/bin/chatgate tests/bench/admin_cost.py [--rounds N] [--rate N]

Clients talk at a rate that leaves the gateway room, in an open loop, so that a stall shows. Quiet
rounds and rounds in which the endpoint is asked 50 times a second, for everything that it has, take
turns; 1,000 sessions are open throughout. Prints the medians, and each round's p99.
"""

import argparse
import http.client
import itertools
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from client import Client  # noqa: E402
from gateway import BINARY, Gateway, raise_descriptor_limit  # noqa: E402

PATHS = ["/metrics", "/status", "/connections?sort=-age&limit=50", "/sources",
         "/connections/closed?limit=20", "/config", "/"]
QUANTILES = ["p50", "p99", "p999"]
IDLE = 1_000


class Asker:
    """Asks `per_second` times a second while it is entered; counts the answers."""

    def __init__(self, port, per_second):
        self.answers = 0
        self._port = port
        self._period = 1 / per_second
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *ignored):
        self._over.set()
        self._thread.join()

    def _run(self):
        due = time.monotonic()
        for path in itertools.cycle(PATHS):
            due += self._period
            if self._over.wait(max(0, due - time.monotonic())):
                return
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            connection.close()
            self.answers += response.status == 200


def delays(gateway, rate, seconds):
    """What `chatgate bench` measured, in microseconds."""
    address = "{}:{}".format(*gateway.address())
    done = subprocess.run(
        [BINARY, "bench", address, "--rate", f"{rate}/s", "--connections", "50", "--duration",
         f"{seconds}s", "--json"], check=True, capture_output=True, text=True,
        timeout=10 * seconds + 60)
    return json.loads(done.stdout)["latency_us"]


def measure(gateway, arguments):
    rounds = {"quiet": [], "asked": []}
    answers = 0
    for _ in range(arguments.rounds):
        rounds["quiet"].append(delays(gateway, arguments.rate, arguments.seconds))
        with Asker(gateway.admin_port, 50) as asker:
            rounds["asked"].append(delays(gateway, arguments.rate, arguments.seconds))
        answers += asker.answers
    print(f"{answers} requests answered in {arguments.rounds * arguments.seconds} s")
    print("       " + "".join(f"{name:>9}" for name in QUANTILES) + "   p99 of each round, in us")
    for name, all_of in rounds.items():
        medians = (statistics.median(one[quantile] for one in all_of) for quantile in QUANTILES)
        each = " ".join(f"{one['p99']:.0f}" for one in all_of)
        print(f"{name:<7}" + "".join(f"{value:9.0f}" for value in medians) + f"   {each}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rate", type=int, default=2_000, help="messages a second")
    parser.add_argument("--seconds", type=int, default=5, help="of a round")
    arguments = parser.parse_args()
    raise_descriptor_limit()
    # Idle sessions make the answers long.
    config = {"limits": {"per_source": {"mode": "off"}}, "threads": {"workers": 1}}
    with Gateway(config) as gateway:
        idle = [Client(gateway.address()) for _ in range(IDLE)]
        for client in idle:
            client.line()
        measure(gateway, arguments)
        for client in idle:
            client.close()


if __name__ == "__main__":
    main()
