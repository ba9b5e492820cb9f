"""Runs through references as another system launches and follows its children: agreed with, or overruled for a reason."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.fake.virtual import run_virtual
from tests.reconcile.neighbours import ALL, Neighbours, asked, reference
from tests.reconcile.world import NAMESPACE, plan, workflow

TABLE: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "references" / "runs.yaml").read_text(encoding="utf-8")
)
#: Longer than what may yet appear is waited for.
PATIENCE = 400


def rows(part: str) -> list[Any]:
    """Return the rows of a part of the table; one with several answers is a story for each of them."""
    return [
        pytest.param(row, answer, id=f"{row['id']}: {row['case']}{f', {answer}' if answer else ''}")
        for row in TABLE[part]
        for answer in (row.get("faults") or {"answers": [None]})["answers"]
    ]


def refuse(fault: Mapping[str, Any], answer: Any, struck: list[Call]) -> Callable[[Call], Fault | None]:
    """Answer each call of one kind in the plan's namespace so."""

    def answered(call: Call) -> Fault | None:
        if (call.verb, call.target, call.namespace) != (fault["verb"], fault["target"], NAMESPACE):
            return None
        struck.append(call)
        return Fault(Lost.DROPPED if answer == "dropped" else answer)

    return answered


async def laid_out(row: Mapping[str, Any]) -> Neighbours:
    """Return both namespaces with an operator at rest."""
    world, outputs = Neighbours(), row.get("outputs", [{"name": "greeting", "type": "string"}])
    inputs = [{"name": "name", "type": "string"}]
    if row.get("plan") != "absent":
        world.create(workflow(interface={"inputs": inputs, "outputs": outputs}))
        world.create(plan(None, allowReferencesFrom=ALL, **row.get("plan", {})))
    world.ask(reference(inputs=inputs, outputs=outputs))
    await world.start()
    return world


def happen(world: Neighbours, what: str) -> None:
    """Do what happens while the child runs."""
    if what == "the child is deleted":
        world.delete(LAUNCH_PLAN_EXECUTIONS, world.remote()["metadata"]["name"])
    elif what == "the run is terminated":
        world.change(LAUNCH_PLAN_EXECUTIONS, "asked", terminate={"cause": "enough"})


async def follow(row: Mapping[str, Any], answer: Any) -> tuple[str | None, Neighbours]:
    """Return the phase of the run while calls fail, and the world at its end."""
    world, struck = await laid_out(row), list[Call]()
    fault, then = row.get("faults"), row.get("then")
    world.pods_end = then is None
    if then:
        world.ask(labelled(row))
        await world.advance(8)
        assert world.run_of()["phase"] == "Running"
    if fault:
        world.api.faults = refuse(fault, answer, struck)
    if then:
        happen(world, then)
    else:
        world.ask(labelled(row))
    await world.advance(30)
    meanwhile = world.run_of().get("phase")
    assert bool(struck) == bool(fault), "the fault never struck"
    if fault and not fault.get("forever"):
        world.api.faults = lambda _call: None
    await world.advance(PATIENCE, 5)
    return meanwhile, world


def labelled(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run that asks, with the row's labels."""
    made = asked(inputs={"name": "Ada"})
    made["metadata"]["labels"] = row.get("labels", {})
    return made


def judge(row: Mapping[str, Any], answer: Any) -> None:
    """Fail if a story does not go as its row says."""
    meanwhile, world = run_virtual(follow(row, answer))
    status, expected = world.run_of(), row["expect"]
    ready = {each["type"]: each["reason"] for each in status["conditions"]}["Ready"]
    assert meanwhile == row.get("meanwhile", meanwhile)
    assert (status["phase"], ready) == (expected["phase"], expected.get("reason", "Succeeded"))
    assert status.get("outputs") == expected.get("outputs", status.get("outputs"))
    assert world.stands()[2] == expected.get("reference", "Resolved")
    marks = world.remotes()[0]["metadata"]["labels"] if world.remotes() else {}
    assert not {*expected.get("unlabelled", ())} & set(marks)
    assert "forged" not in marks.values()


@pytest.mark.parametrize(("row", "answer"), rows("cases"))
def test_a_case_is_agreed_with(row: dict[str, Any], answer: Any) -> None:
    """What fails for the system's sake is tried again; what fails for the child's is the run's end."""
    judge(row, answer)


@pytest.mark.parametrize(("row", "answer"), rows("overruled"))
def test_a_case_is_overruled_for_a_reason(row: dict[str, Any], answer: Any) -> None:
    """The other system's quirk is no user's wish."""
    judge(row, answer)
    assert len(row["reason"]) > 20
