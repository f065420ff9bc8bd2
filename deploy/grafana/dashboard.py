#!/usr/bin/env python3
"""Makes chatgate.json, the dashboard, beside this file.

usage: dashboard.py [--check]

--check writes nothing, and fails when chatgate.json is not what would be written.
"""

import json
import pathlib
import sys

from panels import (AMBER, DATASOURCE, GREEN, LIMIT, RED, bars, graph, heatmap, laid_out,
                    named, row, stat, table)

OUTPUT = pathlib.Path(__file__).with_name("chatgate.json")

# What is shown: every expression has one of these.
I = 'instance=~"$instance"'  # noqa: E741
L = 'instance=~"$instance",listener=~"$listener"'
PROCESS = 'job="chatgate",instance=~"$instance"'

ROOM = 'reason=~"limit_global|limit_listener"'


def rate(metric, labels=L, by=""):
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{labels}}}[$__rate_interval]))"


def buckets(metric, labels=L, window="$__rate_interval", function="rate"):
    return f"sum by (le) ({function}({metric}_bucket{{{labels}}}[{window}]))"


def quantile(q, metric, labels=L):
    return f"histogram_quantile({q}, {buckets(metric, labels)})"


def kept(metric, bound, missed=""):
    """The share of a promise that was kept in the time shown."""
    good = f'sum(increase({metric}_bucket{{{L},le="{bound}"}}[$__range]))'
    return f"{good} / (sum(increase({metric}_count{{{L}}}[$__range])){missed})"


OVERVIEW = row(
    "Are people served?",
    stat("Ready", "Replicas that welcome new clients, of those that Prometheus knows. Less than "
         "100 %: one is down or drains.",
         f'sum(chatgate_ready{{{I}}}) / count(up{{{PROCESS}}})', unit="percentunit",
         steps=(RED, (0.5, AMBER), (1, GREEN)), max=1),
    stat("Greeted within 100 ms", "The promise to who connects, in the time shown. Clients turned "
         "away because all is full count as missed; the objective is 99.9 %.",
         kept("chatgate_greeting_delay_seconds", "0.1",
              f" + sum(increase(chatgate_connections_rejected_total{{{L},{ROOM}}}[$__range]))"),
         unit="percentunit", steps=(RED, (0.99, AMBER), (0.999, GREEN)), decimals=2, max=1),
    stat("Answered within 50 ms", "The promise to who says something, in the time shown. The "
         "objective is 99.9 %.",
         kept("chatgate_reply_delay_seconds", "0.05"), unit="percentunit",
         steps=(RED, (0.99, AMBER), (0.999, GREEN)), decimals=2, max=1),
    stat("Fullest listener", "Its sessions as a share of those that it may have. At 100 % clients "
         "are turned away.",
         f"max(chatgate_connections_open{{{L}}} / chatgate_connections_limit{{{L}}})",
         unit="percentunit", steps=(GREEN, (0.8, AMBER), (0.95, RED)), min=0, max=1, decimals=0),
    stat("Refused", "Connections refused a second, for any reason. The reasons are below.",
         rate("chatgate_connections_rejected_total"), unit="cps", steps=(GREEN, (1, AMBER)),
         decimals=1),
    stat("Alerts", "Alerts of chatgate that fire now. Each has a heading in the runbook, "
         "deploy/README.md.",
         'count(ALERTS{alertname=~"Chatgate.+",alertstate="firing"}) or vector(0)', unit="none",
         steps=(GREEN, (1, RED))),
    graph("Sessions", "Open sessions of each replica, next to the number that it may have.",
          [(f"sum by (instance) (chatgate_connections_open{{{L}}})", "{{instance}}"),
           (f"max(chatgate_global_connections_limit{{{I}}})", "limit of one")],
          unit="short", overrides=[LIMIT]),
    graph("Connections", "Connections accepted (refused ones too), refused and ended, a second.",
          [(rate("chatgate_connections_accepted_total"), "accepted"),
           (rate("chatgate_connections_rejected_total"), "refused"),
           (rate("chatgate_connections_closed_total"), "ended")],
          unit="cps", overrides=[named("refused", ("color", {"mode": "fixed",
                                                             "fixedColor": RED}))]),
    graph("Messages", "Messages read and replies sent, a second. Replies that fall behind are "
          "clients that do not read.",
          [(rate("chatgate_messages_received_total"), "messages"),
           (rate("chatgate_replies_sent_total"), "replies")], unit="cps", size=(8, 8)),
    graph("Reply delay", "From a complete message to its reply written. The line is the promise.",
          [(quantile(q, "chatgate_reply_delay_seconds"), f"p{100 * q:g}")
           for q in (0.5, 0.99, 0.999)], unit="s", size=(8, 8), line=0.05),
    graph("Budget burn", "How many times faster than allowed the budget of a promise (0.1 % of a "
          "month) is used, over an hour. At 1 it lasts just the month; the line is where somebody "
          "is paged.",
          [("job:chatgate_greeting_missed:ratio_rate1h / 0.001", "greetings"),
           ("job:chatgate_reply_missed:ratio_rate1h / 0.001", "replies")],
          unit="suffix:×", size=(8, 8), line=14.4, min=0))

