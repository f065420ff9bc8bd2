#!/usr/bin/env python3
"""The dashboard: made by its script, typed against Grafana's schema, complete in what it says of
itself, and every query of it answered by a Prometheus that scrapes gateways under load."""

import math
import pathlib
import re
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import npm_modules  # noqa: E402
from shown import DASHBOARD, GRAFANA, PANELS, ROWS, SECONDS, shown  # noqa: E402
from stage import Stage  # noqa: E402

import promql  # noqa: E402 (beside the rules, where stage looks)

# Panels that are right to show nothing but zero: the stage does not break the machine.
STILL = {"Accept errors"}

# Units of Grafana's that ours are (packages/grafana-data/src/valueFormats/categories.ts), and
# words of our own.
UNITS = {"percentunit", "none", "short", "cps", "Bps", "bytes", "s", "dtdurations"}


class StaticTest(unittest.TestCase):
    def test_the_file_is_what_the_script_makes(self):
        subprocess.run([sys.executable, GRAFANA / "dashboard.py", "--check"], check=True)

    def test_it_is_of_the_types_that_grafana_publishes(self):
        result = self.check_types(GRAFANA / "chatgate.json")
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))

    def test_the_types_find_a_misspelt_key(self):
        spoilt = (GRAFANA / "chatgate.json").read_text()
        spoilt = spoilt.replace('"fillOpacity"', '"fillOpacty"')
        spoilt = spoilt.replace('"showUnfilled"', '"showUnfiled"')
        file = pathlib.Path(self.enterContext(npm_modules.folder())) / "spoilt.json"
        file.write_text(spoilt)
        result = self.check_types(file)
        self.assertEqual(result.returncode, 1)
        self.assertIn("fillOpacty", result.stdout)
        self.assertIn("showUnfiled", result.stdout)

    def check_types(self, file):
        modules = npm_modules.installed(HERE / "schema")
        return subprocess.run(["node", HERE / "schema/check.mjs", file, modules], timeout=300,
                              capture_output=True, text=True, check=False)

    def test_every_panel_says_what_it_shows_and_in_which_unit(self):
        for panel in PANELS:
            title = panel["title"]
            self.assertTrue(re.match(r".{20,}\.$", panel["description"]), title)
            unit = panel["fieldConfig"]["defaults"]["unit"]
            self.assertTrue(unit in UNITS or unit in {"cores", "suffix:×"}, f"{title}: {unit}")
            for target in panel["targets"]:
                self.assertEqual(target["datasource"]["uid"], "${datasource}", title)

    def test_it_begins_with_whether_people_are_served(self):
        self.assertEqual([row["title"] for row in ROWS][:3],
                         ["Are people served?", "Listeners", "Workers"])

    def test_titles_and_numbers_are_unique_and_nothing_overlaps(self):
        for key in ("title", "id"):
            values = [panel[key] for panel in DASHBOARD["panels"]]
            self.assertEqual(len(values), len(set(values)), key)
        taken = {}
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    other = taken.setdefault((x, y), panel["title"])
                    self.assertEqual(other, panel["title"])

    def test_every_query_obeys_the_choice_of_instances(self):
        for panel in PANELS:
            for target in panel["targets"]:
                if re.search(r"ALERTS|job:", target["expr"]):
                    continue  # Of the service as a whole.
                for selector in promql.selectors(target["expr"]):
                    self.assertIn(("instance", "=~", "$instance"), selector.matchers,
                                  panel["title"])

    def test_it_marks_drains_and_reloads(self):
        names = {annotation["name"] for annotation in DASHBOARD["annotations"]["list"]}
        self.assertLessEqual({"Drains", "Reloads", "Failed reloads", "Alerts"}, names)


class DataTest(unittest.TestCase):
    """Against a real Prometheus."""

    @classmethod
    def setUpClass(cls):
        cls.stage = cls.enterClassContext(Stage())
        cls.stage.play()

    def values(self, expression):
        """Every finite value that a graph of the last minute would show."""
        now = time.time()
        data = self.stage.prometheus.get("query_range", query=expression, start=now - SECONDS,
                                         end=now, step=1)
        return [number for series in data["result"] for _, value in series["values"]
                if math.isfinite(number := float(value))]

    def test_every_query_of_every_panel_returns_data(self):
        count = 0
        for panel in PANELS:
            for target in panel["targets"]:
                with self.subTest(panel=panel["title"], query=target["refId"]):
                    expression = shown(target["expr"], instance=".*", listener=".*")
                    self.assertTrue(self.values(expression), expression)
                    count += 1
        print(f"{count} queries of {len(PANELS)} panels have data")

    def test_every_panel_shows_that_something_happens(self):
        for panel in PANELS:
            with self.subTest(panel=panel["title"]):
                expressions = [shown(target["expr"], instance=".*", listener=".*")
                               for target in panel["targets"]]
                moves = any(value != 0 for text in expressions for value in self.values(text))
                self.assertEqual(moves, panel["title"] not in STILL, expressions)

    def test_one_instance_and_one_listener_can_be_chosen(self):
        chosen = {"instance": re.escape(self.stage.instances[0]).replace("\\", "\\\\"),
                  "listener": "public"}
        for panel in PANELS:
            for target in panel["targets"]:
                with self.subTest(panel=panel["title"], query=target["refId"]):
                    self.assertTrue(self.values(shown(target["expr"], **chosen)))

    def test_the_choices_are_there(self):
        listed = {}
        for variable in DASHBOARD["templating"]["list"]:
            if variable["type"] != "query":
                continue
            query = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            series = self.stage.prometheus.get(
                "series", **{"match[]": shown(query[1], instance=".*")})
            listed[variable["name"]] = {labels[query[2]] for labels in series}
        self.assertEqual(listed, {"instance": set(self.stage.instances),
                                  "listener": {"public", "local", "old"}})

    def test_every_annotation_has_something_to_mark(self):
        for annotation in DASHBOARD["annotations"]["list"]:
            with self.subTest(annotation=annotation["name"]):
                self.assertTrue(self.values(shown(annotation["expr"], instance=".*")))

    def test_queries_name_only_what_exists(self):
        """A query with `or` or `> 0` must not hide a name that nobody exposes."""
        known = set(self.stage.prometheus.get("label/__name__/values"))
        asked = {selector.name for panel in PANELS for target in panel["targets"]
                 for selector in promql.selectors(target["expr"])}
        self.assertEqual(asked - known, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
