"""What only minutes show. It began with the session, see `away.py`, and is looked at last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, PODS
from launchplan_operator.decide.schedule import slot_name
from localcluster.operated import OperatorProcess
from tests.cluster.away import UNATTENDED, Away
from tests.cluster.support import (
    NEVER,
    OUTPUTS,
    Object,
    Space,
    condition,
    controller_uid,
    eventually,
    next_slot,
    owner_uids,
    phase_of,
    run_of,
    slot_text,
    standing,
)

# Run alone, this file waits for the five slots of the outage, and for the five minutes of patience.
pytestmark = pytest.mark.timeout(600)

_SLOTS = 5
_MINUTE = timedelta(minutes=1)
_OUTAGE = (_SLOTS + 2) * 60.0
_PATIENCE = 360.0
_A_SLOT = 90.0
_SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


@dataclass(frozen=True, slots=True)
class Return:
    """What there was when the operator came back.

    Attributes:
        slots: the first five without it.
        cronjobs: the uid of each plan's CronJob before.
    """

    space: Space
    slots: list[datetime]
    cronjobs: dict[str, str]


@pytest.fixture(scope="module")
def back(away: Away) -> Iterator[Return]:
    """The operator comes back after five slots, in whose meantime people were busy."""
    space = away.space
    first = away.since.replace(second=0, microsecond=0) + _MINUTE
    slots = [first + n * _MINUTE for n in range(_SLOTS)]
    for name in UNATTENDED:
        space.until(JOBS, slot_name(name, slots[-1]), lambda job: job.get("status", {}).get("completionTime"), _OUTAGE)
    assert {phase_of(each) for each in space.all(LAUNCH_PLAN_EXECUTIONS)} <= {"Succeeded"}
    cronjobs = {name: space.read(CRON_JOBS, name)["metadata"]["uid"] for name in UNATTENDED}
    space.delete(JOBS, slot_name("lost", slots[2]))
    space.gone(JOBS, slot_name("lost", slots[2]))
    space.edit(LAUNCH_PLANS, "edited", spec={"schedule": NEVER})
    space.edit(LAUNCH_PLANS, "zoned", spec={"schedule": {"timeZone": "Asia/Kolkata"}})
    space.edit(LAUNCH_PLANS, "paused", spec={"suspend": True})
    space.create(LAUNCH_PLAN_EXECUTIONS, "meanwhile", run_of("five", inputs={"days": 1}))
    away.operator.start()
    away.operator.await_ready()
    yield Return(space, slots, cronjobs)
    assert errors(away.operator) == []


def errors(operator: OperatorProcess) -> list[str]:
    """Return the lines that an operator logged as errors, or that are no log lines: a traceback."""
    lines = operator.log.read_text().splitlines()
    return [line for line in lines if '"level": "info"' not in line and '"level": "warning"' not in line]


def jobs_by_slot(space: Space, plan: str) -> dict[str, list[str]]:
    """Return the names of a plan's Jobs by the slot that they were made for."""
    found: dict[str, list[str]] = {}
    for job in space.all(JOBS, f"launchplan.dev/plan={plan}"):
        if text := job["metadata"].get("annotations", {}).get(_SLOT):
            # The CronJob controller writes it in the CronJob's zone.
            slot = slot_text(datetime.fromisoformat(text).astimezone(UTC))
            found.setdefault(slot, []).append(job["metadata"]["name"])
    return found


def records(space: Space, plan: str) -> list[Object]:
    """Return the scheduled executions of a plan."""
    return space.all(LAUNCH_PLAN_EXECUTIONS, f"launchplan.dev/plan={plan},launchplan.dev/origin=Schedule")


