"""A namespace to work in, manifests to begin with, and waiting for what the operator makes of them."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import yaml

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    EVENTS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    PODS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from localcluster.api import MERGE_PATCH, Api, ApiUnavailableError, Reply

Object = dict[str, Any]
Kubectl = Callable[..., str]
T = TypeVar("T")

#: A schedule that fires in no test, and one that fires in every minute.
NEVER = {"cron": "0 0 29 2 *"}
EVERY_MINUTE = {"cron": "* * * * *"}
ENDED = frozenset({"Succeeded", "Failed", "TimedOut", "Aborted", "Skipped", "Rejected"})
INPUTS: list[Object] = [{"name": "city", "type": "string"}, {"name": "days", "type": "integer", "default": 7}]
INTERFACE = {
    "inputs": INPUTS,
    "outputs": [{"name": "rows", "type": "integer"}],
}
OUTPUTS = {"rows": 3}
#: Seconds that the garbage collector may take: it learns of new kinds every half minute, and then of lost owners.
COLLECTION = 90.0
_POLL_SECONDS = 0.05
_JOB_NAME = "batch.kubernetes.io/job-name"


def eventually(look: Callable[[], T], holds: Callable[[T], object], seconds: float = 20.0) -> T:
    """Look until what is seen holds, and return it; the failure shows what was seen last."""
    deadline = time.monotonic() + seconds
    while not holds(state := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s; last seen:\n{_shown(state)}"
        time.sleep(_POLL_SECONDS)  # what is looked at may be several objects, which no single watch shows
    return state


def _shown(state: object) -> str:
    shown = {key: value for key, value in state.items() if key != "metadata"} if isinstance(state, dict) else state
    return yaml.safe_dump(json.loads(json.dumps(shown, default=str)), sort_keys=False, width=120)


def words(outputs: Object, **told: str) -> dict[str, str]:
    """Return what the stub is told of a pod that gives these outputs."""
    return {"message": json.dumps(outputs)} | told


def template(told: Mapping[str, str] | None = None, **spec: Any) -> Object:
    """Return a JobSpec of one container; `told` is what the stub is told of its pods, by default the outputs."""
    said = words(OUTPUTS) if told is None else told
    annotations = {f"stub.localcluster/{key}": value for key, value in said.items()}
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "localcluster/busybox:1"}]}
    return {"backoffLimit": 0, "template": {"metadata": {"annotations": annotations}, "spec": pod}} | spec


def workflow(told: Mapping[str, str] | None = None, interface: Object | None = None, **job: Any) -> Object:
    """Return the spec of a workflow with two inputs and one output."""
    return {"interface": INTERFACE if interface is None else interface, "job": template(told, **job)}


def plan(**spec: Any) -> Object:
    """Return the spec of an active plan that binds the required input."""
    return {"workflowRef": {"name": "report"}, "defaultInputs": {"city": "Oslo"}, "autoActivate": True} | spec


def run_of(name: str, kind: str = "LaunchPlan", **spec: Any) -> Object:
    """Return the spec of a run."""
    return {"launchPlanRef": {"kind": kind, "name": name}} | spec


def slot_text(slot: datetime) -> str:
    """Return a slot as a status has it."""
    return slot.strftime("%Y-%m-%dT%H:%M:%SZ")


def next_slot(room: float = 0.0) -> datetime:
    """Return the next whole minute (UTC), after waiting until it is at least `room` seconds away."""
    left = 60 - time.time() % 60
    if left < room:
        time.sleep(left + 1)  # the clock of a CronJob is the machine's own
    return datetime.fromtimestamp(60 * (time.time() // 60 + 1), UTC)


def await_slot(slot: datetime, seconds: float = 5.0) -> None:
    """Wait until some seconds after a slot."""
    time.sleep(max(0.0, slot.timestamp() + seconds - time.time()))  # nothing tells of a slot that nothing fires at


def standing(obj: Object) -> Object:
    """Return what kstatus reads: the status of Ready, Reconciling and Stalled."""
    return {each: condition(obj, each)["status"] for each in ("Ready", "Reconciling", "Stalled")}


def condition(obj: Object, kind: str) -> Object:
    """Return a condition that must be there."""
    found: Object = next(each for each in obj["status"]["conditions"] if each["type"] == kind)
    return found


def reason_of(obj: Object) -> str | None:
    """Return the reason of Ready, or None while the status is about an older spec."""
    status = obj.get("status") or {}
    if status.get("observedGeneration") != obj["metadata"]["generation"]:
        return None
    return next((str(each["reason"]) for each in status["conditions"] if each["type"] == "Ready"), None)


def controller_uid(obj: Object) -> str | None:
    """Return the uid of an object's controller."""
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), None)


