"""Schedules on the real CronJob controller. All stories of this file are told at once: they share the minutes."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.decide.schedule import slot_name
from launchplan_operator.render.labels import is_tombstone
from localcluster.operated import OperatorProcess
from tests.cluster.audit import Audit
from tests.cluster.stories import Story, Told, tell_together
from tests.cluster.support import (
    COLLECTION,
    EVERY_MINUTE,
    NEVER,
    OUTPUTS,
    Object,
    Space,
    await_slot,
    condition,
    controller_uid,
    eventually,
    next_slot,
    owner_uids,
    phase_of,
    plan,
    slot_text,
    workflow,
)

#: Seconds that a slot's run may take to show up, from up to a minute before the slot.
_A_SLOT = 90.0
_ROOM = 20.0
_MINUTE = timedelta(minutes=1)
STORIES: list[Story] = []


def story(function: Story) -> Story:
    """Make a function one of the stories."""
    STORIES.append(function)
    return function


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, operator: OperatorProcess, new_space: Callable[[], Space]) -> Iterator[Told]:
    """Every selected story, begun at once, each in a namespace of its own."""
    assert operator.is_ready()
    with tell_together(request, "test_a_schedule", STORIES, new_space) as futures:
        yield futures


def fired(space: Space, slot: datetime, name: str = "tick") -> Object:
    """Wait until a slot's run has succeeded, and return its execution."""
    return space.ended(slot_name(name, slot), seconds=_A_SLOT)


def slots(space: Space, name: str = "tick") -> set[str]:
    """Return the names of a plan's Jobs and scheduled executions."""
    executions = {each["metadata"]["name"] for each in space.all(LAUNCH_PLAN_EXECUTIONS, f"launchplan.dev/plan={name}")}
    return space.names(JOBS) | executions


def begun(space: Space, **schedule: str) -> datetime:
    """Activate a plan that fires every minute, well before the slot that is returned."""
    slot = next_slot(_ROOM)
    space.offer()
    space.plan("tick", schedule=EVERY_MINUTE | schedule)
    return slot


@story
def a_schedule_becomes_a_cronjob_of_the_plan(space: Space) -> None:
    """Owned by the plan, never suspended, never forbidding, with room for a long outage, healthy for Argo CD."""
    space.offer()
    tick = space.plan("tick", schedule={"cron": "@daily", "timeZone": "Europe/Berlin"}, retries=2, timeout="90s")
    cronjob = space.read(CRON_JOBS, "tick")
    assert controller_uid(cronjob) == tick["metadata"]["uid"]
    assert cronjob["metadata"]["annotations"]["argocd.argoproj.io/ignore-healthcheck"] == "true"
    spec = cronjob["spec"]
    assert (spec["timeZone"], spec["concurrencyPolicy"], spec["suspend"]) == ("Europe/Berlin", "Allow", False)
    limits = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    assert [spec[limit] for limit in limits] == [200, 1000, 1000]
    job = spec["jobTemplate"]["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"]) == (2, 90)
    assert "ttlSecondsAfterFinished" not in job
    schedule = tick["status"]["schedule"]
    assert schedule["cronJob"] == {"name": "tick", "uid": cronjob["metadata"]["uid"], "generation": 1}
    assert (schedule["engine"], len(schedule["nextTimes"])) == ("CronJob", 5)
    assert schedule["nextTimes"] == sorted(set(schedule["nextTimes"]))


