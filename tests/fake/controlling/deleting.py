"""Jobs: their deletion while pods run, and who may have their name when."""

from launchplan_operator.api.kinds import JOBS, PODS
from tests.fake.behaviours import put
from tests.fake.scripts import (
    TRACKING,
    Cluster,
    conditions,
    counts,
    drop,
    edit,
    finished,
    gone,
    job,
    new_job,
    pods_of,
    read,
    remove,
    running,
    script,
    terminating,
    until,
)


@script
async def a_job_deleted_in_the_background_is_gone_before_its_pods(cluster: Cluster) -> None:
    """A Job deleted in the background is gone at once; its pods follow as their nodes allow."""
    ending = await running(cluster, "ending")
    lingering = await running(cluster, "lingering", lost=True)
    for name in ("ending", "lingering"):
        await drop(cluster, JOBS, name)
        assert await cluster.client.get(JOBS, cluster.namespace, name) is None
    await gone(cluster, PODS, ending["metadata"]["name"])
    await until(cluster, PODS, lingering["metadata"]["name"], terminating)
    await until(cluster, PODS, lingering["metadata"]["name"], lambda each: not each["metadata"].get("finalizers"))
    await cluster.rest(3)
    left = await read(cluster, PODS, lingering["metadata"]["name"])
    assert left["status"]["phase"] == "Running"
    assert left["metadata"]["deletionGracePeriodSeconds"] == 30
    await remove(cluster, left, force=True)
    await gone(cluster, PODS, lingering["metadata"]["name"])


@script
async def the_pods_of_an_earlier_job_of_the_name_are_no_pods_of_the_new_one(cluster: Cluster) -> None:
    """Pods of an earlier Job of the name bear its label; the new Job counts only its own."""
    old = await running(cluster, lost=True)
    await drop(cluster, JOBS, "a")
    await until(cluster, PODS, old["metadata"]["name"], terminating)
    await running(cluster)
    assert len(await pods_of(cluster, "a")) == 2
    assert counts(await read(cluster, JOBS, "a")) == {"active": 1, "ready": 1}


@script
async def a_job_deleted_in_the_foreground_keeps_its_name_until_its_pods_are_gone(cluster: Cluster) -> None:
    """A Job deleted in the foreground keeps its name until its pods are gone."""
    for name, spec in (("a", {}), ("b", {"podReplacementPolicy": "Failed"})):
        pod = await running(cluster, name, lost=True, **spec)
        await drop(cluster, JOBS, name, "Foreground")
        await until(cluster, PODS, pod["metadata"]["name"], terminating)
        await until(cluster, PODS, pod["metadata"]["name"], lambda each: not each["metadata"].get("finalizers"))
        await cluster.rest(3)
        dying = await read(cluster, JOBS, name)
        assert not finished(dying)
        assert dying["metadata"]["finalizers"] == ["foregroundDeletion"]
        again = await cluster.client.create(JOBS, job(cluster, name))
        assert again.exists
        assert "object is being deleted" in again.message
        await remove(cluster, pod, force=True)
        await gone(cluster, PODS, pod["metadata"]["name"])
        await gone(cluster, JOBS, name)
        await new_job(cluster, name, suspend=True)


@script
async def a_job_that_is_being_deleted_makes_no_pod(cluster: Cluster) -> None:
    """A Job that is being deleted replaces no pod."""
    pod = await running(cluster, backoffLimit=3)
    await edit(cluster, JOBS, "a", metadata={"finalizers": ["tests.launchplan.dev/hold"]})
    await drop(cluster, JOBS, "a", "Foreground")
    await gone(cluster, PODS, pod["metadata"]["name"])
    await cluster.rest(13)
    assert await pods_of(cluster, "a") == []
    held = await read(cluster, JOBS, "a")
    assert held["metadata"]["finalizers"] == ["tests.launchplan.dev/hold"]
    await edit(cluster, JOBS, "a", metadata={"finalizers": None})
    await gone(cluster, JOBS, "a")


@script
async def a_job_deleted_without_a_word_leaves_its_pod_running(cluster: Cluster) -> None:
    """A Job orphaned leaves its pod running, without reference and without finalizer."""
    pod = await running(cluster)
    await drop(cluster, JOBS, "a", "Orphan")
    await gone(cluster, JOBS, "a")
    orphan = await until(
        cluster, PODS, pod["metadata"]["name"], lambda each: TRACKING not in each["metadata"].get("finalizers", ())
    )
    assert not terminating(orphan)
    assert "ownerReferences" not in orphan["metadata"]


@script
async def stale_and_repeated_writes_are_refused(cluster: Cluster) -> None:
    """A second create, a stale status and a delete of another uid are refused, also while controllers write."""
    pod = await running(cluster)
    stale = await read(cluster, JOBS, "a")
    assert (await cluster.client.create(JOBS, job(cluster))).exists
    wrong = await cluster.client.delete(JOBS, cluster.namespace, "a", uid="11111111-2222-4333-8444-555555555555")
    assert wrong.conflict
    await cluster.end(pod)
    await until(cluster, JOBS, "a", lambda each: conditions(each) == ["SuccessCriteriaMet", "Complete"])
    assert (await put(cluster, JOBS, stale, "status")).status == 409
    assert (await cluster.client.create(JOBS, job(cluster))).exists
    assert counts(await read(cluster, JOBS, "a")) == {"succeeded": 1}
