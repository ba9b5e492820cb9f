"""The log of a run through a reference through `main`: it is in the plan's namespace, for who may see it there."""

from typing import Any

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, PODS, WORKFLOW_DEFINITIONS
from tests.fake import Fault
from tests.fake.routing import Call
from tests.unit.cli_cluster import Answer, Desk, run_status
from tests.unit.test_cli_cluster_references import NOTED, OTHER, REMOTE, RUN, ask, refer

DONE = {"terminated": {"exitCode": 0, "finishedAt": "2026-01-01T00:00:01Z"}}
BORDER = (
    "the pods of theirs-abcde are those of lpx/ref-1234 in the namespace 'team-b', and you may not see them there: "
    "the API server forbids it: injected (ask the owner of 'team-b' to let you list and watch pods and get "
    "pods/log there)\n"
)


def remote_pod(desk: Desk, state: dict[str, Any] | None = None) -> None:
    """Create the pod of the run in the plan's namespace."""
    spec = {"containers": [{"name": "side", "image": "x"}, {"name": "main", "image": "x"}]}
    metadata = {"name": "p", "namespace": OTHER, "labels": {"batch.kubernetes.io/job-name": REMOTE}}
    desk.api.do("POST", PODS.path(OTHER), {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    states = [{"name": name, "state": state or DONE} for name in ("side", "main")]
    desk.api.do("PATCH", PODS.path(OTHER, "p", "status"), {"status": {"containerStatuses": states}})


@pytest.fixture
def desk() -> Desk:
    """A reference to a plan in another namespace."""
    desk = Desk()
    desk.api.add_namespace(OTHER)
    refer(desk)
    return desk


@pytest.mark.parametrize("words", [(), ("-f",), ("-c", "main")])
def test_the_log_is_that_of_the_run_in_the_plans_namespace(desk: Desk, words: tuple[str, ...]) -> None:
    """Whose container carries the outputs only the other namespace's workflow says; else it is the pod's first."""
    ask(desk, "Succeeded", **NOTED)
    remote_pod(desk)
    desk.pod(RUN, "not-ours", DONE)
    desk.connection.logs = {"p": [Answer(200, (b"from afar\n",))], "not-ours": [Answer(200, (b"no",))]}
    ended = desk.type("logs", RUN, *words)
    assert (ended.code, ended.out, ended.err) == (0, "from afar\n", "")
    assert desk.connection.asked == [("p", {"container": "main" if "main" in words else "side"})]


def test_the_log_is_followed_from_before_the_other_run_is_known(desk: Desk) -> None:
    """As soon as the own run notes it, until the own run has ended."""
    desk.connection.logs = {"p": [Answer(200, (b"from afar\n",))]}

    def note() -> None:
        (name,) = desk.names(LAUNCH_PLAN_EXECUTIONS)
        remote_pod(desk)
        desk.report(LAUNCH_PLAN_EXECUTIONS, name, run_status("Running") | NOTED)

    def end() -> None:
        (name,) = desk.names(LAUNCH_PLAN_EXECUTIONS)
        desk.report(LAUNCH_PLAN_EXECUTIONS, name, run_status("Succeeded"))

    desk.connection.steps = [lambda: None, note, end]
    ended = desk.type("run", "rlp/theirs", "--input", "days=3", "--logs")
    assert (ended.code, "from afar\n" in ended.out) == (0, True), ended.err
    assert desk.connection.asked[0][0] == "p"


def test_a_run_that_never_got_another_one_has_no_log(desk: Desk) -> None:
    """Followed or not: it ended before."""
    ask(desk, "Rejected", error={"kind": "User", "code": "ReferenceInvalid", "message": "no"})
    told = f"error: {RUN} never had a pod: it ended as Rejected: ReferenceInvalid: no\n"
    assert (desk.type("logs", RUN).err, desk.type("logs", "-f", RUN).err) == (told, told)


@pytest.mark.parametrize("phase", ["Running", "Queued"])
def test_who_follows_a_run_that_is_rejected_waits_for_no_other(desk: Desk, phase: str) -> None:
    """Its end is the end."""
    ask(desk, phase)
    desk.connection.steps = [lambda: None, desk.ends(RUN, "Rejected")]
    ended = desk.type("logs", "-f", RUN)
    assert (ended.code, ended.out) == (0, "")


def no_pods_there(call: Call) -> Fault | None:
    """Forbid the pods of the plan's namespace."""
    return Fault(403) if call.kind == PODS and call.namespace == OTHER else None


@pytest.mark.parametrize("words", [(), ("-f",)])
@pytest.mark.parametrize("phase", ["Running", "Succeeded"])
def test_who_may_not_see_the_pods_is_told_whom_to_ask(desk: Desk, phase: str, words: tuple[str, ...]) -> None:
    """In one sentence: where the pods are, and for which right to ask."""
    ask(desk, phase, **NOTED)
    remote_pod(desk)
    desk.api.faults = no_pods_there
    ended = desk.type("logs", RUN, *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith(f"error: {BORDER}")


def test_who_may_not_see_the_pods_still_waits_for_what_was_started(desk: Desk) -> None:
    """The note is in place of the log; the exit code says how the run ended."""
    desk.api.faults = no_pods_there

    def note() -> None:
        (name,) = desk.names(LAUNCH_PLAN_EXECUTIONS)
        desk.report(LAUNCH_PLAN_EXECUTIONS, name, run_status("Running") | NOTED)

    def end() -> None:
        (name,) = desk.names(LAUNCH_PLAN_EXECUTIONS)
        desk.report(
            LAUNCH_PLAN_EXECUTIONS, name, run_status("Failed", error={"kind": "User", "code": "Exit3", "message": "no"})
        )

    desk.connection.steps = [lambda: None, note, end]
    ended = desk.type("run", "rlp/theirs", "--input", "days=3", "--logs")
    assert ended.code == 3
    assert "note: the pods of theirs-" in ended.err
    assert "ask the owner of 'team-b' to let you list and watch pods and get pods/log there" in ended.err


def test_the_own_pods_are_refused_as_ever(desk: Desk) -> None:
    """No border is crossed."""
    desk.plan()
    desk.run()
    desk.api.faults = lambda call: Fault(403) if call.kind == PODS else None
    assert "ask the owner" not in desk.type("logs", "daily-abcde").err


def test_the_workflow_of_the_other_namespace_says_which_container_speaks(desk: Desk) -> None:
    """To who may read it."""
    ask(desk, "Succeeded", **NOTED)
    ref = {"launchPlanRef": {"kind": "LaunchPlan", "name": "report"}}
    ran = run_status("Succeeded") | {"workflow": {"name": "report", "version": "w"}}
    desk.create(LAUNCH_PLAN_EXECUTIONS, REMOTE, ref, ran, namespace=OTHER)
    job = {"template": {"spec": {"containers": [{"name": "main", "image": "x"}]}}}
    workflow = {
        "apiVersion": "launchplan.dev/v1alpha1",
        "kind": "WorkflowDefinition",
        "spec": {"job": job, "container": "main"},
    }
    desk.api.do(
        "POST", WORKFLOW_DEFINITIONS.path(OTHER), workflow | {"metadata": {"name": "report", "namespace": OTHER}}
    )
    remote_pod(desk)
    desk.connection.logs = {"p": [Answer(200, (b"x",))]}
    assert desk.type("logs", RUN).code == 0
    assert desk.connection.asked == [("p", {"container": "main"})]
