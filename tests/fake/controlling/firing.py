"""CronJobs: which slots they fire after they were made anew, paused, or too late."""

from datetime import timedelta

from launchplan_operator.api.kinds import CRON_JOBS, JOBS
from launchplan_operator.kube.transport import Object
from tests.fake.scripts import (
    Cluster,
    active_uids,
    after,
    controlled_by,
    drop,
    edit,
    gone,
    job,
    names,
    new_cron_job,
    new_pod,
    next_slot,
    pass_time,
    read,
    script,
    slot_job,
    slot_text,
    status,
    until,
)

_MINUTE = timedelta(minutes=1)


def _fired(cron_job: Object) -> str | None:
    """Return the last slot that a CronJob started."""
    last: str | None = cron_job["status"].get("lastScheduleTime")
    return last


@script
async def a_cron_job_orphaned_and_made_again_fires_and_counts_nothing_old(cluster: Cluster) -> None:
    """A CronJob orphaned and made again fires and counts nothing old."""
    slot = await next_slot(cluster)
    await new_cron_job(cluster)
    old = await until(cluster, JOBS, slot_job("c", slot), lambda _: True, 75)
    await until(cluster, CRON_JOBS, "c", lambda each: active_uids(each) == [old["metadata"]["uid"]])
    await drop(cluster, CRON_JOBS, "c", "Orphan")
    await gone(cluster, CRON_JOBS, "c")
    new = await new_cron_job(cluster)
    pod = await new_pod(cluster, old["metadata"]["name"])
    await cluster.run(pod)
    await cluster.end(pod)
    await until(cluster, JOBS, old["metadata"]["name"], lambda each: bool(each["status"].get("completionTime")))
    await cluster.rest(3)
    assert await names(cluster) == [slot_job("c", slot)]
    assert (await status(cluster, CRON_JOBS, "c")) == {}
    orphan = await read(cluster, JOBS, old["metadata"]["name"])
    assert "ownerReferences" not in orphan["metadata"]
    await after(cluster, slot + _MINUTE, [slot_job("c", slot), slot_job("c", slot + _MINUTE)])
    made = await read(cluster, JOBS, slot_job("c", slot + _MINUTE))
    assert made["metadata"]["ownerReferences"] == [controlled_by(new)]
    fired = await until(cluster, CRON_JOBS, "c", lambda each: active_uids(each) == [made["metadata"]["uid"]])
    assert fired["status"]["lastScheduleTime"] == slot_text(slot + _MINUTE)
    assert "lastSuccessfulTime" not in fired["status"]


@script
async def a_cron_job_made_again_in_the_minute_of_its_slot_does_not_fire_it(cluster: Cluster) -> None:
    """A CronJob made again in the minute of its slot does not fire it, although its Job is gone."""
    slot = await next_slot(cluster)
    await new_cron_job(cluster)
    await until(cluster, JOBS, slot_job("c", slot), lambda _: True, 75)
    await drop(cluster, CRON_JOBS, "c", "Background")
    await gone(cluster, JOBS, slot_job("c", slot))
    await new_cron_job(cluster)
    await cluster.rest(3)
    assert await names(cluster) == []
    await after(cluster, slot + _MINUTE, [slot_job("c", slot + _MINUTE)])


@script
async def of_the_slots_missed_in_a_pause_the_latest_is_fired(cluster: Cluster) -> None:
    """Of the slots missed in a pause the latest is fired when the pause ends."""
    slot = await next_slot(cluster)
    await new_cron_job(cluster, suspend=True)
    await after(cluster, slot + _MINUTE, [])
    await edit(cluster, CRON_JOBS, "c", spec={"suspend": False})
    await until(cluster, CRON_JOBS, "c", lambda each: _fired(each) == slot_text(slot + _MINUTE))
    await cluster.rest(3)
    assert await names(cluster) == [slot_job("c", slot + _MINUTE)]


@script
async def a_slot_missed_by_less_than_the_deadline_is_fired(cluster: Cluster) -> None:
    """A slot missed by less than the deadline is fired, one missed by more is not."""
    slot = await next_slot(cluster)
    await new_cron_job(cluster, "near", suspend=True, startingDeadlineSeconds=50)
    await new_cron_job(cluster, "far", suspend=True, startingDeadlineSeconds=10)
    await pass_time(cluster, slot, 15)
    for name in ("near", "far"):
        await edit(cluster, CRON_JOBS, name, spec={"suspend": False})
    await after(cluster, slot + timedelta(seconds=15), [slot_job("near", slot)])
    assert await status(cluster, CRON_JOBS, "far") == {}
    later = [slot_job(name, slot + _MINUTE) for name in ("near", "far")]
    await after(cluster, slot + _MINUTE, [slot_job("near", slot), *later])


@script
async def a_new_schedule_waits_for_its_next_time(cluster: Cluster) -> None:
    """A new schedule waits for its next time; any other write meanwhile fires what it would have had to fire before."""
    slot = await next_slot(cluster)
    for name in ("left", "touched"):
        await new_cron_job(cluster, name, schedule="0 0 29 2 *")
    await pass_time(cluster, slot, 3)
    for name in ("left", "touched"):
        await edit(cluster, CRON_JOBS, name, spec={"schedule": "* * * * *"})
    await cluster.rest(5)
    assert await names(cluster) == []
    await edit(cluster, CRON_JOBS, "touched", metadata={"annotations": {"touched": "yes"}})
    await after(cluster, cluster.now(), [slot_job("touched", slot)])
    later = [slot_job(name, slot + _MINUTE) for name in ("left", "touched")]
    await after(cluster, slot + _MINUTE, [*later, slot_job("touched", slot)])


@script
async def forbid_waits_for_a_suspended_job_and_replace_deletes_it(cluster: Cluster) -> None:
    """Forbid waits for a suspended Job, and Replace deletes it: both take it for an active one."""
    slot = await next_slot(cluster)
    template = {"spec": job(cluster, suspend=True)["spec"]}
    for policy in ("Forbid", "Replace"):
        await new_cron_job(cluster, policy.lower(), concurrencyPolicy=policy, jobTemplate=template)
    await after(cluster, slot, [slot_job("forbid", slot), slot_job("replace", slot)])
    await after(cluster, slot + _MINUTE, [slot_job("forbid", slot), slot_job("replace", slot + _MINUTE)])
    assert _fired(await read(cluster, CRON_JOBS, "forbid")) == slot_text(slot)


@script
async def a_job_deleted_by_hand_is_not_made_again(cluster: Cluster) -> None:
    """A Job deleted by hand is not made again for the same slot."""
    slot = await next_slot(cluster)
    await new_cron_job(cluster)
    made = await until(cluster, JOBS, slot_job("c", slot), lambda _: True, 75)
    await until(cluster, CRON_JOBS, "c", lambda each: active_uids(each) == [made["metadata"]["uid"]])
    await drop(cluster, JOBS, made["metadata"]["name"])
    await until(cluster, CRON_JOBS, "c", lambda each: not active_uids(each))
    await cluster.rest(5)
    assert await names(cluster) == []
    assert (await status(cluster, CRON_JOBS, "c")) == {"lastScheduleTime": slot_text(slot)}
