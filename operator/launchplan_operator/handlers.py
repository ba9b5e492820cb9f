"""Every trigger on one screen: which change of which object wakes which key.

kopf watches our own kinds and hands each event to a cache; the reflectors do the same for CronJobs, Jobs and pods. What
a cache did not know yet wakes keys in the queue, and nothing else happens here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import kopf

from launchplan_operator.api.conditions import has_status
from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.run import is_ending, is_finished, is_open
from launchplan_operator.kube.cache import Cache
from launchplan_operator.kube.queue import Key, Priority, Queue
from launchplan_operator.reconcile.caches import Caches, launcher_key, scoped, target_place
from launchplan_operator.render import labels

#: The kinds that kopf watches.
OWN_KINDS = (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS)
#: Seconds in which the changes of one run meet in one look at its plan.
GATHERING = 0.25
#: The same for what changes nothing but how many wait and run, which the end of a short run overtakes.
UNHURRIED = 2.0

Object = Mapping[str, Any]


class Triggers:
    """Wakes keys for changes of the caches, from when it is told to follow them.

    Attributes:
        own_write: set while a cache takes what a write of ours returned: a reconciler is not woken by itself.
    """

    def __init__(self, queue: Queue, caches: Caches) -> None:
        self.own_write = False
        self._queue = queue
        self._caches = caches

    def follow(self) -> None:
        """Wake keys for all that the caches hold, and then for every change."""
        caches = self._caches
        caches.workflows.listen(self.workflow_changed)
        caches.plans.listen(self.plan_changed)
        caches.references.listen(self.reference_changed)
        caches.namespaces.listen(self.namespace_changed)
        caches.executions.listen(self.execution_changed)
        caches.cronjobs.listen(self.cronjob_changed)
        caches.jobs.listen(self.job_changed)
        caches.pods.listen(self.pod_changed)

    def workflow_changed(self, old: Object | None, new: Object | None) -> None:
        """The workflow itself; the plans and waiting runs that depend on it, if it means something else now."""
        namespace, name = _name(old, new)
        self._wake_own(("WorkflowDefinition", namespace, name), old, new)
        if _verdict(old) == _verdict(new):
            return
        for plan in self._caches.plans.by("workflow", scoped(namespace, name)):
            self._queue.add(("LaunchPlan", namespace, plan["metadata"]["name"]))
            self._wake_waiting(namespace, "LaunchPlan", plan["metadata"]["name"])
        self._wake_waiting(namespace, "WorkflowDefinition", name)

    def plan_changed(self, old: Object | None, new: Object | None) -> None:
        """The plan itself; its waiting runs, if it stands otherwise; those of whom its ledger says something new.

        The references to it, if it offers something else, or to others.
        """
        namespace, name = _name(old, new)
        self._wake_own(("LaunchPlan", namespace, name), old, new)
        if _standing(old) != _standing(new):
            self._wake_waiting(namespace, "LaunchPlan", name)
        for name_of_run in _news_of_runs(old, new):
            self._queue.add(("LaunchPlanExecution", namespace, name_of_run), Priority.HIGH)
        if _offer(old) != _offer(new):
            self._wake_referring(namespace, name)

    def reference_changed(self, old: Object | None, new: Object | None) -> None:
        """The reference itself; the runs that wait for it, if it stands otherwise; the plans that it names or named.

        The references that name it, which stand for nothing as long as it is there, if it comes or goes.
        """
        namespace, name = _name(old, new)
        self._wake_own(("ReferenceLaunchPlan", namespace, name), old, new)
        if _verdict(old) != _verdict(new):
            self._wake_unasked(namespace, name)
        places = {target_place(each) for each in (old, new) if each is not None}
        if old is None or new is None or len(places) > 1:
            for place in places - {None}:
                self._wake_referred(place)
        if old is None or new is None:
            self._wake_referring(namespace, name)

    def namespace_changed(self, old: Object | None, new: Object | None) -> None:
        """The references in a namespace whose labels are others, and the plans that they name: some choose by labels."""
        if _labels(old) == _labels(new):
            return
        for reference in self._caches.references.by("namespace", (new or old or {})["metadata"]["name"]):
            self._wake_reference(reference)
            self._wake_referred(target_place(reference))

    def execution_changed(self, old: Object | None, new: Object | None) -> None:
        """The run itself; what it is a run of, if the phase is another, it began, or it stands in line now.

        The run in another namespace that asks for it, or that it asks for.
        """
        namespace, name = _name(old, new)
        key = ("LaunchPlanExecution", namespace, name)
        if (
            old is None
            and new is not None
            and not _phase(new)
            and not (self.own_write and self._is_brought_forward(new))
        ):
            self._queue.add(key, Priority.HIGH)
        self._wake_own(key, old, new)
        if new is None and old is not None:
            self._caches.remember_counted(old)
            self._caches.remember_lost(old)
        if new is None or _phase(new):
            self._caches.forget_booked(new or old or {})
        if new is None or "jobRef" in (new.get("status") or {}):
            self._caches.forget_launched(new or old or {})
        if _place(old) != _place(new) or old is None or new is None:
            reference = ((new or old or {}).get("spec") or {}).get("launchPlanRef") or {}
            key = (reference.get("kind", "LaunchPlan"), namespace, str(reference.get("name")))
            if new is not None and _phase(new) in {None, "Running"}:
                self._queue.add_after(key, UNHURRIED, Priority.LOW)
            else:
                self._queue.add_after(key, GATHERING)
        self._wake_other_side(old, new)

    def _is_brought_forward(self, made: Object) -> bool:
        """Tell whether whoever made a run brings it forward as well: the watch brings nothing newer.

        A slot's run was made by its plan's look. One that was asked for through a reference is woken by the run that
        asked, unless that one went meanwhile.
        """
        requester = labels.requester_of(made)
        if requester is None:
            return not labels.is_slot_run(made)
        asking = self._caches.executions.get(requester.namespace, requester.execution)
        return asking is not None and asking["metadata"]["uid"] == requester.uid

    def _wake_other_side(self, old: Object | None, new: Object | None) -> None:
        """Wake the run that asks for this one, at each change; those that this one asks for, if it counts on them or not."""
        run = new or old or {}
        requester = labels.requester_of(run)
        # It made this one just now, and goes on by itself.
        if requester is not None and not (old is None and self.own_write):
            self._queue.add(("LaunchPlanExecution", requester.namespace, requester.execution))
        if not labels.is_through_reference(run) or _claim(old) == _claim(new):
            return
        for remote in self._caches.executions.by("requester", scoped(*_name(old, new))):
            namespace = remote["metadata"]["namespace"]
            self._queue.add(("LaunchPlanExecution", namespace, remote["metadata"]["name"]), Priority.HIGH)
            if new is None or is_terminal(new.get("status") or {}):
                # What was kept until its end was mirrored may be removed now.
                self._queue.add_after(("LaunchPlan", namespace, remote["spec"]["launchPlanRef"]["name"]), GATHERING)

    def cronjob_changed(self, old: Object | None, new: Object | None) -> None:
        """The plan of that name, if the CronJob was changed or fired."""
        if _cronjob_facts(old) == _cronjob_facts(new) or self.own_write:
            return
        key = ("LaunchPlan", *_name(old, new))
        # The watch may tell of a CronJob before our own create returns: that pass accounts for it.
        if old is None and self._queue.is_processing(key):
            return
        self._queue.add_after(key, GATHERING)

    def job_changed(self, old: Object | None, new: Object | None) -> None:
        """The run of that name; the plan whose limit it counted under, where no run is left to tell of it.

        Its plan too where it ended but for its pods, which the run does not tell of: they may linger. A tombstone's plan,
        which removes it when its time has come.
        """
        namespace, name = _name(old, new)
        went_on = old is not None and new is not None and old.get("status") != new.get("status")
        goes_on = new is not None and not is_finished(new)
        key = ("LaunchPlanExecution", namespace, name)
        self._wake_self(key, Priority.LOW if goes_on else Priority.NORMAL, news=went_on)
        plan = ((new or {}).get("metadata", {}).get("labels") or {}).get(labels.PLAN)
        if old is None and new is not None and plan and labels.is_tombstone(new):
            self._queue.add_after(("LaunchPlan", namespace, plan), GATHERING)
        news_of_end = new is not None and is_ending(new) and not (old is not None and is_ending(old))
        if news_of_end or self._caches.executions.get(namespace, name) is None:
            self._wake_limited(new or old or {})

    def pod_changed(self, old: Object | None, new: Object | None) -> None:
        """The run whose Job the pod belongs to, if the pod ended or is stuck."""
        if (old or {}).get("status") == (new or {}).get("status"):
            return
        pod = new or old or {}
        job = (pod["metadata"].get("labels") or {}).get(labels.JOB_NAME)
        goes_on = new is not None and is_open(new)
        if job:
            key = ("LaunchPlanExecution", pod["metadata"]["namespace"], job)
            self._queue.add(key, Priority.LOW if goes_on else Priority.NORMAL)
        # A run that ended keeps its place under a limit until its pods have.
        if not goes_on:
            self._wake_limited(pod)

    def _wake_limited(self, obj: Object) -> None:
        """Wake the plan of a Job or pod if it has a limit: an end lets another run start, or the next not be skipped."""
        namespace, plan = obj["metadata"]["namespace"], (obj["metadata"].get("labels") or {}).get(labels.PLAN)
        found = self._caches.plans.get(namespace, plan) if plan else None
        if plan and found is not None and (found.get("status") or {}).get("concurrency"):
            self._queue.add_after(("LaunchPlan", namespace, plan), GATHERING, Priority.HIGH)

    def _wake_own(self, key: Key, old: Object | None, new: Object | None) -> None:
        """One of our kinds wakes itself, at once if a person did something to it.

        A status is the operator's own as a rule, told by the watch before the write was answered: no haste.
        """
        if _is_edited(old, new):
            self._queue.add(key, Priority.HIGH)
        elif old is None or new is None:
            self._wake_self(key, Priority.NORMAL, news=False)
        elif not self.own_write:
            self._queue.add_after(key, UNHURRIED, Priority.LOW)

    def _wake_self(self, key: Key, priority: Priority, *, news: bool) -> None:
        """A reconciler is not woken by what it wrote itself, but by what the answer tells of others' doings.

        The watch will not tell of that once more: what it brings then is not newer.
        """
        if not self.own_write or news:
            self._queue.add(key, priority)

    def _wake_referring(self, namespace: str, name: str) -> None:
        """Wake the references that name a plan, whether there is one."""
        for reference in self._caches.references.by("target", scoped(namespace, name)):
            self._wake_reference(reference)

    def _wake_reference(self, reference: Object) -> None:
        namespace, name = _name(None, reference)
        self._queue.add(("ReferenceLaunchPlan", namespace, name))
        self._wake_unasked(namespace, name)

    def _wake_unasked(self, namespace: str, reference: str) -> None:
        """Wake the runs through a reference that have not asked for another one yet."""
        for execution in self._caches.executions.by(
            "launcher", launcher_key(namespace, "ReferenceLaunchPlan", reference)
        ):
            status = execution.get("status") or {}
            if not is_terminal(status) and "remote" not in status:
                self._queue.add(("LaunchPlanExecution", namespace, execution["metadata"]["name"]))

    def _wake_referred(self, place: tuple[str, str] | None) -> None:
        if place is not None and self._caches.plans.get(*place) is not None:
            self._queue.add_after(("LaunchPlan", *place), GATHERING)

    def _wake_waiting(self, namespace: str, kind: str, name: str) -> None:
        for execution in self._caches.executions.by("launcher", launcher_key(namespace, kind, name)):
            if _phase(execution) in {None, "Queued"}:
                self._queue.add(("LaunchPlanExecution", namespace, execution["metadata"]["name"]))


def register(registry: kopf.OperatorRegistry, caches: Caches, relisted: Callable[[Kind], None]) -> None:
    """Let kopf hand every event of our kinds to its cache.

    `relisted` is told the kind of every object that kopf lists: it does so at its start and after an expired watch, and
    never reports what vanished before.
    """
    for kind in OWN_KINDS:
        cache = caches.of(kind)
        if cache is not None:
            _register(registry, kind, cache, relisted)


def _register(registry: kopf.OperatorRegistry, kind: Kind, cache: Cache, relisted: Callable[[Kind], None]) -> None:
    @kopf.on.event(kind.group, kind.version, kind.plural, id=f"{kind.plural}_changed", registry=registry)
    async def changed(event: kopf.RawEvent, **_: Any) -> None:
        obj = dict(event["object"])
        if event["type"] == "DELETED":
            cache.remove(obj)
            return
        cache.put(obj)
        if event["type"] is None:
            relisted(kind)


def _name(old: Object | None, new: Object | None) -> tuple[str, str]:
    metadata = (new or old or {})["metadata"]
    return metadata["namespace"], metadata["name"]


def _is_edited(old: Object | None, new: Object | None) -> bool:
    """Tell whether a person changed an object that was known before."""
    return old is not None and new is not None and _generation(old) != _generation(new)


def _generation(obj: Object | None) -> tuple[Any, ...]:
    return (obj["metadata"]["uid"], obj["metadata"].get("generation")) if obj else ()


def _standing(plan: Object | None) -> tuple[Any, ...]:
    """What waiting runs see of a plan: the verdict on it, whatever spec that is about, and the versions that can be run.

    An edit itself tells them nothing: the plan's own look at it, which always writes, does.
    """
    if plan is None:
        return ()
    metadata = plan["metadata"]
    return (
        metadata["uid"],
        metadata.get("deletionTimestamp"),
        *_judgement(plan),
        (plan.get("status") or {}).get("versions"),
    )


def _news_of_runs(old: Object | None, new: Object | None) -> list[str]:
    """Name the runs of whom a plan's ledger says something new, in the order in which they were admitted."""
    before, after = _ledger(old), _ledger(new)
    return [run[0] for run in (*after, *before) if (run in before) != (run in after)]


