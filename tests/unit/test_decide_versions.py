"""Versions: what a run depends on has one hash on every cluster, and a name stands for one content."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.decide.versions import (
    MAX_SNAPSHOT_BYTES,
    VERSIONED_PLAN_FIELDS,
    KnownVersion,
    Snapshot,
    bound_history,
    differing_fields,
    exceeds_storage,
    find_version,
    read_snapshot,
    read_workflow_content,
    remember_version,
    revision_name,
    snapshot_data,
    take_snapshot,
    version_conflict,
)

WORKFLOW: dict[str, Any] = {"job": {"backoffLimit": 1}, "interface": {"inputs": [{"name": "a", "type": "integer"}]}}
PLAN: dict[str, Any] = {
    "workflowRef": {"name": "w"},
    "defaultInputs": {"a": 1},
    "fixedInputs": {"b": 2},
    "schedule": {"cron": "0 9 * * *"},
    "labels": {"l": "1"},
    "annotations": {"n": "1"},
    "timeout": "1h",
    "retries": 2,
    "env": [{"name": "E", "value": "1"}],
    "identity": {"serviceAccountName": "s"},
    "interruptible": True,
    "maxParallelism": 3,
    "rawOutputDataConfig": {"outputLocationPrefix": "s3://b"},
    "autoActivate": True,
    "activeVersion": "v1",
    "suspend": False,
    "history": {"succeeded": 1},
    "concurrency": {"max": 1},
}
UNVERSIONED = {"autoActivate", "activeVersion", "suspend", "history", "concurrency", "allowReferencesFrom"}


def snapshot(plan: dict[str, Any] | None = None, workflow: dict[str, Any] | None = None) -> Snapshot:
    """Return the version of a plan with its workflow."""
    return take_snapshot(plan or PLAN, read_workflow_content(workflow or WORKFLOW))


def known(*versions: str) -> tuple[KnownVersion, ...]:
    """Return known versions of these names."""
    return tuple(KnownVersion(version, f"hash of {version}", "w1") for version in versions)


@pytest.mark.parametrize("field", sorted(PLAN))
def test_a_version_moves_with_what_a_run_depends_on_and_nothing_else(field: str) -> None:
    """Activation, suspension, history and the limit are no part of a version."""
    changed = {**PLAN, field: {"name": "other"} if field == "workflowRef" else "other"}
    moved = snapshot(changed).version != snapshot().version
    assert moved is (field in VERSIONED_PLAN_FIELDS)
    assert moved is (field not in UNVERSIONED)


def test_every_field_of_a_plan_is_either_versioned_or_known_not_to_be() -> None:
    """A new field cannot be forgotten here."""
    fields = {field.alias for field in LaunchPlanSpec.model_fields.values()}
    assert fields == {*VERSIONED_PLAN_FIELDS, *UNVERSIONED, "version"}


@pytest.mark.parametrize(
    ("changes", "moves"),
    [
        pytest.param({"job": {"backoffLimit": 2}}, True, id="another template is another version"),
        pytest.param({"interface": {}}, True, id="another interface too"),
        pytest.param({"container": "main"}, True, id="and another container of the outputs"),
        pytest.param({"interruptible": {}}, True, id="and what an interruptible pod gets"),
        pytest.param({"allow": {"env": ["*"]}}, False, id="a permission is none: it can be revoked at once"),
    ],
)
def test_a_workflows_version_moves_with_its_content(changes: dict[str, Any], moves: bool) -> None:
    """And with it the versions of the plans that follow it."""
    changed = {**WORKFLOW, **changes}
    assert (read_workflow_content(changed).version != read_workflow_content(WORKFLOW).version) is moves
    assert (snapshot(workflow=changed).version != snapshot().version) is moves


def test_a_given_name_is_the_version_and_tells_equal_contents_apart() -> None:
    """Two names of one content are two versions, kept by two objects."""
    one, two = (snapshot({**PLAN, "version": name}) for name in ("v1", "v2"))
    assert (one.version, two.version) == ("v1", "v2")
    assert revision_name("p", one.hash) != revision_name("p", two.hash)
    assert read_workflow_content({**WORKFLOW, "version": "7"}).version == "7"
    assert read_workflow_content({**WORKFLOW, "version": "7"}).hash == read_workflow_content(WORKFLOW).hash


def test_a_plan_moves_with_its_workflows_given_name() -> None:
    """The same content under another name is another version of the workflow, and so of the plan."""
    assert snapshot(workflow={**WORKFLOW, "version": "7"}).version != snapshot().version


@given(st.permutations(sorted(PLAN)))
def test_the_order_in_which_a_spec_is_written_is_no_content(order: list[str]) -> None:
    """Equal specs have equal versions on every cluster."""
    assert snapshot({field: PLAN[field] for field in order}) == snapshot()


def test_a_version_is_ten_hex_digits_that_stay_the_same() -> None:
    """They stand in labels and in other clusters' statuses, so the algorithm may not change unnoticed."""
    content = read_workflow_content({"job": {"backoffLimit": 1}, "container": "grün"})
    assert content.version == "1d46a73208"
    assert take_snapshot({"workflowRef": {"name": "w"}}, content).version == "2fc2839428"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(PLAN)), JSON), JSON, st.none() | st.just("v1"))
