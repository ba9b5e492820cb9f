"""A run as its Job and pods show it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Reason
from launchplan_operator.decide.results import ResultContract
from launchplan_operator.decide.run import End, RunError, RunState, is_finished, needs_pods, observe_run

STARTED, ENDED = "2026-01-31T09:00:00Z", "2026-01-31T09:05:00Z"
NO_OUTPUTS = ResultContract("main", {})
ONE_OUTPUT = ResultContract("main", {"rows": "integer"})


def job(
    *conditions: tuple[str, str], started: str | None = STARTED, suspend: bool = False, **status: Any
) -> dict[str, Any]:
    """Return a Job with `(type, reason)` conditions that are true."""
    made = [
        {"type": kind, "status": "True", "reason": reason, "message": f"{reason}!", "lastTransitionTime": ENDED}
        for kind, reason in conditions
    ]
    times = {"startTime": started} if started else {}
    return {
        "metadata": {"name": "run"},
        "spec": {"suspend": suspend},
        "status": {"conditions": made, **times, **status},
    }


def pod(phase: str, message: str = "", code: int = 0, reason: str = "Error") -> dict[str, Any]:
    """Return a pod whose main container ended."""
    terminated = {"exitCode": code, "reason": reason if code else "Completed", "message": message}
    status = {"phase": phase, "containerStatuses": [{"name": "main", "state": {"terminated": terminated}}]}
    return {"metadata": {"name": "run-x", "creationTimestamp": STARTED}, "status": status}


COMPLETE, BACKOFF = ("Complete", "CompletionsReached"), ("Failed", "BackoffLimitExceeded")
DEADLINE = ("Failed", "DeadlineExceeded")


def failed(kind: str, code: str, message: str, reason: Reason = Reason.JobFailed) -> RunState:
    """Return the state of a run that ended badly."""
    return RunState(reason, message, STARTED, ENDED, error=RunError(kind, code, message))


@pytest.mark.parametrize(
    ("seen", "pods", "expected"),
    [
        pytest.param(job(started=None), [], RunState(Reason.Running), id="a Job that was just made runs"),
        pytest.param(job(), [], RunState(Reason.Running, "", STARTED), id="a Job that was started runs"),
        pytest.param({"metadata": {"name": "run"}}, [], RunState(Reason.Running), id="a Job without a status runs"),
        pytest.param(
            job(("FailureTarget", "BackoffLimitExceeded"), ("SuccessCriteriaMet", "x")),
            [],
            RunState(Reason.Running, "", STARTED),
            id="a Job whose pods are still ending runs",
        ),
        pytest.param(
            job(started=None, suspend=True),
            [],
            RunState(Reason.Queued, "the Job is suspended; whoever queues it will start it"),
            id="a suspended Job waits for whoever queues it",
        ),
        pytest.param(
            job(suspend=True), [], RunState(Reason.Running, "", STARTED), id="a Job that is being suspended still runs"
        ),
        pytest.param(
            job(COMPLETE, completionTime="2026-01-31T09:04:00Z"),
            [],
            RunState(Reason.Succeeded, "", STARTED, "2026-01-31T09:04:00Z", outputs={}),
            id="a complete Job without outputs succeeded",
        ),
        pytest.param(
            job(COMPLETE),
            [],
            RunState(Reason.Succeeded, "", STARTED, ENDED, outputs={}),
            id="its condition has the time",
        ),
        pytest.param(
            job(BACKOFF),
            [pod("Failed", " boom \n", 3)],
            failed("User", "Exit3", "boom"),
            id="a failed Job tells the container's last words",
        ),
        pytest.param(
            job(BACKOFF),
            [pod("Failed", "", 137, "OOMKilled")],
            failed("User", "OOMKilled", "the container ended with exit code 137"),
            id="a container that said nothing is told by its exit code and Kubernetes' reason",
        ),
        pytest.param(
            job(BACKOFF),
            [],
            failed("System", "BackoffLimitExceeded", "BackoffLimitExceeded!"),
            id="without a pod Kubernetes' message is all there is",
        ),
        pytest.param(
            job(BACKOFF),
            [pod("Failed")],
            failed("System", "BackoffLimitExceeded", "BackoffLimitExceeded!"),
            id="a container that ended well did not fail the pod",
        ),
        pytest.param(
            job(("Failed", "PodFailurePolicy")),
            [pod("Failed", "bad input", 42)],
            failed("User", "Exit42", "bad input"),
            id="a pod failure policy's end is told alike",
        ),
        pytest.param(
            job(DEADLINE),
            [pod("Failed", "killed", 143)],
            failed("User", "TimedOut", "DeadlineExceeded!", Reason.TimedOut),
            id="a Job past its deadline timed out",
        ),
    ],
)
def test_a_run_is_what_its_job_shows(seen: dict[str, Any], pods: list[dict[str, Any]], expected: RunState) -> None:
    """Each row is a Job that nobody asked to end."""
    assert observe_run(seen, NO_OUTPUTS, pods, end=None) == expected


@pytest.mark.parametrize(
    ("pods", "reason", "outputs"),
    [
        pytest.param([pod("Succeeded", '{"rows": 3}')], Reason.Succeeded, {"rows": 3}, id="typed outputs succeed"),
        pytest.param([pod("Succeeded", '{"rows": "3"}')], Reason.OutputInvalid, None, id="a mistyped output fails"),
        pytest.param([pod("Succeeded")], Reason.OutputInvalid, None, id="a silent container fails"),
        pytest.param([], Reason.OutputsLost, None, id="a pod that is gone loses them"),
    ],
)
def test_a_complete_job_succeeds_with_its_outputs_alone(
    pods: list[dict[str, Any]], reason: Reason, outputs: dict[str, Any] | None
) -> None:
    """What fails is the author's to mend, and the error has the reason as its code."""
    state = observe_run(job(COMPLETE), ONE_OUTPUT, pods, end=None)
    assert (state.reason, state.outputs, state.completed) == (reason, outputs, ENDED)
    if outputs is None:
        assert state.error == RunError("User", reason, state.message)
        assert state.message


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        pytest.param(job(), Reason.Aborting, id="a running one is aborting"),
        pytest.param(job(started=None, suspend=True), Reason.Aborting, id="a suspended one is aborting"),
        pytest.param(job(DEADLINE), Reason.Aborted, id="the deadline that we set aborts it"),
        pytest.param(job(COMPLETE), Reason.Succeeded, id="one that completed all the same succeeded"),
        pytest.param(job(BACKOFF), Reason.JobFailed, id="one that failed by itself failed"),
    ],
)
def test_a_run_that_was_asked_to_end(seen: dict[str, Any], reason: Reason) -> None:
    """The wish tells an abort from a time-out, and changes no other end."""
    state = observe_run(seen, NO_OUTPUTS, [], end=End(Reason.Aborted, "enough"))
    assert state.reason is reason
    assert (state.completed is not None) is bool(seen["status"]["conditions"])


