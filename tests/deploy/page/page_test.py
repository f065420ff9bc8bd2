"""The status page in a real Chromium, over a real gateway with real clients."""

import json
import pathlib
import signal
import tempfile
import unittest
from urllib.parse import urlsplit

from browser import Browser

from client import EOF, Client
from gateway import Gateway, eventually

ATTACK = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'&"
CONFIG = {
    "services": {"greeter": {"greeting": "{session}\n", "farewell": ATTACK + "\n"}},
    "limits": {"per_source": {"mode": "off"}},
    "drain": {"grace": "0s", "spread": "0s"},
}
ROWS = "[...document.querySelectorAll('#connections tbody tr')]"
IDS = f"{ROWS}.map((row) => row.cells[0].textContent)"


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())

    def start(self, config=CONFIG):
        return self.enterContext(Gateway(config))

    def url(self, gateway, host="127.0.0.1"):
        return f"http://{host}:{gateway.admin_port}/"

    def open(self, gateway, **options):
        self.browser.open(self.url(gateway), **options)
        self.browser.wait("document.querySelector('#state').dataset.state !== 'unknown'")

    def client(self, gateway, **options):
        client = self.enterContext(Client(gateway.address(), **options))
        return client, client.line()

    def wait_for_ids(self, numbers):
        self.browser.wait(f"{IDS}.join() === '{','.join(numbers)}'")

    def wait_for_text(self, selector, text):
        self.browser.wait(f"document.querySelector('{selector}').textContent.includes('{text}')")

    def assert_is_quiet(self):
        self.assertEqual(self.browser.complaints(), [])
        hosts = {urlsplit(url).netloc for url in self.browser.requests() if url.startswith("http")}
        self.assertEqual(len(hosts), 1, hosts)

    def test_loads_and_updates_while_clients_talk(self):
        gateway = self.start()
        self.open(gateway)
        self.assertEqual(self.browser.text("#state"), "ready")
        client, number = self.client(gateway)
        self.wait_for_ids([number])
        for _ in range(5):
            client.ask("secret words")
        self.browser.wait(f"{ROWS}[0].cells[6].textContent === '5'")
        self.browser.wait("/[1-9]/.test(document.querySelector('#card-Messages dd').textContent)")
        self.browser.wait("document.querySelector('#open').textContent.startsWith('1 of ')")
        client.close()
        self.wait_for_ids([])
        for table in ("closed", "ends"):
            self.wait_for_text(f"#{table} tbody", "client_eof")
        self.assertNotIn("secret words", self.browser.text("body"))
        self.assert_is_quiet()

    def test_sorts_filters_and_pages(self):
        gateway = self.start()
        made = [self.client(gateway, source=f"127.0.0.{2 + i % 2}") for i in range(60)]
        numbers = [number for _, number in made]
        made[20][0].ask("x")
        self.open(gateway)
        self.browser.wait(f"{ROWS}.length === 50")
        self.assertIn("1 to 50 of 60", self.browser.text("#pages"))
        self.browser.click("#next")
        self.browser.wait(f"{ROWS}.length === 10")
        self.browser.click("th[data-column=messages] button")
        self.browser.wait(f"{IDS}[0] === '{numbers[20]}'")
        self.assertEqual(self.browser.evaluate(
            "document.querySelector('th[data-column=messages]').getAttribute('aria-sort')"),
            "descending")
        self.browser.click("th[data-column=id] button")
        self.browser.click("th[data-column=id] button")
        self.wait_for_ids(sorted(numbers, key=int)[:50])
        self.browser.fill("#filter", "source=127.0.0.2,messages>0")
        self.wait_for_ids([numbers[20]])
        self.browser.fill("#filter", "colour=red")
        self.browser.wait("document.querySelector('#filter').getAttribute('aria-invalid')")
        self.browser.wait("document.querySelector('#message').textContent.includes('no column')")

    def test_closes_a_session_that_then_ends(self):
        gateway = self.start()
        client, number = self.client(gateway)
        other, _ = self.client(gateway)
        self.open(gateway)
        self.browser.click(f"button[aria-label='Close session {number}']")
        self.browser.wait("document.querySelector('#confirm').open")
        self.browser.click("#confirm-no")
        client.ask("still here")
        self.browser.click(f"button[aria-label='Close session {number}']")
        self.browser.click("#confirm-yes")
        self.assertEqual(client.line(), EOF)
        client.close()
        self.wait_for_text("#closed tbody", "admin_kill")
        other.ask("still here")
        self.assert_is_quiet()

    def test_works_by_keyboard_alone(self):
        gateway = self.start()
        client, number = self.client(gateway)
        self.open(gateway)
        self.wait_for_ids([number])
        self.browser.press("Tab")
        self.assertEqual(self.browser.evaluate("document.activeElement.className"), "skip")
        self.browser.press("Enter")
        for _ in range(60):
            self.browser.press("Tab")
            label = self.browser.evaluate("document.activeElement.getAttribute('aria-label')")
            if label == f"Close session {number}":
                break
        self.assertEqual(label, f"Close session {number}")
        messages = int(self.browser.evaluate(f"{ROWS}[0].cells[6].textContent"))
        client.ask("an update leaves the focus where it is")
        self.browser.wait(f"{ROWS}[0].cells[6].textContent === '{messages + 1}'")
        self.assertEqual(self.browser.evaluate("document.activeElement.getAttribute('aria-label')"),
                         label)
        self.browser.press("Enter")
        self.browser.wait("document.activeElement.id === 'confirm-no'")
        self.browser.press("Tab")
        self.browser.press("Enter")
        self.assertEqual(client.line(), EOF)

    def test_names_every_control_and_fits_a_phone(self):
        gateway = self.start()
        self.client(gateway)
        for dark in (False, True):
            self.open(gateway, width=360, height=740, dark=dark)
            self.browser.wait(f"{ROWS}.length === 1")
            self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), 360)
            nameless = self.browser.evaluate(
                "[...document.querySelectorAll('button, input, meter, [role=region]')].filter("
                "(one) => !one.textContent.trim() && !one.ariaLabel && !(one.labels?.length) &&"
                " !one.getAttribute('aria-labelledby')).map((one) => one.outerHTML)")
            self.assertEqual(nameless, [])
            ground = self.browser.evaluate("getComputedStyle(document.body).backgroundColor")
            self.assertEqual(ground, "rgb(18, 22, 27)" if dark else "rgb(255, 255, 255)")

    def test_shows_a_drain(self):
        gateway = self.start({**CONFIG, "drain": {"announce": "10m", "deadline": "11m"}})
        self.open(gateway)
        self.browser.click("#drain")
        self.browser.click("#confirm-yes")
        self.browser.wait("document.querySelector('#state').textContent === 'draining'")
        self.browser.wait("document.querySelector('#drain-state').textContent.includes('phase 1')")
        self.assertEqual(gateway.http("GET", "/readyz")[0], 503)
        self.browser.click("#undrain")
        self.browser.wait("document.querySelector('#state').textContent === 'ready'")
        self.assertEqual(gateway.http("GET", "/readyz")[0], 200)
        gateway.stop(signal.SIGQUIT)

    def test_shows_an_overload(self):
        gateway = self.start()
        self.open(gateway)
        self.assertEqual(gateway.http("POST", "/overload/force")[0], 200)
        self.browser.wait("document.querySelector('#overload-state').textContent"
                          ".startsWith('Overload because of operator: ')")
        self.assertEqual(gateway.http("POST", "/overload/release")[0], 200)
        self.browser.wait("document.querySelector('#overload-state').hidden")

    def test_keeps_an_attack_text(self):
        with tempfile.TemporaryDirectory(prefix="chatgate-<b onmouseover=alert(3)>-") as folder:
            token = pathlib.Path(folder) / "token"
            token.write_text("s3cret")
            gateway = self.start({**CONFIG, "admin": {"address": "127.0.0.1:0",
                                                      "token_file": str(token)}})
            client, _ = self.client(gateway)
            client.send(ATTACK + "\n")
            client.line()
            self.open(gateway)
            self.browser.wait("document.querySelectorAll('#config tbody tr').length > 30")
            values = self.browser.evaluate(
                "[...document.querySelectorAll('#config tbody tr')].map((row) => row.textContent)")
            self.assertTrue([one for one in values if "<script>alert(2)</script>" in one], values)
            self.assertTrue([one for one in values if "<b onmouseover=alert(3)>" in one])
            self.assertEqual(self.browser.evaluate(
                "document.querySelectorAll('img, td script, td b, [onmouseover]').length"), 0)
            # The page must not trust its answers: what no client can send today may come one day.
            status, rows = hostile()
            self.browser.evaluate(
                "window.fetch = async (path) => new Response(path === '/status'"
                f" ? {json.dumps(status)} : {json.dumps(rows)})")
            self.browser.wait(f"{ROWS}.some((row) => row.textContent.includes('<img src=x'))")
            self.assertEqual(self.browser.evaluate("document.querySelectorAll('img').length"), 0)
            self.assertEqual([one for one in self.browser.complaints() if "dialog" in one], [])

    def test_no_text_becomes_markup_even_if_the_script_tried(self):
        gateway = self.start()
        self.open(gateway)
        for attempt in ("document.body.innerHTML = '<b>x</b>'", "eval('1')",
                        "document.body.insertAdjacentHTML('beforeend', '<i>x</i>')"):
            refused = self.browser.evaluate(
                f"(() => {{ try {{ {attempt}; return false; }} catch {{ return true; }} }})()")
            self.assertTrue(refused, attempt)

    def test_asks_for_the_token(self):
        token = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "token"
        token.write_text("s3cret")
        admin = {"address": "127.0.0.1:0", "token_file": str(token), "token_for": "everything"}
        gateway = self.start({**CONFIG, "admin": admin})
        gateway.check_accounting = lambda: None  # It has no token.
        client, number = self.client(gateway)
        self.browser.open(self.url(gateway))
        self.browser.wait("!document.querySelector('#token-form').hidden")
        self.browser.fill("#token", "wrong")
        self.browser.press("Enter")
        self.browser.wait("document.querySelector('#message').textContent.includes('not accept')")
        self.browser.fill("#token", "s3cret")
        self.browser.press("Enter")
        self.wait_for_ids([number])
        self.browser.click(f"button[aria-label='Close session {number}']")
        self.browser.click("#confirm-yes")
        self.assertEqual(client.line(), EOF)

    def test_says_that_the_gateway_is_gone(self):
        gateway = self.start()
        self.open(gateway)
        gateway.stop()
        self.browser.wait("document.querySelector('#state').textContent === 'unreachable'")

    def test_says_what_it_needs_where_no_script_runs(self):
        gateway = self.start()
        self.browser.open(self.url(gateway), script=False)
        eventually(lambda: self.browser.requests(), "the page")
        self.assertIn("/help", gateway.http("GET", "/")[1])


def hostile():
    """The answer of /status, and one for every list, full of what must stay text."""
    row = {"id": 1, "peer": ATTACK, "listener": ATTACK, "state": ATTACK, "age": 1, "idle": 1,
           "messages": 1, "received_bytes": 1, "sent_bytes": 1, "output_bytes": 0, "worker": 0,
           "reason": ATTACK, "ended_at": ATTACK, "duration": 1, "source": ATTACK, "connections": 1,
           "path": ATTACK, "value": ATTACK, "origin": ATTACK}
    status = {"state": "ready", "version": ATTACK, "pid": 1, "uptime_seconds": 1,
              "drain_phase": 0, "overload": {"level": 1, "cause": ATTACK}, "controls": "open",
              "connections": {"open": 1, "limit": 1},
              "listeners": [{"name": ATTACK, "address": ATTACK, "open": 1, "limit": 1}],
              "workers": [], "config": {"file": ATTACK, "last_reload": None}}
    lists = {name: [row] for name in ("connections", "sources", "closed", "config")}
    return json.dumps(status), json.dumps({**lists, "shown": 1, "matched": 1, "complete": True})


if __name__ == "__main__":
    unittest.main(verbosity=2)
