"""Pinned npm packages, fetched once and kept between runs."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

MANIFEST = "package.json"
LOCK = "package-lock.json"  # If there is one, npm holds each package to the hash that it has.


def folder():
    """A new one that is gone after `with`."""
    return tempfile.TemporaryDirectory(prefix="chatgate-npm-")


def installed(manifests, finish=lambda draft: None):
    """A folder whose node_modules are what the package.json in the folder `manifests` names.

    No script of a package runs. It is in ${XDG_CACHE_HOME:-~/.cache}/chatgate/npm, and named after
    what the manifest says. `finish` does what is to be done once, in the folder as it is fetched.
    """
    files = [file for name in (MANIFEST, LOCK, ".npmrc") if (file := manifests / name).exists()]
    key = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    home = cache / "chatgate/npm"
    place = home / f"{manifests.name}-{key}"
    if place.exists():
        return place
    home.mkdir(parents=True, exist_ok=True)
    draft = pathlib.Path(tempfile.mkdtemp(prefix="draft-", dir=home))
    try:
        for file in files:
            shutil.copy(file, draft)
        how = ["ci"] if (draft / LOCK).exists() else ["install", "--no-package-lock"]
        subprocess.run(["npm", *how, "--ignore-scripts", "--no-audit", "--no-fund",
                        "--loglevel=error"], cwd=draft, check=True, timeout=1200)
        finish(draft)
        if not place.exists():  # Somebody else may have been faster.
            draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return place
