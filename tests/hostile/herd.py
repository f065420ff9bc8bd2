"""Many connections held open by one thread, each seen to its end."""

import collections
import select
import socket
import time

from hostile import source


class Held:
    """One of them. Times are monotonic."""

    def __init__(self, connection):
        self.socket = connection
        self.began = time.monotonic()  # When it connected, or last what speak() makes of it.
        self.received = b""
        self.end = None  # "eof" or "reset", once it came.
        self.ended = None

    def lasted(self):
        return self.ended - self.began

    def receive(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data, self.end = b"", "reset"
        self.received += data
        if not data:
            self.end = self.end or "eof"
            self.ended = time.monotonic()
            self.socket.close()

    def say(self, data):
        try:
            self.socket.send(data)
        except OSError:
            pass  # Full, or ended already: receive() tells.


class Herd:
    """`count` connections from as many sources."""

    def __init__(self, address, *, receive_bytes=0):
        self.address = address
        self.receive_bytes = receive_bytes
        self.all = []
        self._poll = select.epoll()
        self._by_number = {}

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        for held in self.all:
            held.socket.close()
        self._poll.close()

    def add(self):
        connection = socket.socket()
        connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        if self.receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_bytes)
        connection.settimeout(20)
        connection.bind((source(len(self.all)), 0))
        connection.connect(self.address)
        connection.setblocking(False)
        held = Held(connection)
        self.all.append(held)
        self._by_number[connection.fileno()] = held
        self._poll.register(connection, select.EPOLLIN)
        return held

    def look(self, seconds=0.0):
        """Receives what has come, or comes within `seconds`."""
        for number, _ in self._poll.poll(seconds, 1024):
            held = self._by_number.get(number)
            if held is None:
                continue  # Closed here; a process that is being started still has a copy of it.
            held.receive()
            if held.end:
                del self._by_number[number]

    def open(self):
        return len(self._by_number)

    def gather(self, count, speak=None):
        """Connects so many, and looks after those that are there meanwhile."""
        for number in range(count):
            held = self.add()
            if speak:
                speak(held)
            if number % 16 == 0:
                self.look()

    def trickle(self, speak, every, patience):
        """Has each speak once in `every` seconds, until all have ended."""
        now = time.monotonic()
        deadline = now + patience
        turns = collections.deque((held.began + every, held) for held in self.all)
        while self.open() and now < deadline:
            for _ in range(256):  # Then it looks, for an end that is seen late counts as late.
                if not turns or turns[0][0] > now:
                    break
                _, held = turns.popleft()
                if not held.end:
                    speak(held)
                    turns.append((now + every, held))
            self.look(0.02 if not turns or turns[0][0] > now else 0)
            now = time.monotonic()

    def wait(self, patience):
        """Until all have ended."""
        deadline = time.monotonic() + patience
        while self.open() and time.monotonic() < deadline:
            self.look(0.1)
