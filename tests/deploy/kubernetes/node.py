"""A Kubernetes node of one's own: API server, scheduler, controllers, kubelet and containerd.

All of it runs in namespaces (processes, mounts, network) that end with it. The caller is moved into
its network, from where every Pod can be reached. build-kubernetes makes the programs.
"""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE / "tests/deploy/container"))

from podman import CACHE, CLONE_NEWNET, eventually, libc, podman  # noqa: E402

BINARIES = CACHE / "kubernetes"
# What the kubelet, containerd and CNI insist on writing to, wherever their own folders are.
SHARED = ["/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/var/lib/cni",
          "/opt/containerd", "/usr/libexec/kubernetes", "/run/containerd"]
API = "https://127.0.0.1:16443"
ETCD = "http://127.0.0.1:12379"
PAUSE = "localhost/pause:1"
PATIENCE = 120

CNI = {
    "cniVersion": "0.3.1", "name": "pods", "plugins": [{
        "type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": {
            "type": "host-local", "ranges": [[{"subnet": "10.99.0.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}}],
}
CONTAINERD = """\
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
disable_apparmor = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "/usr/sbin/runc"
SystemdCgroup = false
"""
# JSON is YAML. What it evicts for is switched off: the machine's disk is not its own.
KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
    "cgroupDriver": "cgroupfs", "enforceNodeAllocatable": [], "failSwapOn": False,
    "makeIPTablesUtilChains": False, "oomScoreAdj": 0, "maxOpenFiles": 20000,
    "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%",
                     "imagefs.available": "0%", "nodefs.inodesFree": "0%"},
    # A changed ConfigMap arrives within so long; a minute by default.
    "syncFrequency": "2s", "nodeStatusUpdateFrequency": "2s",
}
KUBECONFIG = {
    "apiVersion": "v1", "kind": "Config", "current-context": "node",
    "clusters": [{"name": "node", "cluster": {"server": API, "insecure-skip-tls-verify": True}}],
    "users": [{"name": "admin", "user": {"token": "token"}}],
    "contexts": [{"name": "node", "context": {"cluster": "node", "user": "admin"}}],
}


class Node:
    """One boot, with `images` of podman's storage. Use it as a context manager."""

    def __init__(self, images):
        self._images = images
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="chatgate-node-"))
        self.kubeconfig = self._folder / "kubeconfig"
        self._processes = []

    def __enter__(self):
        try:
            self._make_namespaces()
            self._write_settings()
            self._start_control_plane()
            self._start_node()
        except BaseException as error:
            error.add_note(self.logs())
            self.__exit__()
            raise
        return self

    def __exit__(self, *ignored):
        if self._holder.poll() is None:
            os.kill(self._init, signal.SIGKILL)  # With it dies every process of the namespace.
            self._holder.wait()
        for process in self._processes:
            process.wait()
        self._remove_cgroups()
        shutil.rmtree(self._folder, ignore_errors=True)

    def logs(self):
        """The ends of what its parts have said."""
        texts = []
        for path in sorted(self._folder.glob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-15:]
            texts.append("\n".join([f"--- {path.name}", *tail]))
        return "\n".join(texts)

    # The namespaces.

    def _make_namespaces(self):
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--mount", "--net", "--fork",
             "--kill-child", "--mount-proc", "sleep", "infinity"])
        self._init = eventually(self._find_init, "process 1 of the node")
        with open(f"/proc/{self._init}/ns/net", encoding="ascii") as network:
            if libc.setns(network.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        for number, path in enumerate(SHARED):
            (self._folder / f"shared{number}").mkdir()
            self._run("mkdir", "-p", path)
            self._run("mount", "--bind", self._folder / f"shared{number}", path)
        for command in ("ip link set lo up", "ip link add node0 type bridge",
                        "ip addr add 10.98.0.1/24 dev node0", "ip link set node0 up",
                        "ip route add default dev node0", "sysctl -qw net.ipv4.ip_forward=1"):
            self._run(*command.split())

    def _find_init(self):
        children = pathlib.Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        for pid in children.read_text().split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "sleep":
                return int(pid)
        return None

    def _inside(self, *command):
        return ["nsenter", f"--target={self._init}", "--pid", "--mount", "--net", "--",
                *map(str, command)]

    def _run(self, *command):
        return subprocess.run(self._inside(*command), check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def _start(self, name, *command, **options):
        with open(self._folder / f"{name}.log", "w", encoding="utf-8") as log:
            self._processes.append(subprocess.Popen(
                self._inside(*command), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, **options))

    @staticmethod
    def _remove_cgroups():
        for path in sorted(pathlib.Path("/sys/fs/cgroup").glob("*/kubepods"), reverse=True):
            for group in sorted(path.rglob("*"), key=lambda one: -len(one.parts)):
                if group.is_dir():
                    try_rmdir(group)
            try_rmdir(path)

    # The parts.

    def _write_settings(self):
        (self._folder / "cni").mkdir()
        settings = {
            "cni/pods.conflist": json.dumps(CNI),
            "containerd.toml": CONTAINERD.format(folder=self._folder, pause=PAUSE),
            "kubelet.yaml": json.dumps(KUBELET),
            "kubeconfig": json.dumps(KUBECONFIG),
            "tokens.csv": 'token,admin,1,"system:masters"\n',
        }
        for name, text in settings.items():
            (self._folder / name).write_text(text)
        self._run("openssl", "genrsa", "-out", self._folder / "service-account.key", "2048")

    def _start_control_plane(self):
        folder = self._folder
        key = folder / "service-account.key"
        self._start("etcd", "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync",
                    "--listen-client-urls", ETCD, "--advertise-client-urls", ETCD,
                    "--listen-peer-urls", "http://127.0.0.1:12380")
        self._start(
            "apiserver", BINARIES / "kube-apiserver", f"--etcd-servers={ETCD}",
            f"--cert-dir={folder}/certs", "--bind-address=127.0.0.1", "--secure-port=16443",
            "--advertise-address=127.0.0.1", f"--token-auth-file={folder}/tokens.csv",
            "--authorization-mode=RBAC", "--service-cluster-ip-range=10.97.0.0/24",
            f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc", "--allow-privileged=true",
            "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none",
            "--kubelet-preferred-address-types=InternalIP")
        eventually(self._is_api_ready, "the API server", PATIENCE)
        self._start("controllers", BINARIES / "kube-controller-manager",
                    f"--kubeconfig={self.kubeconfig}", "--leader-elect=false",
                    f"--service-account-private-key-file={key}",
                    "--controllers=*,-ttl,-serviceaccount-token")
        self._start("scheduler", BINARIES / "kube-scheduler", f"--kubeconfig={self.kubeconfig}",
                    "--leader-elect=false")

    @staticmethod
    def _is_api_ready():
        request = urllib.request.Request(API + "/readyz", headers={"Authorization": "Bearer token"})
        try:
            with urllib.request.urlopen(request, timeout=5,
                                        context=ssl._create_unverified_context()) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _start_node(self):
        folder = self._folder
        socket = folder / "containerd.sock"
        self._start("containerd", "containerd", "-c", folder / "containerd.toml")
        eventually(socket.exists, "containerd", PATIENCE)
        for number, image in enumerate([pause_image(), *self._images]):
            archive = folder / f"image{number}.tar"
            podman("save", "--format=oci-archive", "--output", archive, image)
            self._run("ctr", "-a", socket, "-n", "k8s.io", "images", "import", archive)
            archive.unlink()
        self._start(
            "kubelet", BINARIES / "kubelet", f"--config={folder}/kubelet.yaml",
            f"--kubeconfig={self.kubeconfig}", f"--root-dir={folder}/kubelet",
            "--container-runtime=remote", f"--container-runtime-endpoint=unix://{socket}",
            "--hostname-override=node1", "--node-ip=10.98.0.1",
            env={"PATH": os.environ["PATH"], "HOME": str(folder)})

    # What tests do to it.

    @staticmethod
    def process_of(pod_uid):
        """The gateway's process in a Pod, by our own number of it."""
        for path in pathlib.Path("/proc").glob("[0-9]*/cgroup"):
            try:
                if pod_uid in path.read_text() and \
                        (path.parent / "comm").read_text().strip() == "chatgate":
                    return int(path.parent.name)
            except OSError:
                continue  # It has ended meanwhile.
        return None


def pause_image():
    """What holds a Pod's namespaces: catatonit, which waits and reaps."""
    if podman("image", "exists", PAUSE, check=False).returncode != 0:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(shutil.which("catatonit"), folder)
            pathlib.Path(folder, "Containerfile").write_text(
                'FROM scratch\nCOPY catatonit /\nENTRYPOINT ["/catatonit", "-P"]\n')
            podman("build", "--tag", PAUSE, folder)
    return PAUSE


def try_rmdir(path):
    try:
        path.rmdir()
    except OSError:
        pass  # Somebody else's is in it.
