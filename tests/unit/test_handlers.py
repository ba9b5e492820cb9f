"""Which change of which object wakes which keys: one table for each trigger."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from launchplan_operator.handlers import GATHERING, UNHURRIED, Triggers
from launchplan_operator.kube.cache import Cache
from launchplan_operator.kube.queue import Key, Priority, Queue
from launchplan_operator.reconcile.caches import Caches
from launchplan_operator.render import labels
from tests.fake.virtual import seeded, virtual_time

Object = dict[str, Any]

WORKFLOW: Key = ("WorkflowDefinition", "team", "greet")
PLAN: Key = ("LaunchPlan", "team", "hello")
RUN: Key = ("LaunchPlanExecution", "team", "hello-1")


def made(kind: str, name: str, namespace: str = "team", **parts: Any) -> Object:
    """Return an object of generation 1; `meta` adds to its metadata, the rest to the object."""
    meta = {"name": name, "namespace": namespace, "uid": f"{kind}-{name}", "generation": 1, "resourceVersion": "1"}
    return {"kind": kind, "metadata": meta | parts.pop("meta", {}), **parts}


def workflow(ready: str | None = "True", reason: str = "Valid", observed: int = 1, **meta: Any) -> Object:
    """Return the workflow, judged or (with None) not yet."""
    condition = {"type": "Ready", "status": ready, "reason": reason, "message": "m"}
    status = {"observedGeneration": observed, "conditions": [condition]} if ready else {}
    return made("WorkflowDefinition", "greet", meta=meta, spec={}, status=status)


def plan(name: str = "hello", namespace: str = "team", reference: str = "greet", **parts: Any) -> Object:
    """Return a plan of the workflow."""
    return made("LaunchPlan", name, namespace, spec={"workflowRef": {"name": reference}}, **parts)


def run(
    name: str = "hello-1", phase: str | None = None, of: tuple[str, str] = ("LaunchPlan", "hello"), **parts: Any
) -> Object:
    """Return a run of the plan."""
    reference = {"kind": of[0], "name": of[1]}
    status = parts.pop("status", {}) | ({"phase": phase} if phase else {})
    return made("LaunchPlanExecution", name, spec={"launchPlanRef": reference}, status=status, **parts)


def cronjob(status: Object | None = None, **meta: Any) -> Object:
    """Return the plan's CronJob."""
    return made("CronJob", "hello", meta=meta, spec={"suspend": False}, status=status or {})


def job(**status: Any) -> Object:
    """Return the run's Job."""
    return made("Job", "hello-1", spec={"template": {}}, status=status)


def pod(status: Object, marks: Object | None = None) -> Object:
    """Return a pod of the run's Job."""
    own = {"batch.kubernetes.io/job-name": "hello-1"} if marks is None else marks
    return made("Pod", "hello-1-x7f2k", meta={"labels": own}, status=status)


@dataclass(frozen=True)
class Case:
    """A change, what else there is, and what it wakes: at once, after the gathering time, and after a longer one."""

    says: str
    old: Object | None
    new: Object | None
    now: tuple[Key, ...] = ()
    later: tuple[Key, ...] = ()
    unhurried: tuple[Key, ...] = ()
    beside: tuple[Object, ...] = ()
    own: bool = False


def cases(*table: Case) -> pytest.MarkDecorator:
    """Run a test with each case of a table, named by its sentence."""
    return pytest.mark.parametrize("case", table, ids=[case.says for case in table])


