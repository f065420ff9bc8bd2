"""An overload as people meet it: the silent make room, who talks is left alone, and an operator
can order it and take it back."""

import json
import unittest

from client import EOF, RESET, Client
from control import ctl
from gateway import GREETING, Gateway, eventually, reply_to

LIMIT = 50
SILENT = 45
CONFIG = {"limits": {"max_connections": LIMIT, "per_source": {"mode": "off"}},
          "overload": {"first_message": "1s", "idle": "0s", "line": "0s", "write": "0s"}}


class OverloadTest(unittest.TestCase):
    def client(self, gateway):
        return self.enterContext(Client(gateway.address()))

    def transitions(self, gateway):
        return [match[1] for match in gateway.log.all(r"event=(overload_\w+)")]

    def test_those_who_say_nothing_make_room(self):
        with Gateway(CONFIG) as gateway:
            talking = [self.client(gateway) for _ in range(LIMIT - SILENT)]
            for client in talking:
                self.assertEqual(client.line(), GREETING)
                self.assertEqual(client.ask("a"), reply_to("a"))
            silent = [self.client(gateway) for _ in range(SILENT)]
            for client in silent:
                self.assertEqual(client.line(), GREETING)
            for client in silent:
                self.assertIn(client.line(), (EOF, RESET))
            eventually(lambda: gateway.metrics().value(
                "chatgate_connections_closed_total", reason="first_message_timeout") == SILENT,
                "all who said nothing have lingered")
            for client in talking:
                self.assertEqual(client.ask("b"), reply_to("b"))
            gateway.log.wait_for(r"event=overload_began cause=connections mode=enforce "
                                 rf"connections={LIMIT} limit={LIMIT} ")
            self.assertEqual(self.client(gateway).line(), GREETING)

    def test_an_operator_orders_it_and_takes_it_back(self):
        with Gateway(CONFIG) as gateway:
            self.assertEqual(ctl(gateway, "overload", "release").returncode, 1)
            forced = ctl(gateway, "overload", "force")
            self.assertEqual(forced.returncode, 0, forced.stderr)
            status = ctl(gateway, "status").stdout
            self.assertRegex(status, r"(?m)^overload +level 1 of 2, because of operator$")
            self.assertEqual(self.client(gateway).line(), GREETING)  # There are places.
            eventually(lambda: json.loads(gateway.http("GET", "/status")[1])["overload"]["level"]
                       == 2, "who is silent or slow has less time")
            self.assertEqual(ctl(gateway, "overload", "release").returncode, 0)
            self.assertNotRegex(ctl(gateway, "status").stdout, "(?m)^overload ")
            self.assertEqual(self.transitions(gateway),
                             ["overload_began", "overload_lasts", "overload_ended"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
