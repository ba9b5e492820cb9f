"""Plans with a limit on the real control plane. The stories are told at once; what stops the operator comes after."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.decide.schedule import slot_name
from launchplan_operator.reconcile.context import CLOCKS
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.audit import Audit, settled
from tests.cluster.recorder import Recorder
from tests.cluster.stories import Story, Told, tell_together
from tests.cluster.support import (
    EVERY_MINUTE,
    OUTPUTS,
    Object,
    Space,
    condition,
    controller_uid,
    eventually,
    next_slot,
    phase_of,
    run_of,
    slot_text,
    words,
    workflow,
)

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS
_HELD = words(OUTPUTS, hold="true")
_ROOM = 25.0
_A_SLOT = 100.0
_MINUTE = timedelta(minutes=1)
_MANY = 20
_TOMBSTONE = "launchplan.dev/tombstone"
STORIES: list[Story] = []


def story(function: Story) -> Story:
    """Make a function one of the stories."""
    STORIES.append(function)
    return function


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, operator: OperatorProcess, new_space: Callable[[], Space]) -> Iterator[Told]:
    """Every selected story, begun at once."""
    assert operator.is_ready()
    with tell_together(request, "test_a_limit", STORIES, new_space) as futures:
        yield futures


def limited(space: Space, maximum: int = 1, behavior: str = "Queue", **spec: Object) -> Object:
    """Make a plan with a limit whose runs go on until their pods are let go."""
    space.offer(spec=workflow(_HELD))
    return space.plan("copy", concurrency={"max": maximum, "behavior": behavior}, **spec)


def ask(space: Space, *names: str) -> None:
    """Ask for runs, in this order, and wait until each is accepted."""
    for name in names:
        space.create(EXECUTIONS, name, run_of("copy"))
    for name in names:
        space.until(EXECUTIONS, name, phase_of)


def phases(space: Space) -> dict[str, str | None]:
    """Return the phase of each execution."""
    return {each["metadata"]["name"]: phase_of(each) for each in space.all(EXECUTIONS)}


def started(space: Space) -> set[str]:
    """Return the names of all Jobs but tombstones."""
    return {job["metadata"]["name"] for job in space.all(JOBS) if _TOMBSTONE not in job["metadata"]["labels"]}


def seats(space: Space) -> set[str]:
    """Return the runs that have a seat."""
    ledger = space.read(LAUNCH_PLANS, "copy")["status"]["concurrency"]
    return {seat["name"] for seat in ledger.get("running", ())}


def in_phases(space: Space, **expected: str) -> None:
    """Wait until the executions stand so."""
    eventually(lambda: phases(space), lambda seen: expected.items() <= seen.items(), 30)


def let_go(space: Space, name: str) -> None:
    """End the pod of a run."""
    space.release(space.running_pod(name))


def told_of(space: Space, run: str) -> Object:
    """Wait for the plan's decision about a run, and return it."""

    def about(plan: Object) -> list[Object]:
        return [each for each in plan["status"].get("decisions", ()) if each.get("execution") == run]

    return about(space.until(LAUNCH_PLANS, "copy", about))[-1]


@story
def queued_runs_start_one_after_the_other_in_the_order_in_which_they_were_asked_for(space: Space) -> None:
    """A queued run has neither Job nor pod, and says what it waits for."""
    limited(space)
    names = [f"run-{letter}" for letter in "abcde"]
    ask(space, *names)
    for number, name in enumerate(names):
        space.running_pod(name)
        assert started(space) == set(names[: number + 1])
        in_phases(space, **dict.fromkeys(names[number + 1 :], "Queued"))
        let_go(space, name)
    for name in names:
        space.ended(name)
    plan = space.until(LAUNCH_PLANS, "copy", lambda obj: obj["status"]["counts"].get("succeeded") == len(names))
    assert plan["status"]["counts"] == {"started": len(names), "succeeded": len(names)}
    assert plan["status"]["concurrency"]["queued"] == 0


