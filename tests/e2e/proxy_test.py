"""The PROXY protocol as real proxies speak it: HAProxy in both versions, and nginx."""

import unittest

from client import Client
from gateway import Gateway, eventually
from proxies import HAProxy, Nginx

LISTENER = {"name": "public", "address": "127.0.0.1:0", "proxy_protocol": "required",
            "proxy_trusted": ["127.0.0.1"]}
CONFIG = {
    "threads": {"acceptors": 2, "workers": 2},
    "listeners": [LISTENER],
    "services": {"greeter": {"greeting": "{peer}\n", "reply": "<{message}>\n"}},
    "limits": {"per_source": {"max": 2, "exempt": []}},
}
HAPROXY_WAYS = {
    "version 1": "send-proxy",
    "version 2": "send-proxy-v2",
    "version 2 with a checksum": "send-proxy-v2 proxy-v2-options crc32c",
}


class ProxyTest(unittest.TestCase):
    def check_conversations(self, gateway, proxy):
        """Clients are greeted by their own addresses, and what they say at once is answered."""
        for number in range(2, 12):
            source = f"127.0.0.{number}"
            with Client(proxy.address, source=source) as client:
                client.send("one\ntwo\n")
                self.assertEqual(client.line(), client.name())
                self.assertEqual([client.line(), client.line()], ["<one>", "<two>"])
                self.assertIn(f'"peer":"{client.name()}"', gateway.http("GET", "/connections")[1])
                client.half_close()
                self.assertEqual(client.until_eof(), "")

    def check_limits(self, proxy):
        """Each client has its own bounds, though all come from one proxy."""
        mine = [Client(proxy.address, source="127.0.0.77") for _ in range(3)]
        lines = [client.line() for client in mine]
        refused = [line for line in lines if line.startswith("421 too many connections")]
        self.assertEqual(len(refused), 1, lines)
        with Client(proxy.address, source="127.0.0.78") as other:
            self.assertEqual(other.line(), other.name())
        for client in mine:
            client.close()

    def test_haproxy_names_its_clients_in_every_way(self):
        for name, options in HAPROXY_WAYS.items():
            with self.subTest(name), Gateway(CONFIG) as gateway, \
                    HAProxy(gateway.address(), options) as proxy:
                self.check_conversations(gateway, proxy)
                self.check_limits(proxy)
                self.assertEqual(
                    gateway.metrics().sum("chatgate_connections_rejected_total",
                                          reason="proxy_invalid"), 0)

    def test_haproxy_finds_the_gateway_well_and_counts_as_no_source(self):
        for options in ("send-proxy", "send-proxy-v2"):
            # Its checks come five times as fast as a source may.
            config = {**CONFIG, "limits": {"per_source": {"rate": "2/s", "burst": 2,
                                                          "exempt": ["127.0.0.1"]}}}
            if options == "send-proxy-v2":
                config["limits"]["per_source"]["exempt"] = []
            with self.subTest(options), Gateway(config) as gateway, \
                    HAProxy(gateway.address(), f"{options} check inter 100ms") as proxy:
                proxy.wait_until_up()
                accepted = "chatgate_connections_accepted_total"
                eventually(lambda: gateway.metrics().sum(accepted) > 10,
                           "ten health checks have come")
                self.assertEqual(proxy.server_state(), "UP")
                metrics = gateway.metrics()
                self.assertEqual(metrics.sum("chatgate_connections_rejected_total"), 0)
                self.assertEqual(metrics.sum("chatgate_sources_tracked"), 0)

    def test_nginx_names_its_clients(self):
        with Gateway(CONFIG) as gateway, Nginx(gateway.address()) as proxy:
            self.check_conversations(gateway, proxy)
            self.check_limits(proxy)

    def test_nginx_names_an_ipv6_client(self):
        with Gateway(CONFIG) as gateway, Nginx(gateway.address(), "::1") as proxy:
            with Client(proxy.address) as client:
                port = client.socket.getsockname()[1]
                self.assertEqual(client.line(), f"[::1]:{port}")

    def test_a_proxy_that_sends_no_header_gets_nothing(self):
        with Gateway(CONFIG) as gateway, HAProxy(gateway.address(), "") as proxy:
            with Client(proxy.address) as client:
                client.send("hello\n")
                self.assertEqual(client.until_eof(), "")
            eventually(lambda: gateway.metrics().sum("chatgate_connections_rejected_total",
                                                     reason="proxy_invalid") == 1,
                       "the connection is refused")

    def test_a_drain_answers_clients_behind_a_proxy(self):
        with Gateway({**CONFIG, "drain": {"grace": "0s", "spread": "0s"}}) as gateway, \
                HAProxy(gateway.address(), "send-proxy-v2") as proxy:
            with Client(proxy.address) as client:
                self.assertEqual(client.line(), client.name())
                client.send("last\n")
                self.assertEqual(client.line(), "<last>")
                gateway.stop()
                self.assertEqual(client.line(), "* server is shutting down")


if __name__ == "__main__":
    unittest.main(verbosity=2)
