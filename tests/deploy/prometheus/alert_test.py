#!/usr/bin/env python3
"""Whoever is on call hears of a gateway that is full: gateway, Prometheus and Alertmanager as they
are, with the rules and routes of deploy/prometheus, and a webhook for a pager."""

import contextlib
import re
import sys
import unittest

import promql
from newcomers import Newcomers
from stack import Alertmanager, Prometheus, Webhook

sys.path.insert(0, str(promql.SOURCE / "tests/e2e"))
from client import Client  # noqa: E402
from gateway import Gateway, eventually  # noqa: E402

PLACES = 20
# ChatgateFull waits for a minute, and its rate needs two scrapes before; the route 5 s.
ALERT_PATIENCE = 180


class AlertTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(contextlib.ExitStack())
        self.gateway = self.stack.enter_context(
            Gateway({"limits": {"max_connections": PLACES}}))
        self.webhook = self.stack.enter_context(Webhook())
        alertmanager = self.stack.enter_context(Alertmanager(self.webhook.url))
        self.instance = f"127.0.0.1:{self.gateway.admin_port}"
        self.prometheus = self.stack.enter_context(Prometheus(
            [self.instance], alertmanager.address,
            external_labels={"runbooks": "https://git.example.org/chatgate"}))

    def test_a_full_gateway_reaches_the_pager_with_one_sentence(self):
        eventually(lambda: self.prometheus.query('up{job="chatgate"} == 1'), "the first scrape")
        self.assertEqual(self.prometheus.firing(), set())
        for _ in range(PLACES):
            client = self.stack.enter_context(Client(self.gateway.address()))
            client.line()
        newcomers = Newcomers(self.gateway.address())
        self.stack.callback(newcomers.leave)

        notification, alert = self.webhook.wait_for("ChatgateFull", ALERT_PATIENCE)
        print("the pager:", alert["annotations"]["summary"])

        self.assertEqual(notification["receiver"], "pager")
        self.assertEqual(alert["status"], "firing")
        self.assertEqual(alert["labels"]["severity"], "critical")
        self.assertEqual(alert["labels"]["instance"], self.instance)
        self.assertRegex(alert["annotations"]["summary"], re.compile(
            rf"^Listener public of {re.escape(self.instance)} is full, and turns away "
            r"\d+\.\d clients a second\.$"))
        self.assertEqual(alert["annotations"]["runbook_url"],
                         "https://git.example.org/chatgate/deploy/README.md#chatgatefull")
        self.assertGreater(newcomers.turned_away, 0)
        self.assertEqual({alert["labels"]["alertname"] for alert in self.webhook.alerts()},
                         {"ChatgateFull"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
