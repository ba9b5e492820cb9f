"""Jobs: what ends them, and in which order status and pods follow."""

from launchplan_operator.api.kinds import JOBS, PODS
from tests.fake.scripts import (
    TRACKING,
    Cluster,
    conditions,
    counts,
    edit,
    finished,
    gone,
    new_job,
    new_pod,
    pass_time,
    pods_of,
    read,
    remove,
    running,
    script,
    terminating,
    until,
)


@script
async def a_deadline_of_a_second_ends_a_running_job(cluster: Cluster) -> None:
    """A deadline of a second ends a running Job as Failed, and the object stays."""
    pod = await running(cluster)
    await cluster.rest(2)
    await edit(cluster, JOBS, "a", spec={"activeDeadlineSeconds": 1})
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["FailureTarget", "Failed"]
    assert {each["reason"] for each in job["status"]["conditions"]} == {"DeadlineExceeded"}
    assert counts(job) == {"failed": 1}
    assert "completionTime" not in job["status"]
    await gone(cluster, PODS, pod["metadata"]["name"])
    await cluster.rest(3)
    assert conditions(await read(cluster, JOBS, "a")) == ["FailureTarget", "Failed"]
    assert await pods_of(cluster, "a") == []


@script
async def a_deadline_of_a_second_ends_a_job_whose_pod_waits(cluster: Cluster) -> None:
    """A deadline of a second ends a Job whose pod has no node yet, and the pod goes at once."""
    await new_job(cluster)
    await new_pod(cluster, "a")
    await cluster.rest(2)
    await edit(cluster, JOBS, "a", spec={"activeDeadlineSeconds": 1})
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["FailureTarget", "Failed"]
    assert counts(job) == {"failed": 1}
    assert await pods_of(cluster, "a") == []


@script
async def a_job_is_failed_only_when_its_pod_has_ended(cluster: Cluster) -> None:
    """A Job is Failed only when its pod has ended: until then it has the target, and counts the pod as failed."""
    pod = await running(cluster, lost=True)
    await cluster.rest(2)
    await edit(cluster, JOBS, "a", spec={"activeDeadlineSeconds": 1})
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"terminating": 1, "failed": 1})
    await cluster.rest(5)
    job = await read(cluster, JOBS, "a")
    assert conditions(job) == ["FailureTarget"]
    assert counts(job) == {"terminating": 1, "failed": 1}
    lingering = await read(cluster, PODS, pod["metadata"]["name"])
    assert lingering["status"]["phase"] == "Running"
    assert TRACKING not in lingering["metadata"].get("finalizers", ())
    await remove(cluster, pod, force=True)
    await gone(cluster, PODS, pod["metadata"]["name"])
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["FailureTarget", "Failed"]
    assert counts(job) == {"failed": 1}


@script
async def a_job_is_failed_as_soon_as_its_lost_pod_is_reported_ended(cluster: Cluster) -> None:
    """A Job is Failed as soon as its deleted pod is reported as ended, though the pod is still there."""
    pod = await running(cluster, lost=True)
    await cluster.rest(2)
    await edit(cluster, JOBS, "a", spec={"activeDeadlineSeconds": 1})
    await until(cluster, JOBS, "a", lambda each: conditions(each) == ["FailureTarget"])
    await cluster.end(pod, 137)
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["FailureTarget", "Failed"]
    (left,) = await pods_of(cluster, "a")
    assert terminating(left)
    assert left["status"]["phase"] == "Failed"


@script
async def a_job_is_complete_only_when_no_pod_of_it_lingers(cluster: Cluster) -> None:
    """A Job is Complete only when no pod of it lingers, though its work is done."""
    first = await running(cluster, lost=True, backoffLimit=3)
    await remove(cluster, first)
    second = await new_pod(cluster, "a", (first,))
    await cluster.run(second)
    await cluster.end(second)
    await until(cluster, JOBS, "a", lambda each: conditions(each) == ["SuccessCriteriaMet"])
    await cluster.rest(5)
    job = await read(cluster, JOBS, "a")
    assert conditions(job) == ["SuccessCriteriaMet"]
    assert counts(job) == {"terminating": 1, "succeeded": 1, "failed": 1}
    assert "completionTime" not in job["status"]
    await remove(cluster, first, force=True)
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["SuccessCriteriaMet", "Complete"]
    assert job["status"]["completionTime"]


@script
async def a_job_that_fails_for_good_waits_for_its_lingering_pod(cluster: Cluster) -> None:
    """A pod deleted by hand on a lost node is beyond a limit of no retries at once, and is Failed only with its end."""
    pod = await running(cluster, lost=True)
    await remove(cluster, pod)
    await until(cluster, JOBS, "a", lambda each: conditions(each) == ["FailureTarget"])
    await cluster.rest(5)
    job = await read(cluster, JOBS, "a")
    assert conditions(job) == ["FailureTarget"]
    assert counts(job) == {"terminating": 1, "failed": 1}
    await remove(cluster, pod, force=True)
    job = await until(cluster, JOBS, "a", finished)
    assert {each["reason"] for each in job["status"]["conditions"]} == {"BackoffLimitExceeded"}


@script
async def a_finished_job_counts_its_pod_once(cluster: Cluster) -> None:
    """A finished Job has counted its pod, let go of it, and keeps it."""
    pod = await running(cluster)
    await cluster.end(pod)
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["SuccessCriteriaMet", "Complete"]
    assert counts(job) == {"succeeded": 1}
    kept = await read(cluster, PODS, pod["metadata"]["name"])
    assert kept["status"]["phase"] == "Succeeded"
    assert TRACKING not in kept["metadata"].get("finalizers", ())


@script
async def a_failed_pod_is_replaced_after_ten_seconds(cluster: Cluster) -> None:
    """A failed pod is replaced ten seconds after its end, once."""
    pod = await running(cluster, backoffLimit=1)
    ended = cluster.now()
    await cluster.end(pod, 1)
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"failed": 1})
    await pass_time(cluster, ended, 8)
    assert len(await pods_of(cluster, "a")) == 1
    second = await new_pod(cluster, "a", (pod,))
    await cluster.run(second)
    await cluster.end(second, 1)
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["FailureTarget", "Failed"]
    assert counts(job) == {"failed": 2}
