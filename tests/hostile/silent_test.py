"""Clients that connect and wait, that leave half of a connection, or vanish without a word."""

import socket
import unittest

from client import Client
from gateway import GREETING, Gateway, eventually, reply_to
from herd import Herd
from hostile import GoodClients, HostileTest, reasons, sized, undisturbed_p99

COUNT = sized(300, 3000)
WAIT = sized(1, 5)
LATE = sized(10.0, 1.0)
TCP_REPAIR = 19
LIMITS = {"limits": {"max_connections": 12_000}, "log": {"sessions": False}}


class SilentTest(HostileTest):
    attack = f"{COUNT:,} silent connections"

    def check_waiting(self, timeout, speak=None):
        """All are ended by `timeout`, and nobody else is."""
        config = {**LIMITS, "timeouts": {timeout: f"{WAIT}s"}}
        with Gateway(config) as gateway:
            alone = undisturbed_p99(gateway)
            with GoodClients(gateway) as clients, Herd(gateway.address()) as herd:
                herd.gather(COUNT, speak)
                herd.wait(WAIT + 30)
                self.note("p99 of the good clients", self.unharmed(clients, alone))
            lasted = [held.lasted() for held in herd.all if held.end]
            counted = reasons(gateway.metrics())
            self.bar("cut", f"all for {timeout}_timeout, within {WAIT} s to {WAIT + LATE} s",
                     f"{counted.get(f'{timeout}_timeout')}, "
                     f"within {min(lasted):.2f} s to {max(lasted):.2f} s",
                     counted.get(f"{timeout}_timeout") == len(lasted) == COUNT
                     and min(lasted) >= WAIT - 0.1 and max(lasted) <= WAIT + LATE)
            return [held.received.decode() for held in herd.all]

    def test_who_connects_and_waits_is_ended_before_the_first_message(self):
        received = self.check_waiting("first_message")
        self.assertEqual(set(received), {GREETING + "\n"})

    def test_who_talked_once_and_waits_is_idle(self):
        received = self.check_waiting("idle", lambda held: held.say(b"once\n"))
        self.assertEqual(set(received), {f"{GREETING}\n{reply_to('once')}\n"})

    def test_who_closes_one_half_is_answered_and_let_go(self):
        with Gateway(LIMITS) as gateway, Herd(gateway.address()) as herd:
            def leave_half(held):
                held.say(b"whole\npart")
                held.socket.shutdown(socket.SHUT_WR)

            herd.gather(COUNT, leave_half)
            herd.wait(30)
            self.assertEqual({(held.end, held.received.decode()) for held in herd.all},
                             {("eof", f"{GREETING}\n{reply_to('whole')}\n{reply_to('part')}\n")})
            self.assertEqual(reasons(gateway.metrics()), {"client_eof": COUNT})

    def test_who_vanishes_without_a_word_holds_no_place(self):
        config = {**LIMITS, "timeouts": {"first_message": f"{WAIT}s"}}
        with Gateway(config) as gateway:
            for _ in range(COUNT):
                with Client(gateway.address()) as client:
                    self.assertEqual(client.line(), GREETING)
                    try:
                        # A socket in repair is closed without a packet: its machine has crashed.
                        client.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
                    except PermissionError:
                        self.skipTest("needs CAP_NET_ADMIN")
            self.assertGreater(gateway.metrics().sum("chatgate_connections_open"), 0)
            eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0,
                       "their places are free", patience=WAIT + 20)
            counted = reasons(gateway.metrics())
            self.bar("vanished", "all cut", str(counted), sum(counted.values()) == COUNT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
