"""A flood of connections at the machine's maximum, from many addresses, into a full house."""

import time
import unittest

from attackers import Attackers
from gateway import Gateway, eventually
from hostile import GOOD_CLIENTS, GoodClients, HostileTest, reasons, sized, undisturbed_p99

LIMIT = 200
SECONDS = sized(2, 10)
CONFIG = {"limits": {"max_connections": LIMIT}, "threads": {"acceptors": 2, "workers": 2},
          "log": {"sessions": False}}


class FloodTest(HostileTest):
    attack = f"connection flood, {SECONDS} s"

    def test_a_flood_meets_a_limit_and_nobody_else_notices(self):
        with Gateway(CONFIG) as gateway:
            alone = undisturbed_p99(gateway)
            with GoodClients(gateway) as clients, Attackers() as attackers:
                memory = most = gateway.memory_kib()
                crowd = 0
                for _ in range(2):
                    attackers.connect(gateway.address(), "--connections=500", "--sources=250",
                                      f"--duration={SECONDS}s")
                while not attackers.are_done():
                    crowd = max(crowd, gateway.metrics().sum("chatgate_connections_open"))
                    most = max(most, gateway.memory_kib())
                    time.sleep(0.05)
                results = attackers.results()
                self.quick(clients, alone)
            self.report(gateway, results, crowd)
            self.grew_by(most - memory, 10)

    def report(self, gateway, results, crowd):
        served = sum(result["operations"] for result in results)
        refused = sum(result["refused"] for result in results)
        self.bar("connections", "more than the limit", f"{(served + refused) / SECONDS:.0f}/s, "
                 f"{served} served and {refused} refused", refused > LIMIT)
        self.bar("limit", f"never more than {LIMIT} open", f"at most {crowd:.0f} seen",
                 crowd <= LIMIT)
        self.bar("errors of the flood", "none but refusals",
                 str(sum(result["errors"] for result in results)),
                 not any(result["errors"] for result in results))
        eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0, "all have left")
        counted = reasons(gateway.metrics(), "rejected")
        self.bar("refusals", f"counted as the clients read them: {refused}", f"{counted}",
                 sum(counted.values()) == refused)
        self.accounted(gateway, served + refused + sum(result["greeted"] - result["operations"]
                                                       for result in results) + 2 * GOOD_CLIENTS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
