"""What the gateway must reach, and whether it did: one function for each line of the table."""

import dataclasses

from figures import Figure, of, ratio

GATEWAY, FLOOR = "chatgate", "floor"
INSTRUCTIONS_MOST = 600


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One target: what was asked, what was seen, and whether that meets it (None: not measured)."""
    what: str
    target: str
    seen: str
    met: bool | None

    def word(self):
        return {True: "met", False: "MISSED", None: "not measured"}[self.met]


def bounded(what, target, figure, most, digits=2, unit=""):
    """The verdict on a figure whose median may be `most`."""
    if figure is None:
        return Verdict(what, target, "–", None)
    return Verdict(what, target, figure.text(digits) + unit, figure.median <= most)


def cost_ratio(results, scenario, most, what):
    samples = results.get(scenario, {})
    return bounded(what, f"≤ {most:.2f} × the epoll floor",
                   of(samples.get(FLOOR), "gateway_share"), most, unit=" ×")


def below(results, scenario, what, peers=None):
    """The verdict on being cheaper than the cheapest peer."""
    samples = results.get(scenario, {})
    shares = {name: of(samples[name], "gateway_share") for name in samples
              if name not in (FLOOR, "floor_uring") and (peers is None or name in peers)}
    shares = {name: figure for name, figure in shares.items() if figure}
    target = f"below {'every peer' if peers is None else ', '.join(peers)}"
    if not shares or (peers and set(peers) - set(shares)):
        return Verdict(what, target, "–", None)
    cheapest = max(shares, key=lambda name: shares[name].median)
    return Verdict(what, target, f"{shares[cheapest].text()} × {cheapest}",
                   shares[cheapest].median < 1)


def messages(results):
    one, many = "CPU a message, window 1", "CPU a message, window 16"
    yield cost_ratio(results, "message", 1.10, one)
    yield below(results, "message", one)
    yield cost_ratio(results, "pipelined", 1.25, many)
    yield below(results, "pipelined", many, ["redis", "memcached", "nats"])


def connections(results):
    what = "CPU a connection"
    yield cost_ratio(results, "connection", 1.20, what)
    yield below(results, "connection", what, ["redis", "memcached"])


def instructions(results):
    samples = results.get("instructions", {})
    yield bounded("instructions of user space a message, window 1", f"≤ {INSTRUCTIONS_MOST}",
                  of(samples.get(GATEWAY), "message, window 1"), INSTRUCTIONS_MOST, 0)


def memory(results):
    for scenario, most, what in (("idle", 512, "memory of an idle session"),
                                 ("talked", 640, "memory of a session that has talked")):
        samples = results.get(scenario, {}).get(GATEWAY)
        yield bounded(what, f"≤ {most} bytes", of(samples, "bytes_per_connection"), most, 0,
                      " bytes")
        left = [{"left": sample["anon_bytes_after"] / sample["anon_bytes_before"]}
                for sample in samples or [] if sample]
        yield bounded(f"{what}, after all have left", "≤ 1.10 × the start", of(left, "left"), 1.10,
                      unit=" ×")


def crowd(results):
    samples = results.get("crowd", {})
    yield bounded("CPU a message of 50 among 15,000", "≤ 1.05 × that of 50 alone",
                  ratio(samples.get(f"{GATEWAY}/crowd"), samples.get(f"{GATEWAY}/alone"),
                        "cpu_us"), 1.05, unit=" ×")


def tail(results):
    samples = results.get("tail", {})
    yield bounded("p99.9 at half of the floor's rate", "≤ 1.25 × the floor's",
                  ratio(samples.get(f"{GATEWAY}/50"), samples.get(f"{FLOOR}/50"), "p999_us"), 1.25,
                  unit=" ×")


def workers(results):
    """Twice the worker is twice the messages only where there are cores for both and the client.

    Where there are not, all share what there is: then two workers must reach nine tenths of what
    the cores allow, at the CPU that one worker and the client need for a message.
    """
    samples = results.get("workers", {})
    one, two = samples.get(f"{GATEWAY}/1"), samples.get(f"{GATEWAY}/2")
    speedup = ratio(two, one, "per_second")
    what, cores = "two workers against one", results["machine"]["cores"]
    if speedup is None or cores >= 4:
        enough = None if speedup is None else speedup.median >= 1.8
        yield Verdict(what, "≥ 1.80 × the messages a second", seen(speedup), enough)
        return
    allowed = [{"share": after["per_second"] * (before["cpu_us"] + before["client_cpu_us"])
                / (cores * 1e6)} for before, after in zip(one, two) if before and after]
    share = of(allowed, "share")
    yield Verdict(what, f"≥ 0.90 of what {cores} cores allow, the client's work included",
                  f"{seen(share)} of it, {seen(speedup)} the messages a second",
                  share.median >= 0.9)
    yield bounded("CPU a message, two workers against one", "≤ 1.10 ×",
                  ratio(two, one, "cpu_us"), 1.10, unit=" ×")


def sharing(results):
    """What callgrind counts in the place of cores that are not there."""
    samples = results.get("sharing", {})
    one, two = samples.get(f"{GATEWAY}/1"), samples.get(f"{GATEWAY}/2")
    yield bounded("instructions a message, two workers against one", "≤ 1.02 ×",
                  ratio(two, one, "instructions_a_message"), 1.02, unit=" ×")
    yield bounded("locked instructions a message, two workers", "none (< 0.1) but the thread's own",
                  of(two, "locked_other_a_message"), 0.1)


def seen(figure: Figure | None):
    return "–" if figure is None else f"{figure.text()} ×"


def watching(results):
    samples = results.get("watching", {})
    quiet = samples.get(f"{GATEWAY}/quiet")
    for key, path, most in (("metrics", "/metrics", 5), ("connections", "/connections", 20)):
        watched = samples.get(f"{GATEWAY}/{key}")
        yield bounded(f"{path} with 15,000 sessions", f"≤ {most} ms", of(watched, "answer_ms"),
                      most, 2, " ms")
    scraped = samples.get(f"{GATEWAY}/metrics")
    before, after = of(quiet, "p99_us"), of(scraped, "p99_us")
    yield Verdict("p99 of messages while /metrics is scraped", "within the spread without",
                  "–" if not (before and after) else
                  f"{after.text(0)} µs; without {before.text(0)} µs",
                  None if not (before and after) else after.median <= before.most)
    listed = samples.get(f"{GATEWAY}/connections")
    # Whoever holds a worker holds up the messages that are due meanwhile, 10 in each millisecond.
    held = [{"ms": (one["max_us"] - other["max_us"]) / 1000}
            for one, other in zip(listed or [], quiet or []) if one and other]
    yield bounded("slowest message while /connections is asked for", "≤ 5 ms over that without",
                  of(held, "ms"), 5, unit=" ms")


def outrun(results):
    """The client is as fast as the faster floor shows it."""
    samples = results.get("outrun", {})
    for load in ("message", "connection"):
        figure = ratio(samples.get(f"{FLOOR}/{load}, steered"),
                       samples.get(f"floor_uring/{load}, steered"), "cpu_us", "client_cpu_us")
        yield Verdict(f"the client's rate, {load}", "≥ 1.50 × the floor's", seen(figure),
                      None if figure is None else figure.median >= 1.5)


def verdicts(results):
    """Of all targets, in the order of the table."""
    return [verdict for part in (messages, connections, instructions, memory, crowd, tail, workers,
                                 sharing, watching, outrun)
            for verdict in part(results)]
