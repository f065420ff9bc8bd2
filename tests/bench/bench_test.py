#!/usr/bin/env python3
"""The figures, verdicts, tables and plots of the bench, from samples made up here.

usage: bench_test.py [unittest arguments]; one test needs gnuplot, and is skipped without it.
"""

import contextlib
import io
import json
import pathlib
import re
import shutil
import tempfile
import time
import unittest

import figures
import load
import plots
import report
import rounds
import servers
import sharing
import targets
import watching
from processes import Failure, running

MACHINE = {"processor": "one", "cores": 2, "memory": "8.0 GiB", "kernel": "6", "system": "Debian"}


def results(**scenarios):
    return {"machine": MACHINE, "versions": {}, "rounds": 2, "quick": False, "servers": {},
            "commands": {}, **scenarios}


def costs(**servers_costs):
    return {name: [{"cpu_us": cost, "errors": 0, "refused": 0} for cost in taken]
            for name, taken in servers_costs.items()}


def verdict(given, what, target=""):
    found = [one for one in targets.verdicts(given) if one.what == what and target in one.target]
    assert len(found) == 1, f"{len(found)} verdicts on {what}"
    return found[0]


class FiguresTest(unittest.TestCase):
    def test_medians_with_their_spread(self):
        self.assertEqual(figures.of([{"a": 3}, {"a": 1}, {"a": 2}], "a"),
                         figures.Figure(2, 1, 3, 3))

    def test_leaves_out_rounds_that_failed_or_lack_the_number(self):
        self.assertEqual(figures.of([None, {"a": 1}, {"a": None}, {}], "a").rounds, 1)
        self.assertIsNone(figures.of([None], "a"))
        self.assertIsNone(figures.of(None, "a"))

    def test_takes_ratios_within_a_round_not_of_medians(self):
        # The second round is slow for both: medians would say 12 / 10 or worse.
        ours, floor = [{"a": 11}, {"a": 44}, {"a": 12}], [{"a": 10}, {"a": 40}, {"a": 10}]
        self.assertEqual(figures.ratio(ours, floor, "a"), figures.Figure(1.1, 1.1, 1.2, 3))

    def test_takes_ratios_of_rounds_that_both_have(self):
        self.assertEqual(figures.ratio([{"a": 1}, None, {"a": 9}], [{"a": 2}, {"a": 2}], "a"),
                         figures.Figure(0.5, 0.5, 0.5, 1))
        self.assertIsNone(figures.ratio([{"a": 1}], [{"a": 0}], "a"))
        self.assertEqual(figures.ratio([{"a": 3}], [{"a": 1, "b": 2}], "a", "b").median, 1.5)

    def test_says_the_spread_only_of_several_rounds(self):
        self.assertEqual(figures.Figure(1234.5, 1, 2000, 3).text(1), "1,234.5 (1.0–2,000.0)")
        self.assertEqual(figures.Figure(1.25, 1.25, 1.25, 1).text(), "1.25")
        self.assertEqual(figures.Figure(-0.001, -0.002, 0.001, 3).text(), "0.00")


