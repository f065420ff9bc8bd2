"""Clients that talk without pause, and connect again when they are told to go."""

import random
import selectors
import socket
import threading
import time

from gateway import GREETING, reply_to

NOTICE = "* server is shutting down"
PAUSE = 0.02  # Of each client between a reply and its next message.
PATIENCE = 60


class Visit:
    """One connection, from its greeting to its end."""

    def __init__(self, number, address):
        self.number = number
        self.address = address
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.greeted = False
        self.said = 0
        self.replies = 0
        self.told_at = None  # When it read the notice.
        self.ended_at = None
        self.end = None
        self.unexpected = []
        self.say_at = None
        self._input = b""

    def message(self):
        return f"{self.number}-{self.said}"

    def say(self):
        self.said += 1
        self.say_at = None
        try:
            self.socket.sendall(self.message().encode() + b"\n")
        except OSError:
            pass  # receive() tells how it ended.

    def receive(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data, self.end = b"", "reset"
        if not data:
            self.end = self.end or "eof"
            self.ended_at = time.monotonic()
            if self._input:
                self.unexpected.append(self._input.decode(errors="replace"))
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            self._on_line(line.decode(errors="replace"))

    def _on_line(self, line):
        if not self.greeted and line == GREETING:
            self.greeted = True
        elif line == reply_to(self.message()) and self.replies < self.said:
            self.replies += 1
        elif line == NOTICE and self.told_at is None:
            self.told_at = time.monotonic()
            return
        else:
            self.unexpected.append(line)
            return
        self.say_at = time.monotonic() + PAUSE


class Crowd:
    """`count` clients in one thread. `addresses()` is where a Service would send a new one.

    A client whose connection ends connects again at once. stop() lets each take its last reply.
    """

    def __init__(self, count, addresses):
        self._addresses = addresses
        self.failures = []  # Of connecting: refused, reset before the greeting.
        self.ended = []
        self._visits = [self._connect(number) for number in range(count)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _connect(self, number):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            addresses = self._addresses()
            if addresses:
                try:
                    return Visit(number, random.choice(addresses))
                except OSError as error:
                    self.failures.append(f"{number}: {error}")
        raise AssertionError("nowhere to connect to")

    def _run(self):
        with selectors.DefaultSelector() as selector:
            for visit in self._visits:
                selector.register(visit.socket, selectors.EVENT_READ, visit)
            while selector.get_map():
                for key, _ in selector.select(PAUSE / 2):
                    key.data.receive()
                    if key.data.end:
                        self._on_end(selector, key.data)
                self._let_speak([key.data for key in selector.get_map().values()])

    def _on_end(self, selector, visit):
        selector.unregister(visit.socket)
        visit.socket.close()
        self.ended.append(visit)
        if not visit.greeted:
            self.failures.append(f"{visit.number}: {visit.end} before the greeting")
        if not self._stopping.is_set():
            again = self._connect(visit.number)
            selector.register(again.socket, selectors.EVENT_READ, again)

    def _let_speak(self, visits):
        now = time.monotonic()
        for visit in visits:
            if visit.say_at and now >= visit.say_at:
                if self._stopping.is_set():
                    visit.say_at = None
                    try:
                        visit.socket.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass  # receive() tells.
                else:
                    visit.say()

    def stop(self):
        """All visits, once the last has ended."""
        self._stopping.set()
        self._thread.join(PATIENCE * 2)
        assert not self._thread.is_alive(), "connections that do not end"
        return self.ended

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self._stopping.set()
        self._thread.join(PATIENCE)


class Route:
    """The addresses of ready Pods, asked for again and again by a thread of its own."""

    def __init__(self, ask):
        self._ask = ask
        self._addresses = ask()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stopping.wait(0.2):
            self._addresses = self._ask()

    def addresses(self):
        return self._addresses

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self._stopping.set()
        self._thread.join()