def _ledger(plan: Object | None) -> dict[tuple[Any, ...], None]:
    """What a plan's ledger says of each run, in its order: that it may start, is to end, or never starts."""
    ledger = ((plan or {}).get("status") or {}).get("concurrency") or {}
    seats = ((seat["name"], seat["uid"], seat.get("replacedBy")) for seat in ledger.get("running") or ())
    skipped = ((entry["name"], entry["uid"], entry["reason"]) for entry in ledger.get("skipped") or ())
    return dict.fromkeys((*seats, *skipped))


def _phase(obj: Object | None) -> str | None:
    return ((obj or {}).get("status") or {}).get("phase")


def _place(run: Object | None) -> tuple[str | None, str | None, bool]:
    """What a plan sees of a run: its phase, its start, and that it was accepted, without which it does not stand in line."""
    status = (run or {}).get("status") or {}
    accepted = any(c["type"] == "Accepted" and c["status"] == "True" for c in status.get("conditions") or ())
    return status.get("phase"), status.get("startTime"), accepted


def _verdict(obj: Object | None) -> tuple[Any, ...]:
    """What others see of a workflow or a plan: its spec, and whether it is ready and why."""
    return (*_generation(obj), *_judgement(obj))


def _judgement(obj: Object | None) -> tuple[Any, ...]:
    status = (obj or {}).get("status") or {}
    conditions = status.get("conditions") or ()
    ready = ((c["type"], c["status"], c["reason"]) for c in conditions if c["type"] == "Ready")
    return (status.get("observedGeneration"), *ready)


