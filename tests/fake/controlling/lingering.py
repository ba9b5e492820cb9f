"""Jobs: pods on a lost node, and when they are replaced."""

from launchplan_operator.api.kinds import JOBS, PODS
from launchplan_operator.kube.transport import Object
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
    pods_of,
    read,
    remove,
    running,
    script,
    slot_text,
    terminating,
    until,
)

_FAILED_ONLY: Object = {"podReplacementPolicy": "Failed"}
_FAILED = ("FailureTarget", "Failed")


@script
async def by_default_a_lingering_pod_is_replaced(cluster: Cluster) -> None:
    """By default a lingering pod counts as failed and is replaced: two pods of one Job overlap."""
    first = await running(cluster, lost=True, backoffLimit=3)
    await remove(cluster, first)
    second = await new_pod(cluster, "a", (first,))
    await cluster.run(second)
    await until(
        cluster, JOBS, "a", lambda each: counts(each) == {"active": 1, "ready": 1, "terminating": 1, "failed": 1}
    )
    lingering = await read(cluster, PODS, first["metadata"]["name"])
    assert terminating(lingering)
    assert lingering["status"]["phase"] == "Running"
    assert lingering["metadata"]["deletionGracePeriodSeconds"] == 30
    assert TRACKING not in lingering["metadata"].get("finalizers", ())


@script
async def with_the_policy_failed_a_lingering_pod_is_not_replaced(cluster: Cluster) -> None:
    """With the policy Failed a lingering pod is neither counted nor replaced until it is reported as failed."""
    first = await running(cluster, lost=True, backoffLimit=3, **_FAILED_ONLY)
    await remove(cluster, first)
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"terminating": 1})
    await cluster.rest(13)
    assert len(await pods_of(cluster, "a")) == 1
    assert counts(await read(cluster, JOBS, "a")) == {"terminating": 1}
    await cluster.end(first, 137)
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"failed": 1})
    await new_pod(cluster, "a", (first,))


@script
async def with_the_policy_failed_a_forced_deletion_is_held(cluster: Cluster) -> None:
    """With the policy Failed a forced deletion is held by the tracking finalizer until the pod is reported as failed."""
    pod = await running(cluster, lost=True, **_FAILED_ONLY)
    await remove(cluster, pod, force=True)
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"terminating": 1})
    await cluster.rest(5)
    held = await read(cluster, PODS, pod["metadata"]["name"])
    assert held["metadata"]["finalizers"] == [TRACKING]
    assert held["metadata"]["deletionGracePeriodSeconds"] == 0
    assert conditions(await read(cluster, JOBS, "a")) == []
    await cluster.end(pod, 137)
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["FailureTarget", "Failed"]
    await gone(cluster, PODS, pod["metadata"]["name"])


@script
async def with_the_policy_failed_a_held_deletion_is_freed_by_a_deadline(cluster: Cluster) -> None:
    """With the policy Failed a forced deletion that is held is freed by the end of the Job."""
    pod = await running(cluster, lost=True, **_FAILED_ONLY)
    await remove(cluster, pod, force=True)
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"terminating": 1})
    await edit(cluster, JOBS, "a", spec={"activeDeadlineSeconds": 1})
    await gone(cluster, PODS, pod["metadata"]["name"])
    job = await until(cluster, JOBS, "a", finished)
    assert counts(job) == {"failed": 1}


@script
async def with_the_policy_failed_a_pod_that_loses_its_finalizer_is_not_counted(cluster: Cluster) -> None:
    """With the policy Failed a forced pod whose finalizer is taken away is gone uncounted, and replaced."""
    pod = await running(cluster, lost=True, **_FAILED_ONLY)
    await remove(cluster, pod, force=True)
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"terminating": 1})
    await edit(cluster, PODS, pod["metadata"]["name"], metadata={"finalizers": None})
    await gone(cluster, PODS, pod["metadata"]["name"])
    await new_pod(cluster, "a", (pod,))
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"active": 1})


