"""chatgate on a machine: installing it, and what every test asks of it."""

import json
import os
import pathlib
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE / "tests/e2e"))

# The clients of the end-to-end tests; the machine's network is ours.
from client import Client  # noqa: E402
from gateway import GREETING, reply_to  # noqa: E402
from machine import Machine, eventually, require_namespaces  # noqa: E402
from packages import older  # noqa: E402

PACKAGES = pathlib.Path(os.environ.get("CHATGATE_PACKAGES") or
                        SOURCE / "build/release/deploy/packages")
UNIT = "chatgate.service"
SOCKET = "chatgate.socket"
CONFIG = "/etc/chatgate/chatgate.yaml"
ADDRESS = ("127.0.0.1", 1935)
INHERITED = [{"name": "public", "address": "fd:public"}]


def inside(package):
    """Where the machines see a package."""
    return f"/debs/{package.name}"


def as_config(**sections):
    """A configuration that keeps the packaged listener and log. JSON is YAML."""
    return json.dumps({"listeners": INHERITED, "log": {"output": "journald"}, **sections})


def prepare(machine):
    """Makes /debs the machine's only source of packages."""
    machine.write("/etc/apt/sources.list", "deb [trusted=yes] file:/debs ./\n")
    machine.run("sh", "-c", "rm -rf /etc/apt/sources.list.d/*")
    machine.run("apt-get", "-q", "update")


def install(machine, package=None, check=True):
    """As an operator does it, with the answers of unattended upgrades."""
    return machine.run("apt-get", "-q", "-y", "--no-install-recommends", "--allow-downgrades",
                       "-o", "Dpkg::Options::=--force-confdef",
                       "-o", "Dpkg::Options::=--force-confold", "install",
                       inside(package or older(PACKAGES)), check=check)


class MachineTest(unittest.TestCase):
    """A machine for each class; `installed` says whether chatgate is there already."""

    suite = "bookworm"
    installed = True

    @classmethod
    def setUpClass(cls):
        cls.machine = cls.enterClassContext(Machine(cls.suite, PACKAGES))
        prepare(cls.machine)
        if cls.installed:
            install(cls.machine)

    def _callTestMethod(self, method):
        """A failure shows what systemd and chatgate said last."""
        try:
            super()._callTestMethod(method)
        except (Exception, KeyboardInterrupt) as error:
            log = self.machine.run("journalctl", "--no-pager", check=False).stdout.splitlines()
            telling = [line for line in log if "event=session_closed" not in line]
            error.add_note("\n".join(["--- the end of the journal:", *telling[-60:]]))
            raise

    def configure(self, text):
        self.machine.write(CONFIG, text)

    def start_anew(self, config=None, drop_in="", socket_drop_in=""):
        """The service as after a boot, with that configuration and those drop-ins."""
        machine = self.machine
        machine.systemctl("stop", SOCKET, UNIT)
        machine.drop_in(SOCKET, socket_drop_in)
        machine.drop_in(UNIT, drop_in)
        self.configure(config or as_config())
        machine.systemctl("reset-failed", SOCKET, UNIT, check=False)
        machine.systemctl("start", SOCKET, UNIT)

    def assert_serves(self, address=ADDRESS):
        with Client(address) as client:
            self.assertEqual(client.line(), GREETING)
            self.assertEqual(client.ask("hello"), reply_to("hello"))

    def status_text(self):
        return self.machine.show(UNIT, "StatusText")

    def wait_for_status(self, text):
        eventually(lambda: text in self.status_text(), f"the status {text!r}")

    def entries(self, *matches):
        """What the present run of the service, which has not ended, has logged."""
        invocation = self.machine.show(UNIT, "InvocationID")
        return self.machine.journal(f"_SYSTEMD_INVOCATION_ID={invocation}", *matches)


def main():
    require_namespaces()
    unittest.main(verbosity=2)

