"""What an operator meets on a bad day: each gives one clear line, its exit code, and no loop."""

import socket

import service
from client import Client
from gateway import GREETING
from machine import eventually
from service import CONFIG, SOCKET, UNIT, as_config

CANNOT_START = 71
BAD_CONFIGURATION = 78
STATE_DIRECTORY = 238  # systemd.exec(5)
ERROR = "3"


class BadSituationsTest(service.MachineTest):
    def start_badly(self, code, *, config=None, drop_in="", socket_drop_in="", by="chatgate"):
        """Starts what cannot start. Gives the one line of `by` that says why."""
        machine = self.machine
        machine.systemctl("stop", SOCKET, UNIT)
        machine.systemctl("reset-failed", SOCKET, UNIT, check=False)
        machine.drop_in(SOCKET, socket_drop_in)
        machine.drop_in(UNIT, drop_in)
        if config is not None:
            self.configure(config)
        before = machine.journal_end()
        self.assertNotEqual(machine.systemctl("start", UNIT, check=False).returncode, 0)
        eventually(lambda: machine.show(UNIT, "SubState") == "failed", "an end without a loop")
        self.assertEqual(machine.show(UNIT, "ExecMainStatus"), str(code))
        self.assertEqual(machine.show(UNIT, "NRestarts"), "0")
        lines = [entry["MESSAGE"] for entry in machine.journal_after(before, by)
                 if entry["PRIORITY"] == ERROR and "Failed at step" not in entry["MESSAGE"]]
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def test_a_taken_port(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            line = self.start_badly(CANNOT_START, config=as_config(
                listeners=[{"name": "public", "address": f"127.0.0.1:{port}"}]))
        self.assertIn(f"cannot listen on 127.0.0.1:{port}: another process listens there", line)

    def test_a_key_file_that_it_may_not_read(self):
        self.machine.write("/etc/chatgate/token", "0123456789abcdef0123456789abcdef\n")
        self.machine.run("chmod", "600", "/etc/chatgate/token")
        line = self.start_badly(BAD_CONFIGURATION, config=as_config(
            admin={"address": "0.0.0.0:9464", "token_file": "/etc/chatgate/token"}))
        self.assertIn("/etc/chatgate/token", line)
        self.assertIn("Permission denied", line)

    def test_a_missing_configuration(self):
        self.machine.run("rm", CONFIG)
        line = self.start_badly(BAD_CONFIGURATION)
        self.assertEqual(line, f"{CONFIG}: cannot be read: No such file or directory")

    def test_a_mistake_in_the_configuration(self):
        line = self.start_badly(BAD_CONFIGURATION, config="limits: {max_connections: many}\n")
        self.assertTrue(line.startswith(f"{CONFIG}:1:27: limits.max_connections: "), line)

    def test_a_log_file_in_a_state_directory_that_is_not_writable(self):
        line = self.start_badly(
            BAD_CONFIGURATION,
            config=as_config(log={"output": "file:/var/lib/chatgate/chatgate.log"}),
            drop_in="[Service]\nReadOnlyPaths=/var/lib/private/chatgate /var/lib/chatgate\n")
        self.assertIn("cannot open /var/lib/chatgate/chatgate.log: Read-only file system", line)

    def test_a_state_directory_that_cannot_be_made(self):
        self.machine.systemctl("stop", SOCKET, UNIT)
        self.machine.run("sh", "-c", "rm -rf /var/lib/private/chatgate /var/lib/chatgate;"
                                     " mount --bind -o ro /var/lib/private /var/lib/private")
        self.addCleanup(self.machine.run, "umount", "/var/lib/private")
        line = self.start_badly(STATE_DIRECTORY, config=as_config(), by="(chatgate)")
        self.assertIn("Read-only file system", line)

    def test_an_inherited_socket_of_another_name(self):
        line = self.start_badly(BAD_CONFIGURATION, config=as_config(),
                                socket_drop_in="[Socket]\nFileDescriptorName=other\n")
        self.assertIn("cannot listen on fd:public: no such inherited socket (passed: other)", line)

    def test_an_inherited_datagram_socket(self):
        line = self.start_badly(
            BAD_CONFIGURATION, config=as_config(),
            socket_drop_in="[Socket]\nListenStream=\nListenDatagram=1935\nNoDelay=no\n")
        self.assertIn("a datagram (UDP) socket; the socket unit needs ListenStream=", line)

    def test_a_failed_start_with_a_client_at_the_door_ends(self):
        """The socket starts the service for the client again and again, but not for ever."""
        self.machine.systemctl("stop", SOCKET, UNIT)
        self.machine.systemctl("reset-failed", SOCKET, UNIT, check=False)
        self.machine.drop_in(SOCKET, "")
        self.machine.drop_in(UNIT, "")
        self.configure("limits: {max_connections: many}\n")
        self.machine.systemctl("start", SOCKET)
        with Client(service.ADDRESS):
            eventually(lambda: self.machine.show(SOCKET, "ActiveState") == "failed", "its end")
        self.assertEqual(self.machine.show(SOCKET, "Result"), "service-start-limit-hit")
        self.start_anew()
        self.assert_serves()

    def test_without_a_notification_socket_it_serves_and_says_so(self):
        self.start_anew(drop_in="[Service]\nType=exec\nWatchdogSec=0\n"
                                "UnsetEnvironment=NOTIFY_SOCKET\n")
        with Client(service.ADDRESS) as client:
            self.assertEqual(client.line(), GREETING)
        told = eventually(lambda: self.entries("CHATGATE_EVENT=notify_unavailable"), "a line")
        self.assertEqual(len(told), 1)
        self.machine.systemctl("stop", SOCKET, UNIT)
        self.assertEqual(self.machine.show(UNIT, "ExecMainStatus"), "0")
        self.assertEqual(self.machine.show(UNIT, "Result"), "success")


if __name__ == "__main__":
    service.main()
