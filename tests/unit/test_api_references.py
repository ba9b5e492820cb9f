"""References, what plans allow, and runs through references: what the models take and refuse, as the API server does."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.model import Model
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec

SPECS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "references" / "specs.yaml").read_text(encoding="utf-8")
)
MODELS: dict[str, type[Model]] = {
    "ReferenceLaunchPlan": ReferenceLaunchPlanSpec,
    "LaunchPlan": LaunchPlanSpec,
    "LaunchPlanExecution": LaunchPlanExecutionSpec,
}


def rows(part: str) -> list[Any]:
    """Return the rows of a part of the table, each named by its case."""
    return [pytest.param(row, id=row["case"]) for row in SPECS[part]]


def whole(row: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of a row."""
    plan = {"workflowRef": {"name": "hello"}, "allowReferencesFrom": row["spec"]}
    return plan if row["kind"] == "LaunchPlan" else dict(row["spec"])


@pytest.mark.parametrize("row", rows("taken"))
def test_a_spec_is_taken(row: dict[str, Any]) -> None:
    """By the model; the same row is tried on a real API server."""
    assert isinstance(parse_spec(MODELS[row["kind"]], {"spec": whole(row)}), MODELS[row["kind"]])


@pytest.mark.parametrize("row", rows("refused"))
def test_a_spec_is_refused_at_its_place(row: dict[str, Any]) -> None:
    """With the place, or the server's own words for a rule over several fields."""
    found = parse_spec(MODELS[row["kind"]], {"spec": whole(row)})
    assert isinstance(found, tuple)
    assert any(row["words"] in finding.text for finding in found), found


NAMES = st.text("ab-", min_size=1, max_size=40).filter(lambda name: name.strip("-") == name)


@given(NAMES, NAMES)
def test_project_and_domain_make_a_namespace_or_are_refused(project: str, domain: str) -> None:
    """Of at most 63 characters, as namespaces are DNS labels."""
    spec = {"project": project, "domain": domain, "name": "x"}
    if len(project) + len(domain) + 1 > 63:
        with pytest.raises(ValidationError, match="at most 63 characters"):
            ReferenceLaunchPlanSpec.model_validate(spec)
        return
    assert ReferenceLaunchPlanSpec.model_validate(spec).target_namespace == f"{project}-{domain}"


def test_a_plan_that_says_nothing_allows_its_own_namespace() -> None:
    """Nobody else sees it before its owner says so."""
    consent = LaunchPlanSpec.model_validate({"workflowRef": {"name": "x"}}).allow_references_from
    assert (consent.scope, consent.names, consent.selector) == ("Same", None, None)
