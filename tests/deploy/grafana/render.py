#!/usr/bin/env python3
"""Draws the dashboard with Grafana's own panel components, and takes the pictures of
deploy/README.md.

usage: render.py [--minutes N] [--prometheus URL] [FOLDER]

Runs the stage (stage.py) for N minutes (6), or takes a Prometheus that is there, and shows that
time. The pictures go to FOLDER (deploy/grafana/pictures). Needs npm and Chromium, and fetches
700 MB of packages when it runs first, so it is no part of continuous integration.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import npm_modules  # noqa: E402
from shown import GRAFANA  # noqa: E402
from stage import Stage  # noqa: E402

# Of the rows of the dashboard, the first and the last.
PICTURES = {"overview": (0, 0), "traffic": (1, 2), "latency": (3, 3), "connections": (4, 6),
            "machine": (7, 8)}
BYTES_MAX = 300_000


class Drawing:
    """The page that draws, bundled by vite into `folder`."""

    def __init__(self, folder):
        self._modules = npm_modules.installed(HERE / "render")
        for file in (HERE / "render").iterdir():
            shutil.copy(file, folder)
        (folder / "node_modules").symlink_to(self._modules / "node_modules")
        subprocess.run(["node", "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"],
                       cwd=folder, check=True, timeout=900)
        self._page = folder / "dist"

    def shoot(self, prometheus, minutes, pictures, spans):
        """Takes a picture of each span of rows, of the last minutes that `prometheus` saw."""
        wanted = [f"{pictures}/{name}.png={first},{last}" for name, (first, last) in spans.items()]
        subprocess.run(["node", HERE / "render/shoot.mjs", self._page, GRAFANA / "chatgate.json",
                        prometheus, f"{minutes}m", self._modules, *wanted], check=True, timeout=300)
        for picture in pictures.glob("*.png"):
            if (size := picture.stat().st_size) >= BYTES_MAX:
                sys.exit(f"{picture} has {size} bytes: below {BYTES_MAX}, please")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--minutes", type=int, default=6)
    parser.add_argument("--prometheus")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=GRAFANA / "pictures")
    arguments = parser.parse_args()
    arguments.folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chatgate-render-") as folder:
        drawing = Drawing(pathlib.Path(folder))
        rest = arguments.minutes, arguments.folder, PICTURES
        if arguments.prometheus:
            drawing.shoot(arguments.prometheus, *rest)
        else:
            with Stage() as stage:
                stage.play_for(60 * arguments.minutes)
                drawing.shoot(stage.prometheus.url, *rest)


if __name__ == "__main__":
    main()
