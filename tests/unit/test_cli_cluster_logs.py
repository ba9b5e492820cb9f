"""`logs` and `run --logs` through `main`: which pod, which container, each byte once."""

from typing import Any

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, PODS, WORKFLOW_DEFINITIONS
from tests.fake import Fault
from tests.unit.cli_cluster import Answer, Desk, broken, run_status

RUN = "daily-abcde"
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
DONE = {"terminated": {"exitCode": 0, "finishedAt": "2026-01-01T00:00:01Z"}}
WAITING = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}


@pytest.fixture
def desk() -> Desk:
    """A run of a plan, running."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    desk.run()
    return desk


def says(*pieces: bytes | Exception) -> Answer:
    """Return a log."""
    return Answer(200, pieces)


def test_the_log_of_the_last_pod_that_began_is_shown(desk: Desk) -> None:
    """As bytes, whatever they are; a retry that has not begun has none."""
    desk.pod(RUN, "a", DONE)
    desk.pod(RUN, "b", DONE)
    desk.pod(RUN, "c")
    desk.pod("other", "d", DONE)
    desk.connection.logs = {"a": [says(b"first")], "b": [says(b"sec", b"ond \xc3\xa9\n")], "d": [says(b"no")]}
    ended = desk.type("logs", RUN)
    assert (ended.code, ended.out) == (0, "second é\n")
    assert desk.connection.asked == [("b", {"container": "main"})]


@pytest.mark.parametrize(
    ("named", "words", "annotations", "expected"),
    [
        pytest.param("main", (), {}, "main", id="the one that the workflow names"),
        pytest.param(None, (), {}, "side", id="the first"),
        pytest.param("gone", (), {}, "side", id="the first, where the pod lacks the named one"),
        pytest.param(None, (), {"kubectl.kubernetes.io/default-container": "main"}, "main", id="kubectl's default"),
        pytest.param(
            "main",
            (),
            {"kubectl.kubernetes.io/default-container": "side"},
            "main",
            id="the workflow's before kubectl's",
        ),
        pytest.param("main", ("-c", "side"), {}, "side", id="the one that is asked for"),
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_the_container_that_carries_the_outputs_is_chosen(
    named: str | None, words: tuple[str, ...], annotations: dict[str, str], expected: str, *, bare: bool
) -> None:
    """Of a plan's run and of a bare workflow's alike."""
    desk = Desk()
    desk.workflow(**({"container": named} if named else {}))
    desk.plan()
    ref = {"kind": "WorkflowDefinition", "name": "report"} if bare else {"kind": "LaunchPlan", "name": "daily"}
    desk.run(launchPlanRef=ref)
    containers = [{"name": "side", "image": "x"}, {"name": "main", "image": "x"}]
    desk.pod(RUN, "a", containers=containers)
    states = [{"name": name, "state": DONE} for name in ("side", "main")]
    desk.api.do("PATCH", PODS.path("default", "a", "status"), {"status": {"containerStatuses": states}})
    desk.api.do("PATCH", PODS.path("default", "a"), {"metadata": {"annotations": annotations}})
    desk.connection.logs = {"a": [says(b"x")]}
    assert desk.type("logs", RUN, *words).code == 0
    assert desk.connection.asked == [("a", {"container": expected})]


@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_a_container_that_is_asked_for_must_be_there(desk: Desk, follow: tuple[str, ...]) -> None:
    """Another one's log would be taken for its own."""
    desk.pod(RUN, "a", DONE)
    desk.connection.logs = {"a": [says(b"x")]}
    ended = desk.type("logs", RUN, "-c", "gone", *follow)
    assert (ended.code, ended.out, desk.connection.asked) == (1, "", [])
    assert ended.err.endswith("error: found no container 'gone' in pod a; it has main\n")


def test_a_container_that_prepares_the_pod_may_be_asked_for(desk: Desk) -> None:
    """As with kubectl."""
    desk.pod(RUN, "a", initContainers=[{"name": "fetch", "image": "x"}], containers=[{"name": "main", "image": "x"}])
    state = {"initContainerStatuses": [{"name": "fetch", "state": DONE}]}
    desk.api.do("PATCH", PODS.path("default", "a", "status"), {"status": state})
    desk.connection.logs = {"a": [says(b"x")]}
    assert desk.type("logs", RUN, "-c", "fetch").out == "x"
    assert desk.connection.asked == [("a", {"container": "fetch"})]


