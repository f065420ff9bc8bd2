#!/usr/bin/env python3
"""Takes the pictures of the status page that deploy/README.md shows.

usage: CHATGATE=build/release/bin/chatgate tests/deploy/page/pictures.py [FOLDER]

They go to FOLDER (deploy/pictures), each below 300 kB.
"""

import contextlib
import pathlib
import random
import sys

from browser import HERE, Browser

from client import Client
from gateway import Gateway

BYTES_MAX = 300_000
CONFIG = {"listeners": [{"name": "public", "address": "127.0.0.1:0"},
                        {"name": "devices", "address": "127.0.0.1:0"}],
          "limits": {"max_connections": 120, "per_source": {"mode": "off"}},
          "threads": {"workers": 2}}
PICTURES = {"page": {"width": 1200, "height": 1350},
            "page-dark": {"width": 1200, "height": 900, "dark": True},
            "page-phone": {"width": 390, "height": 844}}

# How often the page has asked.
POINTS = "document.querySelector('polyline').getAttribute('points').split(' ').length"


def talk(clients, rounds):
    for _ in range(rounds):
        for client in random.sample(clients, len(clients) // 2):
            client.ask("hello " * random.randint(1, 9))


def room(stack, gateway):
    """Clients of several sources on both listeners, some of which have left."""
    choice = random.Random(1)
    clients = []
    for _ in range(70):
        address = gateway.address(choice.choice(["public", "devices"]))
        source = f"127.0.{choice.randint(0, 2)}.{choice.randint(2, 5)}"
        clients.append(stack.enter_context(Client(address, source=source)))
    for client in clients:
        client.line()
    for client in clients[:12]:
        client.close()
    return clients[12:]


def main(folder):
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        gateway = stack.enter_context(Gateway(CONFIG))
        browser = stack.enter_context(Browser())
        clients = room(stack, gateway)
        for name, options in PICTURES.items():
            browser.open(f"http://127.0.0.1:{gateway.admin_port}/", **options)
            browser.wait("document.querySelectorAll('#connections tbody tr').length > 40")
            for _ in range(6):
                talk(clients, 20)
                points = browser.evaluate(POINTS)
                browser.wait(f"{POINTS} > {points}")
            browser.screenshot(folder / f"{name}.png")
    for picture in folder.glob("page*.png"):
        if picture.stat().st_size >= BYTES_MAX:
            sys.exit(f"{picture} has {picture.stat().st_size} bytes: below {BYTES_MAX}, please")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[2] / "deploy/pictures")
