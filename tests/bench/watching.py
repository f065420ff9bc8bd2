"""What watching the gateway costs: scrapes and listings while 15,000 are connected and 50 talk.

The messages come at a fixed rate, so that whatever holds a worker shows in their latency.
"""

import http.client
import statistics
import time

import servers
from processes import PATIENCE, Failure
from rounds import Plan, Variant
from scenarios import FEW, SOURCES, STARTING, WARM, lasting

ASKED = 50
PAUSE = 0.05  # Seconds from one request to the next.
RATE = 10_000
LATE = 0.005  # Seconds; a worker must not be held longer.
CAME_UP = 3   # Seconds until all are connected, about.

ASKS = {"quiet": None, "metrics": "/metrics", "connections": "/connections?limit=100"}


def watching(bench):
    """Nobody watches; /metrics is scraped; /connections is asked for."""
    load = bench.load("watching")
    kind = servers.KINDS["chatgate"]
    asked = ASKED // 5 if bench.quick else ASKED
    seconds = asked * PAUSE + 1

    def of(path):
        def measure():
            with bench.server(kind) as server:
                child = load.start(
                    kind, server, "--mode", "message", "--connections", FEW, "--idle-connections",
                    bench.crowd() - FEW, *SOURCES, "--rate", f"{RATE}/s", *lasting(seconds), *WARM)
                try:
                    watched = watch(server, child, bench.crowd(), path, asked)
                finally:
                    sample = load.finish(child)
                return sample | watched
        return measure

    variants = [Variant(f"chatgate/{name}", seconds + STARTING + CAME_UP, of(path))
                for name, path in ASKS.items()]
    return Plan("watching", variants, bench.rounds)


def watch(server, child, crowd, path, asked):
    """Asks for `path` so many times once all are connected; what that took."""
    wait_for_crowd(server, child, crowd)
    ticks, late = loop_delays(server)
    taken = []
    for _ in range(asked):
        started = time.monotonic()
        if path:
            ask(server, path)
            taken.append((time.monotonic() - started) * 1000)
        time.sleep(max(0, started + PAUSE - time.monotonic()))
    ticks_after, late_after = loop_delays(server)
    answers = {"answer_ms": statistics.median(taken), "answer_max_ms": max(taken)} if taken else {}
    return {"ticks": ticks_after - ticks, "late_ticks": late_after - late, **answers}


def ask(server, path):
    connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise Failure(f"{path} answered {answer.status}: {text}")
        return text
    finally:
        connection.close()


def series(text, name, **labels):
    """The sum of a metric's series that have these labels, in Prometheus's text format."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
               if line.startswith((name + "{", name + " "))
               and all(part in line for part in wanted))


def wait_for_crowd(server, child, crowd):
    deadline = time.monotonic() + PATIENCE
    while series(ask(server, "/metrics"), "chatgate_connections_open") < crowd:
        if child.poll() is not None or time.monotonic() > deadline:
            raise Failure(f"{crowd} did not connect")
        time.sleep(0.05)


def loop_delays(server):
    """The ticks that the workers' loops made, and those that came later than LATE."""
    text = ask(server, "/metrics")
    ticks = series(text, "chatgate_worker_loop_delay_seconds_count")
    return ticks, ticks - series(text, "chatgate_worker_loop_delay_seconds_bucket", le=f"{LATE:g}")