def all_recorded(space: Space, plan: str) -> list[Object]:
    """Wait until every Job of a plan has an execution that succeeded and is marked as counted, and return these."""

    def look() -> tuple[set[str], list[Object]]:
        return {name for names in jobs_by_slot(space, plan).values() for name in names}, records(space, plan)

    def settled(seen: tuple[set[str], list[Object]]) -> bool:
        jobs, found = seen
        done = {each["metadata"]["name"] for each in found if each.get("status", {}).get("counted")}
        return jobs <= done and len(found) == len(done)

    found = eventually(look, settled)[1]
    assert {phase_of(each) for each in found} == {"Succeeded"}
    return found


def test_five_slots_without_the_operator_have_one_job_and_one_execution_each(back: Return) -> None:
    """After its return: exactly one Job, one pod, and one execution with outputs for each."""
    found = all_recorded(back.space, "five")
    by_slot = jobs_by_slot(back.space, "five")
    for slot in back.slots:
        name = slot_name("five", slot)
        assert by_slot[slot_text(slot)] == [name]
        assert len(back.space.pods_of(name)) == 1
        mine = [each for each in found if each["status"]["origin"]["slot"] == slot_text(slot)]
        assert [each["metadata"]["name"] for each in mine] == [name]
        status = mine[0]["status"]
        assert (status["phase"], status["outputs"]) == ("Succeeded", OUTPUTS)
        assert (status["inputs"], status["origin"]["type"]) == ({"city": "Oslo", "days": 7}, "Schedule")
        assert status["jobRef"]["uid"] == back.space.read(JOBS, name)["metadata"]["uid"]


def test_after_the_outage_every_slot_is_counted_once(back: Return) -> None:
    """None is missed or unknown; the CronJob is the same and owns its Jobs as before."""
    space = back.space
    next_slot(room=15)
    scheduled, by_hand = len(all_recorded(space, "five")), space.ended("meanwhile")
    space.until(LAUNCH_PLAN_EXECUTIONS, "meanwhile", lambda obj: obj["status"].get("counted"))
    assert by_hand["status"]["origin"] == {"type": "Manual"}
    plan = space.read(LAUNCH_PLANS, "five")
    assert plan["status"]["counts"] == {"started": scheduled + 1, "succeeded": scheduled + 1}
    assert plan["status"]["schedule"]["lastSlot"] >= slot_text(back.slots[-1])
    assert "decisions" not in plan["status"]
    assert space.read(CRON_JOBS, "five")["metadata"]["uid"] == back.cronjobs["five"]
    assert controller_uid(space.read(JOBS, slot_name("five", back.slots[0]))) == back.cronjobs["five"]


def test_a_slot_whose_job_was_lost_in_the_outage_is_unknown(back: Return) -> None:
    """Counted, told by a decision and an event, and never run again."""
    space, slot = back.space, slot_text(back.slots[2])
    plan = space.until(LAUNCH_PLANS, "lost", lambda obj: obj["status"]["counts"].get("unknown"))
    assert plan["status"]["counts"]["unknown"] == 1
    told = [each for each in plan["status"]["decisions"] if each["slot"] == slot]
    assert [(each["outcome"], each["reason"]) for each in told] == [("Unknown", "Unknown")]
    assert slot in space.warned(plan, "Unknown")
    assert len(all_recorded(space, "lost")) >= _SLOTS - 1
    assert slot not in jobs_by_slot(space, "lost")
    assert slot_name("lost", back.slots[2]) not in space.names(LAUNCH_PLAN_EXECUTIONS)


@pytest.mark.parametrize(("plan", "reason"), [("edited", "Active"), ("paused", "Suspended")])
def test_a_change_during_the_outage_takes_effect_at_its_end(back: Return, plan: str, reason: str) -> None:
    """What fired until then is recorded and counted, its Jobs stay; nothing is missed, replayed or unknown."""
    space = back.space
    changed = space.ready(LAUNCH_PLANS, plan, reason, seconds=40)
    cronjob = space.find(CRON_JOBS, plan)
    assert (cronjob is not None) == (plan == "edited")
    assert cronjob is None or cronjob["metadata"]["uid"] != back.cronjobs[plan]
    found = all_recorded(space, plan)
    assert {slot_name(plan, slot) for slot in back.slots} <= {each["metadata"]["name"] for each in found}
    for each in found:
        assert owner_uids(space.read(JOBS, each["metadata"]["name"])) == {each["metadata"]["uid"]}
    assert space.read(LAUNCH_PLANS, plan)["status"]["counts"] == {"started": len(found), "succeeded": len(found)}
    assert space.events(changed, "Unknown") == space.events(changed, "Missed") == []