@story
def a_run_too_many_is_skipped_and_kubectl_describe_says_why(space: Space) -> None:
    """The run and its plan both name who was under way."""
    limited(space, behavior="Skip")
    ask(space, "first")
    space.running_pod("first")
    ask(space, "second")
    skipped = space.ended("second", "Skipped")
    assert condition(skipped, "Ready")["reason"] == "LimitReached"
    assert told_of(space, "second")["reason"] == "LimitReached"
    for lookup in ("lp/copy", "lpx/second"):
        described = space.kubectl("describe", lookup)
        assert "1 of at most 1 run is under way: first" in " ".join(described.split())
        assert "LimitReached" in described
    assert started(space) == {"first"}


@story
def a_newer_run_replaces_the_older_one(space: Space) -> None:
    """The older is aborted, and the newer starts when the older one's pods are gone."""
    limited(space, behavior="Replace")
    ask(space, "older")
    space.running_pod("older")
    ask(space, "newer")
    space.running_pod("newer", 60)
    older = space.ended("older", "Aborted")
    assert "newer" in condition(older, "Ready")["message"]
    assert all(pod["status"]["phase"] == "Failed" for pod in space.pods_of("older"))


@story
def of_two_that_would_replace_at_once_the_older_never_starts(space: Space) -> None:
    """It is superseded."""
    limited(space, behavior="Replace")
    ask(space, "first")
    space.running_pod("first")
    ask(space, "second", "third")
    space.running_pod("third", 60)
    in_phases(space, first="Aborted", second="Skipped", third="Running")
    assert told_of(space, "second")["reason"] == "Superseded"


@story
def a_higher_limit_admits_at_once_and_a_lower_one_ends_nobody(space: Space) -> None:
    """After it was lowered nobody starts before enough have ended."""
    limited(space)
    ask(space, "a", "b", "c", "d")
    in_phases(space, a="Running", b="Queued", c="Queued", d="Queued")
    space.edit(LAUNCH_PLANS, "copy", spec={"concurrency": {"max": 3}})
    in_phases(space, a="Running", b="Running", c="Running", d="Queued")
    space.edit(LAUNCH_PLANS, "copy", spec={"concurrency": {"max": 1}})
    space.ready(LAUNCH_PLANS, "copy", "Active")
    for ending, expected in (("a", {"b", "c"}), ("b", {"c"})):
        let_go(space, ending)
        space.ended(ending)
        eventually(lambda: seats(space), expected.__eq__)
    assert phases(space)["d"] == "Queued"
    let_go(space, "c")
    space.running_pod("d")


@story
def a_job_that_a_person_deletes_frees_its_seat_and_is_never_made_again(space: Space) -> None:
    """Its name stays occupied."""
    limited(space)
    ask(space, "a", "b")
    space.running_pod("a")
    space.delete(JOBS, "a")
    assert space.ended("a", "Aborted")["status"]["error"]["code"] == "JobDeleted"
    space.running_pod("b")
    assert _TOMBSTONE in space.read(JOBS, "a")["metadata"]["labels"]
    assert space.pods_of("a") == []


@story
def a_queued_run_that_a_person_deletes_never_starts(space: Space) -> None:
    """Those behind it do, in turn."""
    limited(space)
    ask(space, "a", "b", "c")
    space.delete(EXECUTIONS, "b")
    space.gone(EXECUTIONS, "b")
    let_go(space, "a")
    space.running_pod("c")
    assert started(space) == {"a", "c"}


@story
def a_running_run_that_a_person_deletes_ends_before_the_next_one_starts(space: Space) -> None:
    """Its Job goes with it, and its name is occupied before its seat is given on."""
    limited(space)
    ask(space, "a", "b")
    space.running_pod("a")
    space.delete(EXECUTIONS, "a")
    space.running_pod("b", 90)
    assert space.pods_of("a") == []
    assert _TOMBSTONE in space.read(JOBS, "a")["metadata"]["labels"]