LISTENERS = row(
    "Listeners",
    graph("Use of the limit", "Sessions of each listener as a share of those that it may have.",
          [(f"chatgate_connections_open{{{L}}} / chatgate_connections_limit{{{L}}}",
            "{{instance}} {{listener}}")], unit="percentunit", min=0, max=1, line=0.8),
    graph("Accepted", "Connections accepted a second, refused ones too, by listener.",
          [(rate("chatgate_connections_accepted_total", by="listener"), "{{listener}}")],
          unit="cps"),
    graph("Read from clients", "Bytes read a second, by listener.",
          [(rate("chatgate_received_bytes_total", by="listener"), "{{listener}}")], unit="Bps"),
    graph("Sent to clients", "Bytes handed to the kernel a second, by listener.",
          [(rate("chatgate_sent_bytes_total", by="listener"), "{{listener}}")], unit="Bps"))

WORKERS = row(
    "Workers",
    graph("Sessions of each worker", "Acceptors give a connection to the worker with the fewest: "
          "the lines lie close together.",
          [(f"chatgate_worker_connections{{{I}}}", "{{instance}} {{worker}}")], unit="short",
          size=(8, 8)),
    graph("Busy", "The share of its time that a worker's thread was busy. At 100 % everybody whom "
          "it serves waits.",
          [(f"chatgate_worker_busy_ratio{{{I}}}", "{{instance}} {{worker}}")],
          unit="percentunit", min=0, max=1, line=0.9, size=(8, 8)),
    graph("Loop delay, p99", "How late the workers' loops come to their ticks, of which there are "
          "ten a second.",
          [(f"instance:chatgate_worker_loop_delay_seconds:p99_5m{{{I}}}", "{{instance}}")],
          unit="s", line=0.1, size=(8, 8)))

LATENCY = row(
    "Latency",
    heatmap("Greeting delay", "From accept to the greeting written: how many clients waited how "
            "long. The promise is 100 ms.", buckets("chatgate_greeting_delay_seconds"), unit="s"),
    heatmap("Reply delay, all of them", "From a complete message to its reply written. The promise "
            "is 50 ms.", buckets("chatgate_reply_delay_seconds"), unit="s"),
    heatmap("Loop delay", "How late the workers' loops come. A dark row high up is a machine that "
            "has no time for us.", buckets("chatgate_worker_loop_delay_seconds", I), unit="s"),
    graph("p99 of each replica", "One replica above the others is slow by itself: look at its "
          "machine.",
          [(f"instance:chatgate_greeting_delay_seconds:p99_5m{{{I}}}", "{{instance}} greeting"),
           (f"instance:chatgate_reply_delay_seconds:p99_5m{{{I}}}", "{{instance}} reply")],
          unit="s"))