def test_no_slot_is_lost_or_doubled_where_a_zone_changed_during_the_outage(back: Return) -> None:
    """The old CronJob's slots and the new one's follow each other minute by minute."""
    space = back.space
    plan = space.until(
        LAUNCH_PLANS,
        "zoned",
        lambda obj: obj["status"]["schedule"].get("cronJob", {}).get("uid") not in {None, back.cronjobs["zoned"]},
        40,
    )
    new = plan["status"]["schedule"]["cronJob"]["uid"]
    eventually(
        lambda: [
            job["metadata"]["name"]
            for job in space.all(JOBS, "launchplan.dev/plan=zoned")
            if controller_uid(job) == new
        ],
        bool,
        _A_SLOT,
    )
    by_slot = jobs_by_slot(space, "zoned")
    assert {len(names) for names in by_slot.values()} == {1}
    last = datetime.fromisoformat(max(by_slot))
    minutes = (last - back.slots[0]) // _MINUTE + 1
    expected = {slot_text(back.slots[0] + n * _MINUTE) for n in range(minutes)}
    assert {slot for slot in by_slot if slot >= slot_text(back.slots[0])} == expected
    all_recorded(space, "zoned")
    assert set(space.read(LAUNCH_PLANS, "zoned")["status"]["counts"]) == {"started", "succeeded"}


def test_a_run_asked_for_during_the_outage_runs_at_its_end(back: Return) -> None:
    """The request waited in the API server."""
    assert back.space.ended("meanwhile")["status"]["inputs"] == {"city": "Oslo", "days": 1}


def test_a_plan_that_waits_for_its_workflow_is_stalled_after_five_minutes(away: Away) -> None:
    """For kstatus it has failed then; the workflow's arrival still heals it."""
    space = away.patient
    stalled = space.until(LAUNCH_PLANS, "waiting", lambda obj: standing(obj)["Stalled"] == "True", _PATIENCE)
    assert standing(stalled) == {"Ready": "False", "Reconciling": "False", "Stalled": "True"}
    assert condition(stalled, "Stalled")["reason"] == "WorkflowNotFound"
    space.offer("nobody")
    space.ready(LAUNCH_PLANS, "waiting", "Active")


def test_a_run_that_waits_for_its_plan_is_rejected_after_five_minutes(away: Away) -> None:
    """It does not start out of the blue when the plan comes at last."""
    rejected = away.patient.ended("waiting", "Rejected", _PATIENCE)
    assert rejected["status"]["error"]["code"] == "PlanNotFound"
    waited = datetime.fromisoformat(rejected["status"]["completionTime"]) - datetime.fromisoformat(
        rejected["metadata"]["creationTimestamp"]
    )
    assert timedelta(minutes=5) <= waited < timedelta(minutes=6)


def test_a_history_of_none_still_keeps_what_ended_minutes_ago(away: Away) -> None:
    """Nothing is removed within a quarter of an hour."""
    space = away.patient
    kept = space.read(LAUNCH_PLAN_EXECUTIONS, "kept")
    assert kept["status"]["counted"]
    assert space.read(JOBS, "kept")["metadata"]["uid"] == kept["status"]["jobRef"]["uid"]
    assert space.all(PODS, "batch.kubernetes.io/job-name=kept") != []


def test_the_operator_logged_no_error(running: OperatorProcess) -> None:
    """Over the whole session, its crashes and restarts included."""
    assert errors(running) == []
