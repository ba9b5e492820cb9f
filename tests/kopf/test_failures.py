"""Whatever happens to a watch or an object, the caches end as the server is, or the process ends."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import kopf
import pytest

from launchplan_operator import app, frame
from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.kube.watch import Reflector
from tests.fake import Call, FakeApi, Fault, Lost
from tests.fake.store import Object
from tests.fake.virtual import seeded
from tests.kopf.watched import KINDS, Watched, delete, label, make, nothing_written, tally, watching


class Hurried:
    """As many attempts as before, in less time."""

    def __init__(self, backoffs: float | Iterable[float]) -> None:
        assert isinstance(backoffs, Iterable)
        self._backoffs = backoffs

    def __iter__(self) -> Iterator[float]:
        return (0.01 for _ in self._backoffs)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let kopf wait less before it tries again."""
    settings = frame.kopf_settings

    def hurried() -> kopf.OperatorSettings:
        made = settings()
        made.networking.error_backoffs = Hurried(made.networking.error_backoffs)
        return made

    monkeypatch.setattr(app, "kopf_settings", hurried)


def faulty(api: FakeApi, verb: str, fault: Fault, times: int) -> None:
    """Let the next calls of a verb for plans go wrong."""
    left = iter(range(times))

    def ask(call: Call) -> Fault | None:
        hit = call.verb == verb and call.kind == LAUNCH_PLANS and next(left, None) is not None
        return fault if hit else None

    api.faults = ask


@asynccontextmanager
async def repairing(watched: Watched) -> AsyncIterator[None]:
    """Run the list that the operator repeats every ten minutes, more often."""
    client, cache = watched.operator.context.client, watched.cache(LAUNCH_PLANS)
    reflector = Reflector(client, LAUNCH_PLANS, cache, rng=seeded(1), repair_after=0.2)
    task = asyncio.create_task(reflector.run_without_watch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_dropped_watch_goes_on_where_it_was(tmp_path: Path) -> None:
    """What came, changed and went while no watch was open is told afterwards; nothing is listed again."""
    api = FakeApi()
    for name in ("changes", "goes"):
        make(api, LAUNCH_PLANS, name)
    async with watching(api, tmp_path) as watched:
        watched.woken()
        api.break_watches()
        make(api, LAUNCH_PLANS, "comes")
        label(api, LAUNCH_PLANS, "changes", "once")
        delete(api, LAUNCH_PLANS, "goes")
        await watched.settled()
        assert watched.woken() == {("LaunchPlan", "default", name) for name in ("comes", "changes", "goes")}
        assert tally(api)["list launchplans"] == 1


async def test_an_expired_watch_lists_again(tmp_path: Path) -> None:
    """After a 410 what came and changed is in the new list."""
    api = FakeApi()
    make(api, LAUNCH_PLANS, "changes")
    async with watching(api, tmp_path) as watched:
        watched.woken()
        api.break_watches()
        make(api, LAUNCH_PLANS, "comes")
        label(api, LAUNCH_PLANS, "changes", "once")
        api.store.compact()
        await watched.settled()
        assert watched.woken() == {("LaunchPlan", "default", "comes"), ("LaunchPlan", "default", "changes")}
        assert tally(api)["list launchplans"] == 2


async def test_what_vanished_before_an_expired_watch_is_found_by_the_repair(tmp_path: Path) -> None:
    """Kopf itself never tells of what a new list lacks: the list that is repeated does."""
    api = FakeApi()
    make(api, LAUNCH_PLANS, "goes")
    async with watching(api, tmp_path) as watched:
        api.break_watches()
        delete(api, LAUNCH_PLANS, "goes")
        api.store.compact()
        await watched.until(lambda: watched.watches() == len(KINDS) and tally(api)["list launchplans"] == 2)
        assert not watched.agrees()
        watched.woken()
        async with repairing(watched):
            await watched.settled()
        assert watched.woken() == {("LaunchPlan", "default", "goes")}


async def test_an_event_that_was_lost_unnoticed_is_found_by_the_repair(tmp_path: Path) -> None:
    """A watch that swallows a line goes on as if nothing had been."""
    api = FakeApi()
    async with watching(api, tmp_path) as watched, repairing(watched):
        api.store.drop = lambda _watch, _type, obj: obj["metadata"]["name"] == "unseen"
        make(api, LAUNCH_PLANS, "unseen")
        make(api, LAUNCH_PLANS, "seen")
        await watched.settled()


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize(
    "fault",
    [Fault(429, retry_after=0), Fault(500), Fault(503), Fault(504), Fault(403), Fault(Lost.DROPPED)],
    ids=["429", "500", "503", "504", "403", "dropped"],
)
@pytest.mark.usefixtures("quick")
async def test_a_refused_call_is_tried_again(tmp_path: Path, verb: str, fault: Fault) -> None:
    """No answer of an overloaded server ends the watching."""
    api = FakeApi()
    make(api, LAUNCH_PLANS, "hello")
    faulty(api, verb, fault, times=20)
    async with watching(api, tmp_path) as watched:
        make(api, LAUNCH_PLANS, "later")
        await watched.settled()


async def test_another_error_within_a_watch_ends_the_process(tmp_path: Path) -> None:
    """What kopf takes for fatal is the caller's to see: it starts anew."""
    api = FakeApi()
    async with watching(api, tmp_path) as watched:
        error = {"kind": "Status", "code": 500, "message": "no"}
        api.store.watches(LAUNCH_PLANS)[0].push("ERROR", error)
        with pytest.raises(Exception, match="Error in the watch-stream"):
            await asyncio.wait_for(watched.task, 10)


def odd(**changes: object) -> Object:
    """Return an event's object that some code stumbles over."""
    base: Object = make(FakeApi(), LAUNCH_PLANS, "odd")
    base["metadata"]["resourceVersion"] = "999999"
    return base | changes


@pytest.mark.parametrize(
    "obj",
    [
        odd(metadata={"name": "odd", "namespace": "default", "uid": "odd", "resourceVersion": "next"}),
        odd(metadata={"name": "odd", "namespace": "default", "uid": "odd"}),
        odd(metadata={"uid": "odd"}),
        odd(metadata={}),
        odd(spec=None),
        odd(spec={"workflowRef": "greet"}),
        odd(status="Ready"),
        odd(status={"conditions": [None]}),
    ],
    ids=[
        "a version in words",
        "no version",
        "no name",
        "nothing",
        "no spec",
        "odd reference",
        "odd status",
        "odd list",
    ],
)
async def test_an_odd_object_does_not_stop_the_others(tmp_path: Path, obj: Object) -> None:
    """Whatever one object makes fail, the next event is taken; and nothing is written about it."""
    api = FakeApi()
    with nothing_written(api):
        async with watching(api, tmp_path) as watched:
            for watch in api.store.watches():
                watch.push("MODIFIED", obj)
            make(api, LAUNCH_PLANS, "hello")
            await watched.until(lambda: watched.cache(LAUNCH_PLANS).get("default", "hello") is not None)
            label(api, LAUNCH_PLANS, "hello", "once")
            await watched.until(
                lambda: "labels" in (watched.cache(LAUNCH_PLANS).get("default", "hello") or {})["metadata"]
            )
