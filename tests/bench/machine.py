"""Where it was measured, and with what: for the reader who compares figures with their own."""

import os
import pathlib
import re
import subprocess

from load import CORES

# How each program tells its version: a command, and the pattern of what to take from its output.
VERSIONS = {
    "clang": (["clang++-16", "--version"], r"version (\S+)"),
    "Asio": (["dpkg-query", "-W", "-f=${Version}", "libasio-dev"], r"(\S+)"),
    "liburing": (["dpkg-query", "-W", "-f=${Version}", "liburing-dev"], r"(\S+)"),
    "redis-server": (["redis-server", "--version"], r"v=(\S+)"),
    "memcached": (["memcached", "--version"], r"memcached (\S+)"),
    "nats-server": (["nats-server", "--version"], r": v(\S+)"),
    "ngircd": (["ngircd", "--version"], r"ngIRCd (\d+(?:\.\d+)*)"),
    "Go": (["go", "version"], r"go(\d\S*)"),
    "Node": (["node", "--version"], r"v(\S+)"),
    "PHP": (["php", "--version"], r"PHP (\S+)"),
    "socat": (["socat", "-V"], r"version (\S+)"),
}


def said(command):
    """What a command says; nothing when it is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=20).stdout
    except OSError:
        return ""


def versions(programs):
    """{program: version} of those that are here."""
    asked = {"chatgate": ([programs / "chatgate", "--version"], r"chatgate (.+)"), **VERSIONS}
    found = {name: re.search(pattern, said(command))
             for name, (command, pattern) in asked.items()}
    return {name: match[1].strip() for name, match in found.items() if match}


def description():
    """{what: text} of the processor, the memory and the system."""
    cpus = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.+)", cpus)
    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="(.+)"', pathlib.Path("/etc/os-release").read_text())
    return {
        "processor": model[1] if model else "unknown",
        "cores": len(CORES),
        "memory": f"{int(memory[1]) / 2**20:.1f} GiB",
        "kernel": os.uname().release,
        "system": system[1] if system else "unknown",
    }