class World:
    """Caches with triggers, and a queue that nobody works at."""

    def __init__(self) -> None:
        self.caches = Caches()
        self.queue = self._fresh()
        self.triggers = Triggers(self.queue, self.caches)
        self.triggers.follow()
        self.versions = iter(range(10, 1000))

    def _fresh(self) -> Queue:
        async def process(_key: Key) -> None:
            """Nothing is processed."""

        return Queue(process, rng=seeded(1), on_error=lambda _key, error: pytest.fail(repr(error)))

    def change(self, old: Object | None, new: Object | None) -> None:
        """Put the new object into its cache, or remove the old one from it."""
        if new is not None:
            obj = copy.deepcopy(new)
            obj["metadata"]["resourceVersion"] = str(next(self.versions))
            assert self._cache(obj).put(obj)
        elif old is not None:
            assert self._cache(old).remove(copy.deepcopy(old), version=next(self.versions))

    def forget(self) -> None:
        """Empty the queue."""
        self.queue._waiting.clear()
        self.queue._due.clear()

    @property
    def urgent(self) -> set[Key]:
        """What waits ahead of all else."""
        return self.waiting(Priority.HIGH)

    def waiting(self, wanted: Priority) -> set[Key]:
        """What waits with that priority."""
        return {key for key, turn in self.queue._waiting.items() if turn.priority == wanted}

    def woken(self, gathering: float = GATHERING) -> tuple[set[Key], set[Key]]:
        """Return what waits, and what is due after the gathering time."""
        return set(self.queue._waiting), {
            key for (key, _), (when, _) in self.queue._due.items() if when == pytest.approx(gathering)
        }

    def _cache(self, obj: Object) -> Cache:
        return {
            "WorkflowDefinition": self.caches.workflows,
            "LaunchPlan": self.caches.plans,
            "ReferenceLaunchPlan": self.caches.references,
            "Namespace": self.caches.namespaces,
            "LaunchPlanExecution": self.caches.executions,
            "CronJob": self.caches.cronjobs,
            "Job": self.caches.jobs,
            "Pod": self.caches.pods,
        }[obj["kind"]]


@virtual_time
async def check(case: Case) -> None:
    """Make the change and compare what it wakes."""
    world = World()
    for obj in (*case.beside, *([case.old] if case.old else [])):
        world.change(None, obj)
    world.forget()
    world.triggers.own_write = case.own
    world.change(case.old, case.new)
    assert world.woken() == (set(case.now), set(case.later))
    assert world.woken(UNHURRIED) == (set(case.now), set(case.unhurried))


def key_of(obj: Object) -> Key:
    """Return an object's key."""
    return obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"]


def keys(*objects: Object) -> Iterable[Key]:
    """Return the keys of objects."""
    return [key_of(obj) for obj in objects]


OTHERS = (
    plan("hello"),
    plan("again"),
    plan("other", reference="bye"),
    plan("hello", "elsewhere"),
    run("hello-1", "Running"),
    run("hello-2", "Queued"),
    run("hello-3"),
    run("again-1"),
    run("other-1", of=("LaunchPlan", "other")),
    run("bare-1", of=("WorkflowDefinition", "greet")),
    run("bare-2", "Succeeded", of=("WorkflowDefinition", "greet")),
    run("again-2", "Queued", of=("LaunchPlan", "again")),
)
DEPENDENTS = tuple(
    keys(
        plan("hello"),
        plan("again"),
        run("hello-2"),
        run("hello-3"),
        run("again-1"),
        run("again-2"),
        run("bare-1"),
    )
)
#: `again-1` is a run of `hello` by its reference, whatever its name says.
DEPENDENTS_OF_HELLO = tuple(keys(run("hello-2"), run("hello-3"), run("again-1")))


