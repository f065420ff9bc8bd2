"""The service in its days: reloads, restarts, a thread that hangs, a crash, a stop."""

import time

import service
from client import Client, EOF
from freeze import bury, freeze_thread
from gateway import GREETING
from machine import eventually
from service import ADDRESS, CONFIG, SOCKET, UNIT, as_config
from talkers import Talkers
from visitors import Visitors

NOTICE = "* server is shutting down"
TALKERS = 200
RELOADS = 20
IDLE = 500
QUICK_DRAIN = {"grace": "100ms", "spread": "1s", "linger": "1s", "deadline": "10s"}
BROKEN = "limits:\n  max_conections: 5\n"
WATCHDOG_SECONDS = 2


class ServiceTest(service.MachineTest):
    def test_nobody_notices_twenty_reloads(self):
        self.start_anew(as_config(drain=QUICK_DRAIN))
        with Talkers(ADDRESS, TALKERS) as talkers:
            for number in range(RELOADS):
                self.configure(as_config(drain=QUICK_DRAIN, timeouts={"idle": f"{number + 60}s"}))
                self.machine.systemctl("reload", UNIT)
            self.wait_for_status(f"open {TALKERS}/")
            for talker in talkers.stop():
                self.assertEqual((talker.end, talker.notices, talker.unexpected, talker.rest()),
                                 ("eof", [], [], b""), talker.name)
                self.assertEqual(talker.replies, talker.said)
        reloads = self.entries("CHATGATE_EVENT=config_reloaded")
        self.assertEqual(len(reloads), RELOADS)
        self.assertEqual(self.machine.show(UNIT, "NRestarts"), "0")

    def test_a_reload_of_a_broken_configuration_fails_and_changes_nothing(self):
        self.start_anew()
        with Client(ADDRESS) as client:
            self.assertEqual(client.line(), GREETING)
            self.configure(BROKEN)
            reload = self.machine.systemctl("reload", UNIT, check=False)
            self.assertNotEqual(reload.returncode, 0)
            place = f"reload failed: {CONFIG}:2:3: limits.max_conections: "
            self.wait_for_status(place)
            status = self.machine.systemctl("status", UNIT).stdout
            self.assertIn(place, status)
            self.assertIn("Active: active (running)", status)
            self.assertEqual(client.ask("hello"), service.reply_to("hello"))
        self.configure(as_config())
        self.machine.systemctl("reload", UNIT)
        self.wait_for_status("open 0/10000, draining 0")
        self.assertNotIn("failed", self.status_text())

    def test_a_restart_under_load_refuses_nobody_and_answers_what_was_read(self):
        self.start_anew(as_config(drain=QUICK_DRAIN),
                        drop_in="[Service]\nLogRateLimitIntervalSec=0\n")
        before = self.machine.show(UNIT, "InvocationID")
        with Talkers(ADDRESS, TALKERS) as talkers:
            visitors = Visitors(ADDRESS)
            eventually(lambda: talkers.replies() > TALKERS, "talk")
            self.machine.systemctl("restart", UNIT)
            everybody = talkers.wait_until_ended()
            self.assertGreater(visitors.stop(), 0)
        ends = {entry["CHATGATE_PEER"]: entry for entry in self.machine.journal(
            f"_SYSTEMD_INVOCATION_ID={before}", "CHATGATE_EVENT=session_closed")}
        for talker in everybody:
            end = ends[talker.name]
            self.assertEqual((end["CHATGATE_REASON"], talker.end), ("drain", "eof"), talker.name)
            self.assertEqual(int(end["CHATGATE_MESSAGES"]), talker.replies, talker.name)
            self.assertEqual(talker.unexpected, [], talker.name)
        self.assert_serves()

    def test_the_watchdog_restarts_a_service_whose_thread_hangs_and_names_it(self):
        for thread in ("worker-0", "acceptor-0", "control", "main"):
            with self.subTest(thread):
                self.check_watchdog(thread)

    def check_watchdog(self, thread):
        self.start_anew(drop_in=f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\nRestartSec=100ms\n")
        hung = self.machine.show(UNIT, "InvocationID")
        before = self.machine.journal_end()
        pid = self.machine.outer_pid(self.machine.main_pid(UNIT))
        frozen_at = time.monotonic()
        tid = freeze_thread(pid, "chatgate" if thread == "main" else thread)
        bury(tid)
        # A beat may have been heard just before.
        self.assertLess(time.monotonic() - frozen_at, WATCHDOG_SECONDS * 1.5)
        eventually(lambda: self.machine.show(UNIT, "InvocationID") != hung, "a new run")
        self.machine.systemctl("start", UNIT)
        self.assert_serves()
        stuck = [entry for entry in self.machine.journal_after(before, "chatgate")
                 if entry.get("CHATGATE_EVENT") == "thread_stuck"]
        self.assertEqual([entry["CHATGATE_THREAD"] for entry in stuck], [thread])
        self.assertEqual(stuck[0]["PRIORITY"], "3")
        self.assertEqual(self.machine.show(UNIT, "NRestarts"), "1")

    def test_clients_wait_while_a_killed_service_is_restarted(self):
        self.start_anew()
        visitors = Visitors(ADDRESS)
        self.machine.systemctl("kill", "--kill-whom=main", "--signal=KILL", UNIT)
        # A client that was connected is reset with its process; who comes now waits.
        eventually(lambda: self.machine.show(UNIT, "SubState") == "auto-restart", "its death")
        with Client(ADDRESS) as waiting:
            self.assertEqual(waiting.line(), GREETING)
        self.assertEqual(self.machine.show(UNIT, "NRestarts"), "1")
        try:
            visitors.stop()
        except AssertionError as reset:
            self.assertIn("<reset>", str(reset))

    def test_a_stop_says_goodbye_to_everybody_within_its_deadline(self):
        self.start_anew(as_config(drain=QUICK_DRAIN))
        clients = [Client(ADDRESS) for _ in range(IDLE)]
        for client in clients:
            self.addCleanup(client.close)
            self.assertEqual(client.line(), GREETING)
        self.wait_for_status(f"open {IDLE}/10000, draining 0")
        began = time.monotonic()
        self.machine.systemctl("stop", SOCKET, UNIT)
        self.assertLess(time.monotonic() - began, 10)
        for client in clients:
            self.assertEqual([client.line(), client.line()], [NOTICE, EOF])
        show = self.machine.show
        self.assertEqual((show(UNIT, "Result"), show(UNIT, "ExecMainStatus")), ("success", "0"))
        self.assertEqual(show(UNIT, "ExecMainCode"), "1", "CLD_EXITED: no signal killed it")

    def test_a_drain_longer_than_the_stop_timeout_is_given_the_time(self):
        self.start_anew(
            as_config(drain={"grace": "100ms", "spread": "8s", "linger": "1s", "deadline": "15s"}),
            drop_in="[Service]\nTimeoutStopSec=2s\n")
        clients = [Client(ADDRESS) for _ in range(30)]
        for client in clients:
            self.addCleanup(client.close)
            self.assertEqual(client.line(), GREETING)
        began = time.monotonic()
        self.machine.systemctl("stop", SOCKET, UNIT)
        self.assertGreater(time.monotonic() - began, 2, "the drain has not outlived the time-out")
        self.assertEqual(self.machine.show(UNIT, "Result"), "success")
        self.assertEqual({client.until_eof() for client in clients}, {NOTICE + "\n"})

    def test_the_first_connection_starts_it(self):
        self.start_anew()
        self.machine.systemctl("stop", UNIT)
        self.assertEqual(self.machine.show(UNIT, "ActiveState"), "inactive")
        self.assert_serves()
        self.assertEqual(self.machine.show(UNIT, "ActiveState"), "active")

    def test_a_privileged_port_needs_no_privilege(self):
        self.start_anew(socket_drop_in="[Socket]\nListenStream=23\n")
        self.assert_serves(("127.0.0.1", 23))
        self.assert_serves()
        pid = self.machine.main_pid(UNIT)
        status = self.machine.path(f"/proc/{pid}/status").read_text()
        for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1",
                     "Seccomp:\t2"):
            self.assertIn(line, status)

    def test_instances_serve_configurations_of_their_own(self):
        for name, port in (("one", 2001), ("two", 2002)):
            self.machine.write(f"/etc/chatgate/{name}.yaml", as_config(
                listeners=[{"name": "public", "address": f"127.0.0.1:{port}"}],
                admin={"address": ""}))
            self.addCleanup(self.machine.systemctl, "stop", f"chatgate@{name}.service")
            self.machine.systemctl("start", f"chatgate@{name}.service")
            self.assert_serves(("127.0.0.1", port))
        self.machine.systemctl("reload", "chatgate@one.service")

    def test_the_journal_finds_a_session_by_reason_peer_and_number(self):
        self.start_anew(as_config(output={"soft": "1KiB", "soft_time": "200ms", "hard": "256MiB"}))
        with Client(ADDRESS, receive_bytes=4096) as slow:
            self.assertEqual(slow.line(), GREETING)
            peer = slow.name()
            slow.socket.setblocking(False)
            closed = lambda: self.machine.journal("CHATGATE_REASON=slow_soft")  # noqa: E731
            found = eventually(lambda: self.flood(slow) or closed(), "the slow reader's end")
        entry = found[-1]
        self.assertEqual(entry["CHATGATE_PEER"], peer)
        self.assertEqual(entry["PRIORITY"], "6")
        number = entry["CHATGATE_SESSION"]
        self.assertEqual(
            [entry["CHATGATE_EVENT"] for entry in self.entries(f"CHATGATE_SESSION={number}")],
            ["session_closed"])
        self.assertTrue(self.machine.journal(f"CHATGATE_PEER={peer}"))

    @staticmethod
    def flood(client):
        """Says what fits, and reads nothing."""
        try:
            while client.socket.send(b"x" * 1000 + b"\n"):
                pass
        except OSError:
            return

    def test_the_unit_gives_the_packaged_drain_its_time(self):
        for unit in (UNIT, "chatgate@x.service"):
            seconds = self.machine.show(unit, "TimeoutStopUSec")
            self.assertRegex(seconds, r"^\d+s$")
            self.machine.run("chatgate", "check", "--config", CONFIG, "--stop-timeout", seconds)
        refused = self.machine.run("chatgate", "check", "--config", CONFIG,
                                   "--stop-timeout", "20s", check=False)
        self.assertEqual(refused.returncode, 78)


if __name__ == "__main__":
    service.main()
