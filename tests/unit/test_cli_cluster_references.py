"""References at the command line through `main`: runs through them, what both sides are told, and the log across the border."""

from typing import Any

import pytest
import yaml

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, REFERENCE_LAUNCH_PLANS
from tests.unit.cli_cluster import HASH_2, NAMESPACE, VERSION_1, VERSION_2, Desk, plan_status, ready, run_status

OTHER = "team-b"
RUN, REMOTE = "theirs-abcde", "ref-1234"
RESOLVED: dict[str, Any] = {
    "namespace": OTHER,
    "name": "report",
    "uid": "u-1",
    "version": VERSION_2,
    "hash": HASH_2,
    "inputs": [
        {"name": "city", "type": "string", "required": False},
        {"name": "days", "type": "integer", "required": True},
    ],
    "fixed": ["mode"],
    "outputs": [{"name": "rows", "type": "integer"}],
}
SPEC: dict[str, Any] = {
    "namespace": OTHER,
    "name": "report",
    "inputs": [{"name": "city", "type": "string"}, {"name": "days", "type": "integer"}],
    "outputs": [{"name": "rows", "type": "float"}],
}
THROUGH = {"kind": "ReferenceLaunchPlan", "name": "theirs"}
NOTED: dict[str, Any] = {"remote": {"namespace": OTHER, "name": REMOTE, "uid": "u-2"}}


def refer(desk: Desk, status: dict[str, Any] | None = None, **spec: Any) -> None:
    """Create a reference as the operator sees it: it stands for a plan whose interface fits."""
    fits = {"observedGeneration": 1, "conditions": [ready("Resolved", message="it fits")], "resolved": RESOLVED}
    desk.create(REFERENCE_LAUNCH_PLANS, "theirs", SPEC | spec, fits if status is None else status)


def ask(desk: Desk, phase: str | None = "Running", /, **status: Any) -> None:
    """Create a run through the reference."""
    known = run_status(phase) | status if phase else None
    desk.create(LAUNCH_PLAN_EXECUTIONS, RUN, {"launchPlanRef": THROUGH, "inputs": {"days": 3}}, known)


def only_run(desk: Desk) -> dict[str, Any]:
    """Return the spec of the one run."""
    (run,) = desk.api.store.of(LAUNCH_PLAN_EXECUTIONS)
    spec: dict[str, Any] = run["spec"]
    return spec


@pytest.fixture
def desk() -> Desk:
    """A reference to a plan in another namespace."""
    desk = Desk()
    desk.api.add_namespace(OTHER)
    refer(desk)
    return desk


def test_a_run_through_a_reference_is_asked_for_by_the_types_that_it_declares(desk: Desk) -> None:
    """The texts become values; nothing but inputs is asked for, and only in the own namespace."""
    ended = desk.type("run", "rlp/theirs", "--input", "days=3", "--input", "city=0150", "-o", "name")
    assert (ended.code, ended.out[:11]) == (0, "lpx/theirs-"), ended.err
    assert only_run(desk) == {"launchPlanRef": THROUGH, "inputs": {"days": 3, "city": "0150"}}
    assert [write for write in desk.api.writes() if f"{OTHER}/" in write] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(
            (), "MissingInput: spec.inputs.days: found no value for the required input 'days'", id="too little"
        ),
        pytest.param(
            ("days=x",),
            "TypeMismatch: spec.inputs.days: input 'days': expected integer, found the text 'x'",
            id="another type",
        ),
        pytest.param(
            ("days=3", "citty=x"),
            "UnexpectedInput: spec.inputs.citty: found the input 'citty', which the reference does not declare; "
            "it declares city, days (did you mean 'city'?)",
            id="a slip in a name",
        ),
        pytest.param(("days=3", "mode=x"), "UnexpectedInput: spec.inputs.mode", id="one that the plan fixes"),
    ],
)
def test_a_run_that_would_be_rejected_is_not_asked_for(desk: Desk, words: tuple[str, ...], told: str) -> None:
    """Every finding is told, and nothing is created."""
    ended = desk.type("run", "rlp/theirs", *(word for pair in words for word in ("--input", pair)))
    assert (ended.code, desk.api.writes()[2:]) == (1, [])
    assert f"error: {told}" in ended.err


