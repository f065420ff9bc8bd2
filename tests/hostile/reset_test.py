"""Storms of RST, at every moment of a connection, and urgent data."""

import random
import select
import socket
import unittest

from attackers import Attackers
from client import Client
from gateway import GREETING, Gateway, eventually, reply_to
from hostile import GOOD_CLIENTS, GoodClients, HostileTest, reasons, sized, undisturbed_p99

STORM = sized(1500, 200_000)
MOMENTS = sized(300, 3000)
URGENT = 2000
CONFIG = {"log": {"sessions": False}, "limits": {"max_connections": 12_000}}
REPLIES = "z" * 4000 + "\n"


class ResetTest(HostileTest):
    attack = f"{STORM:,} connections that reset at once"

    def test_a_storm_leaves_nothing_behind(self):
        with Gateway(CONFIG) as gateway:
            alone = undisturbed_p99(gateway)
            with GoodClients(gateway) as clients, Attackers() as attackers:
                memory = gateway.memory_kib()
                attackers.open(gateway.address(), STORM, always_reset=True)
                seen = attackers.seen()
                self.note("their p99", self.unharmed(clients, alone))
            self.assertEqual(seen, {"reset": STORM})
            eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0,
                       "all have left")
            self.accounted(gateway, STORM + 2 * GOOD_CLIENTS)
            self.grew_by(gateway.memory_kib() - memory, 10)

    def test_a_reset_at_any_moment_ends_one_session(self):
        chance = random.Random(1935)
        with Gateway(CONFIG) as gateway:
            for _ in range(MOMENTS):
                client = Client(gateway.address(), receive_bytes=4096)
                for _ in range(chance.randrange(4)):
                    count = chance.randrange(5)
                    client.send(REPLIES * count + "part"[:chance.randrange(5)])
                    if count and chance.random() < 0.3:
                        client.line()
                client.reset()
            eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0,
                       "all have left")
            self.attack = f"{MOMENTS:,} connections that reset at any moment"
            self.accounted(gateway, MOMENTS)
            self.assertLessEqual(reasons(gateway.metrics()).keys(), {"client_reset"})


class UrgentTest(HostileTest):
    attack = "urgent data"

    def test_what_comes_behind_an_urgent_byte_is_answered(self):
        with Gateway(CONFIG) as gateway, Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            for _ in range(URGENT):
                client.send("be")
                client.socket.send(b"!", socket.MSG_OOB)
                self.assertEqual(client.ask("hind"), reply_to("be!hind"))

    def test_urgent_bytes_without_end_cost_nothing_and_end_nobody(self):
        with Gateway(CONFIG) as gateway, Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            for _ in range(URGENT):
                client.socket.send(b"!", socket.MSG_OOB)
            before = gateway.cpu_seconds()
            # Nobody has anything to say for a second, and that must cost nothing.
            self.assertEqual(select.select([client.socket], [], [], 1)[0], [])
            self.assertLess(gateway.cpu_seconds() - before, 0.3, "it spins")
            self.assertEqual(client.ask("all the same"),
                             reply_to("!" * URGENT + "all the same"))

    def test_a_synch_of_telnet_is_taken_out_as_a_whole(self):
        with Gateway(CONFIG) as gateway, Client(gateway.address()) as client:
            self.assertEqual(client.line(), GREETING)
            client.send(b"cut\xff\xf4\xff")  # IAC IP drops the line; IAC DM says up to where.
            client.socket.send(b"\xf2", socket.MSG_OOB)
            self.assertEqual(client.ask("kept"), reply_to("kept"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
