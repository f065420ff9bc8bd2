"""What scripts/bench runs: measures the scenarios, writes the results, and says what they show."""

import argparse
import json
import os
import pathlib
import signal
import sys

import counted
import machine
import outrun
import plots
import report
import scenarios
import servers
import sharing
import targets
import watching
from processes import raise_descriptor_limit
from rounds import Progress, run

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = {function.__name__: function for function in (
    scenarios.message, scenarios.pipelined, scenarios.connection,
    counted.instructions, scenarios.idle,
    scenarios.talked, scenarios.crowd, scenarios.tail, scenarios.workers, sharing.sharing,
    watching.watching, outrun.outrun, scenarios.scale, scenarios.rates)}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help=f"what to measure: {' '.join(SCENARIOS)} (all)")
    parser.add_argument("--quick", action="store_true",
                        help="an eighth of the time, 1,500 sessions instead of 15,000")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="5")
    parser.add_argument("--servers", metavar="A,B", default=",".join(servers.KINDS),
                        help=f"who takes part: {','.join(servers.KINDS)} (all)")
    parser.add_argument("--no-write", action="store_true",
                        help="leave RESULTS.md, results.json and the plots as they are")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all samples there")
    parser.add_argument("--report-only", action="store_true",
                        help="measure nothing: write RESULTS.md and the plots from results.json")
    parser.add_argument("--check-targets", action="store_true", help="exit with 1 if one is missed")
    parser.add_argument("--programs", type=pathlib.Path, metavar="DIR", required=True,
                        help="where chatgate, floor, floor_uring and asio_chat are")
    options = parser.parse_args(arguments)
    unknown = ([f"scenario {name}" for name in options.scenarios if name not in SCENARIOS]
               + [f"server {name}" for name in options.servers.split(",")
                  if name not in servers.KINDS])
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if options.report_only and not (HERE / "results.json").exists():
        parser.error("--report-only: there is no results.json yet; a full run writes it")
    if not options.report_only and not os.access(options.programs / "chatgate", os.X_OK):
        parser.error(f"{options.programs / 'chatgate'} is not there: build it first")
    return options


def measure(options):
    """Runs the scenarios; returns what report.py takes: {"machine", "versions", scenario: ...}."""
    bench = scenarios.Bench(
        programs=options.programs.resolve(), rounds=options.rounds, quick=options.quick,
        kinds=[servers.KINDS[name] for name in options.servers.split(",")])
    # The client's core: what measures must not wake up on the server's.
    os.sched_setaffinity(0, scenarios.Placement.of_this_machine().client)
    plans = [SCENARIOS[name](bench) for name in options.scenarios or SCENARIOS]
    progress = Progress(plans)
    results = {"machine": machine.description(), "versions": machine.versions(bench.programs),
               "rounds": options.rounds, "quick": options.quick}
    for plan in plans:
        results[plan.name] = run(plan, progress)
    results["servers"] = bench.started
    results["commands"] = {name: sorted(told) for name, told in bench.commands.items()}
    return results


def samples_text(results):
    """Results as JSON: a line for each list of samples, whose numbers have five digits."""
    def rounded(value):
        if isinstance(value, dict):
            return {key: rounded(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [rounded(inner) for inner in value]
        return float(f"{value:.5g}") if isinstance(value, float) else value

    def line(value):
        return json.dumps(rounded(value), ensure_ascii=False, separators=(",", ":"))

    def block(value):
        if not isinstance(value, dict):
            return line(value)
        return "{\n" + ",\n".join(f"{line(key)}:{line(inner)}"
                                  for key, inner in value.items()) + "}"

    return "{\n" + ",\n".join(f"{line(key)}:{block(value)}"
                              for key, value in results.items()) + "}\n"


def write(results):
    """RESULTS.md and the plots, and the samples that they can be made from again."""
    (HERE / "results.json").write_text(samples_text(results))
    (HERE / "RESULTS.md").write_text(report.text(results))
    plots.draw(results, HERE / "plots")


def say(results):
    """Tables and targets, for who waits at the terminal. Returns whether no target is missed."""
    print(report.tables(results), end="\n\n")
    verdicts = [verdict for verdict in targets.verdicts(results) if verdict.met is not None]
    for verdict in verdicts:
        print(f"{verdict.word():7} {verdict.what}: {verdict.seen} (target: {verdict.target})")
    return all(verdict.met for verdict in verdicts)


def main(arguments):
    options = parse(arguments)
    # So that what is running is stopped and cleared away, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.report_only:
        results = json.loads((HERE / "results.json").read_text())
    else:
        raise_descriptor_limit()
        results = measure(options)
    if options.json:
        options.json.write_text(samples_text(results))
    is_whole = not (options.scenarios or options.quick)
    if options.report_only or (is_whole and not options.no_write):
        write(results)
    passed = say(results)
    if failed := sum(map(report.failed_rounds, report.measured(results))):
        print(f"{failed} measurements failed", file=sys.stderr)
        return 1
    return 1 if options.check_targets and not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
