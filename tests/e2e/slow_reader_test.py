"""Readers that never read: they are cut, and nobody else pays for them."""

import socket
import unittest

from client import Client
from gateway import GREETING, SANITIZED, Gateway, eventually
from talkers import Talkers

READERS = 20
LINE = b"x" * 4000 + b"\n"
LINES = LINE * 17
CONFIG = {"output": {"soft": "64KiB", "soft_time": "1s", "hard": "256KiB"}}


def p99(latencies):
    return sorted(latencies)[int(len(latencies) * 0.99)]


class SlowReaderTest(unittest.TestCase):
    def setUp(self):
        self.said = {}  # Of each reader, how much of a line is said.

    def test_they_are_all_cut_while_memory_and_others_stay_unharmed(self):
        with Gateway(CONFIG) as gateway, Talkers(gateway.address(), 1) as talkers:
            neighbour = talkers.all[0]
            eventually(lambda: neighbour.replies >= 1000, "the neighbour talks alone")
            alone = p99(neighbour.latencies)
            memory = most = gateway.memory_kib()
            readers = self.connect(gateway)
            mark = len(neighbour.latencies)

            def is_over():
                nonlocal most
                self.push(readers)
                most = max(most, gateway.memory_kib())
                return self.cut(gateway) == READERS

            eventually(is_over, f"{READERS} readers are cut", patience=60)
            together = p99(neighbour.latencies[mark:])
            for reader in readers:
                reader.close()
            print(f"p99 alone {alone * 1e3:.2f} ms, beside them {together * 1e3:.2f} ms; "
                  f"memory grew by {most - memory} KiB")
            if not SANITIZED:
                self.assertLess(most - memory, 20 * 1024)
                # 50 ms is far above the noise of a busy machine, far below any stall.
                self.assertLess(together, max(0.05, 5 * alone))
            closed = gateway.metrics().matching("chatgate_connections_closed_total")
            reasons = {labels["reason"] for labels, value in closed if value > 0}
            self.assertLessEqual(reasons, {"slow_soft", "slow_hard"})

    def connect(self, gateway):
        readers = [Client(gateway.address(), receive_bytes=4096) for _ in range(READERS)]
        for reader in readers:
            self.assertEqual(reader.line(), GREETING)
            reader.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader.socket.setblocking(False)
        return readers

    def push(self, readers):
        """Says as much as the sockets take, each line from where the socket stopped taking it."""
        for reader in readers:
            try:
                sent = reader.socket.send(LINES[self.said.get(reader, 0):])
                self.said[reader] = (self.said.get(reader, 0) + sent) % len(LINE)
            except OSError:
                pass  # Full, or cut already.

    def cut(self, gateway):
        metrics = gateway.metrics()
        return sum(metrics.sum("chatgate_connections_closed_total", reason=reason)
                   for reason in ("slow_soft", "slow_hard"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
