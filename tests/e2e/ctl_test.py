"""`chatgate ctl` against the real gateway: what it prints, changes and exits with."""

import json
import pathlib
import signal
import subprocess
import tempfile
import unittest

from client import EOF, RESET, Client
from control import ctl
from gateway import BINARY, PATIENCE, Gateway, eventually

NUMBERED = {"services": {"greeter": {"greeting": "{session}\n"}},
            "drain": {"grace": "0s", "spread": "0s"}}


class CtlTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def assert_exits(self, result, code=0):
        self.assertEqual(result.returncode, code, f"{result.args}\n{result.stdout}{result.stderr}")
        self.assertEqual(bool(result.stderr), code != 0, result.stderr)
        return result.stdout

    def client(self, gateway, **options):
        """A client, and its session's number."""
        client = self.enterContext(Client(gateway.address(), **options))
        return client, client.line()

    def test_shows_the_gateway_and_its_sessions(self):
        with Gateway(NUMBERED) as gateway:
            client, number = self.client(gateway)
            client.ask("secret")
            status = self.assert_exits(ctl(gateway, "status"))
            self.assertRegex(status, r"(?m)^state +ready, up ")
            self.assertRegex(status, r"(?m)^open +1 of \d+")
            self.assertRegex(status, rf"(?m)^config +{gateway.config_file}$")
            listed = self.assert_exits(ctl(gateway, "connections"))
            self.assertRegex(listed, rf"(?m)^ *{number}  {client.name()} +public ")
            self.assertNotIn("secret", listed)
            document = json.loads(self.assert_exits(ctl(gateway, "connections", "--json")))
            self.assertEqual(document["connections"][0]["messages"], 1)

    def test_sorts_and_filters(self):
        with Gateway(NUMBERED) as gateway:
            clients = [self.client(gateway, source=f"127.0.0.{i}") for i in (2, 3, 4)]
            clients[1][0].ask("x")
            rows = json.loads(self.assert_exits(
                ctl(gateway, "connections", "--json", "--sort", "-messages")))["connections"]
            self.assertEqual([row["messages"] for row in rows], [1, 0, 0])
            for condition, count in (("source=127.0.0.3", 1), ("source=127.0.0.2/31", 2),
                                     ("idle>5m", 0), ("idle<5m,listener=public", 3)):
                found = json.loads(self.assert_exits(
                    ctl(gateway, "connections", "--json", "--filter", condition)))
                self.assertEqual(found["matched"], count, condition)
            wrong = ctl(gateway, "connections", "--filter", "colour=red")
            self.assert_exits(wrong, 1)
            self.assertIn("the columns are id, listener, peer", wrong.stderr)

    def test_watches_until_it_is_told_to_stop(self):
        with Gateway(NUMBERED) as gateway:
            self.client(gateway)
            printed = self.assert_exits(
                ctl(gateway, "connections", "--watch", "--interval", "50ms", "--rounds", "3"))
            self.assertEqual(printed.count("PEER"), 3)
            watching = subprocess.Popen(
                [BINARY, "ctl", "--admin", f"127.0.0.1:{gateway.admin_port}", "connections",
                 "--watch", "--interval", "10m"], stdout=subprocess.PIPE, text=True)
            self.addCleanup(watching.stdout.close)
            self.assertIn("PEER", watching.stdout.readline())
            watching.terminate()
            self.assertEqual(watching.wait(PATIENCE), 0)

    def test_closes_one_session_politely_or_by_a_reset(self):
        with Gateway(NUMBERED) as gateway:
            client, number = self.client(gateway)
            other, other_number = self.client(gateway)
            self.assertIn("being closed", self.assert_exits(ctl(gateway, "close", number)))
            self.assertEqual(client.line(), EOF)
            client.close()
            self.assert_exits(ctl(gateway, "close", other_number, "--abort"))
            self.assertEqual(other.line(), RESET)
            eventually(lambda: gateway.metrics().sum("chatgate_connections_open") == 0, "none open")
            closed = self.assert_exits(ctl(gateway, "closed", "--filter", "reason=admin_kill"))
            self.assertEqual(closed.count("admin_kill"), 2)
            self.assert_exits(ctl(gateway, "close", "4711"), 1)

    def test_closes_all_that_meet_a_filter_and_nobody_else(self):
        with Gateway(NUMBERED) as gateway:
            leaving = [self.client(gateway, source="127.0.0.9")[0] for _ in range(30)]
            staying, _ = self.client(gateway)
            printed = self.assert_exits(ctl(gateway, "close", "--filter", "source=127.0.0.9"))
            self.assertEqual(printed, "30 sessions are being closed\n")
            for client in leaving:
                self.assertEqual(client.line(), EOF)
                client.close()
            self.assertNotEqual(staying.ask("still here"), EOF)
            self.assert_exits(ctl(gateway, "close"), 2)

    def test_lists_and_forgives_penalties(self):
        config = {"limits": {"per_source": {"exempt": [], "penalties": {"bootwait": "0s"}}}}
        with Gateway(config | NUMBERED) as gateway:
            for _ in range(2):
                client, _ = self.client(gateway)
                client.send(b"GET / HTTP/1.1\r\n\r\n")
                client.until_eof()
                client.close()
            listed = self.assert_exits(ctl(gateway, "penalties", "--filter", "refused=true"))
            self.assertRegex(listed, r"(?m)^127\.0\.0\.1/32 +\d+s  yes +0$")
            _, refusal = self.client(gateway)
            self.assertRegex(refusal, r"^421 .*\[\d+\]")
            self.assert_exits(ctl(gateway, "forgive"), 2)
            self.assert_exits(ctl(gateway, "forgive", "127.0.0.77"), 1)
            self.assertEqual(self.assert_exits(ctl(gateway, "forgive", "127.0.0.1")),
                             "forgiven: 1\n")
            self.assertRegex(self.client(gateway)[1], r"^\d+")
            self.assertEqual(self.assert_exits(ctl(gateway, "forgive", "--all")), "forgiven: 0\n")

    def test_reload_tells_what_happened_by_its_exit_code(self):
        with Gateway() as gateway:
            gateway.write_config({"timeouts": {"idle": "3m"}})
            self.assertEqual(self.assert_exits(ctl(gateway, "reload")),
                             "applied\n  timeouts.idle\n")
            self.assertEqual(self.assert_exits(ctl(gateway, "reload")), "unchanged\n")
            gateway.write_config({"threads": {"workers": 7}})
            result = ctl(gateway, "reload")
            self.assertIn("threads.workers", self.assert_exits(result, 1))
            gateway.write_config("limits:\n  colour: red\n")
            result = ctl(gateway, "reload")
            self.assertIn(f"{gateway.config_file}:2:3: limits.colour",
                          self.assert_exits(result, 78))
            gateway.write_config({"log": {"level": "loud"}})
            result = ctl(gateway, "reload")
            self.assertIn(', got "loud"\n', self.assert_exits(result, 78))
            self.assertIn(', got "loud"\n', self.assert_exits(ctl(gateway, "status")))
            document = json.loads(ctl(gateway, "reload", "--json").stdout)
            self.assertEqual(document["outcome"], "rejected")

    def test_drains_and_takes_it_back(self):
        with Gateway({"drain": {"announce": "10m", "deadline": "11m"}}) as gateway:
            self.assertEqual(self.assert_exits(ctl(gateway, "drain")), "draining\n")
            self.assertRegex(self.assert_exits(ctl(gateway, "status")), r"(?m)^drain +phase 1 of 5")
            self.assertEqual(self.assert_exits(ctl(gateway, "undrain")), "serving again\n")
            self.assert_exits(ctl(gateway, "undrain"), 1)
            gateway.stop(signal.SIGQUIT)

    def test_changes_the_log_level(self):
        with Gateway() as gateway:
            self.assert_exits(ctl(gateway, "log-level", "debug"))
            gateway.log.wait_for(r"event=log_level_changed .*level=debug")
            self.assert_exits(ctl(gateway, "log-level", "loud"), 2)

    def test_talks_over_a_unix_socket(self):
        admin = f"unix:{self.directory}/admin.sock"
        with Gateway({"admin": {"address": admin}}) as gateway:
            gateway.check_accounting = lambda: None  # It is read over TCP.
            self.assertRegex(self.assert_exits(ctl(gateway, "status", admin=admin)), "state +ready")
            self.assert_exits(ctl(gateway, "log-level", "warn", admin=admin))
            mode = (self.directory / "admin.sock").stat().st_mode & 0o777
            self.assertEqual(mode, 0o660)

    def test_shows_the_token_of_a_file(self):
        token = self.directory / "token"
        token.write_text("s3cret\n")
        token.chmod(0o600)
        with Gateway({"admin": {"token_file": str(token)}}) as gateway:
            result = ctl(gateway, "log-level", "warn")
            self.assert_exits(result, 1)
            self.assertIn("--token-file FILE", result.stderr)
            self.assert_exits(ctl(gateway, "log-level", "warn", "--token-file", str(token)))
            other = self.directory / "other"
            other.write_text("wrong")
            result = ctl(gateway, "log-level", "warn", "--token-file", str(other))
            self.assert_exits(result, 1)
            self.assertIn("does not accept the token", result.stderr)
            result = ctl(gateway, "log-level", "warn", "--token-file", "/nowhere")
            self.assert_exits(result, 1)
            self.assertIn("/nowhere: cannot be read", result.stderr)

    def test_says_what_to_do_when_nobody_answers(self):
        with Gateway() as gateway:
            listener = "{}:{}".format(*gateway.address())
            result = ctl(gateway, "--timeout", "2s", "status", admin=listener)
            self.assert_exits(result, 1)
            self.assertIn("not a listener's", result.stderr)
            port = gateway.admin_port
        for admin in (f"127.0.0.1:{port}", f"unix:{self.directory}/none"):
            result = ctl(None, "status", admin=admin)
            self.assert_exits(result, 1)
            self.assertIn("is the gateway running", result.stderr)
        self.assert_exits(ctl(None, "status", admin="nonsense"), 1)
        self.assert_exits(ctl(None, "status", "--timeout", "0s", admin="127.0.0.1:1"), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