ENDS = row(
    "Ends and refusals, by reason",
    graph("Ends", "Sessions ended a second, by reason. The README of the project says what each "
          "word means.",
          [(rate("chatgate_connections_closed_total", by="reason") + " > 0", "{{reason}}")],
          unit="cps", stacked=True),
    graph("Refusals", "Connections refused a second, by reason.",
          [(rate("chatgate_connections_rejected_total", by="reason"), "{{reason}}")],
          unit="cps", stacked=True),
    graph("Would be refused", "What limits in mode observe would have refused, a second: look here "
          "before you enforce one.",
          [(rate("chatgate_would_reject_total", I, by="reason"), "{{reason}}")], unit="cps"),
    graph("Slow readers", "Bytes that wait for clients who do not read, next to what may wait for "
          "all of them together. At the limit the largest are ended.",
          [(f"chatgate_output_queued_bytes{{{I}}}", "{{instance}}"),
           (f"max(chatgate_output_queued_bytes_limit{{{I}}})", "limit of one")],
          unit="bytes", overrides=[LIMIT]))


def ended(metric):
    return buckets(metric, window="$__range", function="increase")


DISTRIBUTIONS = row(
    "Connections that ended, as distributions",
    bars("Duration", "How long the sessions lasted that ended in the time shown.",
         ended("chatgate_connection_duration_seconds"), unit="seconds"),
    bars("Messages of each", "How many messages each of them brought.",
         ended("chatgate_connection_messages"), unit="messages"),
    bars("Age of open sessions", "How long those have lasted that are open.",
         f"sum by (le) (chatgate_open_connection_age_seconds_bucket{{{I}}})", unit="seconds"),
    bars("Bytes read", "How many bytes each of those that ended sent us.",
         ended("chatgate_connection_received_bytes"), unit="bytes"),
    bars("Bytes sent", "How many bytes each of them got.",
         ended("chatgate_connection_sent_bytes"), unit="bytes"))

TOP = row(
    "Top connections",
    table("Busiest connections", "The connections that metrics.top_connections names, at most as "
          "many as it allows. `by` is what was counted. The id is that of the log and of "
          "/connections.", f"sort_desc(chatgate_top_connection{{{L}}})", unit="short",
          columns=["instance", "id", "peer", "listener", "by"]),
    graph("How they grow", "The same over time. A steep line is a client that does too much now.",
          [(f"chatgate_top_connection{{{L}}}", "{{peer}} ({{id}})")], unit="short"))

RESOURCES = row(
    "Resources",
    graph("CPU", "Cores that the process keeps busy.",
          [(f"rate(process_cpu_seconds_total{{{PROCESS}}}[$__rate_interval])", "{{instance}}")],
          unit="cores", size=(8, 7), min=0),
    graph("Memory", "Resident memory, next to what the process may have (its cgroup, or the "
          "machine).",
          [(f"process_resident_memory_bytes{{{PROCESS}}}", "{{instance}}"),
           (f"min(chatgate_memory_limit_bytes{{{I}}})", "limit of one")],
          unit="bytes", size=(8, 7), overrides=[LIMIT], min=0),
    graph("File descriptors", "Open descriptors, next to the limit of the process.",
          [(f"process_open_fds{{{PROCESS}}}", "{{instance}}"),
           (f"min(process_max_fds{{{PROCESS}}})", "limit of one")],
          unit="short", size=(8, 7), overrides=[LIMIT], min=0),
    graph("Accept errors", "Failures to accept a second, by error: no descriptor, or no memory.",
          [(rate("chatgate_accept_errors_total", I, by="error"), "{{error}}")], unit="cps",
          size=(8, 7)),
    graph("Sources", "Client addresses that limits.per_source remembers, by family.",
          [(f"sum by (family) (chatgate_sources_tracked{{{I}}})", "{{family}}"),
           (f"max(chatgate_sources_limit{{{I}}})", "limit of one family")], unit="short",
          size=(8, 7), overrides=[LIMIT]),
    graph("Log", "Lines written and lost, and repeated events that were only counted, a second.",
          [(rate("chatgate_log_lines_total", I), "written"),
           (rate("chatgate_log_lines_lost_total", I), "lost"),
           (rate("chatgate_log_events_suppressed_total", I), "suppressed")], unit="cps",
          size=(8, 7)))

