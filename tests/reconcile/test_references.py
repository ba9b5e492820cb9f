"""References over an in-memory API server: what they stand for, told whenever either side changes, and to whom."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.settings import Settings
from tests.fake.virtual import virtual_time
from tests.reconcile.neighbours import ALL, ASKING, FITTING, Neighbours, neighbours, reference
from tests.reconcile.world import NAMESPACE, plan, workflow

REFERENCES = REFERENCE_LAUNCH_PLANS
RESOLVED = ("True", "False", "Resolved")
UNAVAILABLE = ("False", "False", "TargetUnavailable")
STALLED = ("False", "True", "InterfaceMismatch")
PATIENCE = 301


def message(world: Neighbours, name: str = "theirs") -> str:
    """Return what a reference says of itself."""
    conditions = {c["type"]: c for c in world.see(REFERENCES, name)["status"]["conditions"]}
    return str(conditions["Ready"]["message"])


def resolved(world: Neighbours) -> dict[str, Any]:
    """Return what the reference stood for last."""
    found: dict[str, Any] = world.see(REFERENCES, "theirs")["status"].get("resolved") or {}
    return found


@virtual_time
async def test_a_reference_shows_the_plan_its_version_and_its_interface_and_none_of_its_values() -> None:
    world = await neighbours(fixedInputs={"times": 3})
    world.change(REFERENCES, "theirs", inputs=FITTING["inputs"][:1])
    await world.settle()
    assert world.stands() == RESOLVED
    status = world.see(REFERENCES, "theirs")["status"]
    version = world.status["versions"][0]
    assert status["target"] == "default/hello"
    assert status["resolved"] == {
        "namespace": NAMESPACE,
        "name": "hello",
        "uid": world.get(LAUNCH_PLANS, "hello")["metadata"]["uid"],
        "version": version["version"],
        "hash": version["hash"],
        "inputs": [{"name": "name", "type": "string", "required": False}],
        "fixed": ["times"],
        "outputs": [{"name": "greeting", "type": "string"}],
    }
    assert "world" not in str(status), "the plan's default is its own"


@virtual_time
async def test_project_and_domain_make_the_namespace() -> None:
    world = await neighbours()
    world.api.add_namespace("sales-production")
    for obj in (workflow(), plan(None, allowReferencesFrom=ALL)):
        world.ask(obj | {"metadata": obj["metadata"] | {"namespace": "sales-production"}})
    world.ask(reference("flyte", project="sales", domain="production"))
    await world.settle()
    assert world.stands("flyte") == RESOLVED
    assert world.see(REFERENCES, "flyte")["status"]["resolved"]["namespace"] == "sales-production"


Change = Callable[[Neighbours], Awaitable[None]]


async def the_plan_takes_another_type(world: Neighbours) -> None:
    world.edit(WORKFLOW_DEFINITIONS, "greet", interface=interface(name="integer"))
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": 1})


async def the_plan_fixes_what_is_passed(world: Neighbours) -> None:
    world.edit(LAUNCH_PLANS, "hello", fixedInputs={"times": 2})


async def the_plan_is_deactivated(world: Neighbours) -> None:
    world.edit(LAUNCH_PLANS, "hello", autoActivate=False)


async def consent_is_withdrawn(world: Neighbours) -> None:
    world.edit(LAUNCH_PLANS, "hello", allowReferencesFrom=None)


async def the_plan_is_deleted(world: Neighbours) -> None:
    world.delete(LAUNCH_PLANS, "hello")


def interface(**types: str) -> dict[str, Any]:
    """Return the workflow's interface with other types."""
    kinds = {"name": "string", "times": "integer"} | types
    inputs = [{"name": "name", "type": kinds["name"]}, {"name": "times", "type": kinds["times"], "default": 1}]
    return {"inputs": inputs, "outputs": [{"name": "greeting", "type": kinds.get("greeting", "string")}]}


@pytest.mark.parametrize(
    ("change", "expected", "words"),
    [
        (the_plan_takes_another_type, STALLED, ["'name'", "string", "integer"]),
        (the_plan_fixes_what_is_passed, STALLED, ["'times'", "integer", "fixes"]),
        (the_plan_is_deactivated, ("False", "False", "TargetInactive"), ["default/hello", "active"]),
        (consent_is_withdrawn, UNAVAILABLE, ["default/hello"]),
        (the_plan_is_deleted, UNAVAILABLE, ["default/hello"]),
    ],
)
def test_a_change_on_the_other_side_is_told_at_once_and_the_last_good_state_stays(
    change: Change, expected: tuple[str, str, str], words: list[str]
) -> None:
    @virtual_time
    async def story() -> None:
        world = await neighbours()
        good = resolved(world)
        await change(world)
        await world.advance(3)
        assert world.stands() == expected
        assert all(word in message(world) for word in words)
        assert resolved(world) == good

    story()


