"""Who takes part in the drill, each in a thread of its own."""

import contextlib
import threading

from client import Client
from gateway import GREETING, reply_to


class Regulars:
    """Clients of several addresses who stay, and say something now and then."""

    def __init__(self, address, count):
        self.clients = [Client(address, source=f"127.0.1.{2 + i}") for i in range(count)]
        self.replies = 0
        self.unanswered = 0
        for client in self.clients:
            client.line()
        self._silent = threading.Event()
        self._thread = threading.Thread(target=self._talk)
        self._thread.start()

    def _talk(self):
        while not self._silent.wait(0.2):
            for client in self.clients:
                if client.ask("hello") == reply_to("hello"):
                    self.replies += 1
                else:
                    self.unanswered += 1

    def fall_silent(self):
        self._silent.set()
        self._thread.join()

    def leave(self):
        self.fall_silent()
        for client in self.clients:
            client.close()


class Offender:
    """One address that takes `wanted` places, chatters, and comes back as often as it is ended."""

    def __init__(self, address, source, wanted):
        self._address = address
        self._source = source
        self._wanted = wanted
        self.sessions = []
        self.ended = 0
        self.refusals = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._press)
        self._thread.start()

    def _press(self):
        while not self._over.wait(0.2):
            alive = [client for client in self.sessions if self._chatters(client)]
            self.ended += len(self.sessions) - len(alive)
            self.sessions = alive
            while len(self.sessions) < self._wanted and self._gets_in():
                pass

    @staticmethod
    def _chatters(client):
        with contextlib.suppress(OSError):
            if client.ask("me " * 30).endswith("me "):
                return True
        client.close()
        return False

    def _gets_in(self):
        with contextlib.suppress(OSError):
            client = Client(self._address, source=self._source)
            if client.line() == GREETING:
                self.sessions = [*self.sessions, client]
                return True
            client.close()
        self.refusals += 1
        return False

    def leave(self):
        self._over.set()
        self._thread.join()
        for client in self.sessions:
            client.close()
