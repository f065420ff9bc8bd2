"""More sources than the table remembers."""

import unittest

from attackers import Attackers
from client import Client
from gateway import GREETING, Gateway
from hostile import GOOD_CLIENTS, GoodClients, HostileTest, sized, source, undisturbed_p99

TABLE = 65_536
COUNT = sized(1500, 100_000)
OPENERS = 2
BURST = 3
# None is forgotten during the test: a token comes back in a quarter of an hour.
CONFIG = {"log": {"sessions": False},
          "limits": {"per_source": {"exempt": ["127.0.0.1"], "rate": "0.001/s", "burst": BURST}}}


class SourcesTest(HostileTest):
    attack = f"{COUNT:,} sources against a table of {TABLE:,}"

    def test_the_table_is_bounded_and_overflow_is_counted(self):
        with Gateway(CONFIG) as gateway:
            alone = undisturbed_p99(gateway)
            with GoodClients(gateway) as clients, Attackers() as attackers:
                memory = gateway.memory_kib()
                self.knock(gateway, source(0), BURST)
                for number in range(OPENERS):
                    attackers.open(gateway.address(), COUNT // OPENERS, silent=True,
                                   always_reset=True, sources=COUNT,
                                   first=1 + number * (COUNT // OPENERS))
                seen = attackers.seen()
                self.note("their p99", self.unharmed(clients, alone))
            self.assertEqual(seen, {"reset": COUNT})
            metrics = gateway.metrics()
            tracked = metrics.sum("chatgate_sources_tracked")
            overflow = metrics.sum("chatgate_source_table_full_total")
            self.bar("tracked", f"{min(TABLE, COUNT + 1)}", f"{tracked:.0f}",
                     tracked == min(TABLE, COUNT + 1))
            self.bar("overflow", f"counted exactly: {max(0, COUNT + 1 - TABLE)}",
                     f"{overflow:.0f}", overflow == max(0, COUNT + 1 - TABLE))
            self.grew_by(gateway.memory_kib() - memory, 8)
            self.remembers(gateway)
            self.accounted(gateway, COUNT + 2 * BURST + 4 + 2 * GOOD_CLIENTS)

    def knock(self, gateway, address, times):
        """How many of so many connections of a source are greeted."""
        greeted = 0
        for _ in range(times):
            with Client(gateway.address(), source=address) as client:
                greeted += client.line() == GREETING
        return greeted

    def remembers(self, gateway):
        """Who was there before the flood is still bound by its rate; who is exempt is not."""
        known = self.knock(gateway, source(0), 2)
        self.bar("a source from before the flood", "still refused for its rate",
                 f"{known} of 2 greeted", known == 0)
        exempt = self.knock(gateway, "127.0.0.1", BURST + 2)
        self.bar("an exempt source", "not limited", f"{exempt} of {BURST + 2} greeted",
                 exempt == BURST + 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
