"""The seed's blocking PHP client, unmodified, against configs/seed.yaml."""

import re
import subprocess
import unittest

from gateway import GREETING, PATIENCE, SOURCE, Gateway, reply_to

# Writes once, then reads in pieces of 8192 bytes until the server closes.
SEED_CLIENT = r"""
$socket = socket_create(AF_INET, SOCK_STREAM, SOL_TCP) or die("socket_create\n");
socket_connect($socket, "127.0.0.1", (int) $argv[1]) or die("socket_connect\n");
$in = "Ho\r\n";
$in .= "first blood\r\n";
socket_write($socket, $in, strlen($in)) or die("socket_write\n");
while ($out = socket_read($socket, 8192)) {
    echo $out;
}
socket_close($socket);
"""


def seed_config():
    """The seed's configuration, with ports that the kernel chooses."""
    text = (SOURCE / "configs" / "seed.yaml").read_text()
    return re.sub(r":1935\b", ":0", text)


class PhpTest(unittest.TestCase):
    def gateway(self, **environment):
        return Gateway(seed_config(), environment={"CHATGATE__ADMIN__ADDRESS": "127.0.0.1:0",
                                                   **environment})

    def run_client(self, gateway):
        port = gateway.address(r"\S+")[1]
        result = subprocess.run(["php", "-r", SEED_CLIENT, "--", str(port)], capture_output=True,
                                timeout=PATIENCE, check=False)
        self.assertEqual(result.returncode, 0, result)
        return result.stdout.decode()

    def test_the_seed_client_prints_greeting_and_reply(self):
        with self.gateway() as gateway:
            expected = f"{GREETING}\n{reply_to('Ho')}\r\nfirst blood\r\n\n"
            self.assertEqual(self.run_client(gateway), expected)
            self.assertEqual(self.run_client(gateway), expected)

    def test_the_loop_stops_after_five_sessions_when_asked_to(self):
        with self.gateway(CHATGATE__LIMITS__EXIT_AFTER="5") as gateway:
            for _ in range(5):
                self.assertTrue(self.run_client(gateway).startswith(GREETING))
            self.assertEqual(gateway.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
