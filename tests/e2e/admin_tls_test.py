#!/usr/bin/env python3
"""The admin endpoint by TLS: for curl, for `chatgate ctl`, for a browser's page; with certificates
that are renewed, broken and missing; and with clients that stall in the handshake."""

import pathlib
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from certificates import make_certificate
from client import unfinished_hellos
from control import ctl
from gateway import BINARY, PATIENCE, Gateway, eventually

TOKEN = "s3cret"


class AdminTlsTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.certificate = self.folder / "certificate.pem"
        make_certificate(self.folder)

    def config(self, address="127.0.0.1:0", **admin):
        tls = {"certificate": str(self.certificate), "key": str(self.folder / "key.pem")}
        return {"admin": {"address": address, "tls": tls, **admin}}

    def gateway(self, **admin):
        gateway = Gateway(self.config(**admin))
        self.trust(gateway)
        return self.enterContext(gateway)

    def trust(self, gateway):
        gateway.admin_tls = ssl.create_default_context(cafile=self.certificate)

    def curl(self, gateway, *arguments, host="127.0.0.1", scheme="https"):
        url = f"{scheme}://{host}:{gateway.admin_port}/readyz"
        return subprocess.run(["curl", "-sS", "-i", *arguments, url], capture_output=True,
                              text=True, timeout=PATIENCE, check=False)

    def served_certificate(self, gateway):
        return ssl.get_server_certificate(("127.0.0.1", gateway.admin_port), timeout=PATIENCE)

    def written_certificate(self):
        return self.certificate.read_text()

    def test_answers_curl(self):
        gateway = self.gateway()
        answer = self.curl(gateway, "--cacert", self.certificate)
        self.assertIn("200 OK", answer.stdout, answer.stderr)
        self.assertIn("200 OK", self.curl(gateway, "--cacert", self.certificate, "--tlsv1.2",
                                          "--tls-max", "1.2").stdout)
        self.assertEqual(self.curl(gateway).returncode, 60)  # curl(1): an unknown signer.

    def test_speaks_nothing_older_than_tls_1_2(self):
        gateway = self.gateway()
        trusted = gateway.admin_tls
        for version, good in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True),
                              (ssl.TLSVersion.TLSv1_3, True)):
            self.trust(gateway)
            gateway.admin_tls.set_ciphers("ALL:@SECLEVEL=0")  # Ours would refuse the old one.
            gateway.admin_tls.minimum_version = gateway.admin_tls.maximum_version = version
            with self.subTest(version.name):
                if good:
                    self.assertEqual(gateway.http("GET", "/livez")[0], 200)
                else:
                    self.assertRaises((ssl.SSLError, ConnectionError), gateway.http, "GET",
                                      "/livez")
        gateway.admin_tls = trusted

    def test_answers_at_an_ipv6_address(self):
        gateway = self.gateway(address="[::1]:0")
        gateway.check_accounting = lambda: None  # It asks at 127.0.0.1.
        answer = self.curl(gateway, "--cacert", self.certificate, host="[::1]")
        self.assertIn("200 OK", answer.stdout, answer.stderr)

    def test_tells_who_forgot_the_s_of_https(self):
        gateway = self.gateway()
        answer = self.curl(gateway, scheme="http")
        self.assertIn("400 Bad Request", answer.stdout, answer.stderr)
        self.assertIn("this endpoint speaks TLS: ask https://", answer.stdout)
        told = ctl(gateway, "status")
        self.assertEqual(told.returncode, 1)
        self.assertIn("ask https://HOST:PORT, as --admin of chatgate ctl", told.stderr)

    def test_gives_a_long_answer_as_a_whole(self):
        gateway = self.gateway()
        for _ in range(20):
            status, text = gateway.http("GET", "/")
            self.assertEqual(status, 200)
            self.assertIn("</html>", text[-20:])

    def test_obeys_ctl(self):
        token = self.folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        gateway = self.gateway(token_file=str(token))
        url = f"https://localhost:{gateway.admin_port}"
        trusted = ("--ca", str(self.certificate), "--token-file", str(token))
        status = ctl(gateway, *trusted, "status", admin=url)
        self.assertRegex(status.stdout, r"(?m)^state +ready", status.stderr)
        self.assertEqual(ctl(gateway, *trusted, "log-level", "debug", admin=url).returncode, 0)
        unknown = ctl(gateway, "status", admin=url)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("self-signed certificate; --ca names a file", unknown.stderr)
        wrong = ctl(gateway, "--ca", str(token), "status", admin=url)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn(f"--ca {token}: ", wrong.stderr)

    def test_ctl_finds_out_that_it_is_another_server(self):
        make_certificate(self.folder, name="other.example")
        gateway = self.gateway()
        url = f"https://localhost:{gateway.admin_port}"
        told = ctl(gateway, "--ca", str(self.certificate), "status", admin=url)
        self.assertEqual(told.returncode, 1)
        self.assertIn("hostname mismatch", told.stderr)
        self.assertIn("must name localhost", told.stderr)

    def test_takes_a_renewed_certificate_at_a_reload(self):
        gateway = self.gateway()
        self.assertEqual(self.served_certificate(gateway), self.written_certificate())
        make_certificate(self.folder)
        self.assertNotEqual(self.served_certificate(gateway), self.written_certificate())
        gateway.kill(1)
        gateway.log.wait_for("event=config_reloaded")
        self.assertEqual(self.served_certificate(gateway), self.written_certificate())
        self.trust(gateway)

    def test_keeps_the_old_certificate_when_the_new_one_is_broken(self):
        gateway = self.gateway()
        before = self.written_certificate()
        self.certificate.write_text("-----BEGIN CERTIFICATE-----\nno\n")
        gateway.kill(1)
        told = gateway.log.wait_for(r"event=config_error\b.*")[0]
        self.assertRegex(told, r"chatgate\.yaml:\d+:\d+: admin\.tls\.certificate: ")
        self.assertEqual(self.served_certificate(gateway), before)

    def test_says_where_a_mistake_is(self):
        def check(admin):
            gateway = Gateway({"admin": admin})
            try:
                return subprocess.run([BINARY, "check", "--config", gateway.config_file],
                                      capture_output=True, text=True, timeout=PATIENCE,
                                      check=False)
            finally:
                gateway.clean_up()

        good = self.config()["admin"]
        other = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        make_certificate(other)
        for admin, expected in (
                ({**good, "tls": {"certificate": str(self.certificate)}},
                 "admin.tls.certificate: a certificate needs its key"),
                ({**good, "tls": {"key": "/k"}}, "admin.tls.key: a key needs its certificate"),
                ({**good, "tls": {**good["tls"], "certificate": "/not/there"}},
                 "admin.tls.certificate: cannot read /not/there: No such file or directory"),
                ({**good, "tls": {**good["tls"], "key": str(self.certificate)}},
                 f"admin.tls.key: {self.certificate}: "),
                ({**good, "tls": {**good["tls"], "key": str(other / "key.pem")}},
                 f"admin.tls.key: {other}/key.pem: key values mismatch"),
                ({**good, "address": "unix:/run/a"}, "admin.tls.certificate: a Unix socket needs")):
            with self.subTest(expected):
                checked = check(admin)
                self.assertEqual(checked.returncode, 78, checked.stderr)
                self.assertRegex(checked.stderr, r"chatgate\.yaml:\d+:\d+: ")
                self.assertIn(expected, checked.stderr)

    def test_answers_while_others_stall_in_the_handshake(self):
        gateway = self.gateway()
        stalled = [self.enterContext(socket.create_connection(("127.0.0.1", gateway.admin_port)))
                   for _ in range(40)]
        for half in stalled[:20]:
            half.sendall(b"\x16\x03\x01")
        started = time.monotonic()
        for _ in range(10):
            self.assertEqual(gateway.http("GET", "/livez")[0], 200)
        self.assertLess(time.monotonic() - started, 4)
        for half in stalled:
            half.settimeout(PATIENCE)
            self.assertEqual(half.recv(100), b"")  # Cut after 5 s.

    def test_lets_go_at_once_who_leaves_within_the_handshake(self):
        gateway = self.gateway()
        for said in unfinished_hellos():
            with self.subTest(said=len(said)), \
                    socket.create_connection(("127.0.0.1", gateway.admin_port)) as leaving:
                leaving.settimeout(4)  # Who stalls is cut after 5 s.
                leaving.sendall(said)
                leaving.shutdown(socket.SHUT_WR)
                while leaving.recv(65536):
                    pass

    def test_survives_garbage(self):
        gateway = self.gateway()
        for garbage in (b"\x16" + bytes(range(256)) * 40, b"\x16\x03\x01\xff\xff" + b"a" * 70000,
                        b"\x00", b"GET", b"\x16\x03\x01\x00\x05hello"):
            with socket.create_connection(("127.0.0.1", gateway.admin_port)) as client:
                try:
                    client.sendall(garbage)
                except ConnectionError:
                    pass
        eventually(lambda: gateway.http("GET", "/livez")[0] == 200, "an answer after garbage")


if __name__ == "__main__":
    unittest.main(verbosity=2)