@pytest.mark.parametrize(
    ("status", "pods", "told"),
    [
        pytest.param(run_status("Running"), [], "daily-abcde has no pod yet; it is Running", id="no pod yet"),
        pytest.param(
            run_status("Running"), [None], "pod p has not started: no node has taken it yet", id="a pod without a node"
        ),
        pytest.param(
            run_status("Running"),
            [WAITING],
            "pod p has not started: ImagePullBackOff: no such image",
            id="a pod that is stuck",
        ),
        pytest.param(
            run_status("Rejected", error={"kind": "User", "code": "MissingInput", "message": "no city"}),
            [],
            "daily-abcde never had a pod: it ended as Rejected: MissingInput: no city",
            id="a run that never had one",
        ),
        pytest.param(
            run_status(
                "Failed", startTime="2026-01-01T00:00:00Z", error={"kind": "User", "code": "Exit7", "message": "oh"}
            ),
            [],
            "the pods of daily-abcde are gone, and its log with them; it ended as Failed: Exit7: oh",
            id="a pod that is gone",
        ),
    ],
)
def test_why_there_is_no_log(desk: Desk, status: dict[str, Any], pods: list[Any], told: str) -> None:
    """In one sentence, with the last words that are known."""
    desk.report(LAUNCH_PLAN_EXECUTIONS, RUN, status)
    for state in pods:
        desk.pod(RUN, "p", state)
    ended = desk.type("logs", RUN)
    assert (ended.code, ended.out) == (1, "")
    assert told in ended.err


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        pytest.param(
            Answer(404, (b'{"message": "pods \\"a\\" not found"}',)), 2, "does not know", id="the pod went just now"
        ),
        pytest.param(
            Answer(403, (b'{"message": "cannot get resource \\"pods/log\\""}',)),
            2,
            "forbids it: cannot get resource",
            id="not allowed",
        ),
        pytest.param(
            Answer(500, (b"dial tcp: connection refused",)),
            1,
            "there is no log of pod a: 500 dial tcp",
            id="the node is away",
        ),
        pytest.param(says(b"x", broken()), 1, "the log broke off", id="the connection breaks"),
    ],
)
def test_a_log_that_cannot_be_had(desk: Desk, answer: Answer, code: int, told: str) -> None:
    """Is told as the server says it."""
    desk.pod(RUN, "a", DONE)
    desk.connection.logs = {"a": [answer]}
    ended = desk.type("logs", RUN)
    assert ended.code == code
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_following_waits_for_the_pod_and_shows_retries(desk: Desk) -> None:
    """Each pod once and in order, until the run has ended; the exit code is no outcome."""
    desk.pod(RUN, "a", WAITING)
    desk.connection.logs = {"a": [says(b"one\n")], "b": [says(b"two\n")]}

    def begin() -> None:
        desk.turns("a", DONE)()
        desk.pod(RUN, "b", DONE)
        desk.ends(RUN, "Failed")()

    desk.connection.steps = [lambda: None, begin]
    ended = desk.type("logs", "-f", RUN)
    assert (ended.code, ended.out) == (0, "one\ntwo\n")
    assert "pod a has not started: ImagePullBackOff: no such image" in ended.err


def test_following_shows_each_byte_once_over_broken_connections(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server sends a log from its begin: what was shown is left out."""
    monkeypatch.setattr("launchplan_operator.cli.logstream._PAUSE", 0.001)
    desk.pod(RUN, "a", RUNNING)
    whole = says(b"on", b"e\ntwo\nthr", b"ee\n")
    desk.connection.logs = {"a": [says(b"one\ntw", broken()), says(b"one\n"), whole]}
    seen = desk.connection.asked

    def finish(call: Any) -> Fault | None:
        if call.verb == "list" and call.kind == PODS and len(seen) == 3:
            desk.turns("a", DONE)()
            desk.ends(RUN, "Succeeded")()
        return None

    desk.api.faults = finish
    ended = desk.type("logs", "-f", RUN)
    assert (ended.code, ended.out) == (0, "one\ntwo\nthree\n")
    assert len(seen) == 3


def test_following_a_run_that_has_ended_shows_its_log(desk: Desk) -> None:
    """And ends at once."""
    desk.ends(RUN, "Succeeded")()
    desk.pod(RUN, "a", DONE)
    desk.connection.logs = {"a": [says(b"x\n")]}
    ended = desk.type("logs", "-f", RUN)
    assert (ended.code, ended.out, desk.connection.asked) == (0, "x\n", [("a", {"container": "main"})])


def test_who_may_not_see_pods_is_told_so(desk: Desk) -> None:
    """Instead of waiting for ever."""
    desk.api.faults = lambda call: Fault(403, message="cannot list pods") if call.kind == PODS else None
    ended = desk.type("logs", "-f", RUN)
    assert (ended.code, "the API server forbids it: cannot list pods" in ended.err) == (2, True)


def test_run_shows_the_log_and_ends_as_the_run_does(desk: Desk) -> None:
    """The log on stdout, then the outcome."""
    desk.connection.logs = {"p": [says(b"line\n")]}

    def go() -> None:
        (name,) = set(desk.names(LAUNCH_PLAN_EXECUTIONS)) - {RUN}
        desk.pod(name, "p", DONE)
        desk.ends(name, "Failed", error={"kind": "User", "code": "Exit7", "message": "oh"})()

    desk.connection.steps = [lambda: None, go]
    ended = desk.type("run", "daily", "--input", "days=3", "--logs")
    (name,) = set(desk.names(LAUNCH_PLAN_EXECUTIONS)) - {RUN}
    assert (ended.code, ended.out) == (3, f"line\nlpx/{name}: Failed: Exit7: oh\n")


def test_a_rejected_run_is_not_waited_for_in_vain(desk: Desk) -> None:
    """It never gets a pod."""

    def reject() -> None:
        (name,) = set(desk.names(LAUNCH_PLAN_EXECUTIONS)) - {RUN}
        desk.ends(name, "Rejected")()

    desk.connection.steps = [reject]
    assert desk.type("run", "daily", "--input", "days=3", "--logs").code == 6


def test_a_plan_that_is_gone_leaves_the_choice_of_the_container_to_the_pod(desk: Desk) -> None:
    """Nothing names one any more."""
    desk.deletes(LAUNCH_PLANS, "daily")()
    desk.deletes(WORKFLOW_DEFINITIONS, "report")()
    desk.pod(RUN, "a", DONE)
    desk.connection.logs = {"a": [says(b"x\n")]}
    assert desk.type("logs", RUN).out == "x\n"