@virtual_time
async def test_what_may_yet_appear_is_waited_for_and_stalls_after_five_minutes() -> None:
    world = Neighbours()
    world.ask(reference())
    await world.start()
    assert world.stands() == UNAVAILABLE
    await world.advance(PATIENCE, 10)
    assert world.stands() == ("False", "True", "TargetUnavailable")
    world.create(workflow())
    world.create(plan(None, allowReferencesFrom=ALL))
    await world.settle()
    assert world.stands() == RESOLVED


def told(status: dict[str, Any]) -> str:
    """Return a status as a text without its times."""
    timeless = [{key: value for key, value in c.items() if key != "lastTransitionTime"} for c in status["conditions"]]
    return str(status | {"conditions": timeless})


@virtual_time
async def test_a_plan_that_is_not_there_and_one_that_does_not_allow_it_read_the_same() -> None:
    world = await neighbours(consent=None)
    world.ask(reference("absent", name="nothing"))
    await world.settle()
    hidden, absent = (world.see(REFERENCES, name)["status"] for name in ("theirs", "absent"))
    assert told(hidden) == told(absent).replace("default/nothing", "default/hello")
    assert "resolved" not in hidden
    assert world.status["references"] == {
        "count": 1,
        "refused": 1,
        "from": [{"namespace": ASKING, "name": "theirs", "allowed": False}],
    }


