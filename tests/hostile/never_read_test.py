"""Clients that never read what a chatty service replies, or read it through a tiny window."""

import socket
import time
import unittest

from client import Client
from gateway import Gateway, eventually
from hostile import (GoodClients, HostileTest, least_urgent, reasons, sized,
                     undisturbed_p99)
from slow_reader_test import LINE, LINES

COUNT = sized(60, 500)
BUDGET_MIB = sized(4, 16)
TINY = sized(20, 200)
TIMES = 4
CONFIG = {
    "log": {"sessions": False},
    "limits": {"max_connections": 2000},
    "listeners": [{"name": "public", "address": "127.0.0.1:0"},
                  {"name": "chatty", "address": "127.0.0.1:0", "service": "chatty"}],
    "services": {"greeter": {}, "chatty": {"reply": "{message}" * TIMES + "\n"}},
    "output": {"soft": "64KiB", "soft_time": "2s", "hard": "256KiB",
               "budget": f"{BUDGET_MIB}MiB"},
}
SLOW = {"slow_soft", "slow_hard"}


class Pusher:
    """Says what the socket takes, each line from where the socket stopped taking it."""

    def __init__(self, client):
        self.client = client
        self._said = 0
        self.taken = b""
        client.socket.setblocking(False)

    def push(self):
        try:
            self._said = (self._said + self.client.socket.send(LINES[self._said:])) % len(LINE)
        except OSError:
            pass  # Full, or cut already.

    def sip(self):
        try:
            self.taken += self.client.socket.recv(1)
        except OSError:
            pass


class NeverReadTest(HostileTest):
    attack = f"{COUNT} never-readers on a chatty service"

    def connect(self, gateway, count):
        return [Pusher(self.enterContext(Client(gateway.address("chatty"), receive_bytes=1)))
                for _ in range(count)]

    def test_all_are_cut_and_the_budget_is_held(self):
        with Gateway(CONFIG) as gateway:
            alone = undisturbed_p99(gateway)
            with GoodClients(gateway) as clients, least_urgent():
                memory = most = gateway.memory_kib()
                queued = cut = 0
                readers = self.connect(gateway, COUNT)
                deadline = time.monotonic() + 120
                while cut < COUNT and time.monotonic() < deadline:
                    for number, reader in enumerate(readers):
                        reader.push()
                        if number % 50 == 0:
                            queued, most, cut = self.look(gateway, queued, most)
                self.note("their p99", self.unharmed(clients, alone))
            counted = reasons(gateway.metrics())
            counted.pop("client_eof", None)
            self.bar("cut", "all, for reading too slowly", str(counted),
                     counted.keys() <= SLOW and sum(counted.values()) == COUNT)
            # Whoever is beyond it is ended after the turn of the loop in which it happened.
            self.bar("output budget", f"{BUDGET_MIB} MiB, and an eighth within a turn of the loop",
                     f"at most {queued / 2**20:.1f} MiB seen",
                     queued <= BUDGET_MIB * 2**20 * 9 / 8)
            # What waits is kept in strings, which grow by doubling.
            self.grew_by(most - memory, 2 * BUDGET_MIB + 10)

    def look(self, gateway, queued, most):
        metrics = gateway.metrics()
        return (max(queued, metrics.sum("chatgate_output_queued_bytes")),
                max(most, gateway.memory_kib()),
                sum(metrics.sum("chatgate_connections_closed_total", reason=reason)
                    for reason in SLOW))

    def test_who_sips_through_a_tiny_window_is_cut_as_well(self):
        with Gateway(CONFIG) as gateway:
            readers = self.connect(gateway, TINY)

            def are_cut():
                for reader in readers:
                    reader.push()
                    reader.sip()
                return sum(count for reason, count in reasons(gateway.metrics()).items()
                           if reason in SLOW) == TINY

            eventually(are_cut, f"{TINY} are cut", patience=60)

    def test_a_tiny_window_alone_harms_nobody(self):
        with Gateway(CONFIG) as gateway, \
                Client(gateway.address("chatty"), receive_bytes=1) as client:
            client.line()
            message = "y" * 4000
            for number in range(3):
                self.assertEqual(client.ask(f"{number}{message}"), f"{number}{message}" * TIMES)
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, 256)
            self.assertEqual(client.ask(message), message * TIMES)


if __name__ == "__main__":
    unittest.main(verbosity=2)