class TargetsTest(unittest.TestCase):
    def test_a_median_at_the_bound_meets_it_and_above_does_not(self):
        def beside(*shares):
            return results(message={"floor": [{"gateway_share": share} for share in shares]})
        at, above = beside(1.1, 1.0, 5.0), beside(1.11, 1.0, 5.0)
        self.assertIs(verdict(at, "CPU a message, window 1", "floor").met, True)
        self.assertIs(verdict(above, "CPU a message, window 1", "floor").met, False)

    def test_what_was_not_measured_is_neither_met_nor_missed(self):
        self.assertEqual({one.met for one in targets.verdicts(results())}, {None})

    def test_is_below_peers_only_when_below_the_cheapest(self):
        what = "CPU a message, window 1"
        def shares(**given):
            return {name: [{"gateway_share": share}] for name, share in given.items()}
        cheap = results(message=shares(redis=0.5, go=0.98))
        dear = results(message=shares(redis=0.5, go=1.02))
        self.assertIs(verdict(cheap, what, "peer").met, True)
        self.assertIs(verdict(dear, what, "peer").met, False)
        self.assertEqual(verdict(dear, what, "peer").seen, "1.02 × go")

    def test_asks_for_every_peer_that_a_target_names(self):
        without = results(connection={"redis": [{"gateway_share": 0.5}]})
        self.assertIsNone(verdict(without, "CPU a connection", "below").met)

    def test_memory_must_come_back(self):
        sample = {"bytes_per_connection": 500, "anon_bytes_before": 100, "anon_bytes_after": 111,
                  "errors": 0, "refused": 0}
        given = results(idle={"chatgate": [sample]})
        self.assertIs(verdict(given, "memory of an idle session").met, True)
        self.assertIs(verdict(given, "memory of an idle session, after all have left").met, False)

    def test_two_workers_on_few_cores_are_held_to_what_the_cores_allow(self):
        def worker(rate, cpu):
            return {"per_second": rate, "cpu_us": cpu, "client_cpu_us": 4.0}
        # Two cores make 200,000 messages a second of 6 + 4 us.
        samples = {"chatgate/1": [worker(150_000, 6.0)], "chatgate/2": [worker(190_000, 6.3)]}
        what = "two workers against one"
        self.assertIs(verdict(results(workers=samples), what).met, True)
        samples["chatgate/2"] = [worker(170_000, 6.3)]
        self.assertIs(verdict(results(workers=samples), what).met, False)

    def test_a_listing_may_not_hold_a_worker_longer_than_the_machine_does_anyway(self):
        def slowest(**us):
            return {f"chatgate/{name}": [{"max_us": most} for most in taken]
                    for name, taken in us.items()}
        what = "slowest message while /connections is asked for"
        noisy = slowest(quiet=[20_000, 1_000, 9_000], connections=[21_000, 3_000, 30_000])
        self.assertIs(verdict(results(watching=noisy), what).met, True)
        held = slowest(quiet=[1_000, 1_000, 1_000], connections=[7_000, 7_000, 1_000])
        self.assertIs(verdict(results(watching=held), what).met, False)

    def test_two_workers_on_enough_cores_double_the_messages(self):
        samples = {"chatgate/1": [{"per_second": 100}], "chatgate/2": [{"per_second": 179}]}
        given = {**results(workers=samples), "machine": {**MACHINE, "cores": 4}}
        self.assertIs(verdict(given, "two workers against one").met, False)


class LoadTest(unittest.TestCase):
    REPORT = {"operations": 10, "per_second": 5.0, "errors": 0, "refused": 0,
              "latency_us": dict.fromkeys(("p50", "p90", "p99", "p999", "max"), 7.0),
              "mode": "message", "server": {"cpu_us_per_operation": 3.0},
              "client": {"cpu_us_per_operation": 2.0}}

    def test_makes_a_flat_sample_of_a_report(self):
        sample = load.flat(self.REPORT)
        self.assertEqual((sample["cpu_us"], sample["p999_us"], sample["client_cpu_us"],
                          sample["user_us"]), (3.0, 7.0, 2.0, None))
        self.assertNotIn("bytes_per_connection", sample)

    def test_memory_is_that_of_a_crowd_that_stands_there(self):
        server = {**dict.fromkeys(load.MEMORY, 1), "bytes_per_connection": 99}
        sample = load.flat({**self.REPORT, "mode": "idle", "server": server})
        self.assertEqual(sample["bytes_per_connection"], 99)

    def test_a_load_that_did_nothing_has_failed(self):
        with self.assertRaises(Failure):
            load.flat({**self.REPORT, "operations": 0})

    def test_reads_a_series_by_its_labels(self):
        text = ('# HELP a_count x\na_count{worker="0"} 3\na_count{worker="1"} 4\n'
                'a_bucket{worker="0",le="0.005"} 2\na_bucket{worker="0",le="0.0050"} 9\na 1\n')
        self.assertEqual(watching.series(text, "a_count"), 7)
        self.assertEqual(watching.series(text, "a_bucket", le="0.005"), 2)
        self.assertEqual(watching.series(text, "a"), 1)


class SharingTest(unittest.TestCase):
    def test_finds_instructions_that_lock_a_cache_line(self):
        lines = {"  4a1f0:\tlock cmpxchg %ecx,(%rdi)": True, "  4a1f1:\txchg   %al,0x8(%rdi)": True,
                 "  4a1f2:\txchg   %ax,%ax": False, "  4a1f3:\tcmpxchg %ecx,(%rdi)": False,
                 "00000000004a1f4 <lock>:": False, "  4a1f5:\tcall   1 <lock (x)>": False}
        for line, locks in lines.items():
            self.assertEqual(bool(sharing.LOCKED.match(line)), locks, line)

    def test_tells_what_a_message_adds_from_what_a_wake_costs(self):
        def counted(clients):
            idle = sharing.Count(2.0, 1000, 10, 20)
            return sharing.Count(1.0, 500 + sharing.ROUNDS * (100 + 7 * clients),
                                 5 + sharing.ROUNDS * 2 * clients,
                                 10 + sharing.ROUNDS * 3).without(idle)
        self.assertEqual(sharing.sample(counted(sharing.FEW), counted(sharing.MANY)), {
            "instructions_a_message": 7, "locked_own_a_message": 2, "locked_other_a_message": 0,
            "locked_other_a_round": 3})


