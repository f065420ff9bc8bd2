"""Two gateways under a load in which everything that the dashboard shows happens, and a Prometheus
that scrapes them: for the test of the dashboard, and for its picture."""

import contextlib
import itertools
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "prometheus"), str(HERE.parents[1] / "e2e")]

from client import Client  # noqa: E402
from gateway import BINARY, Gateway, eventually  # noqa: E402
from stack import Prometheus  # noqa: E402

STEADY, HASTY, DENIED = "127.0.0.1", "127.9.0.1", "127.66.0.1"
LOCAL_PLACES = 4
LINE = b"x" * 4000 + b"\n"

# A drain that waits for whoever takes it back.
ANNOUNCED = {"announce": "1m", "deadline": "2m"}


def listener(name, **more):
    return {"name": name, "address": "127.0.0.1:0", "service": "greeter", **more}


def config(**more):
    """Short times, so that ends come soon, and limits that the load reaches."""
    return {
        "listeners": [listener("public", access={"deny": ["127.66.0.0/16"]}),
                      listener("local", max_connections=LOCAL_PLACES)],
        "services": {"greeter": {"quit_words": ["quit"], "farewell": "bye\n"}},
        "limits": {"max_connections": 80,
                   "per_source": {"max": 8, "rate": "1/s", "burst": 2, "exempt": ["127.0.0.1/32"],
                                  **more.pop("per_source", {})}},
        "timeouts": {"idle": "20s", "line": "2s"},
        "output": {"soft": "16KiB", "soft_time": "1m", "hard": "32KiB", "budget": "1MiB"},
        "drain": {"announce": "0s", "grace": "100ms", "spread": "200ms", "linger": "300ms",
                  "deadline": "1s", **more.pop("drain", {})},
        "metrics": {"top_connections": {"count": 5}},
        **more,
    }


