"""The Debian package, from a bare machine to a bare machine."""

import re

import service
from client import Client
from gateway import GREETING
from packages import NEWER, NEWER_LINE, newer, older
from service import CONFIG, PACKAGES, SOCKET, UNIT, as_config, install
from visitors import Visitors

# What is not chatgate's: made by dpkg, apt and systemd for themselves.
NOT_OURS = re.compile(r"^/(proc|sys|dev|run|tmp|debs|var/(cache|tmp|log|lib/(dpkg|apt)))(/|$)"
                      r"|^/var/lib/private$|^/var/lib/systemd/(?!deb-systemd)")
SECONDS_TO_START_MAX = 1.0


class PackageTest(service.MachineTest):
    installed = False

    def files(self):
        listed = self.machine.out("find", "/", "-xdev", "-not", "-type", "d", "-or", "-type", "d",
                                  "-empty").splitlines()
        folders = self.machine.out("find", "/etc", "/lib/systemd", "/usr", "/var/lib", "-xdev",
                                   "-type", "d").splitlines()
        return {path for path in listed + folders if not NOT_OURS.match(path)}

    def seconds_to_start(self):
        """From systemd's decision to start the service to its READY=1."""
        show = self.machine.show
        began = int(show(UNIT, "InactiveExitTimestampMonotonic"))
        return (int(show(UNIT, "ActiveEnterTimestampMonotonic")) - began) / 1e6

    def test_a_life_from_install_to_purge(self):
        self.machine.run("sh", "-c", "apt-get -q -y install $(ls /debs/lib*.deb)")
        before = self.files()
        self.check_install()
        self.check_upgrade_keeps_the_edited_conffile_and_refuses_nobody()
        self.check_an_upgrade_that_would_break_the_service_is_refused()
        self.check_remove_keeps_the_configuration()
        self.machine.run("apt-get", "-q", "-y", "purge", "chatgate")
        self.assertEqual(self.files() - before, set(), "purge leaves something")
        self.assertEqual(before - self.files(), set(), "purge takes what is not its own")

    def check_install(self):
        install(self.machine)
        for unit in (UNIT, SOCKET):
            self.assertEqual(self.machine.out("systemctl", "is-enabled", unit), "enabled")
            self.assertEqual(self.machine.out("systemctl", "is-active", unit), "active")
        self.assertLess(self.seconds_to_start(), SECONDS_TO_START_MAX)
        talk = self.machine.out("sh", "-c", "printf 'hello\\n' | nc -N 127.0.0.1 1935")
        self.assertEqual(talk.splitlines(), [GREETING, service.reply_to("hello")])
        for unit in (UNIT, SOCKET, "chatgate@x.service"):
            verified = self.machine.run("systemd-analyze", "verify", "--man=no", unit)
            self.assertEqual(verified.stdout + verified.stderr, "", unit)
        self.assertEqual(self.machine.show(UNIT, "NRestarts"), "0")

    def check_upgrade_keeps_the_edited_conffile_and_refuses_nobody(self):
        edited = self.machine.path(CONFIG).read_text().replace("收到的信息", "edited")
        self.configure(edited)
        self.machine.systemctl("reload", UNIT)
        before = self.machine.main_pid(UNIT)
        visitors = Visitors(service.ADDRESS)
        install(self.machine, newer(PACKAGES))
        visits = visitors.stop()
        self.assertTrue(self.machine.out("dpkg-query", "-W", "chatgate").endswith(NEWER))
        self.assertNotEqual(self.machine.main_pid(UNIT), before, "the new version runs")
        self.assertEqual(self.machine.path(CONFIG).read_text(), edited)
        self.assertTrue(self.machine.path(CONFIG + ".dpkg-dist").read_text().startswith(NEWER_LINE))
        self.assertGreater(visits, 0)
        with Client(service.ADDRESS) as client:
            self.assertEqual(client.line(), GREETING)
            self.assertEqual(client.ask("hello"), "edited:hello")

    def check_an_upgrade_that_would_break_the_service_is_refused(self):
        good = self.machine.path(CONFIG).read_text()
        before = self.machine.main_pid(UNIT)
        self.configure("limits:\n  max_conections: 5\n")
        refused = install(self.machine, older(PACKAGES), check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(f"{CONFIG}:2:3: limits.max_conections: ", refused.stderr + refused.stdout)
        self.assertIn("nothing was restarted", refused.stderr + refused.stdout)
        self.assertEqual(self.machine.main_pid(UNIT), before, "what ran goes on")
        with Client(service.ADDRESS) as client:
            self.assertEqual(client.line(), GREETING)
        self.configure(good)
        self.machine.run("dpkg", "--configure", "chatgate")
        self.assertNotEqual(self.machine.main_pid(UNIT), before, "now the new version runs")

    def check_remove_keeps_the_configuration(self):
        self.machine.write("/etc/chatgate/other.yaml", as_config(
            listeners=[{"name": "public", "address": "127.0.0.1:1936"}], admin={"address": ""}))
        self.machine.systemctl("start", "chatgate@other.service")
        self.machine.run("apt-get", "-q", "-y", "remove", "chatgate")
        for unit in (UNIT, SOCKET, "chatgate@other.service"):
            self.assertNotEqual(self.machine.show(unit, "ActiveState"), "active", unit)
        self.assertTrue(self.machine.path(CONFIG).exists())


if __name__ == "__main__":
    service.main()
