"""References and runs through them as another system registers and calls them: agreed with, or overruled for a reason."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.cli.catalogue import catalogue_of
from launchplan_operator.cli.checks import lint
from launchplan_operator.cli.manifests import Stream
from launchplan_operator.cli.references import read_reference
from tests.unit.cli import objects
from tests.unit.test_cli_lint_references import THROUGH, manifest, owned, reference

TABLE: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "references" / "checks.yaml").read_text(encoding="utf-8")
)


def rows(part: str) -> list[Any]:
    """Return the rows of a part of the table, by what they say."""
    return [pytest.param(row, id=f"{row['id']}: {row['case']}") for row in TABLE[part]]


def stream_of(row: dict[str, Any]) -> Stream:
    """Return the plan, the reference, and the run if there is one."""
    changed = row.get("reference", {})
    place = {"namespace": None} if "project" in changed else {}
    manifests = [*owned(), reference(**place | changed)]
    if "run" in row:
        spec = {"launchPlanRef": THROUGH, "inputs": row["run"]} | row.get("settings", {})
        manifests.append(manifest("LaunchPlanExecution", "once", spec))
    return Stream(manifests=objects(yaml.safe_dump_all(manifests)))


def outcome(row: dict[str, Any]) -> Any:
    """Return accept, or each finding as reason and path."""
    found = [f"{each.finding.reason} {each.finding.path}" for each in lint(stream_of(row))]
    return found or "accept"


@pytest.mark.parametrize("row", rows("cases"))
def test_a_case_is_agreed_with(row: dict[str, Any]) -> None:
    """As the other system has it, and said before anything runs."""
    assert outcome(row) == row["expect"]


@pytest.mark.parametrize("row", [row for row in rows("cases") if "target" in row.values[0]])
def test_a_reference_points_at_its_plan(row: dict[str, Any]) -> None:
    """By namespace, name and version."""
    catalogue = catalogue_of(stream_of(row).manifests)
    offer = read_reference(catalogue, "team-a", catalogue.objects["ReferenceLaunchPlan", "team-a", "theirs"]).offer
    assert offer is not None
    assert {"namespace": offer.namespace, "name": offer.name, "version": offer.version} == row["target"]


@pytest.mark.parametrize("row", rows("overruled"))
def test_a_case_is_overruled_for_a_reason(row: dict[str, Any]) -> None:
    """What the other system does is not what an owner wants."""
    assert outcome(row) == row["expect"]
    assert len(row["reason"]) > 20
