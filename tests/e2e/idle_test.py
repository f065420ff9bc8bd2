"""What an idle session costs: memory, and no time. The test of 15,000 is in tests/bench."""

import select
import unittest

from client import Client
from gateway import GREETING, SANITIZED, Gateway, raise_descriptor_limit, reply_to

SESSIONS = 2000
WARM_UP = 50


@unittest.skipIf(SANITIZED, "a sanitizer's memory is not ours")
class IdleTest(unittest.TestCase):
    def setUp(self):
        raise_descriptor_limit()

    def connect(self, address, count):
        clients = [self.enterContext(Client(address)) for _ in range(count)]
        for client in clients:
            self.assertEqual(client.line(), GREETING)
            self.assertEqual(client.ask("once"), reply_to("once"))
        return clients

    def test_a_session_costs_at_most_a_kibibyte_and_no_time(self):
        with Gateway() as gateway:
            address = gateway.address()
            self.connect(address, WARM_UP)
            before = gateway.memory_kib("RssAnon")
            clients = self.connect(address, SESSIONS)
            each = (gateway.memory_kib("RssAnon") - before) * 1024 / SESSIONS
            used = gateway.cpu_seconds()
            self.assertEqual(select.select([each.socket for each in clients[:500]], [], [], 2)[0],
                             [], "nobody is spoken to")
            used = gateway.cpu_seconds() - used
            print(f"{each:.0f} bytes a session, {used:.2f} s of CPU in 2 s")
            self.assertLessEqual(each, 1024)
            self.assertLessEqual(used, 0.1)
            for client in clients:
                client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
