"""A plan takes over a CronJob that somebody made, on the real controllers: no minute is lost, none is doubled."""

from datetime import timedelta
from typing import Final

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.decide.adoption import ADOPT
from launchplan_operator.decide.schedule import slot_name
from tests.cluster.support import (
    EVERY_MINUTE,
    Object,
    Space,
    await_slot,
    controller_uid,
    eventually,
    next_slot,
    owner_uids,
    plan,
    template,
    workflow,
)

_A_SLOT: Final = 90.0
_MINUTE: Final = timedelta(minutes=1)


def made_by_hand(space: Space, **told: str) -> Object:
    """Return a person's CronJob of the plan's name, which fires in every minute."""
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": template(told)}}
    return space.create(CRON_JOBS, "tick", spec)


def test_a_cronjob_is_taken_over_between_two_slots_and_its_job_runs_on(space: Space) -> None:
    """The Job of the last slot before loses its owner and goes on; the next slot is the plan's."""
    slot = next_slot(room=15)
    space.offer(spec=workflow({"message": '{"rows": 1}'}))
    old = made_by_hand(space, hold="true")
    job = space.until(JOBS, slot_name("tick", slot), bool, _A_SLOT)
    pod = space.running_pod(job["metadata"]["name"])
    space.create(LAUNCH_PLANS, "tick", plan(schedule=EVERY_MINUTE), annotations={ADOPT: "true"})
    tick = space.rescheduled("tick", old["metadata"]["uid"])
    assert controller_uid(space.read(CRON_JOBS, "tick")) == tick["metadata"]["uid"]
    following = slot_name("tick", slot + _MINUTE)
    space.ended(following, seconds=_A_SLOT)
    left = eventually(lambda: space.read(JOBS, job["metadata"]["name"]), lambda found: not owner_uids(found))
    assert (left["metadata"]["uid"], left["status"]["active"]) == (job["metadata"]["uid"], 1)
    space.release(pod)
    space.until(JOBS, job["metadata"]["name"], lambda found: found["status"].get("succeeded") == 1)
    assert {job["metadata"]["name"], following} <= space.names(JOBS)
    assert job["metadata"]["name"] not in space.names(LAUNCH_PLAN_EXECUTIONS)
    (told,) = space.events(tick, "CronJobAdopted")
    assert told["type"] == "Normal"


def test_the_operator_itself_goes_on_where_a_cronjob_stopped(space: Space) -> None:
    """With a limit, which no CronJob keeps: what the old one started is no run of the plan."""
    slot = next_slot(room=15)
    space.offer(spec=workflow({"message": '{"rows": 1}'}))
    old = made_by_hand(space)
    space.until(JOBS, slot_name("tick", slot), bool, _A_SLOT)
    space.create(LAUNCH_PLANS, "tick", plan(schedule=EVERY_MINUTE, concurrency={"max": 1}), annotations={ADOPT: "true"})
    space.gone(CRON_JOBS, "tick", seconds=30)
    space.ready(LAUNCH_PLANS, "tick", "Active")
    following = slot_name("tick", slot + _MINUTE)
    space.ended(following, seconds=_A_SLOT)
    await_slot(slot + _MINUTE)
    assert space.names(JOBS) == {slot_name("tick", slot), following}
    assert space.names(LAUNCH_PLAN_EXECUTIONS) == {following}
    assert old["metadata"]["uid"] not in owner_uids(space.read(JOBS, following))


def test_a_person_who_asks_afterwards_is_obeyed_at_once(space: Space) -> None:
    """The plan says that its name is taken, and by which annotation that ends."""
    space.offer()
    old = space.create(CRON_JOBS, "tick", {"schedule": "0 0 29 2 *", "jobTemplate": {"spec": template()}})
    space.create(LAUNCH_PLANS, "tick", plan(schedule={"cron": "0 0 29 2 *"}))
    space.stalled(LAUNCH_PLANS, "tick", "CronJobNameTaken")
    space.kubectl("annotate", "lp", "tick", f"{ADOPT}=true")
    space.rescheduled("tick", old["metadata"]["uid"])
