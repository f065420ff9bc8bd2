"""The metrics: well formed, complete from the start, and few however many clients come."""

import subprocess
import unittest

from client import Client
from gateway import GREETING, PATIENCE, Gateway, raise_descriptor_limit

CLIENTS = 10_000
SOURCES = 2_500
SERIES_MAX = 300

CLOSED_REASONS = set(
    "client_eof client_reset quit session_done idle_timeout first_message_timeout line_timeout "
    "write_timeout line_too_long protocol_error invalid_utf8 wrong_protocol_tls "
    "wrong_protocol_http wrong_protocol_ssh wrong_protocol_proxy tls_handshake tls_timeout "
    "slow_soft slow_hard max_lifetime drain drain_forced admin_kill".split())
REJECTED_REASONS = set(
    "proxy_timeout proxy_invalid proxy_untrusted "
    "deny_cidr limit_global limit_listener limit_source_count limit_source_rate "
    "penalty memory overload".split())
KNOWN_REASONS = CLOSED_REASONS | REJECTED_REASONS | set(
    "draining internal_error".split())

FAMILIES = """
    connections_accepted_total connections_rejected_total connections_closed_total connections_open
    connections_limit messages_received_total replies_sent_total received_bytes_total
    sent_bytes_total worker_connections worker_busy_ratio drain_phase drain_remaining_connections
    drain_remaining_seconds ready memory_limit_bytes config_last_reload_successful build_info
""".split()
HISTOGRAMS = """
    connection_duration_seconds connection_messages connection_received_bytes connection_sent_bytes
    greeting_delay_seconds reply_delay_seconds open_connection_age_seconds
    worker_loop_delay_seconds
""".split()


def source(number):
    """One of many loopback addresses in different /16 and /24 networks."""
    number %= SOURCES
    return f"127.{1 + number % 50}.{number // 50}.{1 + number % 200}"


class MetricsTest(unittest.TestCase):
    def setUp(self):
        raise_descriptor_limit()

    def test_promtool_finds_nothing_to_say(self):
        with Gateway() as gateway:
            with Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING)
            text = gateway.metrics().text
        result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                                text=True, timeout=PATIENCE, check=False)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))

    def test_every_family_is_there_from_the_start(self):
        with Gateway() as gateway:
            metrics = gateway.metrics()
            names = {name for name, *_ in metrics.series()}
            expected = FAMILIES + [f"{name}_bucket" for name in HISTOGRAMS]
            self.assertEqual([name for name in expected if f"chatgate_{name}" not in names], [])

    def test_every_reason_is_there_at_zero_from_the_start(self):
        with Gateway() as gateway:
            metrics = gateway.metrics()
            for family, reasons in (("closed", CLOSED_REASONS), ("rejected", REJECTED_REASONS)):
                found = metrics.matching(f"chatgate_connections_{family}_total", listener="public")
                known = {labels["reason"] for labels, _ in found}
                self.assertLessEqual(reasons, known)
                self.assertLessEqual(known, KNOWN_REASONS)
                self.assertEqual([labels for labels, value in found if value != 0], [])

    def test_ten_thousand_clients_from_everywhere_add_no_series(self):
        with Gateway() as gateway:
            address = gateway.address()
            before = gateway.metrics().series()
            for number in range(CLIENTS):
                with Client(address, source=source(number)) as client:
                    self.assertEqual(client.line(), GREETING)
            metrics = gateway.metrics()
            print(f"{len(metrics.series())} series after {CLIENTS} clients")
            self.assertEqual(metrics.series(), before)
            self.assertLessEqual(len(metrics.series()), SERIES_MAX)
            self.assertEqual(metrics.sum("chatgate_connections_accepted_total"), CLIENTS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
