"""The yardsticks greet and reply as they should: what they cost means nothing otherwise.

usage: floor_test.py PROGRAM. Exits with 77, skipped, where the kernel refuses io_uring.
"""

import contextlib
import subprocess
import sys
import unittest

from client import EOF, RESET, Client
from gateway import GREETING, PATIENCE, reply_to

SKIPPED = 77
PROGRAM = sys.argv.pop(1)


@contextlib.contextmanager
def floor(threads=1):
    """The address of a running floor, which must still run at the end."""
    with subprocess.Popen([PROGRAM, str(threads)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield "127.0.0.1", int(process.stdout.readline())
            if process.poll() is not None:
                raise AssertionError(f"{PROGRAM} ended with {process.returncode}")
        finally:
            process.kill()


def greeted(address, **options):
    client = Client(address, **options)
    line = client.line()
    if line != GREETING:
        raise AssertionError(f"greeted with {line!r}")
    return client


class FloorTest(unittest.TestCase):
    def test_greets_and_replies_to_each_line(self):
        with floor() as address, greeted(address) as client:
            for word in ("one", "", "三"):
                self.assertEqual(client.ask(word), reply_to(word))

    def test_replies_once_to_a_line_that_comes_in_pieces(self):
        with floor() as address, greeted(address) as client, greeted(address) as other:
            for piece in ("a", "bc", "d\ne"):
                client.send(piece)
                # What came before this was read by now.
                self.assertEqual(other.ask("x"), reply_to("x"))
            self.assertEqual(client.line(), reply_to("abcd"))
            self.assertEqual(client.ask("f"), reply_to("ef"))

    def test_replies_in_order_to_lines_that_come_together(self):
        words = [f"line {number}" for number in range(2000)]
        with floor() as address, greeted(address) as client:
            client.send("".join(f"{word}\n" for word in words))
            self.assertEqual([client.line() for _ in words], [reply_to(word) for word in words])

    def test_replies_before_it_closes_after_an_end_that_came_with_the_lines(self):
        with floor() as address:
            for _ in range(100):
                with greeted(address) as client:
                    client.send("a\nb\n")
                    client.half_close()
                    self.assertEqual([client.line() for _ in range(3)],
                                     [reply_to("a"), reply_to("b"), EOF])

    def test_drops_who_never_ends_a_line(self):
        with floor() as address, greeted(address) as client:
            client.send("x" * 9000)
            self.assertIn(client.line(), (EOF, RESET))
            with greeted(address) as other:
                self.assertEqual(other.ask("x"), reply_to("x"))

    def test_drops_who_reads_no_replies(self):
        with floor() as address, greeted(address, receive_bytes=4096) as client:
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                for _ in range(10_000):
                    client.send("x\n" * 2000)
            with greeted(address) as other:
                self.assertEqual(other.ask("x"), reply_to("x"))

    def test_serves_many_clients_that_come_and_go(self):
        with floor(threads=2) as address:
            for _ in range(5):
                with contextlib.ExitStack() as stack:
                    clients = [stack.enter_context(greeted(address)) for _ in range(200)]
                    for number, client in enumerate(clients):
                        client.send(f"{number}\n")
                    for number, client in enumerate(clients):
                        self.assertEqual(client.line(), reply_to(str(number)))


def is_refused():
    """Whether this kernel, or who watches over it, lets nobody use io_uring."""
    with subprocess.Popen([PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        has_port = process.stdout.readline() != ""
        process.kill()
        return not has_port and "io_uring_setup" in process.stderr.read()


if __name__ == "__main__":
    if is_refused():
        sys.exit(SKIPPED)
    unittest.main()