@cases(
    Case("a new workflow wakes itself", None, workflow(None), (WORKFLOW,)),
    Case("a new workflow wakes who waited for it", None, workflow(None), (WORKFLOW, *DEPENDENTS), beside=OTHERS),
    Case("its first verdict does", workflow(None), workflow(), DEPENDENTS, unhurried=(WORKFLOW,), beside=OTHERS),
    Case("our own verdict wakes all but itself", workflow(None), workflow(), DEPENDENTS, beside=OTHERS, own=True),
    Case(
        "a refused Job does",
        workflow(),
        workflow("False", "JobRefused"),
        DEPENDENTS,
        unhurried=(WORKFLOW,),
        beside=OTHERS,
    ),
    Case(
        "another reason does",
        workflow("False", "TypeInvalid"),
        workflow("False", "JobRefused"),
        DEPENDENTS,
        unhurried=(WORKFLOW,),
        beside=OTHERS,
    ),
    Case("another spec does", workflow(), workflow(generation=2), (WORKFLOW, *DEPENDENTS), beside=OTHERS),
    Case(
        "the same verdict on another spec does",
        workflow(generation=2),
        workflow(observed=2, generation=2),
        DEPENDENTS,
        unhurried=(WORKFLOW,),
        beside=OTHERS,
    ),
    Case("one made anew does", workflow(), workflow(uid="anew"), (WORKFLOW, *DEPENDENTS), beside=OTHERS),
    Case("a label wakes only itself", workflow(), workflow(labels={"a": "b"}), unhurried=(WORKFLOW,), beside=OTHERS),
    Case("one that goes wakes who needs it", workflow(), None, (WORKFLOW, *DEPENDENTS), beside=OTHERS),
)
def test_workflow_changed(case: Case) -> None:
    """A workflow wakes itself, and its plans and waiting runs if it means something else now."""
    check(case)


@cases(
    Case("a new plan wakes itself", None, plan(), (PLAN,)),
    Case("a new plan wakes runs that waited for it", None, plan(), (PLAN, *DEPENDENTS_OF_HELLO), beside=OTHERS[1:]),
    Case("another spec wakes the plan alone", plan(), plan(meta={"generation": 2}), (PLAN,), beside=OTHERS[1:]),
    Case(
        "the plan's own look at it wakes waiting runs",
        plan(meta={"generation": 2}, status={"observedGeneration": 1}),
        plan(meta={"generation": 2}, status={"observedGeneration": 2}),
        DEPENDENTS_OF_HELLO,
        beside=OTHERS[1:],
        own=True,
    ),
    Case("a plan made anew does", plan(), plan(meta={"uid": "anew"}), (PLAN, *DEPENDENTS_OF_HELLO), beside=OTHERS[1:]),
    Case(
        "a status wakes only itself, later", plan(), plan(status={"running": 1}), unhurried=(PLAN,), beside=OTHERS[1:]
    ),
    Case("our own status wakes nothing", plan(), plan(status={"running": 1}), beside=OTHERS[1:], own=True),
    Case("a plan that goes wakes its waiting runs", plan(), None, (PLAN, *DEPENDENTS_OF_HELLO), beside=OTHERS[1:]),
)
def test_plan_changed(case: Case) -> None:
    """A plan wakes itself, and its waiting runs once its own look at another spec is told."""
    check(case)


SLOT_RUN = run(
    meta={
        "annotations": {"launchplan.dev/slot": "2026-05-01T00:00:00Z"},
        "ownerReferences": [{"kind": "LaunchPlan", "name": "hello", "uid": "LaunchPlan-hello", "controller": True}],
    }
)


@cases(
    Case("a new run wakes itself, and its plan when there is time", None, run(), (RUN,), unhurried=(PLAN,)),
    Case("one of ours that is new wakes its plan", None, run(), unhurried=(PLAN,), own=True),
    Case("a slot's run that the plan made wakes itself too", None, SLOT_RUN, (RUN,), unhurried=(PLAN,), own=True),
    Case("a phase wakes the plan", run(), run(phase="Queued"), (), (PLAN,), (RUN,)),
    Case("a phase that we wrote wakes the plan", run(), run(phase="Failed"), (), (PLAN,), own=True),
    Case("one that runs wakes it when there is time", run(), run(phase="Running"), unhurried=(PLAN,), own=True),
    Case("the same phase wakes only the run", run(phase="Queued"), run(phase="Queued", meta={"generation": 2}), (RUN,)),
    Case(
        "a mark of ours whose answer tells of a person's wish wakes the run",
        run(phase="Failed"),
        run(phase="Failed", status={"counted": True}, meta={"generation": 2}),
        (RUN,),
        own=True,
    ),
    Case("a mark of ours wakes nothing", run(phase="Failed"), run(phase="Failed", status={"counted": True}), own=True),
    Case("a run that goes wakes its plan", run(phase="Failed"), None, (RUN,), (PLAN,)),
    Case(
        "a bare run wakes its workflow",
        run(of=("WorkflowDefinition", "greet")),
        run(phase="Running", of=("WorkflowDefinition", "greet")),
        unhurried=(RUN, WORKFLOW),
    ),
)
def test_execution_changed(case: Case) -> None:
    """A run wakes itself, and what it is a run of if its phase is another."""
    check(case)


