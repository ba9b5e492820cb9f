"""The controllers around the fake API server leave what the real ones leave (recorded on Kubernetes 1.37)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, NAMESPACES, PODS
from tests.fake import Call, Fault, InProcessTransport, Lost, Request
from tests.fake.errors import ApiError
from tests.fake.virtual import VirtualLoop, run_virtual
from tests.unit.faked import World, conditions


def test_a_job_that_completes() -> None:
    """Start, readiness, both conditions, times and counts."""
    world = World()
    world.job()
    world.tick()
    assert world.status() == {
        "startTime": "2026-01-01T12:00:30Z",
        "active": 1,
        "terminating": 0,
        "uncountedTerminatedPods": {},
        "ready": 0,
    }
    (pod,) = world.cluster.kubelet.pods("a")
    assert pod["metadata"]["finalizers"] == ["batch.kubernetes.io/job-tracking"]
    world.cluster.kubelet.start(pod)
    world.tick(1)
    assert world.status()["ready"] == 1
    world.cluster.kubelet.finish(pod, '{"rows": 3}')
    world.tick(1)
    words = {"reason": "CompletionsReached", "message": "Reached expected number of succeeded pods", "status": "True"}
    times = {"lastProbeTime": "2026-01-01T12:00:32Z", "lastTransitionTime": "2026-01-01T12:00:32Z"}
    assert world.status() == {
        "conditions": [{"type": kind} | words | times for kind in ("SuccessCriteriaMet", "Complete")],
        "startTime": "2026-01-01T12:00:30Z",
        "completionTime": "2026-01-01T12:00:32Z",
        "succeeded": 1,
        "terminating": 0,
        "uncountedTerminatedPods": {},
        "ready": 0,
    }
    pod = world.api.store.of(PODS)[0]
    assert "finalizers" not in pod["metadata"]
    state = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["message"]) == (0, '{"rows": 3}')


def test_a_job_that_fails() -> None:
    """Beyond the back-off limit it is Failed, and has no completion time."""
    world = World()
    world.job(backoffLimit=0)
    world.tick()
    world.cluster.kubelet.run_all(exit_code=3)
    world.tick(1)
    assert conditions(world.status()) == [
        ("FailureTarget", "True", "BackoffLimitExceeded"),
        ("Failed", "True", "BackoffLimitExceeded"),
    ]
    assert world.status()["failed"] == 1
    assert "completionTime" not in world.status()


def test_a_failed_pod_is_replaced_after_a_back_off() -> None:
    """The first retry comes after ten seconds."""
    world = World()
    world.job(backoffLimit=1)
    world.tick()
    world.cluster.kubelet.run_all(exit_code=1)
    world.tick(1)
    assert world.status() | {"startTime": ""} == {
        "startTime": "",
        "failed": 1,
        "terminating": 0,
        "uncountedTerminatedPods": {},
        "ready": 0,
    }
    world.tick(8)
    assert world.cluster.kubelet.pods() == []
    world.tick(1)
    assert len(world.cluster.kubelet.pods()) == 1
    assert world.status()["active"] == 1


def test_a_deadline_ends_a_running_job() -> None:
    """The pod gets its grace; only when it has ended is the Job Failed."""
    world = World()
    world.job()
    world.tick()
    world.cluster.kubelet.start(world.cluster.kubelet.pods()[0])
    world.tick(10)
    change = {"spec": {"activeDeadlineSeconds": 1}}
    world.api.do("PATCH", JOBS.path("default", "a"), change)
    world.cluster.jobs.tick(world.now)
    assert conditions(world.status()) == [("FailureTarget", "True", "DeadlineExceeded")]
    assert world.status()["terminating"] == 1
    world.cluster.kubelet.let_go()
    world.cluster.jobs.tick(world.now)
    assert conditions(world.status())[1] == ("Failed", "True", "DeadlineExceeded")
    assert world.status()["conditions"][1]["message"] == "Job was active longer than specified deadline"
    assert world.status()["failed"] == 1


def test_a_suspended_job_waits() -> None:
    """Suspended it has a condition and no start time; resumed it starts."""
    world = World()
    world.job(suspend=True)
    world.tick()
    assert conditions(world.status()) == [("Suspended", "True", "JobSuspended")]
    assert "startTime" not in world.status()
    assert "active" not in world.status()
    world.api.do("PATCH", JOBS.path("default", "a"), {"spec": {"suspend": False}})
    world.tick(5)
    assert conditions(world.status()) == [("Suspended", "False", "JobResumed")]
    assert world.status()["startTime"] == "2026-01-01T12:00:35Z"
    assert world.status()["active"] == 1


def test_a_job_is_synced_without_writes_when_nothing_changes() -> None:
    """Looking again writes nothing."""
    world = World()
    world.job()
    world.cron_job(suspend=True)
    world.tick()
    before = world.api.store.version
    for _ in range(5):
        world.tick(1)
    assert world.api.store.version == before


def test_pods_go_with_their_job() -> None:
    """A running pod of a deleted Job ends, whoever held it."""
    world = World()
    world.job()
    world.tick()
    world.cluster.kubelet.start(world.cluster.kubelet.pods()[0])
    world.api.do("DELETE", JOBS.path("default", "a"), {"propagationPolicy": "Background"})
    for _ in range(3):
        world.tick(1)
    assert world.api.store.of(PODS) == []


def test_a_cron_job_creates_a_job_at_its_slot() -> None:
    """Name, annotation, owner and status are Kubernetes' own."""
    world = World()
    cron_job = world.cron_job(timeZone="Europe/Berlin")
    world.tick(29)
    assert world.jobs() == []
    world.tick(1)
    minutes = int(datetime(2026, 1, 1, 12, 1, tzinfo=UTC).timestamp()) // 60
    (job,) = world.api.store.of(JOBS)
    meta = job["metadata"]
    assert meta["name"] == f"cron-{minutes}"
    assert meta["labels"] == {"a": "b"}
    assert meta["annotations"] == {
        "c": "d",
        "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T13:01:00+01:00",
    }
    assert meta["ownerReferences"] == [
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "name": "cron",
            "uid": cron_job["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    status = world.cron_status()
    assert status["lastScheduleTime"] == "2026-01-01T12:01:00Z"
    assert status["active"][0]["uid"] == meta["uid"]
    world.tick(1)
    assert len(world.jobs()) == 1
    world.cluster.kubelet.run_all()
    world.tick(1)
    world.tick(1)
    assert "active" not in world.cron_status()
    assert world.cron_status()["lastSuccessfulTime"] == "2026-01-01T12:01:02Z"


def test_of_several_missed_slots_only_the_latest_starts() -> None:
    """And none that is older than the starting deadline."""
    world = World()
    world.cron_job(startingDeadlineSeconds=200)
    world.tick(3600)
    minutes = int(datetime(2026, 1, 1, 13, 0, tzinfo=UTC).timestamp()) // 60
    assert world.jobs() == [f"cron-{minutes}"]


def test_a_suspended_cron_job_fires_its_latest_slot_when_resumed() -> None:
    """As with the real one, the slot missed in the pause is caught up with."""
    world = World()
    world.cron_job(suspend=True)
    world.tick(300)
    assert world.jobs() == []
    world.api.do("PATCH", CRON_JOBS.path("default", "cron"), {"spec": {"suspend": False}})
    world.tick(1)
    assert len(world.jobs()) == 1


def test_history_limits_remove_the_oldest() -> None:
    """Three successes and one failure are kept."""
    world = World()
    world.cron_job()
    world.tick(30)
    for number in range(8):
        world.cluster.kubelet.run_all(exit_code=number % 2)
        world.tick(1)
        world.tick(59)
    kept = [job for job in world.api.store.of(JOBS) if "conditions" in job["status"]]
    outcomes = sorted(job["status"]["conditions"][-1]["type"] for job in kept)
    assert outcomes == ["Complete", "Complete", "Complete", "Failed"]


def test_a_stranger_on_the_slots_name_stops_the_cron_job() -> None:
    """A Job of that name without the controller reference blocks for good; with it, it is adopted."""
    world = World()
    cron_job = world.cron_job()
    minutes = int(datetime(2026, 1, 1, 12, 1, tzinfo=UTC).timestamp()) // 60
    world.job(f"cron-{minutes}", suspend=True)
    world.tick(30)
    assert "lastScheduleTime" not in world.cron_status()
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "cron", "uid": cron_job["metadata"]["uid"]}
    change = {"metadata": {"ownerReferences": [owner | {"controller": True}]}}
    world.api.do("PATCH", JOBS.path("default", f"cron-{minutes}"), change)
    world.tick(1)
    assert world.cron_status()["lastScheduleTime"] == "2026-01-01T12:01:00Z"
    world.tick(60)
    assert len(world.jobs()) == 2


def test_a_job_that_vanished_leaves_the_active_list() -> None:
    """And is not made again for the same slot."""
    world = World()
    world.cron_job()
    world.tick(30)
    (name,) = world.jobs()
    world.api.do("DELETE", JOBS.path("default", name), {"propagationPolicy": "Background"})
    for _ in range(3):
        world.tick(1)
    assert "active" not in world.cron_status()
    assert world.jobs() == []


def test_a_namespace_goes_with_its_content() -> None:
    """Nothing new gets into it meanwhile."""
    world = World()
    world.job()
    held = {"metadata": {"finalizers": ["tests.launchplan.dev/hold"]}}
    world.api.do("PATCH", JOBS.path("default", "a"), held)
    world.api.do("DELETE", NAMESPACES.path(None, "default"))
    world.tick()
    with pytest.raises(ApiError, match="because it is being terminated"):
        world.job("b")
    world.api.do("PATCH", JOBS.path("default", "a"), {"metadata": {"finalizers": None}})
    world.tick()
    assert world.api.store.of(NAMESPACES) == []


def test_a_fault_before_the_work_prevents_it_and_one_after_does_not() -> None:
    """Both are in the log."""
    world = World()
    body = world.job()
    path = JOBS.path("default", "a")
    for applied in (False, True):
        world.api.faults = always(Fault(Lost.DROPPED, applied=applied))
        outcome = world.api.handle(Request("DELETE", path, body={"propagationPolicy": "Background"}))
        assert outcome is Lost.DROPPED
        gone = world.api.store.get(JOBS, ("default", "a")) is None
        assert gone is applied
    assert body["kind"] == "Job"
    assert world.api.count("delete", "jobs") == 2
    assert world.api.writes() == ["delete jobs default/a", "delete jobs default/a"]


def always(fault: Fault) -> Callable[[Call], Fault]:
    """Return a fault that meets every call."""
    return lambda _call: fault


def test_what_a_client_does_to_an_object_does_not_reach_the_server() -> None:
    """Objects are copied on their way in and out."""
    world = World()
    world.job()

    async def spoil() -> None:
        transport = InProcessTransport(world.api)
        response = await transport.request("GET", JOBS.path("default", "a"))
        response.body["metadata"]["name"] = "spoilt"

    run_virtual(spoil())
    assert world.jobs() == ["a"]


def test_virtual_time_jumps() -> None:
    """A day passes at once, in the order of the timers."""
    order: list[int] = []

    async def day() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(3600, order.append, 2)
        loop.call_later(60, order.append, 1)
        await asyncio.sleep(86_400)
        return loop.time()

    assert run_virtual(day()) == pytest.approx(86_400)
    assert order == [1, 2]


def test_virtual_time_notices_a_deadlock() -> None:
    """Where a real loop would wait forever, the virtual one raises."""
    loop = VirtualLoop()
    with pytest.raises(RuntimeError, match="every task waits"):
        loop.run_until_complete(asyncio.wait_for(loop.create_future(), None))
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
