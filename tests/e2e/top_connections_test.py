"""Connections by name in the metrics: few, however many come and go, and none for a moment only."""

import unittest

from client import Client
from gateway import GREETING, Gateway, raise_descriptor_limit, reply_to

COUNT = 10
ROUNDS = 100
CLIENTS = 100  # Of each round: 10,000 in all.
HELD = 3       # Scrapes.
CONFIG = {"metrics": {"top_connections": {"count": COUNT, "by": "received_bytes"}}}


class TopConnectionsTest(unittest.TestCase):
    def setUp(self):
        raise_descriptor_limit()

    def test_ten_thousand_that_come_and_go_are_never_more_than_ten(self):
        scrapes = []
        with Gateway(CONFIG) as gateway:
            before = len(gateway.metrics().series())
            with Client(gateway.address()) as steady:
                self.assertEqual(steady.line(), GREETING)
                name = steady.name()
                for number in range(ROUNDS):
                    steady.ask("s" * 4000)
                    scrapes.append(self.scrape_amid_a_crowd(gateway, number))
            self.assertLessEqual(len(gateway.metrics().series()), before + COUNT)
            self.assertEqual(gateway.metrics().sum("chatgate_connections_accepted_total"),
                             ROUNDS * CLIENTS + 1)

        self.assertEqual({len(members) for members in scrapes}, {COUNT})
        self.assert_held(scrapes)
        # The busiest of all is there for as long as it is.
        self.assertTrue(all(name in peers.values() for peers in scrapes[HELD:]))
        seen = {member for members in scrapes for member in members}
        print(f"{len(seen)} of {ROUNDS * CLIENTS} connections had a series in {ROUNDS} scrapes")
        self.assertLessEqual(len(seen), ROUNDS * COUNT / HELD + COUNT)

    def scrape_amid_a_crowd(self, gateway, number):
        """The members of one scrape, while a hundred others are open that were never there."""
        crowd = [Client(gateway.address()) for _ in range(CLIENTS)]
        for index, client in enumerate(crowd):
            self.assertEqual(client.line(), GREETING)
            # In every round some are busier than all of the round before.
            message = "x" * (1 + number + index)
            self.assertEqual(client.ask(message), reply_to(message))
        members = {}
        for labels, value in gateway.metrics().matching("chatgate_top_connection"):
            self.assertEqual(set(labels), {"id", "listener", "peer", "by"})
            self.assertGreater(value, 0)
            members[labels["id"]] = labels["peer"]
        for client in crowd:
            client.close()
        return members

    def assert_held(self, scrapes):
        """Whoever appears stays for three scrapes, unless those end before."""
        for number, members in enumerate(scrapes):
            appeared = set(members) - set(scrapes[number - 1] if number else [])
            for later in scrapes[number:number + HELD]:
                self.assertLessEqual(appeared, set(later))


if __name__ == "__main__":
    unittest.main(verbosity=2)
