"""The manifests as kustomize and the chart render them, and what both must agree on."""

import copy
import pathlib
import re
import shutil
import tempfile

import yaml

import tools

SOURCE = pathlib.Path(__file__).resolve().parents[3]
MANIFESTS = SOURCE / "deploy/kubernetes"
CHART = SOURCE / "deploy/helm/chatgate"
# Nobody is there (RFC 5737); what the component client-ip-proxy has.
TRUSTED = "192.0.2.0/24"

# Name -> (overlay, changes of its components, arguments of helm) for the same objects.
VARIANTS = {
    "production": ("production", {}, []),
    "development": ("development", {}, ["--values", CHART / "values-development.yaml"]),
    "proxy": ("production", {"client-ip-local": "client-ip-proxy"},
              ["--set", f"clientIP=proxy,proxyTrusted={{{TRUSTED}}}"]),
    "snat": ("production", {"client-ip-local": "client-ip-snat"}, ["--set", "clientIP=snat"]),
    "watch": ("production", {"autoscaling": "config-watch"},
              ["--set", "watch=true,autoscaling.enabled=false"]),
    "token": ("production", {"autoscaling": "admin-token"},
              ["--set", "adminTokenSecret=chatgate-admin,autoscaling.enabled=false"]),
    # What the node runs: all clients have one address there, and nobody but the tests scales it.
    "node": ("production", {"client-ip-local": "client-ip-snat", "autoscaling": "config-watch",
                            "prometheus-operator": "admin-token"},
             ["--set", "clientIP=snat,adminTokenSecret=chatgate-admin,watch=true,"
              "autoscaling.enabled=false,podMonitor.enabled=false"]),
}


def kustomize(variant):
    """The text of all objects of a variant. One line of an overlay chooses each component."""
    overlay, components, _ = VARIANTS[variant]
    with tempfile.TemporaryDirectory() as folder:
        copied = shutil.copytree(MANIFESTS, pathlib.Path(folder, "kubernetes"))
        file = copied / "overlays" / overlay / "kustomization.yaml"
        text = file.read_text()
        for old, new in components.items():
            line = f"  - ../../components/{old}\n"
            assert text.count(line) == 1, f"{file}: no line {line!r}"
            text = text.replace(line, f"  - ../../components/{new}\n")
        file.write_text(text)
        return tools.run("kubectl", "kustomize", file.parent).stdout


def helm(variant, *arguments):
    """The same of the chart, without its tests."""
    return tools.run("helm", "template", "chatgate", CHART, "--skip-tests", *VARIANTS[variant][2],
                     *arguments).stdout


def objects(text):
    return [document for document in yaml.safe_load_all(text) if document]


def find(text_or_objects, kind, name="chatgate"):
    """The one object of that kind and name; a ConfigMap's may end in a hash."""
    every = objects(text_or_objects) if isinstance(text_or_objects, str) else text_or_objects
    found = [one for one in every if one["kind"] == kind
             and re.fullmatch(rf"{name}(-[a-z0-9]{{10}})?", one["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects {kind}/{name}"
    return found[0]


def pod_spec(every):
    return find(every, "Deployment")["spec"]["template"]["spec"]


def container(every):
    return pod_spec(every)["containers"][0]


def variables(every):
    return {one["name"]: one["value"] for one in container(every)["env"]}


def configuration(every):
    """The text of the gateway's file."""
    return find(every, "ConfigMap")["data"]["chatgate.yaml"]


# What the chart alone says: which release of which chart an object is of.
OF_RELEASE = {"app.kubernetes.io/instance", "app.kubernetes.io/version",
              "app.kubernetes.io/managed-by", "helm.sh/chart"}


def comparable(text):
    """{Kind/name: object} with hashes of names and labels of a release taken away."""
    result = {}
    for original in objects(text):
        one = without_release(copy.deepcopy(original))
        if one["kind"] == "ConfigMap":
            one["metadata"]["name"] = without_hash(one["metadata"]["name"])
            one["data"] = {name: yaml.safe_load(value) for name, value in one["data"].items()}
        if one["kind"] == "Deployment":
            reference = one["spec"]["template"]["spec"]["volumes"][0]["configMap"]
            reference["name"] = without_hash(reference["name"])
        result[f"{one['kind']}/{one['metadata']['name']}"] = one
    return result


def without_hash(name):
    return re.sub(r"-[a-z0-9]{10}$", "", name)


def without_release(node):
    if isinstance(node, dict):
        return {key: without_release(value) for key, value in node.items()
                if key not in OF_RELEASE}
    if isinstance(node, list):
        return [without_release(value) for value in node]
    return node
