"""Prometheus, Alertmanager and a webhook as processes of a test, configured by the examples of
deploy/prometheus: only addresses and intervals are others."""

import contextlib
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

import yaml

import promql

sys.path.insert(0, str(promql.SOURCE / "tests/e2e"))
from gateway import PATIENCE, Log, eventually  # noqa: E402

EXAMPLES = promql.DEPLOY / "prometheus"


class _Server(contextlib.AbstractContextManager):
    """A server of the Prometheus family, on a port that the kernel chooses. `files` are texts
    beside its configuration, by name."""

    def __init__(self, program, config, *options, files=None):
        self._folder = tempfile.TemporaryDirectory(prefix="chatgate-deploy-")
        folder = pathlib.Path(self._folder.name)
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(config))
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        self.log = Log()
        self._process = subprocess.Popen(
            [program, f"--config.file={file}", f"--storage.{'tsdb.' * ('manager' not in program)}"
             f"path={folder}/data", "--web.listen-address=127.0.0.1:0", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self.log.follow, args=(self._process.stderr,))
        self._reader.start()

    def __exit__(self, kind, error, traceback):
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        self._process.stderr.close()
        self._folder.cleanup()
        if error is not None:
            error.add_note(self.log.tail())

    @property
    def address(self):
        return self.log.wait_for(r'msg="Listening on" address=(\S+)')[1]

    @property
    def url(self):
        return f"http://{self.address}"


class Prometheus(_Server):
    """Scrapes `targets` with the rules of deploy/prometheus. The last targets may be none yet.
    With a `speed` every time in the rules is that much shorter; `scrape` goes over the scrape
    job."""

    def __init__(self, targets, alertmanager=None, interval="1s", external_labels=None, speed=1,
                 scrape=None):
        config = yaml.safe_load((EXAMPLES / "prometheus.yaml").read_text())
        config["global"].update(scrape_interval=interval, evaluation_interval=interval)
        config["global"]["external_labels"].update(external_labels or {})
        rules = {name: promql.hastened_rules(EXAMPLES / name, speed)
                 for name in config["rule_files"]}
        config["scrape_configs"][0].update(scrape_interval=interval,
                                           static_configs=[{"targets": targets}],
                                           **(scrape or {}))
        if alertmanager:
            config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [alertmanager]}]
        else:
            del config["alerting"]
        super().__init__("prometheus", config, files=rules)
        self.log.wait_for("Server is ready")

    def get(self, path, **parameters):
        """The data of one answer of its API. Fails with what it says instead."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=PATIENCE) as r:
                return json.load(r)["data"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{path} {parameters}: {refused.read().decode()}") from None

    def query(self, expression, **parameters):
        """Its value now, or at the `time` given."""
        return self.get("query", query=expression, **parameters)["result"]

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"]
                if alert["state"] == "firing"}


class Alertmanager(_Server):
    """Routes as the example does, to `webhook`; with a `speed` it waits that much shorter."""

    def __init__(self, webhook, speed=1):
        config = yaml.safe_load((EXAMPLES / "alertmanager.yaml").read_text())
        for route in (config["route"], *config["route"]["routes"]):
            for key in {"group_wait", "group_interval", "repeat_interval"} & route.keys():
                route[key] = promql.hastened(route[key], speed)
        for receiver in config["receivers"]:
            for hook in receiver["webhook_configs"]:
                hook["url"] = webhook
        super().__init__("prometheus-alertmanager", config, "--cluster.listen-address=")


class Webhook(contextlib.AbstractContextManager):
    """Who is told: keeps the notifications that come."""

    def __init__(self):
        self.notifications = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.notifications.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *ignored):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def __exit__(self, *ignored):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def alerts(self):
        return [alert for notification in self.notifications for alert in notification["alerts"]]

    def wait_for(self, alertname, patience, status="firing"):
        """The first alert of that name and status, and the notification it came in."""
        def found():
            for notification in self.notifications:
                for alert in notification["alerts"]:
                    if (alert["labels"]["alertname"], alert["status"]) == (alertname, status):
                        return notification, alert
            return None
        return eventually(found, f"{alertname} {status} at the webhook", patience)
