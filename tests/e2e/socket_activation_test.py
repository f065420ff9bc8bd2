"""Sockets that others opened, and sockets in the file system."""

import shutil
import socket
import stat
import subprocess
import unittest

from client import Client
from gateway import BINARY, GREETING, PATIENCE, Gateway, reply_to

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
            self.assertEqual(gateway.wait(), 78, gateway.log.tail())
            self.assertTrue(gateway.log.all(r"fd:chat: .*\(passed: other\)"), gateway.log.tail())

    def test_a_datagram_socket_is_an_error_that_says_what_is_needed(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            gateway = self.gateway(udp, "chat").start()
            self.addCleanup(gateway.clean_up)
            self.assertEqual(gateway.wait(), 78, gateway.log.tail())
            self.assertTrue(gateway.log.all("ListenStream="), gateway.log.tail())

    def test_every_socket_of_a_name_is_served(self):
        with socket.create_server(("127.0.0.1", 0)) as one, \
                socket.create_server(("127.0.0.1", 0)) as two:
            script = f'LISTEN_PID=$$ exec "$@" 3<&{one.fileno()} 4<&{two.fileno()}'
            with Gateway(INHERITED, prefix=["/bin/sh", "-c", script, "sh"],
                         pass_fds=(one.fileno(), two.fileno()),
                         environment={"LISTEN_FDS": "2", "LISTEN_FDNAMES": "chat:chat"}):
                for listener in (one, two):
                    with Client(listener.getsockname()) as client:
                        self.assertEqual(client.line(), GREETING)

    def test_a_socket_that_no_listener_names_is_warned_of(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            script = f'LISTEN_PID=$$ exec "$@" 3<&{listener.fileno()}'
            with Gateway(prefix=["/bin/sh", "-c", script, "sh"], pass_fds=(listener.fileno(),),
                         environment={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "spare"}) as gateway:
                gateway.log.wait_for(r"warn event=inherited_socket_unused name=spare\b")

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
