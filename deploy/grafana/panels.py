"""Makes Grafana's panels, with what all of ours have in common."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24  # Of Grafana's grid.

GREEN, AMBER, RED = "green", "orange", "red"


def thresholds(*steps):
    """`thresholds(GREEN, (0.8, AMBER), (0.95, RED))`: the first colour holds from below."""
    first, *others = steps
    return {"mode": "absolute", "steps": [
        {"color": first, "value": None},
        *({"color": colour, "value": value} for value, colour in others)]}


def named(pattern, *properties):
    """An override for the series whose name matches `pattern`."""
    return {"matcher": {"id": "byRegexp", "options": pattern},
            "properties": [{"id": key, "value": value} for key, value in properties]}


# A limit next to its usage: dashed, without a filling.
LIMIT = named("/limit/i", ("custom.lineStyle", {"fill": "dash", "dash": [6, 6]}),
              ("custom.fillOpacity", 0), ("custom.stacking", {"mode": "none", "group": "A"}))


def targets(queries, **more):
    """`queries` are (expression, legend) pairs, or one expression."""
    if isinstance(queries, str):
        queries = [(queries, "__auto")]
    return [{"refId": chr(ord("A") + number), "datasource": DATASOURCE, "editorMode": "code",
             "expr": expression, "legendFormat": legend, "range": True, **more}
            for number, (expression, legend) in enumerate(queries)]


def panel(kind, title, description, queries, *, size, unit, options, overrides=(), **defaults):
    return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE,
            "gridPos": {"w": size[0], "h": size[1]}, "targets": queries, "options": options,
            "fieldConfig": {"defaults": {"unit": unit, **defaults}, "overrides": list(overrides)}}


def _reduce(calculation):
    return {"calcs": [calculation], "fields": "", "values": False}


def stat(title, description, queries, *, unit, steps=(GREEN,), size=(4, 5), **defaults):
    return panel("stat", title, description, targets(queries), size=size, unit=unit,
                 thresholds=thresholds(*steps), color={"mode": "thresholds"},
                 options={"reduceOptions": _reduce("lastNotNull"), "colorMode": "value",
                          "graphMode": "area", "justifyMode": "auto", "orientation": "auto",
                          "textMode": "auto"},
                 **defaults)


def graph(title, description, queries, *, unit, size=(12, 8), stacked=False, line=None,
          overrides=(), **defaults):
    """`line` draws a threshold there."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if stacked else 8,
              "showPoints": "never", "spanNulls": False,
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    if line is not None:
        defaults["thresholds"] = thresholds("transparent", (line, RED))
        custom["thresholdsStyle"] = {"mode": "dashed"}
    return panel("timeseries", title, description, targets(queries), size=size, unit=unit,
                 overrides=overrides, color={"mode": "palette-classic"}, custom=custom,
                 options={"legend": {"displayMode": "list", "placement": "bottom",
                                     "showLegend": True, "calcs": []},
                          "tooltip": {"mode": "multi", "sort": "desc"}},
                 **defaults)


def heatmap(title, description, expression, *, unit, size=(12, 8)):
    """Of a histogram's buckets: how many went where, over time."""
    return panel("heatmap", title, description,
                 targets([(expression, "{{le}}")], format="heatmap"), size=size, unit=unit,
                 options={"calculate": False, "cellGap": 1,
                          "cellValues": {"unit": "cps"},
                          "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64,
                                    "exponent": 0.5, "fill": "dark-orange", "scale": "exponential",
                                    "reverse": False},
                          "filterValues": {"le": 1e-9}, "legend": {"show": True},
                          "rowsFrame": {"layout": "auto"}, "showValue": "never",
                          "tooltip": {"mode": "single", "yHistogram": True},
                          "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit}})


def bars(title, description, expression, *, unit, size=(8, 9)):
    """Of a histogram's buckets: how many went where, in the time shown. The bucket's bound is in
    `unit`; its length is a number."""
    return panel("bargauge", title, f"{description} The bounds are in {unit}.",
                 targets([(expression, "≤ {{le}}")], format="heatmap"), size=size, unit="short",
                 min=0, decimals=0, thresholds=thresholds("blue"), color={"mode": "thresholds"},
                 options={"reduceOptions": _reduce("lastNotNull"), "displayMode": "gradient",
                          "orientation": "horizontal", "showUnfilled": True, "valueMode": "color",
                          "minVizHeight": 10, "minVizWidth": 0, "namePlacement": "left"})


def table(title, description, expression, *, unit, columns, size=(12, 8)):
    """The present value of each series. `columns` are labels in order; the value comes last."""
    shown = [*columns, "Value"]
    return panel("table", title, description,
                 [{**target, "range": False, "instant": True}
                  for target in targets(expression, format="table")],
                 size=size, unit=unit, custom={"minWidth": 60},
                 options={"showHeader": True, "cellHeight": "sm"}) | {
        "transformations": [
            {"id": "filterFieldsByName", "options": {"include": {"names": shown}}},
            {"id": "organize", "options": {
                "indexByName": {name: number for number, name in enumerate(shown)}}}]}


def row(title, *panels):
    """A heading, and its panels from left to right, wrapped where the grid ends."""
    return title, panels


def laid_out(rows):
    """The panels of all rows, each with its place and number."""
    placed, y = [], 0
    for title, panels in rows:
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})
        x, y, height = 0, y + 1, 0
        for one in panels:
            if x + one["gridPos"]["w"] > COLUMNS:
                x, y, height = 0, y + height, 0
            placed.append({**one, "gridPos": {"x": x, "y": y, **one["gridPos"]}})
            x += one["gridPos"]["w"]
            height = max(height, one["gridPos"]["h"])
        y += height
    return [{"id": number, **one} for number, one in enumerate(placed, 1)]
