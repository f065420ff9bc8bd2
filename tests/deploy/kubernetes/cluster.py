"""A cluster as the tests see it: kubectl, and the gateway's Pods with their admin ports."""

import copy
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import yaml

import rendering
import tools

sys.path.insert(0, str(rendering.SOURCE / "tests/e2e"))

from gateway import eventually  # noqa: E402

NAMESPACE = "chatgate-test"
PATIENCE = 120  # Reached only by a test that fails.
ADMIN_PORT = 9464
# For clusters older than what the manifests are written for: the same fields, another name.
OLDER = {"policy/v1": "policy/v1beta1", "autoscaling/v2": "autoscaling/v2beta2"}
# Fields of probes that a cluster before 1.25 does not know.
YOUNG_PROBE_FIELDS = ["terminationGracePeriodSeconds"]


class Cluster:
    """The one that `kubeconfig` names. Everything happens in a namespace of its own."""

    def __init__(self, kubeconfig):
        self._kubeconfig = kubeconfig
        self.served = set(self.kubectl("api-versions").split())
        self.left_out = set()  # What was not applied, for the cluster does not know it.
        self._logs = {}
        # Asked many times a second: a kubectl for each question would cost more than the gateway.
        self._proxy = subprocess.Popen(
            [tools.folder() / "kubectl", "--kubeconfig", kubeconfig, "proxy", "--port=0"],
            stdout=subprocess.PIPE, text=True)
        self._api = self._proxy.stdout.readline().rpartition(" ")[2].strip()

    def close(self):
        self.forget_logs()
        self._proxy.terminate()
        self._proxy.wait()
        self._proxy.stdout.close()

    def kubectl(self, *arguments, text=None, check=True):
        """The output of kubectl; with check=False the whole result."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            if text is not None:
                file.write(text)
                file.flush()
                arguments = [*arguments, "--filename", file.name]
            result = tools.run("kubectl", "--kubeconfig", self._kubeconfig, "--namespace",
                               NAMESPACE, *arguments, check=check)
        return result.stdout if check else result

    def get(self, path, api="api/v1"):
        """An object or a list of the namespace, such as `pods` or `endpoints/chatgate`."""
        connection = http.client.HTTPConnection(self._api, timeout=10)
        try:
            connection.request("GET", f"/{api}/namespaces/{NAMESPACE}/{path}")
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        assert response.status == 200, f"GET {path}: {answer}"
        return answer

    def make_namespace(self, name=NAMESPACE):
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted"
                  for mode in ("enforce", "warn")}
        namespace = {"apiVersion": "v1", "kind": "Namespace",
                     "metadata": {"name": name, "labels": labels}}
        self.kubectl("apply", text=json.dumps(namespace))

    def adapted(self, text):
        """Those objects of a rendering that this cluster knows, in the version that it knows."""
        adapted = []
        for one in copy.deepcopy(rendering.objects(text)):
            if one["apiVersion"] not in self.served:
                one["apiVersion"] = OLDER.get(one["apiVersion"], one["apiVersion"])
            if one["apiVersion"] not in self.served:
                self.left_out.add(f"{one['apiVersion']} {one['kind']}")
                continue
            if one["kind"] == "Deployment" and "policy/v1" not in self.served:
                for container in one["spec"]["template"]["spec"]["containers"]:
                    for field in YOUNG_PROBE_FIELDS:
                        container["livenessProbe"].pop(field, None)
            adapted.append(one)
        return yaml.safe_dump_all(adapted, allow_unicode=True)

    def apply(self, text, *options):
        return self.kubectl("apply", *options, text=self.adapted(text))

    def wait_for_rollout(self):
        self.kubectl("rollout", "status", "deployment/chatgate", f"--timeout={PATIENCE}s")

    # The Pods.

    def pods(self):
        """Those of the gateway that are not on their way out."""
        items = self.get("pods?labelSelector=app.kubernetes.io/name%3Dchatgate")["items"]
        return [Pod(self, item) for item in items if "deletionTimestamp" not in item["metadata"]]

    def pod(self):
        """The only one."""
        def only():
            pods = self.pods()
            return pods[0] if len(pods) == 1 and pods[0].is_ready() else None
        return eventually(only, "a single Pod that is ready", PATIENCE)

    def ready_addresses(self):
        """Where a Service would send a client now."""
        subsets = self.get("endpoints/chatgate").get("subsets") or []
        return [(address["ip"], 1935) for subset in subsets
                for address in subset.get("addresses", [])]

    def scale(self, replicas):
        self.kubectl("scale", "deployment/chatgate", f"--replicas={replicas}")

    # Their logs.

    def follow_logs(self, *options):
        """Takes down what each Pod says that runs and was not followed before, until it ends."""
        for pod in self.pods():
            key = pod.name, pod.restarts()
            if pod.is_running() and key not in self._logs:
                self._logs[key] = Follower(self._kubeconfig, pod.name, *options)

    def events(self, name):
        """The events of that name in all logs that were followed."""
        return [event for follower in self._logs.values() for event in follower.events
                if event.get("event") == name]

    def forget_logs(self):
        for follower in self._logs.values():
            follower.stop()
        self._logs.clear()


class Follower:
    """`kubectl logs --follow` of one container, to its end."""

    def __init__(self, kubeconfig, pod, *options):
        self.events = []
        self._process = subprocess.Popen(
            [tools.folder() / "kubectl", "--kubeconfig", kubeconfig, "--namespace", NAMESPACE,
             "logs", "--follow", *options, pod],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        for line in self._process.stdout:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self.events.append({"event": "no_json", "line": line})

    def stop(self):
        self._process.terminate()
        self._thread.join()
        self._process.wait()
        self._process.stdout.close()


class Pod:
    """What was known of a Pod when it was asked for; its admin port as it is now."""

    def __init__(self, cluster, item):
        self._cluster = cluster
        self.item = item
        self.name = item["metadata"]["name"]
        self.uid = item["metadata"]["uid"]
        self.ip = item["status"].get("podIP")

    def now(self):
        return Pod(self._cluster, self._cluster.get(f"pods/{self.name}"))

    def is_running(self):
        return any("running" in status["state"]
                   for status in self.item["status"].get("containerStatuses", []))

    def is_ready(self):
        return any(condition["type"] == "Ready" and condition["status"] == "True"
                   for condition in self.item["status"].get("conditions", []))

    def restarts(self):
        statuses = self.item["status"].get("containerStatuses", [])
        return sum(status["restartCount"] for status in statuses)

    def last_exit(self):
        """The exit code of the container before this one."""
        status = self.item["status"]["containerStatuses"][0]
        return status["lastState"]["terminated"]["exitCode"]

    def http(self, path, method="GET", token=None):
        """(status, text) of its admin port; (None, reason) while nobody answers."""
        connection = http.client.HTTPConnection(self.ip, ADMIN_PORT, timeout=5)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {token}"}
                               if token else {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError as error:
            return None, str(error)
        finally:
            connection.close()

    def wait_for_restart(self, patience=PATIENCE):
        before = self.restarts()

        def restarted():
            now = self.now()
            return now if now.restarts() > before and now.is_ready() else None
        return eventually(restarted, f"a restart of {self.name}", patience)


def node_patch(text, *, drain, reply=None):
    """A rendering with a shorter drain: its file and its grace, which belong together."""
    every = rendering.objects(text)
    map_ = rendering.find(every, "ConfigMap")
    config = yaml.safe_load(map_["data"]["chatgate.yaml"])
    config["drain"] = drain
    if reply:
        config["services"] = {"greeter": {"reply": reply}}
    map_["data"]["chatgate.yaml"] = yaml.safe_dump(config, allow_unicode=True)
    seconds = int(drain["deadline"].removesuffix("s"))
    rendering.pod_spec(every)["terminationGracePeriodSeconds"] = seconds + 10
    return yaml.safe_dump_all(every, allow_unicode=True)


def wait_until(condition, what, patience=PATIENCE):
    """eventually(), for what is asked of a cluster: with a pause, since each question costs."""
    deadline = time.monotonic() + patience
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {patience} s, last answer {answer!r}")
        time.sleep(0.2)
    return answer
