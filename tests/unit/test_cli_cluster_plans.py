"""What switches, compares and copies plans, through `main`."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.kinds import LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.cli.differences import ABSENT, differences
from launchplan_operator.cli.paths import assign, read_assignment
from launchplan_operator.cli.problems import Problem
from tests.fake import Fault
from tests.unit.cli_cluster import HASH_1, HASH_2, JOB, NAMESPACE, VERSION_1, VERSION_2, Desk

OLD = {"workflowRef": {"name": "report"}, "defaultInputs": {"city": "Oslo"}}
NEW = {"workflowRef": {"name": "report"}, "defaultInputs": {"city": "Rome"}, "timeout": "1m"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def desk() -> Desk:
    """A workflow and an active plan of two versions."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    return desk


@pytest.mark.parametrize(
    ("before", "words", "changed", "said"),
    [
        pytest.param({"autoActivate": False, "activeVersion": VERSION_1}, ("activate",), {"autoActivate": True, "activeVersion": None}, "follows its newest valid version", id="follow the newest"),
        pytest.param({}, ("activate", "--version", VERSION_1), {"activeVersion": VERSION_1, "autoActivate": True}, f"is pinned to version {VERSION_1}", id="roll back"),
        pytest.param({"activeVersion": VERSION_1}, ("deactivate",), {"autoActivate": False, "activeVersion": None}, "is inactive: its schedule starts nothing, manual runs do", id="deactivate"),
        pytest.param({}, ("suspend",), {"suspend": True}, "is suspended: no slot fires, manual runs do", id="suspend"),
        pytest.param({"suspend": True}, ("resume",), {"suspend": False}, "is not suspended", id="resume"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["daily", "lp/daily", "launchplans.launchplan.dev/daily"])
def test_a_switch_changes_its_fields_alone(
    before: dict[str, Any], words: tuple[str, ...], changed: dict[str, Any], said: str, name: str
) -> None:
    """And says what the plan is now."""
    desk = Desk()
    desk.plan(**before)
    spec = desk.get(LAUNCH_PLANS, "daily")["spec"]
    ended = desk.type(*words, name)
    assert (ended.code, ended.out) == (0, f"lp/daily {said}\n")
    expected = {key: value for key, value in (spec | changed).items() if value is not None}
    assert desk.get(LAUNCH_PLANS, "daily")["spec"] == expected


@pytest.mark.parametrize("command", ["activate", "deactivate", "suspend", "resume"])
def test_a_switch_of_a_plan_that_is_not_there(desk: Desk, command: str) -> None:
    """Is told with the nearest name."""
    ended = desk.type(command, "dayly")
    assert (ended.code, "did you mean daily?" in ended.err) == (1, True)


def test_an_unknown_version_is_not_activated(desk: Desk) -> None:
    """The plan would keep its last one and complain."""
    ended = desk.type("activate", "daily", "--version", "9")
    assert (ended.code, desk.api.writes()) == (1, [])
    assert f"VersionNotFound: found no version '9' of the plan 'daily'; it has {VERSION_2}, {VERSION_1}" in ended.err


@pytest.mark.parametrize(
    ("annotations", "tool"),
    [
        pytest.param({"argocd.argoproj.io/tracking-id": "x"}, "Argo CD", id="Argo CD"),
        pytest.param({"meta.helm.sh/release-name": "x"}, "Helm", id="Helm"),
    ],
)
def test_who_changes_what_a_tool_keeps_is_warned(annotations: dict[str, str], tool: str) -> None:
    """It would be brought back."""
    desk = Desk()
    desk.plan()
    desk.api.do("PATCH", LAUNCH_PLANS.path(NAMESPACE, "daily"), {"metadata": {"annotations": annotations}})
    assert f"{tool} keeps it and may bring it back" in desk.type("suspend", "daily").out


def test_versions_are_listed_newest_last(desk: Desk) -> None:
    """With what is active and what is the latest."""
    desk.report(LAUNCH_PLANS, "daily", {"activeVersion": VERSION_1})
    desk.revision("daily", HASH_1, OLD)
    ended = desk.type("versions", "daily", "-o", "json")
    rows = json.loads(ended.out)
    assert [(row["version"], row["active"], row["latest"], "created" in row) for row in rows] == [
        (VERSION_1, True, False, True),
        (VERSION_2, False, True, False),
    ]
    text = desk.type("versions", "daily").out.splitlines()
    assert [line.split()[0] for line in text] == ["VERSION", VERSION_1, VERSION_2]
    assert text[1].endswith("active")
    assert text[2].endswith("latest")


def test_who_may_not_read_revisions_sees_the_versions_all_the_same(desk: Desk) -> None:
    """Only their age is missing."""
    desk.api.faults = lambda call: Fault(403) if call.kind.plural == "controllerrevisions" else None
    ended = desk.type("versions", "daily")
    assert (ended.code, len(ended.out.splitlines())) == (0, 3)


def test_two_versions_are_compared_field_by_field(desk: Desk) -> None:
    """Their workflows, too."""
    desk.revision("daily", HASH_1, OLD, {"interface": {"inputs": [{"name": "city", "type": "string"}]}, "job": JOB})
    desk.revision("daily", HASH_2, NEW, {"interface": {"inputs": [{"name": "city", "type": "integer"}]}, "job": JOB})
    ended = desk.type("versions", "daily", VERSION_1, VERSION_2)
    assert ended.out.splitlines() == [
        'spec.defaultInputs.city: "Oslo" → "Rome"',
        'spec.timeout: (none) → "1m"',
        'workflow.spec.interface.inputs[city].type: "string" → "integer"',
    ]
    found = json.loads(desk.type("versions", "daily", VERSION_1, VERSION_2, "-o", "json").out)
    assert found[1] == {"path": "spec.timeout", "to": "1m"}
    assert "same content" in desk.type("versions", "daily", VERSION_1, VERSION_1).out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param((VERSION_1,), 2, "expected two versions to compare, or none", id="one version"),
        pytest.param((VERSION_1, "9"), 1, "VersionNotFound", id="an unknown version"),
        pytest.param(
            (VERSION_1, VERSION_2), 1, f"found no ControllerRevision 'daily-{VERSION_1}'", id="a lost revision"
        ),
    ],
)
def test_versions_refuses(desk: Desk, words: tuple[str, ...], code: int, told: str) -> None:
    """In one sentence."""
    ended = desk.type("versions", "daily", *words)
    assert (ended.code, told in ended.err) == (code, True)