@pytest.mark.parametrize("setting", ["--label", "--env", "--service-account"])
def test_a_setting_is_refused_in_one_sentence(desk: Desk, setting: str) -> None:
    """All but inputs and a version is the business of the plan."""
    ended = desk.type("run", "rlp/theirs", "--input", "days=3", setting, "a=b")
    assert (ended.code, desk.names(LAUNCH_PLAN_EXECUTIONS), ended.err.count("\n")) == (2, [], 1)


@pytest.mark.parametrize(
    ("pinned", "asked", "words", "code", "told"),
    [
        pytest.param(None, VERSION_1, (), 0, "created", id="another one, of which nothing is known"),
        pytest.param(None, VERSION_2, (), 1, "MissingInput", id="the one that it stands for"),
        pytest.param(VERSION_2, VERSION_2, ("--input", "days=3"), 0, "created", id="the one that it names"),
        pytest.param(
            VERSION_2,
            VERSION_1,
            ("--input", "days=3"),
            1,
            f"VersionNotFound: spec.launchPlanRef.version: found version {VERSION_1!r}, expected {VERSION_2!r}",
            id="another one than it names",
        ),
    ],
)
def test_a_version_may_be_asked_for(
    pinned: str | None, asked: str, words: tuple[str, ...], code: int, told: str
) -> None:
    """Unless the reference names one; what a version needs is known only of the one that it stands for."""
    desk = Desk()
    refer(desk, None, **({"version": pinned} if pinned else {}))
    ended = desk.type("run", "rlp/theirs", "--version", asked, *words)
    assert ended.code == code
    assert told in ended.out + ended.err
    if code == 0:
        assert only_run(desk)["launchPlanRef"] == THROUGH | {"version": asked}


STALLED = [ready("InterfaceMismatch", "False", message="no such input"), ready("x", "True", "Stalled")]


def test_a_reference_that_is_stalled_is_not_run(desk: Desk) -> None:
    """What it stood for the last time is not what a run would get."""
    desk.report(REFERENCE_LAUNCH_PLANS, "theirs", {"conditions": STALLED})
    ended = desk.type("run", "rlp/theirs", "--input", "days=3")
    assert (ended.code, desk.names(LAUNCH_PLAN_EXECUTIONS)) == (1, [])
    assert ended.err == (
        "error: ReferenceInvalid: the ReferenceLaunchPlan 'theirs' is not valid: InterfaceMismatch: no such input "
        "(kubectl describe rlp theirs)\n"
    )


def test_a_reference_that_the_operator_has_not_seen_is_run_with_what_it_declares() -> None:
    """What the plan needs is not known yet: the operator says it."""
    desk = Desk()
    refer(desk, {})
    assert desk.type("run", "rlp/theirs", "--input", "days=x").code == 1
    assert desk.type("run", "rlp/theirs").code == 0


def test_a_dry_run_prints_the_manifest_of_the_run(desk: Desk) -> None:
    """It can be applied as it is."""
    ended = desk.type("run", "rlp/theirs", "--input", "days=3", "--dry-run")
    assert yaml.safe_load(ended.out)["spec"] == {"launchPlanRef": THROUGH, "inputs": {"days": 3}}
    assert desk.names(LAUNCH_PLAN_EXECUTIONS) == []


def test_a_bare_name_that_is_a_references_is_told_so(desk: Desk) -> None:
    """Which is somebody else's plan: it takes the kind before it."""
    ended = desk.type("run", "theirs", "--input", "days=3")
    assert (ended.code, desk.names(LAUNCH_PLAN_EXECUTIONS)) == (1, [])
    assert "did you mean the reference, rlp/theirs?" in ended.err


def test_resolve_shows_what_a_run_would_pass_and_no_value_of_the_plan(desk: Desk) -> None:
    """The plan's own stay where they are."""
    ended = desk.type("resolve", "--plan", "rlp/theirs", "--input", "days=3", "-o", "json")
    assert yaml.safe_load(ended.out) == {"inputs": {"days": 3}}
    assert "MissingInput" in desk.type("resolve", "--plan", "rlp/theirs", "-o", "text").err


def test_waiting_and_terminating_are_done_on_the_own_run(desk: Desk) -> None:
    """It mirrors the other one, and hands the wish to end on."""
    ask(desk, **NOTED)
    assert desk.type("terminate", RUN, "--cause", "wrong city").code == 0
    assert desk.get(LAUNCH_PLAN_EXECUTIONS, RUN)["spec"]["terminate"] == {"cause": "wrong city"}
    desk.connection.steps = [desk.ends(RUN, "Succeeded", outputs={"rows": 4})]
    ended = desk.type("wait", RUN)
    assert (ended.code, ended.out) == (0, f"lpx/{RUN}: Succeeded\n  rows: 4\n")
    assert {call.namespace for call, _ in desk.api.log if call.verb != "watch"} <= {NAMESPACE, None, ""}


