"""References between two namespaces of a real control plane: what they stand for, the runs through them, and what they cost."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from launchplan_operator.api.kinds import (
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    NAMESPACES,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.reconcile.context import CLOCKS
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.audit import Audit, settled
from tests.cluster.support import (
    ENDED,
    INTERFACE,
    OUTPUTS,
    Object,
    Space,
    condition,
    eventually,
    phase_of,
    reason_of,
    run_of,
    words,
    workflow,
)

REFERENCES = REFERENCE_LAUNCH_PLANS
_MANY = 1000
_STATUS = ("update", "launchplanexecutions/status")
_HELD = workflow(words(OUTPUTS, hold="true"))


@pytest.fixture
def theirs(space: Space, new_space: Any) -> Iterator[Space]:
    """A second namespace, in which the plans are; `space` is the one that refers to them."""
    fresh: Space = new_space()
    yield fresh
    space.send("DELETE", NAMESPACES.path(None, fresh.namespace))


def pointing_at(theirs: Space, name: str = "daily", **spec: Any) -> Object:
    """Return the spec of a reference that fits the workflow of the tests."""
    inputs = [{"name": "city", "type": "string"}]
    outputs = [{"name": "rows", "type": "integer"}]
    return {"namespace": theirs.namespace, "name": name, "inputs": inputs, "outputs": outputs} | spec


def open_to(space: Space) -> Object:
    """Return what a plan says that allows references from a namespace."""
    return {"allowReferencesFrom": {"from": "Names", "names": [space.namespace]}}


def agree(space: Space, theirs: Space, offered: Object | None = None, **spec: Any) -> None:
    """Have a plan on the one side, and on the other a reference that stands for it."""
    theirs.offer(spec=offered)
    theirs.plan("daily", **(open_to(space) | spec))
    space.create(REFERENCES, "theirs", pointing_at(theirs))
    space.ready(REFERENCES, "theirs", "Resolved")


def through(name: str = "theirs", **spec: Any) -> Object:
    """Return the spec of a run through a reference."""
    return run_of(name, "ReferenceLaunchPlan", **spec)


def remote_of(space: Space, theirs: Space, name: str) -> Object:
    """Return the execution that does what a run asks for."""
    found = space.until(LAUNCH_PLAN_EXECUTIONS, name, lambda obj: "remote" in (obj.get("status") or {}))
    return theirs.read(LAUNCH_PLAN_EXECUTIONS, found["status"]["remote"]["name"])


def test_a_run_is_done_there_and_shown_here_to_its_outputs(space: Space, theirs: Space) -> None:
    """Inputs go over, outputs and times come back; the Job and its pod are the other namespace's."""
    agree(space, theirs)
    local = space.run("asked", through(inputs={"city": "Bergen"}))
    remote = remote_of(space, theirs, "asked")
    assert local["status"]["outputs"] == OUTPUTS
    assert remote["status"]["inputs"]["city"] == "Bergen"
    for field in ("phase", "startTime", "completionTime", "outputs", "launchPlanVersion"):
        assert local["status"][field] == remote["status"][field]
    assert space.makes_nothing()
    assert theirs.names(JOBS) == {remote["metadata"]["name"]}
    assert "ownerReferences" not in remote["metadata"]
    space.kubectl("wait", "--for=condition=Succeeded", "lpx/asked", "--timeout=5s")


def test_kubectl_shows_target_version_and_reason(space: Space, theirs: Space) -> None:
    """One line says what it stands for; a broken one why."""
    agree(space, theirs)
    version = theirs.read(LAUNCH_PLANS, "daily")["status"]["activeVersion"]
    table = space.kubectl("get", "rlp", "theirs")
    header, line = table.splitlines()[:2]
    assert header.split() == ["NAME", "TARGET", "VERSION", "READY", "REASON", "AGE"]
    assert line.split()[:5] == ["theirs", f"{theirs.namespace}/daily", version, "True", "Resolved"]
    theirs.edit(LAUNCH_PLANS, "daily", spec={"allowReferencesFrom": {"from": "Same", "names": None}})
    space.waiting(REFERENCES, "theirs", "TargetUnavailable")
    assert version in space.kubectl("get", "rlp", "theirs"), "the last good version is shown"
    told = theirs.until(LAUNCH_PLANS, "daily", lambda obj: obj["status"]["references"].get("refused"))
    assert told["status"]["references"]["from"] == [{"namespace": space.namespace, "name": "theirs", "allowed": False}]


