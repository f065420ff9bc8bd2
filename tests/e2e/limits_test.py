"""Limits under a rush: exact, polite, and no spinning when descriptors run out."""

import os
import resource
import select
import threading
import unittest

from client import EOF, RESET, Client
from gateway import GREETING, Gateway, eventually, reply_to

THREADS = 64
LIMIT = 50
TWENTY_KILOBYTES = ("x" * 1023 + "\n") * 20


class Rush:
    """Clients that come at the same time, send at once, and stay until release()."""

    def __init__(self, address):
        self._address = address
        self._start = threading.Barrier(THREADS)
        self._release = threading.Event()
        self._lock = threading.Lock()
        self.first_lines = []
        self.ends = []
        self._threads = [threading.Thread(target=self._run) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        self._start.wait()
        with Client(self._address) as client:
            try:
                client.send(TWENTY_KILOBYTES)
            except ConnectionError:
                pass  # The line that explains it must be readable all the same.
            line = client.line()
            end = client.until_eof() if line != GREETING else ""
            with self._lock:
                self.first_lines.append(line)
                self.ends.append(end)
            self._release.wait()

    def decided(self):
        with self._lock:
            return len(self.first_lines) == THREADS

    def release(self):
        self._release.set()
        for thread in self._threads:
            thread.join()


class LimitTest(unittest.TestCase):
    def rush(self, gateway):
        """One rush; returns the greatest number of open connections that the gateway counted."""
        most = 0

        def watch():
            nonlocal most
            most = max(most, gateway.metrics().sum("chatgate_connections_open"))
            return rush.decided()

        rush = Rush(gateway.address())
        try:
            eventually(watch, f"{THREADS} clients are admitted or refused")
            refusals = [line for line in rush.first_lines if line != GREETING]
            self.assertEqual(len(refusals), THREADS - LIMIT, refusals)
            for line in refusals:
                self.assertRegex(line, r"^421 too many connections, try again later \[\d+\]$")
            self.assertEqual(len(set(refusals)), len(refusals), "each has an id of its own")
            self.assertEqual(set(rush.ends), {""}, "a refusal ends with FIN")
        finally:
            rush.release()
        eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0,
                   "everybody has left")
        return most

    def test_never_one_more_than_the_limit_and_the_rest_read_why(self):
        config = {"limits": {"max_connections": LIMIT}, "threads": {"acceptors": 2, "workers": 2}}
        with Gateway(config) as gateway:
            for number in range(1, 6):
                with self.subTest(f"rush {number}"):
                    self.assertLessEqual(self.rush(gateway), LIMIT)
                    metrics = gateway.metrics()
                    self.assertEqual(metrics.sum("chatgate_connections_rejected_total",
                                                 reason="limit_global"),
                                     number * (THREADS - LIMIT))
                    self.assertEqual(metrics.sum("chatgate_connections_accepted_total"),
                                     number * THREADS)

    def test_a_source_has_its_own_limit(self):
        per_source = {"max": 2, "exempt": []}
        with Gateway({"limits": {"per_source": per_source}}) as gateway:
            address = gateway.address()
            with Client(address, source="127.0.0.2") as one, \
                    Client(address, source="127.0.0.2") as two, \
                    Client(address, source="127.0.0.2") as three, \
                    Client(address, source="127.0.0.3") as other:
                self.assertEqual([one.line(), two.line()], [GREETING, GREETING])
                self.assertRegex(three.line(), r"^421 ")
                self.assertEqual(other.line(), GREETING)

    def test_a_resetting_gateway_says_nothing(self):
        config = {"limits": {"max_connections": 1, "over_limit": "reset"}}
        with Gateway(config) as gateway, Client(gateway.address()) as first:
            self.assertEqual(first.line(), GREETING)
            try:
                with Client(gateway.address()) as second:
                    answer = second.line()
            except ConnectionResetError:  # The reset was there before connect(2) returned.
                answer = RESET
            self.assertEqual(answer, RESET)


class DescriptorTest(unittest.TestCase):
    def test_without_descriptors_it_waits_and_recovers(self):
        with Gateway({"limits": {"max_connections": 1000}}) as gateway:
            address = gateway.address()
            used = len(os.listdir(f"/proc/{gateway.pid}/fd"))
            resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (used + 10, used + 10))
            clients = [Client(address) for _ in range(40)]
            self.assertEqual(clients[0].line(), GREETING)
            before = gateway.cpu_seconds()
            # Nobody has anything to say to the rest for a second, and that must cost nothing.
            select.select([], [], [clients[0].socket], 1)
            self.assertLess(gateway.cpu_seconds() - before, 0.3, "it spins")
            self.assertEqual(clients[0].ask("busy?"), reply_to("busy?"))
            for client in clients:
                client.close()
            eventually(lambda: self.is_greeted(address), "a client is served again")

    def is_greeted(self, address):
        with Client(address) as client:
            line = client.line()
        self.assertTrue(line in (GREETING, EOF, RESET) or line.startswith("421 "), line)
        return line == GREETING


if __name__ == "__main__":
    unittest.main(verbosity=2)
