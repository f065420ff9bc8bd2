"""What the tests of this folder share: their size, the people who talk meanwhile, and bars."""

import contextlib
import json
import os
import subprocess
import unittest

from gateway import BINARY, PATIENCE, SANITIZED, eventually, raise_descriptor_limit

FULL = os.environ.get("CHATGATE_HOSTILE") == "full"
RESULTS = os.environ.get("CHATGATE_HOSTILE_RESULTS")  # A file that takes a JSON object a bar.
MIB = 1024

GOOD_CLIENTS = 50
GOOD_RATE = 1000  # Messages a second, of all of them together.
UNDISTURBED_SECONDS = 10 if FULL else 1
# Below it the short run says nothing about a p99: neighbours on the machine cost more.
NOISE_MS = 0 if FULL else 2000

# Attackers have machines of their own. On this one they get what the attacked leave.
LEAST_URGENT = ["nice", "-n", "15"]


@contextlib.contextmanager
def least_urgent():
    """Makes this thread an attacker for the block, and for good where nobody may hurry again."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(before, 15))
    try:
        yield
    finally:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, before)


def sized(short, full):
    return full if FULL else short


def source(number):
    """The address of an attacker, of 16,646,144 from 127.1.0.0 on: exempt from nothing by default
    rules, for which tests say `exempt: [127.0.0.1]`."""
    number += 1 << 16
    return f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class GoodClients:
    """Fifty who talk, at a rate, from now until done(); each reply is checked against its message.

    Latency counts from when a message was due."""

    def __init__(self, gateway, *, seconds=600):
        host, port = gateway.address()
        self._process = subprocess.Popen(
            [BINARY, "bench", f"{host}:{port}", "--json", "--engine", "epoll",
             "--connections", str(GOOD_CLIENTS), "--rate", f"{GOOD_RATE}/s",
             "--duration", f"{seconds}s"], stdout=subprocess.PIPE, text=True)
        self.result = None
        try:
            eventually(lambda: gateway.metrics().sum("chatgate_connections_open") >= GOOD_CLIENTS,
                       "the good clients are in")
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def done(self):
        """Ends the talk. Returns what was measured, latencies in milliseconds."""
        if self._process.poll() is None:
            self._process.send_signal(2)
        return self.wait()

    def wait(self):
        printed, _ = self._process.communicate(timeout=2 * PATIENCE)
        self.result = json.loads(printed)
        return self.result

    def p99(self):
        return self.result["latency_us"]["p99"] / 1000

    def errors(self):
        return self.result["errors"] + self.result["refused"]


def undisturbed_p99(gateway):
    with GoodClients(gateway, seconds=UNDISTURBED_SECONDS) as clients:
        clients.wait()
        return clients.p99()


class HostileTest(unittest.TestCase):
    """A test with bars: each is written down, and then it must be met."""

    attack = ""

    def setUp(self):
        raise_descriptor_limit()

    def bar(self, what, bar, measured, met):
        line = {"attack": self.attack, "what": what, "bar": bar, "measured": measured,
                "met": bool(met)}
        print(f"{self.attack}: {what}: {measured} (bar: {bar})", flush=True)
        if RESULTS:
            with open(RESULTS, "a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.assertTrue(met, f"{what}: {measured}, and the bar is {bar}")

    def note(self, what, measured):
        """Writes down what has no bar."""
        self.bar(what, "–", measured, True)

    def unharmed(self, clients, alone):
        """The good clients had no error. Tells their p99 beside that of when they were `alone`."""
        clients.done()
        operations = clients.result["operations"]
        self.bar("good clients", "no error", f"{clients.errors()} errors of {operations} messages",
                 clients.errors() == 0 and operations > 0)
        return (f"{clients.p99():.2f} ms, undisturbed {alone:.2f} ms: "
                f"{clients.p99() / alone:.1f} ×")

    def quick(self, clients, alone):
        """Nor did they wait."""
        told = self.unharmed(clients, alone)
        if not SANITIZED:
            self.bar("their p99", "at most 3 × undisturbed", told,
                     clients.p99() <= max(3 * alone, NOISE_MS))

    def accounted(self, gateway, accepted):
        """Exactly so many connections were accepted, and each is rejected, closed or open."""
        metrics = eventually(lambda: (found := gateway.metrics()).is_accounted() and found,
                             "the accounting invariant")
        counted = {word: int(metrics.sum(f"chatgate_connections_{name}"))
                   for word, name in (("accepted", "accepted_total"), ("closed", "closed_total"),
                                      ("rejected", "rejected_total"), ("open", "open"))}
        self.bar("accounting", f"accepted = rejected + closed + open = {accepted}",
                 ", ".join(f"{value} {word}" for word, value in counted.items()),
                 counted["accepted"] == accepted)

    def grew_by(self, kib, most_mib):
        if not SANITIZED:
            self.bar("memory growth", f"at most {most_mib} MiB", f"{kib / MIB:.1f} MiB",
                     kib <= most_mib * MIB)


def reasons(metrics, family="closed"):
    """How many ended (or were `rejected`) for each reason that there was."""
    found = {}
    for labels, value in metrics.matching(f"chatgate_connections_{family}_total"):
        if value:
            found[labels["reason"]] = found.get(labels["reason"], 0) + int(value)
    return found