class ProcessesTest(unittest.TestCase):
    def test_ends_what_it_started_and_what_that_started(self):
        with running(["sh", "-c", "sleep 1000 & echo $!; wait"], load.CORES) as process:
            child = process.wait_for(
                lambda: (re.match(r"(\d+)\n", process.text()) or [None])[0], "sh").strip()
            self.assertTrue(self.is_running(child))
        deadline = time.monotonic() + 20
        while self.is_running(child):
            self.assertLess(time.monotonic(), deadline, f"{child} still runs")
            time.sleep(0.01)

    @staticmethod
    def is_running(pid):
        try:
            return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            return False

    def test_says_why_a_server_did_not_start(self):
        with (running(["sh", "-c", "echo no such thing; exit 3"], load.CORES) as process,
              self.assertRaisesRegex(Failure, "it ended with 3\nno such thing")):
            process.wait_for(lambda: None, "sh")

    def test_shows_commands_without_folders_and_ports(self):
        with running(["/bin/echo", "EXEC:/a/b/c.sh", "--port=4711", "a b"], load.CORES,
                     environment={"A": "1"}) as process:
            self.assertEqual(process.shown(4711), "A=1 echo EXEC:c.sh --port=PORT 'a b'")


class RoundsTest(unittest.TestCase):
    def run_plan(self, variants, count):
        plan = rounds.Plan("plan", variants, count)
        with contextlib.redirect_stderr(io.StringIO()) as said:
            return rounds.run(plan, rounds.Progress([plan])), said.getvalue()

    def test_takes_turns(self):
        order = []
        variants = [rounds.Variant(key, 1, lambda key=key: order.append(key) or {"cpu_us": 1.0})
                    for key in "ab"]
        samples, _ = self.run_plan(variants, 3)
        self.assertEqual(order, ["a", "b", "b", "a", "a", "b"])
        self.assertEqual(samples["a"], [{"cpu_us": 1.0}] * 3)

    def test_goes_on_after_a_failure_and_keeps_its_place(self):
        outcomes = iter([{"a": 1}, Failure("broken"), {"a": 3}])

        def measure():
            outcome = next(outcomes)
            if isinstance(outcome, Failure):
                raise outcome
            return outcome
        samples, said = self.run_plan([rounds.Variant("a", 1, measure)], 3)
        self.assertEqual(samples["a"], [{"a": 1}, None, {"a": 3}])
        self.assertIn("FAILED: broken", said)

    def test_leaves_a_variant_out_of_later_rounds(self):
        variants = [rounds.Variant("few", 1, lambda: {}, 1), rounds.Variant("all", 1, lambda: {})]
        samples, _ = self.run_plan(variants, 3)
        self.assertEqual([len(taken) for taken in samples.values()], [1, 3])


class ReportTest(unittest.TestCase):
    SAMPLE = {"cpu_us": 2.0, "p50_us": 10, "p99_us": 20, "p999_us": 30, "max_us": 99, "rate": 1000,
              "per_second": 5, "errors": 0, "refused": 0}

    def test_every_server_has_a_row_and_every_failure_a_line(self):
        samples = {name: [self.SAMPLE, None] for name in servers.KINDS}
        text = report.text(results(message=samples))
        for kind in servers.KINDS.values():
            self.assertIn("| **chatgate** |" if kind.name == "chatgate" else f"| {kind.says} |",
                          text)
        self.assertIn("redis: 1 of 2 rounds failed.", text)

    def test_every_scenario_has_a_section(self):
        import bench
        self.assertEqual(set(bench.SCENARIOS), {section[0] for section in report.SECTIONS})

    def test_results_come_back_from_their_file(self):
        import bench
        given = results(message={"floor": [{"cpu_us": 1.25, "errors": 3}, None]},
                        commands={"message": ["chatgate bench"]})
        self.assertEqual(json.loads(bench.samples_text(given)), given)

    @unittest.skipUnless(shutil.which("gnuplot"), "no gnuplot here")
    def test_draws_both_plots(self):
        given = results(
            scale={f"{name}/{count}": [self.SAMPLE] for name in ("floor", "chatgate")
                   for count in (1, 50)},
            rates={f"{name}/{percent}": [self.SAMPLE] for name in ("floor", "chatgate")
                   for percent in (10, 90)})
        with tempfile.TemporaryDirectory() as folder:
            drawn = plots.draw(given, pathlib.Path(folder))
            self.assertEqual(drawn, ["cost.svg", "latency.svg"])
            for name in drawn:
                text = (pathlib.Path(folder) / name).read_text()
                self.assertIn("epoll floor", text)
                self.assertTrue(text.rstrip().endswith("</svg>"))


if __name__ == "__main__":
    unittest.main()
