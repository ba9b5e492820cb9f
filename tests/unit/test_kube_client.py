"""The client tells a definite answer from an unknown outcome, and loses neither."""

import asyncio
from typing import Any

import pytest

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLANS, Kind
from launchplan_operator.kube.client import Client, Fenced, Gone, Reply, Unavailable
from launchplan_operator.kube.transport import Object, Response
from tests.fake import Call, FakeApi, Fault, InProcessTransport, Lost
from tests.fake.virtual import virtual_now, virtual_time


class World:
    """A server and its client."""

    def __init__(self, **settings: Any) -> None:
        self.api = FakeApi(clock=virtual_now)
        self.client = Client(InProcessTransport(self.api), **settings)

    def fail(self, fault: Fault) -> None:
        """Let every call meet a fault."""
        self.api.faults = lambda _call: fault


def plan(name: str = "a") -> Object:
    """Return a launch plan."""
    return {
        "apiVersion": LAUNCH_PLANS.api_version,
        "kind": "LaunchPlan",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"workflowRef": {"name": "w"}},
    }


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("status", "reason", "properties"),
    [
        (200, "", {"ok"}),
        (201, "", {"ok"}),
        (400, "BadRequest", {"refused"}),
        (403, "Forbidden", {"refused"}),
        (404, "NotFound", {"not_found"}),
        (409, "AlreadyExists", {"exists"}),
        (409, "Conflict", {"conflict"}),
        (413, "RequestEntityTooLarge", {"refused"}),
        (415, "UnsupportedMediaType", {"refused"}),
        (422, "Invalid", {"refused"}),
    ],
)
def test_each_answer_has_exactly_one_meaning(status: int, reason: str, properties: set[str]) -> None:
    """The properties of a reply exclude each other."""
    reply = Reply(status, {"reason": reason, "message": "words"})
    names = ("ok", "refused", "not_found", "exists", "conflict")
    assert {name for name in names if getattr(reply, name)} == properties
    assert reply.message == ("" if reply.ok else "words")


@pytest.mark.parametrize("status", [401, 429, 500, 503, 504])
@pytest.mark.parametrize("applied", [False, True])
@virtual_time
async def test_a_write_without_an_answer_has_an_unknown_outcome(status: int, applied: bool) -> None:
    """The caller hears Unavailable whether or not the work was done."""
    world = World()
    world.fail(Fault(status, applied=applied))
    with pytest.raises(Unavailable, match=f"create launchplans: {status}"):
        await world.client.create(LAUNCH_PLANS, plan())
    assert len(world.api.store.of(LAUNCH_PLANS)) == applied


@virtual_time
async def test_the_second_try_of_a_write_that_was_done_finds_it_done() -> None:
    """After an unknown outcome the same create says AlreadyExists."""
    world = World()
    world.fail(Fault(504, applied=True))
    with pytest.raises(Unavailable):
        await world.client.create(LAUNCH_PLANS, plan())
    world.api.faults = lambda _call: None
    assert (await world.client.create(LAUNCH_PLANS, plan())).exists


@virtual_time
async def test_a_silent_server_is_given_up_after_the_time_out() -> None:
    """A call never hangs longer than its time-out."""
    world = World(timeout=7.0)
    world.fail(Fault(Lost.HANGS, applied=True))
    with pytest.raises(Unavailable, match="create launchplans: no answer within 7 s"):
        await world.client.create(LAUNCH_PLANS, plan())
    assert now() == 7.0
    assert len(world.api.store.of(LAUNCH_PLANS)) == 1


@virtual_time
async def test_a_broken_connection_is_an_unknown_outcome() -> None:
    """So it is with reads and with watches."""
    world = World()
    world.fail(Fault(Lost.DROPPED))
    with pytest.raises(Unavailable):
        await world.client.delete(LAUNCH_PLANS, "default", "a")
    with pytest.raises(Unavailable):
        await world.client.get(LAUNCH_PLANS, "default", "a")
    with pytest.raises(Unavailable):
        await anext(world.client.watch(LAUNCH_PLANS, "default", "1"))


