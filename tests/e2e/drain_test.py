"""The graceful shutdown: who is answered, who is told, and how long it takes."""

import re
import signal
import time
import unittest

from client import EOF, Client
from gateway import GREETING, SANITIZED, Gateway, eventually, reply_to
from talkers import Talkers

NOTICE = "* server is shutting down"
QUICK = {"drain": {"grace": "300ms", "spread": "1s", "linger": "1s", "deadline": "6s"}}
SLOW = {"drain": {"grace": "1s", "spread": "40s", "linger": "1s", "deadline": "50s"}}


def sessions(gateway):
    """What the log says of each ended session: peer to (reason, messages)."""
    found = {}
    for match in gateway.log.all(r"event=session_closed\b.*"):
        fields = dict(re.findall(r'(\w+)="?([^\s"]+)', match[0]))
        found[fields["peer"]] = (fields["reason"], int(fields["messages"]))
    return found


class DrainTest(unittest.TestCase):
    def test_every_message_that_was_read_is_answered(self):
        with Gateway(QUICK) as gateway:
            talkers = Talkers(gateway.address(), 150)
            eventually(lambda: min(each.replies for each in talkers.all) >= 3, "150 clients talk")
            started = time.monotonic()
            gateway.kill(signal.SIGTERM)
            clients = talkers.wait_until_ended()
            self.assertEqual(gateway.wait(), 0)
            took = time.monotonic() - started
        self.assertLess(took, 6.5)
        closed = sessions(gateway)
        for client in clients:
            with self.subTest(client.name):
                self.assertEqual(client.end, "eof")
                self.assertEqual(client.unexpected, [])
                self.assertEqual(client.rest(), b"", "a reply was cut short")
                self.assertEqual(client.notices, [NOTICE])
                self.assertEqual(closed[client.name], ("drain", client.replies))

    def test_without_a_client_it_takes_less_than_half_a_second(self):
        with Gateway() as gateway:
            started = time.monotonic()
            gateway.stop()
            self.assertLess(time.monotonic() - started, 5 if SANITIZED else 0.5)

    def test_a_second_sigterm_does_not_wait_for_the_spread(self):
        with Gateway(SLOW) as gateway, Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            gateway.kill(signal.SIGTERM)
            self.assertEqual(client.line(), NOTICE)
            started = time.monotonic()
            gateway.kill(signal.SIGTERM)
            self.assertEqual(client.line(), EOF)
            client.close()
            self.assertEqual(gateway.wait(), 0)
            self.assertLess(time.monotonic() - started, 5)

    def test_sigquit_does_not_wait_at_all(self):
        with Gateway(SLOW) as gateway, Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            gateway.kill(signal.SIGTERM)
            self.assertEqual(client.line(), NOTICE)
            started = time.monotonic()
            gateway.stop(signal.SIGQUIT)
            self.assertLess(time.monotonic() - started, 2)

    def test_a_client_that_stays_is_gone_at_the_deadline(self):
        config = {"drain": {"grace": "0s", "spread": "0s", "linger": "500ms", "deadline": "1s"}}
        with Gateway(config) as gateway, Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            started = time.monotonic()
            gateway.stop()
            self.assertLess(time.monotonic() - started, 3)

    def test_the_announcement_can_be_taken_back(self):
        config = {"drain": {"announce": "30s", "deadline": "60s"}}
        with Gateway(config) as gateway:
            self.assertEqual(gateway.http("GET", "/readyz")[0], 200)
            gateway.kill(signal.SIGTERM)
            eventually(lambda: gateway.http("GET", "/readyz")[0] == 503, "/readyz turns 503")
            with Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING, "announcing, it still serves")
                self.assertEqual(gateway.http("POST", "/undrain")[0], 200)
                eventually(lambda: gateway.http("GET", "/readyz")[0] == 200, "/readyz turns 200")
                self.assertEqual(client.ask("still there?"), reply_to("still there?"))
            gateway.kill(signal.SIGTERM)
            eventually(lambda: gateway.http("GET", "/readyz")[0] == 503, "/readyz turns 503 again")
            gateway.kill(signal.SIGTERM)
            self.assertEqual(gateway.wait(), 0)

    def test_a_drain_can_be_asked_for_over_http(self):
        with Gateway(QUICK) as gateway, Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            self.assertIn(gateway.http("POST", "/drain")[0], (200, 202))
            self.assertEqual(client.line(), NOTICE)
            self.assertEqual(client.line(), EOF)
            client.close()
            self.assertEqual(gateway.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
