"""Drift: what people change on a plan's CronJob, or put in its place, behind the operator's back."""

from launchplan_operator.api.kinds import CRON_JOBS, LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from tests.cluster.support import EVERY_MINUTE, NEVER, Object, Space, condition, plan


def test_a_schedule_changed_by_hand_is_replaced(space: Space) -> None:
    """Made anew, as with any other schedule, and told by an event."""
    drifted(space, {"schedule": "0 0 1 1 *"})


def test_a_cronjob_suspended_by_hand_is_replaced(space: Space) -> None:
    """Un-suspending it would replay its latest slot."""
    drifted(space, {"suspend": True})


def drifted(space: Space, change: Object) -> None:
    """Change the timing of a CronJob behind the operator's back."""
    space.offer()
    space.plan("tick", schedule=NEVER)
    before = space.read(CRON_JOBS, "tick")
    space.edit(CRON_JOBS, "tick", spec=change)
    tick = space.rescheduled("tick", before["metadata"]["uid"])
    assert space.read(CRON_JOBS, "tick")["spec"] == before["spec"]
    assert space.warned(tick, "CronJobChanged")


def test_a_template_changed_by_hand_is_brought_back(space: Space) -> None:
    """In place: the slots are right."""
    space.offer()
    tick = space.plan("tick", schedule=NEVER)
    before = space.read(CRON_JOBS, "tick")
    space.edit(CRON_JOBS, "tick", spec={"jobTemplate": {"spec": {"backoffLimit": 5, "parallelism": 2}}})
    after = space.until(CRON_JOBS, "tick", lambda obj: obj["metadata"]["generation"] == 3)
    assert (after["spec"], after["metadata"]["uid"]) == (before["spec"], before["metadata"]["uid"])
    assert space.warned(tick, "CronJobChanged")


def test_a_label_taken_away_by_hand_is_put_back(space: Space) -> None:
    """Without it the operator's watch would lose sight of the CronJob."""
    space.offer()
    space.plan("tick", schedule=NEVER)
    before = space.read(CRON_JOBS, "tick")
    space.edit(CRON_JOBS, "tick", metadata={"labels": {"app.kubernetes.io/managed-by": None}})
    after = space.until(
        CRON_JOBS, "tick", lambda obj: "app.kubernetes.io/managed-by" in (obj["metadata"].get("labels") or {})
    )
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_a_foreign_cronjob_of_the_plans_name_is_left_untouched(space: Space) -> None:
    """The plan is Stalled and says whose name it is; runs by hand go on."""
    space.offer()
    job = space.read(WORKFLOW_DEFINITIONS, "report")["spec"]["job"]
    foreign = space.create(CRON_JOBS, "tick", {"schedule": NEVER["cron"], "jobTemplate": {"spec": job}})
    space.create(LAUNCH_PLANS, "tick", plan(schedule=EVERY_MINUTE))
    tick = space.stalled(LAUNCH_PLANS, "tick", "CronJobNameTaken")
    assert "found a CronJob 'tick' that does not belong to this plan" in condition(tick, "Ready")["message"]
    assert space.warned(tick, "CronJobNameTaken")
    space.run("by-hand", {"launchPlanRef": {"name": "tick"}})
    after = space.read(CRON_JOBS, "tick")
    assert (after["metadata"]["generation"], after["metadata"]["uid"]) == (1, foreign["metadata"]["uid"])
    assert (after["spec"], after["metadata"].get("labels")) == (foreign["spec"], None)
