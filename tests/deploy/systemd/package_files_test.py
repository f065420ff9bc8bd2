"""The package as lintian, man and bash see it, and its units as texts: without a machine."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from packages import SOURCE, older

PACKAGES = pathlib.Path(os.environ.get("CHATGATE_PACKAGES") or
                        SOURCE / "build/release/deploy/packages")
# Of faults that are none; the file says why.
OVERRIDDEN = {"package-supports-alternative-init-but-no-init.d-script",
              "hardening-no-fortify-functions"}


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120,
                          **options)


class PackageFilesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.package = older(PACKAGES)
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.tree = pathlib.Path(folder)
        run("dpkg-deb", "--extract", cls.package, folder)

    def test_lintian_finds_nothing(self):
        told = run("lintian", "--allow-root", "--pedantic", "--display-info",
                   "--display-experimental", "--fail-on=error,warning,info,pedantic,experimental",
                   next(PACKAGES.glob("*.changes")))
        self.assertEqual(told.stdout, "")

    def test_overrides_hide_no_fault(self):
        lines = (SOURCE / "deploy/debian/chatgate.lintian-overrides").read_text().splitlines()
        self.assertEqual({line for line in lines if not line.startswith("#")}, OVERRIDDEN)
        symbols = run("readelf", "--dyn-syms", "--wide", self.tree / "usr/bin/chatgate").stdout
        self.assertIn("__memcpy_chk", symbols)

    def test_it_brings_what_an_operator_copies(self):
        examples = self.tree / "usr/share/doc/chatgate/examples"
        for name in ("production.yaml", "chatgate.json", "chatgate.logrotate-example"):
            self.assertTrue((examples / name).is_file(), name)
        # The rules that the example names are beside it.
        run("promtool", "check", "config", examples / "prometheus/prometheus.yaml")
        run("amtool", "check-config", examples / "prometheus/alertmanager.yaml")

    def test_a_debugger_finds_the_symbols(self):
        symbols = next(PACKAGES.glob("chatgate-dbgsym_*.deb"))
        notes = run("readelf", "--notes", self.tree / "usr/bin/chatgate").stdout
        build_id = notes.partition("Build ID: ")[2].split()[0]
        listed = run("dpkg-deb", "--contents", symbols).stdout
        self.assertIn(f"/usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug", listed)

    def test_man_shows_both_pages_without_a_warning(self):
        for page, words in (("man1/chatgate.1.gz", "--termination-grace"),
                            ("man5/chatgate.yaml.5.gz", "max_connections")):
            path = self.tree / "usr/share/man" / page
            shown = run("man", "--warnings", "--encoding=UTF-8", "--local-file", path,
                        env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "90"})
            self.assertEqual(shown.stderr, "", page)
            self.assertIn(words, shown.stdout)

    def complete(self, *words):
        """What bash offers for the last of `words`."""
        script = """
          source /usr/share/bash-completion/bash_completion
          source "$1"; program=$2; shift 2
          COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
          _chatgate "$program"
          printf '%s\\n' "${COMPREPLY[@]}"
        """
        completion = self.tree / "usr/share/bash-completion/completions/chatgate"
        program = self.tree / "usr/bin/chatgate"
        told = run("bash", "-c", script, "bash", completion, program, "chatgate", *words,
                   cwd=self.tree)
        return set(told.stdout.split())

    def test_bash_completes_what_the_program_has(self):
        program = self.tree / "usr/bin/chatgate"

        def declared(*command):
            told = run(program, *command, "--help").stdout
            return {word.rstrip(",") for line in told.splitlines() if line.startswith("  ")
                    for word in line.split("  ")[1].replace(",", " ").split()[:2]}

        commands = self.complete("")
        self.assertLessEqual({"run", "check", "config", "probe", "bench", "version"}, commands)
        for command in commands - {"--help", "--version"}:
            self.assertIn(command, declared())
            options = {word for word in declared(command) if word.startswith("--")}
            self.assertEqual(self.complete(command, "-"), options, command)
        self.assertIn("etc", self.complete("run", "--config", "e"))


class ControlTest(unittest.TestCase):
    def test_it_builds_with_the_libraries_that_a_clone_builds_with(self):
        control = (SOURCE / "deploy/debian/control").read_text()
        wanted = run(SOURCE / "scripts/install-packages", "--list", "run").stdout.split()
        libraries = {package for package in wanted if package.endswith("-dev")}
        self.assertEqual(libraries - set(re.findall(r"^ ([a-z0-9-]+)", control, re.MULTILINE)),
                         set())


class UnitsTest(unittest.TestCase):
    def test_an_instance_differs_from_the_service_where_it_must_and_nowhere_else(self):
        units = SOURCE / "deploy/systemd"
        service, instance = ([line for line in (units / name).read_text().splitlines()
                              if not line.startswith("#")]
                             for name in ("chatgate.service", "chatgate@.service"))
        own = [line for line in instance if line not in service]
        self.assertEqual([line.partition("=")[0] for line in own],
                         ["Description", "After", "Environment", "StateDirectory",
                          "RuntimeDirectory"])
        missing = [line for line in service if line not in instance]
        self.assertEqual([line.partition("=")[0] for line in missing],
                         ["Description", "Wants", "After", "Environment", "User",
                          "StateDirectory", "RuntimeDirectory"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
