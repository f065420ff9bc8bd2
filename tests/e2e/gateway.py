"""Starts the built gateway and watches it, for the tests beside this file.

`with Gateway(config) as gateway:` writes the configuration, waits until the gateway says that it is
ready, and at the end checks its accounting, stops it and checks its exit code. A test that fails
shows the end of the gateway's log.
"""

import copy
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import tempfile
import threading
import time

from exposition import Exposition

BINARY = os.environ.get("CHATGATE", "chatgate")
SOURCE = pathlib.Path(__file__).resolve().parents[2]
SANITIZED = bool(os.environ.get("CHATGATE_SANITIZE"))

# Reached only by a test that fails.
PATIENCE = 60 if SANITIZED else 20

LOG_MARK = "--- end of the gateway's log:"
GREETING = "测试成功!"
BASE = {
    "listeners": [{"name": "public", "address": "127.0.0.1:0"}],
    "admin": {"address": "127.0.0.1:0"},
}


def reply_to(message):
    return f"收到的信息:{message}"


def merged(base, changes):
    """`base` with `changes` laid over it, mapping by mapping; lists are replaced."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def as_yaml(config):
    """JSON is YAML; a text stays as it is."""
    return config if isinstance(config, str) else json.dumps(config, ensure_ascii=False, indent=1)


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def eventually(predicate, what, patience=PATIENCE):
    """Waits for what no socket tells of. Fails with `what` and the last answer."""
    deadline = time.monotonic() + patience
    while not (answer := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {patience} s, last answer {answer!r}")
        time.sleep(0.005)
    return answer


class Log:
    """The lines of a running process, as they come."""

    def __init__(self):
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False

    def follow(self, stream):
        for line in stream:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, pattern, patience=PATIENCE):
        """The first match of `pattern` in a line, past or future. Fails when the process ends."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + patience
        checked = 0
        with self._changed:
            while True:
                for line in self.lines[checked:]:
                    if match := expression.search(line):
                        return match
                checked = len(self.lines)
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the process ended" if self._ended else f"{patience} s passed"
                    raise AssertionError(f"no log line matches {pattern!r}: {why}\n{self.tail()}")
                self._changed.wait(left)

    def all(self, pattern):
        expression = re.compile(pattern)
        return [match for line in list(self.lines) if (match := expression.search(line))]

    def tail(self, count=60):
        return "\n".join([LOG_MARK, *self.lines[-count:], "---"])


class Gateway:
    """One gateway process. `config` is a mapping laid over BASE, or the text of a whole file."""

    def __init__(self, config=None, *, prefix=(), environment=None, pass_fds=()):
        self.directory = tempfile.TemporaryDirectory(prefix="chatgate-e2e-")
        self.path = pathlib.Path(self.directory.name)
        self.config_file = self.path / "chatgate.yaml"
        self.write_config(config if config is not None else {})
        self.log = Log()
        self._command = [*prefix, BINARY, "run", "--config", str(self.config_file)]
        self._pass_fds = pass_fds
        self._environment = {**os.environ, **(environment or {})}
        self.process = None
        self.admin_tls = None  # An ssl.SSLContext, when the endpoint speaks TLS.

    def write_config(self, config):
        """Replaces the file as editors do: no reader ever sees half of it."""
        text = as_yaml(merged(BASE, config) if isinstance(config, dict) else config)
        draft = self.config_file.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self.config_file)

    def start(self, stdout=subprocess.DEVNULL):
        """Starts the process; returns at once."""
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=subprocess.PIPE, env=self._environment, text=True, errors="replace",
            pass_fds=self._pass_fds)
        self._reader = threading.Thread(target=self.log.follow, args=(self.process.stderr,))
        self._reader.start()
        return self

    def wait_until_ready(self):
        self.log.wait_for(r"event=ready\b")
        return self

    def __enter__(self):
        try:
            return self.start().wait_until_ready()
        except BaseException:
            self.clean_up()
            raise

    def __exit__(self, kind, error, traceback):
        try:
            if error is None and self.process.poll() is None:
                self.check_accounting()
                self.stop()
        except AssertionError as failure:
            error = failure
            raise
        finally:
            self.clean_up()
            if error is not None and LOG_MARK not in str(error):
                error.add_note(self.log.tail())

    def clean_up(self):
        """Ends what is left. For a gateway that no `with` guards."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            self._reader.join()
            self.process.stderr.close()
        self.directory.cleanup()

    # Where it is reached.

    @property
    def pid(self):
        return self.process.pid

    def address(self, listener="public"):
        """(host, port) of a TCP listener, once it listens."""
        match = self.log.wait_for(
            rf'event=listening\b.*\blistener={listener}\b.*\baddress="?\[?([^\s"\]]+)\]?:(\d+)')
        return match[1], int(match[2])

    @property
    def admin_port(self):
        return int(self.log.wait_for(r'event=admin_listening\b.*\baddress="?\S*:(\d+)')[1])

    def http(self, method, path, body=None):
        """(status, text) of one request to the admin endpoint."""
        address = ("127.0.0.1", self.admin_port)
        if self.admin_tls is None:
            connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
        else:
            connection = http.client.HTTPSConnection(*address, timeout=PATIENCE,
                                                     context=self.admin_tls)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metrics(self):
        status, text = self.http("GET", "/metrics")
        assert status == 200, f"/metrics answered {status}: {text}"
        return Exposition(text)

    def check_accounting(self):
        """Every accepted connection is rejected, closed or open: now, or as soon as it settles."""
        eventually(lambda: self.metrics().is_accounted(), "the accounting invariant")

    # How it is stopped.

    def kill(self, number):
        self.process.send_signal(number)

    def stand_still(self, seconds, meanwhile=lambda: None):
        """Stops all of its threads for so long, as a machine does that is paused."""
        self.kill(signal.SIGSTOP)
        # Told when the last thread has stopped. An end is left to be told to wait().
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        meanwhile()
        time.sleep(seconds)  # What is asked for, and no wait for anything.
        self.kill(signal.SIGCONT)

    def wait(self, patience=PATIENCE):
        """The exit code."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the gateway runs on after {patience} s") from None

    def stop(self, number=signal.SIGTERM, patience=PATIENCE):
        self.kill(number)
        code = self.wait(patience)
        assert code == 0, f"exit code {code} after {signal.Signals(number).name}"

    # What it uses.

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def memory_kib(self, field="VmRSS"):
        return memory_kib(self.pid, field)


def cpu_seconds(pid):
    """User and system time of all threads of a process (proc(5), /proc/PID/stat)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid, field):
    """A field of /proc/PID/status, such as VmRSS or RssAnon, in KiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)[1])