@story
def a_run_deleted_between_its_admission_and_its_job_leaves_a_tombstone(space: Space) -> None:
    """A quota holds its Job back; once that is gone the name is occupied, and the next one starts."""
    limited(space)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    space.apply(quota | {"spec": {"hard": {"count/jobs.batch": "0"}}})
    space.kubectl("wait", "resourcequota/none", "--for=jsonpath={.status.hard}", "--timeout=60s")
    ask(space, "a")
    space.until(EXECUTIONS, "a", lambda obj: condition(obj, "Ready")["reason"] == "JobRefused")
    assert seats(space) == {"a"}
    ask(space, "b")
    space.delete(EXECUTIONS, "a")
    space.gone(EXECUTIONS, "a")
    space.kubectl("delete", "resourcequota", "none")
    space.running_pod("b", 90)
    assert _TOMBSTONE in space.read(JOBS, "a")["metadata"]["labels"]
    assert told_of(space, "a")["reason"] == "ExecutionDeleted"


@story
def a_queue_is_bounded_in_length_and_in_time(space: Space) -> None:
    """Who comes when it is full is skipped, and so is who waited too long."""
    space.offer(spec=workflow(_HELD))
    queue = {"max": 1, "expireAfter": "8s"}
    space.plan("copy", concurrency={"max": 1, "behavior": "Queue", "queue": queue})
    ask(space, "a", "b", "c")
    assert space.ended("c", "Skipped")["status"]["conditions"]
    assert told_of(space, "c")["reason"] == "QueueFull"
    space.ended("b", "Skipped")
    assert told_of(space, "b")["reason"] == "QueueExpired"
    plan = space.until(LAUNCH_PLANS, "copy", lambda obj: obj["status"]["counts"].get("expired"))
    assert plan["status"]["counts"] == {"skipped": 1, "expired": 1}
    assert started(space) == {"a"}


@story
def a_limit_comes_to_a_plan_with_a_cronjob_and_goes_again_and_no_slot_is_lost_or_doubled(space: Space) -> None:
    """The CronJob goes, its running Job counts, and the operator keeps the time until the limit is gone."""
    slot = next_slot(_ROOM)
    space.offer(spec=workflow(_HELD))
    space.plan("copy", schedule=EVERY_MINUTE)
    first = slot_name("copy", slot)
    space.running_pod(first, _A_SLOT)
    cronjob = space.uid(CRON_JOBS, "copy")
    space.edit(LAUNCH_PLANS, "copy", spec={"concurrency": {"max": 1, "behavior": "Skip"}})
    space.gone(CRON_JOBS, "copy", 60)
    space.until(LAUNCH_PLANS, "copy", lambda obj: obj["status"]["schedule"]["engine"] == "Operator", 60)
    space.until(LAUNCH_PLANS, "copy", lambda obj: "concurrency" in obj["status"], 60)
    assert seats(space) == {first}
    second = slot_name("copy", slot + _MINUTE)
    assert "LimitReached" in str(space.ended(second, "Skipped", _A_SLOT)["status"]["conditions"])
    assert slot_text(slot + _MINUTE) in space.kubectl("describe", "lp/copy")
    space.edit(LAUNCH_PLANS, "copy", spec={"concurrency": None})
    anew = space.until(LAUNCH_PLANS, "copy", lambda obj: "cronJob" in obj["status"]["schedule"], 60)
    assert anew["status"]["schedule"]["cronJob"]["uid"] not in {cronjob, None}
    assert "concurrency" not in anew["status"]
    third = slot_name("copy", slot + 2 * _MINUTE)
    space.running_pod(third, _A_SLOT)
    assert controller_uid(space.read(JOBS, third)) == anew["status"]["schedule"]["cronJob"]["uid"]
    eventually(lambda: set(phases(space)), {first, second, third}.__eq__)
    eventually(lambda: started(space), {first, third}.__eq__)
    assert set(space.read(LAUNCH_PLANS, "copy")["status"]["counts"]) == {"skipped"}


@pytest.mark.parametrize("tell", STORIES, ids=[each.__name__ for each in STORIES])
def test_a_limit(tell: Story, told: Told) -> None:
    """The story ends well."""
    told[tell].result()