@virtual_time
async def test_retry_after_reaches_the_caller() -> None:
    """From the header of a 429, and in a watch."""
    world = World()
    world.fail(Fault(429, retry_after=17))
    with pytest.raises(Unavailable) as caught:
        await world.client.create(LAUNCH_PLANS, plan())
    assert caught.value.retry_after == 17
    with pytest.raises(Unavailable) as caught:
        await anext(world.client.watch(LAUNCH_PLANS, "default", "1"))
    assert caught.value.retry_after == 17
    world.fail(Fault(503))
    with pytest.raises(Unavailable) as caught:
        await world.client.create(LAUNCH_PLANS, plan())
    assert caught.value.retry_after is None


@virtual_time
async def test_nothing_is_retried_inside() -> None:
    """One call is one request: the queue is the only one that tries again."""
    world = World()
    world.fail(Fault(503))
    for call in (
        world.client.get(LAUNCH_PLANS, "default", "a"),
        world.client.list(LAUNCH_PLANS),
        world.client.create(LAUNCH_PLANS, plan()),
        world.client.delete(LAUNCH_PLANS, "default", "a"),
    ):
        with pytest.raises(Unavailable):
            await call
    assert len(world.api.log) == 4


@virtual_time
async def test_a_read_that_is_forbidden_is_no_absence() -> None:
    """403 on a read is tried again later: rights may come."""
    world = World()
    world.fail(Fault(403))
    with pytest.raises(Unavailable, match="get launchplans: 403"):
        await world.client.get(LAUNCH_PLANS, "default", "a")
    with pytest.raises(Unavailable, match="list launchplans: 403"):
        await world.client.list(LAUNCH_PLANS)


@virtual_time
async def test_a_list_that_never_ends_is_given_up() -> None:
    """Five expiries in a row are an outage."""
    world = World()
    world.fail(Fault(410))
    with pytest.raises(Unavailable, match="expired 5 times"):
        await world.client.list(LAUNCH_PLANS)


@virtual_time
async def test_a_list_that_expires_midway_begins_anew() -> None:
    """Every object is in the result once."""
    world = World()
    for number in range(5):
        await world.client.create(LAUNCH_PLANS, plan(f"p{number}"))
    lists: list[Call] = []

    def forget(call: Call) -> None:
        lists.append(call)
        if len(lists) == 2:
            world.api.add_namespace("another")
            world.api.store.compact()

    world.api.faults = forget
    listing = await world.client.list(LAUNCH_PLANS, limit=2)
    assert [item["metadata"]["name"] for item in listing.items] == [f"p{number}" for number in range(5)]
    assert len(lists) == 5


@virtual_time
async def test_a_closed_fence_lets_no_write_out() -> None:
    """Reads go on; writes raise before anything is sent."""
    world = World(fence=lambda: False)
    for write in (
        world.client.create(LAUNCH_PLANS, plan()),
        world.client.replace(LAUNCH_PLANS, plan()),
        world.client.patch(LAUNCH_PLANS, "default", "a", {}),
        world.client.delete(LAUNCH_PLANS, "default", "a"),
    ):
        with pytest.raises(Fenced):
            await write
    assert world.api.log == []
    assert await world.client.get(LAUNCH_PLANS, "default", "a") is None


@virtual_time
async def test_every_object_that_a_write_returned_is_told() -> None:
    """Caches are read-your-writes; dry runs, refusals and deletions tell nothing."""
    told: list[tuple[Kind, str]] = []
    world = World(on_written=lambda kind, obj: told.append((kind, obj["metadata"].get("resourceVersion", ""))))
    first = await world.client.create(LAUNCH_PLANS, plan())
    await world.client.create(LAUNCH_PLANS, plan())
    await world.client.create(LAUNCH_PLANS, plan("b"), dry_run=True)
    await world.client.patch(LAUNCH_PLANS, "default", "a", {"spec": {"suspend": True}}, dry_run=True)
    second = await world.client.patch(LAUNCH_PLANS, "default", "a", {"spec": {"suspend": True}})
    third = await world.client.patch(LAUNCH_PLANS, "default", "a", {"status": {"running": 1}}, "status")
    await world.client.delete(LAUNCH_PLANS, "default", "a")
    versions = [reply.body["metadata"]["resourceVersion"] for reply in (first, second, third)]
    assert told == [(LAUNCH_PLANS, version) for version in versions]


