"""netcat in its three dialects: what people type at a line server."""

import subprocess
import unittest

from gateway import GREETING, PATIENCE, Gateway, reply_to

TWO_REPLIES = f"{GREETING}\n{reply_to('a')}\n{reply_to('b')}\n"


def run(arguments, text):
    return subprocess.run(arguments, input=text.encode(), capture_output=True, timeout=PATIENCE,
                          check=False)


class NetcatTest(unittest.TestCase):
    def commands(self, host, port):
        return {
            "nc.openbsd": ["nc.openbsd", "-N", host, str(port)],
            "ncat": ["ncat", host, str(port)],
            "socat": ["socat", "-t10", "-", f"TCP:{host}:{port}"],
        }

    def test_every_dialect_gets_a_greeting_two_replies_and_an_end(self):
        with Gateway() as gateway:
            for name, command in self.commands(*gateway.address()).items():
                with self.subTest(name):
                    result = run(command, "a\nb")
                    self.assertEqual(result.stdout.decode(), TWO_REPLIES)
                    self.assertEqual(result.returncode, 0, result.stderr)

    def test_every_dialect_gets_all_replies_to_a_long_text(self):
        lines = [f"line {number}" for number in range(2000)]
        expected = "".join(f"{line}\n" for line in [GREETING, *map(reply_to, lines)])
        with Gateway() as gateway:
            for name, command in self.commands(*gateway.address()).items():
                with self.subTest(name):
                    result = run(command, "\n".join(lines))
                    self.assertEqual(result.stdout.decode(), expected)

    def test_ends_of_line_of_either_kind_are_stripped(self):
        with Gateway() as gateway:
            host, port = gateway.address()
            result = run(["ncat", "-C", host, str(port)], "a\nb")
            self.assertEqual(result.stdout.decode(), TWO_REPLIES)

    def test_an_interactive_conversation_goes_back_and_forth(self):
        with Gateway() as gateway:
            for name, command in self.commands(*gateway.address()).items():
                with self.subTest(name), subprocess.Popen(
                        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as netcat:
                    self.assertEqual(netcat.stdout.readline().decode(), GREETING + "\n")
                    for word in ("one", "two", "三"):
                        netcat.stdin.write(word.encode() + b"\n")
                        netcat.stdin.flush()
                        self.assertEqual(netcat.stdout.readline().decode(), reply_to(word) + "\n")
                    netcat.stdin.close()
                    self.assertEqual(netcat.stdout.read(), b"")
                    self.assertEqual(netcat.wait(PATIENCE), 0)

    def test_a_unix_socket_serves_netcat_too(self):
        with Gateway() as probe:
            path = probe.path / "socket"
            listeners = [{"name": "local", "address": f"unix:{path}"}]
            with Gateway({"listeners": listeners}):
                result = run(["nc.openbsd", "-N", "-U", str(path)], "a\nb")
                self.assertEqual(result.stdout.decode(), TWO_REPLIES)

    def test_wrong_protocols_end_with_a_reason(self):
        with Gateway() as gateway:
            host, port = gateway.address()
            answer = run(["nc.openbsd", "-N", host, str(port)], "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"HTTP/1.1 400", answer.stdout)
            count = gateway.metrics().value("chatgate_connections_closed_total",
                                            listener="public", reason="wrong_protocol_http")
            self.assertEqual(count, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
