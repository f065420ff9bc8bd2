"""Boots a User-Mode-Linux guest on this machine's own files, read-only, and runs a command in it.

Needs Debian's package user-mode-linux. The guest has one processor and no network but loopback.
"""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import tempfile

from processes import raise_descriptor_limit

BESIDES = 5400  # Seconds beyond the patience: booting, talking, closing.

# The guest's files are the host's: what is written goes to memory.
INIT = """\
#!/bin/sh
mount -t proc proc /proc && mount -t sysfs sys /sys
mkdir -p /dev/shm && mount -t tmpfs -o size=90% tmpfs /dev/shm
export TMPDIR=/dev/shm PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 CHATGATE_GUEST=1
export PYTHONDONTWRITEBYTECODE=1
uname -srm
cd /
ulimit -n "$(cat /proc/sys/fs/nr_open)"
{command}
echo "ended with $?"
poweroff -f
"""


def run(command, memory, patience):
    """Prints what the command prints. Returns 0 if it ended with 0. `memory` in GiB."""
    if shutil.which("linux.uml") is None:
        print("million: the package user-mode-linux is not installed")
        return 1
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory(prefix="chatgate-million-") as folder:
        init = pathlib.Path(folder, "init")
        init.write_text(INIT.format(command=shlex.join(command)))
        init.chmod(0o755)
        guest = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "timeout", "-k", "5", str(patience + BESIDES),
             "linux.uml", f"mem={memory}G", "root=/dev/root", "rootfstype=hostfs", "rootflags=/",
             "ro", "con=null", "con0=null,fd:1", "quiet", f"init={init}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", start_new_session=True,
            env={**os.environ, "TMPDIR": "/dev/shm"})  # Where the guest's memory is.
        try:
            return 0 if show(guest.stdout) else 1
        finally:
            os.killpg(guest.pid, signal.SIGKILL)
            guest.wait()


def show(lines):
    """Prints them. True if the command in the guest ended with 0."""
    ended_well = False
    for line in lines:
        print(line.rstrip(), flush=True)
        ended_well = ended_well or line.startswith("ended with 0")
    return ended_well
