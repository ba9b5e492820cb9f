"""A cluster on which the chart is installed by helm, and the operator run under what a release says."""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launchplan_operator.api.crd import build_crds
from localcluster.charts import Helm
from localcluster.cluster import LocalCluster
from localcluster.operated import (
    ACCOUNT,
    CHART,
    SYSTEM_NAMESPACE,
    OperatorProcess,
    free_port,
    write_operator_kubeconfig,
)
from localcluster.places import silent
from localcluster.podlife import Plan, plan_of
from localcluster.stub import Stub
from tests.cluster.support import Object, Space

_HEALTH_PORT = "LAUNCHPLAN_OPERATOR_HEALTH_PORT"


@dataclass(slots=True)
class Charted:
    """A cluster, helm, and the operators that run beside it.

    Attributes:
        directory: of the operators' kubeconfigs and logs.
    """

    cluster: LocalCluster
    helm: Helm
    directory: Path
    operators: list[OperatorProcess] = field(default_factory=list)

    def install(
        self, *arguments: str, release: str = ACCOUNT, namespace: str = SYSTEM_NAMESPACE, chart: Path = CHART
    ) -> str:
        """Install a release, or bring it to these values; returns what helm says."""
        # Without any value helm would take those of the last revision.
        where = ("--namespace", namespace, "--create-namespace", "--reset-values")
        said = self.helm("upgrade", "--install", release, str(chart), *where, *arguments)
        served = ("--for=condition=Established", "--timeout=60s")
        self.cluster.kubectl("wait", "crd", "-l", f"app.kubernetes.io/name={ACCOUNT}", *served)
        return said

    def uninstall(self, release: str = ACCOUNT, namespace: str = SYSTEM_NAMESPACE) -> str:
        """Uninstall a release; returns what helm says."""
        return self.helm("uninstall", release, "--namespace", namespace)

    def clear(self) -> None:
        """Remove the release if there is one, and the CRDs, whoever applied them last: helm yields to other managers."""
        self.helm("uninstall", ACCOUNT, "--namespace", SYSTEM_NAMESPACE, "--ignore-not-found")
        names = [crd["metadata"]["name"] for crd in build_crds()]
        self.cluster.kubectl("delete", "crd", "--ignore-not-found", *names)

    def operate(self, release: str = ACCOUNT, namespace: str = SYSTEM_NAMESPACE) -> OperatorProcess:
        """Start a process under a release's ServiceAccount and with its Deployment's environment; wait until it is ready."""
        admin = json.loads(self.cluster.kubeconfig.read_text())
        pod = self._pod_of(release, namespace)
        number = len(self.operators)
        account = (namespace, pod["serviceAccountName"])
        path = self.directory / f"{number}.kubeconfig"
        kubeconfig = write_operator_kubeconfig(self.cluster.kubectl, path, admin, account)
        settings = {
            each["name"]: each.get("value", "") for each in pod["containers"][0]["env"] if each["name"] != _HEALTH_PORT
        }
        process = OperatorProcess(kubeconfig, self.directory / f"{number}.log", free_port(), settings)
        self.operators.append(process)
        process.start()
        process.await_ready()
        return process

    def end_operators(self) -> None:
        """Stop every process that was started."""
        for operator in self.operators:
            operator.stop()

    def _pod_of(self, release: str, namespace: str) -> Object:
        found: Object = json.loads(self.cluster.kubectl("get", "deployment", release, "-n", namespace, "-o", "json"))
        pod: Object = found["spec"]["template"]["spec"]
        return pod

    @contextmanager
    def space(self, **labels: str) -> Iterator[Space]:
        """A fresh namespace; its deletion is asked for at the end, and not waited for."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "chart-", "labels": labels}}
        with closing(self.cluster.api()) as api:
            name = str(api.request("POST", "/api/v1/namespaces", manifest).body["metadata"]["name"])
            yield Space(api, name, self.cluster.kubectl, self.cluster.audit_log)
            api.request("DELETE", f"/api/v1/namespaces/{name}")


@contextmanager
def charted_cluster(directory: Path) -> Iterator[Charted]:
    """A running cluster whose stub ends the pods of Jobs and lets those of the chart's Deployment run on."""
    with LocalCluster.start(f"test-{os.getpid()}-chart", node="none", audit=True) as cluster, Stub(cluster, _plan_of):
        charted = Charted(cluster, Helm.find(silent, cluster.kubeconfig), directory)
        yield charted
        charted.end_operators()


def _plan_of(pod: Object) -> Plan:
    labels: dict[str, Any] = pod["metadata"].get("labels") or {}
    return Plan(hold="running") if labels.get("app.kubernetes.io/name") == ACCOUNT else plan_of(pod)