LIFECYCLE = row(
    "Drain, reload, version",
    graph("Drain", "The phase of a drain (0 none, 1 announced, 2 listeners close, 3 notice, 4 "
          "spread, 5 deadline).",
          [(f"chatgate_drain_phase{{{I}}}", "{{instance}}")], unit="none", size=(8, 7), min=0,
          max=5, decimals=0),
    graph("Sessions that a drain waits for", "What is left at the deadline is reset.",
          [(f"chatgate_drain_remaining_connections{{{I}}}", "{{instance}}")], unit="short",
          size=(8, 7), min=0),
    graph("Reloads", "Reloads in the last five minutes, by result.",
          [(f"sum by (result) (increase(chatgate_config_reloads_total{{{I}}}[5m]))",
            "{{result}}")], unit="short", size=(8, 7)),
    stat("Last reload", "Whether the last reload of each replica succeeded. Failed: it serves with "
         "the configuration before.",
         [(f"chatgate_config_last_reload_successful{{{I}}}", "{{instance}}")], unit="none",
         steps=(RED, (1, GREEN)), size=(8, 6),
         mappings=[{"type": "value", "options": {
             "0": {"text": "failed", "color": RED, "index": 0},
             "1": {"text": "in force", "color": GREEN, "index": 1}}}]),
    stat("Runs for", "Since when each replica runs.",
         [(f"time() - process_start_time_seconds{{{PROCESS}}}", "{{instance}}")],
         unit="dtdurations", size=(8, 6)),
    table("Versions", "Which version and revision each replica runs.",
          f"chatgate_build_info{{{I}}}", unit="none",
          columns=["instance", "version", "revision"], size=(8, 6)))


def annotation(name, colour, expression, title, text, at_value=False, enable=True):
    """`at_value`: the expression is the time itself, in milliseconds."""
    return {"name": name, "enable": enable, "iconColor": colour, "datasource": DATASOURCE,
            "target": {"refId": name, "expr": expression}, "expr": expression,
            "titleFormat": title, "textFormat": text, "useValueForTime": at_value,
            "step": "15s"}


ANNOTATIONS = [
    annotation("Drains", "orange", f"chatgate_drain_phase{{{I}}} > 0", "Drain", "{{instance}}"),
    annotation("Overloads", "purple", f"chatgate_overload_cause{{{I}}} == 1", "Overload",
               "{{instance}}: {{cause}}"),
    annotation("Reloads", "blue",
               f"chatgate_config_last_reload_success_timestamp_seconds{{{I}}} * 1000", "Reload",
               "{{instance}}", at_value=True),
    annotation("Failed reloads", "red", f"chatgate_config_last_reload_successful{{{I}}} == 0",
               "Reload failed", "{{instance}}"),
    annotation("Starts", "green", f"process_start_time_seconds{{{PROCESS}}} * 1000", "Start",
               "{{instance}}", at_value=True),
    annotation("Alerts", "dark-red", 'ALERTS{alertname=~"Chatgate.+",alertstate="firing"}',
               "{{alertname}}", "{{instance}} {{listener}}",
               enable=False),  # One that fires for hours would colour everything.
]


def choice(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE,
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1,
            "includeAll": True, "allValue": ".*", "multi": True,
            "current": {"text": ["All"], "value": ["$__all"]}}


VARIABLES = [
    {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
     "current": {}},
    choice("instance", "Replica", "label_values(chatgate_build_info, instance)"),
    choice("listener", "Listener",
           'label_values(chatgate_connections_limit{instance=~"$instance"}, listener)'),
]

DASHBOARD = {
    "title": "chatgate", "uid": "chatgate", "schemaVersion": 41, "version": 1,
    "description": "Made by deploy/grafana/dashboard.py.",
    "tags": ["chatgate"], "editable": True, "graphTooltip": 1, "timezone": "browser",
    "time": {"from": "now-1h", "to": "now"}, "refresh": "10s",
    "templating": {"list": VARIABLES}, "annotations": {"list": ANNOTATIONS},
    "panels": laid_out([OVERVIEW, LISTENERS, WORKERS, LATENCY, ENDS, DISTRIBUTIONS, TOP, RESOURCES,
                        LIFECYCLE]),
}


def main(arguments):
    text = json.dumps(DASHBOARD, indent=1, ensure_ascii=False) + "\n"
    if arguments == ["--check"]:
        if OUTPUT.read_text() != text:
            sys.exit(f"{OUTPUT.name} is not what {pathlib.Path(__file__).name} makes: run that")
    elif arguments:
        sys.exit(__doc__)
    else:
        OUTPUT.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
