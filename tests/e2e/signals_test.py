"""Signals, one at a time and in any order: none does harm, each does what its name promises."""

import random
import signal
import time
import unittest

from client import Client
from gateway import GREETING, Gateway, eventually, reply_to

HARMLESS = (signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG,
            signal.SIGCONT)


class SignalTest(unittest.TestCase):
    def test_harmless_ones_disturb_nobody(self):
        seed = time.time_ns()
        print(f"seed {seed}")
        order = random.Random(seed).choices(HARMLESS, k=100)
        with Gateway() as gateway, Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            for number in order:
                gateway.kill(number)
                self.assertEqual(client.ask(number.name), reply_to(number.name))

    def test_what_came_while_it_stood_still_is_answered(self):
        """Though every limit on the client's silence has passed meanwhile."""
        for limit, said in (("first_message", ""), ("line", "ha"), ("idle", "hello\n")):
            with self.subTest(limit), Gateway({"timeouts": {limit: "1s"}}) as gateway, \
                    Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING)
                client.send(said)
                received = "chatgate_received_bytes_total"
                eventually(lambda: gateway.metrics().sum(received) == len(said), "it is read")
                gateway.stand_still(1.5, lambda: client.send("lf\n"))
                expected = [reply_to(line) for line in (said + "lf").split("\n")]
                self.assertEqual([client.line() for _ in expected], expected)

    def test_sigint_stops_like_sigterm(self):
        with Gateway() as gateway:
            gateway.stop(signal.SIGINT)

    def test_a_stop_holds_whatever_comes_after_it(self):
        for later in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            with self.subTest(later.name), Gateway() as gateway, \
                    Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING)
                gateway.kill(signal.SIGTERM)
                gateway.kill(later)
                client.until_eof()
                client.close()
                self.assertEqual(gateway.wait(), 0)

    def test_signals_before_it_is_ready_are_not_lost(self):
        gateway = Gateway().start()
        self.addCleanup(gateway.clean_up)
        gateway.log.wait_for(r"event=listening\b")
        gateway.kill(signal.SIGTERM)
        self.assertEqual(gateway.wait(), 0, gateway.log.tail())


class LogFileTest(unittest.TestCase):
    def test_sighup_reopens_the_log_file(self):
        with Gateway() as outer:
            path = outer.path / "chatgate.log"
            old = path.with_suffix(".old")
            port = outer.address()[1]
            outer.stop()
            address = ("127.0.0.1", port)
            config = {"listeners": [{"name": "public", "address": f"127.0.0.1:{port}"}],
                      "admin": {"address": ""}, "log": {"output": f"file:{path}"}}
            gateway = Gateway(config).start()
            self.addCleanup(gateway.clean_up)
            self.wait_for(path, "event=ready")
            path.rename(old)
            gateway.kill(signal.SIGHUP)
            eventually(path.exists, "a new file")
            with Client(address) as client:
                self.assertEqual(client.line(), GREETING)
            self.wait_for(path, "event=session_closed")
            gateway.stop()
            self.assertNotIn("event=session_closed", old.read_text())

    def wait_for(self, path, text):
        eventually(lambda: path.exists() and text in path.read_text(), f"{text} in {path.name}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
