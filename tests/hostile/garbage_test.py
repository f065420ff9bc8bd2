"""Random first bytes by the hundred thousand: nothing crashes, leaks, or is counted wrongly."""

import time
import unittest

from attackers import Attackers
from gateway import Gateway, eventually
from hostile import GOOD_CLIENTS, GoodClients, HostileTest, reasons, sized, undisturbed_p99

COUNT = sized(2000, 1_000_000)
OPENERS = 2
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
            with GoodClients(gateway) as clients, Attackers() as attackers:
                began = time.monotonic()
                for number in range(OPENERS):
                    attackers.open(gateway.address(), COUNT // OPENERS, seed=SEED + number)
                half = self.memory_at_half(gateway, attackers)
                seen = attackers.seen()
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

    def memory_at_half(self, gateway, attackers):
        """When all tables have their size: what grows from then on is a leak."""
        eventually(lambda: attackers.are_done() or gateway.metrics().sum(
            "chatgate_connections_accepted_total") > COUNT / 2, "half of them came", patience=600)
        return gateway.memory_kib()


if __name__ == "__main__":
    unittest.main(verbosity=2)
