"""What the service manager hears, at the socket where systemd would listen (sd_notify(3))."""

import signal
import socket
import time
import unittest

from client import Client
from gateway import GREETING, PATIENCE, Gateway, eventually

STATUS = "STATUS="


class Manager:
    """The ear of a service manager."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.seen = []  # (when, lines of one message)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.socket.close()

    def receive(self, patience=PATIENCE):
        """The lines of the next message, or None."""
        self.socket.settimeout(max(patience, 0.001))
        try:
            lines = self.socket.recv(65536).decode().splitlines()
        except TimeoutError:
            return None
        self.seen.append((time.monotonic(), lines))
        return lines

    def wait_for(self, matches, patience=PATIENCE):
        """The next message with a line for which `matches` holds, or that starts with it."""
        if isinstance(matches, str):
            prefix, matches = matches, lambda line: line.startswith(prefix)
        deadline = time.monotonic() + patience
        while (lines := self.receive(deadline - time.monotonic())) is not None:
            if any(matches(line) for line in lines):
                return lines
        raise AssertionError(f"not heard among {self.seen[-20:]}")

    def listen(self, seconds):
        """Every line that comes within so long."""
        deadline = time.monotonic() + seconds
        lines = []
        while (left := deadline - time.monotonic()) > 0:
            lines += self.receive(left) or []
        return lines


class NotifyTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(Gateway()).path
        self.manager = self.enterContext(Manager(directory / "notify"))
        self.environment = {"NOTIFY_SOCKET": self.manager.path}

    def gateway(self, config=None, **environment):
        return Gateway(config, environment={**self.environment, **environment})

    def test_ready_is_said_only_once_it_serves(self):
        with self.gateway() as gateway:
            self.manager.wait_for("READY=1")
            eventually(lambda: gateway.http("GET", "/readyz")[0] == 200, "/readyz")
            with Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING)

    def test_the_status_counts_connections_as_they_come_and_go(self):
        with self.gateway({"limits": {"max_connections": 100}}) as gateway:
            lines = self.manager.wait_for("READY=1")
            self.assertIn("STATUS=open 0/100, draining 0", lines)
            with Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING)
                self.manager.wait_for("STATUS=open 1/100, draining 0")
            self.manager.wait_for("STATUS=open 0/100, draining 0")

    def test_a_status_that_stays_the_same_is_not_repeated(self):
        with self.gateway():
            self.manager.wait_for("READY=1")
            self.assertEqual(self.manager.listen(2.5), [])

    def test_a_reload_begins_with_its_time_and_ends_with_ready(self):
        with self.gateway() as gateway:
            self.manager.wait_for("READY=1")
            before = time.monotonic_ns() // 1000
            gateway.kill(signal.SIGHUP)
            reloading = self.manager.wait_for("RELOADING=1")
            self.assertEqual(reloading[1].partition("=")[0], "MONOTONIC_USEC")
            self.assertLess(before, int(reloading[1].partition("=")[2]))
            self.assertEqual(self.manager.wait_for("READY=1"),
                             ["READY=1", "STATUS=open 0/10000, draining 0"])

    def test_a_reload_that_failed_ends_with_ready_and_says_where(self):
        with self.gateway() as gateway:
            self.manager.wait_for("READY=1")
            good = gateway.config_file.read_text()
            gateway.write_config("limits:\n  max_conections: 5\n")
            gateway.kill(signal.SIGHUP)
            self.manager.wait_for("RELOADING=1")
            ready, status = self.manager.wait_for("READY=1")
            self.assertEqual(ready, "READY=1")
            place = f"STATUS=reload failed: {gateway.config_file}:2:3: limits.max_conections: "
            self.assertTrue(status.startswith(place), status)
            with Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING)
                status = self.manager.wait_for(lambda line: "open 1/" in line)[0]
                self.assertTrue(status.startswith(place), "the failure stays in sight")
            gateway.write_config(good)
            gateway.kill(signal.SIGHUP)
            self.manager.wait_for("STATUS=open")

    def test_a_drain_asks_for_time_until_it_is_over(self):
        config = {"drain": {"grace": "5s", "spread": "1s", "linger": "1s", "deadline": "20s"}}
        with self.gateway(config) as gateway, Client(gateway.address()) as client:
            self.manager.wait_for("READY=1")
            self.assertEqual(client.line(), GREETING)
            gateway.kill(signal.SIGTERM)
            self.manager.wait_for("STOPPING=1")
            self.manager.wait_for("STATUS=stopped")
            self.assertEqual(gateway.wait(), 0)
        asked = [when for when, lines in self.manager.seen if "EXTEND_TIMEOUT_USEC=15000000"
                 in lines]
        self.assertGreaterEqual(len(asked), 2)
        self.assertAlmostEqual(asked[1] - asked[0], 5, delta=1)
        said = [line for _, lines in self.manager.seen for line in lines]
        self.assertIn("STATUS=open 1/10000, draining 1", said)

    def test_stopping_waits_for_the_second_phase(self):
        config = {"drain": {"announce": "1s", "grace": "0s", "spread": "0s", "deadline": "10s"}}
        with self.gateway(config) as gateway:
            self.manager.wait_for("READY=1")
            gateway.kill(signal.SIGTERM)
            self.manager.wait_for("EXTEND_TIMEOUT_USEC=")
            with Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING)
            self.assertNotIn("STOPPING=1", [line for _, lines in self.manager.seen
                                            for line in lines])
            self.manager.wait_for("STOPPING=1")
            self.assertEqual(gateway.wait(), 0)

    def test_the_watchdog_is_fed_while_every_thread_advances(self):
        # The period is for the process that systemd started: WATCHDOG_PID is optional.
        with self.gateway(WATCHDOG_USEC="2000000"):
            self.manager.wait_for("READY=1")
            self.assertGreaterEqual(self.manager.listen(2.5).count("WATCHDOG=1"), 3)

    def test_nobody_is_fed_who_does_not_watch(self):
        with self.gateway():
            self.manager.wait_for("READY=1")
            self.assertNotIn("WATCHDOG=1", self.manager.listen(1))


class UnheardTest(unittest.TestCase):
    def test_a_manager_out_of_reach_is_warned_of_and_it_serves(self):
        with Gateway(environment={"NOTIFY_SOCKET": "/nowhere/notify"}) as gateway:
            gateway.log.wait_for(r'warn event=notify_failed error="No such file or directory"')

    def test_a_service_without_a_manager_says_so(self):
        with Gateway(environment={"INVOCATION_ID": "0123456789abcdef"}) as gateway:
            gateway.log.wait_for(r"info event=notify_unavailable\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
