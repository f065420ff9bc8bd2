"""The command line: what it prints, and how it exits."""

import json
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest

from client import Client
from gateway import BINARY, GREETING, PATIENCE, Gateway, eventually, reply_to

MISTAKES = """\
limits:
  max_conections: 50
  max_connections: -5
timeouts:
  idle: 15
  line: 30s
  line: 40s
colour: red
listeners:
  - name: public
    address: "nowhere"
    service: greter
services:
  greeter:
    reply: "{mesage}"
"""


def chatgate(*arguments, environment=None):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                          check=False, env=environment)


class CommandLineTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def write(self, text):
        path = self.directory / "chatgate.yaml"
        path.write_text(text)
        return str(path)

    def assert_exits(self, result, code):
        self.assertEqual(result.returncode, code, f"{result.args}\n{result.stdout}{result.stderr}")

    def test_every_command_has_a_help_that_teaches(self):
        for command in ([], ["run"], ["check"], ["config"], ["probe"], ["bench"], ["ctl"],
                        ["version"]):
            with self.subTest(command):
                result = chatgate(*command, "--help")
                self.assert_exits(result, 0)
                self.assertGreaterEqual(len(result.stdout.splitlines()), 4, result.stdout)
                self.assertEqual(result.stderr, "")

    def test_wrong_usage_exits_with_2_and_says_why(self):
        for arguments in ([], ["dance"], ["run", "--colour"], ["check"], ["probe"],
                          ["probe", "127.0.0.1:1", "--timeout", "2"]):
            with self.subTest(arguments):
                result = chatgate(*arguments)
                self.assert_exits(result, 2)
                self.assertNotEqual(result.stdout + result.stderr, "")

    def test_an_unknown_command_is_named_and_so_are_those_there_are(self):
        for arguments, message in (
                (["dance"], '"dance" is no command of chatgate; there are run, check, '),
                (["ctl", "dance"], '"dance" is no command of ctl; there are status, connections, '),
                (["ctl", "overload", "dance"],
                 '"dance" is no command of overload; there are force, release\n')):
            with self.subTest(arguments):
                result = chatgate(*arguments)
                self.assert_exits(result, 2)
                self.assertIn(message, result.stderr)

    def test_version_is_a_number(self):
        result = chatgate("version")
        self.assert_exits(result, 0)
        self.assertRegex(result.stdout, r"\b\d+\.\d+\.\d+\b")

    def test_check_tells_every_mistake_with_its_place(self):
        path = self.write(MISTAKES)
        result = chatgate("check", "--config", path)
        self.assert_exits(result, 78)
        said = result.stdout + result.stderr
        for line, words in ((2, "max_connections"), (3, "max_connections"), (5, "idle"),
                            (7, "line"), (8, "colour"), (11, "address"), (12, "greeter"),
                            (15, "message")):
            self.assertRegex(said, rf"(?m)^{re.escape(path)}:{line}:\d+: .*{words}")
        self.assertRegex(said, r"did you mean")

    def test_run_refuses_what_check_refuses(self):
        result = chatgate("run", "--config", self.write(MISTAKES))
        self.assert_exits(result, 78)
        self.assertIn(":2:", result.stderr)

    def test_a_missing_or_broken_file_is_a_bad_configuration(self):
        self.assert_exits(chatgate("check", "--config", str(self.directory / "none.yaml")), 78)
        self.assert_exits(chatgate("check", "--config", self.write("a: [1, 2\nb: 3\n")), 78)

    def test_check_accepts_a_good_file(self):
        self.assert_exits(chatgate("check", "--config", self.write("limits: {exit_after: 5}\n")), 0)

    def test_config_shows_values_and_where_they_come_from(self):
        path = self.write("limits: {max_connections: 77}\n")
        result = chatgate("config", "--config", path, environment={
            "CHATGATE__TIMEOUTS__IDLE": "3m"})
        self.assert_exits(result, 0)
        self.assertRegex(result.stdout, rf"max_connections: 77\b.*{re.escape(path)}:1:")
        self.assertRegex(result.stdout, r"idle: 3m\b.*CHATGATE__TIMEOUTS__IDLE")
        self.assertRegex(result.stdout, r"reserve_fds: 64\b.*default")

    def test_a_mistake_in_the_environment_names_the_variable(self):
        result = chatgate("check", "--config", self.write(""), environment={
            "CHATGATE__LIMITS__MAX_CONNECTIONS": "many"})
        self.assert_exits(result, 78)
        self.assertIn("CHATGATE__LIMITS__MAX_CONNECTIONS", result.stdout + result.stderr)

    def test_the_environment_overrides_the_file(self):
        overrides = {"CHATGATE__LIMITS__MAX_CONNECTIONS": "123"}
        with Gateway({"limits": {"max_connections": 456}}, environment=overrides) as gateway:
            status = json.loads(gateway.http("GET", "/status")[1])
            self.assertEqual(status["connections"]["limit"], 123)

    def test_check_compares_the_drain_with_the_stop_timeout(self):
        path = self.write("drain:\n  deadline: 60s\n")
        self.assert_exits(chatgate("check", "--config", path, "--stop-timeout", "65s"), 0)
        result = chatgate("check", "--config", path, "--stop-timeout", "1m")
        self.assert_exits(result, 78)
        self.assertRegex(result.stderr, rf"^{re.escape(path)}:2:13: drain\.deadline: .*\b1m\b")
        result = chatgate("check", "--config", self.write(""), "--stop-timeout", "20s")
        self.assert_exits(result, 78)
        self.assertIn(f"{path}: drain.deadline: 20s", result.stderr, "the default is blamed, too")
        self.assert_exits(chatgate("check", "--config", path, "--stop-timeout", "90"), 2)

    def test_check_compares_the_drain_with_the_termination_grace(self):
        path = self.write("drain:\n  deadline: 60s\n")
        self.assert_exits(chatgate("check", "--config", path, "--termination-grace", "70s"), 0)
        for grace in ("69s", "71s"):
            result = chatgate("check", "--config", path, "--termination-grace", grace)
            self.assert_exits(result, 78)
            self.assertRegex(
                result.stderr, rf"^{re.escape(path)}:2:13: drain\.deadline: 1m and 10s .*1m10s, "
                rf"not .*terminationGracePeriodSeconds must be 70\n$")
        result = chatgate("check", "--config", self.write(""), "--termination-grace", "31s",
                          environment={"CHATGATE__DRAIN__DEADLINE": "20500ms"})
        self.assert_exits(result, 78)
        self.assertRegex(result.stderr, r"^environment: CHATGATE__DRAIN__DEADLINE: .* 30s500ms")
        result = chatgate("check", "--config", path, "--termination-grace", "70")
        self.assert_exits(result, 2)
        self.assertIn("--termination-grace: expected a duration", result.stderr)

    def test_the_log_goes_to_standard_output_when_told(self):
        log = {"output": "stdout", "format": "json"}
        with tempfile.TemporaryFile("w+") as output:
            gateway = Gateway({"log": log, "admin": {"address": ""}}).start(stdout=output)
            self.addCleanup(gateway.clean_up)
            # Its last line on standard error says where the log goes on.
            told = lambda: output.seek(0) or output.read()  # noqa: E731
            eventually(lambda: '"event":"ready"' in told(), "the event on standard output")
            gateway.stop()
            for line in told().splitlines():
                self.assertIn("event", json.loads(line))
        self.assertEqual(gateway.log.all("event=ready"), [])

    def test_a_token_or_log_file_of_no_use_is_a_bad_configuration(self):
        for config in ({"admin": {"token_file": "/nowhere/token"}},
                       {"log": {"output": "file:/nowhere/log"}}):
            with self.subTest(config):
                gateway = Gateway(config).start()
                self.addCleanup(gateway.clean_up)
                self.assertEqual(gateway.wait(), 78, gateway.log.tail())
                self.assertEqual(len(gateway.log.all("error event=start_failed .*/nowhere/")), 1)

    def test_a_port_in_use_exits_with_71_and_names_it(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = "127.0.0.1:{}".format(other.getsockname()[1])
            for config in ({"listeners": [{"name": "public", "address": address}]},
                           {"admin": {"address": address}}):
                with self.subTest(config):
                    gateway = Gateway(config).start()
                    self.addCleanup(gateway.clean_up)
                    self.assertEqual(gateway.wait(), 71, gateway.log.tail())
                    self.assertTrue(gateway.log.all(re.escape(address)), gateway.log.tail())

    def test_a_second_gateway_does_not_share_the_first_ones_port(self):
        with Gateway() as first:
            address = "{}:{}".format(*first.address())
            second = Gateway({"listeners": [{"name": "public", "address": address}]}).start()
            self.addCleanup(second.clean_up)
            self.assertEqual(second.wait(), 71, second.log.tail())
            with Client(first.address()) as client:
                self.assertEqual(client.line(), GREETING)


class ProbeTest(unittest.TestCase):
    def test_prints_three_times_when_the_reply_is_right(self):
        with Gateway() as gateway:
            address = "{}:{}".format(*gateway.address())
            result = chatgate("probe", address, "--send", "ping", "--expect", reply_to("ping"))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(len(re.findall(r"\d ms", result.stdout)), 3, result.stdout)
            eventually(lambda: gateway.metrics().sum(
                "chatgate_connections_closed_total", reason="client_eof") == 1,
                "the probe closes politely")

    def test_exits_with_1_when_the_reply_is_wrong_or_nobody_listens(self):
        with Gateway() as gateway:
            host, port = gateway.address()
            result = chatgate("probe", f"{host}:{port}", "--send", "ping", "--expect", "pong")
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn("pong", result.stderr)
        self.assertEqual(chatgate("probe", f"{host}:{port}").returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
