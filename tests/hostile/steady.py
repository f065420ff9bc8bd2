"""Well-behaved clients who say what they have to say in every way that TCP permits, and count."""

import random
import select
import socket
import ssl
import threading
import time

from gateway import GREETING, PATIENCE, reply_to
from speech import Plain

NOTICE = "* "
TLS_REFUSAL = "SSLV3_ALERT_HANDSHAKE_FAILURE"
WORDS = ("short", "收到的信息", "x" * 900, "tab\tand space", "naïve", "0")


class Steady:
    """One of them: connects, says some messages, takes each reply in its order, leaves, and again.

    A refusal is no harm, and is tried again. From its greeting on, all that it said is owed to it
    exactly once, and nothing else is. `speak(chance, before)` gives the speech of a connection, and
    is told that of the one before."""

    def __init__(self, number, address, seed, speak=lambda chance, before: Plain()):
        self.number = number
        self.address = address
        self._speak = speak
        self.speech = None
        self.chance = random.Random(f"{seed}/{number}")
        self.faults = []
        self.conversations = self.replies = self.refusals = self.resumptions = 0
        self.socket = None
        self._sent_at = 0.0
        self.next_at = 0.0  # When it does something of its own accord.
        self._said = 0
        self.reset()

    def reset(self):
        self.owed = []
        self.input = b""
        self.unsent = b""
        self.name = "no address"  # Or ADDRESS:PORT, as the gateway sees it.
        self.left = 0
        self.is_greeted = self.is_leaving = self.has_left = False

    def fault(self, what):
        silence = time.monotonic() - self._sent_at
        self.faults.append(f"client {self.number} at {self.name}, conversation "
                           f"{self.conversations}: {what}; owed {len(self.owed)} replies, said "
                           f"nothing for {silence:.3f} s")

    def connect(self):
        self.reset()
        self.left = self.chance.randrange(1, 60)
        self.speech = self._speak(self.chance, self.speech)
        self.unsent = self.speech.opening()
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(self.address)
        except ConnectionResetError:  # So soon says `over_limit: reset` no.
            self.ended("reset")
            return
        except OSError as error:
            self.fault(f"not connected: {error}")
            self.close()
            return
        self._sent_at = time.monotonic()  # Or has begun to be silent.
        self.name = self.speech.name("{}:{}".format(*self.socket.getsockname()))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()
        self.socket = None
        self.next_at = time.monotonic() + self.chance.uniform(0.0, 0.2)

    def act(self, is_stopping):
        """Connects, says some more, or leaves. Whoever waits for replies lets a few come first."""
        now = time.monotonic()
        self.next_at = now + self.chance.uniform(0.0, 0.1)
        if self.socket is None:
            if not is_stopping:
                self.connect()
            return
        if self.is_greeted and not self.is_leaving and not self.unsent:
            self.say_more(is_stopping)
        if not self.has_left:
            self.send()
        if self.is_leaving and not self.unsent and not self.has_left:
            self.has_left = True
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # receive() tells how it ended.

    def say_more(self, is_stopping):
        if self.left == 0 or is_stopping:
            self.is_leaving = True
            self.unsent += self.speech.leave()
        elif len(self.owed) < 16:
            for _ in range(min(self.left, self.chance.randrange(1, 9))):
                self.say_one()

    def say_one(self):
        message = f"{self.number}/{self._said} {self.chance.choice(WORDS)}"
        self._said += 1
        self.left -= 1
        self.owed.append(reply_to(message))
        self.unsent += self.speech.say(message.encode() + self.chance.choice((b"\n", b"\r\n")))

    def send(self):
        """Some of it at any byte, or all."""
        size = len(self.unsent)
        if self.chance.random() < 0.3:
            size = self.chance.randrange(size + 1)
        if not size:
            return
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent[:size]):]
            self._sent_at = time.monotonic()
        except OSError:
            pass  # receive() tells how it ended.

    def receive(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self.ended(f"{error}")
            return
        if not data:
            missing = self.speech.missing()
            self.ended(f"eof without {missing}" if missing else "eof")
            return
        try:
            heard, answer = self.speech.hear(data)
        except ssl.SSLError as error:
            self.on_tls_error(error)
            return
        self.unsent += answer
        *lines, self.input = (self.input + heard).split(b"\n")
        for line in lines:
            self.on_line(line.decode(errors="replace"))

    def on_tls_error(self, error):
        if self.is_greeted or error.reason != TLS_REFUSAL:
            self.fault(f"TLS broke: {error}")
            self.close()
        else:
            self.ended("a refusal")

    def on_line(self, line):
        if not self.is_greeted:
            if line == GREETING:
                self.is_greeted = True
                self.conversations += 1
                self.resumptions += self.speech.is_resumed()
            elif not line.startswith("421 "):
                self.fault(f"instead of a greeting: {line!r}")
        elif self.owed and line == self.owed[0]:
            self.owed.pop(0)
            self.replies += 1
        elif not line.startswith(NOTICE):
            self.fault(f"got {line!r} instead of {self.owed[:1]}")

    def ended(self, how):
        if not self.is_greeted:
            self.refusals += 1
        elif how != "eof" or not self.is_leaving or self.owed or self.input:
            self.fault(f"ended by {how}, leaving: {self.is_leaving}, rest: {self.input[:40]!r}")
        self.close()


class Steadies:
    """These, in one thread, until stop()."""

    def __init__(self, clients):
        self.all = clients
        self._broken = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self._talk()
        except Exception as error:  # Ours, and no reason to call a run good.
            self._broken = [f"the clients broke: {error!r}"]
            for each in self.all:
                if each.socket:
                    each.close()

    def _talk(self):
        deadline = None
        while any(each.socket for each in self.all) or not self._stopping.is_set():
            now = time.monotonic()
            if self._stopping.is_set():
                deadline = deadline or now + PATIENCE
                if now > deadline:
                    break
            self._turn(now)
        for each in self.all:
            if each.socket:
                each.fault("was not let go")
                each.close()

    def _turn(self, now):
        for each in self.all:
            if each.next_at <= now:
                each.act(self._stopping.is_set())
        waiting = {each.socket.fileno(): each for each in self.all if each.socket}
        poll = select.poll()
        for number in waiting:
            poll.register(number, select.POLLIN)
        for number, _ in poll.poll(10):
            waiting[number].receive()

    def faults(self):
        return self._broken + [fault for each in self.all for fault in each.faults]

    def total(self, what, address=None):
        """Of all, or of those who talk with that address."""
        return sum(getattr(each, what) for each in self.all if address in (None, each.address))

    def stop(self):
        """Lets each take what it is owed, and leave."""
        self._stopping.set()
        self._thread.join()
        return self.faults()