def test_both_sides_may_change_in_any_order(space: Space, theirs: Space) -> None:
    """The reference first, then the plan; another interface, mended on the reference's side; deleted, and made again."""
    space.create(REFERENCES, "theirs", pointing_at(theirs))
    space.waiting(REFERENCES, "theirs", "TargetUnavailable")
    theirs.offer()
    theirs.plan("daily", **open_to(space))
    space.ready(REFERENCES, "theirs", "Resolved")
    other = workflow()
    number = {"name": "city", "type": "integer"}
    other["interface"] = INTERFACE | {"inputs": [number, *INTERFACE["inputs"][1:]]}
    theirs.replace(WORKFLOW_DEFINITIONS, "report", other)
    theirs.edit(LAUNCH_PLANS, "daily", spec={"defaultInputs": {"city": 5}})
    broken = space.stalled(REFERENCES, "theirs", "InterfaceMismatch")
    message = condition(broken, "Ready")["message"]
    assert "the reference passes string, but the plan takes integer" in message
    space.edit(REFERENCES, "theirs", spec={"inputs": [{"name": "city", "type": "integer"}]})
    space.ready(REFERENCES, "theirs", "Resolved")
    theirs.delete(LAUNCH_PLANS, "daily")
    space.waiting(REFERENCES, "theirs", "TargetUnavailable")
    theirs.plan("daily", defaultInputs={"city": 5}, **open_to(space))
    space.ready(REFERENCES, "theirs", "Resolved")


