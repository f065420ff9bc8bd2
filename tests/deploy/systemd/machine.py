"""A Debian machine that boots a real systemd, in a container of systemd-nspawn.

The root file system is made once by mmdebstrap and cached; each boot sees it pristine, and what it
changes is gone when it ends. The container has a network of its own, with nothing but a loopback.
"""

import ctypes
import functools
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))

import gateway  # noqa: E402

# Reached only by a test that fails.
PATIENCE = 60

PACKAGES = ["systemd", "systemd-sysv", "dbus", "iproute2", "procps", "netcat-openbsd"]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
ROOTFS = CACHE / "chatgate" / "rootfs"

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root",
               "DEBIAN_FRONTEND": "noninteractive"}
CLONE_NEWNET = 0x40000000
CANNOT_RUN = 77  # What ctest is told by, as a test that was skipped.

libc = ctypes.CDLL(None, use_errno=True)


def require_namespaces():
    """Ends the program, loudly, where no container can be had at all."""
    if os.geteuid() != 0:
        sys.exit("tests/deploy: systemd boots for root only: run this as root")
    probe = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"],
                           capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        print("=" * 78, "NOT RUN: this machine permits no namespaces, so no systemd can be booted",
              f"and NOTHING IS PROVEN about the service: {probe.stderr.strip()}", "=" * 78,
              sep="\n", file=sys.stderr)
        sys.exit(CANNOT_RUN)


def rootfs(suite):
    """The folder with a minimal Debian of that suite; made when it is missing."""
    key = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    folder = ROOTFS / f"{suite}-{key}"
    if folder.exists():
        return folder
    ROOTFS.mkdir(parents=True, exist_ok=True)
    draft = pathlib.Path(tempfile.mkdtemp(prefix=f".{suite}-", dir=ROOTFS))
    try:
        subprocess.run(["mmdebstrap", "--variant=minbase", "--quiet",
                        "--aptopt=Acquire::Languages \"none\"", "--include=" + ",".join(PACKAGES),
                        suite, str(draft / "root")], check=True)
        (draft / "root").rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def eventually(predicate, what, patience=PATIENCE):
    """As the end-to-end tests wait, with the patience that a machine needs."""
    return gateway.eventually(predicate, what, patience)


class Machine:
    """One boot of a suite, with the folder `shared` at /debs. Use it as a context manager."""

    def __init__(self, suite, shared):
        self.suite = suite
        self.shared = shared
        self.pid = None  # Of its process 1, as we see it.

    def __enter__(self):
        self._console = tempfile.TemporaryFile("w+")
        name = f"chatgate-{self.suite}-{os.getpid()}"
        self._nspawn = subprocess.Popen(
            ["systemd-nspawn", f"--directory={rootfs(self.suite)}", f"--machine={name}",
             "--volatile=overlay", "--register=no", "--keep-unit", "--private-network",
             "--console=pipe", "--link-journal=no", f"--bind-ro={self.shared}:/debs", "--boot"],
            # Without it the container sees the mounts of cgroup v1 and its systemd gives up.
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.STDOUT)
        try:
            self.pid = eventually(self._find_init, "the container's process 1")
            eventually(self._is_booted, "the end of the boot")
            self.enter_network()
        except BaseException as error:
            self._console.seek(0)
            error.add_note("--- the container said:\n" + self._console.read())
            self.__exit__()
            raise
        return self

    def __exit__(self, *ignored):
        self._nspawn.send_signal(signal.SIGTERM)
        try:
            self._nspawn.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        self._console.close()

    def _find_init(self):
        if self._nspawn.poll() is not None:
            raise AssertionError("systemd-nspawn ended")
        children = f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children"
        for pid in pathlib.Path(children).read_text().split():
            try:
                name = pathlib.Path(f"/proc/{pid}/comm").read_text()
            except OSError:
                continue  # One of its helpers, which has ended meanwhile.
            if name.strip() == "systemd":
                return int(pid)
        return None

    def _is_booted(self):
        state = self.run("systemctl", "is-system-running", check=False)
        return state.stdout.strip() in {"running", "degraded"}

    def enter_network(self):
        """Moves this thread, and those that it will start, into the container's network."""
        with open(f"/proc/{self.pid}/ns/net", encoding="ascii") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    # What runs inside.

    def command(self, *arguments):
        return ["nsenter", f"--target={self.pid}", "--mount", "--uts", "--ipc", "--net", "--pid",
                "--cgroup", "--", *arguments]

    def run(self, *arguments, check=True, **options):
        """Runs a command in the container. Fails with what it said, unless `check` is false."""
        result = subprocess.run(self.command(*arguments), stdin=options.pop("stdin", None)
                                or subprocess.DEVNULL, capture_output=True, text=True,
                                errors="replace", env=ENVIRONMENT, timeout=PATIENCE, check=False,
                                **options)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(arguments)}: exit status {result.returncode}\n"
                                 f"{result.stdout}{result.stderr}")
        return result

    def out(self, *arguments):
        return self.run(*arguments).stdout.strip()

    def path(self, inside):
        """A file of the container, as this process can open it."""
        return pathlib.Path(f"/proc/{self.pid}/root{inside}")

    def write(self, inside, text):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    # Its units.

    def systemctl(self, *arguments, check=True):
        return self.run("systemctl", *arguments, check=check)

    def show(self, unit, name):
        return self.out("systemctl", "show", f"--property={name}", "--value", unit)

    def drop_in(self, unit, text):
        """Lays `text` over a unit; what lay there before is gone."""
        self.write(f"/run/systemd/system/{unit}.d/test.conf", text)
        self.systemctl("daemon-reload")

    def main_pid(self, unit):
        return int(self.show(unit, "MainPID"))

    def outer_pid(self, inside):
        """The process of the container with that id there, by its id here."""
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                pids = [line.split()[1:] for line in status.read_text().splitlines()
                        if line.startswith("NSpid:")][0]
            except (OSError, IndexError):
                continue
            pid = int(status.parent.name)
            if pids[-1] == str(inside) and len(pids) > 1 and self._is_mine(pid):
                return pid
        raise AssertionError(f"no process {inside} in the container")

    @functools.cached_property
    def _pid_namespace(self):
        return os.readlink(f"/proc/{self.pid}/ns/pid")

    def _is_mine(self, pid):
        return os.readlink(f"/proc/{pid}/ns/pid") == self._pid_namespace

    def journal(self, *matches):
        """The entries of the journal that match, oldest first, each as a mapping of its fields.

        journald reads `_COMM` and `_SYSTEMD_…` in /proc when it reads a line: they are missing
        where the writer has ended by then. Find the lines of what is soon gone by journal_after().
        """
        self.run("journalctl", "--sync")
        lines = self.out("journalctl", "--output=json", "--all", *matches).splitlines()
        return [json.loads(line) for line in lines]

    def journal_end(self):
        """The cursor of the journal's last entry, for journal_after()."""
        return self.journal("--lines=1")[-1]["__CURSOR"]

    def journal_after(self, cursor, identifier):
        """The entries that came after, of the program with that identifier."""
        # With matches, --after-cursor leaves out the first of them (systemd 252).
        return [entry for entry in self.journal(f"--after-cursor={cursor}")
                if entry.get("SYSLOG_IDENTIFIER") == identifier]


if __name__ == "__main__":
    require_namespaces()
    for suite in sys.argv[1:]:
        print(rootfs(suite))