class Stage(contextlib.ExitStack):
    """`with Stage() as stage:` runs it; play() lets each event happen once."""

    def __enter__(self):
        super().__enter__()
        try:
            with_old = config()
            with_old["listeners"].append(listener("old"))
            self.first = self.enter_context(Gateway(with_old))
            self.second = self.enter_context(Gateway(self._second_config()))
            self.gateways = [self.first, self.second]
            self.instances = [f"127.0.0.1:{gateway.admin_port}" for gateway in self.gateways]
            self.prometheus = self.enter_context(Prometheus(self.instances))
            self._leaving = threading.Event()
            for gateway in self.gateways:
                self._load(gateway)
        except BaseException:
            self.close()
            raise
        return self

    @staticmethod
    def _second_config(**more):
        return config(per_source={"mode": "observe"}, **more)

    def _load(self, gateway):
        host, port = gateway.address()
        for mode, connections, rate in (("message", 12, "150/s"), ("connection", 4, "8/s")):
            bench = subprocess.Popen(
                [BINARY, "bench", f"{host}:{port}", "--mode", mode, "--connections",
                 str(connections), "--rate", rate, "--duration", "1h", "--size", "24"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.callback(bench.wait)
            self.callback(bench.terminate)
        people = threading.Thread(target=self._people, args=(gateway,))
        people.start()
        self.callback(people.join)
        self.callback(self._leaving.set)

    def _people(self, gateway):
        """Comes and goes as people do, in turn, until the stage is left."""
        visits = itertools.cycle([self._talk, self._quit, self._hurry, self._knock, self._browse,
                                  self._crowd, self._do_not_read, self._lag])
        while not self._leaving.wait(0.15):
            with contextlib.suppress(OSError):  # A drain may close the door.
                next(visits)(gateway)

    def _talk(self, gateway):
        with Client(gateway.address()) as client:
            for number in range(30):
                client.ask(f"hello {number}")
                self._leaving.wait(0.01)

    def _quit(self, gateway):
        with Client(gateway.address()) as client:
            client.send("quit\n")
            client.until_eof()

    def _hurry(self, gateway):
        for _ in range(4):
            with Client(gateway.address(), source=HASTY) as client:
                client.line()

    def _knock(self, gateway):
        with Client(gateway.address(), source=DENIED) as client:
            client.line()

    def _browse(self, gateway):
        with Client(gateway.address()) as client:
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            client.until_eof()

    def _crowd(self, gateway):
        with contextlib.ExitStack() as inside:
            for _ in range(LOCAL_PLACES + 2):
                inside.enter_context(Client(gateway.address("local"))).line()

    def _do_not_read(self, gateway):
        with Client(gateway.address(), receive_bytes=4096) as client:
            client.socket.settimeout(0.2)
            with contextlib.suppress(OSError):  # Until it is cut, or its window is full.
                for _ in range(400):
                    client.socket.sendall(LINE)

    @staticmethod
    def _reload(gateway, changed):
        gateway.write_config(changed)
        status, text = gateway.http("POST", "/reload")
        assert status == 200, text

    def _lag(self, gateway):
        """Reads nothing for a while, with more to read than the kernel keeps."""
        with Client(gateway.address(), receive_bytes=4096) as client:
            self._fill(gateway, client)
            self._leaving.wait(2)

    @staticmethod
    def _fill(gateway, client):
        """Until some of its replies wait in the gateway."""
        waits = f"/connections?filter=peer={client.name()},output_bytes%3E0"
        client.socket.settimeout(0.2)
        with contextlib.suppress(OSError):
            while json.loads(gateway.http("GET", waits)[1])["matched"] == 0:
                client.socket.sendall(LINE[-1000:] * 4)

    # Events.

    def play(self):
        """Each once: a listener goes while somebody does not read, a reload fails and is repaired,
        an overload is ordered and ended, a drain is announced and taken back."""
        self._remove_a_listener()
        self._fail_a_reload()
        self._order_an_overload()
        self._announce_a_drain()

    def play_for(self, seconds):
        """Each once, and drains of the second gateway again and again."""
        end = time.monotonic() + seconds
        self.play()
        while not self._leaving.wait(max(0, min(60, end - time.monotonic()))):
            if time.monotonic() >= end:
                return
            self._announce_a_drain()

    def seen(self, expression, patience=30):
        """Waits until Prometheus has scraped what `expression` asks for."""
        eventually(lambda: self.prometheus.query(expression), expression, patience)

    def _remove_a_listener(self):
        # Only what rises between two scrapes has risen.
        self.seen('chatgate_connections_closed_total{reason="drain_forced",listener="old"} == 0')
        with Client(self.first.address("old"), receive_bytes=4096) as deaf:
            self._fill(self.first, deaf)
            self._reload(self.first, config())
            self.seen('chatgate_connections_closed_total{reason="drain_forced"} > 0')
        self.seen('ALERTS{alertname="ChatgateDrainForced",alertstate="firing"}')

    def _fail_a_reload(self):
        self.first.write_config("limits: {max_conections: 1}\n")
        assert self.first.http("POST", "/reload")[0] != 200
        self.seen("chatgate_config_last_reload_successful == 0")
        self._reload(self.first, config())
        self.seen(f'chatgate_config_last_reload_successful{{instance="{self.instances[0]}"}} == 1')

    def _order_an_overload(self):
        assert self.second.http("POST", "/overload/force")[0] == 200
        self.seen('chatgate_overload_cause{cause="operator"} == 1')
        assert self.second.http("POST", "/overload/release")[0] == 200

    def _announce_a_drain(self):
        self._reload(self.second, self._second_config(drain=ANNOUNCED))
        assert self.second.http("POST", "/drain")[0] == 200
        self.seen("chatgate_drain_phase == 1")
        status, text = self.second.http("POST", "/undrain")
        assert status == 200, text
        self.seen(f'chatgate_drain_phase{{instance="{self.instances[1]}"}} == 0')
        self._reload(self.second, self._second_config())


def main():
    """Runs it for so many minutes, for who wants to look: `stage.py 15`."""
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))  # Takes what it started along.
    with Stage() as stage:
        print("Prometheus:", stage.prometheus.url, flush=True)
        stage.play_for(60 * float(sys.argv[1]))


if __name__ == "__main__":
    main()
