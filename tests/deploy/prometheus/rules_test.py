#!/usr/bin/env python3
"""The rules of deploy/prometheus: what promtool says, that each alert is tested both ways and leads
to its part of the runbook, and that a gateway exposes what they ask for."""

import re
import subprocess
import sys
import unittest

import yaml

import promql

sys.path.insert(0, str(promql.SOURCE / "tests/e2e"))
from client import Client  # noqa: E402
from gateway import Gateway  # noqa: E402

CASES = sorted(promql.SOURCE.glob("tests/deploy/prometheus/*.test.yaml"))
RUNBOOK = "deploy/README.md"
SEVERITIES = {"critical", "warning"}


def run(*command):
    """Fails with what the program said."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}"
    return result.stdout


def anchors(document):
    """Of its headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"(?ms)^```.*?^```$", "", document), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def expectations():
    """(alert, severities that a case expects to fire) of each case."""
    for file in CASES:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test.get("alert_rule_test", []):
                fires = {alert["exp_labels"]["severity"] for alert in case.get("exp_alerts", [])}
                yield case["alertname"], fires


class RulesTest(unittest.TestCase):
    def test_prometheus_takes_the_example_and_its_rules(self):
        run("promtool", "check", "config", promql.DEPLOY / "prometheus/prometheus.yaml")
        run("promtool", "check", "rules", *promql.RULE_FILES)

    def test_the_example_names_every_file_of_rules(self):
        example = yaml.safe_load((promql.DEPLOY / "prometheus/prometheus.yaml").read_text())
        self.assertEqual(sorted(example["rule_files"]), [file.name for file in promql.RULE_FILES])

    def test_alertmanager_takes_the_example(self):
        run("amtool", "check-config", promql.DEPLOY / "prometheus/alertmanager.yaml")

    def test_every_case_holds(self):
        run("promtool", "test", "rules", *CASES)

    def test_every_alert_has_a_case_that_fires_and_one_that_does_not(self):
        cases = list(expectations())
        for rule in promql.alerts():
            name, severity = rule["alert"], rule["labels"]["severity"]
            fires = [severity in fires for alert, fires in cases if alert == name]
            self.assertEqual({True, False}, set(fires), f"cases of {name}, {severity}")

    def test_there_are_alerts_enough_and_each_says_how_bad_it_is(self):
        alerts = promql.alerts()
        self.assertGreaterEqual(len({rule["alert"] for rule in alerts}), 12)
        self.assertEqual({rule["labels"]["severity"] for rule in alerts}, SEVERITIES)
        pairs = [(rule["alert"], rule["labels"]["severity"]) for rule in alerts]
        self.assertEqual(len(pairs), len(set(pairs)))

    def test_every_summary_is_a_sentence_with_what_is_concerned(self):
        for rule in promql.alerts():
            summary = rule["annotations"]["summary"]
            self.assertRegex(summary, r"\$labels\.(instance|job)", rule["alert"])
            self.assertTrue(summary.endswith("."), summary)

    def test_every_alert_leads_to_its_heading_in_the_runbook(self):
        headings = anchors((promql.SOURCE / RUNBOOK).read_text())
        self.assertEqual(sorted(headings), sorted(set(headings)), "headings with the same anchor")
        for rule in promql.alerts():
            link = rule["annotations"]["runbook_url"]
            path, _, anchor = link.rpartition("}}")[2].partition("#")
            self.assertEqual((path, anchor), (RUNBOOK, rule["alert"].lower()))
            self.assertIn(anchor, headings)

    def test_every_alert_in_the_runbook_is_one(self):
        written = re.findall(r"^#+ (Chatgate\w+)$", (promql.SOURCE / RUNBOOK).read_text(),
                             re.MULTILINE)
        self.assertEqual(set(written), {rule["alert"] for rule in promql.alerts()})

    def test_a_gateway_exposes_what_the_rules_ask_for(self):
        with Gateway() as gateway:
            with Client(gateway.address()) as client:
                client.line()
            metrics = gateway.metrics()
        asked = [(rule.get("alert") or rule["record"], selector)
                 for rule in promql.rules() for selector in promql.selectors(rule["expr"])]
        self.assertGreater(len(asked), 50)
        for name, selector in asked:
            if selector.is_recorded:
                self.assertIn(selector.name, promql.recorded(), name)
                continue
            found = [labels for labels, _ in metrics.matching(selector.name)
                     if selector.selects(labels)]
            self.assertTrue(found, f"{name}: no series is {selector}")

    def test_every_recorded_series_is_asked_for_by_an_alert_or_the_dashboard(self):
        asked = (promql.DEPLOY / "grafana/chatgate.json").read_text()
        asked += "".join(rule["expr"] for rule in promql.alerts())
        self.assertEqual([name for name in promql.recorded() if name not in asked], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
