"""`chatgate ctl top` on a real pseudo-terminal, as an emulated terminal shows it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import pyte

from client import Client
from gateway import BINARY, PATIENCE, Gateway, eventually

ROWS, COLUMNS = 24, 80


class Top:
    """The program on a terminal of its own, which it controls as a person's shell lets it."""

    def __init__(self, gateway, *, interval="100ms", rows=ROWS, columns=COLUMNS):
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.output = b""
        self._master, slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [BINARY, "ctl", "--admin", f"127.0.0.1:{gateway.admin_port}", "top",
             "--interval", interval],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0))
        self._slave = slave

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def press(self, keys):
        os.write(self._master, keys.encode())

    def read(self):
        """Shows what has been written; returns at once."""
        while select.select([self._master], [], [], 0)[0]:
            data = os.read(self._master, 65536)
            self.output += data
            self._stream.feed(data)
        return self.screen.display

    def wait_for(self, predicate, what):
        return eventually(lambda: predicate(self.read()), f"{what}, not {self.screen.display}")

    def end(self):
        """The exit code, once it has ended; the screen is read meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read()
            time.sleep(0.005)
        self.read()
        return self.process.wait(0)

    def settings(self):
        return termios.tcgetattr(self._slave)


def sessions(display):
    return [line for line in display[6:-1] if line.strip()]


class TopTest(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway({"limits": {"per_source": {"mode": "off"}}}))

    def clients(self, count):
        made = [self.enterContext(Client(self.gateway.address())) for _ in range(count)]
        for client in made:
            client.line()
        return made

    def test_fills_a_screen_of_80_by_24_and_refreshes_in_place(self):
        clients = self.clients(40)
        with Top(self.gateway) as top:
            display = top.wait_for(lambda shown: len(sessions(shown)) == ROWS - 7 and shown,
                                   "a screen full of sessions")
            self.assertIn("chatgate", display[0])
            self.assertIn("open 40 of", display[1])
            self.assertIn("PEER", display[5])
            self.assertIn("q=quit", display[-1])
            clients[7].ask("hello")
            top.wait_for(lambda shown: clients[7].name() in sessions(shown)[0],
                         "the one that talks on top")
            self.assertNotRegex(top.output, rb"\x1b\[[0-9;]*m", "no colour")
            self.assertEqual(top.screen.display[0].count("chatgate"), 1)

    def test_sorts_by_keys_and_reverses(self):
        clients = self.clients(3)
        clients[1].ask("x" * 1000)
        clients[2].ask("y")
        with Top(self.gateway) as top:
            top.press("r")
            top.wait_for(lambda shown: clients[1].name() in (sessions(shown) or [""])[0], "most")
            top.press("r")
            top.wait_for(lambda shown: clients[0].name() in (sessions(shown) or [""])[0], "least")

    def test_leaves_the_terminal_as_it_was(self):
        for leave in ("\x03", "q", signal.SIGTERM):
            with self.subTest(leave), Top(self.gateway) as top:
                top.wait_for(lambda shown: "chatgate" in shown[0], "the view")
                if isinstance(leave, str):
                    top.press(leave)
                else:
                    top.process.send_signal(leave)
                self.assertEqual(top.end(), 0)
                self.assertTrue(top.output.endswith(b"\x1b[?25h\x1b[?1049l"), top.output[-40:])
                self.assertEqual(top.settings(), top.before)

    def test_follows_a_new_size(self):
        self.clients(20)
        with Top(self.gateway, interval="10m") as top:
            top.wait_for(lambda shown: "q=quit" in shown[-1], "the view")
            top.resize(12, 60)
            top.wait_for(lambda shown: len(shown) == 12 and "sort:" in shown[-1], "12 lines")

    def test_waits_for_a_gateway_that_is_gone(self):
        with Gateway() as other, Top(other) as top:
            top.wait_for(lambda shown: "chatgate" in shown[0], "the view")
            other.stop()
            top.wait_for(lambda shown: "cannot reach the admin endpoint" in shown[4], "the reason")
            top.press("q")
            self.assertEqual(top.end(), 0)

    def test_needs_a_terminal(self):
        result = subprocess.run(
            [BINARY, "ctl", "--admin", f"127.0.0.1:{self.gateway.admin_port}", "top"],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
            timeout=PATIENCE)
        self.assertEqual(result.returncode, 1)
        self.assertIn("connections --watch", result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