def test_what_is_stored_reads_back_as_the_same_version(plan: dict[str, Any], job: Any, name: str | None) -> None:
    """Whatever the content, also without a name; a single changed value has another hash."""
    spec = {**plan, "workflowRef": {"name": "w"}} | ({"version": name} if name else {})
    taken = take_snapshot(spec, read_workflow_content({"job": job}))
    data = snapshot_data(taken)
    assert read_snapshot(deepcopy(data)) == taken
    for path in (("spec", "timeout"), ("workflow", "spec", "job")):
        forged = deepcopy(data)
        place = forged
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = "forged"
        found = read_snapshot(forged)
        assert found is not None
        assert found.hash != taken.hash


@pytest.mark.parametrize(
    "data", [None, [], "text", {}, {"spec": {}}, {"spec": None, "workflow": {}}, {"spec": {}, "workflow": {"spec": 1}}]
)
def test_an_object_of_another_shape_is_no_version(data: Any) -> None:
    """It is nobody's revision, whatever it is called."""
    assert read_snapshot(data) is None


def test_a_name_stands_for_one_content() -> None:
    """The conflict names the fields that differ, if the first content can still be read."""
    old = snapshot({**PLAN, "version": "v1"})
    new = snapshot({**PLAN, "version": "v1", "defaultInputs": {"a": 2}, "timeout": "2h"})
    listed = remember_version((), old)
    assert version_conflict(listed, old, old) is None
    assert version_conflict((), new, None) is None
    finding = version_conflict(listed, new, old)
    assert isinstance(finding, Finding)
    assert (finding.reason, finding.path, finding.transient) == (Reason.VersionConflict, "spec.version", False)
    assert "spec.defaultInputs.a, spec.timeout" in finding.message
    blind = version_conflict(listed, new, None)
    assert blind is not None
    assert "differing" not in blind.message


def test_the_difference_of_two_versions_reaches_into_the_workflow() -> None:
    """A plan that follows the latest workflow differs only there."""
    assert differing_fields(snapshot(), snapshot(workflow={**WORKFLOW, "job": {"backoffLimit": 2}})) == (
        "workflow.job.backoffLimit",
    )
    assert differing_fields(snapshot(), snapshot()) == ()


def test_a_version_that_comes_back_is_the_newest_again() -> None:
    """As after a roll-back by Git: nothing is listed twice."""
    one, two = snapshot(), snapshot({**PLAN, "timeout": "2h"})
    listed = remember_version(remember_version(remember_version((), one), two), one)
    assert [each.version for each in listed] == [two.version, one.version]
    assert find_version(listed, one.version) == KnownVersion(one.version, one.hash, one.workflow.version)
    assert find_version(listed, "v9") is None


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.sets(st.sampled_from("abcdefgh")), st.integers(0, 8))
def test_history_keeps_the_newest_and_all_that_is_needed(names: list[str], needed: set[str], limit: int) -> None:
    """In their order, and nothing else."""
    kept = [each.version for each in bound_history(known(*names), needed, limit)]
    newest = names[len(names) - min(limit, len(names)) :]
    assert kept == [name for name in names if name in newest or name in needed]


def test_a_version_larger_than_an_object_can_be_is_refused() -> None:
    """Before anything is written."""
    assert exceeds_storage(snapshot()) is None
    finding = exceeds_storage(snapshot(workflow={"job": {"x": "y" * MAX_SNAPSHOT_BYTES}}))
    assert finding is not None
    assert finding.reason is Reason.WorkflowTooLarge


def test_the_name_of_a_revision_fits_and_belongs_to_one_plan() -> None:
    """52 characters of a plan's name leave room for the hash, and no two plans share a name."""
    assert len(revision_name("p" * 52, "f" * 64)) == 63
    assert revision_name("a", "0" * 64) != revision_name("a-0000000000", "0" * 64)
