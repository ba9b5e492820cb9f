"""CronJobs: what happens where the name of a slot's Job is taken."""

from datetime import timedelta

from launchplan_operator.api.kinds import CRON_JOBS, JOBS
from tests.fake.scripts import (
    Cluster,
    active_uids,
    after,
    controlled_by,
    drop,
    edit,
    new_cron_job,
    new_job,
    next_slot,
    pass_time,
    script,
    slot_job,
    slot_text,
    status,
    until,
)

_MINUTE = timedelta(minutes=1)


@script
async def a_stranger_on_a_slots_name_stops_the_cron_job_for_good(cluster: Cluster) -> None:
    """A stranger on a slot's name stops the CronJob for good; any write to it fires the latest slot."""
    slot = await next_slot(cluster)
    for name in ("staying", "leaving"):
        await new_cron_job(cluster, name)
        await new_job(cluster, slot_job(name, slot), suspend=True)
    await pass_time(cluster, slot)
    await drop(cluster, JOBS, slot_job("leaving", slot))
    await after(cluster, slot + _MINUTE, [slot_job("staying", slot)])
    for name in ("staying", "leaving"):
        assert await status(cluster, CRON_JOBS, name) == {}
        await edit(cluster, CRON_JOBS, name, metadata={"annotations": {"poked": "yes"}})
        fired = await until(cluster, CRON_JOBS, name, lambda each: bool(active_uids(each)))
        assert fired["status"]["lastScheduleTime"] == slot_text(slot + _MINUTE)


@script
async def a_job_with_the_controllers_reference_is_adopted(cluster: Cluster) -> None:
    """A Job with the controller's reference is adopted at its slot, and the next slot fires."""
    slot = await next_slot(cluster)
    cron_job = await new_cron_job(cluster)
    mine = await new_job(cluster, slot_job("c", slot), (controlled_by(cron_job),))
    await cluster.rest(3)
    assert await status(cluster, CRON_JOBS, "c") == {}
    await after(cluster, slot, [slot_job("c", slot)])
    adopting = await until(cluster, CRON_JOBS, "c", lambda each: active_uids(each) == [mine["metadata"]["uid"]])
    assert adopting["status"]["lastScheduleTime"] == slot_text(slot)
    await after(cluster, slot + _MINUTE, [slot_job("c", slot), slot_job("c", slot + _MINUTE)])
    await until(cluster, CRON_JOBS, "c", lambda each: len(active_uids(each)) == 2)


@script
async def a_finished_job_with_the_controllers_reference_is_adopted(cluster: Cluster) -> None:
    """A finished Job with the controller's reference is adopted at its slot and leaves the active list."""
    slot = await next_slot(cluster)
    cron_job = await new_cron_job(cluster)
    await new_job(cluster, slot_job("c", slot), (controlled_by(cron_job),), completions=0)
    done = await until(cluster, JOBS, slot_job("c", slot), lambda each: bool(each["status"].get("completionTime")))
    finished = done["status"]["completionTime"]
    await until(cluster, CRON_JOBS, "c", lambda each: each["status"] == {"lastSuccessfulTime": finished})
    await after(cluster, slot, [slot_job("c", slot)])
    adopted = {"lastSuccessfulTime": finished, "lastScheduleTime": slot_text(slot)}
    await until(cluster, CRON_JOBS, "c", lambda each: each["status"] == adopted)
    await after(cluster, slot + _MINUTE, [slot_job("c", slot), slot_job("c", slot + _MINUTE)])


@script
async def a_stranger_that_gets_the_controllers_reference_frees_the_cron_job(cluster: Cluster) -> None:
    """A stranger that gets the controller's reference is adopted, and the CronJob goes on."""
    slot = await next_slot(cluster)
    cron_job = await new_cron_job(cluster)
    stranger = await new_job(cluster, slot_job("c", slot), suspend=True)
    await pass_time(cluster, slot)
    assert await status(cluster, CRON_JOBS, "c") == {}
    await edit(cluster, JOBS, slot_job("c", slot), metadata={"ownerReferences": [controlled_by(cron_job)]})
    uid = stranger["metadata"]["uid"]
    await until(cluster, CRON_JOBS, "c", lambda each: active_uids(each) == [uid])
    await after(cluster, slot + _MINUTE, [slot_job("c", slot), slot_job("c", slot + _MINUTE)])
