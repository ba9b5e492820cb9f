"""Pods that start and end when a test says so."""

from launchplan_operator.api.kinds import PODS
from tests.fake.api import FakeApi
from tests.fake.store import Object, copy


class Kubelet:
    """The one node: every pod is its.

    Args:
        api: The server.
    """

    def __init__(self, api: FakeApi) -> None:
        self._api = api

    def pods(self, job: str | None = None) -> list[Object]:
        """Return the pods that have not ended, of one Job or of all."""
        found = [pod for pod in self._api.store.of(PODS) if pod["status"]["phase"] not in ("Succeeded", "Failed")]
        return [pod for pod in found if job in (None, _job(pod))]

    def start(self, pod: Object) -> None:
        """Bind a pod and run its containers."""
        bound = copy(self._present(pod))
        bound["spec"]["nodeName"] = "node"
        name = (bound["metadata"]["namespace"], bound["metadata"]["name"])
        self._api.store.write(PODS, name, bound)
        running = {"startedAt": self._api.now()}
        self._report(bound, "Running", {"running": running}, ready=True)

    def finish(self, pod: Object, message: str = "", exit_code: int = 0, reason: str | None = None) -> None:
        """End a pod's containers; `message` is the first one's termination message."""
        if "nodeName" not in pod["spec"]:
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
        """Start and end every pod."""
        for pod in self.pods():
            self.finish(pod, message, exit_code)

    def let_go(self) -> None:
        """End the pods that are to be deleted: containers killed, then the object removed if nothing holds it."""
        for stored in self._api.store.of(PODS):
            if "deletionTimestamp" not in stored["metadata"]:
                continue
            if stored["status"]["phase"] not in ("Succeeded", "Failed"):
                self.finish(stored, exit_code=137)
            pod = copy(self._present(stored))
            pod["metadata"]["deletionGracePeriodSeconds"] = 0
            name = (pod["metadata"]["namespace"], pod["metadata"]["name"])
            self._api.store.write(PODS, name, pod if pod["metadata"].get("finalizers") else None)

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