FIRED = {"lastScheduleTime": "2026-11-22T10:00:00Z"}


@cases(
    Case("a new CronJob wakes its plan", None, cronjob(), later=(PLAN,)),
    Case("one of ours wakes nothing", None, cronjob(), own=True),
    Case("one that fired wakes its plan", cronjob(), cronjob(FIRED), later=(PLAN,)),
    Case("an active Job alone wakes nothing", cronjob(FIRED), cronjob({**FIRED, "active": [{"name": "hello-1"}]})),
    Case("a success alone wakes nothing", cronjob(FIRED), cronjob({**FIRED, "lastSuccessfulTime": "x"})),
    Case("another spec does", cronjob(), cronjob(generation=2), later=(PLAN,)),
    Case("our own change wakes nothing", cronjob(), cronjob(generation=2), own=True),
    Case("an annotation does", cronjob(), cronjob(annotations={"launchplan.dev/rendered": "x"}), later=(PLAN,)),
    Case("a label does", cronjob(labels={"a": "b"}), cronjob(), later=(PLAN,)),
    Case("another owner does", cronjob(), cronjob(ownerReferences=[{"uid": "x"}]), later=(PLAN,)),
    Case("one that is being deleted does", cronjob(), cronjob(deletionTimestamp="x"), later=(PLAN,)),
    Case("one made anew does", cronjob(), cronjob(uid="anew"), later=(PLAN,)),
    Case("one that goes does", cronjob(), None, later=(PLAN,)),
)
def test_cronjob_changed(case: Case) -> None:
    """A CronJob wakes the plan of its name when it fired or somebody else changed it."""
    check(case)


@cases(
    Case("a new Job wakes the run of its name", None, job(), (RUN,)),
    Case("a started one does", job(), job(active=1), (RUN,)),
    Case("the answer to our own write that tells of its end does", job(), job(succeeded=1), (RUN,), own=True),
    Case("our own write that tells nothing new wakes nothing", job(active=1), job(active=1), own=True),
    Case("a Job of ours wakes nothing", None, job(), own=True),
    Case("a Job that goes wakes its run", job(), None, (RUN,)),
)
def test_job_changed(case: Case) -> None:
    """A Job wakes the run of its name."""
    check(case)


@cases(
    Case("a new pod wakes its Job's run", None, pod({"phase": "Pending"}), (RUN,)),
    Case("another phase does", pod({"phase": "Pending"}), pod({"phase": "Running"}), (RUN,)),
    Case(
        "a container that waits for its image does",
        pod({"phase": "Pending"}),
        pod({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}),
        (RUN,),
    ),
    Case("an address alone wakes nothing", pod({"phase": "Running"}), pod({"phase": "Running", "podIP": "10.0.0.1"})),
    Case("a pod of no Job wakes nothing", None, pod({"phase": "Running"}, {"app": "x"})),
    Case("a pod that goes wakes its Job's run", pod({"phase": "Failed"}), None, (RUN,)),
)
def test_pod_changed(case: Case) -> None:
    """A pod wakes the run of its Job when its status says something new."""
    check(case)


@virtual_time
async def test_an_old_event_wakes_nothing() -> None:
    """What the cache knows already, or newer, wakes no key."""
    world = World()
    world.caches.plans.put(plan(meta={"resourceVersion": "7"}))
    world.forget()
    for version in ("7", "6"):
        world.caches.plans.put(plan(meta={"resourceVersion": version, "generation": 9}))
    assert world.woken() == (set(), set())


