#!/usr/bin/env python3
"""The admin endpoint over TLS as deploy/README.md says: behind nginx with deploy/nginx's example,
for a Prometheus, with the token, and for nobody without."""

import http.client
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import unittest

import promql
from stack import Prometheus

sys.path.insert(0, str(promql.SOURCE / "tests/e2e"))
from gateway import PATIENCE, Gateway, eventually  # noqa: E402
from proxies import NGINX, Proxy  # noqa: E402

EXAMPLE = promql.DEPLOY / "nginx/chatgate-admin.conf"
TOKEN = "s3cret"
AROUND = """daemon off; worker_processes 1; pid {path}/pid; error_log {path}/error.log;
events {{ }}
http {{ access_log off; {temporary}
{server} }}
"""
KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def make_certificate(folder, name="localhost"):
    """A new key and its certificate, as an operator makes one."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", folder / "key.pem",
         "-out", folder / "certificate.pem"], check=True, capture_output=True, timeout=60)


class TlsNginx(Proxy):
    """The example, with the addresses and files of a test."""

    def __init__(self, admin_port):
        super().__init__()
        make_certificate(self.path)
        server = EXAMPLE.read_text()
        for theirs, ours in (("listen 9465", "listen {}:{}".format(*self.address)),
                             ("/etc/chatgate/tls", str(self.path)),
                             ("127.0.0.1:9464", f"127.0.0.1:{admin_port}")):
            assert theirs in server, theirs
            server = server.replace(theirs, ours)
        temporary = "".join(f"{kind}_temp_path {self.path}/{kind}; " for kind in KINDS)
        file = self.path / "nginx.conf"
        file.write_text(AROUND.format(path=self.path, temporary=temporary, server=server))
        self._start([NGINX, "-c", str(file), "-p", str(self.path), "-e", str(self.path / "early")],
                    env={**os.environ, "NGINX": f"{self._socket.fileno()};"})

    @property
    def certificate(self):
        return self.path / "certificate.pem"


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.token = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "token"
        self.token.write_text(TOKEN)
        self.token.chmod(0o600)
        self.gateway = self.enterContext(Gateway({"admin": {
            "token_file": str(self.token), "token_for": "everything"}}))
        self.gateway.check_accounting = lambda: None  # It has no token.
        self.nginx = self.enterContext(TlsNginx(self.gateway.admin_port))

    def ask(self, method, path, headers=None, context=None):
        context = context or ssl.create_default_context(cafile=self.nginx.certificate)
        connection = http.client.HTTPSConnection(*self.nginx.address, timeout=PATIENCE,
                                                 context=context)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def test_asks_for_the_token_and_takes_it(self):
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for method, path in (("GET", "/metrics"), ("GET", "/connections"),
                             ("POST", "/log-level?level=warn")):
            self.assertEqual(self.ask(method, path), 401, path)
            self.assertEqual(self.ask(method, path, bearer), 200, path)
        self.assertEqual(self.ask("GET", "/livez"), 200)

    def test_the_page_may_control_from_its_own_origin(self):
        headers = {"Authorization": f"Bearer {TOKEN}",
                   "Origin": "https://{}:{}".format(*self.nginx.address)}
        self.assertEqual(self.ask("GET", "/"), 200)
        self.assertEqual(self.ask("POST", "/log-level?level=warn", headers), 200)

    def test_a_client_finds_out_that_it_is_another_server(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.ask("GET", "/livez", context=ssl.create_default_context())

    def test_speaks_nothing_older_than_tls_1_2(self):
        for version, good in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True),
                              (ssl.TLSVersion.TLSv1_3, True)):
            context = ssl.create_default_context(cafile=self.nginx.certificate)
            context.set_ciphers("ALL:@SECLEVEL=0")  # Ours would refuse the old one by itself.
            context.minimum_version = context.maximum_version = version
            with self.subTest(version.name):
                if good:
                    self.assertEqual(self.ask("GET", "/livez", context=context), 200)
                else:
                    self.assertRaises((ssl.SSLError, ConnectionError), self.ask, "GET", "/livez",
                                      context=context)

    def test_prometheus_scrapes_it(self):
        https = {"scheme": "https", "tls_config": {"ca_file": str(self.nginx.certificate)},
                 "authorization": {"credentials_file": str(self.token)}}
        target = "{}:{}".format(*self.nginx.address)
        with Prometheus([target], scrape=https) as prometheus:
            eventually(lambda: prometheus.query("chatgate_ready == 1"), "a scrape by TLS")


if __name__ == "__main__":
    unittest.main(verbosity=2)
