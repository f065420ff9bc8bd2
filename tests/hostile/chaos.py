"""Everything at once, by a plan that a seed makes: `tests/hostile/run chaos --seed N`.

Lanes of attacks, of control and of administration run side by side; the steps of each lane follow
from the seed alone, and how far they come in the time from the machine. Meanwhile well-behaved
clients must get every reply in its order, exactly once (`steady.py`).
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import resource
import ssl
import sys
import tempfile
import threading
import time

from attackers import Attackers
from certificates import make_certificate
from client import Client, unfinished_hellos
from control import ctl
from gateway import PATIENCE, Gateway, eventually, raise_descriptor_limit
from herd import Herd
from hostile import reasons
from slow_reader_test import LINES
from speech import Plain, Proxied, Secret
from steady import Steadies, Steady

STEADY = 10  # So many talk plainly, and half as many each behind a proxy and by TLS.
STALLS = unfinished_hellos()
CERTIFICATES = ("one", "other")  # Folders; the gateway has either.
# What a reload may change under way; replies stay, since the clients know them by heart. Times are
# longer than a busy machine keeps a client of ours from going on with its line.
BASE = {
    "threads": {"acceptors": 2, "workers": 2},
    "log": {"sessions": False},
    "limits": {"max_connections": 400, "tls_handshakes": 40,
               "per_source": {"exempt": ["127.0.0.1", "192.0.2.0/24"],
                              "penalties": {"bootwait": "0s"}}},
    "timeouts": {"line": "6s", "tls_handshake": "3s", "proxy_header": "2s"},
    "output": {"soft_time": "1s", "budget": "8MiB"},
    "drain": {"announce": "10m", "deadline": "20m", "grace": "0s", "spread": "1s"},
}
BROKEN = ("limits: {max_connections: 0}\n", "listeners: [\n", "colour: red\n", "", "\x00\xff",
          "timeouts: {idle: 5}\n", "threads: {workers: 7}\n", "a: &a [*a]\n")


def listeners(folder, certificate=CERTIFICATES[0], deny=(), trusted="127.0.0.0/8", others=()):
    """Where clients come in; certificates are in the folders of CERTIFICATES in `folder`."""
    files = {name: str(folder / certificate / f"{name}.pem") for name in ("certificate", "key")}
    access = {"deny": list(deny)}
    return [{"name": name, "address": "127.0.0.1:0", "access": access, **more}
            for name, more in (("public", {}), ("secure", {"tls": files}),
                               ("proxied", {"proxy_protocol": "required",
                                            "proxy_trusted": [trusted]}),
                               *((name, {}) for name in others))]


def config(folder, **changes):
    return {**BASE, "listeners": listeners(folder), **changes}


def a_proxied(chance, source):
    return Proxied(chance.randrange(1, 3), source, chance.randrange(1024, 65536))


def steadies(gateway, folder, seed):
    """Those who behave, of every kind."""
    contexts = [ssl.create_default_context() for _ in range(2)]
    contexts[1].maximum_version = ssl.TLSVersion.TLSv1_2
    for context in contexts:
        for name in CERTIFICATES:
            context.load_verify_locations(folder / name / "certificate.pem")

    def secret(context):
        return lambda chance, before: Secret(context, before if chance.random() < 0.5 else None)

    def proxied(source):
        return lambda chance, before: a_proxied(chance, source)

    kinds = [("public", lambda chance, before: Plain())] * STEADY
    for number in range(STEADY // 2):
        kinds += [("secure", secret(contexts[number % 2])),
                  ("proxied", proxied(f"192.0.2.{number}"))]
    return Steadies([Steady(number, gateway.address(name), seed, speak)
                     for number, (name, speak) in enumerate(kinds)])


class Chaos:
    """One run. `faults` are what must not have happened."""

    def __init__(self, gateway, folder, seed, seconds):
        self.gateway = gateway
        self.folder = folder
        self.doors = [gateway.address(name) for name in ("public", "secure", "proxied")]
        self.seed = seed
        self.until = time.monotonic() + seconds
        self.steps = {}
        self.faults = []
        self._exhausted_at = 0.0  # Until then the admin endpoint may have had no descriptor.

    def run(self):
        clients = steadies(self.gateway, self.folder, self.seed)
        lanes = [("attack 1", ATTACKS), ("attack 2", ATTACKS), ("control", CONTROLS),
                 ("admin", ADMIN)]
        threads = [threading.Thread(target=self.lane, args=lane) for lane in lanes]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self.faults += clients.stop()
        return clients

    def lane(self, name, steps):
        chance = random.Random(f"{self.seed}/{name}")
        while time.monotonic() < self.until and not self.faults:
            step = chance.choice(steps)
            self.steps[step.__name__] = self.steps.get(step.__name__, 0) + 1
            try:
                step(self, random.Random(chance.random()))
            except ConnectionError as error:
                if steps is not ATTACKS:  # They may be refused by a reset, while they connect.
                    self.faults.append(f"{name}, {step.__name__}: {error!r}")
            except Exception as error:  # Whatever it is, it is told with its seed.
                self.faults.append(f"{name}, {step.__name__}: {error!r}")

    # Attacks.

    def garbage(self, chance):
        self.openings(chance, sources=200)

    def resets(self, chance):
        self.openings(chance, always_reset=True, first=chance.randrange(100_000))

    def openings(self, chance, **options):
        with Attackers() as attackers:
            attackers.open(chance.choice(self.doors), chance.randrange(10, 400),
                           seed=chance.randrange(1 << 63),
                           seconds=max(0, self.soon(chance) - time.monotonic()), **options)
            attackers.seen()

    def crowd(self, chance):
        """More than there are places for; they say a part of a line, or nothing, and leave."""
        with Herd(chance.choice(self.doors)) as herd:
            herd.gather(chance.randrange(50, 450),
                        lambda held: held.say(chance.choice((b"", b"part", b"line\n"))))
            herd.wait(chance.uniform(0.0, 1.0))

    def slowloris(self, chance):
        with Herd(chance.choice(self.doors)) as herd:
            herd.gather(chance.randrange(10, 100), lambda held: held.say(b"s"))
            herd.trickle(lambda held: held.say(b"l"), 0.2, chance.uniform(0.5, 8))

    def never_readers(self, chance):
        with Herd(self.doors[0], receive_bytes=1) as herd:
            herd.gather(chance.randrange(1, 20))
            until = self.soon(chance)
            while time.monotonic() < until:
                for held in herd.all:
                    held.say(LINES)
                time.sleep(0.02)

    def stalled_handshakes(self, chance):
        with Herd(self.doors[1]) as herd:
            herd.gather(chance.randrange(10, 100), lambda held: held.say(chance.choice(STALLS)))
            herd.wait(chance.uniform(0.0, 4.0))

    def damaged_headers(self, chance):
        """For other clients than those who behave: whole, cut or damaged ones, and then a word."""
        def speak(held):
            header = bytearray(
                a_proxied(chance, f"203.0.113.{chance.randrange(256)}").opening())
            if chance.random() < 0.5:
                header[chance.randrange(len(header))] = chance.randrange(256)
            held.say(bytes(header[:chance.randrange(2 * len(header))]))
            held.say(b"word\n")

        with Herd(self.doors[2]) as herd:
            herd.gather(chance.randrange(10, 100), speak)
            herd.wait(chance.uniform(0.0, 3.0))

    def urgent(self, chance):
        with Herd(chance.choice(self.doors)) as herd:
            herd.gather(5)
            for held in herd.all * chance.randrange(1, 40):
                held.say(b"\xff\xf4\xff")
                try:
                    held.socket.send(chance.randbytes(1), 1)  # MSG_OOB
                except OSError:
                    pass

    def soon(self, chance):
        return min(self.until, time.monotonic() + chance.uniform(0.2, 2))

    # Control.

    def changed_configuration(self, chance):
        changes = {
            "limits": {**BASE["limits"], "max_connections": chance.choice((40, 150, 400)),
                       "over_limit": chance.choice(("reply", "reset", "backlog")),
                       "mode": chance.choice(("enforce", "enforce", "observe"))},
            "timeouts": {**BASE["timeouts"], "line": chance.choice(("3s", "6s")),
                         "first_message": chance.choice(("0s", "4s"))},
            "overload": {"mode": chance.choice(("enforce", "observe", "off"))},
            "metrics": {"top_connections": {"count": chance.randrange(20)}},
            "log": {"sessions": False, "level": chance.choice(("info", "debug", "warn"))},
            "listeners": listeners(self.folder, certificate=chance.choice(CERTIFICATES),
                                   deny=[f"127.{chance.randrange(1, 4)}.0.0/16"],
                                   trusted=chance.choice(("127.0.0.0/8", "127.0.0.0/15")),
                                   others=chance.choice(((), ("second",)))),
        }
        self.gateway.write_config(config(self.folder, **changes))
        self.reload(chance, ("applied", "unchanged"))

    def broken_configuration(self, chance):
        self.gateway.write_config(chance.choice(BROKEN))
        self.reload(chance, ())
        self.gateway.write_config(config(self.folder))
        self.reload(chance, ("applied", "unchanged"))

    def reload(self, chance, outcomes):
        """By a signal, or by a request that gives one of `outcomes`; any, if none is named."""
        if chance.random() < 0.5:
            self.gateway.kill(1)  # SIGHUP
            self.request("GET", "/metrics")
            return
        _, text = self.request("POST", "/reload")
        if outcomes and json.loads(text)["outcome"] not in outcomes:
            self.faults.append(f"a reload gave {text}")

    def undone_drain(self, chance):
        self.request("POST", "/drain")
        time.sleep(chance.uniform(0.0, 0.5))
        done = ctl(self.gateway, "undrain")
        if done.returncode:
            self.faults.append(f"undrain: {done}")

    def exhausted_descriptors(self, chance):
        if "address" in os.environ.get("CHATGATE_SANITIZE", ""):
            return  # UBSan makes a pipe to look at a vptr, and takes no pipe for a wrong one.
        soft, hard = resource.prlimit(self.gateway.pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{self.gateway.pid}/fd"))
        self._exhausted_at = float("inf")
        try:
            resource.prlimit(self.gateway.pid, resource.RLIMIT_NOFILE,
                             (used + chance.randrange(5), hard))
            time.sleep(chance.uniform(0.1, 1))
        finally:
            resource.prlimit(self.gateway.pid, resource.RLIMIT_NOFILE, (soft, hard))
            self._exhausted_at = time.monotonic() + 3

    def forced_overload(self, chance):
        self.request("POST", "/overload/force")
        time.sleep(chance.uniform(0.1, 1.5))
        self.request("POST", "/overload/release")

    def forgiven_penalties(self, chance):
        self.request("POST", "/penalties/forgive")
        time.sleep(chance.uniform(0.0, 0.3))

    # Administration.

    def scrape(self, chance):
        self.request("GET", "/metrics")
        time.sleep(chance.uniform(0.0, 0.1))

    def lists(self, chance):
        path = chance.choice(("/connections?sort=-received_bytes&limit=50", "/connections/closed",
                              "/penalties", "/sources", "/status", "/config", "/livez", "/"))
        self.request("GET", path)

    def unfinished_requests(self, chance):
        try:
            with Client(("127.0.0.1", self.gateway.admin_port)) as client:
                client.send(chance.choice(("GET /metr", "POST /reload HTTP/1.1\r\n", "\x16\3")))
                client.reset()
        except OSError:
            if not self.is_exhausted():
                raise

    def typed_commands(self, chance):
        done = ctl(self.gateway, chance.choice(("status", "connections", "closed", "penalties")))
        if done.returncode and not self.is_exhausted():
            self.faults.append(f"ctl: {done}")

    def is_exhausted(self):
        return time.monotonic() < self._exhausted_at

    def request(self, method, path):
        """Repeated while descriptors are lacking, as a person would."""
        while True:
            try:
                status, text = self.gateway.http(method, path)
            except (OSError, http.client.HTTPException):
                if not self.is_exhausted():
                    raise
                time.sleep(0.1)
                continue
            if status >= 500 and not self.is_exhausted():
                self.faults.append(f"{method} {path}: {status} {text}")
            return status, text


ATTACKS = (Chaos.garbage, Chaos.resets, Chaos.crowd, Chaos.slowloris, Chaos.never_readers,
           Chaos.stalled_handshakes, Chaos.damaged_headers, Chaos.urgent)
CONTROLS = (Chaos.changed_configuration, Chaos.changed_configuration, Chaos.broken_configuration,
            Chaos.undone_drain, Chaos.exhausted_descriptors, Chaos.forced_overload,
            Chaos.forgiven_penalties)
ADMIN = (Chaos.scrape, Chaos.scrape, Chaos.lists, Chaos.unfinished_requests, Chaos.typed_commands)


def check(gateway, chaos, clients):
    """What must hold when all is over."""
    eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0,
               "all have left", patience=PATIENCE + 10)
    gateway.check_accounting()
    metrics = gateway.metrics()
    faults = [explained(gateway, fault) for fault in chaos.faults]
    if reasons(metrics).get("internal_error"):
        faults.append(f"internal errors: {reasons(metrics)}")
    if not all(clients.total("replies", door) for door in chaos.doors):
        faults.append("nobody got a reply at one of the doors")
    return faults, metrics


def explained(gateway, fault):
    """With what the gateway says of the end of the client that the fault names, if it names one."""
    if not (peer := re.search(r" at ([\d.]+:\d+),", fault)):
        return fault
    _, text = gateway.http("GET", f"/connections/closed?filter=peer={peer[1]}")
    return f"{fault}; the gateway says {text}"


def tell(seed, gateway, chaos, clients, metrics):
    _, secure, proxied = chaos.doors
    accepted = int(metrics.sum("chatgate_connections_accepted_total"))
    print(f"chaos: seed {seed}: {clients.total('conversations')} conversations, of them "
          f"{clients.total('conversations', secure)} by TLS ({clients.total('resumptions')} "
          f"resumed) and {clients.total('conversations', proxied)} behind a proxy; "
          f"{clients.total('replies')} replies, {clients.total('refusals')} refusals of good "
          f"clients; {accepted} connections, {gateway.memory_kib() / 1024:.0f} MiB\n"
          f"  steps {chaos.steps}\n  closed {reasons(metrics)}\n"
          f"  rejected {reasons(metrics, 'rejected')}", flush=True)


def run_in(folder, seed, seconds):
    with Gateway(config(folder)) as gateway:
        chaos = Chaos(gateway, folder, seed, seconds)
        clients = chaos.run()
        faults, metrics = check(gateway, chaos, clients)
        tell(seed, gateway, chaos, clients, metrics)
        # The long announcement, in which drains can be undone, has served.
        gateway.write_config(config(folder, drain={"announce": "0s"}))
        gateway.http("POST", "/reload")
        gateway.stop()
    return faults


def run(seed, seconds):
    """The faults of one run, told as they come."""
    print(f"chaos: seed {seed}, {seconds} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="chatgate-chaos-") as name:
        folder = pathlib.Path(name)
        for certificate in CERTIFICATES:
            (folder / certificate).mkdir()
            make_certificate(folder / certificate)
        faults = run_in(folder, seed, seconds)
    for fault in faults[:10]:
        print(f"chaos: seed {seed}: FAULT {fault}", flush=True)
    return faults


def main():
    parser = argparse.ArgumentParser(prog="run chaos")
    parser.add_argument("--seed", type=int, help="default: the clock")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--runs", type=int, default=1, help="with seeds that follow each other")
    asked = parser.parse_args()
    raise_descriptor_limit()
    seed = asked.seed if asked.seed is not None else int(time.time())
    return int(any([run(seed + number, asked.seconds) for number in range(asked.runs)]))


if __name__ == "__main__":
    sys.exit(main())
