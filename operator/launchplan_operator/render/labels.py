"""Our labels and annotations: how everything that we make is found again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "launchplan-operator"
#: Selects every object that we made or whose template we rendered.
MANAGED_SELECTOR = f"{MANAGED_BY}={MANAGER}"

PLAN = "launchplan.dev/plan"
WORKFLOW = "launchplan.dev/workflow"
VERSION = "launchplan.dev/version"
EXECUTION = "launchplan.dev/execution"
ORIGIN = "launchplan.dev/origin"

#: On a Job: the uid of the plan that it was rendered for, so that a plan made anew does not inherit it.
PLAN_UID = "launchplan.dev/plan-uid"
#: On a Job: what is needed to read its outputs, as JSON `{container, outputs: {name: type}}`.
RESULTS = "launchplan.dev/results"
#: On a pod: all inputs as canonical JSON; on a CronJob: nothing.
INPUTS = "launchplan.dev/inputs"
#: On a pod: one annotation for each input, in text form.
INPUT_PREFIX = "inputs.launchplan.dev/"
#: On a pod: how many of the run's pods run at once at most.
MAX_PARALLELISM = "launchplan.dev/max-parallelism"
#: On a pod: what the address of the run's large outputs begins with.
OUTPUT_PREFIX = "launchplan.dev/raw-output-prefix"
#: On an execution that a schedule asks for, and on its pods: the slot, RFC 3339.
SLOT = "launchplan.dev/slot"
#: On the same: when it was asked for, RFC 3339, or when it arrived, once somebody took one that came too late.
ASKED = "launchplan.dev/asked"
#: On an execution that somebody asks for through a reference: who asks, by namespace, reference, execution and its uid.
FROM_NAMESPACE = "launchplan.dev/from-namespace"
FROM_REFERENCE = "launchplan.dev/from-reference"
FROM_EXECUTION = "launchplan.dev/from-execution"
FROM_UID = "launchplan.dev/from-uid"
#: On a Job that never runs and only occupies a run's name.
TOMBSTONE = "launchplan.dev/tombstone"
#: On a tombstone: whose name it occupies.
RUN_UID = "launchplan.dev/run-uid"
#: On a tombstone, and on a Job that was told to end: why, as JSON `{reason, message}`.
CAUSE = "launchplan.dev/cause"
#: On a CronJob: the hash of all that we rendered into it.
RENDERED = "launchplan.dev/rendered"
#: On a CronJob: the hash of its slots (cron text and zone).
SCHEDULE = "launchplan.dev/schedule"
#: On a CronJob: the latest slot that it let pass and that was settled without it.
SETTLED = "launchplan.dev/settled"

#: Kubernetes' own, which it sets on Jobs and pods.
CRONJOB_SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
JOB_NAME = "batch.kubernetes.io/job-name"


@dataclass(frozen=True, slots=True)
class Requester:
    """The execution that asks for another one through a reference: its namespace, the reference, its name and uid."""

    namespace: str
    reference: str
    execution: str
    uid: str


def requester_of(execution: Mapping[str, Any]) -> Requester | None:
    """Return who asks for an execution from elsewhere, as its labels say; they count only where its name fits them."""
    found = execution["metadata"].get("labels") or {}
    marks = [found.get(label) for label in (FROM_NAMESPACE, FROM_REFERENCE, FROM_EXECUTION, FROM_UID)]
    said = Requester(*(mark or "" for mark in marks))
    return said if all(marks) and execution["metadata"]["name"] == remote_name(said.uid) else None


def remote_name(uid: str) -> str:
    """Return the name of the execution that does what the one with this uid asks for: nobody else's can have it."""
    return f"ref-{uid}"


def owner_reference(owner: Mapping[str, Any], *, controller: bool) -> dict[str, Any]:
    """Return a reference to an owner that the garbage collector follows and that blocks nothing."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": controller,
        "blockOwnerDeletion": False,
    }


def controller_of(obj: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an object's controller reference, or None."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def is_through_reference(execution: Mapping[str, Any]) -> bool:
    """Tell whether an execution is a run through a reference: another one has its Job."""
    reference = (execution.get("spec") or {}).get("launchPlanRef") or {}
    return bool(reference.get("kind") == "ReferenceLaunchPlan")


def is_tombstone(job: Mapping[str, Any]) -> bool:
    """Tell whether a Job only occupies a name."""
    return (job["metadata"].get("labels") or {}).get(TOMBSTONE) == "true"


def is_slot_run(execution: Mapping[str, Any]) -> bool:
    """Tell whether we made the execution to start a slot: the plan controls it, and it names the slot."""
    controller = controller_of(execution)
    slot = (execution["metadata"].get("annotations") or {}).get(SLOT)
    return controller is not None and controller["kind"] == "LaunchPlan" and slot is not None


def is_owned_by(obj: Mapping[str, Any], uid: str) -> bool:
    """Tell whether any owner of the object has this uid."""
    return any(reference.get("uid") == uid for reference in obj["metadata"].get("ownerReferences") or ())
