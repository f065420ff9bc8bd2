"""RESULTS.md from results: tables, targets, and how it was measured."""

import json

from figures import of, ratio
from servers import GATEWAY_CONFIG, KINDS
from targets import verdicts

INTRODUCTION = """\
# Results

Written by `scripts/bench`; do not edit it ([how it is measured](README.md)). A figure is the median
of {rounds} rounds, with the least and the most; a ratio is taken within each round.{quick}
"""

DASH = "–"


def table(head, rows):
    """A table of Markdown; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def shown(figure, digits=2, scale=1):
    if figure is None:
        return DASH
    return type(figure)(figure.median / scale, figure.least / scale, figure.most / scale,
                        figure.rounds).text(digits)


def label(name):
    return "**chatgate**" if name == "chatgate" else KINDS[name].says


def rows_of(samples, columns):
    """A row for each key `server` or `server/what`: columns are functions of its samples."""
    rows = []
    for key, taken in samples.items():
        name, _, what = key.partition("/")
        rows.append([label(name), *filter(None, [what]), *(each(taken) for each in columns)])
    return rows


def column(name, digits=2, scale=1):
    return lambda taken: shown(of(taken, name), digits, scale)


def ratio_column(samples, to, name="cpu_us"):
    return lambda taken: shown(ratio(taken, samples.get(to), name))


def cost(samples):
    return table(
        ["server", "CPU µs", "× epoll floor", "chatgate beside it, ×", "user µs", "system µs",
         "a second", "p50 µs", "p99 µs", "the client's CPU µs"],
        rows_of(samples, [column("cpu_us"), ratio_column(samples, "floor"),
                          column("gateway_share"), column("user_us"),
                          column("system_us"), column("per_second", 0), column("p50_us", 0),
                          column("p99_us", 0), column("client_cpu_us")]))


def memory(samples):
    return table(
        ["server", "bytes a session", "KiB before", "KiB during", "KiB after they left",
         "CPU ms a second while they idle"],
        rows_of(samples, [column("bytes_per_connection", 0),
                          *(column(f"anon_bytes_{when}", 0, 1024)
                            for when in ("before", "during", "after")),
                          column("idle_cpu_ms")]))


def crowd(samples):
    return table(["server", "50 connections", "CPU µs a message", "p99 µs"],
                 rows_of(samples, [column("cpu_us"), column("p99_us", 0)]))


def workers(samples):
    return table(["server", "workers", "messages a second", "CPU µs a message",
                  "the client's CPU µs"],
                 rows_of(samples, [column("per_second", 0), column("cpu_us"),
                                   column("client_cpu_us")]))


def latency(samples):
    return table(["server", "% of the floor's most", "messages a second", "p50 µs", "p99 µs",
                  "p99.9 µs", "max µs"],
                 rows_of(samples, [column("rate", 0), column("p50_us", 0), column("p99_us", 0),
                                   column("p999_us", 0), column("max_us", 0)]))


def watching(samples):
    return table(["server", "who watches", "answer ms", "slowest answer ms", "messages' p50 µs",
                  "p99 µs", "p99.9 µs", "max µs", "ticks over 5 ms late"],
                 rows_of(samples, [column("answer_ms"), column("answer_max_ms"),
                                   column("p50_us", 0), column("p99_us", 0), column("p999_us", 0),
                                   column("max_us", 0), column("late_ticks", 0)]))


def instructions(samples):
    names = [name for name in samples["chatgate"][0] or {} if name not in ("errors", "refused")]
    return table(["instructions", *map(label, samples)],
                 [[name, *(shown(of(taken, name), 0) for taken in samples.values())]
                  for name in names])


def sharing(samples):
    return table(["server", "workers", "instructions a message", "locked ones a message",
                  "those on the thread's own flags", "locked ones a wake"],
                 rows_of(samples, [column("instructions_a_message", 1),
                                   column("locked_other_a_message"),
                                   column("locked_own_a_message"),
                                   column("locked_other_a_round", 1)]))


def outrun(samples):
    return table(["server", "load", "a second", "CPU µs", "the client's CPU µs"],
                 rows_of(samples, [column("per_second", 0), column("cpu_us"),
                                   column("client_cpu_us")]))


def scale(samples):
    """A row for each server, a column for each number of connections."""
    keys = [key.partition("/") for key in samples]
    counts = sorted({int(count) for _, _, count in keys})
    return table(["server", *(f"{count:,}" for count in counts)],
                 [[label(name), *(shown(of(samples.get(f"{name}/{count}"), "cpu_us"))
                                  for count in counts)]
                  for name in dict.fromkeys(name for name, _, _ in keys)])


# The sections: scenario, heading, what it is, its table.
SECTIONS = (
    ("message", "A message, window 1",
     "50 connections; each sends a line when the last reply is there.", cost),
    ("pipelined", "A message, window 16", "50 connections; 16 lines of each wait for replies.",
     cost),
    ("connection", "A connection", "Connect, greeting, a line, its reply, close; 50 at a time.",
     cost),
    ("instructions", "Instructions of user space",
     "Counted by callgrind; of a message, of a connection, and of a second when nothing happens.",
     instructions),
    ("idle", "Idle sessions",
     "15,000 greeted clients in one process; memory is the anonymous one of user space.", memory),
    ("talked", "Sessions that have talked", "The same, after one message of each.", memory),
    ("crowd", "50 that talk, alone and among 15,000", "Window 1; the others are silent.", crowd),
    ("tail", "Latency at half of the floor's rate",
     "Open loop: a message's time counts from when it was due, sent or not.", latency),
    ("workers", "Two workers against one", "50 connections, window 1. {placement}", workers),
    ("sharing", "What workers share",
     "Counted by callgrind: instructions that lock a cache line, without which nothing can be "
     "written by two threads. glibc marks a thread as cancellable by such an instruction, on the "
     "thread's own flags. A wake is of the loop, for however many messages.", sharing),
    ("watching", "Scrapes and listings",
     "15,000 sessions, of which 50 send 10,000 messages a second, open loop.", watching),
    ("outrun", "The client beside the floor",
     "One core each. On loopback a sender's core does the receiver's half as well; steered, the "
     "server's core receives, as a machine of its own would.", outrun),
    ("scale", "CPU a message against connections", "µs; all of them talk, window 1.", scale),
    ("rates", "Latency against rate", "Open loop, 50 connections.", latency),
)
PLOTS = {"scale": "cost", "rates": "latency"}


def targets(results):
    return table(["what", "target", "seen", ""],
                 [[verdict.what, verdict.target, verdict.seen, verdict.word()]
                  for verdict in verdicts(results)])


def measured(results):
    """The samples of each scenario that was measured."""
    return [results[name] for name, *_ in SECTIONS if results.get(name)]


def failed_rounds(samples):
    return sum(sample is None for taken in samples.values() for sample in taken)


def failures(samples):
    """What the reader must know about the samples of a scenario."""
    notes = []
    for key, taken in samples.items():
        lost = sum(sample is None for sample in taken)
        wrong = sum(sample["errors"] + sample["refused"] for sample in taken if sample)
        if lost:
            notes.append(f"{key}: {lost} of {len(taken)} rounds failed.")
        if wrong:
            notes.append(f"{key}: {wrong} operations failed.")
    return notes


def machine(results):
    placed = ("The server has one core and the client another, the same for all."
              if results["machine"]["cores"] > 1 else "Server and client share the one core.")
    return "\n\n".join([
        "## Machine", table(["", ""], [[key, str(value)]
                                       for key, value in results["machine"].items()]),
        placed, table(["program", "version"], list(map(list, results["versions"].items())))])


def code(lines, language="sh"):
    return "\n".join([f"```{language}", *lines, "```"])


def commands(results):
    """Those of the servers and of the load, with words in capitals for what differs."""
    started = [f"{command}  # TALK: {talk}" for command, talk in results["servers"].values()]
    load = [line for name, told in results["commands"].items() for line in (f"# {name}", *told)]
    config = json.dumps(GATEWAY_CONFIG, indent=1).splitlines()
    return "\n\n".join(["## Commands", code(started), "The gateway's `chatgate.yaml`, and its "
                        "`threads`: 1 acceptor, 1 worker:", code(config, "json"), "The load:",
                        code(load)])


def section(results, name, heading, what, form):
    placement = ("Server and client have two cores each." if results["machine"]["cores"] >= 4
                 else "Server and client share all cores.")
    parts = [f"## {heading}", what.format(placement=placement)]
    if name in PLOTS:
        parts.append(f"![{heading}](plots/{PLOTS[name]}.svg)")
    return "\n\n".join([*parts, form(results[name]), *failures(results[name])])


def tables(results):
    """What was measured, a section for each scenario."""
    return "\n\n".join(section(results, *rest) for rest in SECTIONS if results.get(rest[0]))


def text(results):
    """RESULTS.md, as far as it was measured."""
    quick = " Quick: an eighth of the time, 1,500 sessions." if results["quick"] else ""
    return "\n\n".join([
        INTRODUCTION.format(rounds=results["rounds"], quick=quick).rstrip(),
        "## Targets", targets(results),
        tables(results), machine(results), commands(results)]) + "\n"
