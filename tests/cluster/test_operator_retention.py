"""What stays of the runs that ended: nothing goes early, and every one is counted once, whatever happens to the operator."""

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.render.labels import is_tombstone
from localcluster.operated import SYSTEM_NAMESPACE, OperatorProcess
from tests.cluster.support import ENDED, Object, Space, eventually, phase_of, run_of, workflow

_BURST = 20


def counts(space: Space) -> Object:
    """Return what the plan counts."""
    found: Object = space.read(LAUNCH_PLANS, "daily")["status"].get("counts", {})
    return found


def unmarked(space: Space) -> list[str]:
    """Return the names of the records that are not marked as counted."""
    return [each["metadata"]["name"] for each in space.all(LAUNCH_PLAN_EXECUTIONS) if not each["status"].get("counted")]


def crash(operator: OperatorProcess, space: Space) -> None:
    """Kill the operator and start it again; that the Lease is not held any more is known, and waited for elsewhere."""
    operator.kill()
    space.cluster_kubectl("-n", SYSTEM_NAMESPACE, "delete", "lease", "--all")
    operator.start()
    operator.await_ready()


def test_every_run_of_a_burst_is_counted_once_through_crashes(space: Space, operator: OperatorProcess) -> None:
    """The operator is killed when some runs have ended, and again when some more have."""
    space.offer(spec=workflow({"message": '{"rows": 1}', "duration": "1"}))
    space.plan("daily")
    names = {f"burst-{number}" for number in range(_BURST)}

    def ended() -> int:
        return sum(phase_of(each) in ENDED for each in space.all(LAUNCH_PLAN_EXECUTIONS))

    for number in range(_BURST):
        space.create(LAUNCH_PLAN_EXECUTIONS, f"burst-{number}", run_of("daily", inputs={"days": number}))
    eventually(ended, lambda seen: seen >= 2)
    crash(operator, space)
    eventually(ended, lambda seen: seen >= _BURST // 2)
    crash(operator, space)
    for name in names:
        space.ended(name, seconds=60)
    eventually(lambda: unmarked(space), lambda names: not names)
    assert counts(space) == {"started": _BURST, "succeeded": _BURST}
    crash(operator, space)
    space.run("one-more", run_of("daily"))
    eventually(lambda: unmarked(space), lambda names: not names)
    assert counts(space) == {"started": _BURST + 1, "succeeded": _BURST + 1}
    assert space.names(JOBS) == names | {"one-more"}
    assert {each["status"]["inputs"]["days"] for each in space.all(LAUNCH_PLAN_EXECUTIONS)} == {*range(_BURST)} | {7}


def test_a_crash_between_the_count_and_its_mark_counts_nothing_twice(space: Space, operator: OperatorProcess) -> None:
    """The plan's status remembers whom it counted; a mark is written after the count that it is about."""
    space.offer()
    space.plan("daily")
    for name in ("first", "second"):
        space.run(name, run_of("daily"))
    eventually(lambda: unmarked(space), lambda names: not names)
    operator.stop()
    known = {each["uid"] for each in space.read(LAUNCH_PLANS, "daily")["status"]["uncounted"]}
    lost = [each for each in space.all(LAUNCH_PLAN_EXECUTIONS) if each["metadata"]["uid"] in known]
    assert lost
    for each in lost:
        path = LAUNCH_PLAN_EXECUTIONS.path(space.namespace, each["metadata"]["name"], "status")
        assert space.send("PATCH", path, {"status": {"counted": False}}).ok
    operator.start()
    operator.await_ready()
    eventually(lambda: unmarked(space), lambda names: not names)
    assert counts(space) == {"started": 2, "succeeded": 2}


def test_nothing_that_has_just_ended_is_removed(space: Space, operator: OperatorProcess) -> None:
    """A history of none keeps every run and its Job for a quarter of an hour, over a restart too."""
    space.offer()
    space.plan("daily", history={"succeeded": 0, "failed": 0, "skipped": 0, "ttl": "1s"})
    space.run("good", run_of("daily"))
    space.run("refused", run_of("daily", inputs={"x": 1}), "Rejected")
    space.offer("broken", workflow({"exit-code": "1"}))
    space.run("bare", run_of("broken", "WorkflowDefinition", inputs={"city": "Rome"}), "Failed")
    eventually(lambda: counts(space), lambda seen: seen == {"started": 1, "succeeded": 1, "rejected": 1})
    operator.stop()
    operator.start()
    operator.await_ready()
    space.run("another", run_of("daily"))
    eventually(lambda: counts(space), lambda seen: seen == {"started": 2, "succeeded": 2, "rejected": 1})
    assert space.names(LAUNCH_PLAN_EXECUTIONS) == {"good", "refused", "bare", "another"}
    # A run that came within the first seconds of an operator has its name occupied when it is rejected.
    jobs = {job["metadata"]["name"] for job in space.all(JOBS) if not is_tombstone(job)}
    assert jobs == {"good", "bare", "another"}
