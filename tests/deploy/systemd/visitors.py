"""Somebody who comes, takes the greeting and goes, again and again."""

import threading

from client import Client
from gateway import GREETING


PAUSE = 0.01  # Between visits: the journal takes 10,000 lines in half a minute from a service.


class Visitors:
    """One thread of visits until stop(), which fails if the port refused or failed one."""

    def __init__(self, address):
        self._address = address
        self._visits = 0
        self._failure = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            while not self._stopping.wait(PAUSE):
                with Client(self._address) as client:
                    line = client.line()
                    assert line == GREETING, f"{line!r} instead of the greeting"
                    client.half_close()
                    client.until_eof()
                self._visits += 1
        except Exception as failure:  # pylint: disable=broad-except
            self._failure = failure

    def stop(self):
        """The number of visits."""
        self._stopping.set()
        self._thread.join()
        if self._failure:
            raise self._failure
        return self._visits
