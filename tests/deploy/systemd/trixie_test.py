"""The same package on Debian 13, whose systemd 257 knows Type=notify-reload and back-off."""

import hardening_test
import package_test
import service
from client import Client, EOF
from gateway import GREETING
from service import CONFIG, SOCKET, UNIT, as_config

BROKEN = "limits:\n  max_conections: 5\n"


class TrixiePackageTest(package_test.PackageTest):
    suite = "trixie"


class TrixieHardeningTest(hardening_test.HardeningTest):
    suite = "trixie"


class TrixieServiceTest(service.MachineTest):
    suite = "trixie"

    def test_it_starts_reloads_and_stops(self):
        self.start_anew()
        show = self.machine.show
        self.assertEqual(show(UNIT, "Type"), "notify-reload")
        self.assertEqual((show(UNIT, "RestartSteps"), show(UNIT, "RestartMaxDelayUSec")),
                         ("4", "30s"))
        with Client(service.ADDRESS) as client:
            self.assertEqual(client.line(), GREETING)
            # A reload that has returned is in force.
            for number in range(20):
                reply = f"{number}: {{message}}\n"
                self.configure(as_config(services={"greeter": {"reply": reply}}))
                self.machine.systemctl("reload", UNIT)
                self.assertEqual(client.ask("hello"), f"{number}: hello")
            self.configure(BROKEN)
            self.assertNotEqual(self.machine.systemctl("reload", UNIT, check=False).returncode, 0)
            self.wait_for_status(f"reload failed: {CONFIG}:2:3: limits.max_conections: ")
            self.assertEqual(client.ask("hello"), "19: hello")
            self.machine.systemctl("stop", SOCKET, UNIT)
            self.assertEqual([client.line(), client.line()], ["* server is shutting down", EOF])
        self.assertEqual((show(UNIT, "Result"), show(UNIT, "ExecMainStatus")), ("success", "0"))


if __name__ == "__main__":
    service.main()
