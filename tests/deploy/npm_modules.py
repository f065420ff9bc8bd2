"""Pinned npm packages, fetched once and kept between runs."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile


def folder():
    """A new one that is gone after `with`."""
    return tempfile.TemporaryDirectory(prefix="chatgate-npm-")


def installed(manifest):
    """A folder whose node_modules are what that package.json names. No script of a package runs.

    It is in ${XDG_CACHE_HOME:-~/.cache}/chatgate/npm, and named after what the manifest says."""
    text = manifest.read_bytes()
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    home = cache / "chatgate/npm"
    folder = home / f"{manifest.parent.name}-{hashlib.sha256(text).hexdigest()[:12]}"
    if folder.exists():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    draft = pathlib.Path(tempfile.mkdtemp(prefix="draft-", dir=home))
    try:
        (draft / "package.json").write_bytes(text)
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
                        "--no-package-lock", "--loglevel=error"], cwd=draft, check=True,
                       timeout=1200)
        if not folder.exists():  # Somebody else may have been faster.
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
