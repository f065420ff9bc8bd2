"""TLS clients that stall in the handshake: without a word, within the first one, or after it."""

import pathlib
import ssl
import tempfile
import unittest

from certificates import make_certificate
from client import Client, unfinished_hellos
from gateway import GREETING, Gateway, eventually, reply_to
from herd import Herd
from hostile import (GOOD_CLIENTS, GoodClients, HostileTest, least_urgent, reasons, sized,
                     undisturbed_p99)

COUNT = sized(100, 1000)
WAIT = sized(1, 10)
LATE = sized(10.0, 1.0)
BOUND = sized(20, 256)  # In full the default.
STALLS = unfinished_hellos()


class HandshakeTest(HostileTest):
    attack = f"{COUNT:,} stalled TLS handshakes"

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        make_certificate(self.folder)

    def config(self, handshakes):
        tls = {"certificate": str(self.folder / "certificate.pem"),
               "key": str(self.folder / "key.pem")}
        return {"listeners": [{"name": "public", "address": "127.0.0.1:0"},
                              {"name": "secure", "address": "127.0.0.1:0", "tls": tls}],
                "limits": {"max_connections": 12_000, "tls_handshakes": handshakes},
                "timeouts": {"tls_handshake": f"{WAIT}s"}, "log": {"sessions": False}}

    def attack_with(self, handshakes):
        """Has all of them stall, and others come, while so many handshakes are allowed."""
        context = ssl.create_default_context(cafile=self.folder / "certificate.pem")
        with Gateway(self.config(handshakes)) as gateway:
            alone = undisturbed_p99(gateway)
            with GoodClients(gateway) as clients, Herd(gateway.address("secure")) as herd:
                with least_urgent():
                    herd.gather(COUNT, lambda held: held.say(STALLS[len(herd.all) % len(STALLS)]))
                served, most = self.newcomers(gateway, herd, context)
                self.note("p99 of the good clients", self.unharmed(clients, alone))
            self.note("new clients by TLS meanwhile", f"{served}, each greeted and answered")
            self.bar("handshakes at a time", f"at most {handshakes}", f"at most {most:.0f} seen",
                     0 < most <= handshakes)
            eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0,
                       "all have left")
            self.accounted(gateway, COUNT + served + 2 * GOOD_CLIENTS)
            counted = reasons(gateway.metrics())
            self.bar("reason", "tls_timeout", str(counted), counted.get("tls_timeout") == COUNT)
            return [held.lasted() for held in herd.all]

    def newcomers(self, gateway, herd, context):
        """Has one after another come and talk until all who stall are gone. Returns how many, and
        the most handshakes that there were."""
        served, most = 0, 0
        while herd.open():
            most = max(most, gateway.metrics().value("chatgate_tls_handshakes_open"))
            with Client(gateway.address("secure"), tls=context) as client:
                self.assertEqual(client.line(), GREETING)
                self.assertEqual(client.ask("x"), reply_to("x"))
            served += 1
            herd.look(0.02)
        return served, most

    def test_each_is_cut_on_time(self):
        lasted = self.attack_with(2 * COUNT)
        self.bar("cut", f"all, within {WAIT} s to {WAIT + LATE} s",
                 f"{len(lasted)}, within {min(lasted):.2f} s to {max(lasted):.2f} s",
                 min(lasted) >= WAIT - 0.1 and max(lasted) <= WAIT + LATE)

    def test_more_than_may_shake_hands_give_way_to_newer_ones(self):
        self.attack_with(BOUND)


if __name__ == "__main__":
    unittest.main(verbosity=2)
