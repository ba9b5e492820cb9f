"""Jobs that are not to run: which shape of a Job occupies a name without ever having a pod."""

from launchplan_operator.api.kinds import JOBS
from launchplan_operator.kube.transport import Object
from tests.fake.scripts import (
    Cluster,
    conditions,
    counts,
    drop,
    edit,
    finished,
    gone,
    new_job,
    new_pod,
    pods_of,
    read,
    running,
    script,
    until,
)

_COMPLETE, _FAILED = ["SuccessCriteriaMet", "Complete"], ["FailureTarget", "Failed"]
#: Shapes of a Job without completions: what else it is, how it ends, and whether it ever started.
_NOTHING_TO_DO: dict[str, tuple[Object, list[str], bool]] = {
    "suspended": ({"suspend": True, "parallelism": 0}, _COMPLETE, False),
    "free": ({"parallelism": 1}, _COMPLETE, True),
    "late": ({"activeDeadlineSeconds": 0}, _FAILED, True),
    "late-and-suspended": ({"suspend": True, "activeDeadlineSeconds": 0}, _COMPLETE, False),
}


@script
async def a_suspended_job_has_no_pod_and_no_start(cluster: Cluster) -> None:
    """A suspended Job has neither pod nor start time, stays, and can be deleted."""
    await new_job(cluster, suspend=True)
    await until(cluster, JOBS, "a", lambda each: conditions(each) == ["Suspended"])
    await cluster.rest(3)
    job = await read(cluster, JOBS, "a")
    assert counts(job) == {}
    assert "startTime" not in job["status"]
    assert await pods_of(cluster, "a") == []
    await drop(cluster, JOBS, "a")
    await gone(cluster, JOBS, "a")


@script
async def a_suspended_job_does_not_fail_by_its_deadline(cluster: Cluster) -> None:
    """A suspended Job does not fail by its deadline."""
    await new_job(cluster, suspend=True, activeDeadlineSeconds=1)
    await cluster.rest(4)
    assert conditions(await read(cluster, JOBS, "a")) == ["Suspended"]


@script
async def a_suspended_job_that_somebody_resumes_runs(cluster: Cluster) -> None:
    """A suspended Job of one completion runs as soon as somebody resumes it: as an occupant of a name it is unsafe."""
    await new_job(cluster, suspend=True)
    await until(cluster, JOBS, "a", lambda each: conditions(each) == ["Suspended"])
    await edit(cluster, JOBS, "a", spec={"suspend": False})
    await new_pod(cluster, "a")
    job = await until(cluster, JOBS, "a", lambda each: counts(each) == {"active": 1})
    assert [(each["type"], each["status"]) for each in job["status"]["conditions"]] == [("Suspended", "False")]
    assert job["status"]["startTime"]


@script
async def a_job_of_no_completions_never_has_a_pod(cluster: Cluster) -> None:
    """A Job of no completions ends at once without a pod, and nobody can make it run."""
    for name, (spec, ends, starts) in _NOTHING_TO_DO.items():
        await new_job(cluster, name, completions=0, **spec)
        ended = await until(cluster, JOBS, name, finished)
        assert conditions(ended) == ends, name
        assert counts(ended) == {}
        assert ("startTime" in ended["status"]) is starts, name
        assert ("completionTime" in ended["status"]) is ("Complete" in ends)
        refused = await cluster.client.patch(JOBS, cluster.namespace, name, {"spec": {"completions": 1}})
        assert refused.status == 422
        await edit(cluster, JOBS, name, spec={"suspend": False, "parallelism": 5, "activeDeadlineSeconds": None})
    await cluster.rest(5)
    for name, (_, ends, _) in _NOTHING_TO_DO.items():
        assert conditions(await read(cluster, JOBS, name)) == ends
        assert await pods_of(cluster, name) == []


@script
async def a_job_of_no_parallelism_runs_when_somebody_raises_it(cluster: Cluster) -> None:
    """A Job of no parallelism has no pod until somebody resumes it and raises that: two writes, and it runs."""
    shapes: dict[str, Object] = {"counted": {"completions": 1}, "open": {}}
    for name, spec in shapes.items():
        await new_job(cluster, name, suspend=True, parallelism=0, **spec)
        await edit(cluster, JOBS, name, spec={"suspend": False})
    await cluster.rest(3)
    for name in shapes:
        assert await pods_of(cluster, name) == []
        resumed = await read(cluster, JOBS, name)
        assert resumed["status"]["startTime"]
        assert conditions(resumed) == []
        await edit(cluster, JOBS, name, spec={"parallelism": 1})
        await new_pod(cluster, name)


@script
async def a_running_job_that_is_suspended_loses_its_pod_uncounted(cluster: Cluster) -> None:
    """A running Job that is suspended loses its pod, which is not counted as failed, and its start time."""
    pod = await running(cluster)
    await edit(cluster, JOBS, "a", spec={"suspend": True})
    job = await until(cluster, JOBS, "a", lambda each: conditions(each) == ["Suspended"] and counts(each) == {})
    assert "startTime" not in job["status"]
    await cluster.rest(2)
    assert await pods_of(cluster, "a") == []
    await edit(cluster, JOBS, "a", spec={"suspend": False})
    await new_pod(cluster, "a", (pod,))
