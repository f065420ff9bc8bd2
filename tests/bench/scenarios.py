"""What is measured: the scenarios, each a function from a Bench to the Plan of its rounds."""

import contextlib
import dataclasses
import pathlib
import shlex
import statistics
import time

import servers
from load import Load, Placement, anonymous_bytes
from rounds import Plan, Variant

CROWD = 15_000  # Descriptors of one process allow 20,000.
FEW = 50
WARM = ("--warmup", 1000)
SOURCES = ("--sources", "16")
BESIDE = 0.3    # Of a peer's seconds; so long the gateway runs before it, and after it.
STARTING = 0.5  # Seconds that a server takes to come and go, about.
# Seconds that the gateway's memory may take to come back, beyond the five that the load waits for
# any server: it is given back by what runs every five seconds.
SETTLING = 10
PEER_MEMORY_ROUNDS = 2


@dataclasses.dataclass
class Bench:
    """How to measure: the programs, who takes part, how often and how long."""
    programs: pathlib.Path
    kinds: list
    rounds: int
    quick: bool = False
    commands: dict = dataclasses.field(default_factory=dict)  # {scenario: {command line}}
    started: dict = dataclasses.field(default_factory=dict)   # {server: (command line, TALK)}

    def seconds(self, full):
        """How long one load lasts."""
        return full / 8 if self.quick else full

    def crowd(self):
        return CROWD // 10 if self.quick else CROWD

    def who_can(self, what):
        return [kind for kind in self.kinds if what in kind.can]

    def yardsticks(self):
        return [kind for kind in self.kinds if kind.name in servers.YARDSTICKS]

    def load(self, scenario, placement=None):
        return Load(self.programs, placement or Placement.of_this_machine(),
                    self.commands.setdefault(scenario, set()))

    @contextlib.contextmanager
    def server(self, kind, placement=None, workers=1):
        placement = placement or Placement.of_this_machine()
        all_cores = sorted({*placement.server, *placement.client})
        with kind.start(self.programs, all_cores if kind.all_cores else placement.server,
                        workers) as server:
            self.started[kind.name] = (server.process.shown(server.port),
                                       shlex.join(kind.talk.options()))
            yield server


def milliseconds(seconds):
    return f"{round(seconds * 1000)}ms"


def lasting(seconds):
    return ("--duration", milliseconds(seconds))


def against_all(bench, name, what, seconds, *options):
    """The plan of a load of its own against each server that can take it.

    Virtual machines change their speed within seconds, twofold: everybody is compared with
    what the gateway needed just before and just after.
    """
    load = bench.load(name)
    seconds = bench.seconds(seconds)

    gateway = servers.KINDS["chatgate"]

    def run(kind, server, seconds):
        warm = () if kind.slow else WARM
        return load.run(kind, server, *options, *lasting(seconds), *warm)

    def alone(kind):
        def measure():
            with bench.server(kind) as server:
                return run(kind, server, seconds)
        return measure

    def beside_gateway(kind):
        def measure():
            with bench.server(kind) as server, bench.server(gateway) as ours:
                before = run(gateway, ours, seconds * BESIDE)
                sample = run(kind, server, seconds)
                after = run(gateway, ours, seconds * BESIDE)
            cost = (before["cpu_us"] + after["cpu_us"]) / 2
            return sample | {"gateway_share": cost / sample["cpu_us"]}
        return measure

    variants = [Variant(kind.name, seconds + STARTING, alone(kind))
                if kind is gateway else
                Variant(kind.name, (1 + 2 * BESIDE) * seconds + 2 * STARTING,
                        beside_gateway(kind), 2 if kind.slow else 99)
                for kind in bench.who_can(what)]
    return Plan(name, variants, bench.rounds)


def message(bench):
    return against_all(bench, "message", "message", 1.6, "--mode", "message",
                       "--connections", FEW, "--window", 1)


def pipelined(bench):
    return against_all(bench, "pipelined", "message", 1.6, "--mode", "message",
                       "--connections", FEW, "--window", 16)


def connection(bench):
    return against_all(bench, "connection", "connection", 1.6, "--mode", "connection",
                       "--connections", FEW, *SOURCES)


def held(bench, name, *options):
    """The plan of a crowd that comes, is held, and leaves: what its memory is."""
    load = bench.load(name)
    hold = bench.seconds(1)

    def of(kind):
        def measure():
            with bench.server(kind) as server:
                load.run(kind, server, "--mode", "message", "--operations", 2000)
                sample = load.run(kind, server, "--mode", "idle", "--connections", bench.crowd(),
                                  *SOURCES, "--hold", milliseconds(hold), *options)
                sample["idle_cpu_ms"] = sample.pop("hold_cpu_seconds") * 1000 / hold
                if kind.name == "chatgate":
                    settle(server.process.pid, sample, bench.seconds(SETTLING))
                return sample
        return measure

    variants = [Variant(kind.name, 8, of(kind), 99 if kind in bench.yardsticks()
                        else PEER_MEMORY_ROUNDS) for kind in bench.who_can("many")]
    return Plan(name, variants, bench.rounds)


