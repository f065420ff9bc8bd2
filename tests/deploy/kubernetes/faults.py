"""Faults seeded into good manifests, and which of the judges must find each."""

import dataclasses
import typing

import yaml

import rendering

STRUCTURE = "structure.mjs"
VALUES = "values.mjs"
RELATIONS = "relations.mjs"


@dataclasses.dataclass
class Fault:
    finders: set
    change: typing.Callable  # Of the list of objects.

    def seed(self, text):
        every = rendering.objects(text)
        self.change(every)
        return yaml.safe_dump_all(every)


def misspell_a_probe(every):
    container = rendering.container(every)
    container["redinessProbe"] = container.pop("readinessProbe")


def quote_a_number(every):
    rendering.find(every, "Deployment")["spec"]["revisionHistoryLimit"] = "5"


def forget_the_selector(every):
    del rendering.find(every, "Deployment")["spec"]["selector"]


def write_a_quantity_that_is_none(every):
    rendering.container(every)["resources"]["limits"]["memory"] = "256 MiB"


def misspell_a_policy(every):
    rendering.find(every, "Service")["spec"]["externalTrafficPolicy"] = "Locale"


def use_an_api_that_is_gone(every):
    rendering.find(every, "PodDisruptionBudget")["apiVersion"] = "policy/v1beta1"


def mount_a_config_map_that_is_none(every):
    rendering.pod_spec(every)["volumes"][0]["configMap"]["name"] = "chatgate-gone"


def select_nobody(every):
    rendering.find(every, "Service")["spec"]["selector"] = {"app.kubernetes.io/name": "chatgates"}


def scale_a_deployment_that_is_none(every):
    target = rendering.find(every, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    target["name"] = "chatgates"


def protect_everybody(every):
    rendering.find(every, "NetworkPolicy")["spec"]["podSelector"] = {}


def allow_privileges(every):
    rendering.container(every)["securityContext"]["allowPrivilegeEscalation"] = True


def share_the_hosts_network(every):
    rendering.pod_spec(every)["hostNetwork"] = True


def allow_any_system_call(every):
    del rendering.pod_spec(every)["securityContext"]["seccompProfile"]


def run_whatever_is_latest(every):
    rendering.container(every)["image"] = "chatgate:latest"


FAULTS = {
    "misspelt-probe": Fault({STRUCTURE}, misspell_a_probe),
    "quoted-number": Fault({STRUCTURE, VALUES}, quote_a_number),
    "no-selector": Fault({STRUCTURE, VALUES}, forget_the_selector),
    "wrong-quantity": Fault({VALUES}, write_a_quantity_that_is_none),
    "misspelt-policy": Fault({STRUCTURE}, misspell_a_policy),
    "gone-api": Fault({STRUCTURE}, use_an_api_that_is_gone),
    "no-config-map": Fault({RELATIONS}, mount_a_config_map_that_is_none),
    "no-pods": Fault({RELATIONS}, select_nobody),
    "no-deployment": Fault({RELATIONS}, scale_a_deployment_that_is_none),
    "policy-for-all": Fault({RELATIONS}, protect_everybody),
    "privileges": Fault({RELATIONS}, allow_privileges),
    "host-network": Fault({RELATIONS}, share_the_hosts_network),
    "no-seccomp": Fault({RELATIONS}, allow_any_system_call),
    "latest-image": Fault({RELATIONS}, run_whatever_is_latest),
}