@given(JSON, JSON)
def test_two_values_differ_where_a_difference_is_told(before: Any, after: Any) -> None:
    """And nowhere else: no difference means equal, of one kind."""
    found = list(differences(before, after))
    assert (not found) == (json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True))


@given(JSON)
def test_what_appears_is_told_against_nothing(value: Any) -> None:
    """And what goes likewise."""
    assert [(each.path, each.before is ABSENT) for each in differences({}, {"x": value})] == [("x", True)]
    assert [(each.path, each.after is ABSENT) for each in differences({"x": value}, {})] == [("x", True)]


def test_a_clone_has_the_spec_and_nothing_else(desk: Desk) -> None:
    """No status, no label, and no pin to a version that it does not have."""
    desk.api.do(
        "PATCH",
        LAUNCH_PLANS.path(NAMESPACE, "daily"),
        {"metadata": {"labels": {"a": "b"}}, "spec": {"activeVersion": VERSION_1}},
    )
    ended = desk.type("clone", "daily", "weekly", "--set", "schedule.cron=0 6 * * 1", "--set", "defaultInputs.days=3")
    assert (ended.code, ended.out) == (0, "lp/weekly created; it is active: its schedule starts runs\n")
    clone = desk.get(LAUNCH_PLANS, "weekly")
    assert clone["status"] == {"observedGeneration": -1}
    assert "labels" not in clone["metadata"]
    assert clone["spec"]["schedule"]["cron"] == "0 6 * * 1"
    assert clone["spec"]["defaultInputs"] == {"city": "Oslo", "days": 3}
    assert "activeVersion" not in clone["spec"]


def test_a_workflow_is_cloned_by_its_name_alone_where_no_plan_has_it(desk: Desk) -> None:
    """Items of lists are found by name or by place."""
    words = ("--set", "job.template.spec.containers.main.image=x:1", "--set", "spec.interface.inputs.0.type=integer")
    assert desk.type("clone", "report", "report-2", *words).code == 0
    spec = desk.get(WORKFLOW_DEFINITIONS, "report-2")["spec"]
    assert spec["job"]["template"]["spec"]["containers"][0]["image"] == "x:1"
    assert spec["interface"]["inputs"][0]["type"] == "integer"


