"""The servers that are measured: how each is started, what a client says to it, what it can take.

All listen on 127.0.0.1. `Server` is one of them running, `Kind` is how to get one.
"""

import contextlib
import dataclasses
import getpass
import json
import pathlib
import re
import subprocess

from processes import accepts, free_port, running

PEERS = pathlib.Path(__file__).resolve().parent / "peers"

# Everything that a gateway in production does, on one worker: its limits (loopback's sources are
# tracked, too), time-outs, metrics, and a log line for each session.
GATEWAY_CONFIG = {
    "listeners": [{"name": "public", "address": "127.0.0.1:0"}],
    "limits": {"max_connections": 19_000,
               "per_source": {"max": 100_000, "rate": "100000/s", "burst": 1_000_000,
                              "exempt": []}},
    "admin": {"address": "127.0.0.1:0"},
    "log": {"level": "info", "sessions": True},
}

NGIRCD_CONFIG = """\
[Global]
Name = bench.example.net
Info = bench
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = welcome
ServerUID = {user}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
"""

@dataclasses.dataclass(frozen=True)
class Talk:
    """What a client says, and the lines that it gets: the options of `chatgate bench` for it."""
    say: str = ""  # Empty: a line of 32 bytes.
    ends_in: str = "lf"
    greeting_lines: int = 1
    ignore: str = ""    # Lines that begin so are no replies.
    preamble: str = ""  # Said once by each client, with its number for {n}; gets so many lines.
    preamble_replies: int = 0

    def options(self):
        said = ["--say", self.say] if self.say else ["--size", "32"]
        ignored = ["--ignore", self.ignore] if self.ignore else []
        before = (["--preamble", self.preamble, "--preamble-replies", str(self.preamble_replies)]
                  if self.preamble else [])
        return [*said, "--line-end", self.ends_in, "--greeting-lines", str(self.greeting_lines),
                *ignored, *before]


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server."""
    process: object  # processes.Process
    port: int
    admin_port: int = 0  # Of the gateway.
    enter: tuple = ()    # Before a client's command: how it gets into the server's network.


@dataclasses.dataclass(frozen=True)
class Kind:
    """`start(programs, cores, workers)` is a context manager that yields a Server.

    `can` names what it takes part in: `message` and `connection` of 50 clients, `many` of them
    (15,000 at once). A `slow` one is measured in fewer rounds.
    """
    name: str
    says: str  # In the tables: what is measured, by whose words.
    start: object
    talk: Talk = Talk()
    can: frozenset = frozenset({"message", "connection", "many"})
    slow: bool = False
    all_cores: bool = False  # Not kept to one core, as the others are.


def number_in(process):
    """The port that a yardstick prints on its first line."""
    found = re.match(r"(\d+)\n", process.text())
    return int(found[1]) if found else None


@contextlib.contextmanager
def printing_its_port(command, cores):
    with running(command, cores) as process:
        yield Server(process, process.wait_for(lambda: number_in(process), str(command[0])))


@contextlib.contextmanager
def on_a_free_port(command, cores, *, files=None, environment=None):
    """`{port}` in the command and in the files is the port."""
    port = free_port()
    told = [str(part).replace("{port}", str(port)) for part in command]
    files = {name: text.replace("{port}", str(port)) for name, text in (files or {}).items()}
    with running(told, cores, files=files, environment=environment) as process:
        process.wait_for(lambda: accepts(port), told[0])
        yield Server(process, port)


@contextlib.contextmanager
def gateway(programs, cores, workers):
    config = {**GATEWAY_CONFIG, "threads": {"acceptors": 1, "workers": workers}}
    with running([programs / "chatgate", "run", "--config", "chatgate.yaml"], cores,
                 files={"chatgate.yaml": json.dumps(config)}) as process:
        process.wait_for(lambda: "event=ready" in process.text() or None, "chatgate")
        text = process.text()
        yield Server(process, address_in(text, "listening"), address_in(text, "admin_listening"))


def address_in(log, event):
    """The port of the address that a line of the gateway's log tells."""
    return int(re.search(rf'event={event}\b.*\baddress="?\S*:(\d+)', log)[1])


def floor(programs, cores, workers):
    return printing_its_port([programs / "floor", workers], cores)


# Its arguments: the mask of the cores that receive (0: whoever sends), and the command.
OWN_NETWORK = ("ip link set lo up && mount -t sysfs sysfs /sys && "
               'echo "$0" >/sys/class/net/lo/queues/rx-0/rps_cpus && exec "$@"')


