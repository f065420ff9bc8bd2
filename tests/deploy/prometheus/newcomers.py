"""Clients who want in, for the tests of what is told when there is no room."""

import sys
import threading

import promql

sys.path.insert(0, str(promql.SOURCE / "tests/e2e"))
from client import Client  # noqa: E402


class Newcomers:
    """Ten a second: each reads its greeting, or why it is turned away, and goes."""

    def __init__(self, address):
        self.turned_away = 0
        self.welcomed = 0
        self._address = address
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._come)
        self._thread.start()

    def _come(self):
        while not self._leaving.wait(0.1):
            with Client(self._address) as client:
                if client.line().startswith("421 "):
                    self.turned_away += 1
                else:
                    self.welcomed += 1

    def leave(self):
        self._leaving.set()
        self._thread.join()
