"""The admin endpoint under 10,000 malformed requests: it stays healthy, and so does the gateway."""

import errno
import os
import random
import socket
import threading
import unittest

from client import Client
from gateway import PATIENCE, SANITIZED, Gateway, eventually, reply_to

REQUESTS = 1_000 if SANITIZED else 10_000
THREADS = 8
SEED = 20241  # A run is repeated by it.

GOOD = [
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /connections?sort=-age&filter=idle>5m,peer=10.0.0.0/8&limit=10 HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    b"POST /connections/4711/close?abort=true HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    b"POST /log-level HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nlevel=info",
    b"POST /log-level HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\na\r\nlevel=info\r\n0\r\n\r\n",
    b"GET /config HTTP/1.1\r\nAuthorization: Bearer x\r\nOrigin: http://localhost\r\n\r\n",
]
TOKENS = [
    b"\r\n", b"\n", b"\0", b"%00", b"%", b"..", b"/", b"?", b"&", b"=", b",", b">", b"\xff" * 9,
    b"A" * 9000, b"HTTP/9.9", b"Content-Length: -1\r\n", b"Content-Length: 99999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Host: \r\n",
    b"Range: bytes=0-\r\n", b"X: y\r\n" * 200, b"\x16\x03\x01", b"PRI * HTTP/2.0\r\n\r\nSM"]


def malformed(choice):
    """A request that was good before some bytes were cut, doubled, changed or put in. It never
    drains, stops or reloads: such words are not among the good ones."""
    data = bytearray(choice.choice(GOOD))
    for _ in range(choice.randint(1, 6)):
        at = choice.randrange(len(data) + 1)
        kind = choice.randrange(5)
        if kind == 0:
            del data[at:at + choice.randint(1, 20)]
        elif kind == 1:
            data[at:at] = choice.choice(TOKENS)
        elif kind == 2:
            data[at:at] = data[at:at + choice.randint(1, 30)]
        elif kind == 3:
            data[at:at + 1] = bytes([choice.randrange(256)])
        else:
            data[at:at] = choice.randbytes(choice.randint(1, 40))
    return bytes(data)


def ask(port, data):
    """What came back before the endpoint closed, or b"" after a reset."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.settimeout(PATIENCE)
        answer = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError as error:
            # It refused before it had read all.
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
                raise
        return answer


class AbuseTest(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway())
        self.port = self.gateway.admin_port
        self.faults = []

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.gateway.pid}/fd"))

    def attack(self, number):
        choice = random.Random(SEED + number)
        for _ in range(REQUESTS // THREADS):
            data = malformed(choice)
            try:
                answer = ask(self.port, data)
            except OSError as error:
                self.faults.append((data[:200], error))
                continue
            if answer and not answer.startswith(b"HTTP/1.1 "):
                self.faults.append((data[:200], answer[:200]))

    def test_stays_healthy(self):
        ask(self.port, GOOD[0])
        before = self.descriptors()
        memory = self.gateway.memory_kib()
        with Client(self.gateway.address()) as client:
            client.line()
            threads = [threading.Thread(target=self.attack, args=(i,)) for i in range(THREADS)]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                self.assertEqual(client.ask("still here"), reply_to("still here"))
            for thread in threads:
                thread.join()
        self.assertEqual(self.faults, [])
        self.assertEqual(self.gateway.http("GET", "/livez"), (200, "ok\n"))
        self.assertEqual(self.gateway.http("GET", "/readyz")[0], 200)
        eventually(lambda: self.descriptors() <= before, "no descriptor is left behind")
        self.assertLess(self.gateway.memory_kib(), memory + 16 * 1024, "KiB")
        self.assertEqual(self.gateway.log.all(r"(?i)error|crash"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
