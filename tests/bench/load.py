"""Puts a server under load with `chatgate bench`, and says what that cost, as a flat sample."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess

from processes import Failure, pinned

# A load that takes so much longer than it should is given up.
PATIENCE = 120

# Those that this program was given, before it kept itself to some of them.
CORES = tuple(sorted(os.sched_getaffinity(0)))


@dataclasses.dataclass(frozen=True)
class Placement:
    """The cores of the server and those of the client."""
    server: tuple
    client: tuple

    @staticmethod
    def of_this_machine():
        """One core for each, the same for all; on a machine with one they share it."""
        return Placement(server=CORES[:1], client=CORES[1:2] or CORES[:1])

    @staticmethod
    def for_two_workers():
        """Two cores for each; with fewer than four, both use all."""
        if len(CORES) < 4:
            return Placement(server=CORES, client=CORES)
        return Placement(server=CORES[:2], client=CORES[2:4])


class Load:
    """`chatgate bench` against one server, on the client's cores."""

    def __init__(self, programs, placement, commands):
        self._chatgate = programs / "chatgate"
        self._placement = placement
        self._commands = commands  # A set, to which each command line is added.

    def start(self, kind, server, *options):
        """Starts it, for what happens meanwhile; end it with `finish`."""
        told = [*map(str, options)]
        shown = re.sub(r"--rate \S+", "--rate RATE", " ".join(told))
        self._commands.add(f"chatgate bench ADDRESS TALK {shown} --server-pid PID --json")
        command = [*server.enter, self._chatgate, "bench", f"127.0.0.1:{server.port}",
                   *kind.talk.options(), *told, "--server-pid", server.process.pid, "--json"]
        return subprocess.Popen(pinned(self._placement.client, command), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def finish(self, child):
        """Waits for it. Returns what it reported, as a sample."""
        try:
            said, complaint = child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise Failure(f"the load did not end within {PATIENCE} s") from None
        if not said.strip():
            raise Failure(f"the load ended with {child.returncode}: {complaint.strip()}")
        return flat(json.loads(said))

    def run(self, kind, server, *options):
        """One load from beginning to end: a sample."""
        return self.finish(self.start(kind, server, *options))


# What tells of a crowd that only stands there.
MEMORY = ("anon_bytes_before", "anon_bytes_during", "anon_bytes_after", "bytes_per_connection",
          "hold_cpu_seconds")


def flat(report):
    """A sample of what `chatgate bench --json` says."""
    if not report["operations"]:
        raise Failure(f"nothing was done: {report['errors']} errors, {report['refused']} refused")
    server, latency = report.get("server") or {}, report["latency_us"]
    sample = {name: report[name] for name in ("operations", "per_second", "errors", "refused")}
    sample |= {f"{name}_us": latency[name] for name in ("p50", "p90", "p99", "p999", "max")}
    sample |= {name: server.get(f"{name}_per_operation")
               for name in ("cpu_us", "user_us", "system_us")}
    sample["client_cpu_us"] = report["client"]["cpu_us_per_operation"]
    if report["mode"] == "idle":
        sample |= {name: server[name] for name in MEMORY}
    return sample


def anonymous_bytes(pid):
    """RssAnon of proc(5), in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise Failure(f"{pid} has ended")
