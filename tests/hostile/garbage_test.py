"""Random first bytes by the hundred thousand: nothing crashes, leaks, or is counted wrongly."""

import time
import unittest

from attackers import Attackers
from gateway import Gateway, eventually
from hostile import GOOD_CLIENTS, GoodClients, HostileTest, reasons, sized, undisturbed_p99

COUNT = sized(2000, 1_000_000)
OPENERS = 2
SOURCES = 50_000  # So many that most openings are read, and not refused for their source's penalty.
SEED = 1935
CONFIG = {
    "log": {"sessions": False},
    "timeouts": {"first_message": "5s"},
    "limits": {"per_source": {"exempt": ["127.0.0.1"], "penalties": {"bootwait": "0s"}}},
}


class GarbageTest(HostileTest):
    attack = f"{COUNT:,} random openings"

    def test_random_openings(self):
        with Gateway(CONFIG) as gateway:
            alone = undisturbed_p99(gateway)
            with GoodClients(gateway) as clients:
                began = time.monotonic()
                seen = self.send(gateway, range(OPENERS))
                half = gateway.memory_kib()  # All tables have their size: more would be a leak.
                seen += self.send(gateway, range(OPENERS, 2 * OPENERS))
                took = time.monotonic() - began
                self.note("their p99", self.unharmed(clients, alone))
            self.bar("openings", f"{COUNT:,} with the seeds from {SEED}, each ended",
                     f"{dict(seen)} in {took:.0f} s, {COUNT / took:.0f}/s",
                     sum(seen.values()) == COUNT == seen["reset"] + seen["close"] + seen["wait"])
            eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0,
                       "all have left")
            self.accounted(gateway, COUNT + 2 * GOOD_CLIENTS)
            print(reasons(gateway.metrics()), reasons(gateway.metrics(), "rejected"))
            self.grew_by(gateway.memory_kib() - half, 2)

    def send(self, gateway, openers):
        """Half of them, by processes side by side. Returns what those saw."""
        with Attackers() as attackers:
            for opener in openers:
                attackers.open(gateway.address(), COUNT // 2 // OPENERS, seed=SEED + opener,
                               sources=SOURCES)
            return attackers.seen()


if __name__ == "__main__":
    unittest.main(verbosity=2)
