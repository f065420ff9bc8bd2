#!/usr/bin/env python3
"""What TLS costs, in one run: the gateway's own, and that of HAProxy and of nginx's stream, each
before a gateway without TLS. Only the CPU of who speaks TLS counts, and one thread speaks.

  tls.py [--rounds N] [--seconds S] [--sessions N]     prints the tables of README.md, *TLS*
"""

import argparse
import contextlib
import pathlib
import ssl
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import gateway as gateways  # noqa: E402
from certificates import make_certificate  # noqa: E402
from client import Client  # noqa: E402
from gateway import GREETING, Gateway, cpu_seconds, eventually, memory_kib  # noqa: E402
from proxies import HAPROXY, NGINX, Proxy  # noqa: E402

TALKERS = 20
LINE = "x" * 100 + "\n"
ONE_WORKER = {"threads": {"acceptors": 1, "workers": 1},
              "services": {"greeter": {"reply": "{message}\n"}}, "log": {"sessions": False}}
HAPROXY_CONFIG = """
global
  nbthread 1
  maxconn 4000
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen lines
  bind fd@{fd} ssl crt {pem}
  server one {server}
"""
NGINX_CONFIG = """
daemon off; worker_processes 1; pid {path}/nginx.pid; error_log {path}/error.log;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events {{ worker_connections 4000; }}
stream {{ server {{
  listen {host}:{port} ssl; ssl_protocols TLSv1.2 TLSv1.3; proxy_pass {server};
  ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
}} }}
"""


class TlsProxy(Proxy):
    def __init__(self, name, folder, server):
        super().__init__()
        values = {"fd": self._socket.fileno(), "path": self.path, "folder": folder,
                  "pem": folder / "combined.pem", "server": "{}:{}".format(*server),
                  "host": self.address[0], "port": self.address[1]}
        file = self.path / "config"
        if name == "HAProxy":
            file.write_text(HAPROXY_CONFIG.format(**values))
            self._start([HAPROXY, "-db", "-f", str(file)])
        else:
            file.write_text(NGINX_CONFIG.format(**values))
            self._start([NGINX, "-c", str(file), "-p", str(self.path), "-e",
                         str(self.path / "early")],
                        env={"NGINX": f"{self._socket.fileno()};"})

    def cpu(self):
        """Of the process and its workers."""
        pid = self._process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(cpu_seconds(one) for one in (pid, *children))


class Ours:
    def __init__(self, gateway):
        self.address = gateway.address()
        self.cpu = gateway.cpu_seconds


def spent(server, work):
    """CPU seconds for each of the operations that `work` says it did."""
    before = server.cpu()
    count = work()
    return (server.cpu() - before) / count


def messages(server, context, seconds):
    with contextlib.ExitStack() as stack:
        talkers = [stack.enter_context(Client(server.address, tls=context))
                   for _ in range(TALKERS)]
        for talker in talkers:
            assert talker.line() == GREETING

        def work():
            count, end = 0, time.monotonic() + seconds
            while time.monotonic() < end:
                for talker in talkers:
                    talker.send(LINE)
                for talker in talkers:
                    assert talker.line() + "\n" == LINE
                count += TALKERS
            return count
        return spent(server, work)


def connections(server, context, seconds):
    def work():
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            with Client(server.address, tls=context) as client:
                assert client.line() == GREETING
                assert client.ask("x") == "x"
            count += 1
        return count
    return spent(server, work)


def idle_bytes(gateway, context, sessions):
    """Memory of one idle session: greeted, and after it has talked."""
    empty = memory_kib(gateway.pid, "RssAnon")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(gateway.address(), tls=context))
                   for _ in range(sessions)]
        for client in clients:
            assert client.line() == GREETING
        greeted = memory_kib(gateway.pid, "RssAnon")
        for client in clients:
            assert client.ask("x") == "x"
        talked = memory_kib(gateway.pid, "RssAnon")
    return [(full - empty) * 1024 / sessions for full in (greeted, talked)]


def compare(folder, options):
    tls = {"certificate": str(folder / "certificate.pem"), "key": str(folder / "key.pem")}
    context = ssl.create_default_context(cafile=folder / "certificate.pem")
    public = {"name": "public", "address": "127.0.0.1:0"}
    with Gateway({**ONE_WORKER, "listeners": [{**public, "tls": tls}]}) as ours, \
            Gateway({**ONE_WORKER, "listeners": [public]}) as plain, \
            TlsProxy("HAProxy", folder, plain.address()) as haproxy, \
            TlsProxy("nginx", folder, plain.address()) as nginx:
        servers = {"chatgate": Ours(ours), "HAProxy": haproxy, "nginx stream": nginx}
        found = {name: ([], []) for name in servers}
        for _ in range(options.rounds):
            for name, server in servers.items():
                eventually(lambda: answers(server, context), f"{name} answers")
                for values, measure in zip(found[name], (messages, connections)):
                    values.append(measure(server, context, options.seconds) * 1e6)
        print("| CPU of | a message, µs | a connection, µs |\n|---|---:|---:|")
        for name, columns in found.items():
            print(f"| {name} | " + " | ".join(
                f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"
                for values in columns) + " |")
        greeted, talked = idle_bytes(ours, context, options.sessions)
        print(f"\nAn idle session by TLS: {greeted:,.0f} bytes greeted, {talked:,.0f} after a "
              f"message ({options.sessions} of them).")


def answers(server, context):
    try:
        with Client(server.address, tls=context) as client:
            return client.line() == GREETING
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--gateway", default=str(ROOT / "build/release/bin/chatgate"))
    options = parser.parse_args()
    gateways.BINARY = options.gateway
    with tempfile.TemporaryDirectory(prefix="chatgate-tls-") as name:
        folder = pathlib.Path(name)
        make_certificate(folder)
        (folder / "combined.pem").write_text((folder / "certificate.pem").read_text() +
                                             (folder / "key.pem").read_text())
        folder.chmod(0o755)
        (folder / "key.pem").chmod(0o644)
        compare(folder, options)


if __name__ == "__main__":
    main()
