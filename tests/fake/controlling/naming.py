"""CronJobs: what happens where the name of a slot's Job is taken."""

from datetime import timedelta

from launchplan_operator.api.kinds import CRON_JOBS, JOBS
from tests.fake.scripts import (
    Cluster,
    active_uids,
    controlled_by,
    drop,
    edit,
    names,
    new_cron_job,
    new_job,
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


@script
async def a_stranger_on_a_slots_name_stops_the_cron_job_for_good(cluster: Cluster) -> None:
    """A stranger on a slot's name stops the CronJob for good; any write to it fires the latest slot."""
    slot = await next_slot(cluster)
    for name in ("staying", "leaving"):
        await new_cron_job(cluster, name)
        await new_job(cluster, slot_job(name, slot), suspend=True)
    await pass_time(cluster, slot)
    await drop(cluster, JOBS, slot_job("leaving", slot))
    await pass_time(cluster, slot + _MINUTE)
    assert await names(cluster) == [slot_job("staying", slot)]
    for name in ("staying", "leaving"):
        assert await status(cluster, CRON_JOBS, name) == {}
        await edit(cluster, CRON_JOBS, name, metadata={"annotations": {"poked": "yes"}})
        made = slot_job(name, slot + _MINUTE)
        await until(cluster, JOBS, made, lambda _: True, 5)
        await until(cluster, CRON_JOBS, name, lambda each: bool(active_uids(each)))
        assert (await status(cluster, CRON_JOBS, name))["lastScheduleTime"] == slot_text(slot + _MINUTE)


@script
async def a_job_with_the_controllers_reference_is_adopted(cluster: Cluster) -> None:
    """A Job with the controller's reference is adopted at its slot, and the next slot fires."""
    slot = await next_slot(cluster)
    cron_job = await new_cron_job(cluster)
    mine = await new_job(cluster, slot_job("c", slot), (controlled_by(cron_job),))
    await cluster.rest(3)
    assert await status(cluster, CRON_JOBS, "c") == {}
    await pass_time(cluster, slot)
    assert await names(cluster) == [slot_job("c", slot)]
    adopting = await read(cluster, CRON_JOBS, "c")
    assert active_uids(adopting) == [mine["metadata"]["uid"]]
    assert adopting["status"]["lastScheduleTime"] == slot_text(slot)
    await pass_time(cluster, slot + _MINUTE)
    assert await names(cluster) == [slot_job("c", slot), slot_job("c", slot + _MINUTE)]
    assert len(active_uids(await read(cluster, CRON_JOBS, "c"))) == 2


@script
async def a_finished_job_with_the_controllers_reference_is_adopted(cluster: Cluster) -> None:
    """A finished Job with the controller's reference is adopted at its slot and leaves the active list."""
    slot = await next_slot(cluster)
    cron_job = await new_cron_job(cluster)
    await new_job(cluster, slot_job("c", slot), (controlled_by(cron_job),), completions=0)
    done = await until(cluster, JOBS, slot_job("c", slot), lambda each: bool(each["status"].get("completionTime")))
    finished = done["status"]["completionTime"]
    await until(cluster, CRON_JOBS, "c", lambda each: each["status"] == {"lastSuccessfulTime": finished})
    await pass_time(cluster, slot)
    seen = await status(cluster, CRON_JOBS, "c")
    assert seen == {"lastSuccessfulTime": finished, "lastScheduleTime": slot_text(slot)}
    await pass_time(cluster, slot + _MINUTE)
    assert await names(cluster) == [slot_job("c", slot), slot_job("c", slot + _MINUTE)]


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
    await pass_time(cluster, slot + _MINUTE)
    assert await names(cluster) == [slot_job("c", slot), slot_job("c", slot + _MINUTE)]
