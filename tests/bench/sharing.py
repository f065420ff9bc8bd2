"""Whether workers share anything on the path of a message: counted by callgrind, not timed.

Threads that share memory for writing must lock the cache line that they write to: an instruction
with a lock prefix (or an exchange with memory, which locks without one). Such instructions are in
mutexes, reference counts and atomic counters alike. None executed for a message, and no more
instructions for it with two workers than with one: nothing is shared.
"""

import collections
import dataclasses
import functools
import json
import re
import subprocess
import time

import lockstep
from callgrind import Server, total
from callgrind_profile import Counts
from processes import Failure
from rounds import Plan, Variant
from servers import GATEWAY_CONFIG, address_in

FEW, MANY = 50, 500  # Clients; what both cost alike is of a wake, the rest of a message.
ROUNDS = 20
IDLE_SECONDS = 3
LOCKED = re.compile(r"^\s*([0-9a-f]+):\t(?:lock\b|xchg\b.*\()")

# glibc notes in a word of the thread's own, with a locked instruction, that a system call may be
# cancelled: no other thread writes there.
OF_THE_THREAD = re.compile("asynccancel")


@functools.cache
def locked_addresses(program):
    """The addresses of instructions that lock a cache line, in a program or shared library."""
    said = subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", program], check=True,
                          capture_output=True, text=True).stdout
    return frozenset(int(match[1], 16) for line in said.splitlines()
                     if (match := LOCKED.match(line)))


def locked(files):
    """{function: how often it locked a cache line} in files of callgrind."""
    found = collections.Counter()
    for (program, address, function), count in Counts(files).own.items():
        if program.startswith("/") and address in locked_addresses(program):
            found[function] += count
    return found


@dataclasses.dataclass(frozen=True)
class Count:
    """What was executed, by all threads, in so many seconds."""
    seconds: float
    instructions: float
    locked_own: float
    locked_other: float

    def without(self, idle):
        """Less what the same time costs when nothing happens: ticks."""
        share = self.seconds / idle.seconds
        return Count(self.seconds, *(getattr(self, name) - share * getattr(idle, name)
                                     for name in COUNTED))


COUNTED = ("instructions", "locked_own", "locked_other")


def count(server, work):
    server.settle()
    server.zero()
    started = time.monotonic()
    work()
    server.settle()
    seconds = time.monotonic() - started
    files = server.dump()
    locks = locked(files)
    own = sum(times for function, times in locks.items() if OF_THE_THREAD.search(function))
    return Count(seconds, total(files), own, locks.total() - own)


def rounds_of(server, clients):
    """A message of each client, so many rounds."""
    def work():
        for _ in range(ROUNDS):
            lockstep.all_at_once(server, clients, 1)
    return count(server, work)


def sample(few, many):
    """Of the counts with FEW and with MANY clients: what a message adds, and what a wake costs."""
    result = {f"{name}_a_message":
              (getattr(many, name) - getattr(few, name)) / ((MANY - FEW) * ROUNDS)
              for name in COUNTED}
    of_few = few.locked_other / ROUNDS
    return result | {"locked_other_a_round": of_few - FEW * result["locked_other_a_message"]}


def gateway(programs, workers):
    config = {**GATEWAY_CONFIG, "threads": {"acceptors": 1, "workers": workers}}
    server = Server([programs / "chatgate", "run", "--config", "chatgate.yaml"],
                    {"chatgate.yaml": json.dumps(config)})
    server.wait_for(server.stderr, "event=ready")
    server.port = address_in(server.stderr.read_text(), "listening")
    return server


def measure(programs, workers):
    try:
        with gateway(programs, workers) as server:
            clients = [lockstep.connect(server) for _ in range(MANY)]
            rounds_of(server, clients)  # Memory grows, and then does not.
            idle = count(server, lambda: time.sleep(IDLE_SECONDS))
            few, many = (rounds_of(server, some).without(idle)
                         for some in (clients[:FEW], clients))
            for client in clients:
                client.close()
    except RuntimeError as error:
        raise Failure(str(error)) from error
    return {**sample(few, many), "errors": 0, "refused": 0}


def sharing(bench):
    variants = [Variant(f"chatgate/{workers}", 30,
                        functools.partial(measure, bench.programs, workers)) for workers in (1, 2)]
    return Plan("sharing", variants, 1)