def test_a_run_through_a_reference_is_run_once_more_in_the_version_that_ran(desk: Desk) -> None:
    """With the inputs of before, but for those that are given anew."""
    ask(desk, "Succeeded", **NOTED)
    assert desk.type("relaunch", RUN, "--input", "city=Rome").code == 0
    (new,) = (run for run in desk.api.store.of(LAUNCH_PLAN_EXECUTIONS) if run["metadata"]["name"] != RUN)
    assert new["spec"] == {
        "launchPlanRef": THROUGH | {"version": VERSION_2},
        "inputs": {"days": 3, "city": "Rome"},
        "relaunchOf": RUN,
    }


def test_nobody_asks_for_a_run_by_relaunching_one_that_was_asked_for() -> None:
    """A run that came from elsewhere is run once more as a plan's own: who asked for it is not copied."""
    desk = Desk()
    desk.plan()
    marks = {f"launchplan.dev/from-{each}": "x" for each in ("namespace", "reference", "execution", "uid")}
    ref = {"launchPlanRef": {"kind": "LaunchPlan", "name": "daily", "version": VERSION_2}, "inputs": {"days": 3}}
    desk.create(LAUNCH_PLAN_EXECUTIONS, REMOTE, ref, run_status("Succeeded"), labels=marks)
    assert desk.type("relaunch", REMOTE).code == 0
    (new,) = (run for run in desk.api.store.of(LAUNCH_PLAN_EXECUTIONS) if run["metadata"]["name"] != REMOTE)
    assert "labels" not in new["metadata"]
    assert new["spec"]["launchPlanRef"]["kind"] == "LaunchPlan"


def test_a_reference_is_cloned(desk: Desk) -> None:
    """Its spec alone, with what is set anew."""
    assert desk.type("clone", "theirs", "theirs-too", "--set", "version=v7").out == "rlp/theirs-too created\n"
    assert desk.get(REFERENCE_LAUNCH_PLANS, "theirs-too")["spec"] == SPEC | {"version": "v7"}


def test_the_runs_through_a_reference_are_listed(desk: Desk) -> None:
    """Not those of a plan of the same name."""
    ask(desk)
    desk.run("other", launchPlanRef={"kind": "LaunchPlan", "name": "theirs"})
    assert [line.split()[:2] for line in desk.type("list", "rlp/theirs").out.splitlines()[1:]] == [[RUN, "rlp/theirs"]]
    assert [line.split()[:2] for line in desk.type("list", "theirs").out.splitlines()[1:]] == [["other", "theirs"]]


@pytest.mark.parametrize("command", ["activate", "suspend", "versions", "next"])
def test_what_is_the_plans_business_takes_no_reference(desk: Desk, command: str) -> None:
    """Its owner alone may."""
    assert desk.type(command, "rlp/theirs").code == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("run", "rlp/"), ["rlp/theirs"], id="what can run"),
        pytest.param(("list", "rlp/t"), ["rlp/theirs"], id="whose runs are listed"),
        pytest.param(("describe", "rlp/"), ["rlp/theirs"], id="what is described"),
        pytest.param(("run", "rlp/theirs", "--input", ""), ["city=", "days="], id="the inputs that it declares"),
        pytest.param(("run", "rlp/theirs", "--version", ""), [VERSION_2], id="the version that it stands for"),
        pytest.param(("resolve", "--plan", "rlp/theirs", "--input", "d"), ["days="], id="the inputs of an option's"),
        pytest.param(("relaunch", RUN, "--input", "d"), ["days="], id="the inputs of a run"),
        pytest.param(("activate", "rlp/"), [], id="nothing where only plans are meant"),
    ],
)
def test_the_next_word_is_offered(desk: Desk, words: tuple[str, ...], expected: list[str]) -> None:
    """From the references of the namespace."""
    ask(desk)
    ended = desk.type("__complete", *words)
    assert [line.partition("\t")[0] for line in ended.out.splitlines()[:-1]] == expected


DESCRIBED = """\
Reference:   theirs (namespace default)
State:       Resolved: it fits
Plan:        report (namespace team-b)
Version:     the active one
Stands for:  version 2222222222

Inputs a run may give:
  NAME   TYPE      VALUE
  city   string    optional
  days   integer   required

Outputs that are relied on:
  NAME   TYPE
  rows   float
"""


