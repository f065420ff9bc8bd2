"""Clients that trickle a line byte by byte, and never end it."""

import unittest

from gateway import GREETING, Gateway
from herd import Herd
from hostile import GoodClients, HostileTest, least_urgent, reasons, sized, undisturbed_p99

COUNT = sized(1000, 10_000)
LINE = sized(2, 10)
EVERY = sized(0.3, 2.0)
LATE = sized(10.0, 1.0)  # A tick of the gateway, and what this client takes to look.
CONFIG = {"limits": {"max_connections": 12_000}, "log": {"sessions": False},
          "timeouts": {"line": f"{LINE}s"}}


class SlowlorisTest(HostileTest):
    attack = f"{COUNT:,} slowloris connections"

    def test_each_is_cut_on_time(self):
        with Gateway(CONFIG) as gateway:
            alone = undisturbed_p99(gateway)
            with GoodClients(gateway) as clients, least_urgent(), \
                    Herd(gateway.address()) as herd:
                def trickle(held):
                    held.say(b"x")

                herd.gather(COUNT, trickle)
                herd.trickle(trickle, EVERY, LINE + 30)
                self.quick(clients, alone)
                lasted = [held.lasted() for held in herd.all if held.end]
                self.check(gateway, herd, lasted)

    def check(self, gateway, herd, lasted):
        self.bar("cut", f"all, by {LINE} s to {LINE + LATE} s after the first byte",
                 f"{len(lasted)}, by {min(lasted):.2f} s to {max(lasted):.2f} s",
                 len(lasted) == COUNT and min(lasted) >= LINE and max(lasted) <= LINE + LATE)
        counted = reasons(gateway.metrics())
        self.bar("reason", "line_timeout", str(counted), counted.get("line_timeout") == COUNT)
        self.assertEqual({(held.end, held.received.split(b"\n")[0].decode()) for held in herd.all},
                         {("eof", GREETING)})


if __name__ == "__main__":
    unittest.main(verbosity=2)