def test_a_namespace_is_chosen_by_its_labels(space: Space, theirs: Space) -> None:
    """They count from when they change, in both directions."""
    theirs.offer()
    theirs.plan("daily", allowReferencesFrom={"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}})
    space.create(REFERENCES, "theirs", pointing_at(theirs))
    space.waiting(REFERENCES, "theirs", "TargetUnavailable")
    space.kubectl("label", "namespace", space.namespace, "tier=gold")
    space.ready(REFERENCES, "theirs", "Resolved")
    space.kubectl("label", "namespace", space.namespace, "tier-")
    space.waiting(REFERENCES, "theirs", "TargetUnavailable")


BAD = [
    ("both places", {"project": "sales", "domain": "dev"}, "expected either namespace, or project and domain"),
    ("half a place", {"namespace": None, "project": "sales"}, "expected either namespace, or project and domain"),
    ("no place", {"namespace": None}, "expected either namespace, or project and domain"),
    ("a long place", {"namespace": None, "project": "p" * 40, "domain": "d" * 40}, "at most 63 characters"),
    ("a namespace that is no name", {"namespace": "Team_B"}, "spec.namespace"),
    ("a plan name that is none", {"name": "No Such"}, "spec.name"),
    ("a plan name that is too long", {"name": "n" * 53}, "spec.name"),
    ("a version that cannot exist", {"version": "not/a/label"}, "spec.version"),
    ("an input twice", {"inputs": [{"name": "a", "type": "string"}] * 2}, "Duplicate value"),
    ("an input without a type", {"inputs": [{"name": "a"}]}, "type: Required value"),
]


@pytest.mark.parametrize(("changes", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_reference_is_refused_at_apply(space: Space, theirs: Space, changes: Object, words: str) -> None:
    """The server says what was expected, and where."""
    spec = {key: value for key, value in (pointing_at(theirs) | changes).items() if value is not None}
    body = {"apiVersion": REFERENCES.api_version, "kind": REFERENCES.kind, "metadata": {"name": "bad"}, "spec": spec}
    reply = space.ask("POST", REFERENCES, None, body)
    assert reply.status == 422
    assert words in reply.body["message"]


BAD_RUNS = [
    {"labels": {"a": "b"}},
    {"annotations": {"a": "b"}},
    {"timeout": "5s"},
    {"env": [{"name": "A", "value": "b"}]},
    {"interruptible": True},
    {"maxParallelism": 2},
    {"rawOutputDataConfig": {"outputLocationPrefix": "s3://elsewhere"}},
    {"identity": {"serviceAccountName": "root"}},
]


@pytest.mark.parametrize("setting", BAD_RUNS, ids=lambda setting: next(iter(setting)))
def test_a_run_through_a_reference_gives_inputs_and_a_version_only(space: Space, setting: Object) -> None:
    """Whatever else it asks for is refused at apply."""
    body = {
        "apiVersion": LAUNCH_PLAN_EXECUTIONS.api_version,
        "kind": LAUNCH_PLAN_EXECUTIONS.kind,
        "metadata": {"name": "bad"},
        "spec": through() | setting,
    }
    reply = space.ask("POST", LAUNCH_PLAN_EXECUTIONS, None, body)
    assert reply.status == 422
    assert "a run through a reference gives inputs and a version only" in reply.body["message"]


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("itself", {"name": "itself"}, "ReferenceToItself"),
        ("another", {"name": "theirs"}, "ReferenceToReference"),
        ("misspelt", {"outputs": [{"name": "rows", "type": "strnig"}]}, "TypeInvalid"),
    ],
)
def test_what_only_the_operator_sees_is_stalled(
    space: Space, theirs: Space, name: str, changes: Object, reason: str
) -> None:
    """At once, with one reason."""
    space.create(REFERENCES, "theirs", pointing_at(theirs))
    own = {"namespace": space.namespace} if "name" in changes else {}
    space.create(REFERENCES, name, pointing_at(theirs, **own) | changes)
    space.stalled(REFERENCES, name, reason)


def test_terminate_deletion_and_withdrawal_reach_the_other_side(space: Space, theirs: Space) -> None:
    """What runs goes on without consent; what is terminated, or deleted, ends on both sides."""
    agree(space, theirs, _HELD)
    for name in ("ended", "dropped", "kept", "lost"):
        space.create(LAUNCH_PLAN_EXECUTIONS, name, through())
    remotes = {name: remote_of(space, theirs, name) for name in ("ended", "dropped", "kept", "lost")}
    for name in remotes:
        space.in_phase(name, "Running")
    theirs.edit(LAUNCH_PLANS, "daily", spec={"allowReferencesFrom": {"from": "Same", "names": None}})
    space.edit(LAUNCH_PLAN_EXECUTIONS, "ended", spec={"terminate": {"cause": "changed my mind"}})
    space.delete(LAUNCH_PLAN_EXECUTIONS, "dropped")
    theirs.delete(LAUNCH_PLAN_EXECUTIONS, remotes["lost"]["metadata"]["name"])
    space.create(LAUNCH_PLAN_EXECUTIONS, "later", through())
    aborted = space.ended("ended", "Aborted", 60)
    assert "changed my mind" in aborted["status"]["error"]["message"]
    theirs.ended(remotes["dropped"]["metadata"]["name"], "Aborted", 60)
    assert space.ended("lost", "Failed")["status"]["error"]["code"] == "RemoteDeleted"
    theirs.release(theirs.running_pod(remotes["kept"]["metadata"]["name"]))
    space.ended("kept")
    waiting = space.until(LAUNCH_PLAN_EXECUTIONS, "later", lambda obj: phase_of(obj) == "Queued")
    assert "remote" not in waiting["status"]


def test_a_namespace_that_goes_takes_nothing_of_the_other_with_it(space: Space, theirs: Space) -> None:
    """The run's record stays and says what became of it: its pod was killed, or all of it was gone before that was told."""
    agree(space, theirs, _HELD)
    space.create(LAUNCH_PLAN_EXECUTIONS, "asked", through())
    space.in_phase("asked", "Running")
    space.send("DELETE", NAMESPACES.path(None, theirs.namespace))
    error = space.ended("asked", "Failed", 60)["status"]["error"]
    assert error["code"] in {"RemoteDeleted", "BackoffLimitExceeded"}
    space.waiting(REFERENCES, "theirs", "TargetUnavailable")


def test_a_run_costs_the_other_one_a_note_of_it_and_a_mirror_of_each_of_its_states(
    space: Space, theirs: Space, cluster: LocalCluster
) -> None:
    """Nothing is read for it. How many states a run is seen in depends on how fast it is."""
    agree(space, theirs)
    time.sleep(CLOCKS.total_seconds() + 1)  # a run that an earlier leader may have seen is asked for once more
    audit = Audit(cluster.audit_log).from_now()
    space.run("asked", through())
    here, there = settled(lambda: audit.all(space.namespace)), settled(lambda: audit.all(theirs.namespace))
    assert set(here) == {_STATUS}
    assert here[_STATUS] <= there[_STATUS] + 1
    assert (there["create", "launchplanexecutions"], there["create", "jobs"]) == (1, 1)
    assert there["get", "launchplanexecutions"] == there["patch", "launchplanexecutions"] == 0


def test_a_thousand_references_cost_one_write_each_when_their_plan_changes(
    space: Space, theirs: Space, cluster: LocalCluster
) -> None:
    """And the plan two: its new version, and its status."""
    agree(space, theirs)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: space.create(REFERENCES, f"r{number}", pointing_at(theirs)), range(_MANY - 1)))
    everyone = {("update", "referencelaunchplans/status"): _MANY}
    seen = lambda: Counter(reason_of(each) for each in space.all(REFERENCES))  # noqa: E731 - said twice
    eventually(seen, lambda counts: counts == {"Resolved": _MANY}, 120)
    settled(lambda: Audit(cluster.audit_log).all(space.namespace))
    audit = Audit(cluster.audit_log).from_now()
    theirs.edit(LAUNCH_PLANS, "daily", spec={"defaultInputs": {"city": "Rome"}})
    eventually(lambda: audit.all(space.namespace), lambda calls: calls == everyone, 60)
    assert settled(lambda: audit.all(space.namespace)) == everyone
    assert settled(lambda: audit.all(theirs.namespace)) == {
        ("create", "controllerrevisions"): 1,
        ("update", "launchplans/status"): 1,
    }
    version = theirs.read(LAUNCH_PLANS, "daily")["status"]["activeVersion"]
    assert {each["status"]["resolved"]["version"] for each in space.all(REFERENCES)} == {version}