@pytest.mark.parametrize(
    ("consent", "labels", "allowed"),
    [
        (None, {}, False),
        ({"from": "Same"}, {}, False),
        ({"from": "All"}, {}, True),
        ({"from": "Names", "names": ["team-b"]}, {}, False),
        ({"from": "Names", "names": ["team-b", ASKING]}, {}, True),
        ({"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}}, {"tier": "silver"}, False),
        ({"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}}, {"tier": "gold"}, True),
        ({"from": "Selector", "selector": {}}, {}, True),
    ],
)
def test_consent_is_the_plans_to_give(consent: Any, labels: dict[str, str], allowed: bool) -> None:
    @virtual_time
    async def story() -> None:
        world = await neighbours(consent)
        world.label(ASKING, **labels)
        await world.settle()
        assert world.stands() == (RESOLVED if allowed else UNAVAILABLE)
        assert world.status["references"]["from"][0]["allowed"] is allowed

    story()


@virtual_time
async def test_labels_of_a_namespace_count_from_when_they_change() -> None:
    world = await neighbours({"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}})
    seen = [world.stands()]
    for tier in ("gold", None):
        world.label(ASKING, tier=tier)
        await world.settle()
        seen.append(world.stands())
    assert seen == [UNAVAILABLE, RESOLVED, UNAVAILABLE]
    assert world.status["references"]["refused"] == 1


@virtual_time
async def test_a_selector_is_refused_where_only_some_namespaces_are_served() -> None:
    world = Neighbours()
    world.settings = Settings(namespaces=(NAMESPACE, ASKING))
    world.create(workflow())
    world.create(plan(None, allowReferencesFrom={"from": "Selector", "selector": {}}))
    world.ask(reference())
    await world.start()
    assert world.ready() == ("False", "True", "SelectorNeedsClusterMode")
    assert world.stands() == UNAVAILABLE
    world.edit(LAUNCH_PLANS, "hello", allowReferencesFrom={"from": "Names", "names": [ASKING], "selector": None})
    await world.settle()
    assert (world.ready()[0], world.stands()) == ("True", RESOLVED)


@virtual_time
async def test_a_plan_in_a_namespace_that_is_not_served_is_not_there() -> None:
    world = Neighbours()
    world.settings = Settings(namespaces=(ASKING,))
    world.create(workflow())
    world.create(plan(None, allowReferencesFrom=ALL))
    world.ask(reference())
    await world.start()
    assert world.stands() == UNAVAILABLE


@virtual_time
async def test_a_named_version_is_read_back_once_and_checked_whatever_is_active() -> None:
    world = await neighbours()
    first = world.status["activeVersion"]
    await the_plan_fixes_what_is_passed(world)
    await world.settle()
    mark = len(world.api.log)
    world.change(REFERENCES, "theirs", version=first)
    await world.settle()
    assert world.stands() == RESOLVED
    assert resolved(world)["version"] == first
    world.ask(reference("second", version=first))
    await world.settle()
    assert world.stands("second") == RESOLVED
    reads = [call for call, _ in world.api.log[mark:] if call.kind == CONTROLLER_REVISIONS]
    assert len(reads) == 1
    world.edit(LAUNCH_PLANS, "hello", autoActivate=False)
    await world.settle()
    assert world.stands() == RESOLVED, "a version runs by name though none is active"
    world.change(REFERENCES, "theirs", version="nosuch")
    await world.settle()
    assert world.stands() == ("False", "False", "VersionNotFound")


@virtual_time
async def test_another_version_that_is_activated_is_what_the_reference_stands_for() -> None:
    world = await neighbours()
    first = world.status["activeVersion"]
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": "moon"})
    await world.settle()
    assert resolved(world)["version"] == world.status["activeVersion"] != first
    world.edit(LAUNCH_PLANS, "hello", activeVersion=first)
    await world.settle()
    assert resolved(world)["version"] == first


@virtual_time
async def test_a_reference_to_itself_and_one_to_a_reference_are_refused_at_once() -> None:
    world = await neighbours()
    world.ask(reference("mirror", namespace=ASKING, name="mirror"))
    world.ask(reference("second", namespace=ASKING, name="theirs"))
    await world.settle()
    assert world.stands("mirror") == ("False", "True", "ReferenceToItself")
    assert world.stands("second") == ("False", "True", "ReferenceToReference")


@virtual_time
async def test_what_a_name_in_another_namespace_stands_for_is_not_told() -> None:
    world = await neighbours()
    world.api.add_namespace("team-c")
    nosy = reference("nosy", namespace=ASKING, name="theirs")
    world.ask(nosy | {"metadata": {"name": "nosy", "namespace": "team-c"}})
    await world.settle()
    (ready, *_) = world.see(REFERENCES, "nosy", "team-c")["status"]["conditions"]
    assert ready["reason"] == "TargetUnavailable", "that it is a reference is its namespace's business"


@virtual_time
async def test_a_type_that_does_not_parse_is_told_with_its_place() -> None:
    world = await neighbours()
    world.change(REFERENCES, "theirs", outputs=[{"name": "greeting", "type": "strnig"}])
    await world.settle()
    assert world.stands() == ("False", "True", "TypeInvalid")
    assert "spec.outputs[greeting].type" in message(world)


@virtual_time
async def test_every_differing_field_is_listed_with_both_types() -> None:
    world = await neighbours()
    inputs = [{"name": "name", "type": "integer"}, {"name": "color", "type": "string"}]
    world.change(REFERENCES, "theirs", inputs=inputs, outputs=[{"name": "greeting", "type": "float"}])
    await world.settle()
    assert world.stands() == STALLED
    for words in ("input 'name': the reference passes integer, but the plan takes string", "input 'color'", "float"):
        assert words in message(world)


@virtual_time
async def test_those_who_refer_are_counted_and_the_first_are_named() -> None:
    world = await neighbours()
    for number in range(25):
        world.ask(reference(f"r{number:02}"))
    await world.settle()
    told = world.status["references"]
    assert (told["count"], len(told["from"]), "refused" in told) == (26, 20, False)
    world.drop(REFERENCES, "r00")
    world.change(REFERENCES, "r01", name="elsewhere")
    await world.settle()
    assert world.status["references"]["count"] == 24
    for each in world.all(REFERENCES):
        world.drop(REFERENCES, each["metadata"]["name"])
    await world.settle()
    assert "references" not in world.status


@virtual_time
async def test_a_thousand_references_cost_one_write_each_when_their_plan_changes_and_nothing_else() -> None:
    world = await neighbours()
    for number in range(999):
        world.ask(reference(f"r{number}"))
    await world.advance(10)
    mark = len(world.api.log)
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": "moon"})
    await world.advance(10)
    calls = [f"{call.verb} {call.target}" for call, _ in world.api.log[mark:] if call.verb != "watch"]
    assert calls.count("update referencelaunchplans/status") == 1000
    # The plan's own look: the version is kept, then the status is written.
    assert sorted(set(calls)) == [
        "create controllerrevisions",
        "update launchplans/status",
        "update referencelaunchplans/status",
    ]
    assert len(calls) == 1002
    version = world.status["activeVersion"]
    assert {each["status"]["resolved"]["version"] for each in world.all(REFERENCES)} == {version}


@virtual_time
async def test_a_change_of_the_plan_that_concerns_no_reference_wakes_none() -> None:
    world = await neighbours()
    mark = len(world.api.log)
    world.edit(LAUNCH_PLANS, "hello", history={"succeeded": 3})
    await world.settle()
    assert [call.target for call, _ in world.api.log[mark:] if "reference" in call.target] == []
