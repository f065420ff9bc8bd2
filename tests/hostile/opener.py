"""Opens connections as fast as it can, says something senseless, and is gone.

A program of its own, so that attackers share no interpreter lock with the test:
`opener.py HOST PORT --count N [--seed S] [--ways reset,close,wait] [--first N] [--sources N]`
prints what it did as one JSON object. What it says and how it leaves depends on the seed alone.
"""

import argparse
import collections
import json
import random
import socket
import struct
import time

from hostile import source

OPENINGS = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    b"GET / HTTP/1.1\r\nHost: example\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.7 50000 1935\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\xc7\xd2\xab\x7d",
    b"\xff\xfb\x1f\xff\xfa\x1f\0\x50\0\x18\xff\xf0\xff\xfd\x03\xff\xf6",
    "收到的信息\n\u202e\u0085\x1b[2J\n".encode(),
    b"hello\r\nworld\n",
]
ABORT = struct.pack("ii", 1, 0)
WAYS = ("reset", "close", "wait")


def noise(chance):
    return chance.randbytes(chance.randrange(1, 200))


def cut(chance):
    whole = chance.choice(OPENINGS)
    return whole[:chance.randrange(len(whole) + 1)]


def damaged(chance):
    whole = bytearray(chance.choice(OPENINGS))
    whole[chance.randrange(len(whole))] = chance.randrange(256)
    return bytes(whole)


def negotiation(chance):
    return b"".join(bytes((255, chance.randrange(236, 256), chance.randrange(256)))
                    for _ in range(chance.randrange(1, 90)))


def lines(chance):
    return b"".join(chance.randbytes(3).hex().encode() + chance.choice((b"\n", b"\r\n", b"\r\0"))
                    for _ in range(chance.randrange(1, 80)))


def overlong(chance):
    return b"x" * chance.randrange(1, 9000) + chance.choice((b"", b"\n"))


def continued(chance):
    return chance.choice(OPENINGS) + noise(chance)


KINDS = (lambda chance: b"", noise, cut, damaged, negotiation, lines, overlong, continued)


def garbage(chance):
    """The first bytes of a client that nobody wants."""
    return chance.choice(KINDS)(chance)


def opening(address, origin, data, way):
    """One connection. Returns how it went: its way, or the error that kept it from being made."""
    with socket.socket() as connection:
        connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        connection.settimeout(20)
        connection.bind((origin, 0))
        try:
            connection.connect(address)
        except OSError as error:
            return f"not connected: {error}"
        try:
            if data:
                connection.send(data)
            if way == "wait":
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        except TimeoutError:
            return "never ended"
        except OSError:
            pass  # Refused, or told that this is no place for it.
        if way == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    return way


def openings(address, *, count, seed, ways=WAYS, first=0, sources=5000, until=None, say=garbage):
    """How many went which way. `until`: a monotonic time that ends it sooner."""
    chance = random.Random(seed)
    seen = collections.Counter()
    for number in range(count):
        # Most leave without waiting: who waits is no flood.
        way = "wait" if "wait" in ways and chance.random() < 0.05 else chance.choice(ways[:2])
        seen[opening(address, source(first + number % sources), say(chance), way)] += 1
        if until is not None and time.monotonic() > until:
            break
    return seen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--sources", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--silent", action="store_true", help="say nothing")
    asked = parser.parse_args()
    seen = openings((asked.host, asked.port), count=asked.count, seed=asked.seed,
                    ways=asked.ways.split(","), first=asked.first, sources=asked.sources,
                    until=time.monotonic() + asked.seconds,
                    **({"say": lambda chance: b""} if asked.silent else {}))
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
