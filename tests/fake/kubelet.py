"""Nodes whose pods start and end when a test says so, and nodes that are lost."""

from launchplan_operator.api.kinds import PODS
from tests.fake.api import FakeApi
from tests.fake.store import Object, copy
from tests.fake.tally import deleted, has_ended

NODE = "node"


class Kubelet:
    """The kubelets of all nodes, and what collects the pods of a node that was removed.

    Args:
        api: The server.

    Attributes:
        lost: Nodes of which nothing is heard: their pods stay as they are, deleted or not.
    """

    def __init__(self, api: FakeApi) -> None:
        self.lost: set[str] = set()
        self._api = api
        self._settled: tuple[int, set[str]] = (0, set())

    def pods(self, job: str | None = None) -> list[Object]:
        """Return the pods that have not ended, of one Job or of all."""
        return [pod for pod in self._api.store.of(PODS) if not has_ended(pod) and job in (None, _job(pod))]

    def start(self, pod: Object, node: str = NODE) -> None:
        """Bind a pod and run its containers."""
        bound = copy(self._present(pod))
        assert not deleted(bound), "a pod that is being deleted is bound to no node"
        bound["spec"]["nodeName"] = node
        name = (bound["metadata"]["namespace"], bound["metadata"]["name"])
        self._api.store.write(PODS, name, bound)
        running = {"startedAt": self._api.now()}
        self._report(bound, "Running", {"running": running}, ready=True)

    def finish(self, pod: Object, message: str = "", exit_code: int = 0, reason: str | None = None) -> None:
        """End a pod's containers; `message` is the first one's termination message."""
        if "nodeName" not in self._present(pod)["spec"]:
            self.start(pod)
        ended = {
            "exitCode": exit_code,
            "reason": reason or ("Error" if exit_code else "Completed"),
            "startedAt": self._api.now(),
            "finishedAt": self._api.now(),
        }
        ended |= {"message": message} if message else {}
        self._report(pod, "Failed" if exit_code else "Succeeded", {"terminated": ended}, ready=False)

    def run_all(self, message: str = "", exit_code: int = 0) -> None:
        """Start and end every pod that is on no lost node, and is not deleted before it had one."""
        for pod in self.pods():
            node = pod["spec"].get("nodeName")
            if node not in self.lost and (node or not deleted(pod)):
                self.finish(pod, message, exit_code)

    def let_go(self) -> None:
        """End the pods that are to be deleted: containers killed, then the object removed if nothing holds it."""
        if self._settled == (self._api.store.version, self.lost):
            return
        for pod in self._api.store.of(PODS):
            if not deleted(pod) or pod["spec"].get("nodeName") in self.lost:
                continue
            if not has_ended(pod) and "nodeName" in pod["spec"]:
                self.finish(pod, exit_code=137)
            self._remove(pod)
        self._settled = self._api.store.version, set(self.lost)

    def lose_node(self, node: str = NODE) -> None:
        """Hear nothing more of a node; its pods may run on or not."""
        self.lost.add(node)

    def recover_node(self, node: str = NODE) -> None:
        """Hear of a lost node again."""
        self.lost.discard(node)

    def remove_node(self, node: str = NODE) -> None:
        """Remove a node for good, as `kubectl delete node`: its pods are marked as failed and removed by force."""
        for pod in self._api.store.of(PODS):
            if pod["spec"].get("nodeName") == node:
                self._remove(pod)
        self.lost.discard(node)

    def _remove(self, pod: Object) -> None:
        """Delete a pod without grace, as failed if it has not ended: then nothing is left that holds or counts it."""
        meta = pod["metadata"]
        if not has_ended(self._present(pod)):
            self._api.do("PATCH", PODS.path(meta["namespace"], meta["name"], "status"), {"status": {"phase": "Failed"}})
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
        self._api.do("DELETE", PODS.path(meta["namespace"], meta["name"]), options)

    def _present(self, pod: Object) -> Object:
        meta = pod["metadata"]
        found = self._api.store.get(PODS, (meta["namespace"], meta["name"]))
        assert found is not None, f"no pod {meta['name']}"
        return found

    def _report(self, pod: Object, phase: str, state: Object, *, ready: bool) -> None:
        meta = pod["metadata"]
        containers = [
            {"name": container["name"], "image": container["image"], "ready": ready, "restartCount": 0, "state": state}
            for container in pod["spec"]["containers"]
        ]
        condition = {"type": "Ready", "status": str(ready)}
        status = {"phase": phase, "conditions": [condition], "containerStatuses": copy(containers)}
        self._api.do("PATCH", PODS.path(meta["namespace"], meta["name"], "status"), {"status": status})


def _job(pod: Object) -> str | None:
    name: str | None = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name")
    return name