def test_an_operator_that_is_killed_again_and_again_leaves_neither_side_alone(
    space: Space, theirs: Space, running: OperatorProcess
) -> None:
    """Runs are asked for, terminated and deleted meanwhile; in the end each pair has ended in the same way, with one Job."""
    agree(space, theirs, concurrency={"max": 3, "behavior": "Queue"})
    names = [f"run-{number}" for number in range(24)]
    for number, name in enumerate(names):
        space.create(LAUNCH_PLAN_EXECUTIONS, name, through())
        if number % 6 == 4:
            space.edit(LAUNCH_PLAN_EXECUTIONS, name, spec={"terminate": {"cause": "enough"}})
        if number % 6 == 5:
            space.delete(LAUNCH_PLAN_EXECUTIONS, names[number - 2])
            running.kill()
            running.start()
    running.await_ready()
    left = sorted(space.names(LAUNCH_PLAN_EXECUTIONS))
    eventually(
        lambda: [phase_of(each) for each in space.all(LAUNCH_PLAN_EXECUTIONS)], lambda all_: set(all_) <= ENDED, 120
    )
    eventually(
        lambda: [phase_of(each) for each in theirs.all(LAUNCH_PLAN_EXECUTIONS)], lambda all_: set(all_) <= ENDED, 120
    )
    remotes = {each["metadata"]["uid"]: each for each in theirs.all(LAUNCH_PLAN_EXECUTIONS)}
    for local in space.all(LAUNCH_PLAN_EXECUTIONS):
        noted = local["status"].get("remote")
        if noted is not None:
            assert remotes[noted["uid"]]["status"]["phase"] == local["status"]["phase"]
    claimed = {(each["status"].get("remote") or {}).get("uid") for each in space.all(LAUNCH_PLAN_EXECUTIONS)}
    for uid, remote in remotes.items():
        asking = remote["metadata"]["labels"]["launchplan.dev/from-execution"]
        assert uid in claimed or asking not in left or "jobRef" not in remote["status"]