def _offer(plan: Object | None) -> tuple[Any, ...]:
    """What references see of a plan: whether it is there for them, and what its versions take and give."""
    if plan is None:
        return ()
    metadata, status = plan["metadata"], plan.get("status") or {}
    parts = (status.get(part) for part in ("activeVersion", "versions", "interface"))
    consent = (plan.get("spec") or {}).get("allowReferencesFrom")
    return (metadata["uid"], metadata.get("deletionTimestamp"), consent, has_status(plan), *parts)


def _claim(run: Object | None) -> tuple[Any, ...]:
    """What the other side sees of a run through a reference: whether it goes on, and on whom it counts."""
    if run is None:
        return ()
    status = run.get("status") or {}
    return run["metadata"]["uid"], is_terminal(status), status.get("remote")


def _labels(namespace: Object | None) -> Object | None:
    return (namespace["metadata"].get("labels") or {}) if namespace is not None else None


def _cronjob_facts(cronjob: Object | None) -> tuple[Any, ...]:
    if cronjob is None:
        return ()
    metadata, status = cronjob["metadata"], cronjob.get("status") or {}
    marks = (metadata.get("annotations"), metadata.get("labels"), metadata.get("ownerReferences"))
    return (*_generation(cronjob), metadata.get("deletionTimestamp"), status.get("lastScheduleTime"), *marks)