@virtual_time
async def test_a_hook_that_fails_does_not_cost_the_outcome(caplog: pytest.LogCaptureFixture) -> None:
    """The write was done, so its reply arrives."""

    def fail(_kind: Kind, _obj: Object) -> None:
        raise ValueError("odd")

    world = World(on_written=fail)
    assert (await world.client.create(LAUNCH_PLANS, plan())).ok
    assert "the hook for a written object failed" in caplog.text


@virtual_time
async def test_calls_are_counted_and_measured() -> None:
    """By verb and resource, with the status, or 0 for no answer."""
    measured: list[tuple[str, str, int]] = []
    world = World(on_call=lambda verb, resource, status, _seconds: measured.append((verb, resource, status)))
    await world.client.create(LAUNCH_PLANS, plan())
    await world.client.patch(LAUNCH_PLANS, "default", "a", {"status": {"running": 1}}, "status")
    await world.client.get(JOBS, "default", "a")
    world.fail(Fault(Lost.DROPPED))
    with pytest.raises(Unavailable):
        await world.client.delete(JOBS, "default", "a")
    assert measured == [
        ("create", "launchplans", 201),
        ("patch", "launchplans/status", 200),
        ("get", "jobs", 404),
        ("delete", "jobs", 0),
    ]
    assert world.client.calls["patch", "launchplans/status"] == 1
    assert sum(world.client.calls.values()) == 4


@virtual_time
async def test_labels_may_be_a_mapping() -> None:
    """A mapping is joined to a selector."""
    world = World()
    body = plan()
    body["metadata"]["labels"] = {"a": "1", "b": "2"}
    await world.client.create(LAUNCH_PLANS, body)
    assert len((await world.client.list(LAUNCH_PLANS, "default", {"a": "1", "b": "2"})).items) == 1
    assert len((await world.client.list(LAUNCH_PLANS, "default", {"a": "1", "b": "3"})).items) == 0


@virtual_time
async def test_a_cancelled_call_is_cancelled() -> None:
    """Cancellation is no failure of the server."""
    world = World()
    world.fail(Fault(Lost.HANGS))
    task = asyncio.create_task(world.client.create(LAUNCH_PLANS, plan()))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Canned:
    """A transport that answers always the same."""

    def __init__(self, response: Response) -> None:
        self.response = response

    async def request(self, *_args: Any, **_kwargs: Any) -> Response:
        """Answer."""
        return self.response

    def stream(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse to watch."""
        raise AssertionError


@pytest.mark.parametrize("status", [200, 302, 404])
@virtual_time
async def test_what_is_no_answer_of_kubernetes_is_no_answer(status: int) -> None:
    """A proxy's page is neither an object nor an absence."""
    client = Client(Canned(Response(status)))
    with pytest.raises(Unavailable):
        await client.get(LAUNCH_PLANS, "default", "a")
    with pytest.raises(Unavailable):
        await client.create(LAUNCH_PLANS, plan())


@virtual_time
async def test_410_is_told_apart() -> None:
    """Whoever watches must know that it has to list."""
    world = World()
    await world.client.create(LAUNCH_PLANS, plan())
    world.api.store.compact()
    with pytest.raises(Gone):
        await anext(world.client.watch(LAUNCH_PLANS, "default", "1"))
    world.fail(Fault(410))
    with pytest.raises(Gone):
        await anext(world.client.watch(LAUNCH_PLANS, "default", "1"))
