"""Holds sessions with as many gateways as the descriptor limit asks for, in a network of its own.

usage: million_hold.py PROGRAMS SESSIONS PATIENCE; started by `million`, as root.
"""

import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import time

import servers
from load import CORES
from processes import Failure, raise_descriptor_limit, running
from watching import ask, series

SPARE = 500              # Descriptors that no session gets; shards are not equally long, either.
PER_GATEWAY_MAX = 1_000_000
TALKERS = 100            # One of so many sessions talks,
PASS = 20                # each once in so many seconds.
PASSES = 2               # So many are watched once all are open.
SOURCES = 100
CLOSING = 2400           # Seconds: a guest closes hardly faster than it opens.
MEMORY_KEPT = 1 << 30    # With less to be had the attempt ends, not the machine.
SYSCTLS = {
    "net/ipv4/ip_local_port_range": "1024 65535",
    "net/core/somaxconn": "65535",
}
# Of the whole machine, which only a guest may set; its own are for small machines.
GUEST_SYSCTLS = {
    "fs/file-max": "4000000",
    "net/ipv4/tcp_mem": "4000000 4000000 4000000",
    "net/core/netdev_max_backlog": "1000000",
}


def say(text):
    print(f"{time.monotonic() - STARTED:7.1f} s  {text}", flush=True)


def network_faults():
    """Packets dropped by processors whose backlog was full, and connections that TCP gave up."""
    names, values = (line.split() for line in pathlib.Path("/proc/net/netstat").read_text()
                     .splitlines() if line.startswith("TcpExt:"))
    counted = dict(zip(names, values))
    softnet = pathlib.Path("/proc/net/softnet_stat").read_text().splitlines()
    return {"packets_dropped": sum(int(line.split()[1], 16) for line in softnet),
            "keepalive_probes": int(counted["TCPKeepAlive"]),
            "given_up_by_tcp": int(counted["TCPAbortOnTimeout"])}


def prepare_network(is_guest):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, value in {**SYSCTLS, **(GUEST_SYSCTLS if is_guest else {})}.items():
        pathlib.Path("/proc/sys", name).write_text(value)


def meminfo(name):
    """Bytes."""
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) * 1024


def anonymous(pids):
    """Bytes that processes hold in user space, without what they map of files."""
    total = 0
    for pid in pids:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        total += next(int(line.split()[1]) for line in status.splitlines()
                      if line.startswith("RssAnon:")) * 1024
    return total


def cpu_seconds(pids):
    """User and system time of processes."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def listening_socket(port):
    """One of several that share a port: the kernel deals connections out among them."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(4096)
    return listening


class Family:
    """Processes that end together: at once, for a million orderly farewells take minutes."""

    def __init__(self):
        self._stack = contextlib.ExitStack()
        self._members = []

    def __enter__(self):
        return self

    def start(self, command, **options):
        self._members.append(self._stack.enter_context(running(command, CORES, **options)))
        return self._members[-1]

    def __exit__(self, *_):
        for member in self._members:
            member.kill()
        self._stack.close()


def gateway(family, programs, listening):
    """A gateway gets its socket as systemd would pass it: on a port in use it refuses to start."""
    config = {**servers.GATEWAY_CONFIG, "threads": {"acceptors": 1, "workers": 1},
              "listeners": [{"name": "public", "address": "fd:public"}],
              "limits": {**servers.GATEWAY_CONFIG["limits"], "max_connections": PER_GATEWAY_MAX},
              # Every place is to be taken: an overload would end those who have said nothing.
              "overload": {"mode": "observe"},
              "timeouts": {"idle": "2h"}}
    fd = listening.fileno()
    inherit = f'export LISTEN_PID=$$; exec "$@" 3<&{fd} ' + (f"{fd}<&-" if fd != 3 else "")
    return family.start(
        ["bash", "-c", inherit, "gateway", programs / "chatgate", "run", "--config",
         "chatgate.yaml"], files={"chatgate.yaml": json.dumps(config)},
        environment={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "public"}, pass_fds=[fd])


def start_gateways(family, programs, count):
    """[servers.Server] on one port."""
    listening = [listening_socket(0)]
    port = listening[0].getsockname()[1]
    listening += [listening_socket(port) for _ in range(count - 1)]
    processes = [gateway(family, programs, each) for each in listening]
    for process in processes:
        process.wait_for(lambda: "event=ready" in process.text() or None, "chatgate")
    for each in listening:
        each.close()
    return [servers.Server(process, port, servers.address_in(process.text(), "admin_listening"))
            for process in processes]


