"""What the reconcilers read: one cache a kind, with the indexes that they need.

Jobs and pods are reduced on arrival to the few fields that a decision reads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    NAMESPACES,
    PODS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.ledger import Entries, split_entries
from launchplan_operator.decide.planreading import PlanReading, Runnable
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.validate import WorkflowView
from launchplan_operator.decide.versions import Snapshot
from launchplan_operator.kube.cache import Cache
from launchplan_operator.render import labels
from launchplan_operator.render.job import JobContent

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "ownerReferences")
_REMEMBERED = 10_000
#: How many versions that are not their plans' newest are held; each has a whole workflow in it.
_SNAPSHOTS = 200
#: Of how many plans it is held what they mean.
_READINGS = 200
#: Whoever asks for an object gives up after 30 s; clocks may differ by some seconds.
_UNANSWERED, _ANSWERED = timedelta(seconds=20), timedelta(seconds=45)


def launcher_key(namespace: str, kind: str, name: str) -> str:
    """Return the index key of the executions of a plan or of a bare workflow."""
    return f"{namespace}/{kind}/{name}"


def scoped(namespace: str, name: str) -> str:
    """Return the index key of a name in a namespace."""
    return f"{namespace}/{name}"


def project_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decisions read of a Job: our marks, its owners, the inputs on its template, and its status."""
    template = job["spec"]["template"].get("metadata") or {}
    inputs = (template.get("annotations") or {}).get(labels.INPUTS)
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": _metadata(job["metadata"], annotations=True),
        "spec": {
            "suspend": job["spec"].get("suspend", False),
            "activeDeadlineSeconds": job["spec"].get("activeDeadlineSeconds"),
            "template": {"metadata": {"annotations": {labels.INPUTS: inputs}}},
        },
        "status": job.get("status") or {},
    }


