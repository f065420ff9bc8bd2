"""Starts the processes of a measurement on the cores they are given, and ends them all.

Every server has its own process group and folder. It dies with the program that started it.
"""

import contextlib
import os
import pathlib
import re
import resource
import shlex
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = 30


class Failure(Exception):
    """A measurement that could not be made; says why."""


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pinned(cores, command):
    """`command` on these cores alone; it is killed when the thread that starts it ends."""
    listed = ",".join(str(core) for core in cores)
    return ["setpriv", "--pdeathsig", "KILL", "taskset", "--cpu-list", listed, *map(str, command)]


def free_port():
    """A port that nobody listens on now. Another program may take it before its server does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A running server: a process in a process group and a temporary folder of its own."""

    def __init__(self, command, cores, folder, environment=None, pass_fds=()):
        self.folder = folder
        self._command = [str(part) for part in command]
        self._environment = environment or {}
        self.output = folder / "output"
        with open(self.output, "w") as sink:
            self._child = subprocess.Popen(
                pinned(cores, command), stdin=subprocess.DEVNULL, stdout=sink,
                stderr=subprocess.STDOUT, cwd=folder, start_new_session=True, pass_fds=pass_fds,
                env={**os.environ, **self._environment})
        self.pid = self._child.pid

    def shown(self, port):
        """The command line as a reader would type it: no folder, PORT for the port."""
        assigned = [f"{name}={value}" for name, value in self._environment.items()]
        words = [re.sub(r"(^|:)/\S*/", r"\1", word).replace(str(port), "PORT")
                 for word in self._command]
        return " ".join([*assigned, *map(shlex.quote, words)])

    def text(self):
        return self.output.read_text(errors="replace")

    def has_ended(self):
        return self._child.poll() is not None

    def kill(self):
        """At once, with its process group; `stop` is still to be called."""
        if not self.has_ended():
            os.killpg(self.pid, signal.SIGKILL)

    def wait_for(self, find, what):
        """Waits until `find()` returns something else than None, and returns that."""
        deadline = time.monotonic() + PATIENCE
        while (found := find()) is None:
            if self._child.poll() is not None:
                raise Failure(f"{what}: it ended with {self._child.returncode}\n{self.text()}")
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {PATIENCE} s\n{self.text()}")
            time.sleep(0.01)
        return found

    def stop(self):
        """SIGTERM, and after a while SIGKILL; the rest of its process group is killed."""
        if self._child.poll() is None:
            self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()


@contextlib.contextmanager
def running(command, cores, *, files=None, environment=None, pass_fds=()):
    """A `Process` in a folder with `files` ({name: text}), for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="chatgate-bench-") as name:
        folder = pathlib.Path(name)
        for file, text in (files or {}).items():
            (folder / file).write_text(text)
        process = Process(command, cores, folder, environment, pass_fds)
        try:
            yield process
        finally:
            process.stop()


def accepts(port):
    """True as soon as a connection to the port is accepted, None before."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        return True
    except ConnectionRefusedError:
        return None
