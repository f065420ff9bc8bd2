#!/usr/bin/env python3
"""The operator's drill of deploy/README.md, on the real pieces: a gateway that one client fills,
the alert that fires and reaches a webhook, the offender found and shut out, and a drain.

usage: CHATGATE=build/release/bin/chatgate tests/deploy/drill/drill.py [--pictures FOLDER]

Prints what happens, and fails at the first step that does not. With --pictures it takes those of
the drill in deploy/README.md, for which it needs what tests/deploy/grafana/render.py needs.
"""

import argparse
import contextlib
import json
import pathlib
import re
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "e2e"), *(str(HERE.parent / name) for name in
                                               ("prometheus", "page", "grafana"))]

import render  # noqa: E402
import shown  # noqa: E402
from browser import Browser  # noqa: E402
from cast import Offender, Regulars  # noqa: E402
from control import ctl  # noqa: E402
from gateway import Gateway, eventually  # noqa: E402
from newcomers import Newcomers  # noqa: E402
from stack import Alertmanager, Prometheus, Webhook  # noqa: E402

PLACES = 40
REGULARS = 8
OFFENDER = "127.0.66.6"
WANTED = PLACES - REGULARS

# The example scrapes every 5 s; here it is every second, and all times of the rules and routes are
# shorter by as much.
SPEED = 5
ALERT_PATIENCE = 60
ALL_CLEAR_PATIENCE = 120  # ChatgateFull looks at 24 s here; the route waits for a minute.

# Of time: on a machine as busy as one of tests can be they burn before anybody is turned away.
BUDGETS = {"ChatgateGreetingBudgetBurns", "ChatgateReplyBudgetBurns"}


def config(deny=()):
    return {
        "listeners": [{"name": "public", "address": "127.0.0.1:0", "access": {"deny": list(deny)}}],
        "limits": {"max_connections": PLACES, "per_source": {"mode": "off"}},
        "metrics": {"top_connections": {"count": 5}},
        # Announced for long enough to be scraped, and seen on the page of a browser that is slow.
        "drain": {"announce": "15s", "grace": "200ms", "spread": "1s", "deadline": "30s"},
    }