def start_client(family, programs, port, sessions):
    talkers = -(-sessions // TALKERS)
    return talkers, family.start(
        [programs / "chatgate", "bench", f"127.0.0.1:{port}", "--mode", "message",
         "--connections", talkers, "--idle-connections", sessions - talkers,
         "--rate", f"{talkers / PASS:.3f}/s", "--duration", "2h", "--sources", SOURCES,
         "--timeout", "10m", "--json"])


def split(total, most):
    parts = -(-total // most)
    return [total // parts + (1 if part < total % parts else 0) for part in range(parts)]


class Crowd:
    """The gateways, and what they say of their sessions together."""

    def __init__(self, gateways):
        self.gateways = gateways
        self.pids = [gateway.process.pid for gateway in gateways]

    def sums(self):
        names = {"open": "chatgate_connections_open",
                 "greeted": "chatgate_greeting_delay_seconds_count",
                 "messages": "chatgate_messages_received_total",
                 "replies": "chatgate_replies_sent_total",
                 "ended": "chatgate_connection_messages_count"}
        sums = dict.fromkeys([*names, "ended_silent"], 0)
        for gateway in self.gateways:
            text = ask(gateway, "/metrics")
            for name, metric in names.items():
                sums[name] += int(series(text, metric))
            sums["ended_silent"] += int(series(text, "chatgate_connection_messages_bucket", le="0"))
        return sums


def wait_until_open(crowd, clients, sessions, patience):
    """Returns why not all are open, or nothing; and the most that were."""
    deadline, told, most = time.monotonic() + patience, 0.0, 0
    while True:
        sums, available = crowd.sums(), meminfo("MemAvailable")
        most = max(most, sums["open"])
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"{sums['greeted']} greeted, {sums['open']} open, {available >> 20} MiB of memory "
                f"to be had, {network_faults()}")
        if sums["open"] >= sessions:
            return None, most
        if sums["ended"] > 0:
            return f"{sums['ended']} sessions ended while others were opened", most
        if available < MEMORY_KEPT:
            return f"memory: only {available >> 20} MiB to be had", most
        if time.monotonic() > deadline:
            return f"time: not all within {patience} s", most
        for client in clients:
            if client.has_ended():
                raise Failure(f"a client ended: {client.text()}")
        time.sleep(5)  # In a guest each look costs, too.


def watch_talk(crowd):
    """Two passes of the talkers while all are open."""
    before, started, cpu = crowd.sums(), time.monotonic(), cpu_seconds(crowd.pids)
    time.sleep(PASS * PASSES)
    after, seconds = crowd.sums(), time.monotonic() - started
    return {"open_during_talk": [before["open"], after["open"]],
            "messages_while_all_open": after["messages"] - before["messages"],
            "replies_while_all_open": after["replies"] - before["replies"],
            "talk_seconds": round(seconds, 1),
            "gateway_cpu_seconds_meanwhile": round(cpu_seconds(crowd.pids) - cpu, 2)}


def stop_clients(clients):
    """Ctrl-C to each; what they report together."""
    for client in clients:
        os.kill(client.pid, signal.SIGINT)
    reports, deadline = [], time.monotonic() + CLOSING
    for client in clients:
        while not client.has_ended():
            if time.monotonic() > deadline:
                raise Failure(f"a client did not end: {client.text()}")
            time.sleep(0.1)
        try:
            reports.append(json.loads(client.text()))
        except ValueError:
            raise Failure(f"a client said: {client.text()}") from None
    latencies = [report["latency_us"] for report in reports]
    return {"clients_greeted": sum(report["greeted"] for report in reports),
            "clients_refused": sum(report["refused"] for report in reports),
            "clients_errors": sum(report["errors"] for report in reports),
            "clients_faults": [fault for report in reports for fault in report["faults"]][:5],
            "replies": sum(report["operations"] for report in reports),
            "engine": reports[0]["engine"],
            "reply_ms_p50_worst_client": max(each["p50"] for each in latencies) / 1000,
            "reply_ms_p99_worst_client": max(each["p99"] for each in latencies) / 1000}


def wait_until_gone(crowd):
    deadline = time.monotonic() + CLOSING
    while (sums := crowd.sums())["open"] > 0:
        if time.monotonic() > deadline:
            raise Failure(f"{sums['open']} sessions did not end")
        time.sleep(1)
    return sums


def hold(family, programs, sessions, patience):
    raise_descriptor_limit()
    room = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE, PER_GATEWAY_MAX)
    shards = split(sessions, room)
    crowd = Crowd(start_gateways(family, programs, len(shards)))
    faults = network_faults()
    crowd.sums()  # The first scrape's own memory is no session's.
    slab, ours, started = meminfo("Slab"), anonymous(crowd.pids), time.monotonic()
    say(f"{len(shards)} gateways share port {crowd.gateways[0].port}")
    talking, clients = zip(*(start_client(family, programs, crowd.gateways[0].port, shard)
                             for shard in shards))
    result = {"sessions": sessions, "gateways": len(shards), "clients": len(clients),
              "talkers": sum(talking)}
    limited, most = wait_until_open(crowd, clients, sessions, patience)
    seconds, sums = time.monotonic() - started, crowd.sums()
    held = max(sums["open"], 1)
    result |= {"limited_by": limited, "most_open": most, "open": sums["open"],
               "greeted": sums["greeted"],
               "opening_seconds": round(seconds, 1), "greeted_per_second": round(held / seconds),
               "gateway_cpu_us_per_session": round(cpu_seconds(crowd.pids) / held * 1e6, 1),
               "bytes_per_session": round((anonymous(crowd.pids) - ours) / held, 1),
               "client_bytes_per_session":
                   round(anonymous(client.pid for client in clients) / held, 1),
               "slab_bytes_per_session_both_ends": round((meminfo("Slab") - slab) / held)}
    result["network_before"], result["network"] = faults, network_faults()
    say(f"holding: {json.dumps(result)}")
    if limited:
        return result
    talked = watch_talk(crowd)
    result |= talked
    say(f"talked: {json.dumps(talked)}; closing")
    result |= stop_clients(clients)
    sums = wait_until_gone(crowd)
    result |= {"sessions_that_talked": sums["ended"] - sums["ended_silent"],
               "bytes_per_session_after": round((anonymous(crowd.pids) - ours) / held, 1)}
    return result


def main():
    programs, sessions, patience = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:4])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    prepare_network(is_guest=os.environ.get("CHATGATE_GUEST") == "1")
    try:
        with Family() as family:
            result = hold(family, programs, sessions, patience)
    except (Failure, OSError) as failure:
        say(f"failed: {failure}")
        return 1
    print("RESULT " + json.dumps(result), flush=True)
    return 0 if result["limited_by"] is None and result["clients_errors"] == 0 else 1


STARTED = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