def owner_uids(obj: Object) -> set[str]:
    """Return the uids of all owners."""
    return {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ()}


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace of a test's own, seen by an administrator."""

    api: Api
    namespace: str
    cluster_kubectl: Kubectl
    audit_log: Path

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return self.cluster_kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def ask(self, method: str, kind: Kind, name: str | None = None, body: Object | None = None) -> Reply:
        """Send one request about an object of the namespace, and return the answer as it is."""
        return self.send(method, kind.path(self.namespace, name), body)

    def send(self, method: str, path: str, body: Object | None = None) -> Reply:
        """Send one request, and return the answer as it is."""
        content_type = MERGE_PATCH if method == "PATCH" else "application/json"
        try:
            return self.api.request(method, path, body, content_type)
        except ApiUnavailableError:
            # The server closes connections that stood idle. A second try does no harm: every object here has a name.
            return self.api.request(method, path, body, content_type)

    def create(self, kind: Kind, name: str, spec: Object, **metadata: Any) -> Object:
        """Create an object."""
        about = {"name": name, "namespace": self.namespace} | metadata
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": about, "spec": spec}
        return _answer(self.ask("POST", kind, None, body))

    def apply(self, manifest: Object) -> None:
        """Apply any object as kubectl does."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def find(self, kind: Kind, name: str) -> Object | None:
        """Return an object, or None if there is none."""
        reply = self.ask("GET", kind, name)
        return None if reply.status == 404 else _answer(reply)

    def read(self, kind: Kind, name: str) -> Object:
        """Return an object that must be there."""
        return _answer(self.ask("GET", kind, name))

    def all(self, kind: Kind, selector: str = "") -> list[Object]:
        """Return the namespace's objects of a kind, those that a label selector selects."""
        path = f"{kind.path(self.namespace)}?labelSelector={quote(selector)}"
        items: list[Object] = _answer(self.send("GET", path))["items"]
        return items

    def names(self, kind: Kind) -> set[str]:
        """Return the names of the namespace's objects of a kind."""
        return {each["metadata"]["name"] for each in self.all(kind)}

    def edit(self, kind: Kind, name: str, **body: Any) -> Object:
        """Merge `spec` and `metadata` into an object."""
        return _answer(self.ask("PATCH", kind, name, body))

    def replace(self, kind: Kind, name: str, spec: Object) -> Object:
        """Put another spec in the place of an object's, whatever is written to the object meanwhile."""

        def put() -> Reply:
            return self.ask("PUT", kind, name, self.read(kind, name) | {"spec": spec})

        return _answer(eventually(put, lambda reply: reply.status != 409))

    def delete(self, kind: Kind, name: str, propagation: str = "Background") -> None:
        """Ask for the deletion of an object."""
        _answer(self.ask("DELETE", kind, name, {"propagationPolicy": propagation}))

    def until(self, kind: Kind, name: str, holds: Callable[[Object], object], seconds: float = 20.0) -> Object:
        """Wait until an object is there and holds."""
        found = eventually(lambda: self.find(kind, name), lambda obj: obj is not None and holds(obj), seconds)
        assert found is not None
        return found

    def gone(self, kind: Kind, name: str, seconds: float = 20.0) -> None:
        """Wait until there is no such object."""
        eventually(lambda: self.find(kind, name), lambda obj: obj is None, seconds)

    def events(self, obj: Object, reason: str) -> list[Object]:
        """Return the Kubernetes events of a reason about an object."""
        uid = obj["metadata"]["uid"]
        return [
            event
            for event in self.all(EVENTS)
            if event["involvedObject"].get("uid") == uid and event.get("reason") == reason
        ]

    def warned(self, obj: Object, reason: str) -> str:
        """Wait for a Warning event about an object, and return its message."""
        events = eventually(lambda: self.events(obj, reason), bool)
        assert {event["type"] for event in events} == {"Warning"}
        return str(events[-1]["message"])

    def offer(self, name: str = "report", spec: Object | None = None) -> Object:
        """Create a workflow, and wait until plans may use it."""
        self.create(WORKFLOW_DEFINITIONS, name, workflow() if spec is None else spec)
        return self.ready(WORKFLOW_DEFINITIONS, name, "Valid")

    def plan(self, name: str, **spec: Any) -> Object:
        """Create an active plan, and wait until it is; return it."""
        self.create(LAUNCH_PLANS, name, plan(**spec))
        return self.ready(LAUNCH_PLANS, name, "Active")

    def ready(self, kind: Kind, name: str, reason: str, seconds: float = 20.0) -> Object:
        """Wait until an object's status is about its present spec, Ready for a reason and nothing else."""
        found = self.until(kind, name, lambda obj: reason_of(obj) == reason, seconds)
        return _stands(found, ("True", "False", "False"))

    def stalled(self, kind: Kind, name: str, reason: str) -> Object:
        """Wait until an object is stalled for a reason, as kstatus reads it."""
        found = self.until(kind, name, lambda obj: reason_of(obj) == reason)
        return _stands(found, ("False", "False", "True"))

    def waiting(self, kind: Kind, name: str, reason: str) -> Object:
        """Wait until an object says that another one's arrival would mend it."""
        found = self.until(kind, name, lambda obj: reason_of(obj) == reason)
        return _stands(found, ("False", "True", "False"))

    def uid(self, kind: Kind, name: str) -> str:
        """Return the uid of an object that must be there."""
        return str(self.read(kind, name)["metadata"]["uid"])

    def rescheduled(self, name: str, old: str, seconds: float = 30.0) -> Object:
        """Wait until a plan is ready with a CronJob of another uid than the old one, and return the plan."""

        def replaced(obj: Object) -> bool:
            cronjob = ((obj.get("status") or {}).get("schedule") or {}).get("cronJob") or {"uid": old}
            return bool(cronjob["uid"] != old and standing(obj)["Ready"] == "True")

        found = self.until(LAUNCH_PLANS, name, replaced, seconds)
        assert self.uid(CRON_JOBS, name) == found["status"]["schedule"]["cronJob"]["uid"]
        return found

    def run(self, name: str, spec: Object, phase: str = "Succeeded", seconds: float = 20.0) -> Object:
        """Create an execution, and wait until it has ended in a phase."""
        self.create(LAUNCH_PLAN_EXECUTIONS, name, spec)
        return self.ended(name, phase, seconds)

    def ended(self, name: str, phase: str = "Succeeded", seconds: float = 20.0) -> Object:
        """Wait until an execution has ended, in a phase."""
        found = self.until(LAUNCH_PLAN_EXECUTIONS, name, lambda obj: phase_of(obj) in ENDED, seconds)
        assert found["status"]["phase"] == phase, _shown(found["status"])
        return found

    def in_phase(self, name: str, phase: str) -> Object:
        """Wait until an execution is in a phase."""
        return self.until(LAUNCH_PLAN_EXECUTIONS, name, lambda obj: phase_of(obj) == phase)

    def pods_of(self, job: str) -> list[Object]:
        """Return the pods of a Job, oldest first."""
        return sorted(
            self.all(PODS, f"{_JOB_NAME}={job}"),
            key=lambda pod: (pod["metadata"]["creationTimestamp"], int(pod["metadata"]["resourceVersion"])),
        )

    def running_pod(self, job: str, seconds: float = 20.0) -> str:
        """Wait until a pod of a Job runs, and return its name."""
        pods = eventually(lambda: self.pods_of(job), lambda pods: any(map(_is_running, pods)), seconds)
        return next(str(pod["metadata"]["name"]) for pod in pods if _is_running(pod))

    def release(self, pod: str, **told: str) -> None:
        """Let a held pod end, as told."""
        marks = {f"stub.localcluster/{key.replace('_', '-')}": value for key, value in told.items()}
        self.edit(PODS, pod, metadata={"annotations": marks | {"stub.localcluster/hold": None}})

    def makes_nothing(self) -> bool:
        """Tell whether there is neither CronJob nor Job."""
        return not self.all(CRON_JOBS) and not self.all(JOBS)


def phase_of(execution: Object) -> str | None:
    """Return an execution's phase."""
    phase: str | None = (execution.get("status") or {}).get("phase")
    return phase


def _stands(obj: Object, expected: tuple[str, str, str]) -> Object:
    assert tuple(standing(obj).values()) == expected, _shown(obj["status"])
    return obj


def _is_running(pod: Object) -> bool:
    return bool(pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"])


def _answer(reply: Reply) -> Object:
    assert reply.ok, f"{reply.status}: {reply.body.get('message')}"
    return reply.body