@virtual_time
async def test_changes_of_one_run_meet_in_one_look_at_its_plan() -> None:
    """The plan waits for the gathering time from the first change on, however many follow."""
    world = World()
    world.change(None, run())
    world.change(None, run(phase="Queued"))
    world.change(None, run(phase="Running"))
    world.change(None, cronjob(FIRED))
    assert world.woken() == ({RUN}, {PLAN})
    assert world.woken(UNHURRIED) == ({RUN}, {RUN})


@virtual_time
async def test_a_counted_run_that_goes_is_remembered() -> None:
    """The record of a Job that was counted is known to have been when the Job is recorded again."""
    world = World()
    counted = run(phase="Succeeded", status={"counted": True, "jobRef": {"name": "hello-1", "uid": "job-1"}})
    world.change(None, counted)
    world.change(counted, None)
    assert list(world.caches.counted_jobs) == ["job-1"]


@virtual_time
async def test_runs_that_are_admitted_at_once_are_woken_in_their_order() -> None:
    """What came first starts first, in every process alike."""
    world = World()
    names = [f"run-{number}" for number in range(12)]
    seats = [{"name": name, "uid": name} for name in names]
    world.change(None, plan())
    world.forget()
    world.change(plan(), plan(status={"concurrency": {"running": seats}}))
    assert [key[2] for key in world.queue._waiting] == names


@cases(
    Case("a new Job", None, job()),
    Case("a started one", job(), job(active=1)),
    Case("a new pod", None, pod({"phase": "Pending"})),
    Case("one that runs", pod({"phase": "Pending"}), pod({"phase": "Running"})),
)
@virtual_time
async def test_what_goes_on_stands_behind_all_else(case: Case) -> None:
    """Its end may come first, and then nobody writes that it went on."""
    world = World()
    world.change(case.old, case.new)
    assert world.waiting(Priority.LOW) == {RUN}


COMPLETE = {"type": "Complete", "status": "True"}


ENDS = (
    Case("a Job", job(), job(conditions=[COMPLETE])),
    Case("one that goes", job(), None),
    Case("a pod", pod({"phase": "Running"}), pod({"phase": "Succeeded"})),
    Case("one that goes too", pod({"phase": "Running"}), None),
)


@cases(*ENDS)
@virtual_time
async def test_what_ends_does_not(case: Case) -> None:
    """A run is told of as ended in its turn."""
    world = World()
    world.change(None, case.old)
    assert world.waiting(Priority.LOW) == {RUN}
    world.change(case.old, case.new)
    assert world.waiting(Priority.NORMAL) == {RUN}


@cases(*ENDS)
@virtual_time
async def test_the_plan_of_what_ends_under_a_limit_is_urgent(case: Case) -> None:
    """Another run may start then, and the next slot's is not skipped."""
    world = World()
    old, new = _of_plan(case.old), _of_plan(case.new)
    world.change(None, plan(status={"concurrency": {"running": []}}))
    world.change(None, old)
    world.forget()
    world.change(old, new)
    assert list(world.queue._due) == [(PLAN, Priority.HIGH)]


def _of_plan(obj: Object | None) -> Object | None:
    """Return a Job or pod as it bears its plan's name."""
    if obj is None:
        return None
    found = copy.deepcopy(obj)
    found["metadata"]["labels"] = {**(found["metadata"].get("labels") or {}), labels.PLAN: "hello"}
    return found


@virtual_time
async def test_what_a_person_edits_is_urgent() -> None:
    """Also in a rush of slots; the operator's own status is not."""
    world = World()
    before, after = plan(), plan()
    after["metadata"]["generation"] = 2
    world.change(None, before)
    world.forget()
    world.change(before, after)
    assert world.urgent == {PLAN}
    world.forget()
    world.change(after, {**after, "status": {"conditions": []}})
    assert not world.urgent