@story
def a_fixed_rate_that_divides_an_hour_becomes_a_cron_text(space: Space) -> None:
    """In UTC, whatever the plan's zone."""
    space.offer()
    tick = space.plan("tick", schedule={"fixedRate": {"value": 15, "unit": "Minute"}})
    spec = space.read(CRON_JOBS, "tick")["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("*/15 * * * *", "UTC")
    assert tick["status"]["schedule"]["nextTimes"][0][14:] in {"00:00Z", "15:00Z", "30:00Z", "45:00Z"}


@story
def a_slot_has_one_job_and_one_execution_of_its_name(space: Space) -> None:
    """The record has inputs, outputs and the slot; the plan counts it and says when the next ones are."""
    slot = begun(space)
    execution = fired(space, slot)
    status, tick = execution["status"], space.read(LAUNCH_PLANS, "tick")
    assert status["origin"] == {"type": "Schedule", "slot": slot_text(slot)}
    assert (status["inputs"], status["outputs"]) == ({"city": "Oslo", "days": 7}, OUTPUTS)
    assert status["launchPlanVersion"] == tick["status"]["activeVersion"]
    assert controller_uid(execution) == status["planUid"] == tick["metadata"]["uid"]
    job = space.read(JOBS, slot_name("tick", slot))
    assert (controller_uid(job), job["metadata"]["uid"]) == (space.uid(CRON_JOBS, "tick"), status["jobRef"]["uid"])
    tick = space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"].get("counts"))
    assert tick["status"]["counts"] == {"started": 1, "succeeded": 1}
    assert tick["status"]["schedule"]["lastSlot"] == slot_text(slot)
    assert tick["status"]["schedule"]["nextTimes"][0] > slot_text(slot)
    assert tick["status"]["lastExecution"]["name"] == slot_name("tick", slot)
    assert "decisions" not in tick["status"]


@story
def a_slot_costs_few_writes_and_the_rest_of_its_minute_none(space: Space) -> None:
    """One record: made, followed, counted; the plan's status; then no request at all before the next slot."""
    slot = begun(space)
    audit = Audit(space.audit_log).from_now()
    name = fired(space, slot)["metadata"]["name"]
    space.until(LAUNCH_PLAN_EXECUTIONS, name, lambda obj: obj["status"].get("counted"))
    await_slot(slot, 25)
    writes = audit.all(space.namespace)
    assert writes["create", "launchplanexecutions"] == 1
    assert writes["update", "launchplanexecutions/status"] <= 3
    assert writes["patch", "launchplanexecutions/status"] == 1
    assert writes["update", "launchplans/status"] <= 3
    assert len(writes) == 4, writes
    quiet = audit.from_now()
    await_slot(slot, 55)
    assert quiet.all(space.namespace) == {}


@story
def a_job_made_from_the_cronjob_is_a_manual_run(space: Space) -> None:
    """`kubectl create job --from` is recorded with inputs and outputs, and occupies no slot."""
    space.offer()
    tick = space.plan("tick", schedule=NEVER)
    space.kubectl("create", "job", "--from=cronjob/tick", "by-hand")
    execution = space.ended("by-hand")
    assert execution["status"]["origin"] == {"type": "Manual"}
    assert (execution["status"]["inputs"], execution["status"]["outputs"]) == ({"city": "Oslo", "days": 7}, OUTPUTS)
    assert controller_uid(execution) == tick["metadata"]["uid"]
    tick = space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"].get("counts"))
    assert (tick["status"]["counts"], "lastSlot" in tick["status"]["schedule"]) == (
        {"started": 1, "succeeded": 1},
        False,
    )


def replaced_by(space: Space, change: Callable[[datetime], Object]) -> None:
    """Edit a schedule between two slots: another CronJob, no slot lost, doubled or replayed, no Job lost.

    `change` makes of the next slot what is merged into the schedule.
    """
    first = begun(space)
    execution = fired(space, first)
    since = space.read(LAUNCH_PLANS, "tick")["status"]["schedule"]["since"]
    second, old = next_slot(_ROOM), space.uid(CRON_JOBS, "tick")
    between = {slot_name("tick", first + n * _MINUTE) for n in range((second - first) // _MINUTE)}
    space.edit(LAUNCH_PLANS, "tick", spec={"schedule": change(second)})
    tick = space.rescheduled("tick", old)
    assert since < tick["status"]["schedule"]["since"] < slot_text(second)
    job = space.read(JOBS, slot_name("tick", first))
    assert job["metadata"]["uid"] == execution["status"]["jobRef"]["uid"]
    assert owner_uids(job) == {execution["metadata"]["uid"]}
    again = fired(space, second)
    assert controller_uid(space.read(JOBS, again["metadata"]["name"])) == space.uid(CRON_JOBS, "tick")
    assert slots(space) == between | {slot_name("tick", second)}
    tick = space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"]["counts"]["succeeded"] == len(between) + 1)
    assert set(tick["status"]["counts"]) == {"started", "succeeded"}


@story
def another_cron_text_is_another_cronjob(space: Space) -> None:
    """The old Jobs stay and belong to their executions."""
    replaced_by(space, lambda slot: {"cron": f"{slot.minute} * * * *"})


@story
def another_zone_is_another_cronjob(space: Space) -> None:
    """Even where both zones' minutes are the same."""
    replaced_by(space, lambda _: {"timeZone": "Asia/Kolkata"})


def replays_nothing(space: Space, stop: Object, go_on: Object, reason: str) -> None:
    """Let slots pass while the plan fires none: they leave no trace, then and later."""
    first = begun(space)
    old = space.uid(CRON_JOBS, "tick")
    space.edit(LAUNCH_PLANS, "tick", spec=stop)
    space.ready(LAUNCH_PLANS, "tick", reason)
    space.gone(CRON_JOBS, "tick")
    await_slot(first)
    second = next_slot(_ROOM)
    assert slots(space) == set()
    space.edit(LAUNCH_PLANS, "tick", spec=go_on)
    space.rescheduled("tick", old)
    fired(space, second)
    assert slots(space) == {slot_name("tick", second)}
    tick = space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"].get("counts"))
    assert tick["status"]["counts"] == {"started": 1, "succeeded": 1}


@story
def a_resumed_plan_replays_nothing(space: Space) -> None:
    """What passes while it is suspended is no slot."""
    replays_nothing(space, {"suspend": True}, {"suspend": False}, "Suspended")


@story
def a_reactivated_plan_replays_nothing(space: Space) -> None:
    """What passes while it is inactive is no slot."""
    replays_nothing(space, {"autoActivate": False}, {"autoActivate": True}, "Inactive")


@story
def a_cronjob_deleted_by_hand_is_made_again_and_replays_nothing(space: Space) -> None:
    """With its Jobs gone too, as Kubernetes does by default, the records stay and are counted once."""
    first = begun(space)
    fired(space, first)
    old = space.uid(CRON_JOBS, "tick")
    second = next_slot(_ROOM)
    known = {slot_name("tick", first + n * _MINUTE) for n in range((second - first) // _MINUTE)}
    space.delete(CRON_JOBS, "tick")
    tick = space.rescheduled("tick", old)
    assert space.warned(tick, "CronJobChanged")
    fired(space, second)
    assert space.names(LAUNCH_PLAN_EXECUTIONS) == known | {slot_name("tick", second)}
    eventually(lambda: space.names(JOBS), lambda names: names == {slot_name("tick", second)})
    tick = space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"]["counts"]["succeeded"] == len(known) + 1)
    assert set(tick["status"]["counts"]) == {"started", "succeeded"}


@story
def a_schedule_that_is_taken_away_takes_its_cronjob(space: Space) -> None:
    """The Jobs that it made stay with their executions; the plan says nothing of times any more."""
    slot = begun(space)
    execution = fired(space, slot)
    space.edit(LAUNCH_PLANS, "tick", spec={"schedule": None})
    space.gone(CRON_JOBS, "tick")
    tick = space.until(LAUNCH_PLANS, "tick", lambda obj: "schedule" not in obj["status"])
    assert condition(tick, "Ready")["status"] == "True"
    assert owner_uids(space.read(JOBS, slot_name("tick", slot))) == {execution["metadata"]["uid"]}


@story
def a_deleted_plan_takes_what_it_scheduled(space: Space) -> None:
    """CronJob, Jobs and records go by garbage collection; no finalizer holds anything back."""
    space.offer(spec=workflow({"hold": "true"}))
    space.plan("tick", schedule=NEVER)
    space.kubectl("create", "job", "--from=cronjob/tick", "by-hand")
    space.in_phase("by-hand", "Running")
    space.delete(LAUNCH_PLANS, "tick")
    for kind, name in (
        (CRON_JOBS, "tick"),
        (JOBS, "by-hand"),
        (LAUNCH_PLAN_EXECUTIONS, "by-hand"),
        (LAUNCH_PLANS, "tick"),
    ):
        space.gone(kind, name, COLLECTION)


@story
def a_plan_made_anew_has_a_past_of_its_own(space: Space) -> None:
    """Deleted and created again at once: a CronJob of its own, and none of the old counts and versions."""
    space.offer()
    old = space.plan("tick", schedule=NEVER)
    space.run("by-hand", {"launchPlanRef": {"name": "tick"}})
    space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"].get("counts"))
    former = space.uid(CRON_JOBS, "tick")
    space.delete(LAUNCH_PLANS, "tick")
    space.gone(LAUNCH_PLANS, "tick")
    space.create(LAUNCH_PLANS, "tick", plan(schedule=NEVER))
    tick = space.rescheduled("tick", former, COLLECTION)
    assert tick["metadata"]["uid"] != old["metadata"]["uid"]
    assert controller_uid(space.read(CRON_JOBS, "tick")) == tick["metadata"]["uid"]


@story
def another_template_changes_the_cronjob_in_place(space: Space) -> None:
    """A new version by an edit of the workflow, or of the plan's inputs, keeps the CronJob and its slots."""
    space.offer()
    tick = space.plan("tick", schedule=NEVER)
    before = space.read(CRON_JOBS, "tick")
    space.edit(WORKFLOW_DEFINITIONS, "report", spec={"job": {"backoffLimit": 4}})
    changed = space.until(CRON_JOBS, "tick", lambda obj: obj["metadata"]["generation"] == 2)
    assert changed["metadata"]["uid"] == before["metadata"]["uid"]
    assert changed["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 4
    space.edit(LAUNCH_PLANS, "tick", spec={"defaultInputs": {"city": "Rome"}})
    changed = space.until(CRON_JOBS, "tick", lambda obj: obj["metadata"]["generation"] == 3)
    annotations = changed["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"]
    assert json.loads(annotations["launchplan.dev/inputs"]) == {"city": "Rome", "days": 7}
    after = space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"]["schedule"]["cronJob"]["generation"] == 3)
    assert after["status"]["activeVersion"] != tick["status"]["activeVersion"]
    assert after["status"]["schedule"]["since"] == tick["status"]["schedule"]["since"]
    assert (space.uid(CRON_JOBS, "tick"), space.events(after, "CronJobChanged")) == (before["metadata"]["uid"], [])


@story
def a_name_that_somebody_elses_cronjob_took_is_taken_when_it_is_free(space: Space) -> None:
    """Nothing tells of a CronJob that bears no label of ours: the plan looks again by itself."""
    space.offer()
    job = space.read(WORKFLOW_DEFINITIONS, "report")["spec"]["job"]
    space.create(CRON_JOBS, "tick", {"schedule": NEVER["cron"], "jobTemplate": {"spec": job}})
    space.create(LAUNCH_PLANS, "tick", plan(schedule=NEVER))
    space.stalled(LAUNCH_PLANS, "tick", "CronJobNameTaken")
    space.delete(CRON_JOBS, "tick")
    tick = space.ready(LAUNCH_PLANS, "tick", "Active", seconds=60)
    assert controller_uid(space.read(CRON_JOBS, "tick")) == tick["metadata"]["uid"]


@story
def a_slots_job_deleted_by_hand_is_never_made_again(space: Space) -> None:
    """The slot ends as Aborted; the next one fires as if nothing had been."""
    slot = next_slot(_ROOM)
    space.offer(spec=workflow({"hold": "true"}))
    space.plan("tick", schedule=EVERY_MINUTE)
    name = slot_name("tick", slot)
    space.until(LAUNCH_PLAN_EXECUTIONS, name, lambda obj: phase_of(obj) == "Running", _A_SLOT)
    space.delete(JOBS, name)
    assert space.ended(name, "Aborted")["status"]["error"]["code"] == "JobDeleted"
    following = slot_name("tick", slot + _MINUTE)
    space.until(LAUNCH_PLAN_EXECUTIONS, following, lambda obj: phase_of(obj) == "Running", _A_SLOT)
    assert space.names(JOBS) == {name, following}
    # It occupies the slot's name, and its CronJob goes on.
    assert is_tombstone(space.read(JOBS, name))
    assert space.read(LAUNCH_PLANS, "tick")["status"]["counts"] == {"started": 1, "aborted": 1}


@story
def a_record_deleted_by_hand_is_made_again_while_its_job_lives(space: Space) -> None:
    """The slot's history is not lost by a slip of the hand, and the slot is counted once."""
    slot = begun(space)
    old = fired(space, slot)
    name = slot_name("tick", slot)
    space.until(LAUNCH_PLAN_EXECUTIONS, name, lambda obj: obj["status"].get("counted"))
    space.edit(LAUNCH_PLANS, "tick", spec={"suspend": True})
    space.delete(LAUNCH_PLAN_EXECUTIONS, name)
    again = space.until(
        LAUNCH_PLAN_EXECUTIONS,
        name,
        lambda obj: obj["metadata"]["uid"] != old["metadata"]["uid"] and phase_of(obj) == "Succeeded",
    )
    for field in ("origin", "inputs", "outputs", "jobRef", "startTime", "completionTime"):
        assert again["status"][field] == old["status"][field]
    space.until(LAUNCH_PLAN_EXECUTIONS, name, lambda obj: obj["status"].get("counted"))
    assert space.read(LAUNCH_PLANS, "tick")["status"]["counts"] == {"started": 1, "succeeded": 1}


@pytest.mark.parametrize("tell", STORIES, ids=[each.__name__ for each in STORIES])
def test_a_schedule(tell: Story, told: Told) -> None:
    """The story ends well."""
    told[tell].result()
