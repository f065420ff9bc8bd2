#!/usr/bin/env python3
"""Makes the folder of packages that the machines install from.

usage: packages.py FOLDER PROGRAM

FOLDER gets chatgate as deploy/debian/build packages PROGRAM, the same with a higher version and
another conffile, the libraries that it depends on, and the index that makes them a repository.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[3]
NEWER = "+newer"  # What the higher version ends with.
NEWER_LINE = "# A newer default.\n"
# Every Debian has them, and chatgate is content with an older one.
EVERYWHERE = {"libc6", "libgcc-s1", "libssl3", "libstdc++6", "libsystemd0"}
CONFFILE = "etc/chatgate/chatgate.yaml"


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def field(package, name):
    return run("dpkg-deb", "--field", package, name, stdout=subprocess.PIPE).stdout.strip()


def older(folder):
    """The package as it is built; not its -dbgsym, not the newer one."""
    return next(path for path in folder.glob("chatgate_*.deb") if NEWER not in path.name)


def newer(folder):
    return next(folder.glob(f"chatgate_*{NEWER}_*.deb"))


def make_newer(folder):
    package = older(folder)
    version = field(package, "Version")
    with tempfile.TemporaryDirectory() as work:
        tree = pathlib.Path(work, "tree")
        run("dpkg-deb", "--raw-extract", package, tree)
        control = tree / "DEBIAN/control"
        control.write_text(control.read_text().replace(f"Version: {version}\n",
                                                       f"Version: {version}{NEWER}\n"))
        conffile = tree / CONFFILE
        conffile.write_text(NEWER_LINE + conffile.read_text())
        name = package.name.replace(f"_{version}_", f"_{version}{NEWER}_")
        run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, folder / name,
            stdout=subprocess.DEVNULL)


def main(folder, program):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run(SOURCE / "deploy/debian/build", "--output", folder, "--program", program)
    make_newer(folder)
    names = set(re.findall(r"(?:^|, )([a-z0-9.+-]+)", field(older(folder), "Depends")))
    # The folder is root's: no other account could write to it.
    run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *(names - EVERYWHERE),
        cwd=folder)
    with open(folder / "Packages", "w", encoding="utf-8") as index:
        run("dpkg-scanpackages", "--multiversion", ".", cwd=folder, stdout=index)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
