"""Certificates of listeners that speak TLS: by name, of clients, renewed, and of no use."""

import pathlib
import re
import ssl
import subprocess
import tempfile
import unittest

from certificates import make_certificate, make_combined
from client import Client
from gateway import BINARY, GREETING, PATIENCE, Gateway, eventually, reply_to
from proxies import HAProxy

SUBJECT = {"services": {"greeter": {"greeting": "[{subject}]\n"}}}


class TlsCertificatesTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.temporary_folder()
        make_certificate(self.folder)
        self.certificate = self.folder / "certificate.pem"
        self.tls = {"certificate": str(self.certificate), "key": str(self.folder / "key.pem")}

    def temporary_folder(self):
        return pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def config(self, tls=None, **config):
        listener = {"name": "public", "address": "127.0.0.1:0", "tls": {**self.tls, **(tls or {})}}
        listener.update(config.pop("listener", {}))
        return {"listeners": [listener], **config}

    def gateway(self, tls=None, **config):
        return self.enterContext(Gateway(self.config(tls, **config)))

    def context(self, authority=None):
        return ssl.create_default_context(cafile=authority or self.certificate)

    def client(self, gateway, context=None, **options):
        return self.enterContext(
            Client(gateway.address(), tls=context or self.context(), **options))

    def served(self, gateway):
        return ssl.get_server_certificate(gateway.address(), timeout=PATIENCE)

    def reload(self, gateway, told):
        gateway.kill(1)
        return gateway.log.wait_for(told)[0]

    def test_each_name_has_its_certificate(self):
        names = ("one.example", "two.example")
        combined = [make_combined(self.temporary_folder(), name) for name in names]
        gateway = self.gateway({"sni": [str(file) for file in combined]})
        for name, file in zip(names, combined):
            self.assertEqual(self.client(gateway, self.context(file), name=name).line(), GREETING)
        for name in ("localhost", "127.0.0.1"):
            self.assertEqual(self.client(gateway, name=name).line(), GREETING)
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "Hostname mismatch"):
            self.client(gateway, name="three.example")

    def identified(self, subject=None):
        """The context of a client that has a certificate, and that certificate's file."""
        folder = self.temporary_folder()
        make_certificate(folder, "client", subject)
        context = self.context()
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        return context, folder / "certificate.pem"

    def test_clients_have_to_show_theirs(self):
        known, authority = self.identified("/O=测试/CN=Ada, the first\x1b")
        unknown, _ = self.identified()
        gateway = self.gateway({"client_ca": str(authority)}, **SUBJECT)
        self.assertEqual(self.client(gateway, known).line(), r"[CN=Ada\, the first\1B,O=测试]")
        for context in (self.context(), unknown):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.client(gateway, context).ask("x")
        eventually(lambda: gateway.metrics().value("chatgate_connections_closed_total",
                                                   reason="tls_handshake") == 2, "two are not")
        errors = {match[1] for match in gateway.log.all(r"tls_handshake_failed.* error=(.*)")}
        self.assertIn('"peer did not return a certificate"', errors)
        self.assertIn('"certificate verify failed: self-signed certificate"', errors)

    def test_clients_may_show_theirs(self):
        known, authority = self.identified()
        gateway = self.gateway({"client_ca": str(authority), "client_certificate": "optional"},
                               **SUBJECT)
        self.assertEqual(self.client(gateway, known).line(), "[CN=client]")
        self.assertEqual(self.client(gateway).line(), "[]")
        with Gateway(SUBJECT) as plain, Client(plain.address()) as client:
            self.assertEqual(client.line(), "[]")

    def test_a_reload_takes_what_was_renewed_and_drops_nobody(self):
        gateway = self.gateway()
        before = self.client(gateway)
        self.assertEqual(before.line(), GREETING)
        make_certificate(self.folder)
        renewed = self.certificate.read_text()
        self.assertNotEqual(self.served(gateway), renewed)
        self.reload(gateway, "event=config_reloaded")
        self.assertEqual(self.served(gateway), renewed)
        self.assertEqual(before.ask("x"), reply_to("x"))
        self.assertEqual(self.client(gateway).line(), GREETING)

    def test_a_reload_refuses_what_is_of_no_use_and_keeps_the_old(self):
        gateway = self.gateway()
        before = self.certificate.read_text()
        (self.folder / "key.pem").write_text("none")
        told = self.reload(gateway, r"event=config_error.*")
        self.assertRegex(told, r"chatgate\.yaml:\d+:\d+: listeners\.public\.tls\.key: ")
        self.assertEqual(self.served(gateway), before)

    def test_tls_comes_and_goes_at_a_reload(self):
        gateway = self.gateway()
        secret = self.client(gateway)
        self.assertEqual(secret.line(), GREETING)
        port = gateway.address()[1]
        plain = {"listeners": [{"name": "public", "address": "127.0.0.1:0"}]}
        gateway.write_config(plain)
        self.reload(gateway, "event=config_reloaded")
        self.assertEqual(gateway.address()[1], port)
        with Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            gateway.write_config(self.config())
            gateway.kill(1)
            eventually(lambda: len(gateway.log.all("event=config_reloaded")) == 2, "a reload")
            self.assertEqual(client.ask("x"), reply_to("x"))
        self.assertEqual(secret.ask("x"), reply_to("x"))
        self.assertEqual(self.client(gateway).line(), GREETING)

    def s_client(self, gateway, version, *arguments):
        done = subprocess.run(
            ["openssl", "s_client", version, "-CAfile", self.certificate, "-connect",
             "{}:{}".format(*gateway.address()), "-ign_eof", *arguments], input="quit\n",
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        return re.findall(r"^(?:New|Reused), ", done.stdout, re.MULTILINE)

    def test_sessions_are_resumed_also_after_a_reload_until_the_certificate_changes(self):
        gateway = self.gateway(services={"greeter": {"quit_words": ["quit"]}})
        for version in ("-tls1_2", "-tls1_3"):
            session = str(self.folder / "session")
            with self.subTest(version):
                self.assertEqual(self.s_client(gateway, version, "-sess_out", session), ["New, "])
                self.assertIn("Reused, ", self.s_client(gateway, version, "-sess_in", session))
                self.reload(gateway, "event=config_reloaded")
                self.assertIn("Reused, ", self.s_client(gateway, version, "-sess_in", session))
        make_certificate(self.folder)
        gateway.kill(1)
        eventually(lambda: len(gateway.log.all("event=config_reloaded")) == 3, "a reload")
        self.assertNotIn("Reused, ", self.s_client(gateway, "-tls1_3", "-sess_in", session))

    def test_behind_a_proxy_the_header_comes_before_tls(self):
        gateway = self.gateway(listener={"proxy_protocol": "required",
                                         "proxy_trusted": ["127.0.0.1"]},
                               services={"greeter": {"greeting": "{peer}\n"}})
        with HAProxy(gateway.address(), "send-proxy-v2") as proxy:
            client = self.enterContext(Client(proxy.address, tls=self.context()))
            self.assertEqual(client.line(), client.name())

    def test_says_where_a_mistake_is(self):
        other = self.temporary_folder()
        make_certificate(other)
        bare = str(other / "certificate.pem")
        for tls, expected in (
                ({"key": ""}, "tls.certificate: a certificate needs its key"),
                ({"certificate": ""}, "tls.key: a key needs its certificate"),
                ({"certificate": "/not/there"}, "tls.certificate: cannot read /not/there: No such"),
                ({"key": str(other / "key.pem")}, "key.pem: key values mismatch"),
                ({"sni": [bare]}, f"tls.sni: {bare}: "),
                ({"client_ca": str(other / "key.pem")}, "tls.client_ca: "),
                ({"min_version": "1.1"}, 'tls.min_version: must be 1.2 or 1.3, got "1.1"')):
            with self.subTest(expected):
                gateway = Gateway(self.config(tls))
                try:
                    checked = subprocess.run(
                        [BINARY, "check", "--config", gateway.config_file], capture_output=True,
                        text=True, timeout=PATIENCE, check=False)
                finally:
                    gateway.clean_up()
                self.assertEqual(checked.returncode, 78, checked.stderr)
                self.assertRegex(checked.stderr, r"chatgate\.yaml:\d+:\d+: listeners\.public\.")
                self.assertIn(expected, checked.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
