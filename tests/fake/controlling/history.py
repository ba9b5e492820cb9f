"""CronJobs: which finished Jobs the history limits remove."""

from launchplan_operator.api.kinds import CRON_JOBS, JOBS
from launchplan_operator.kube.transport import Object
from tests.fake.scripts import Cluster, conditions, controlled_by, names, new_cron_job, new_job, script, until

_NEVER = "0 0 29 2 *"
_SUCCEEDING, _FAILING = ("s1", "s2", "s3", "s4", "s5"), ("f1", "f2", "f3")


async def _finish_jobs(cluster: Cluster, cron_job: Object) -> None:
    """Let the CronJob have Jobs that succeeded and Jobs that failed, none of which ever had a pod."""
    mine = (controlled_by(cron_job),)
    for name in _SUCCEEDING:
        await new_job(cluster, f"{cron_job['metadata']['name']}-{name}", mine, completions=0)
    for name in _FAILING:
        await new_job(cluster, f"{cron_job['metadata']['name']}-{name}", mine, activeDeadlineSeconds=0)


@script
async def the_default_history_keeps_three_successes_and_a_failure(cluster: Cluster) -> None:
    """The default history keeps three successes and a failure: those that started last, then by name."""
    spec = {"successfulJobsHistoryLimit": None, "failedJobsHistoryLimit": None}
    await _finish_jobs(cluster, await new_cron_job(cluster, "c", schedule=_NEVER, **spec))

    async def four_are_left() -> bool:
        return len(await names(cluster)) == 4

    await cluster.eventually(four_are_left)
    await cluster.rest(3)
    kept = await names(cluster)
    assert [name[2] for name in kept] == ["f", "s", "s", "s"]


@script
async def a_history_of_a_thousand_keeps_every_job(cluster: Cluster) -> None:
    """A history of a thousand keeps every Job."""
    await _finish_jobs(cluster, await new_cron_job(cluster, "c", schedule=_NEVER))
    for name in _SUCCEEDING:
        await until(cluster, JOBS, f"c-{name}", lambda each: conditions(each) == ["SuccessCriteriaMet", "Complete"])
    for name in _FAILING:
        await until(cluster, JOBS, f"c-{name}", lambda each: conditions(each) == ["FailureTarget", "Failed"])
    await cluster.rest(3)
    assert await names(cluster) == sorted(f"c-{name}" for name in (*_SUCCEEDING, *_FAILING))
    await until(cluster, CRON_JOBS, "c", lambda each: "lastSuccessfulTime" in each["status"])
