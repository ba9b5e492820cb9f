"""The modelled controllers may lag, stop and lose nodes, as a simulation wants them to."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, PODS
from tests.fake import FakeApi
from tests.fake.collector import Collector
from tests.fake.errors import ApiError
from tests.fake.resources import CONFIG_MAPS
from tests.fake.view import View
from tests.unit.faked import START, World, conditions

_MINUTES = int(datetime(2026, 1, 1, 12, 1, tzinfo=UTC).timestamp()) // 60
_SLOT = f"cron-{_MINUTES}"


def _drop(world: World, name: str, propagation: str = "Background") -> None:
    kind = CRON_JOBS if name == "cron" else JOBS
    world.api.do("DELETE", kind.path("default", name), {"propagationPolicy": propagation})


def test_a_cron_job_controller_with_a_stale_cache_starts_a_slot_of_a_deleted_cron_job() -> None:
    """The Job refers to nobody, and the garbage collector takes it; with news again it stops."""
    world = World()
    world.cron_job()
    world.tick()
    world.cluster.cron_jobs.view.frozen = True
    _drop(world, "cron")
    world.tick(1)
    world.cluster.stopped = {"collector"}
    world.tick(29)
    assert world.jobs() == [_SLOT]
    world.cluster.stopped = set()
    world.tick()
    assert world.jobs() == []
    world.cluster.cron_jobs.view.frozen = False
    world.tick(1)
    before = world.api.store.version
    for _ in range(120):
        world.tick(1)
    assert world.api.store.version == before


def test_a_write_at_the_slot_makes_the_controller_create_a_job_again_that_was_deleted() -> None:
    """Its own status write was refused, so it does not know that the slot was started."""
    world = World()
    world.cron_job()
    world.tick()
    world.cluster.cron_jobs.view.frozen = True
    world.api.do("PATCH", CRON_JOBS.path("default", "cron"), {"metadata": {"annotations": {"a": "b"}}})
    world.tick(30)
    first = world.api.store.of(JOBS)[0]["metadata"]
    assert world.cron_status() == {}
    _drop(world, _SLOT)
    world.cluster.cron_jobs.view.frozen = False
    world.tick(1)
    again = world.api.store.of(JOBS)[0]["metadata"]
    assert again["name"] == first["name"]
    assert again["uid"] != first["uid"]
    assert world.cron_status()["active"][0]["uid"] == again["uid"]


def test_a_job_controller_with_a_stale_cache_makes_no_second_pod_and_counts_nothing_twice() -> None:
    """It waits until it sees what it wrote."""
    world = World()
    world.job(backoffLimit=3, activeDeadlineSeconds=50)
    world.tick()
    world.cluster.jobs.view.frozen = True
    world.cluster.kubelet.run_all(exit_code=1)
    for _ in range(20):
        world.tick(1)
    assert len(world.api.store.of(PODS)) == 1
    assert "failed" not in world.status()
    world.cluster.jobs.view.frozen = False
    world.tick(1)
    assert len(world.api.store.of(PODS)) == 2
    world.tick(1)
    assert world.status()["failed"] == 1
    world.cluster.jobs.view.frozen = True
    for _ in range(60):
        world.tick(1)
    assert [each[0] for each in conditions(world.status())] == ["FailureTarget"]
    assert world.status()["failed"] == 2
    world.cluster.jobs.view.frozen = False
    world.tick(1)
    assert [each[0] for each in conditions(world.status())] == ["FailureTarget", "Failed"]
    assert world.status()["failed"] == 2


def test_a_job_controller_whose_status_write_is_refused_makes_no_second_pod() -> None:
    """The pod that it made before is not in its cache yet."""
    world = World()
    world.job(backoffLimit=3)
    world.tick()
    world.cluster.kubelet.run_all(exit_code=1)
    world.tick(1)
    world.cluster.jobs.view.frozen = True
    world.api.do("PATCH", JOBS.path("default", "a"), {"metadata": {"labels": {"a": "b"}}})
    for _ in range(20):
        world.tick(1)
    assert len(world.api.store.of(PODS)) == 2
    assert "active" not in world.status()
    world.cluster.jobs.view.frozen = False
    world.tick(1)
    assert len(world.api.store.of(PODS)) == 2
    assert world.status()["active"] == 1


def test_a_stopped_part_does_nothing_and_catches_up() -> None:
    """Without the controller-manager pods end, and nobody counts them."""
    world = World()
    world.job()
    world.cron_job()
    world.tick()
    world.cluster.stopped |= world.cluster.MANAGED
    world.cluster.kubelet.run_all()
    world.tick(60)
    assert world.status()["active"] == 1
    assert world.jobs() == ["a"]
    world.cluster.stopped.clear()
    world.tick()
    assert world.status()["succeeded"] == 1
    assert world.jobs() == ["a", _SLOT]


def test_a_restarted_controller_looks_at_everything_once_more() -> None:
    """A CronJob that a stranger had stopped goes on."""
    world = World()
    world.cron_job()
    world.job(_SLOT, suspend=True)
    for _ in range(4):
        world.tick(30)
    assert world.jobs() == [_SLOT]
    world.cluster.restart()
    world.tick()
    assert world.jobs() == [_SLOT, f"cron-{_MINUTES + 1}"]


def test_a_lost_node_says_nothing_about_its_pods_until_it_is_back() -> None:
    """Neither their end nor their deletion."""
    world = World()
    world.job()
    world.tick()
    (pod,) = world.cluster.kubelet.pods("a")
    world.cluster.kubelet.start(pod, "far")
    world.cluster.kubelet.lose_node("far")
    _drop(world, "a")
    for _ in range(3):
        world.tick(1)
        world.cluster.kubelet.run_all()
    (pod,) = world.cluster.kubelet.pods("a")
    assert pod["metadata"]["deletionTimestamp"] == "2026-01-01T12:01:01Z"
    assert pod["status"]["phase"] == "Running"
    world.cluster.kubelet.recover_node("far")
    world.tick(1)
    assert world.api.store.of(PODS) == []


_NAMES = ("a", "b", "c", "d")
_STEPS = st.tuples(
    st.sampled_from(("create", "delete", "hold", "free", "disown")),
    st.sampled_from(_NAMES),
    st.sampled_from(("Background", "Foreground", "Orphan")),
    st.lists(st.tuples(st.sampled_from(_NAMES), st.booleans()), max_size=2),
)


@given(st.lists(_STEPS, min_size=12, max_size=25))
def test_the_collector_forgets_nothing(steps: list[tuple[str, str, str, list[tuple[str, bool]]]]) -> None:
    """What it follows step by step is what a collector sees that has just begun, and its view is the store."""
    api = FakeApi(clock=lambda: START)
    view = View(api.store, CONFIG_MAPS)
    uids = dict.fromkeys(_NAMES, "11111111-2222-4333-8444-555555555555")
    for verb, name, propagation, owners in steps:
        try:
            _act(api, uids, verb, name, propagation, owners)
        except ApiError as error:
            assert error.code in (404, 409, 422)  # noqa: PT017 - a step may find nothing to act upon
        api.collect_garbage()
        assert not Collector(api).step()
        view.refresh()
        assert view.of(CONFIG_MAPS) == api.store.of(CONFIG_MAPS)


def _act(
    api: FakeApi, uids: dict[str, str], verb: str, name: str, propagation: str, owners: list[tuple[str, bool]]
) -> None:
    path = CONFIG_MAPS.path("default", name)
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": each, "uid": uids[each], "blockOwnerDeletion": blocks}
        for each, blocks in dict(owners).items()
        if each != name
    ]
    changes: dict[str, dict[str, Any]] = {
        "hold": {"finalizers": ["tests.launchplan.dev/hold"]},
        "free": {"finalizers": None},
        "disown": {"ownerReferences": references},
    }
    if verb == "create":
        meta = {"name": name, "ownerReferences": references}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
        uids[name] = api.do("POST", CONFIG_MAPS.path("default"), body)["metadata"]["uid"]
    elif verb == "delete":
        api.do("DELETE", path, {"propagationPolicy": propagation})
    else:
        api.do("PATCH", path, {"metadata": changes[verb]})