def test_a_reference_is_described(desk: Desk) -> None:
    """What it names, whether that fits, and what runs pass and get."""
    assert desk.type("describe", "theirs").out == DESCRIBED
    assert yaml.safe_load(desk.type("describe", "rlp/theirs", "-o", "json").out)["spec"] == SPEC


def test_a_broken_reference_says_what_it_stood_for(desk: Desk) -> None:
    """And that this was before."""
    desk.report(REFERENCE_LAUNCH_PLANS, "theirs", {"conditions": STALLED})
    told = desk.type("describe", "rlp/theirs").out
    assert "State:       InterfaceMismatch: no such input\n" in told
    assert "Stands for:  version 2222222222, when all was well the last time\n" in told


def test_a_reference_by_project_and_domain_is_described_by_the_namespace_that_they_make() -> None:
    """A new one is not looked at yet."""
    desk = Desk()
    spec = {"project": "flights", "domain": "production", "name": "report", "version": "v1"}
    desk.create(REFERENCE_LAUNCH_PLANS, "theirs", spec)
    told = desk.type("describe", "theirs").out
    assert "Plan:       report (namespace flights-production)\nVersion:    v1\n" in told
    assert "State:      Unseen" in told
    assert "Stands for" not in told
    assert "Inputs" not in told


@pytest.mark.parametrize(
    ("consent", "references", "told"),
    [
        pytest.param(None, None, "", id="nothing where nobody refers and nobody else may"),
        pytest.param({"from": "All"}, None, "References:  allowed from every namespace\n", id="whom it allows"),
        pytest.param(
            {"from": "Names", "names": ["a", "b"]},
            {"count": 1, "from": [{"namespace": "a", "name": "x", "allowed": True}]},
            "References:  1; allowed from a, b\n",
            id="how many there are",
        ),
        pytest.param(
            None,
            {"count": 3, "refused": 2, "from": [{"namespace": "a", "name": "x", "allowed": False}]},
            "References:  3, 2 of them refused; allowed from this namespace alone\n",
            id="how many are refused",
        ),
        pytest.param(
            {"from": "Selector", "selector": {"matchLabels": {"x": "y"}}},
            None,
            "References:  allowed from namespaces that spec.allowReferencesFrom.selector chooses\n",
            id="by their labels",
        ),
    ],
)
def test_a_plan_is_described_with_whom_it_allows_and_who_refers_to_it(
    consent: dict[str, Any] | None, references: dict[str, Any] | None, told: str
) -> None:
    """Its owner sees it, and nobody else."""
    desk = Desk()
    spec: dict[str, Any] = {"allowReferencesFrom": consent} if consent else {}
    desk.plan(status=plan_status(references=references), **spec)
    text = desk.type("describe", "lp/daily").out
    assert [line for line in text.splitlines(keepends=True) if line.startswith("References:")] == (
        [told] if told else []
    )
    assert ("\nReferred to by:\n" in text) == bool(references)


def test_who_refers_to_a_plan_is_listed() -> None:
    """As many as its status names, and how many more there are."""
    desk = Desk()
    names = [{"namespace": "a", "name": "x", "allowed": True}, {"namespace": "b", "name": "y", "allowed": False}]
    desk.plan(status=plan_status(references={"count": 5, "refused": 1, "from": names}))
    listed = "  REFERENCE   ALLOWED\n  a/x         yes\n  b/y         no\n  and 3 more\n"
    assert f"\nReferred to by:\n{listed}" in desk.type("describe", "daily").out


def test_both_runs_are_described_with_the_other_one(desk: Desk) -> None:
    """The own one names the one that does the work; that one names who asked for it."""
    ask(desk, **NOTED)
    told = desk.type("describe", RUN).out
    for line in ("Reference:  theirs", "Remote:     lpx/ref-1234 (namespace team-b)", f"kubectl launchplan logs {RUN}"):
        assert line in told
    asker = {"namespace": "team-a", "reference": "theirs", "execution": "asked", "uid": "u"}
    desk.run("from-elsewhere")
    desk.report(LAUNCH_PLAN_EXECUTIONS, "from-elsewhere", {"origin": {"type": "Reference", "requester": asker}})
    told = desk.type("describe", "from-elsewhere").out
    assert "Origin:        Reference\nAsked for by:  lpx/asked (namespace team-a), through rlp/theirs\n" in told