def project_pod(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decisions read of a pod: its Job, its phase and how its containers stand."""
    status = pod.get("status") or {}
    kept = {
        key: status[key] for key in ("phase", "reason", "containerStatuses", "initContainerStatuses") if key in status
    }
    return {
        "apiVersion": PODS.api_version,
        "kind": PODS.kind,
        "metadata": _metadata(pod["metadata"], annotations=False),
        "spec": {"nodeName": (pod.get("spec") or {}).get("nodeName")},
        "status": kept,
    }


def project_namespace(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decisions read of a namespace: its labels, all of them, as plans may choose by any."""
    metadata = namespace["metadata"]
    kept = {key: metadata[key] for key in ("name", "uid", "resourceVersion", "labels") if key in metadata}
    return {"apiVersion": NAMESPACES.api_version, "kind": NAMESPACES.kind, "metadata": kept}


def _metadata(metadata: Mapping[str, Any], *, annotations: bool) -> dict[str, Any]:
    kept = {key: metadata[key] for key in _METADATA if key in metadata}
    own = {key: value for key, value in (metadata.get("labels") or {}).items() if _is_read(key)}
    notes = (metadata.get("annotations") or {}) if annotations else {}
    return kept | {"labels": own, "annotations": {key: value for key, value in notes.items() if _is_read(key)}}


def _is_read(key: str) -> bool:
    return key.startswith(("launchplan.dev/", "batch.kubernetes.io/", "cronjob.kubernetes.io/"))


def _namespace(obj: Mapping[str, Any]) -> Iterable[str]:
    return (obj["metadata"]["namespace"],)


def _plan_workflow(plan: Mapping[str, Any]) -> Iterable[str]:
    reference = plan.get("spec", {}).get("workflowRef") or {}
    return (scoped(plan["metadata"]["namespace"], str(reference.get("name"))),)


def _launcher(execution: Mapping[str, Any]) -> Iterable[str]:
    reference = execution.get("spec", {}).get("launchPlanRef") or {}
    kind, name = reference.get("kind", "LaunchPlan"), str(reference.get("name"))
    return (launcher_key(execution["metadata"]["namespace"], kind, name),)


def _target(reference: Mapping[str, Any]) -> Iterable[str]:
    place = target_place(reference)
    return (scoped(*place),) if place else ()


def target_place(reference: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the namespace and name of the plan that a stored reference names; None where its spec does not say."""
    spec = reference.get("spec") or {}
    namespace = spec.get("namespace") or f"{spec.get('project')}-{spec.get('domain')}"
    return (namespace, spec["name"]) if "name" in spec else None


def _requester(execution: Mapping[str, Any]) -> Iterable[str]:
    requester = labels.requester_of(execution)
    return (scoped(requester.namespace, requester.execution),) if requester else ()


def came_late(run: Mapping[str, Any]) -> bool:
    """Tell whether a slot's run was made by a request whose caller had given up, and nobody has taken it since."""
    return _took(run) > _ANSWERED


def may_have_come_late(run: Mapping[str, Any]) -> bool:
    """Tell whether whoever asked for a slot's run may have given up before it was made, and settles the slot otherwise."""
    return _took(run) > _UNANSWERED


def _took(run: Mapping[str, Any]) -> timedelta:
    """Return how long the request for a slot's run was under way, by two clocks; zero where it does not say since when."""
    metadata = run["metadata"]
    asked = (metadata.get("annotations") or {}).get(labels.ASKED)
    return to_instant(metadata["creationTimestamp"]) - to_instant(asked) if asked is not None else timedelta()


def _is_unaccepted_slot_run(execution: Mapping[str, Any]) -> bool:
    return labels.is_slot_run(execution) and not (execution.get("status") or {}).get("phase")


def _label_index(label: str) -> Any:
    def keys(obj: Mapping[str, Any]) -> Iterable[str]:
        value = (obj["metadata"].get("labels") or {}).get(label)
        return (scoped(obj["metadata"]["namespace"], value),) if value else ()

    return keys


def _tombstones(job: Mapping[str, Any]) -> Iterable[str]:
    return _label_index(labels.PLAN)(job) if labels.is_tombstone(job) else ()


def _forget_oldest(remembered: dict[str, Any], limit: int) -> None:
    while len(remembered) > limit:
        del remembered[next(iter(remembered))]


def _remember_last(remembered: dict[str, Any], plan: Mapping[str, Any], what: object) -> None:
    """Hold what was read of a plan, as the newest of all that is held."""
    uid = plan["metadata"]["uid"]
    remembered.pop(uid, None)
    remembered[uid] = what
    _forget_oldest(remembered, _READINGS)


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The content of the Job of a run that brought no inputs, and all that it was made from.

    Attributes:
        permitting: the workflow as it was then, whose permissions counted.
        wish: what the run asked for.
    """

    plan: Mapping[str, Any]
    version: Runnable
    permitting: WorkflowView
    wish: LaunchPlanExecutionSpec
    content: JobContent

    def serves(
        self, plan: Mapping[str, Any], version: Runnable, permitting: WorkflowView, wish: LaunchPlanExecutionSpec
    ) -> bool:
        """Tell whether it would be made the same: from the very same objects, so that nothing is stale."""
        same = self.plan is plan and self.version is version and self.permitting is permitting
        # Inputs are any JSON, of which equal is not the same: Python takes true for 1.
        return same and not wish.inputs and self.wish == wish


@dataclass(frozen=True, slots=True)
class Caches:
    """One cache a kind that we read."""

    workflows: Cache = field(default_factory=lambda: Cache(indexes={"namespace": _namespace}))
    plans: Cache = field(default_factory=lambda: Cache(indexes={"namespace": _namespace, "workflow": _plan_workflow}))
    references: Cache = field(default_factory=lambda: Cache(indexes={"namespace": _namespace, "target": _target}))
    #: Empty where the operator serves some namespaces only: it may not see any.
    namespaces: Cache = field(default_factory=lambda: Cache(project_namespace))
    executions: Cache = field(default_factory=lambda: Cache(indexes={"launcher": _launcher, "requester": _requester}))
    cronjobs: Cache = field(default_factory=Cache)
    jobs: Cache = field(
        default_factory=lambda: Cache(project_job, {"plan": _label_index(labels.PLAN), "tombstone": _tombstones})
    )
    pods: Cache = field(default_factory=lambda: Cache(project_pod, {"job": _label_index(labels.JOB_NAME)}))

    #: Uids of Jobs whose records were counted and then deleted: the record that is made again is not counted again.
    counted_jobs: dict[str, None] = field(default_factory=dict)

    #: When a plan's CronJob was seen gone, by namespace and name: its controller may act on a stale view for a moment.
    cronjobs_gone: dict[str, datetime] = field(default_factory=dict)

    #: Slots' runs that this process is asking for now, by namespace and name: their uids are not known yet.
    asked_runs: set[str] = field(default_factory=set)

    #: Uids of slots' runs that stand in the books as started and were not accepted yet. One that is not among them,
    #: though its slot is settled, was made by a request that arrived too late.
    booked_runs: set[str] = field(default_factory=set)

    #: Uids of runs that this process made a Job for and has not noted it in their status yet.
    launched_runs: set[str] = field(default_factory=set)

    #: Slots' runs that were deleted before they had a Job, by uid: nothing but this is left to tell of them.
    lost_runs: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    #: Uids of plans that were asked for since this process began: before that a plan may be one of an old list.
    confirmed_plans: dict[str, None] = field(default_factory=dict)

    #: Versions read back from the server, by hash: what has the hash is the version, whoever holds it now.
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    #: What each workflow was last seen to mean, with its resourceVersion: reading one costs more than all else of a plan.
    views: dict[tuple[str, str], tuple[str, WorkflowView]] = field(default_factory=dict)

    #: What each of the plans that were read last means, by uid, with the object that it was read from.
    readings: dict[str, tuple[Mapping[str, Any], PlanReading]] = field(default_factory=dict)

    #: What was last chosen for a run of each of these plans, by uid.
    chosen: dict[str, Chosen] = field(default_factory=dict)

    #: What the ledgers of the plans that were asked for last say of each run, with the object that it was read from.
    entries: dict[str, tuple[Mapping[str, Any], dict[str, Entries]]] = field(default_factory=dict)

    def remember_snapshot(self, snapshot: Snapshot) -> None:
        """Hold a version that was read back."""
        self.snapshots[snapshot.hash] = snapshot
        _forget_oldest(self.snapshots, _SNAPSHOTS)

    def remember_reading(self, plan: Mapping[str, Any], reading: PlanReading) -> None:
        """Hold what a plan means: all runs that start in a burst ask for it."""
        _remember_last(self.readings, plan, (plan, reading))

    def entries_of(self, plan: Mapping[str, Any]) -> Mapping[str, Entries]:
        """Return by uid what a plan's ledger says of each run, read once for this very object."""
        read, entries = self.entries.get(plan["metadata"]["uid"], (None, {}))
        if read is not plan:
            entries = split_entries(plan.get("status") or {})
            _remember_last(self.entries, plan, (plan, entries))
        return entries

    def remember_chosen(self, chosen: Chosen) -> None:
        """Hold what a run starts: the others of a burst often ask for nothing else either."""
        _remember_last(self.chosen, chosen.plan, chosen)

    def confirm_plan(self, uid: str) -> None:
        """Note that a plan is held as the server has it, or newer."""
        self.confirmed_plans[uid] = None
        _forget_oldest(self.confirmed_plans, _REMEMBERED)

    def remember_counted(self, execution: Mapping[str, Any]) -> None:
        """Note that a counted execution was deleted, for as long as its Job may live on."""
        status = execution.get("status") or {}
        if status.get("counted") and "jobRef" in status:
            self.counted_jobs[status["jobRef"]["uid"]] = None
        _forget_oldest(self.counted_jobs, _REMEMBERED)

    def inherit_runs(self) -> None:
        """Take the slots' runs that are there when this process begins to write for booked: whoever made them saw to it.

        What came too late nobody may have taken. Whatever was lost before that was accounted for by another process, or cannot be.
        """
        self.lost_runs.clear()
        self.booked_runs.update(
            run["metadata"]["uid"]
            for run in self.executions.values()
            if _is_unaccepted_slot_run(run) and not came_late(run)
        )

    def remember_lost(self, execution: Mapping[str, Any]) -> None:
        """Note that a slot's run that stood in the books was deleted before it had a Job."""
        status, uid = execution.get("status") or {}, execution["metadata"]["uid"]
        is_booked = status.get("phase") or uid in self.booked_runs
        has_job = "jobRef" in status or uid in self.launched_runs
        if labels.is_slot_run(execution) and is_booked and not has_job and not is_terminal(status):
            self.lost_runs[uid] = execution
        _forget_oldest(self.lost_runs, _REMEMBERED)

    def forget_booked(self, execution: Mapping[str, Any]) -> None:
        """A slot's run that was accepted, or is gone, needs no mark any more."""
        self.booked_runs.discard(execution["metadata"]["uid"])

    def forget_launched(self, execution: Mapping[str, Any]) -> None:
        """A run whose Job is noted in its status, or that is gone, needs no mark any more."""
        self.launched_runs.discard(execution["metadata"]["uid"])

    def remember_gone(self, namespace: str, name: str, now: datetime) -> None:
        """Note that a plan's CronJob was just seen gone."""
        self.cronjobs_gone[scoped(namespace, name)] = now
        _forget_oldest(self.cronjobs_gone, _REMEMBERED)

    def of(self, kind: Kind) -> Cache | None:
        """Return the cache of a kind, or None for a kind that we only write."""
        return {
            WORKFLOW_DEFINITIONS: self.workflows,
            LAUNCH_PLANS: self.plans,
            REFERENCE_LAUNCH_PLANS: self.references,
            LAUNCH_PLAN_EXECUTIONS: self.executions,
            CRON_JOBS: self.cronjobs,
            JOBS: self.jobs,
            PODS: self.pods,
            NAMESPACES: self.namespaces,
        }.get(kind)

    def names(self, kind: Kind, namespace: str) -> tuple[str, ...]:
        """Return the sorted names of a namespace's workflows, plans or references."""
        found = self.of(kind)
        return tuple(sorted(obj["metadata"]["name"] for obj in found.by("namespace", namespace))) if found else ()

    def take(self, kind: Kind, obj: dict[str, Any]) -> None:
        """Take what a write of ours returned."""
        cache = self.of(kind)
        if cache is not None:
            cache.put(obj)