def settle(pid, sample, patience):
    """Waits until the memory is within 10 % of what it was, and notes what it has come to."""
    deadline = time.monotonic() + patience
    while (sample["anon_bytes_after"] > 1.1 * sample["anon_bytes_before"]
           and time.monotonic() < deadline):
        time.sleep(0.1)
        sample["anon_bytes_after"] = anonymous_bytes(pid)


def idle(bench):
    return held(bench, "idle")


def talked(bench):
    return held(bench, "talked", "--talk")


def crowd(bench):
    """50 that talk, alone and among 15,000."""
    load = bench.load("crowd")
    seconds = bench.seconds(2)

    def of(kind, others):
        def measure():
            with bench.server(kind) as server:
                return load.run(kind, server, "--mode", "message", "--connections", FEW,
                                "--idle-connections", others, *SOURCES, *lasting(seconds), *WARM)
        return measure

    others = bench.crowd() - FEW
    variants = [Variant(f"{kind.name}/{who}", seconds + STARTING + (3 if count else 0),
                        of(kind, count))
                for kind in bench.yardsticks()
                for who, count in (("alone", 0), ("crowd", others))]
    return Plan("crowd", variants, bench.rounds)


def workers(bench):
    """One worker and two, with the same cores for both and for their client."""
    placement = Placement.for_two_workers()
    load = bench.load("workers", placement)
    seconds = bench.seconds(2)

    def of(kind, count):
        def measure():
            with bench.server(kind, placement, count) as server:
                return load.run(kind, server, "--mode", "message", "--connections", FEW,
                                "--threads", len(placement.client) if is_apart else 1,
                                *lasting(seconds), *WARM)
        return measure

    is_apart = placement.server != placement.client
    variants = [Variant(f"{kind.name}/{count}", seconds + STARTING, of(kind, count))
                for kind in bench.yardsticks() for count in (1, 2)]
    return Plan("workers", variants, bench.rounds)


class FloorRate:
    """Messages a second that the epoll floor answers at most; measured when it is first asked."""

    def __init__(self, bench, load):
        self._bench = bench
        self._load = load
        self._most = None

    def most(self):
        if self._most is None:
            self._most = statistics.median(self._measure() for _ in range(3))
        return self._most

    def _measure(self):
        kind = servers.KINDS["floor"]
        with self._bench.server(kind) as server:
            return self._load.run(kind, server, "--mode", "message", "--connections", FEW,
                                  *lasting(self._bench.seconds(1)), *WARM)["per_second"]


def open_loop(bench, name, seconds, percents, rounds):
    """The plan of messages that come at shares of what the floor can do, ready or not."""
    load = bench.load(name)
    seconds = bench.seconds(seconds)
    floor = FloorRate(bench, load)

    def of(kind, percent):
        def measure():
            rate = round(floor.most() * percent / 100)
            with bench.server(kind) as server:
                return load.run(kind, server, "--mode", "message", "--connections", FEW, "--rate",
                                f"{rate}/s", *lasting(seconds), *WARM) | {"rate": rate}
        return measure

    variants = [Variant(f"{kind.name}/{percent}", seconds + STARTING, of(kind, percent))
                for percent in percents for kind in bench.yardsticks()]
    return Plan(name, variants, rounds)


def tail(bench):
    return open_loop(bench, "tail", 4, [50], bench.rounds)


def rates(bench):
    percents = (20, 80) if bench.quick else range(10, 100, 10)
    return open_loop(bench, "rates", 2, percents, min(bench.rounds, 3))


SCALE = (1, 10, 50, 200, 1000, 5000, 15000)
QUICK_SCALE = (1, 1000)
SCALE_PEERS = {"redis", "memcached", "nats", "go"}


def scale(bench):
    """Cost against connections, all of which talk."""
    load = bench.load("scale")
    seconds = bench.seconds(1.2)

    def of(kind, count):
        def measure():
            with bench.server(kind) as server:
                return load.run(kind, server, "--mode", "message", "--connections", count,
                                *SOURCES, *lasting(seconds), "--warmup", max(1000, count))
        return measure

    kinds = [kind for kind in bench.kinds
             if kind in bench.yardsticks() or kind.name in SCALE_PEERS]
    variants = [Variant(f"{kind.name}/{count}", seconds + STARTING + count / 6000,
                        of(kind, count))
                for count in (QUICK_SCALE if bench.quick else SCALE) for kind in kinds]
    return Plan("scale", variants, min(bench.rounds, 3))
