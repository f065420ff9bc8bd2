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
from stage import GRAFANA, Stage  # noqa: E402

# Of the rows of the dashboard, the first and the last.
PICTURES = {"overview": (0, 0), "traffic": (1, 2), "latency": (3, 3), "connections": (4, 6),
            "machine": (7, 8)}
BYTES_MAX = 300_000


def built_page(modules, folder):
    """Where the page is that draws; vite bundles it."""
    for file in (HERE / "render").iterdir():
        shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(modules / "node_modules")
    subprocess.run(["node", "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"],
                   cwd=folder, check=True, timeout=900)
    return folder / "dist"


def shoot(prometheus, minutes, pictures, modules, page):
    spans = [f"{pictures}/{name}.png={first},{last}" for name, (first, last) in PICTURES.items()]
    subprocess.run(["node", HERE / "render/shoot.mjs", page, GRAFANA / "chatgate.json", prometheus,
                    f"{minutes}m", modules, *spans], check=True, timeout=300)
    for picture in pictures.glob("*.png"):
        if picture.stat().st_size >= BYTES_MAX:
            sys.exit(f"{picture} has {picture.stat().st_size} bytes: below {BYTES_MAX}, please")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--minutes", type=int, default=6)
    parser.add_argument("--prometheus")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=GRAFANA / "pictures")
    arguments = parser.parse_args()
    arguments.folder.mkdir(exist_ok=True)
    modules = npm_modules.installed(HERE / "render")
    with tempfile.TemporaryDirectory(prefix="chatgate-render-") as folder:
        page = built_page(modules, pathlib.Path(folder))
        rest = arguments.minutes, arguments.folder, modules, page
        if arguments.prometheus:
            shoot(arguments.prometheus, *rest)
        else:
            with Stage() as stage:
                stage.play_for(60 * arguments.minutes)
                shoot(stage.prometheus.url, *rest)


if __name__ == "__main__":
    main()
