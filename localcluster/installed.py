"""The operator in a cluster: its image on the node, its chart as a Helm release in a namespace that wants restricted pods."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster.charts import Helm
from localcluster.images import has_image, import_image
from localcluster.operated import CHART, SYSTEM_NAMESPACE, Kubectl
from localcluster.operatorimage import NAME, OperatorImage, build_offline
from localcluster.places import LocalClusterError, Say

if TYPE_CHECKING:
    from localcluster.cluster import LocalCluster

RELEASE = NAME
_WAIT = ("--wait", "--timeout", "120s")
_TAIL = 60
_NAMESPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": SYSTEM_NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
}


@dataclass(frozen=True, slots=True)
class Installation:
    """A release of the chart, and the means to look at it.

    Attributes:
        kubectl: runs kubectl there, as administrator.
        helm: runs helm there, as administrator.
        image: what its pods run.
    """

    kubectl: Kubectl
    helm: Helm
    image: OperatorImage

    def install(self, *arguments: str) -> None:
        """Install the release, or upgrade it to this checkout's chart and image, and wait until its pods are ready.

        Args:
            arguments: more of `helm upgrade`, such as `--set replicas=1`.

        Raises:
            LocalClusterError: it was refused, or did not become ready; the text holds the ends of the pods' logs.
        """
        self.kubectl("apply", "-f", "-", stdin=json.dumps(_NAMESPACE))
        tag = f"image.tag={self.image.tag}"
        try:
            self.run_helm("upgrade", "--install", RELEASE, str(CHART), "--set", tag, *_WAIT, *arguments)
        except LocalClusterError as error:
            raise LocalClusterError(f"{error}\n{self.circumstances()}") from error

    def run_helm(self, *arguments: str) -> str:
        """Run helm in the release's namespace.

        Raises:
            LocalClusterError: helm failed.
        """
        return self.helm(*arguments, "--namespace", SYSTEM_NAMESPACE)

    def circumstances(self) -> str:
        """The pods, and the ends of their logs."""
        pods = self._tell("get", "pods", "-o", "wide")
        return f"{pods}\n{self._tell('logs', '--selector', self.selector, '--tail', str(_TAIL), '--prefix')}"

    @property
    def selector(self) -> str:
        """The labels of the release's pods."""
        return f"app.kubernetes.io/instance={RELEASE}"

    def _tell(self, *arguments: str) -> str:
        try:
            return self.kubectl("--namespace", SYSTEM_NAMESPACE, *arguments)
        except LocalClusterError as error:
            return str(error)


def prepare_installation(cluster: "LocalCluster", say: Say) -> Installation:
    """Build helm and this checkout's image, and bring that onto a cluster's real node.

    Raises:
        LocalClusterError: something cannot be built here; nothing in the cluster has changed.
    """
    helm = Helm.find(say, cluster.kubeconfig)
    image = build_offline(say)
    if not has_image(cluster, image.reference):
        import_image(cluster, image.tar)
    return Installation(cluster.kubectl, helm, image)
