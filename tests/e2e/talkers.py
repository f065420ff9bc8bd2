"""Many clients that talk without pause, in one thread."""

import selectors
import socket
import threading
import time

from gateway import GREETING, PATIENCE, reply_to


class Talker:
    """One of them: says a line, waits for its reply, says the next."""

    def __init__(self, number, address):
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = "{}:{}".format(*self.socket.getsockname()[:2])
        self.number = number
        self.said = 0
        self.replies = 0
        self.notices = []
        self.unexpected = []
        self.end = None  # "eof" or "reset", once it came.
        self.latencies = []
        self._input = b""
        self._said_at = 0.0
        self._greeted = False

    def message(self):
        return f"{self.number}-{self.said}"

    def say(self):
        self.said += 1
        self._said_at = time.monotonic()
        try:
            self.socket.sendall(self.message().encode() + b"\n")
        except OSError:
            pass  # receive() tells how it ended.

    def receive(self, stopping):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            self.end = "reset"
            return
        if not data:
            self.end = "eof"
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            self._on_line(line.decode(errors="replace"), stopping)

    def _on_line(self, line, stopping):
        if not self._greeted and line == GREETING:
            self._greeted = True
        elif line == reply_to(self.message()) and self.replies < self.said:
            self.replies += 1
            self.latencies.append(time.monotonic() - self._said_at)
        elif line.startswith("* "):
            self.notices.append(line)
            return
        else:
            self.unexpected.append(line)
            return
        if not stopping:
            self.say()
        else:
            self.socket.shutdown(socket.SHUT_WR)

    def rest(self):
        """What came behind the last end of line: a reply cut short."""
        return self._input


class Talkers:
    """Talks to `address` over `count` connections until stop(), or until the server ends them."""

    def __init__(self, address, count):
        self.all = [Talker(number, address) for number in range(count)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        with selectors.DefaultSelector() as selector:
            for talker in self.all:
                selector.register(talker.socket, selectors.EVENT_READ, talker)
            deadline = None
            while selector.get_map():
                for key, _ in selector.select(0.1):
                    key.data.receive(self._stopping.is_set())
                    if key.data.end:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                if self._stopping.is_set():
                    deadline = deadline or time.monotonic() + PATIENCE
                    if time.monotonic() > deadline:
                        break
            for key in list(selector.get_map().values()):
                key.fileobj.close()

    def replies(self):
        return sum(talker.replies for talker in self.all)

    def wait_until_ended(self, patience=PATIENCE):
        self._thread.join(patience)
        assert not self._thread.is_alive(), "the server has not ended every connection"
        return self.all

    def stop(self):
        """Lets each take its last reply and say goodbye."""
        self._stopping.set()
        self._thread.join(2 * PATIENCE)
        return self.all

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.stop()
