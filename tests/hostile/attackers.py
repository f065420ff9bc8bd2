"""Attackers as processes, each bounded in number and time: `garbage_opener`, the load generator."""

import collections
import json
import pathlib
import subprocess

from gateway import BINARY
from hostile import LEAST_URGENT

OPENER = pathlib.Path(BINARY).with_name("garbage_opener")  # Built beside the gateway.


class Attackers:
    """Processes that print a JSON object when they are done; ended with the block."""

    def __init__(self):
        self._processes = []

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()

    def _start(self, command):
        self._processes.append(subprocess.Popen([*LEAST_URGENT, *map(str, command)],
                                                stdout=subprocess.PIPE, text=True))

    def open(self, address, count, **options):
        """Those of `garbage_opener`; its options by name."""
        flags = [f"--{name}" if value is True else f"--{name}={value}"
                 for name, value in options.items()]
        self._start([OPENER, *address, "--count", count,
                     *(flag.replace("_", "-") for flag in flags)])

    def connect(self, address, *arguments):
        """The load generator: connect, talk, close, as fast as it goes."""
        self._start([BINARY, "bench", "{}:{}".format(*address), "--mode", "connection", "--json",
                     *arguments])

    def are_done(self):
        return all(process.poll() is not None for process in self._processes)

    def results(self, patience=900):
        """What they printed. Waits for them."""
        return [json.loads(process.communicate(timeout=patience)[0])
                for process in self._processes]

    def seen(self):
        """What all openers saw, together."""
        return sum((collections.Counter(result) for result in self.results()),
                   collections.Counter())
