"""Conversations by TLS: the clients that people have, ends as polite as without, and those who
stall or speak something else."""

import json
import pathlib
import select
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from certificates import make_certificate
from client import CUT, EOF, Client
from gateway import BINARY, GREETING, PATIENCE, Gateway, eventually, reply_to

STALLED = 200
HANDSHAKES = 20
HINT = "400 this port speaks TLS"


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        make_certificate(cls.folder)
        cls.certificate = cls.folder / "certificate.pem"
        cls.tls = {"certificate": str(cls.certificate), "key": str(cls.folder / "key.pem")}

    def gateway(self, listener=None, **config):
        public = {"name": "public", "address": "127.0.0.1:0", "tls": self.tls, **(listener or {})}
        return self.enterContext(Gateway({"listeners": [public], **config}))

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)

    def client(self, gateway, context=None, **options):
        return self.enterContext(
            Client(gateway.address(), tls=context or self.context(), **options))

    def run_client(self, command, text="a\nb\n"):
        done = subprocess.run(command, input=text, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        return done.stdout

    def ended(self, gateway, reason):
        return gateway.metrics().value("chatgate_connections_closed_total", reason=reason)

    def test_the_clients_that_people_have(self):
        gateway = self.gateway()
        host, port = gateway.address()
        expected = f"{GREETING}\n{reply_to('a')}\n{reply_to('b')}\n"
        for command in (["ncat", "--ssl-verify", "--ssl-trustfile", str(self.certificate),
                         "localhost", str(port)],
                        ["socat", "-", f"OPENSSL:localhost:{port},cafile={self.certificate}"],
                        ["openssl", "s_client", "-quiet", "-no_ign_eof", "-verify_quiet",
                         "-verify_return_error", "-CAfile", str(self.certificate), "-connect",
                         f"{host}:{port}"]):
            with self.subTest(command[0]):
                text = "a\nb\n"
                if command[0] == "openssl":
                    self.assertEqual(self.talk_slowly(command), expected)
                else:
                    self.assertEqual(self.run_client(command, text), expected)
        eventually(lambda: self.ended(gateway, "client_eof") == 3, "three have left")

    def talk_slowly(self, command):
        """s_client leaves at the end of its input, whatever has not come yet."""
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as process:
            lines = process.stdout.readline()
            for word in ("a", "b"):
                process.stdin.write(word + "\n")
                process.stdin.flush()
                lines += process.stdout.readline()
            process.stdin.close()
            return lines + process.stdout.read()

    def test_a_probe(self):
        gateway = self.gateway()
        address = f"localhost:{gateway.address()[1]}"

        def probe(*options):
            return subprocess.run([BINARY, "probe", address, "--send", "x", *options],
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)

        good = probe("--tls", "--ca", str(self.certificate), "--expect", reply_to("x"))
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        stranger = probe("--tls")
        self.assertEqual(stranger.returncode, 1)
        self.assertIn("certificate verify failed: self-signed certificate", stranger.stderr)

    def test_speaks_nothing_older_than_tls_1_2_or_what_is_asked_for(self):
        versions = ssl.TLSVersion
        for oldest, good in (("1.2", (versions.TLSv1_2, versions.TLSv1_3)),
                             ("1.3", (versions.TLSv1_3,))):
            gateway = self.gateway({"tls": {**self.tls, "min_version": oldest}})
            for version in (versions.TLSv1_1, versions.TLSv1_2, versions.TLSv1_3):
                context = self.context()
                context.set_ciphers("ALL:@SECLEVEL=0")  # Ours would refuse the old one by itself.
                context.minimum_version = context.maximum_version = version
                with self.subTest(f"{version.name}, {oldest}"):
                    if version in good:
                        self.assertEqual(self.client(gateway, context).line(), GREETING)
                    else:
                        self.assertRaises((ssl.SSLError, ConnectionError), self.client, gateway,
                                          context)

    def test_every_polite_end_says_so(self):
        gateway = self.gateway(services={"greeter": {
            "quit_words": ["quit"], "farewell": "bye\n", "messages_per_session": 3}})
        leaving = self.client(gateway)
        leaving.line()
        leaving.send("quit\n")
        self.assertEqual((leaving.line(), leaving.until_eof()), ("bye", ""))
        done = self.client(gateway)
        done.line()
        done.send("1\n2\n3\n4\n")
        self.assertEqual(done.until_eof(), "".join(f"{reply_to(i)}\n" for i in (1, 2, 3)))
        sent_away = self.client(gateway)
        self.assertEqual(sent_away.ask("x"), GREETING)
        gateway.kill(15)
        self.assertEqual(sent_away.line(), reply_to("x"))
        self.assertEqual((sent_away.line(), sent_away.until_eof()),
                         ("* server is shutting down", ""))
        self.assertEqual(gateway.wait(), 0)

    def test_answers_what_came_before_a_close_notify(self):
        gateway = self.gateway()
        client = self.client(gateway)
        client.send("one\nhalf")
        self.assertEqual([client.line(), client.line()], [GREETING, reply_to("one")])
        try:
            client.socket.unwrap()  # Sends a close_notify, and waits for the gateway's.
        except (ssl.SSLError, OSError):
            pass  # It may meet the reply to `half` first.
        eventually(lambda: self.ended(gateway, "client_eof") == 1, "the client has left")
        self.assertEqual(gateway.metrics().value("chatgate_messages_received_total"), 2)

    def test_a_long_conversation_with_a_client_that_reads_late(self):
        """It sends for as long as it can, and reads only then: nothing is lost on the way."""
        gateway = self.gateway(output={"hard": "64MiB", "soft": "32MiB", "soft_time": "1m"})
        client = self.client(gateway, receive_bytes=4096)
        count = 60_000
        unsent = memoryview("".join(f"{i:0100}\n" for i in range(count)).encode())
        expected = "".join([f"{GREETING}\n", *(f"{reply_to(f'{i:0100}')}\n"
                                                for i in range(count))]).encode()
        received = bytearray()
        sock = client.socket
        sock.setblocking(False)  # One thread: an SSL object knows no two.
        while len(received) < len(expected):
            try:
                unsent = unsent[sock.send(unsent[:16384]):] if unsent else unsent
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            else:
                if unsent:
                    continue
            try:
                received += sock.recv(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                ready = select.select([sock], [sock] if unsent else [], [], PATIENCE)
                self.assertNotEqual(ready[:2], ([], []), f"nothing after {len(received)} bytes")
        self.assertEqual(bytes(received), expected)
        sock.settimeout(PATIENCE)

    def test_those_who_stall_are_cut_and_others_served(self):
        gateway = self.gateway(timeouts={"tls_handshake": "1s"},
                               limits={"tls_handshakes": HANDSHAKES})
        stalled = [self.enterContext(socket.create_connection(gateway.address()))
                   for _ in range(STALLED)]
        for i, half in enumerate(stalled):
            half.settimeout(PATIENCE)
            if i % 2:
                half.sendall(b"\x16\x03\x01\x02")
        for _ in range(20):
            client = self.client(gateway)
            self.assertEqual(client.line(), GREETING)
            self.assertEqual(client.ask("x"), reply_to("x"))
            self.assertLessEqual(gateway.metrics().value("chatgate_tls_handshakes_open"),
                                 HANDSHAKES)
            client.close()
        for i, half in enumerate(stalled):
            said = b""
            while part := half.recv(4096):
                said += part
            self.assertIn(said.decode().strip(), ("", HINT) if i % 2 == 0 else ("",))
            half.close()
        eventually(lambda: self.ended(gateway, "tls_timeout") == STALLED, "all are cut")
        self.assertEqual(gateway.metrics().value("chatgate_tls_handshakes_total"), 20)
        self.assertEqual(gateway.metrics().value("chatgate_tls_handshakes_open"), 0)

    def test_who_waits_for_a_greeting_without_tls_reads_why(self):
        gateway = self.gateway(timeouts={"tls_handshake": "500ms"})
        with Client(gateway.address()) as client:
            self.assertEqual((client.line(), client.until_eof()), (HINT, ""))

    def test_who_speaks_no_tls_reads_why(self):
        gateway = self.gateway()
        for words in ("hello, is anybody there?\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            with Client(gateway.address()) as client:
                client.send(words)
                self.assertEqual((client.line(), client.until_eof()), (HINT, ""))
        eventually(lambda: self.ended(gateway, "tls_handshake") == 2, "both are sent away")
        told = gateway.log.wait_for(r"event=tls_handshake_failed.*")[0]
        self.assertIn("listener=public", told)

    def test_who_is_refused_sees_a_failed_handshake(self):
        gateway = self.gateway(limits={"max_connections": 1, "over_limit": "reply"})
        self.assertEqual(self.client(gateway).line(), GREETING)
        with self.assertRaisesRegex(ssl.SSLError, "HANDSHAKE_FAILURE"):
            self.client(gateway)

    def test_what_came_before_takes_no_time_from_a_handshake(self):
        gateway = self.gateway({"proxy_protocol": "required", "proxy_trusted": ["127.0.0.1"]},
                               timeouts={"tls_handshake": "1s"})
        with socket.create_connection(gateway.address(), PATIENCE) as connection:
            time.sleep(1.5)  # What is tested: a header may be late by `proxy_header`,
            connection.sendall(b"PROXY TCP4 192.0.2.1 198.51.100.7 50000 1935\r\n")
            time.sleep(0.3)  # and then the handshake by `tls_handshake`.
            with self.context().wrap_socket(connection, server_hostname="localhost") as client:
                self.assertEqual(client.recv(100).decode(), f"{GREETING}\n")

    def test_a_handshake_is_shown_with_its_silence(self):
        gateway = self.gateway()
        with socket.create_connection(gateway.address(), PATIENCE):
            session, = eventually(
                lambda: json.loads(gateway.http("GET", "/connections")[1])["connections"],
                "it is in")
        self.assertEqual(session["state"], "handshake")
        self.assertLess(session["idle"], PATIENCE)

    def test_many_at_once_lose_nothing(self):
        gateway = self.gateway(threads={"workers": 2})
        errors = []

        def talk(number):
            try:
                with Client(gateway.address(), tls=self.context()) as client:
                    assert client.line() == GREETING
                    for i in range(50):
                        answer = client.ask(f"{number}-{i}")
                        assert answer == reply_to(f"{number}-{i}"), answer
            except Exception as error:  # pylint: disable=broad-except
                errors.append(error)

        threads = [threading.Thread(target=talk, args=(n,)) for n in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])

    def test_a_client_that_vanishes_in_the_handshake(self):
        gateway = self.gateway()
        for _ in range(10):
            with socket.create_connection(gateway.address()) as half:
                half.sendall(b"\x16\x03\x01")
        eventually(lambda: self.ended(gateway, "tls_handshake") == 10, "they are gone")

    def test_a_cut_without_a_close_notify_is_an_end(self):
        gateway = self.gateway()
        client = self.client(gateway)
        self.assertEqual(client.ask("x"), GREETING)
        socket.socket.shutdown(client.socket, socket.SHUT_WR)
        self.assertIn(client.until_eof(), (f"{reply_to('x')}\n", f"{reply_to('x')}\n{CUT}"))
        eventually(lambda: self.ended(gateway, "client_eof") == 1, "it has left")
        self.assertNotEqual(EOF, CUT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
