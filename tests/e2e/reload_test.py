"""Reload: all or nothing, and nobody who is connected notices."""

import json
import signal
import unittest

from client import EOF, Client
from gateway import BASE, GREETING, Gateway, eventually, reply_to
from talkers import Talkers

NEW_GREETING = {"services": {"greeter": {"greeting": "welcome\n"}}}
SUCCESSFUL = "chatgate_config_last_reload_successful"


def greeting(gateway, listener="public"):
    with Client(gateway.address(listener)) as client:
        return client.line()


class ReloadTest(unittest.TestCase):
    def assert_unharmed(self, talkers):
        for client in talkers.stop():
            self.assertEqual((client.end, client.unexpected), ("eof", []), client.name)
            self.assertEqual(client.replies, client.said, client.name)
            self.assertGreater(client.replies, 0, client.name)

    def reload(self, gateway):
        status, text = gateway.http("POST", "/reload")
        return status, json.loads(text)

    def test_two_hundred_signals_under_load_lose_no_connection(self):
        with Gateway() as gateway:
            talkers = Talkers(gateway.address(), 20)
            for number in range(200):
                limit = 1000 + number
                gateway.write_config({"limits": {"max_connections": limit}})
                gateway.kill(signal.SIGHUP)
                # A scrape between two signals, so that they do not melt into one.
                self.assertEqual(gateway.metrics().value(SUCCESSFUL), 1)
            self.assert_unharmed(talkers)
            eventually(lambda: gateway.metrics().value("chatgate_connections_limit",
                                                       listener="public") == limit,
                       "the last file is in force")

    def test_a_broken_file_leaves_the_old_configuration_serving(self):
        with Gateway() as gateway:
            talkers = Talkers(gateway.address(), 5)
            gateway.write_config("services: {greeter: {greeting: \"bad\\n\", colour: red}}\n")
            gateway.kill(signal.SIGHUP)
            eventually(lambda: gateway.metrics().value(SUCCESSFUL) == 0, "the reload fails")
            self.assertEqual(greeting(gateway), GREETING)
            gateway.write_config(NEW_GREETING)
            gateway.kill(signal.SIGHUP)
            eventually(lambda: gateway.metrics().value(SUCCESSFUL) == 1, "the reload succeeds")
            self.assertEqual(greeting(gateway), "welcome")
            self.assert_unharmed(talkers)

    def test_the_answer_names_the_mistakes(self):
        with Gateway() as gateway:
            gateway.write_config("limits: {max_conections: 5}\n")
            status, result = self.reload(gateway)
            self.assertNotEqual(status, 200)
            self.assertEqual(result["outcome"], "rejected")
            self.assertRegex(result["errors"][0], r":1:\d+: .*max_conections")

    def test_the_answer_names_what_was_applied(self):
        with Gateway() as gateway:
            gateway.write_config({"timeouts": {"idle": "7m"}})
            status, result = self.reload(gateway)
            self.assertEqual((status, result["outcome"]), (200, "applied"))
            self.assertEqual(result["keys"], ["timeouts.idle"])

    def test_what_needs_a_restart_is_named_and_nothing_is_applied(self):
        with Gateway() as gateway:
            gateway.write_config({"threads": {"acceptors": 2}, **NEW_GREETING})
            _, result = self.reload(gateway)
            self.assertEqual(result["outcome"], "requires_restart")
            self.assertEqual(result["keys"], ["threads.acceptors"])
            self.assertEqual(greeting(gateway), GREETING)

    def test_a_lower_limit_keeps_who_is_there_and_refuses_who_comes(self):
        with Gateway() as gateway, Client(gateway.address()) as first, \
                Client(gateway.address()) as second:
            self.assertEqual([first.line(), second.line()], [GREETING, GREETING])
            gateway.write_config({"limits": {"max_connections": 1}})
            self.assertEqual(self.reload(gateway)[1]["outcome"], "applied")
            self.assertRegex(greeting(gateway), r"^421 ")
            self.assertEqual(first.ask("here"), reply_to("here"))
            self.assertEqual(second.ask("too"), reply_to("too"))

    def test_listeners_come_and_go(self):
        second = {"name": "second", "address": "127.0.0.1:0"}
        drain = {"drain": {"grace": "100ms", "spread": "100ms"}}
        with Gateway(drain) as gateway:
            public = gateway.address()
            talkers = Talkers(public, 5)
            gateway.write_config({"listeners": [*BASE["listeners"], second], **drain})
            gateway.kill(signal.SIGHUP)
            with Client(gateway.address("second")) as client:
                self.assertEqual(client.line(), GREETING)
                gateway.write_config(drain)
                gateway.kill(signal.SIGHUP)
                self.assertRegex(client.line(), r"^\* ")
                self.assertEqual(client.line(), EOF)
            with self.assertRaises(ConnectionRefusedError):
                Client(gateway.address("second"))
            self.assertEqual(gateway.address(), public)
            self.assert_unharmed(talkers)


if __name__ == "__main__":
    unittest.main(verbosity=2)