def in_own_network(name, core):
    """The kind of a floor in a network namespace of its own, whose `core` does all receiving; None:
    as loopback has it."""
    mask = f"{0 if core is None else 1 << core:x}"

    @contextlib.contextmanager
    def start(programs, cores, workers):
        command = ["unshare", "--net", "--mount", "--", "sh", "-c", OWN_NETWORK, mask,
                   programs / name, workers]
        with printing_its_port(command, cores) as server:
            enter = ("nsenter", f"--net=/proc/{server.process.pid}/ns/net", "--")
            yield dataclasses.replace(server, enter=enter)

    return dataclasses.replace(KINDS[name], start=start)


def floor_uring(programs, cores, workers):
    return printing_its_port([programs / "floor_uring", workers], cores)


def redis(_programs, cores, _workers):
    return on_a_free_port(
        ["redis-server", "--bind", "127.0.0.1", "--port", "{port}", "--save", "",
         "--appendonly", "no", "--protected-mode", "no",  # Clients come from 127.0.0.2, too.
         "--maxclients", "19000", "--tcp-backlog", "4096"], cores)


def memcached(_programs, cores, _workers):
    return on_a_free_port(
        ["memcached", "--listen=127.0.0.1", "--port={port}", "--threads=1", "--conn-limit=19000",
         "--listen-backlog=4096", f"--user={getpass.getuser()}"], cores)


def nats(_programs, cores, _workers):
    return on_a_free_port(["nats-server", "--addr", "127.0.0.1", "--port", "{port}"], cores,
                          environment={"GOMAXPROCS": "1"})


def nats_all_cores(_programs, cores, _workers):
    return on_a_free_port(["nats-server", "--addr", "127.0.0.1", "--port", "{port}"], cores)


def ngircd(_programs, cores, _workers):
    config = NGIRCD_CONFIG.replace("{user}", getpass.getuser())
    return on_a_free_port(["ngircd", "--nodaemon", "--config", "ngircd.conf"], cores,
                          files={"ngircd.conf": config})


def go_net(programs, cores, _workers):
    return printing_its_port([compiled_go(programs)], cores)


def node_net(_programs, cores, _workers):
    return printing_its_port(["node", PEERS / "net_server.js"], cores)


def asio_chat(programs, cores, _workers):
    return printing_its_port([programs / "asio_chat"], cores)


def socat(_programs, cores, _workers):
    return on_a_free_port(["socat", "TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,backlog=4096",
                           f"EXEC:{PEERS / 'responder.sh'}"], cores)


def php(_programs, cores, _workers):
    return printing_its_port(["php", PEERS / "blocking.php"], cores)


def compiled_go(programs):
    """Builds the Go server beside the other programs, unless that is done."""
    source, program = PEERS / "net_server.go", programs / "go_net"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        environment = {"GOCACHE": str(programs / "go_cache"), "CGO_ENABLED": "0",
                       "PATH": "/usr/bin:/bin", "GO111MODULE": "off"}
        subprocess.run(["go", "build", "-o", program, source], check=True, env=environment)
    return program


# A user who comes while others register is told so, by a line more in the welcome.
NGIRCD_TALK = Talk("PING x", "crlf", greeting_lines=0, ignore=":bench.example.net 253",
                   preamble=r"NICK b{n}\r\nUSER b 0 * :b\r\n", preamble_replies=15)
NATS_TALK = Talk("PING", "crlf", ignore="PING")  # Its own comes after two seconds.
A_FEW = frozenset({"message", "connection"})
KINDS = {kind.name: kind for kind in (
    Kind("chatgate", "everything switched on", gateway),
    Kind("floor", "bare epoll loop", floor),
    Kind("floor_uring", "bare io_uring loop", floor_uring),
    Kind("redis", "redis-server, `PING`", redis, Talk("PING", "crlf", greeting_lines=0)),
    Kind("memcached", "memcached, `version`", memcached,
         Talk("version", "crlf", greeting_lines=0)),
    Kind("nats", "nats-server, `PING`, GOMAXPROCS=1", nats, NATS_TALK),
    Kind("nats_all_cores", "nats-server, `PING`, on all cores", nats_all_cores, NATS_TALK,
         all_cores=True),
    # It lets ten wait to be accepted: a crowd takes minutes to come.
    Kind("ngircd", "ngircd, `PING` of registered users", ngircd, NGIRCD_TALK,
         can=frozenset({"message"})),
    Kind("go", "Go net server, a goroutine a client", go_net),
    Kind("node", "Node net server", node_net),
    Kind("asio_chat", "Asio chat example's shape", asio_chat),
    Kind("socat", "socat, fork, a shell a client", socat, slow=True,
         can=A_FEW),
    Kind("php", "blocking PHP loop", php, slow=True, can=frozenset({"connection"})),
)}

YARDSTICKS = ("chatgate", "floor", "floor_uring")