@contextmanager
def absent(operator: OperatorProcess) -> Iterator[None]:
    """Kill the operator for a while."""
    operator.kill()
    yield
    operator.start()
    operator.await_ready()


def test_an_operator_that_was_killed_admits_who_is_next_and_nobody_else(
    space: Space, operator: OperatorProcess
) -> None:
    """What ended meanwhile gave its seat back."""
    limited(space, 2)
    ask(space, "a", "b", "c", "d")
    space.running_pod("b")
    with absent(operator):
        let_go(space, "a")
        space.until(JOBS, "a", lambda job: job["status"].get("completionTime"))
        space.create(EXECUTIONS, "e", run_of("copy"))
    space.running_pod("c", 60)
    in_phases(space, a="Succeeded", b="Running", c="Running", d="Queued", e="Queued")
    assert started(space) == {"a", "b", "c"}


def test_a_lost_ledger_is_made_again_before_anybody_is_admitted(space: Space, operator: OperatorProcess) -> None:
    """Everything that the status knew is gone, and nothing starts above the limit."""
    limited(space, 2)
    ask(space, "a", "b", "c")
    space.running_pod("b")
    with absent(operator):
        path = LAUNCH_PLANS.path(space.namespace, "copy", "status")
        space.send("PATCH", path, {"status": None})
    eventually(lambda: space.read(LAUNCH_PLANS, "copy"), lambda plan: "concurrency" in plan.get("status", {}), 60)
    assert seats(space) == {"a", "b"}
    ask(space, "d")
    in_phases(space, a="Running", b="Running", c="Queued", d="Queued")
    # The one before may have been starting "c" as it died: nobody starts until its writes can come no more.
    for name in ("c", "d"):
        conditions = space.read(LAUNCH_PLAN_EXECUTIONS, name)["status"]["conditions"]
        assert {each["reason"] for each in conditions if each["type"] == "Ready"} == {"LedgerHeld"}
    let_go(space, "a")
    eventually(lambda: seats(space), lambda taken: taken == {"b"}, 60)
    held = space.read(LAUNCH_PLANS, "copy")["status"]["concurrency"]
    wait = datetime.fromisoformat(held["holdUntil"]) - datetime.now(UTC)
    assert timedelta(minutes=12) < wait <= timedelta(minutes=15)
    assert started(space) == {"a", "b"}


def test_many_waiting_runs_cost_one_write_of_the_ledger_and_one_job_each(space: Space, cluster: LocalCluster) -> None:
    """Beside it each run's own status is written at most twice, as without a limit. Nothing is read."""
    space.offer(spec=workflow(words(OUTPUTS, hold="pending")))
    space.plan("copy", concurrency={"max": 1, "behavior": "Queue"})
    # Runs that are hardly younger than the operator's start may be an earlier one's, and are asked for once more.
    time.sleep(CLOCKS.total_seconds() + 1)
    names = [f"run-{number:02}" for number in range(_MANY)]
    ask(space, "first", *names)
    audit = Audit(cluster.audit_log)
    settled(lambda: audit.all(space.namespace))
    audit = audit.from_now()
    with Recorder(cluster.api(), (LAUNCH_PLANS,), space.namespace) as recorder:
        space.edit(LAUNCH_PLANS, "copy", spec={"concurrency": {"max": _MANY + 1}})
        for name in names:
            space.in_phase(name, "Running")
        calls = settled(lambda: audit.all(space.namespace))
        ledgers = [seen.obj["status"]["concurrency"] for seen in recorder.seen()]
    assert {len(each["running"]) for each in ledgers} == {1, _MANY + 1}
    # The ledger, and then how many runs there are, gathered.
    assert calls.pop(("update", "launchplans/status")) <= 4
    # Where the Job's controller was quick, one status tells of the Job and of its start.
    assert _MANY <= calls.pop(("update", "launchplanexecutions/status")) <= 2 * _MANY
    assert calls == {("create", "jobs"): _MANY}
