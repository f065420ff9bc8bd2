"""Sockets that others opened, sockets in the file system, and the word to the service manager."""

import shutil
import signal
import socket
import stat
import subprocess
import unittest

from client import Client
from gateway import BINARY, GREETING, PATIENCE, Gateway, eventually, reply_to

INHERITED = {"listeners": [{"name": "public", "address": "fd:chat"}]}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class InheritedSocketTest(unittest.TestCase):
    def gateway(self, listener, names):
        """A gateway that gets `listener` as systemd would pass it (sd_listen_fds(3))."""
        # Only a shell that execs knows the process id before the program runs.
        script = f'LISTEN_PID=$$ exec "$@" 3<&{listener.fileno()}'
        return Gateway(INHERITED, prefix=["/bin/sh", "-c", script, "sh"],
                       pass_fds=(listener.fileno(),),
                       environment={"LISTEN_FDS": "1", "LISTEN_FDNAMES": names})

    def test_serves_the_socket_of_that_name_and_leaves_it_to_its_successor(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
            with self.gateway(listener, "chat"), Client(address) as client:
                self.assertEqual(client.line(), GREETING)
                self.assertEqual(client.ask("hello"), reply_to("hello"))
            with Client(address) as waiting, self.gateway(listener, "chat"):
                self.assertEqual(waiting.line(), GREETING, "it waited for the successor")
                waiting.close()

    def test_a_name_that_was_not_passed_is_an_error_that_names_it(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            gateway = self.gateway(listener, "other").start()
            self.addCleanup(gateway.clean_up)
            self.assertEqual(gateway.wait(), 71, gateway.log.tail())
            self.assertTrue(gateway.log.all("chat"), gateway.log.tail())

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "package systemd is missing")
    def test_systemd_socket_activate_starts_it_with_its_first_client(self):
        port = free_port()
        prefix = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=chat"]
        gateway = Gateway(INHERITED, prefix=prefix).start()
        self.addCleanup(gateway.clean_up)
        gateway.log.wait_for("Listening on")
        with Client(("127.0.0.1", port)) as client:
            self.assertEqual(client.line(), GREETING)
            self.assertEqual(client.ask("hello"), reply_to("hello"))
        gateway.wait_until_ready().stop()


class UnixSocketTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(Gateway()).path
        self.path = directory / "chatgate.sock"
        self.config = {"listeners": [{"name": "local", "address": f"unix:{self.path}"}]}

    def test_a_stale_file_is_replaced_and_its_own_is_removed_at_the_end(self):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(self.path))
        with Gateway(self.config):
            self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o660)
            with Client(str(self.path)) as client:
                self.assertEqual(client.line(), GREETING)
                self.assertEqual(client.ask("hello"), reply_to("hello"))
        self.assertFalse(self.path.exists())

    def test_the_socket_of_a_living_server_is_left_alone(self):
        with socket.socket(socket.AF_UNIX) as living:
            living.bind(str(self.path))
            living.listen()
            gateway = Gateway(self.config).start()
            self.addCleanup(gateway.clean_up)
            self.assertEqual(gateway.wait(), 71, gateway.log.tail())
            self.assertTrue(self.path.exists())

    def test_a_file_that_is_no_socket_is_left_alone(self):
        self.path.write_text("precious")
        gateway = Gateway(self.config).start()
        self.addCleanup(gateway.clean_up)
        self.assertEqual(gateway.wait(), 71, gateway.log.tail())
        self.assertEqual(self.path.read_text(), "precious")

    def test_the_probe_reaches_it(self):
        with Gateway(self.config):
            subprocess.run([BINARY, "probe", f"unix:{self.path}", "--send", "x"], check=True,
                           capture_output=True, timeout=PATIENCE)


class NotifyTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(Gateway()).path
        self.manager = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.manager.bind(str(directory / "notify"))
        self.manager.settimeout(PATIENCE)
        self.environment = {"NOTIFY_SOCKET": str(directory / "notify")}

    def receive(self, word):
        """Waits for a message that has `word` as one of its lines."""
        seen = []
        while True:
            try:
                seen.append(self.manager.recv(65536).decode().splitlines())
            except TimeoutError:
                self.fail(f"no {word} among {seen}")
            if word in seen[-1]:
                return seen[-1]

    def test_the_manager_hears_of_every_step(self):
        with Gateway(environment=self.environment) as gateway:
            self.receive("READY=1")
            gateway.kill(signal.SIGHUP)
            reloading = self.receive("RELOADING=1")
            self.assertTrue([line for line in reloading if line.startswith("MONOTONIC_USEC=")])
            self.receive("READY=1")
            gateway.stop()
            self.receive("STOPPING=1")

    def test_ready_is_said_only_once_it_serves(self):
        with Gateway(environment=self.environment) as gateway:
            self.receive("READY=1")
            eventually(lambda: gateway.http("GET", "/readyz")[0] == 200, "/readyz")
            with Client(gateway.address()) as client:
                self.assertEqual(client.line(), GREETING)


if __name__ == "__main__":
    unittest.main(verbosity=2)
