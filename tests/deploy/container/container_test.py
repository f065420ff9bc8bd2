#!/usr/bin/env python3
"""The image as podman runs it: read-only, without a privilege, and to its end."""

import http.client
import json
import pathlib
import time
import unittest

from podman import Container, eventually, podman, require_containers
from client import Client, EOF
from exposition import Exposition
from gateway import GREETING, raise_descriptor_limit, reply_to
from image_files_test import IMAGE

ADDRESS = ("127.0.0.1", 1935)
ADMIN = ("127.0.0.1", 9464)
NOTICE = "* server is shutting down"
QUICK_DRAIN = {"grace": "100ms", "spread": "2s", "linger": "1s", "deadline": "10s"}
DRAINED = 100
CROWD = 2000
MEMORY_MIB = 64


def in_container(**sections):
    return {"admin": {"address": "[::]:9464"}, "log": {"format": "json", "output": "stdout"},
            "drain": QUICK_DRAIN, **sections}


def metrics():
    connection = http.client.HTTPConnection(*ADMIN, timeout=10)
    connection.request("GET", "/metrics")
    return Exposition(connection.getresponse().read().decode())


class ContainerTest(unittest.TestCase):
    def greeted(self):
        client = Client(ADDRESS)
        self.addCleanup(client.close)
        self.assertEqual(client.line(), GREETING)
        return client

    def test_it_runs_without_a_privilege_on_a_root_that_nobody_can_write(self):
        with Container(IMAGE, "--pids-limit=32") as container:
            self.assertEqual(container.status("Uid").split(), ["65532"] * 4)
            self.assertEqual(container.status("Gid").split(), ["65532"] * 4)
            for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(container.status(field), 16), 0, field)
            self.assertEqual(container.status("NoNewPrivs"), "1")
            mounts = pathlib.Path(f"/proc/{container.pid}/mounts").read_text().splitlines()
            root = next(line.split() for line in mounts if line.split()[1] == "/")
            self.assertIn("ro", root[3].split(","))
            self.assertEqual(self.greeted().ask("hello"), reply_to("hello"))

    def test_it_logs_json_to_standard_output_and_nothing_else(self):
        with Container(IMAGE) as container:
            self.greeted().close()
            eventually(lambda: '"event":"session_closed"' in container.log(), "the session's line")
            both = podman("logs", container.name)
        self.assertEqual(both.stderr, "")
        for line in both.stdout.splitlines():
            self.assertIn("event", json.loads(line))

    def test_its_health_check_passes_while_it_serves_and_fails_when_it_hangs(self):
        with Container(IMAGE) as container:
            podman("healthcheck", "run", container.name)
            podman("kill", "--signal=STOP", container.name)
            hung = podman("healthcheck", "run", container.name, check=False)
            podman("kill", "--signal=CONT", container.name)
            self.assertEqual(hung.returncode, 1, hung)
            podman("healthcheck", "run", container.name)

    def test_podman_stop_says_goodbye_to_everybody_and_exits_0(self):
        with Container(IMAGE, config=in_container()) as container:
            clients = [self.greeted() for _ in range(DRAINED)]
            for number, client in enumerate(clients):
                client.send(f"{number}\n")
            began = time.monotonic()
            podman("stop", "--time=30", container.name)
            self.assertLess(time.monotonic() - began, 10, "killed, or waited for the time-out")
            for number, client in enumerate(clients):
                self.assertEqual([client.line(), client.line(), client.line()],
                                 [reply_to(number), NOTICE, EOF])
            self.assertEqual(container.inspect("State", "ExitCode"), 0)
            log = [json.loads(line) for line in container.log().splitlines()]
            ends = [line["reason"] for line in log if line["event"] == "session_closed"]
            self.assertEqual(ends, ["drain"] * DRAINED)

    def test_a_small_memory_bears_a_crowd(self):
        raise_descriptor_limit()
        with Container(IMAGE, f"--memory={MEMORY_MIB}m", f"--memory-swap={MEMORY_MIB}m",
                       config=in_container()) as container:
            self.assertEqual(self.memory_limit(container.pid), MEMORY_MIB << 20)
            clients = [self.greeted() for _ in range(CROWD)]
            for client in clients:
                client.send("x" * 1000 + "\n")
            for client in clients:
                self.assertEqual(client.line(), reply_to("x" * 1000))
            self.assertEqual(metrics().sum("chatgate_connections_open"), CROWD)
            # What slow readers may hold is bounded by it as well.
            self.assertEqual(metrics().value("chatgate_output_queued_bytes_limit"),
                             MEMORY_MIB << 19)
            self.assertIn('"event":"output_budget_lowered"', container.log())
            for client in clients:
                client.close()
            eventually(lambda: metrics().sum("chatgate_connections_open") == 0, "their ends")
            self.assertTrue(metrics().is_accounted())
            self.assertFalse(container.inspect("State", "OOMKilled"))
            self.assertEqual(container.inspect("RestartCount"), 0)

    @staticmethod
    def memory_limit(pid):
        """The limit in force, of either kind of cgroup."""
        for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                for file in (f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes",
                             f"/sys/fs/cgroup{path}/memory.max"):
                    if pathlib.Path(file).exists():
                        return int(pathlib.Path(file).read_text())
        raise AssertionError("no limit of memory")

    def test_its_workers_are_as_many_as_its_quota_of_processors(self):
        for quota, workers in (("0.5", 1), ("1", 1), ("1.5", 2)):
            with self.subTest(quota), Container(IMAGE, f"--cpus={quota}"):
                self.assertEqual(len(metrics().matching("chatgate_worker_connections")), workers)


if __name__ == "__main__":
    require_containers()
    unittest.main(verbosity=2)
