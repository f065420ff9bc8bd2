"""podman with a storage and settings of our own, and containers of the image.

It runs where there is no systemd (cgroups by their file system), and without a registry: the base
image is the Debian that the machines of tests/deploy/systemd boot. It is kept with the storage in
the user's cache folder.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path += [str(SOURCE / "tests/e2e"), str(SOURCE / "tests/deploy/systemd")]

from gateway import PATIENCE, as_yaml, eventually  # noqa: E402
from machine import rootfs  # noqa: E402

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache",
                     "chatgate")
FOLDER = CACHE / "containers"
BASE = "docker.io/library/debian:bookworm-slim"
CLONE_NEWNET = 0x40000000

# A container's limits must not exceed those of a machine that may not raise them.
CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""
LIMIT_MAX = 20000
STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""

libc = ctypes.CDLL(None, use_errno=True)


def environment():
    """For podman, and for deploy/container/build."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    files, processes = (min(resource.getrlimit(limit)[1], LIMIT_MAX) for limit in (
        resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    settings = {"containers.conf": CONTAINERS_CONF.format(files=files, processes=processes),
                "storage.conf": STORAGE_CONF.format(folder=FOLDER)}
    for name, text in settings.items():
        if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text:
            (FOLDER / name).write_text(text)
    return {**os.environ, "CONTAINERS_CONF": str(FOLDER / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(FOLDER / "storage.conf"),
            # Variables of a caller's systemd or rootless session would mislead it.
            "XDG_RUNTIME_DIR": ""}


def podman(*arguments, check=True, timeout=PATIENCE * 3, **options):
    """Runs podman. Fails with what it said, unless `check` is false."""
    result = subprocess.run(["podman", *map(str, arguments)], env=environment(), text=True,
                            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                            check=False, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"podman {' '.join(map(str, arguments))}: exit status "
                             f"{result.returncode}\n{result.stdout}{result.stderr}")
    return result


def require_containers():
    """Ends the program where podman does not run."""
    if os.geteuid() != 0:
        sys.exit("tests/deploy: containers are run as root here: run this as root")
    podman("info")


def make_base():
    if podman("image", "exists", BASE, check=False).returncode == 0:
        return
    with tempfile.NamedTemporaryFile(suffix=".tar") as tar:
        subprocess.run(["tar", "--create", f"--file={tar.name}", "--one-file-system",
                        f"--directory={rootfs('bookworm')}", "."], check=True)
        podman("import", tar.name, BASE)


@contextlib.contextmanager
def network_of(pid):
    """Moves this thread, and those that it starts, into the network of a process."""
    with open("/proc/thread-self/ns/net", encoding="ascii") as ours, \
            open(f"/proc/{pid}/ns/net", encoding="ascii") as theirs:
        enter(theirs)
        try:
            yield
        finally:
            enter(ours)


def enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Container:
    """One container of an image, with nothing but a loopback; `config` replaces its file.

    `with Container(image) as container:` waits until it greets, and takes it away at the end. The
    caller is in its network meanwhile.
    """

    def __init__(self, image, *options, config=None):
        self._image = image
        self._options = options
        self._config = config
        self._stack = contextlib.ExitStack()
        self.name = f"chatgate-{os.getpid()}-{id(self):x}"

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            options = list(self._options)
            if self._config is not None:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                file = pathlib.Path(folder, "chatgate.yaml")
                file.write_text(as_yaml(self._config))
                pathlib.Path(folder).chmod(0o755)
                options.append(f"--volume={file}:/etc/chatgate/chatgate.yaml:ro")
            podman("run", "--detach", "--name", self.name, "--network=none", "--read-only",
                   "--cap-drop=all", "--security-opt=no-new-privileges", *options, self._image)
            stack.callback(podman, "rm", "--force", "--time=0", self.name)
            self.pid = self.inspect("State", "Pid")
            stack.enter_context(network_of(self.pid))
            eventually(lambda: '"event":"ready"' in self.log(), "the event of readiness")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind, error, traceback):
        if error is not None:
            error.add_note("--- the container's log:\n" + self.log()[-6000:])
        self._stack.close()

    def inspect(self, *path):
        """A part of what podman knows of it, by its keys."""
        part = json.loads(podman("inspect", self.name).stdout)[0]
        for key in path:
            part = part[key]
        return part

    def log(self):
        """What it has written to its standard output."""
        return podman("logs", self.name, check=False).stdout

    def status(self, field):
        """A field of /proc/PID/status."""
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(line.partition(":\t")[2] for line in lines if line.startswith(field + ":"))