@script
async def with_the_policy_failed_a_deadline_frees_a_lingering_pod(cluster: Cluster) -> None:
    """With the policy Failed too, a Job that is to fail lets go of its lingering pod, and a forced deletion is enough."""
    pod = await running(cluster, lost=True, **_FAILED_ONLY)
    await remove(cluster, pod)
    await edit(cluster, JOBS, "a", spec={"activeDeadlineSeconds": 1})
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"terminating": 1, "failed": 1})
    assert conditions(await read(cluster, JOBS, "a")) == ["FailureTarget"]
    await remove(cluster, pod, force=True)
    await gone(cluster, PODS, pod["metadata"]["name"])
    job = await until(cluster, JOBS, "a", finished)
    assert {each["reason"] for each in job["status"]["conditions"]} == {"DeadlineExceeded"}


@script
async def a_pod_that_ends_well_while_it_is_deleted_has_succeeded(cluster: Cluster) -> None:
    """A pod that ends well while it is being deleted has succeeded, where it was not counted as failed before."""
    pod = await running(cluster, lost=True, **_FAILED_ONLY)
    await remove(cluster, pod)
    await until(cluster, JOBS, "a", lambda each: counts(each) == {"terminating": 1})
    await cluster.end(pod)
    job = await until(cluster, JOBS, "a", finished)
    assert conditions(job) == ["SuccessCriteriaMet", "Complete"]
    assert counts(job) == {"succeeded": 1}


@script
async def the_pods_of_a_removed_node_fail_and_go(cluster: Cluster) -> None:
    """The pods of a removed node are failed and removed within two minutes, whatever the policy."""
    pods = [
        await running(cluster, "default", lost=True),
        await running(cluster, "failed", lost=True, **_FAILED_ONLY),
    ]
    await cluster.remove_lost_node()
    for pod in pods:
        await gone(cluster, PODS, pod["metadata"]["name"], 120)
    for name in ("default", "failed"):
        job = await until(cluster, JOBS, name, finished)
        assert conditions(job) == ["FailureTarget", "Failed"]
        assert counts(job) == {"failed": 1}


@script
async def with_the_policy_failed_a_deleted_pod_without_a_node_fails_within_a_minute(cluster: Cluster) -> None:
    """With the policy Failed a deleted pod without a node is failed and removed within a minute."""
    await new_job(cluster, **_FAILED_ONLY)
    pod = await new_pod(cluster, "a")
    await remove(cluster, pod)
    await gone(cluster, PODS, pod["metadata"]["name"], 60)
    job = await until(cluster, JOBS, "a", finished)
    assert counts(job) == {"failed": 1}


@script
async def an_end_that_somebody_forged_leaves_the_pod_running(cluster: Cluster) -> None:
    """An end that somebody forged is believed by the controller, and leaves the pod running."""
    pod = await running(cluster)
    now = slot_text(cluster.now())
    times = {"lastProbeTime": now, "lastTransitionTime": now}
    forged = [{"type": kind, "status": "True", "reason": "F", "message": "f"} | times for kind in _FAILED]
    change: Object = {"status": {"conditions": forged}}
    refused = await cluster.client.patch(JOBS, cluster.namespace, "a", change, "status")
    assert refused.status == 422
    assert "status.active: Invalid value: 1: active>0 is invalid for finished job" in refused.message
    change["status"] |= {"active": 0, "ready": 0}
    assert (await cluster.client.patch(JOBS, cluster.namespace, "a", change, "status")).ok
    await cluster.rest(5)
    (left,) = await pods_of(cluster, "a")
    assert left["metadata"]["uid"] == pod["metadata"]["uid"]
    assert not terminating(left)
    assert left["status"]["phase"] == "Running"
    back: tuple[Object, ...] = ({"conditions": []}, {"active": 1})
    for undone in back:
        reply = await cluster.client.patch(JOBS, cluster.namespace, "a", {"status": undone}, "status")
        assert reply.status == 422
