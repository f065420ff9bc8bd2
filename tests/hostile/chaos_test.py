"""A short run of the chaos, another one each time; `run chaos --seed N` replays it."""

import json
import os
import time
import unittest

import chaos
from gateway import Gateway, eventually, raise_descriptor_limit
from hostile import sized
from steady import Steadies, Steady

SECONDS = sized(15, 300)


class ChaosTest(unittest.TestCase):
    def test_nobody_who_behaves_loses_a_reply(self):
        raise_descriptor_limit()
        seed = int(os.environ.get("CHATGATE_CHAOS_SEED", time.time()))
        self.assertEqual(chaos.run(seed, SECONDS), [], f"seed {seed}")

    def test_a_client_whose_conversation_is_cut_says_so(self):
        with Gateway() as gateway:
            clients = Steadies([Steady(number, gateway.address(), 1) for number in range(3)])

            def is_noticed():
                for session in json.loads(gateway.http("GET", "/connections")[1])["connections"]:
                    gateway.http("POST", f"/connections/{session['id']}/close")
                return clients.faults()

            try:
                faults = eventually(is_noticed, "a client misses what it is owed")
            finally:
                clients.stop()
            self.assertIn("ended by", faults[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