def test_a_dry_clone_creates_nothing(desk: Desk) -> None:
    """It prints what could be applied."""
    ended = desk.type("clone", "daily", "weekly", "--dry-run")
    assert (ended.code, yaml.safe_load(ended.out)["metadata"]) == (0, {"name": "weekly", "namespace": NAMESPACE})
    assert desk.names(LAUNCH_PLANS) == ["daily"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(("daily", "daily"), 1, "found a LaunchPlan 'daily' already", id="a name that is taken"),
        pytest.param(("both", "x"), 2, "'both' names both lp/both and wfd/both (say which: lp/both)", id="a name of two things"),
        pytest.param(("nope", "x"), 1, "found no LaunchPlan, WorkflowDefinition or ReferenceLaunchPlan 'nope'", id="a name of nothing"),
        pytest.param(("daily", "x", "--set", "a"), 2, "expected PATH=VALUE", id="no value"),
        pytest.param(("daily", "x", "--set", "a..b=1"), 2, "expected PATH=VALUE", id="an empty key"),
        pytest.param(("daily", "x", "--set", "defaultInputs.city.x.y=1"), 2, "no map to look for 'x' in", id="a path through a text"),
        pytest.param(("wfd/report", "x", "--set", "interface.inputs.9.type=x"), 2, "the list has no item '9'", id="a place behind the end"),
        pytest.param(("daily", "x", "--set", "nonsense=1"), 1, "the API server refuses it", id="a field that is none"),
        pytest.param(("daily", "X"), 1, "the API server refuses it", id="a name that is none"),
    ],
)  # fmt: skip
def test_clone_refuses(desk: Desk, words: tuple[str, ...], code: int, told: str) -> None:
    """And creates nothing."""
    desk.plan("both")
    desk.workflow("both")
    if told == "the API server refuses it":
        desk.api.faults = lambda call: Fault(422) if call.verb == "create" else None
    ended = desk.type("clone", *words)
    assert (ended.code, told in ended.err) == (code, True), ended.err
    assert desk.names(LAUNCH_PLANS) == ["both", "daily"]


@pytest.mark.parametrize(
    ("text", "keys", "value"),
    [
        ("a.b=1", ["a", "b"], 1),
        ("spec.a=x y", ["a"], "x y"),
        ('a="1"', ["a"], "1"),
        ("a==", ["a"], "="),
        ("labels.example\\.com/team=red", ["labels", "example.com/team"], "red"),
        ("a=null", ["a"], None),
        ("a=[1, 2]", ["a"], [1, 2]),
        ("a=", ["a"], ""),
        ("a=NaN", ["a"], "NaN"),
        pytest.param("a=" + "[" * 100_000, ["a"], "[" * 100_000, id="deeper than JSON may nest"),
    ],
)
def test_an_assignment_is_a_path_and_json_or_a_text(text: str, keys: list[str], value: Any) -> None:
    """A dot of a key is written with a backslash."""
    assert read_assignment(text) == (keys, value)


def test_null_removes_a_field() -> None:
    """As in a merge patch."""
    spec = {"schedule": {"cron": "x"}, "suspend": True}
    assign(spec, ["schedule"], None)
    assert spec == {"suspend": True}


def test_a_value_in_a_text_is_refused() -> None:
    """There is no map to put it in."""
    with pytest.raises(Problem, match="no map to put 'b' in"):
        assign({"a": "x"}, ["a", "b"], 1)


def test_a_plan_is_listed_with_how_many_run_and_how_many_wait() -> None:
    """Under a limit of one, two people's runs."""
    desk = Desk()
    desk.plan()
    desk.report(LAUNCH_PLANS, "daily", {"running": 1, "concurrency": {"planUid": "u", "queued": 2}})
    head, row = desk.type("list", "--plans").out.splitlines()
    place = head.index("RUNNING")
    assert head[place:].split() == ["RUNNING", "QUEUED", "AGE"]
    assert row[place:].split()[:2] == ["1", "2"]
