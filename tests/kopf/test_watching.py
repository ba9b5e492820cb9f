"""kopf watches our kinds into the caches and does nothing else."""

import asyncio
from pathlib import Path

import kopf
import pytest

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.handlers import register
from launchplan_operator.reconcile.caches import Caches
from launchplan_operator.settings import Settings
from tests.fake import FakeApi
from tests.kopf.watched import KINDS, delete, label, make, nothing_written, patch, tally, watching

GREET = ("WorkflowDefinition", "default", "greet")
HELLO = ("LaunchPlan", "default", "hello")
RUN = ("LaunchPlanExecution", "default", "by-hand")
THEIRS = ("ReferenceLaunchPlan", "default", "theirs")
NAMES = {
    WORKFLOW_DEFINITIONS: "greet",
    LAUNCH_PLANS: "hello",
    REFERENCE_LAUNCH_PLANS: "theirs",
    LAUNCH_PLAN_EXECUTIONS: "by-hand",
}


async def test_what_is_there_at_the_start_lands_in_the_caches_and_wakes_its_keys(tmp_path: Path) -> None:
    """Each object of the list that kopf begins with is an event."""
    api = FakeApi()
    for kind, name in NAMES.items():
        make(api, kind, name)
    async with watching(api, tmp_path) as watched:
        assert watched.woken() == {GREET, HELLO, THEIRS, RUN}


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (WORKFLOW_DEFINITIONS, {GREET, HELLO, RUN}),
        (LAUNCH_PLANS, {HELLO, THEIRS, RUN}),
        (REFERENCE_LAUNCH_PLANS, {THEIRS, HELLO}),
        (LAUNCH_PLAN_EXECUTIONS, {RUN, HELLO}),
    ],
    ids=["workflow", "plan", "reference", "execution"],
)
async def test_what_comes_and_goes_wakes_its_keys_and_those_that_depend_on_it(
    tmp_path: Path, kind: Kind, keys: set[object]
) -> None:
    """Created, changed, deleted: each reaches the cache by the watch."""
    api = FakeApi()
    for other, name in NAMES.items():
        if other != kind:
            make(api, other, name)
    own = {(kind.kind, "default", NAMES[kind])}
    async with watching(api, tmp_path) as watched:
        watched.woken()
        make(api, kind, NAMES[kind])
        await watched.until(watched.agrees)
        assert watched.woken() == keys
        label(api, kind, NAMES[kind], "once")
        await watched.until(watched.agrees)
        assert watched.woken() == own
        delete(api, kind, NAMES[kind])
        await watched.until(watched.agrees)
        assert watched.woken() == keys


async def test_no_event_costs_a_write(tmp_path: Path) -> None:
    """Nothing is annotated, finalised, posted or peered, whatever happens to an object."""
    api = FakeApi()
    for kind, name in NAMES.items():
        make(api, kind, name)
    with nothing_written(api):
        async with watching(api, tmp_path) as watched:
            for kind, name in NAMES.items():
                make(api, kind, f"{name}-2")
                for number in range(3):
                    label(api, kind, f"{name}-2", str(number))
                patch(api, kind, name, {"spec": {}})
                delete(api, kind, name)
            await watched.settled()
            assert len(watched.cache(LAUNCH_PLANS)) == 1


async def test_a_kind_costs_one_list_and_one_watch(tmp_path: Path) -> None:
    """There is no scanning for namespaces or CRDs, and nothing is asked for twice."""
    api = FakeApi()
    async with watching(api, tmp_path):
        assert tally(api) == {f"{verb} {kind.plural}": 1 for kind in KINDS for verb in ("list", "watch")}


async def test_lists_come_in_chunks(tmp_path: Path) -> None:
    """Five hundred objects a call."""
    api = FakeApi()
    for number in range(501):
        make(api, LAUNCH_PLANS, f"plan-{number}")
    async with watching(api, tmp_path) as watched:
        assert len(watched.cache(LAUNCH_PLANS)) == 501
        assert tally(api)["list launchplans"] == 2
        assert {call.request.query["limit"] for call, _ in api.log if call.verb == "list"} == {"500"}


async def test_only_the_named_namespaces_are_watched(tmp_path: Path) -> None:
    """Each of our kinds has a watch in each of them, and none beyond."""
    api = FakeApi(namespaces=("default", "mine", "yours", "theirs"))
    for namespace in ("mine", "yours", "theirs"):
        make(api, LAUNCH_PLANS, "hello", namespace)
    settings = Settings(namespaces=("mine", "yours"))
    async with watching(api, tmp_path, settled=False, settings=settings) as watched:
        await watched.until(lambda: watched.watches() == 2 * len(KINDS) and len(watched.cache(LAUNCH_PLANS)) == 2)
        assert {call.namespace for call, _ in api.log} == {"mine", "yours"}
        make(api, LAUNCH_PLANS, "later", "theirs")
        make(api, LAUNCH_PLANS, "later", "yours")
        await watched.until(lambda: len(watched.cache(LAUNCH_PLANS)) == 3)
        assert watched.cache(LAUNCH_PLANS).get("theirs", "later") is None


async def test_bookmarks_are_no_events(tmp_path: Path) -> None:
    """A bookmark says how far the watch is, and the watch goes on."""
    api = FakeApi()
    async with watching(api, tmp_path) as watched:
        api.send_bookmarks()
        make(api, LAUNCH_PLANS, "hello")
        await watched.until(watched.agrees)
        assert watched.woken() == {HELLO}


async def test_many_changes_of_one_object_end_with_the_newest(tmp_path: Path) -> None:
    """Events of one object are taken in order, and of many objects side by side."""
    api = FakeApi()
    names = [f"plan-{number}" for number in range(60)]
    async with watching(api, tmp_path) as watched:
        for name in names:
            make(api, LAUNCH_PLANS, name)
        for number in range(5):
            for name in names:
                label(api, LAUNCH_PLANS, name, str(number))
            await asyncio.sleep(0)
        await watched.until(watched.agrees)
        assert watched.woken() == {("LaunchPlan", "default", name) for name in names}


def test_kopf_gets_event_handlers_and_no_others() -> None:
    """No index, no daemon, no timer, and nothing that reacts to changes with writes of its own."""
    registry = kopf.OperatorRegistry()
    register(registry, Caches(), lambda _kind: None)
    assert len(registry._watching.get_all_handlers()) == len(KINDS)
    for others in (registry._indexing, registry._changing, registry._spawning, registry._webhooks):
        assert not others.get_all_handlers()