class Drill(contextlib.ExitStack):
    """The pieces; its steps are to be taken in the order of STEPS."""

    def __init__(self, pictures=None):
        super().__init__()
        self.pictures = pictures
        self.moments = {}
        self._began = time.monotonic()

    def __enter__(self):
        super().__enter__()
        try:
            self.gateway = self.enter_context(Gateway(config()))
            self.webhook = self.enter_context(Webhook())
            alertmanager = self.enter_context(Alertmanager(self.webhook.url, SPEED))
            self.instance = f"127.0.0.1:{self.gateway.admin_port}"
            self.prometheus = self.enter_context(
                Prometheus([self.instance], alertmanager.address, speed=SPEED))
            self.browser = self.enter_context(Browser())
        except BaseException:
            self.close()
            raise
        return self

    def tell(self, text):
        print(f"{time.monotonic() - self._began:5.0f} s  {text}", flush=True)

    def command(self, *arguments):
        """What `chatgate ctl` prints, and shows the operator."""
        done = ctl(self.gateway, *arguments)
        assert done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
        self.tell("$ chatgate ctl " + " ".join(arguments))
        print(done.stdout, end="", flush=True)
        return done.stdout

    def seen(self, moment, expression):
        """Waits until Prometheus has seen it, and calls that time by a name."""
        eventually(lambda: self.prometheus.query(expression), expression)
        self.moments[moment] = time.time()

    def panel(self, title, moment, number=0):
        """What a panel of the dashboard showed at that moment: (labels, value) of each series."""
        found = self.prometheus.query(shown.query_of(title, number), time=self.moments[moment])
        return [(series["metric"], float(series["value"][1])) for series in found]

    def panel_value(self, title, moment, **labels):
        """The sum of its series that have these labels; of none, 0."""
        return sum(value for found, value in self.panel(title, moment)
                   if labels.items() <= found.items())

    # The steps.

    def serve(self):
        self.regulars = Regulars(self.gateway.address(), REGULARS)
        self.callback(self.regulars.leave)
        self.newcomers = Newcomers(self.gateway.address())
        self.callback(self.newcomers.leave)
        self.seen("quiet", f"chatgate_connections_open >= {REGULARS}")
        assert self.prometheus.firing() == set(), self.prometheus.firing()
        self.tell(f"{REGULARS} clients talk, others come and go; {PLACES} places; no alert")

    def overload(self):
        self.offender = Offender(self.gateway.address(), OFFENDER, WANTED)
        self.callback(self.offender.leave)
        eventually(lambda: self.newcomers.turned_away, "somebody is turned away")
        self.tell(f"{OFFENDER} takes all places that are left; newcomers are turned away")

    def hear_the_alert(self):
        notification, alert = self.webhook.wait_for("ChatgateFull", ALERT_PATIENCE)
        sentence = alert["annotations"]["summary"]
        self.tell(f"the pager: {sentence}")
        self.tell(f"           {alert['annotations']['runbook_url']}")
        names = [told["labels"]["alertname"] for told in self.webhook.alerts()]
        before = set(names[:names.index("ChatgateFull")]) - BUDGETS
        assert not before, f"{before} was told first"
        assert notification["receiver"] == "pager"
        assert re.fullmatch(rf"Listener public of {re.escape(self.instance)} is full, and turns "
                            r"away \d+\.\d clients a second\.", sentence), sentence
        assert alert["annotations"]["runbook_url"].endswith("deploy/README.md#chatgatefull")
        self.seen("full", 'ALERTS{alertname="ChatgateFull",alertstate="firing"}')

    def find_it_on_the_page(self):
        self.browser.open(f"http://{self.instance}/", width=1200, height=900)
        self.browser.wait("document.querySelector('#sources tbody tr')?.cells[0].textContent"
                          f" === '{OFFENDER}'")
        self.browser.wait("document.querySelector('#cards polyline').points.length > 3")
        self.picture("drill-page")
        self.browser.fill("#filter", f"source={OFFENDER}")
        self.browser.wait(f"document.querySelector('#pages').textContent.includes(' of {WANTED}')")
        self.tell(f"the page: {OFFENDER} has {WANTED} of {PLACES} sessions")

    def close_one_on_the_page(self):
        number = self.browser.text("#connections tbody tr td")
        ended = self.offender.ended
        self.browser.click(f"button[aria-label='Close session {number}']")
        self.browser.click("#confirm-yes")
        eventually(lambda: self.offender.ended > ended, f"session {number} ends")
        # Those who are turned away push it out of the newest twenty within two seconds.
        self.browser.fill("#closed-filter", "reason=admin_kill")
        self.browser.wait("document.querySelector('#closed tbody td')?.textContent"
                          f" === '{number}'")
        eventually(lambda: len(self.offender.sessions) == WANTED, "it comes back")
        self.tell(f"session {number} is closed on the page; the client comes back at once")

    def shut_it_out(self):
        self.command("connections", "--filter", f"source={OFFENDER}", "--sort", "-messages",
                     "--limit", "3")
        self.gateway.write_config(config(deny=[f"{OFFENDER}/32"]))
        self.tell(f"{OFFENDER} goes into access.deny")
        assert self.command("reload").startswith("applied\n")
        closed = self.command("close", "--filter", f"source={OFFENDER}")
        assert re.fullmatch(r"\d+ sessions are being closed\n", closed), closed
        eventually(lambda: not self.offender.sessions, "all of its sessions end")
        self.seen("shut out", 'chatgate_connections_closed_total{reason="admin_kill"} > 2')

    def recover(self):
        self.command("status")
        turned_away = self.newcomers.turned_away
        welcomed = self.newcomers.welcomed
        eventually(lambda: self.newcomers.welcomed > welcomed + 20, "newcomers are welcome")
        assert self.newcomers.turned_away == turned_away, "some are still turned away"
        self.tell("newcomers are welcome again")
        self.webhook.wait_for("ChatgateFull", ALL_CLEAR_PATIENCE, status="resolved")
        self.tell("the pager: ChatgateFull is over")
        assert "ChatgateFull" not in self.prometheus.firing()
        self.seen("recovered", "chatgate_ready == 1")

    def drain(self):
        self.newcomers.leave()
        self.regulars.fall_silent()
        assert self.regulars.unanswered == 0, f"{self.regulars.unanswered} replies are missing"
        self.tell(f"those inside had {self.regulars.replies} replies meanwhile, all they asked for")
        assert self.command("drain") == "draining\n"
        self.browser.wait("document.querySelector('#state').textContent === 'draining'")
        self.seen("draining", "chatgate_drain_phase > 0")
        for client in self.regulars.clients:
            assert client.line().startswith("* "), "the notice"
            assert client.until_eof() == ""
        assert self.gateway.wait() == 0
        self.tell("everybody reads the notice; the gateway exits with 0")

    def look_at_the_dashboard(self):
        share = "Fullest listener"
        assert self.panel_value(share, "quiet") < 0.5
        assert self.panel_value(share, "full") >= 0.95
        assert self.panel_value(share, "recovered") < 0.5
        assert self.panel_value("Sessions", "full") >= PLACES - 1
        assert self.panel_value("Alerts", "quiet") == 0
        assert self.panel_value("Alerts", "full") >= 1
        busiest = [labels["peer"] for labels, _ in self.panel("Busiest connections", "full")]
        assert busiest and all(peer.startswith(OFFENDER) for peer in busiest), busiest
        assert self.panel_value("Refusals", "full", reason="limit_global") > 1
        assert self.panel_value("Refusals", "recovered", reason="limit_global") == 0
        assert self.panel_value("Refusals", "recovered", reason="deny_cidr") > 0
        assert self.panel_value("Ends", "quiet", reason="admin_kill") == 0
        assert self.panel_value("Ends", "shut out", reason="admin_kill") > 0
        assert self.panel_value("Drain", "recovered") == 0
        assert self.panel_value("Drain", "draining") > 0
        self.tell("the dashboard tells the same: full, refusals, an alert, ends, room, a drain")

    def picture(self, name):
        if self.pictures:
            self.browser.screenshot(self.pictures / f"{name}.png")


STEPS = [Drill.serve, Drill.overload, Drill.hear_the_alert, Drill.find_it_on_the_page,
         Drill.close_one_on_the_page, Drill.shut_it_out, Drill.recover, Drill.drain,
         Drill.look_at_the_dashboard]


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--pictures", type=pathlib.Path, metavar="FOLDER")
    pictures = parser.parse_args().pictures
    with tempfile.TemporaryDirectory(prefix="chatgate-drill-") as folder:
        if pictures:
            drawing = render.Drawing(pathlib.Path(folder))
        with Drill(pictures) as drill:
            for step in STEPS:
                step(drill)
            if pictures:
                drawing.shoot(drill.prometheus.url, 2, pictures, {"drill-dashboard": (0, 0)})


if __name__ == "__main__":
    main()