@pytest.mark.parametrize(
    ("waiting", "message"),
    [
        ("ErrImagePull", "pod run-x: container main waits: ImagePullBackOff"),
        ("ImagePullBackOff", "pod run-x: container main waits: ImagePullBackOff"),
        ("ErrImageNeverPull", "pod run-x: container main waits: ErrImageNeverPull"),
        ("InvalidImageName", "pod run-x: container main waits: InvalidImageName"),
        ("CreateContainerConfigError", "pod run-x: container main waits: CreateContainerConfigError"),
        ("ContainerCreating", ""),
        ("PodInitializing", ""),
    ],
)
def test_a_pod_that_will_not_start_says_so(waiting: str, message: str) -> None:
    """In one message that does not flip with every retry of the kubelet."""
    statuses = [{"name": "side", "state": {"running": {}}}, {"name": "main", "state": {"waiting": {"reason": waiting}}}]
    stuck = {"metadata": {"name": "run-x"}, "status": {"phase": "Pending", "containerStatuses": statuses}}
    fresh = {"metadata": {"name": "run-y"}, "status": {"phase": "Pending"}}
    assert observe_run(job(), NO_OUTPUTS, [fresh, stuck], end=None).message == message


@pytest.mark.parametrize(
    ("seen", "contract", "pods", "expected"),
    [
        pytest.param(job(), ONE_OUTPUT, [], False, id="a running Job's pods are not asked for"),
        pytest.param(job(COMPLETE), NO_OUTPUTS, [], False, id="without outputs no pod is needed"),
        pytest.param(job(COMPLETE), ONE_OUTPUT, [], True, id="outputs need the pod that succeeded"),
        pytest.param(job(COMPLETE), ONE_OUTPUT, [pod("Running")], True, id="a cached pod may lag behind its Job"),
        pytest.param(job(COMPLETE), ONE_OUTPUT, [pod("Succeeded")], False, id="the pod is there"),
        pytest.param(job(BACKOFF), NO_OUTPUTS, [pod("Running")], True, id="last words need the pod that failed"),
        pytest.param(job(BACKOFF), NO_OUTPUTS, [pod("Failed")], False, id="the failed pod is there"),
    ],
)
def test_the_server_is_asked_for_pods_only_where_the_cache_may_lag(
    seen: dict[str, Any], contract: ResultContract, pods: list[dict[str, Any]], expected: bool
) -> None:
    """A steady state reads nothing."""
    assert needs_pods(seen, contract, pods) is expected


CONDITIONS = st.sampled_from(["Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet"])
JOBS = st.builds(
    lambda kinds, reason, started, suspend: job(*((kind, reason) for kind in kinds), started=started, suspend=suspend),
    st.lists(CONDITIONS, unique=True, max_size=3),
    st.sampled_from(["DeadlineExceeded", "BackoffLimitExceeded", "CompletionsReached"]),
    st.sampled_from([STARTED, None]),
    st.booleans(),
)
PODS = st.lists(
    st.builds(pod, st.sampled_from(["Pending", "Running", "Succeeded", "Failed"]), st.sampled_from(["", '{"rows": 1}']))
)


@given(
    JOBS,
    PODS,
    st.sampled_from([NO_OUTPUTS, ONE_OUTPUT]),
    st.none() | st.builds(End, st.just(Reason.Aborted), st.text()),
)
def test_a_run_has_ended_when_its_job_has_and_not_before(
    seen: dict[str, Any], pods: list[dict[str, Any]], contract: ResultContract, end: End | None
) -> None:
    """It ends with outputs or with an error, never with both, and never without either."""
    state = observe_run(seen, contract, pods, end=end)
    assert (state.completed is not None) is is_finished(seen)
    assert [state.outputs is not None, state.error is not None].count(True) == is_finished(seen)
    assert state.reason in set(Reason)


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_condition_counts_only_while_it_is_true(status: str) -> None:
    """A Job resumed after a failure target has conditions that are false."""
    seen = job(COMPLETE, BACKOFF)
    for condition in seen["status"]["conditions"]:
        condition["status"] = status
    assert not is_finished(seen)
    assert observe_run(seen, NO_OUTPUTS, [], end=None).reason is Reason.Running
