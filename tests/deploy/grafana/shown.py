"""The dashboard as tests ask for it: its panels, and their queries as Grafana sends them."""

import json
import pathlib

GRAFANA = pathlib.Path(__file__).resolve().parents[3] / "deploy/grafana"
DASHBOARD = json.loads((GRAFANA / "chatgate.json").read_text())
ROWS = [panel for panel in DASHBOARD["panels"] if panel["type"] == "row"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

# In seconds. What Grafana puts in: at least four scrapes, and the time shown.
SECONDS = 60
INTERPOLATED = {"$__rate_interval": "10s", "$__range": f"{SECONDS}s"}


def shown(expression, **variables):
    for name, value in {**INTERPOLATED, **variables}.items():
        expression = expression.replace(name if name.startswith("$") else f"${name}", value)
    assert "$" not in expression, f"what is that variable? {expression}"
    return expression


def query_of(title, number=0):
    """A query of the panel with that title, for all instances and listeners."""
    panel, = (panel for panel in PANELS if panel["title"] == title)
    return shown(panel["targets"][number]["expr"], instance=".*", listener=".*")
