"""What the node tests share: a namespace with the verbs of a user, and workflows of one shell script."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
Kubectl = Callable[..., str]

API_VERSION = "launchplan.dev/v1alpha1"
_POLL_SECONDS = 0.1
_ENDED = {"Succeeded", "Failed", "TimedOut", "Aborted", "Rejected"}


def eventually(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(_POLL_SECONDS)  # kubectl wait knows no condition of this kind


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace, as a user of kubectl works with it."""

    kubectl_anywhere: Kubectl
    name: str

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return self.kubectl_anywhere("--namespace", self.name, *arguments, stdin=stdin)

    def get(self, what: str) -> Object:
        """Return an object, such as `lpx/x`."""
        found: Object = json.loads(self.kubectl("get", what, "-o", "json"))
        return found

    def create(self, manifest: Object) -> str:
        """Create an object; returns its name."""
        return self.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(manifest)).strip().rpartition("/")[2]

    def define(self, name: str, script: str, inputs: Mapping[str, str] | None = None, **fields: Any) -> None:
        """Create a workflow that runs a shell script; `inputs` are types by name, `fields` go into the container."""
        container = {"name": "main", "image": "busybox:stable", "command": ["/bin/sh", "-c", script]} | fields
        pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
        declared = [{"name": name, "type": text} for name, text in (inputs or {}).items()]
        spec = {"interface": {"inputs": declared}, "job": {"backoffLimit": 0, "template": {"spec": pod}}}
        self.create(_resource("WorkflowDefinition", {"name": name}, spec))

    def run(self, workflow: str, inputs: Object | None = None) -> str:
        """Run a workflow without a plan; returns the execution's name."""
        reference = {"kind": "WorkflowDefinition", "name": workflow}
        spec = {"launchPlanRef": reference, "inputs": inputs or {}}
        return self.create(_resource("LaunchPlanExecution", {"generateName": f"{workflow}-"}, spec))

    def ended(self, execution: str, seconds: float = 60.0) -> Object:
        """Wait until a run has ended and return its status."""
        eventually(lambda: self.status(execution).get("phase") in _ENDED, f"the end of {execution}", seconds)
        return self.status(execution)

    def status(self, execution: str) -> Object:
        """Return a run's status."""
        status: Object = self.get(f"lpx/{execution}").get("status", {})
        return status

    def log(self, execution: str) -> str:
        """Return what the container of a run wrote."""
        return self.kubectl("logs", f"job/{execution}")


def _resource(kind: str, metadata: Object, spec: Object) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
