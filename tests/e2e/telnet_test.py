"""inetutils-telnet on a terminal of its own: what a person sees, byte for byte."""

import os
import pty
import re
import select
import subprocess
import time
import unittest

from gateway import GREETING, PATIENCE, Gateway, reply_to


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, arguments):
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "vt100", "LC_ALL": "C.UTF-8"})
        os.close(slave)
        self.seen = ""
        self._bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def type(self, text):
        os.write(self._master, text.encode())

    def read_until(self, pattern):
        """Waits until what came since the last call matches; returns that much, consumed."""
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self._bytes.decode(errors="replace"), re.DOTALL)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._master], [], [], left)[0]:
                raise AssertionError(f"no {pattern!r} on the terminal:\n{self._shown()}")
            self._bytes += self._read()
        text = self._bytes.decode(errors="replace")
        self._bytes = text[match.end():].encode()
        self.seen += text[:match.end()]
        return text[:match.end()]

    def _read(self):
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the program has closed its side (pty(7)).
            data = b""
        if not data:
            raise AssertionError(f"telnet ended; the terminal shows:\n{self._shown()}")
        return data

    def _shown(self):
        return repr(self.seen + self._bytes.decode(errors="replace"))


class TelnetTest(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway())
        host, port = self.gateway.address()
        self.terminal = self.enterContext(Terminal(["inetutils-telnet", host, str(port)]))
        self.terminal.read_until(r"Escape character is '\^\]'\.\r\n")

    def command(self, text):
        """Types a command at telnet's own prompt, behind the escape character."""
        self.terminal.type("\x1d")
        self.terminal.read_until(r"telnet> ")
        self.terminal.type(text + "\r")
        self.terminal.read_until(re.escape(text) + r"\r\n")

    def test_shows_a_conversation_and_not_one_byte_more(self):
        self.assertEqual(self.terminal.read_until(r"\n"), GREETING + "\r\n")
        for word in ("hello", "second line"):
            self.terminal.type(word + "\r")
            shown = self.terminal.read_until(re.escape(reply_to(word)) + r"\r\n")
            # The first line is the terminal's own echo of what was typed.
            self.assertEqual(shown, f"{word}\r\n{reply_to(word)}\r\n")

    def test_answers_are_you_there(self):
        self.terminal.read_until(re.escape(GREETING) + r"\r\n")
        self.command("send ayt")
        self.terminal.read_until(r"\[yes\]")
        self.terminal.type("after\r")
        self.terminal.read_until(re.escape(reply_to("after")) + r"\r\n")

    def test_edits_the_line_in_character_mode(self):
        self.terminal.read_until(re.escape(GREETING) + r"\r\n")
        self.command("mode character")
        for key in "helpp\x7f\x7flo\r":
            self.terminal.type(key)
        self.terminal.read_until(re.escape(reply_to("hello")) + r"\r?\n")

    def test_break_clears_the_line(self):
        self.terminal.read_until(re.escape(GREETING) + r"\r\n")
        self.command("mode character")
        self.terminal.type("wrong")
        self.command("send brk")
        self.terminal.type("right\r")
        self.terminal.read_until(re.escape(reply_to("right")) + r"\r?\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
