"""Whether the client out-runs what it measures: its CPU for an operation beside the floor's.

A client that waits for its server does less at a time, and so needs more for each: its own is what
it needs with the faster floor. On loopback a sender's core does the receiver's half as well, so
that a client who opens many connections makes most of the server's end of them. Receive packet
steering (Documentation/networking/scaling.rst of Linux) gives the server's core what is received,
as a machine of its own would have it. That is a setting of a network device: the loopback of a
network namespace that ends with the server. Needs root; without, nothing is measured.
"""

import os

import servers
from load import Placement
from rounds import Plan, Variant
from scenarios import FEW, SOURCES, STARTING, WARM, lasting

LOADS = {"message": ("--mode", "message", "--window", 1),
         "connection": ("--mode", "connection", *SOURCES)}


def outrun(bench):
    """Both floors under both loads, with the receiving as loopback has it, and steered."""
    server_core = Placement.of_this_machine().server[0]
    load = bench.load("outrun")
    seconds = bench.seconds(1.6)

    def of(name, options, core):
        def measure():
            kind = servers.in_own_network(name, core)
            with bench.server(kind) as server:
                return load.run(kind, server, *options, "--connections", FEW, *lasting(seconds),
                                *WARM)
        return measure

    variants = [Variant(f"{name}/{load_name}, {how}", seconds + STARTING, of(name, options, core))
                for load_name, options in LOADS.items()
                for how, core in (("loopback", None), ("steered", server_core))
                for name in ("floor", "floor_uring")]
    return Plan("outrun", variants if os.geteuid() == 0 else [], bench.rounds)
