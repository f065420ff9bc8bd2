"""The gateway on a cluster, as clients and operators meet it. `run` starts it."""

import json
import os
import pathlib
import statistics
import sys
import time
import unittest

import rendering
from cluster import NAMESPACE, PATIENCE, Cluster, node_patch, wait_until
from crowd import NOTICE, Crowd, Route

sys.path.insert(0, str(rendering.SOURCE / "tests/deploy/systemd"))

from client import Client, EOF  # noqa: E402
from exposition import Exposition  # noqa: E402
from freeze import bury, freeze_thread  # noqa: E402
from gateway import GREETING, reply_to  # noqa: E402

CLIENTS = 200
TOKEN = "an-admin-token-of-the-test"
# As in production, but quicker: the tests wait for many drains.
DRAIN = {"announce": "5s", "grace": "500ms", "spread": "3s", "linger": "1s", "deadline": "15s"}
LISTENS = 5  # announce, in seconds


class NodeTest(unittest.TestCase):
    """One Deployment for all tests, which leave it as they find it: one replica, nobody there."""

    cluster: Cluster  # Set by `run`.
    node = None       # Ours; None on a cluster that somebody else has made.

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.make_namespace()
        cls.addClassCleanup(cls.cluster.kubectl, "delete", "namespace", NAMESPACE, "--wait=false")
        cls.cluster.kubectl("create", "secret", "generic", "chatgate-admin",
                            f"--from-literal=token={TOKEN}")
        text = rendering.kustomize("node")
        cls.text = node_patch(text, drain=DRAIN)
        began = time.monotonic()
        cls.cluster.apply(cls.text)
        cls.cluster.wait_for_rollout()
        cls.tell("time to Ready of a new Deployment", f"{time.monotonic() - began:.1f} s")

    @staticmethod
    def tell(what, figure):
        """A figure for deploy/README.md."""
        print(f"figure: {what}: {figure}", file=sys.stderr, flush=True)

    def setUp(self):
        self.cluster.scale(1)
        self.pod = self.cluster.pod()
        # A container that was restarted before waits ever longer for the next restart.
        if self.pod.restarts():
            self.cluster.kubectl("delete", "pod", self.pod.name, "--wait=false")
            self.pod = self.cluster.pod()
        self.addCleanup(self.cluster.forget_logs)
        # What this Pod has said before is of another test.
        self.cluster.follow_logs("--tail=0")

    def talk_during(self, change, settle):
        """200 clients talk while `change()` happens, until `settle()`. Returns their visits."""
        follow = lambda: self.cluster.follow_logs() or self.cluster.ready_addresses()  # noqa: E731
        with Route(follow) as route, Crowd(CLIENTS, route.addresses) as crowd:
            change()
            settle()
            visits = crowd.stop()
        self.assertEqual(crowd.failures, [], "a connection was refused")
        for visit in visits:
            self.assertEqual((visit.end, visit.unexpected), ("eof", []), visit.number)
        return visits

    def assert_no_message_was_lost(self, visits):
        """What the gateways have read and answered is what the clients have got."""
        ends = lambda: self.cluster.events("session_closed")  # noqa: E731
        wait_until(lambda: len(ends()) >= len(visits), "every session's line in the logs")
        self.assertEqual(len(ends()), len(visits))
        self.assertEqual(sum(end["messages"] for end in ends()),
                         sum(visit.replies for visit in visits))
        self.assertLessEqual({end["reason"] for end in ends()}, {"drain", "client_eof"})
        told = [visit for visit in visits if visit.told_at]
        self.assertEqual(len(told), sum(end["reason"] == "drain" for end in ends()),
                         "somebody was sent away without the notice")
        return told

    def test_nobody_notices_a_rolling_update(self):
        self.cluster.scale(2)
        self.cluster.wait_for_rollout()
        before = {pod.name for pod in self.cluster.pods()}
        began = time.monotonic()

        def settle():
            self.cluster.wait_for_rollout()
            # The last of the old ones may still be draining.
            wait_until(lambda: len(self.cluster.get("pods")["items"]) == 2, "the old Pods' ends")

        visits = self.talk_during(
            lambda: self.cluster.kubectl("rollout", "restart", "deployment/chatgate"), settle)
        took = time.monotonic() - began
        self.assertFalse(before & {pod.name for pod in self.cluster.pods()})
        told = self.assert_no_message_was_lost(visits)
        self.assertGreaterEqual(len(told), CLIENTS)
        times = sorted(visit.ended_at - visit.told_at for visit in told)
        parts = statistics.quantiles(times, n=100)
        self.tell("rolling update of 2 replicas under 200 clients", f"{took:.0f} s, "
                  f"{sum(visit.replies for visit in visits)} messages, 0 lost, 0 refused")
        self.tell("from the notice to the end of a session", f"p50 {parts[49]:.2f} s, "
                  f"p90 {parts[89]:.2f} s, p99 {parts[98]:.2f} s, max {times[-1]:.2f} s")

    def test_no_message_is_lost_when_it_is_scaled_up_and_down(self):
        def settle():
            self.cluster.wait_for_rollout()
            self.cluster.scale(1)
            wait_until(lambda: len(self.cluster.get("pods")["items"]) == 1, "two Pods' ends")

        visits = self.talk_during(lambda: self.cluster.scale(3), settle)
        self.assert_no_message_was_lost(visits)

    def test_liveness_restarts_a_gateway_whose_worker_hangs(self):
        if not self.node:
            self.skipTest("a worker can be stopped on a node of our own only")
        began = time.monotonic()
        tid = freeze_thread(self.node.process_of(self.pod.uid), "worker-0")
        wait_until(lambda: self.pod.http("/livez")[0] == 503, "/livez of a hung worker")
        self.assertIn("worker-0 has not advanced", self.pod.http("/livez")[1])
        bury(tid)
        self.pod.wait_for_restart()
        self.tell("from the hang of a worker to Ready", f"{time.monotonic() - began:.0f} s")
        self.assert_serves(self.pod.now())

    def assert_serves(self, pod):
        with Client((pod.ip, 1935)) as client:
            self.assertEqual(client.line(), GREETING)
            self.assertEqual(client.ask("hello"), reply_to("hello"))

    def status(self):
        return json.loads(self.pod.http("/status")[1])["config"]["last_reload"] or {}

    def metrics(self, pod=None):
        return Exposition((pod or self.pod).http("/metrics")[1])

    def test_a_changed_config_map_is_applied_without_a_restart(self):
        change = node_patch(self.text, drain=DRAIN, reply="you said: {message}\n")
        self.addCleanup(self.cluster.apply, self.text)
        with Client((self.pod.ip, 1935)) as client:
            self.assertEqual([client.line(), client.ask("a")], [GREETING, reply_to("a")])
            began = time.monotonic()
            self.cluster.apply(change)
            wait_until(lambda: self.cluster.events("config_reloaded"), "the reload in the log")
            self.tell("from apply of a ConfigMap to its reload (syncFrequency 2s)",
                      f"{time.monotonic() - began:.1f} s")
            self.assertEqual(client.ask("b"), "you said: b")
        self.assertEqual(self.status()["outcome"], "applied")
        now = self.pod.now()
        self.assertEqual((now.restarts(), now.uid), (self.pod.restarts(), self.pod.uid))
        self.check_a_broken_one(change)

    def check_a_broken_one(self, good):
        broken = good.replace("  announce: 5s", "  anounce: 5s")
        self.assertNotEqual(broken, good)
        self.cluster.apply(broken)
        wait_until(lambda: self.status().get("outcome") == "rejected", "the refusal in /status")
        self.assertIn("drain.anounce: unknown key", json.dumps(self.status()))
        self.assertEqual(self.metrics().value("chatgate_config_last_reload_successful"), 0)
        self.assertIn("drain.anounce", json.dumps(self.cluster.events("config_error")))
        with Client((self.pod.ip, 1935)) as client:
            self.assertEqual([client.line(), client.ask("c")], [GREETING, "you said: c"])
        self.assertEqual(self.pod.now().restarts(), self.pod.restarts())
        self.cluster.apply(self.text)
        wait_until(lambda: self.status().get("outcome") == "applied", "the repaired file")
        self.assertEqual(self.metrics().value("chatgate_config_last_reload_successful"), 1)

    def test_one_replica_is_drained_through_its_admin_port(self):
        self.assertEqual(self.pod.http("/drain", "POST")[0], 401)
        with Client((self.pod.ip, 1935)) as client:
            self.assertEqual(client.line(), GREETING)
            began = time.monotonic()
            self.assertEqual(self.pod.http("/drain", "POST", TOKEN)[0], 200)
            self.assertEqual(self.pod.http("/readyz")[0], 503)
            wait_until(lambda: not self.cluster.ready_addresses(), "its leaving of the Service")
            self.tell("from POST /drain to leaving the Service",
                      f"{time.monotonic() - began:.1f} s")
            # Who comes while the news spreads is served.
            self.assertLess(time.monotonic() - began, LISTENS, "noticed after the announcement")
            self.assert_serves(self.pod)
            self.assertEqual([client.line(), client.line()], [NOTICE, EOF])
            self.assertGreaterEqual(time.monotonic() - began, LISTENS)
        again = self.pod.wait_for_restart()
        self.assertEqual(again.last_exit(), 0)
        self.assert_serves(again)

    def test_an_eviction_drains_and_the_budget_admits_one_at_a_time(self):
        self.cluster.scale(2)
        self.cluster.wait_for_rollout()
        one, other = wait_until(lambda: self.two_ready(), "two Pods that are ready")
        # The controller that counts for the budget is not asked for its view by the rollout.
        wait_until(lambda: self.budget()["disruptionsAllowed"] == 1, "a disruption allowed")
        with Client((one.ip, 1935)) as client:
            self.assertEqual(client.line(), GREETING)
            self.assertEqual(self.evict(one).returncode, 0)
            refused = self.evict(other)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("disruption budget", refused.stderr)
            self.assertEqual([client.ask("a"), client.line(), client.line()],
                             [reply_to("a"), NOTICE, EOF])
        self.cluster.wait_for_rollout()

    def two_ready(self):
        pods = [pod for pod in self.cluster.pods() if pod.is_ready()]
        return pods if len(pods) == 2 else None

    def policy(self):
        return "policy/v1" if "policy/v1" in self.cluster.served else "policy/v1beta1"

    def budget(self):
        path = "poddisruptionbudgets/chatgate"
        return self.cluster.get(path, f"apis/{self.policy()}")["status"]

    def evict(self, pod):
        eviction = {"apiVersion": self.policy(), "kind": "Eviction",
                    "metadata": {"name": pod.name, "namespace": NAMESPACE}}
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod.name}/eviction"
        return self.cluster.kubectl("create", "--raw", path, text=json.dumps(eviction), check=False)

    def test_a_killed_gateway_starts_again_with_a_clean_account(self):
        if not self.node:
            self.skipTest("a process can be killed on a node of our own only")
        with Client((self.pod.ip, 1935)) as client:
            self.assertEqual(client.line(), GREETING)
            began = time.monotonic()
            os.kill(self.node.process_of(self.pod.uid), 9)
            self.assertEqual(client.line(), EOF)  # The kernel ends what its process had open.
        again = self.pod.wait_for_restart()
        self.tell("from SIGKILL to Ready", f"{time.monotonic() - began:.1f} s")
        self.assertEqual(again.last_exit(), 137)
        self.assert_serves(again)
        wait_until(lambda: self.metrics(again).is_accounted(), "the accounting invariant")
        self.assertEqual(self.metrics(again).sum("chatgate_connections_accepted_total"), 1)

    def test_the_api_server_accepts_every_variant(self):
        # Where nothing is yet: a Deployment's selector, in which the two differ, cannot change.
        elsewhere = f"{NAMESPACE}-variants"
        self.cluster.make_namespace(elsewhere)
        self.addCleanup(self.cluster.kubectl, "delete", "namespace", elsewhere, "--wait=false")
        for name in rendering.VARIANTS:
            for text in (rendering.kustomize(name), rendering.helm(name)):
                with self.subTest(name):
                    self.cluster.apply(text, "--dry-run=server", "--validate=strict",
                                       "--namespace", elsewhere)
        for left_out in sorted(self.cluster.left_out):
            print(f"NOT CHECKED by this API server, which does not know it: {left_out}",
                  file=sys.stderr)

    def test_it_runs_without_a_privilege(self):
        if not self.node:
            self.skipTest("a process can be looked at on a node of our own only")
        pid = self.node.process_of(self.pod.uid)
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        for line in ("Uid:\t65532\t65532\t65532\t65532", "CapEff:\t0000000000000000",
                     "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            self.assertIn(line, status)
        mounts = pathlib.Path(f"/proc/{pid}/mounts").read_text().splitlines()
        root = next(line.split() for line in mounts if line.split()[1] == "/")
        self.assertIn("ro", root[3].split(","))
        self.assertFalse(pathlib.Path(f"/proc/{pid}/root/var/run/secrets/kubernetes.io").exists())
