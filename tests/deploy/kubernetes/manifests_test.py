#!/usr/bin/env python3
"""What can be known of the manifests without a cluster."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import yaml

import faults
import rendering
import tools
from rendering import CHART, SOURCE, VARIANTS

PROGRAM = os.environ.get("CHATGATE") or SOURCE / "build/release/bin/chatgate"
JUDGES = ["structure.mjs", "values.mjs", "relations.mjs"]


def judge(texts):
    """{name: {judge: [finding]}} for texts of manifests by name; each judge is run once."""
    found = {name: {judge: [] for judge in JUDGES} for name in texts}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            pathlib.Path(folder, f"{name}.yaml").write_text(text)
        files = sorted(pathlib.Path(folder).iterdir())
        for one in JUDGES:
            for line in tools.run(one, *files).stdout.splitlines():
                finding = json.loads(line)
                found[pathlib.Path(finding["file"]).stem][one].append(finding)
    return found


def check(text, *options):
    """chatgate's own opinion of a rendering: its file, its variables, its grace."""
    every = rendering.objects(text)
    grace = rendering.pod_spec(every)["terminationGracePeriodSeconds"]
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "chatgate.yaml")
        file.write_text(rendering.configuration(every))
        variables = dict(rendering.variables(every))
        # Mounted where nothing is now; the check does not open it.
        return subprocess.run([PROGRAM, "check", "--config", file, "--termination-grace",
                               f"{grace}s", *options], env={**os.environ, **variables}, text=True,
                              capture_output=True, timeout=20, check=False)


class ManifestsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.kustomized = {name: rendering.kustomize(name) for name in VARIANTS}
        cls.charted = {name: rendering.helm(name) for name in VARIANTS}
        cls.all = {f"{kind}-{name}": text
                   for kind, texts in (("kustomize", cls.kustomized), ("helm", cls.charted))
                   for name, text in texts.items()}
        cls.faulty = {f"fault-{name}": fault.seed(cls.kustomized["production"])
                      for name, fault in faults.FAULTS.items()}
        cls.found = judge({**cls.all, **cls.faulty})

    def test_the_judges_find_nothing(self):
        # Variants with a token refer to a Secret that operators make.
        secret = {"object": "deployment/chatgate", "text": "LNK001: Unsatisfied resource link."}
        for name in self.all:
            found = [{key: finding[key] for key in ("object", "text")}
                     for findings in self.found[name].values() for finding in findings]
            expected = [secret] if name.endswith(("-token", "-node")) else []
            self.assertEqual(found, expected, name)

    def test_the_judges_find_every_seeded_fault(self):
        self.assertGreaterEqual(len(self.faulty), 10)
        for name, fault in faults.FAULTS.items():
            found = {one for one, findings in self.found[f"fault-{name}"].items() if findings}
            self.assertLessEqual(fault.finders, found, f"{name}: found by {found}")

    def test_no_judge_is_of_no_use(self):
        alone = [found.pop() for found in (
            {one for one, findings in self.found[name].items() if findings}
            for name in self.faulty) if len(found) == 1]
        self.assertEqual(set(alone), set(JUDGES))

    def test_the_gateway_accepts_its_configuration_and_its_grace(self):
        for name, text in self.all.items():
            result = check(text)
            self.assertEqual(result.returncode, 0, f"{name}: {result.stderr}")

    def test_a_grace_that_does_not_fit_the_drain_is_refused(self):
        text = self.kustomized["production"].replace("terminationGracePeriodSeconds: 70",
                                                     "terminationGracePeriodSeconds: 60")
        result = check(text)
        self.assertEqual(result.returncode, 78)
        self.assertIn("terminationGracePeriodSeconds must be 70", result.stderr)

    def test_chart_and_kustomize_make_the_same_objects(self):
        for name in VARIANTS:
            with self.subTest(name):
                self.assertEqual(rendering.comparable(self.charted[name]),
                                 rendering.comparable(self.kustomized[name]))

    def test_one_setting_chooses_how_addresses_arrive(self):
        for name, policy, mode in (("production", "Local", "enforce"),
                                   ("proxy", "Cluster", "enforce"), ("snat", "Cluster", "off")):
            for texts in (self.kustomized, self.charted):
                every = rendering.objects(texts[name])
                service = rendering.find(every, "Service")
                self.assertEqual(service["spec"]["externalTrafficPolicy"], policy)
                variables = rendering.variables(every)
                self.assertEqual(variables["CHATGATE__LIMITS__PER_SOURCE__MODE"], mode)
                self.assertEqual(variables.get("CHATGATE__LISTENERS__PUBLIC__PROXY_PROTOCOL"),
                                 "required" if name == "proxy" else None)

    def test_a_changed_configuration_has_a_new_name_unless_it_is_watched(self):
        change = ["--set", "config.timeouts.idle=16m"]
        for name, changes in (("production", True), ("watch", False)):
            before, after = (rendering.find(text, "ConfigMap")["metadata"]["name"] for text in (
                self.charted[name], rendering.helm(name, *change)))
            self.assertEqual(before != after, changes, name)
            text = rendering.find(self.kustomized[name], "ConfigMap")["metadata"]["name"]
            self.assertEqual(text != "chatgate", changes, name)

    def test_nothing_sleeps_before_a_stop(self):
        for name, text in self.all.items():
            self.assertNotIn("lifecycle", rendering.container(rendering.objects(text)), name)

    def test_the_chart_computes_the_grace(self):
        for deadline, grace in (("60s", 70), ("1m30s", 100), ("2h", 7210), ("1h1m1s", 3671)):
            text = rendering.helm("production", "--set", f"config.drain.deadline={deadline}")
            every = rendering.objects(text)
            self.assertEqual(rendering.pod_spec(every)["terminationGracePeriodSeconds"], grace)
            self.assertEqual(check(text).returncode, 0, deadline)
        every = rendering.objects(rendering.helm("production", "--set", "config.drain=null"))
        self.assertEqual(rendering.pod_spec(every)["terminationGracePeriodSeconds"], 30)


