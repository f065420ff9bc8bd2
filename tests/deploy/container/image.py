#!/usr/bin/env python3
"""Builds the image that the tests run, with deploy/container/build.

usage: image.py FOLDER PROGRAM

FOLDER gets chatgate.tag and chatgate.spdx.json. The image is rebuilt for each PROGRAM; the Debian
packages in it are those of the first time, as in every build without --no-cache.
"""

import pathlib
import subprocess
import sys

from podman import SOURCE, environment, make_base, podman, require_containers


def build(folder, program, *options):
    subprocess.run([SOURCE / "deploy/container/build", "--output", folder, "--program", program,
                    *options], check=True, env=environment())


def tag_of(folder):
    """The image's name, with its tag."""
    return pathlib.Path(folder, "chatgate.tag").read_text().strip()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    require_containers()
    make_base()
    build(*sys.argv[1:])
    # What earlier builds have left without a name.
    podman("image", "prune", "--force", check=False)
