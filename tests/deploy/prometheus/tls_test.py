#!/usr/bin/env python3
"""A Prometheus scrapes the admin endpoint by TLS and with the token, as deploy/prometheus shows."""

import pathlib
import ssl
import sys
import tempfile
import unittest

import promql
from stack import Prometheus

sys.path.insert(0, str(promql.SOURCE / "tests/e2e"))
from certificates import make_certificate  # noqa: E402
from gateway import Gateway, eventually  # noqa: E402


class TlsTest(unittest.TestCase):
    def test_prometheus_scrapes_it(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        make_certificate(folder)
        token = folder / "token"
        token.write_text("s3cret")
        token.chmod(0o600)
        gateway = Gateway({"admin": {
            "token_file": str(token), "token_for": "everything",
            "tls": {"certificate": str(folder / "certificate.pem"),
                    "key": str(folder / "key.pem")}}})
        gateway.admin_tls = ssl.create_default_context(cafile=folder / "certificate.pem")
        gateway.check_accounting = lambda: None  # It has no token.
        self.enterContext(gateway)
        https = {"scheme": "https", "tls_config": {"ca_file": str(folder / "certificate.pem")},
                 "authorization": {"credentials_file": str(token)}}
        with Prometheus([f"127.0.0.1:{gateway.admin_port}"], scrape=https) as prometheus:
            eventually(lambda: prometheus.query("chatgate_ready == 1"), "a scrape by TLS")


if __name__ == "__main__":
    unittest.main(verbosity=2)
