#!/usr/bin/env python3
"""What sslscan finds at a listener and at the admin endpoint that speak TLS: nothing weak."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE / "tests/e2e"))
from certificates import make_certificate  # noqa: E402
from gateway import Gateway  # noqa: E402

SECONDS = 120


class ScanTest(unittest.TestCase):
    def scan(self, port):
        """What sslscan(1) prints as XML."""
        done = subprocess.run(["sslscan", "--xml=-", f"127.0.0.1:{port}"], capture_output=True,
                              text=True, timeout=SECONDS, check=True, env={**os.environ})
        return xml.etree.ElementTree.fromstring(done.stdout).find("ssltest")

    def check(self, port):
        found = self.scan(port)
        spoken = {(one.get("type") + one.get("version")) for one in found.iter("protocol")
                  if one.get("enabled") == "1"}
        self.assertEqual(spoken, {"tls1.2", "tls1.3"})
        self.assertEqual([one.get("vulnerable") for one in found.iter("heartbleed")], ["0", "0"])
        for one in found.iter("renegotiation"):
            self.assertEqual((one.get("supported"), one.get("secure")), ("0", "0"))
        ciphers = [one.get("cipher") for one in found.iter("cipher")]
        self.assertGreaterEqual(len(ciphers), 6)
        for cipher in ciphers:
            self.assertRegex(cipher, r"^(TLS_|ECDHE-).*(GCM|POLY1305)")
        for group in found.iter("group"):
            self.assertGreaterEqual(int(group.get("bits")), 128, group.attrib)

    def test_nothing_weak(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            make_certificate(folder)
            tls = {"certificate": str(folder / "certificate.pem"), "key": str(folder / "key.pem")}
            gateway = Gateway({
                "listeners": [{"name": "public", "address": "127.0.0.1:0", "tls": tls}],
                "admin": {"address": "127.0.0.1:0", "tls": tls}})
            gateway.check_accounting = lambda: None  # It asks without TLS.
            with gateway:
                for port in (gateway.address()[1], gateway.admin_port):
                    with self.subTest(port):
                        self.check(port)


if __name__ == "__main__":
    unittest.main(verbosity=2)
