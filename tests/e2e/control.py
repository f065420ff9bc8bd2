"""`chatgate ctl`, as a person types it."""

import subprocess

from gateway import BINARY, PATIENCE


def ctl(gateway, *arguments, admin=None):
    """What it printed and its exit code. `admin`: another endpoint than the gateway's."""
    admin = admin or f"127.0.0.1:{gateway.admin_port}"
    return subprocess.run([BINARY, "ctl", "--admin", admin, *arguments], capture_output=True,
                          text=True, timeout=2 * PATIENCE, check=False)
