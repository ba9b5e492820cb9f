"""The garbage collector: who goes with which owner."""

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, PODS
from tests.fake.behaviours import Maker, created, owner
from tests.fake.scripts import (
    COLLECTION,
    Cluster,
    controlled_by,
    drop,
    gone,
    new_cron_job,
    new_job,
    new_pod,
    read,
    script,
    until,
)

_PROPAGATIONS = ("Background", "Foreground", "Orphan")
_NEVER = "0 0 29 2 *"
_NOBODY = "11111111-2222-4333-8444-555555555555"


@script
async def a_job_with_two_owners_survives_its_cron_job(cluster: Cluster) -> None:
    """A Job with two owners survives its CronJob, and its pod runs on."""
    await _lose_one(cluster, CRON_JOBS.plural)


@script
async def a_job_with_two_owners_survives_its_execution(cluster: Cluster) -> None:
    """A Job with two owners survives its execution, and its pod runs on."""
    await _lose_one(cluster, LAUNCH_PLAN_EXECUTIONS.plural)


async def _lose_one(cluster: Cluster, lost: str) -> None:
    make = Maker(cluster.namespace)
    pods = {}
    for name in map(str.lower, _PROPAGATIONS):
        cron_job = await new_cron_job(cluster, name, schedule=_NEVER)
        execution = await created(cluster, LAUNCH_PLAN_EXECUTIONS, make.execution(name))
        await new_job(cluster, name, (controlled_by(cron_job), owner(execution)))
        pods[name] = await new_pod(cluster, name)
        await cluster.run(pods[name])
    kind, kept = (CRON_JOBS, "LaunchPlanExecution") if lost == CRON_JOBS.plural else (LAUNCH_PLAN_EXECUTIONS, "CronJob")
    for propagation in _PROPAGATIONS:
        await drop(cluster, kind, propagation.lower(), propagation)
    for name, pod in pods.items():
        await gone(cluster, kind, name, COLLECTION)
        job = await until(cluster, JOBS, name, lambda each: len(each["metadata"]["ownerReferences"]) == 1, COLLECTION)
        assert job["metadata"]["ownerReferences"][0]["kind"] == kept
        assert "deletionTimestamp" not in job["metadata"]
        assert "deletionTimestamp" not in (await read(cluster, PODS, pod["metadata"]["name"]))["metadata"]


@script
async def a_job_goes_with_the_last_of_two_owners(cluster: Cluster) -> None:
    """A Job goes with the last of two owners."""
    cron_job = await new_cron_job(cluster, schedule=_NEVER)
    execution = await created(cluster, LAUNCH_PLAN_EXECUTIONS, Maker(cluster.namespace).execution())
    await new_job(cluster, "a", (controlled_by(cron_job), owner(execution)))
    await drop(cluster, CRON_JOBS, "c")
    await drop(cluster, LAUNCH_PLAN_EXECUTIONS, "a")
    await gone(cluster, JOBS, "a", COLLECTION)


@script
async def a_job_whose_owner_never_was_is_collected(cluster: Cluster) -> None:
    """A Job whose owner does not exist is collected, also where another object has the owner's name."""
    cron_job = await new_cron_job(cluster, schedule=_NEVER)
    await new_job(cluster, "no-name", (controlled_by(cron_job) | {"name": "nobody", "uid": _NOBODY},))
    await new_job(cluster, "no-uid", (controlled_by(cron_job) | {"uid": _NOBODY[::-1]},))
    await new_job(cluster, "child", (controlled_by(cron_job),))
    for name in ("no-name", "no-uid"):
        await gone(cluster, JOBS, name)
    assert await read(cluster, JOBS, "child")


@script
async def a_job_made_for_an_owner_that_went_meanwhile_is_collected(cluster: Cluster) -> None:
    """A Job made for an owner that went meanwhile is collected, whatever the owner's propagation was."""
    for propagation in _PROPAGATIONS:
        name = propagation.lower()
        cron_job = await new_cron_job(cluster, name, schedule=_NEVER)
        await drop(cluster, CRON_JOBS, name, propagation)
        await gone(cluster, CRON_JOBS, name)
        await new_job(cluster, name, (controlled_by(cron_job),))
    for propagation in _PROPAGATIONS:
        await gone(cluster, JOBS, propagation.lower())


@script
async def a_dead_second_owner_is_dropped(cluster: Cluster) -> None:
    """A reference to a second owner that does not exist is dropped, and the Job stays."""
    cron_job = await new_cron_job(cluster, schedule=_NEVER)
    nobody = owner(cron_job) | {"name": "nobody", "uid": _NOBODY}
    await new_job(cluster, "a", (controlled_by(cron_job), nobody), suspend=True)
    job = await until(cluster, JOBS, "a", lambda each: len(each["metadata"]["ownerReferences"]) == 1)
    assert job["metadata"]["ownerReferences"] == [controlled_by(cron_job)]
