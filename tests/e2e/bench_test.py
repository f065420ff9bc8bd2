"""`chatgate bench` against the real gateway: what it prints, counts and exits with."""

import json
import os
import signal
import socket
import subprocess
import threading
import unittest

from gateway import BINARY, PATIENCE, SANITIZED, Gateway, eventually

LATENCIES = ["min", "mean", "p50", "p90", "p99", "p999", "p9999", "max"]
FIELDS = {"mode", "address", "connections", "idle_connections", "window", "size", "rate", "threads",
          "seconds", "operations", "per_second", "errors", "refused", "greeted", "latency_us",
          "server", "client"}
SERVER_FIELDS = {"pid", "cpu_us_per_operation", "user_us_per_operation", "system_us_per_operation",
                 "cpu_seconds", "anon_bytes_before", "anon_bytes_during", "anon_bytes_after",
                 "bytes_per_connection"}


def command(gateway, *arguments):
    host, port = gateway.address()
    return [BINARY, "bench", f"{host}:{port}", *arguments]


def bench(gateway, *arguments):
    return subprocess.run(command(gateway, *arguments), capture_output=True, text=True,
                          timeout=3 * PATIENCE, check=False)


class Running:
    """A bench in the background that told on stderr that it measures."""

    def __init__(self, gateway, *arguments):
        self.process = subprocess.Popen(command(gateway, "--json", "--progress", *arguments),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._progress = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while piece := self.process.stderr.read(1):
            self._progress += piece

    def wait_for(self, text):
        eventually(lambda: text in self._progress or self.process.poll() is not None,
                   f"{text!r} in the live line")
        assert text in self._progress, f"bench ended without {text!r}: {self._progress}"

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def result(self):
        """(exit code, what it printed)"""
        printed = self.process.stdout.read()
        return self.process.wait(PATIENCE), json.loads(printed)


class BenchTest(unittest.TestCase):
    def result(self, gateway, *arguments, code=0):
        done = bench(gateway, "--json", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_each_mode_on_each_engine(self):
        with Gateway() as gateway:
            for engine in ("epoll", "auto"):
                for mode, arguments in (("message", ["--window", "4", "--operations", "2000"]),
                                        ("connection", ["--operations", "500"]),
                                        ("idle", ["--hold", "10ms"]),
                                        ("idle", ["--hold", "10ms", "--talk"])):
                    with self.subTest(mode=mode, engine=engine, arguments=arguments):
                        result = self.result(gateway, "--mode", mode, "--engine", engine,
                                             "--server-pid", str(gateway.pid), *arguments)
                        self.check_fields(result, mode, gateway.pid)

    def check_fields(self, result, mode, pid):
        self.assertLessEqual(FIELDS, set(result))
        self.assertEqual(list(result["latency_us"]), LATENCIES)
        self.assertLessEqual(SERVER_FIELDS, set(result["server"]))
        operations = {"message": 2000, "connection": 500, "idle": 50}[mode]
        self.assertEqual(result["operations"], operations)
        self.assertEqual(result["greeted"], 500 if mode == "connection" else 50)
        self.assertEqual((result["mode"], result["errors"], result["refused"]), (mode, 0, 0))
        values = list(result["latency_us"].values())
        self.assertGreater(values[0], 0)
        self.assertEqual(values[2:], sorted(values[2:]))
        self.assertAlmostEqual(result["per_second"], operations / result["seconds"], delta=1)
        server = result["server"]
        self.assertEqual(server["pid"], pid)
        self.assertGreater(server["cpu_us_per_operation"], 0)
        self.assertAlmostEqual(server["user_us_per_operation"] + server["system_us_per_operation"],
                               server["cpu_us_per_operation"], places=3)
        self.assertGreater(result["client"]["cpu_us_per_operation"], 0)

    def test_idle_connections_stay_while_others_talk(self):
        with Gateway() as gateway:
            with Running(gateway, "--idle-connections", "300", "--duration", "1m") as running:
                running.wait_for("measuring")
                self.assertEqual(gateway.metrics().value("chatgate_connections_open"), 350)
                running.process.send_signal(signal.SIGINT)
                code, result = running.result()
        self.assertEqual((code, result["greeted"], result["idle_connections"]), (0, 350, 300))

    def test_memory_of_what_is_held(self):
        with Gateway({"limits": {"max_connections": 4000}}) as gateway:
            result = self.result(gateway, "--mode", "idle", "--connections", "3000", "--sources",
                                 "4", "--hold", "100ms", "--server-pid", str(gateway.pid))
        server = result["server"]
        self.assertGreater(server["anon_bytes_during"], server["anon_bytes_before"])
        self.assertAlmostEqual(
            server["bytes_per_connection"],
            (server["anon_bytes_during"] - server["anon_bytes_before"]) / 3000, delta=1)
        if not SANITIZED:
            self.assertLess(server["bytes_per_connection"], 5000)

    def test_the_admin_endpoint_tells_the_cost_too(self):
        with Gateway() as gateway:
            server = self.result(gateway, "--operations", "20000", "--admin",
                                 f"127.0.0.1:{gateway.admin_port}")["server"]
        self.assertIsNone(server["pid"])
        self.assertIsNone(server["user_us_per_operation"])
        self.assertGreater(server["cpu_seconds"], 0)
        self.assertGreater(server["anon_bytes_during"], 1 << 20)

    def test_without_a_source_there_is_no_server(self):
        with Gateway() as gateway:
            self.assertIsNone(self.result(gateway, "--operations", "10")["server"])

    def test_people_get_a_table(self):
        with Gateway() as gateway:
            done = bench(gateway, "--operations", "1000", "--server-pid", str(gateway.pid))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("1000 in", "50 greeted, 0 refused", "p99.9", "server CPU", "client CPU"):
            self.assertIn(word, done.stdout)

    def test_refused_connections_are_counted_and_the_first_is_shown(self):
        with Gateway({"limits": {"max_connections": 20}}) as gateway:
            result = self.result(gateway, "--operations", "1000", code=1)
            self.assertEqual((result["greeted"], result["refused"]), (20, 30))
            self.assertEqual((result["operations"], result["errors"]), (1000, 0))
            self.assertIn("421 ", result["first_refusal"])
            done = bench(gateway, "--operations", "1000")
        self.assertIn("30 connections; the first: 421 ", done.stdout)

    def test_a_killed_server_is_an_error(self):
        gateway = Gateway().start()
        try:
            gateway.wait_until_ready()
            with Running(gateway, "--duration", "1m", "--server-pid",
                         str(gateway.pid)) as running:
                running.wait_for("measuring")
                gateway.kill(signal.SIGKILL)
                gateway.wait()
                code, result = running.result()
        finally:
            gateway.clean_up()
        self.assertEqual(code, 1)
        self.assertGreaterEqual(result["errors"], 50)
        self.assertEqual(result["faults"][0]["what"], "connection lost")
        self.assertGreater(result["operations"], 0)
        self.assertIsNone(result["server"])

    def test_an_interrupt_ends_it_with_what_it_has(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), Gateway() as gateway:
                with Running(gateway, "--duration", "1m") as running:
                    running.wait_for("measuring")
                    running.process.send_signal(number)
                    code, result = running.result()
                self.assertEqual((code, result["interrupted"], result["errors"]), (0, True, 0))
                self.assertGreater(result["operations"], 0)
                self.assertLess(result["seconds"], PATIENCE)

    # 100 operations are due while the gateway stands still: more than one in a hundred.
    def test_an_open_loop_shows_a_stall(self):
        for engine in ("epoll", "auto"):
            with self.subTest(engine), Gateway() as gateway:
                with Running(gateway, "--rate", "500/s", "--operations", "1500", "--engine",
                             engine) as running:
                    running.wait_for("measuring")
                    gateway.stand_still(0.2)
                    code, result = running.result()
                self.assertEqual((code, result["operations"], result["errors"]), (0, 1500, 0))
                latency = result["latency_us"]
                self.assertGreaterEqual(latency["p999"], 190_000)
                # Those that were due late in the stall waited for less.
                self.assertGreater(latency["p99"], 150_000)
                self.assertGreater(latency["p999"], latency["p50"])

    def test_conversations_of_an_open_loop_show_a_stall_too(self):
        with Gateway() as gateway:
            with Running(gateway, "--mode", "connection", "--connections", "10", "--rate", "500/s",
                         "--operations", "1000") as running:
                running.wait_for("measuring")
                gateway.stand_still(0.2)
                code, result = running.result()
        self.assertEqual((code, result["operations"], result["errors"]), (0, 1000, 0))
        self.assertGreater(result["latency_us"]["p99"], 150_000)

    def test_a_unix_socket(self):
        path = f"/tmp/chatgate-bench-{os.getpid()}.sock"
        config = {"listeners": [{"name": "public", "address": f"unix:{path}"}]}
        with Gateway(config):
            for mode in ("message", "connection", "idle"):
                arguments = ["--hold", "1ms"] if mode == "idle" else ["--operations", "1000"]
                done = subprocess.run(
                    [BINARY, "bench", f"unix:{path}", "--mode", mode, "--json", *arguments],
                    capture_output=True, text=True, timeout=PATIENCE, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class MistakeTest(unittest.TestCase):
    """What needs no server."""

    def run_bench(self, *arguments):
        return subprocess.run([BINARY, "bench", *arguments], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def test_usage(self):
        for arguments, says in (
                ([], "ADDRESS is required"),
                (["127.0.0.1:1", "--mode", "fast"], "--mode"),
                (["127.0.0.1:1", "--engine", "fast"], "--engine"),
                (["127.0.0.1:1", "--line-end", "cr"], "--line-end"),
                (["127.0.0.1:1", "--rate", "5000"], "expected a rate such as 5000/s, got '5000'"),
                (["127.0.0.1:1", "--duration", "10"], "expected a duration such as"),
                (["127.0.0.1:1", "--operations", "5", "--duration", "1s"], "give one of them"),
                (["127.0.0.1:1", "--connections", "0"], "expected 1 to 1000000, got 0"),
                (["127.0.0.1:1", "--size", "65537"], "--size: expected 0 to 65536, got 65537"),
                (["127.0.0.1:1", "--server-pid", "1", "--admin", "x:1"], "give one of them")):
            with self.subTest(arguments):
                done = self.run_bench(*arguments)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_why_it_cannot_start(self):
        for arguments, says in (
                (["nowhere"], "HOST:PORT, [V6]:PORT or unix:/path"),
                (["127.0.0.1:1", "--connections", "1000000"], "the hard limit is"),
                (["127.0.0.1:1", "--server-pid", "1073741824"], "no process 1073741824"),
                (["127.0.0.1:1", "--admin", "127.0.0.1:1"], "no metrics at http://127.0.0.1:1/"),
                (["[::1]:1", "--sources", "2"], "--sources: only for an address within 127")):
            with self.subTest(arguments):
                done = self.run_bench(*arguments)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(says, done.stderr)

    def test_nobody_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # Bound and not listening: nobody else can be there.
            address = "127.0.0.1:{}".format(taken.getsockname()[1])
            for mode in ("message", "connection", "idle"):
                with self.subTest(mode):
                    done = self.run_bench(address, "--mode", mode)
                    self.assertEqual(done.returncode, 1)
                    self.assertIn("not connected; the first: Connection refused", done.stdout)


if __name__ == "__main__":
    unittest.main()
