"""The kustomize base installs what the chart does: the real kubectl builds it, and the real API server would take all of it."""

import json

import pytest
import yaml

from docs.kustomize import BASE
from launchplan_operator.api.crd import build_crds
from localcluster.operated import ACCOUNT, CLUSTER_RULES, LEASE_ROLE, ROLE, SYSTEM_NAMESPACE
from tests.cluster.conftest import Kubectl
from tests.cluster.support import Object, Space


@pytest.fixture
def built(kubectl: Kubectl) -> list[Object]:
    """What `kubectl kustomize` makes of it."""
    return list(yaml.safe_load_all(kubectl("kustomize", str(BASE))))


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    """Return the objects of a kind."""
    return [each for each in objects if each["kind"] == kind]


def test_the_api_server_would_take_all_of_it(kubectl: Kubectl, space: Space) -> None:
    """Without a warning of Pod Security, in the namespace that it makes for itself."""
    assert space.namespace
    kubectl("label", "namespace", SYSTEM_NAMESPACE, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")
    try:
        taken = kubectl(
            "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-k", str(BASE), "-o", "name"
        )
    finally:
        kubectl("label", "namespace", SYSTEM_NAMESPACE, "pod-security.kubernetes.io/enforce-")
    assert f"deployment.apps/{ACCOUNT}" in taken.split()
    assert len(taken.split()) == len(list(yaml.safe_load_all(kubectl("kustomize", str(BASE)))))


def test_its_pods_may_run_where_only_restricted_ones_may(built: list[Object], kubectl: Kubectl) -> None:
    """The API server judges the pod itself, as it only warns of a Deployment."""
    (deployment,) = of_kind(built, "Deployment")
    metadata = {"name": "judged", "namespace": SYSTEM_NAMESPACE}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": deployment["spec"]["template"]["spec"]}
    kubectl("create", "namespace", "restricted")
    kubectl("label", "namespace", "restricted", "pod-security.kubernetes.io/enforce=restricted")
    kubectl("-n", "restricted", "create", "serviceaccount", ACCOUNT)
    text = json.dumps(pod | {"metadata": metadata | {"namespace": "restricted"}})
    kubectl("create", "--dry-run=server", "-f", "-", stdin=text)
    kubectl("delete", "namespace", "restricted", "--wait=false")


def test_the_rights_are_those_that_all_tests_run_under(built: list[Object]) -> None:
    """No more, no less, and for the operator's account alone."""
    for kind, paths in (("ClusterRole", (ROLE, CLUSTER_RULES)), ("Role", (LEASE_ROLE,))):
        (role,), (binding,) = of_kind(built, kind), of_kind(built, f"{kind}Binding")
        assert role["rules"] == yaml.safe_load("".join(path.read_text(encoding="utf-8") for path in paths))["rules"]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM_NAMESPACE}]


def test_the_definitions_are_the_ones_of_today(built: list[Object]) -> None:
    """Only a label is added."""
    found = {each["metadata"]["name"]: each["spec"] for each in of_kind(built, "CustomResourceDefinition")}
    assert found == {each["metadata"]["name"]: each["spec"] for each in build_crds()}