class ChartTest(unittest.TestCase):
    def test_helm_lint_finds_nothing(self):
        for values in ("values.yaml", "values-development.yaml"):
            told = tools.run("helm", "lint", "--strict", CHART, "--values", CHART / values)
            self.assertIn("0 chart(s) failed", told.stdout)

    def test_the_schema_refuses_what_makes_no_sense(self):
        for values, told in (("clientIP=none", "clientIP"), ("clientIP=proxy", "proxyTrusted"),
                             ("replica=3", "replica"), ("config.drain.deadline=1500ms", "deadline"),
                             ("clientIP=local,service.type=ClusterIP", "service"),
                             ("resources.limits.memory=1GB", "memory"),
                             ("config.admin.address=127.0.0.1:80", "admin")):
            result = tools.run("helm", "template", "chatgate", CHART, "--set", values, check=False)
            self.assertNotEqual(result.returncode, 0, values)
            self.assertIn(told, result.stderr, values)

    def test_the_schema_has_every_value_with_its_default(self):
        schema = json.loads((CHART / "values.schema.json").read_text())
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        self.assertEqual(set(values), set(schema["properties"]) - {"global"})

    def test_the_notes_tell_how_to_connect(self):
        for kind, told in (("LoadBalancer", 'nc "$address" 1935'), ("NodePort", 'nc "$address"')):
            notes = tools.run("helm", "install", "chatgate", CHART, "--dry-run=client", "--set",
                              f"service.type={kind}", "--namespace", "chat").stdout
            self.assertIn(told, notes.partition("NOTES:")[2])

    def test_chart_and_project_have_the_same_version(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        project = (SOURCE / "CMakeLists.txt").read_text()
        self.assertIn(f"project(chatgate VERSION {chart['appVersion']} ", project)
        base = yaml.safe_load((rendering.MANIFESTS / "base/kustomization.yaml").read_text())
        self.assertEqual(base["images"][0]["newTag"], chart["appVersion"])


class AutoscalingTest(unittest.TestCase):
    def test_the_adapter_gives_the_metric_that_the_autoscaler_wants(self):
        adapter = rendering.MANIFESTS / "monitoring/prometheus-adapter.yaml"
        rule = yaml.safe_load(adapter.read_text())["rules"][0]
        autoscaler = rendering.find(rendering.helm("production"), "HorizontalPodAutoscaler")
        metric = autoscaler["spec"]["metrics"][0]["pods"]["metric"]["name"]
        self.assertEqual(rule["name"]["as"], metric)
        query = rule["metricsQuery"].replace("<<.LabelMatchers>>", 'namespace="chat",pod=~"a|b"')
        tests = {
            "rule_files": ["rules.yaml"],
            "tests": [{
                "interval": "1m",
                "input_series": [
                    {"series": f'chatgate_global_connections_{name}'
                               f'{{namespace="chat",pod="{pod}"}}', "values": f"{value}x5"}
                    for name, pod, value in (("open", "a", 7000), ("limit", "a", 10000),
                                             ("open", "b", 10), ("limit", "b", 40))],
                "promql_expr_test": [{"expr": metric, "eval_time": "1m", "exp_samples": [
                    {"labels": f'{metric}{{pod="{pod}"}}', "value": value}
                    for pod, value in (("a", 0.7), ("b", 0.25))]}],
            }],
        }
        rules = {"groups": [{"name": "adapter", "rules": [
            {"record": metric, "expr": query.replace("<<.GroupBy>>", "pod")}]}]}
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("rules.yaml", rules), ("tests.yaml", tests)):
                pathlib.Path(folder, name).write_text(yaml.safe_dump(content))
            result = subprocess.run(["promtool", "test", "rules", "tests.yaml"], cwd=folder,
                                    text=True, capture_output=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        metrics = (SOURCE / "service/src/gateway_metrics.cc").read_text()
        for name in ("chatgate_global_connections_open", "chatgate_global_connections_limit"):
            self.assertIn(f'"{name}"', metrics)


if __name__ == "__main__":
    unittest.main(verbosity=2)
