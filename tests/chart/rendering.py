"""What the tests of the chart share: rendered objects, and how one is found among them."""

from collections.abc import Callable
from typing import Any

Object = dict[str, Any]
Render = Callable[..., list[Object]]

#: Kinds that belong to no namespace.
CLUSTER_WIDE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    """Return the objects of a kind."""
    return [each for each in objects if each["kind"] == kind]


def the(objects: list[Object], kind: str) -> Object:
    """Return the only object of a kind."""
    (found,) = of_kind(objects, kind)
    return found


def names(objects: list[Object], kind: str) -> set[str]:
    """Return the names of the objects of a kind."""
    return {each["metadata"]["name"] for each in of_kind(objects, kind)}


def pod_of(objects: list[Object]) -> Object:
    """Return the pod template of the Deployment."""
    template: Object = the(objects, "Deployment")["spec"]["template"]
    return template


def environment(objects: list[Object]) -> dict[str, str]:
    """Return the environment of the operator's container."""
    (container,) = pod_of(objects)["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"]}
