"""Runs by hand: how they start, end, and are ended, told by the execution, its Job and its pods."""

import json
from datetime import timedelta
from typing import Any

import pytest

from launchplan_operator.api.durations import parse_go_duration
from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, PODS
from launchplan_operator.render.labels import is_tombstone
from tests.cluster.support import (
    COLLECTION,
    NEVER,
    OUTPUTS,
    Object,
    Space,
    condition,
    controller_uid,
    eventually,
    phase_of,
    run_of,
    standing,
    template,
    workflow,
)

HELD = {"hold": "true", "message": json.dumps(OUTPUTS)}
SCALARS = [
    ("count", "integer", -3, "-3"),
    ("share", "float", 2.5, "2.5"),
    ("label", "string", 'a "b" $(C)', 'a "b" $(C)'),
    ("dry", "boolean", True, "true"),
    ("day", "datetime", "2026-11-22T08:00:00+01:00", None),
    ("span", "duration", "90m", None),
]


def terminate(space: Space, name: str, cause: str = "no longer needed") -> None:
    """Ask for a run's end as a person would."""
    space.edit(LAUNCH_PLAN_EXECUTIONS, name, spec={"terminate": {"cause": cause}})


def touch(space: Space, name: str) -> None:
    """Let the operator look at an execution again, and wait until it has done with what came before."""
    space.edit(LAUNCH_PLAN_EXECUTIONS, name, metadata={"annotations": {"example.com/touched": "yes"}})
    space.create(LAUNCH_PLAN_EXECUTIONS, "afterwards", run_of("nobody"))
    space.until(LAUNCH_PLAN_EXECUTIONS, "afterwards", phase_of)


def held_run(space: Space, name: str = "by-hand", **spec: Any) -> Object:
    """Start a run whose pod runs until it is let go; return its execution."""
    space.offer(spec=workflow(HELD))
    space.plan("daily", schedule=NEVER)
    space.create(LAUNCH_PLAN_EXECUTIONS, name, run_of("daily", **spec))
    space.running_pod(name)
    return space.in_phase(name, "Running")


def test_a_run_of_a_plan_has_its_inputs_and_outputs_in_its_status(space: Space) -> None:
    """The caller's value beats the plan's, the plan's the workflow's; all that was resolved stands in the record."""
    report = space.offer()
    daily = space.plan("daily", labels={"team": "sales"}, annotations={"example.com/why": "a test"})
    ended = space.run("by-hand", run_of("daily", inputs={"days": 2}))
    status = ended["status"]
    assert status["inputs"] == {"city": "Oslo", "days": 2}
    assert status["outputs"] == OUTPUTS
    assert status["origin"] == {"type": "Manual"}
    assert status["launchPlanVersion"] == daily["status"]["activeVersion"]
    assert status["workflow"] == {"name": "report", "version": report["status"]["version"]}
    assert status["planUid"] == daily["metadata"]["uid"]
    assert status["queuedTime"] <= status["startTime"] <= status["completionTime"]
    assert (parse_go_duration(status["duration"]) or timedelta()) >= timedelta(0)
    assert standing(ended) == {"Ready": "True", "Reconciling": "False", "Stalled": "False"}
    job = space.read(JOBS, "by-hand")
    assert status["jobRef"] == {"name": "by-hand", "uid": job["metadata"]["uid"]}
    assert controller_uid(job) == ended["metadata"]["uid"]
    assert {"launchplan.dev/plan": "daily", "team": "sales"}.items() <= job["metadata"]["labels"].items()
    assert job["metadata"]["annotations"]["example.com/why"] == "a test"


def test_a_person_waits_for_a_run_with_kubectl(space: Space) -> None:
    """`kubectl wait --for=condition=Succeeded` returns when the outputs are there."""
    space.offer()
    space.plan("daily")
    run = {"apiVersion": "launchplan.dev/v1alpha1", "kind": "LaunchPlanExecution"}
    made = run | {"metadata": {"generateName": "by-hand-"}, "spec": run_of("daily")}
    name = space.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(made)).strip().rpartition("/")[2]
    space.kubectl("wait", "--for=condition=Succeeded", f"lpx/{name}", "--timeout=30s")
    assert json.loads(space.kubectl("get", "lpx", name, "-o", "jsonpath={.status.outputs}")) == OUTPUTS


def test_kubectl_get_reads_like_a_dashboard(space: Space) -> None:
    """What is active, when it fires next, how the last run ended; of a run its phase and how long it took."""
    space.offer()
    version = space.plan("daily", schedule={"cron": "0 9 * * 1", "timeZone": "Europe/Berlin"})["status"][
        "activeVersion"
    ]
    space.run("by-hand", run_of("daily"))
    space.until(LAUNCH_PLANS, "daily", lambda obj: obj["status"].get("counts"))
    plans = space.kubectl("get", "lp").splitlines()
    assert plans[0].split() == ["NAME", "ACTIVE", "SCHEDULE", "NEXT", "LAST", "RUNNING", "QUEUED", "READY", "AGE"]
    line = plans[1].split()
    assert line[:8] == ["daily", version, "0", "9", "*", "*", "1", "Europe/Berlin"]
    assert line[8].endswith("00:00Z")
    assert line[9:12] == ["Succeeded", "0", "True"]
    runs = space.kubectl("get", "lpx").splitlines()
    assert runs[0].split() == ["NAME", "PLAN", "VERSION", "PHASE", "ORIGIN", "DURATION", "AGE"]
    assert runs[1].split()[:5] == ["by-hand", "daily", version, "Succeeded", "Manual"]


def test_a_bare_workflow_runs_without_a_plan(space: Space) -> None:
    """Its own defaults and the caller's inputs; its uid takes the plan's place."""
    report = space.offer()
    ended = space.run("bare", run_of("report", "WorkflowDefinition", inputs={"city": "Rome"}, labels={"team": "x"}))
    assert ended["status"]["inputs"] == {"city": "Rome", "days": 7}
    assert ended["status"]["outputs"] == OUTPUTS
    assert ended["status"]["planUid"] == report["metadata"]["uid"]
    labels = space.read(JOBS, "bare")["metadata"]["labels"]
    assert {"launchplan.dev/workflow": "report", "team": "x"}.items() <= labels.items()
    assert "launchplan.dev/plan" not in labels


@pytest.mark.parametrize(
    "spec", [{"autoActivate": False}, {"suspend": True, "schedule": NEVER}], ids=["inactive", "suspended"]
)
def test_a_plan_that_fires_nothing_runs_by_hand(space: Space, spec: Object) -> None:
    """Neither inactive nor suspended plans refuse a person."""
    space.offer()
    space.create(LAUNCH_PLANS, "daily", {"workflowRef": {"name": "report"}, "defaultInputs": {"city": "Oslo"}} | spec)
    assert space.run("by-hand", run_of("daily"))["status"]["outputs"] == OUTPUTS
    assert space.all(CRON_JOBS) == []


def test_every_scalar_reaches_the_pod_and_comes_back(space: Space) -> None:
    """Inputs as annotations in text form and as one JSON object; outputs of every type out of one JSON object."""
    values = {name: value for name, _, value, _ in SCALARS}
    fields = [{"name": name, "type": type_} for name, type_, _, _ in SCALARS]
    space.offer(spec=workflow({"message": json.dumps(values)}, {"inputs": fields, "outputs": fields}))
    ended = space.run("bare", run_of("report", "WorkflowDefinition", inputs=values))
    assert (ended["status"]["inputs"], ended["status"]["outputs"]) == (values, values)
    pod = space.pods_of("bare")[0]
    annotations = pod["metadata"]["annotations"]
    assert json.loads(annotations["launchplan.dev/inputs"]) == values
    texts = {name: text for name, _, _, text in SCALARS if text is not None}
    assert {name: annotations[f"inputs.launchplan.dev/{name}"] for name in texts} == texts
    env = pod["spec"]["containers"][0]["env"]
    assert {f"LP_INPUT_{name.upper()}" for name in values} | {"LAUNCHPLAN_EXECUTION"} <= {each["name"] for each in env}


def test_the_outputs_are_the_named_containers(space: Space) -> None:
    """Another container's words are no outputs."""
    spec = workflow({"message": json.dumps(OUTPUTS), "container": "side"}) | {"container": "side"}
    spec["job"]["template"]["spec"]["containers"].append({"name": "side", "image": "localcluster/busybox:1"})
    space.offer(spec=spec)
    space.plan("daily")
    assert space.run("by-hand", run_of("daily"))["status"]["outputs"] == OUTPUTS


def test_a_failing_container_has_the_last_word(space: Space) -> None:
    """Failed, with the exit code and the termination message in the error, the condition and an event."""
    space.offer(spec=workflow({"exit-code": "3", "message": "no such table: sales\n"}))
    space.plan("daily")
    failed = space.run("by-hand", run_of("daily"), "Failed")
    assert failed["status"]["error"] == {"kind": "User", "code": "Exit3", "message": "no such table: sales"}
    assert standing(failed) == {"Ready": "False", "Reconciling": "False", "Stalled": "True"}
    assert condition(failed, "Succeeded")["message"] == "no such table: sales"
    assert "outputs" not in failed["status"]
    assert "no such table" in space.warned(failed, "JobFailed")
    counted = space.until(LAUNCH_PLANS, "daily", lambda obj: obj["status"].get("counts"))
    assert counted["status"]["counts"] == {"started": 1, "failed": 1}
    assert counted["status"]["lastExecution"]["phase"] == "Failed"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("", ["found no text", "rows"]),
        ("done", ["found the text 'done'", "one JSON object"]),
        ("[3]", ["found the text '[3]'"]),
        ("{}", ["no value for the output rows"]),
        ('{"rows": "3"}', ["output 'rows': expected integer, found the string '3'"]),
        ('{"rows": 3, "more": 1}', ["undeclared output more"]),
    ],
    ids=["none", "no_json", "no_object", "missing", "mistyped", "undeclared"],
)
def test_outputs_that_are_not_as_declared_fail_the_run(space: Space, message: str, words: list[str]) -> None:
    """The container succeeded, the run did not: OutputInvalid says what was found and expected."""
    space.offer(spec=workflow({"message": message}))
    space.plan("daily")
    failed = space.run("by-hand", run_of("daily"), "Failed")
    error = failed["status"]["error"]
    assert error["code"] == "OutputInvalid"
    assert [word for word in words if word not in error["message"]] == [], error
    assert "outputs" not in failed["status"]
    assert space.warned(failed, "OutputInvalid")


@pytest.mark.parametrize("place", ["plan", "run"])
def test_a_run_that_takes_too_long_is_timed_out(space: Space, place: str) -> None:
    """The plan's time-out, or the run's own instead."""
    space.offer(spec=workflow(HELD))
    space.plan("daily", timeout="1s" if place == "plan" else "1h")
    timed_out = space.run("by-hand", run_of("daily", **({} if place == "plan" else {"timeout": "1s"})), "TimedOut")
    assert timed_out["status"]["error"]["code"] == "TimedOut"
    assert space.read(JOBS, "by-hand")["spec"]["activeDeadlineSeconds"] == 1
    counted = space.until(LAUNCH_PLANS, "daily", lambda obj: obj["status"].get("counts"))
    assert counted["status"]["counts"] == {"started": 1, "timedOut": 1}


def test_a_failed_pod_is_replaced_as_often_as_the_plan_says(space: Space) -> None:
    """`retries` beats the template's backoffLimit; the second try's success is the run's."""
    space.offer(spec=workflow(HELD))
    space.plan("patient", retries=1)
    space.create(LAUNCH_PLAN_EXECUTIONS, "second-try", run_of("patient"))
    space.offer("stubborn", workflow({"exit-code": "1", "message": "no"}, backoffLimit=1))
    space.plan("template", workflowRef={"name": "stubborn"})
    space.create(LAUNCH_PLAN_EXECUTIONS, "twice", run_of("template"))
    space.plan("hasty", workflowRef={"name": "stubborn"}, retries=0)
    space.create(LAUNCH_PLAN_EXECUTIONS, "once", run_of("hasty"))
    space.release(space.running_pod("second-try"), exit_code="1", message="a try")
    space.ended("once", "Failed")
    assert len(space.pods_of("once")) == 1
    space.ended("twice", "Failed", seconds=60)
    assert len(space.pods_of("twice")) == 2
    space.release(space.running_pod("second-try", seconds=60))
    assert space.ended("second-try")["status"]["outputs"] == OUTPUTS
    assert len(space.pods_of("second-try")) == 2


def phases(space: Space, execution: Object) -> list[str]:
    """Return every phase that an execution was in, up to its end, as a watch tells them."""
    version, name = execution["metadata"]["resourceVersion"], execution["metadata"]["name"]
    path = LAUNCH_PLAN_EXECUTIONS.path(space.namespace)
    query = f"resourceVersion={version}&fieldSelector=metadata.name={name}&timeoutSeconds=2"
    seen = [str(phase_of(event["object"])) for event in space.api.watch(f"{path}?{query}")]
    return [phase for at, phase in enumerate(seen) if phase not in seen[:at]]


def test_a_running_run_is_terminated_and_its_job_kept(space: Space) -> None:
    """Aborting, then Aborted with the cause; the Job ended by its deadline and is still there, its pods are not."""
    execution = held_run(space)
    terminate(space, "by-hand", "wrong city")
    aborted = space.ended("by-hand", "Aborted")
    assert phases(space, execution) == ["Running", "Aborting", "Aborted"]
    assert aborted["status"]["error"]["code"] == "Aborted"
    assert aborted["status"]["error"]["message"] == "wrong city"
    assert condition(aborted, "Succeeded")["message"] == "wrong city"
    job = space.read(JOBS, "by-hand")
    assert {each["reason"] for each in job["status"]["conditions"] if each["type"] == "Failed"} == {"DeadlineExceeded"}
    eventually(lambda: space.pods_of("by-hand"), lambda pods: not pods)
    counted = space.until(LAUNCH_PLANS, "daily", lambda obj: obj["status"].get("counts"))
    assert counted["status"]["counts"] == {"started": 1, "aborted": 1}


def test_a_run_that_is_terminated_before_it_starts_has_no_job(space: Space) -> None:
    """Asked for at once, or while it waits for its plan."""
    space.offer()
    space.plan("daily")
    space.create(LAUNCH_PLAN_EXECUTIONS, "waiting", run_of("nobody"))
    space.in_phase("waiting", "Queued")
    terminate(space, "waiting")
    assert space.ended("waiting", "Aborted")["status"]["error"]["message"] == "no longer needed"
    stillborn = space.run("stillborn", run_of("daily", terminate={"cause": "never mind"}), "Aborted")
    assert stillborn["status"]["error"]["message"] == "never mind"
    assert "jobRef" not in stillborn["status"]
    assert space.all(JOBS) == []


def test_a_job_that_others_hold_back_is_deleted_when_its_run_is_terminated(space: Space) -> None:
    """A suspended Job has no deadline that could end it; its name stays occupied for a while."""
    space.offer(spec=workflow(suspend=True))
    space.plan("daily")
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily"))
    queued = space.until(LAUNCH_PLAN_EXECUTIONS, "by-hand", lambda obj: "jobRef" in obj.get("status", {}))
    assert queued["status"]["phase"] == "Queued"
    terminate(space, "by-hand", "it will never start")
    assert space.ended("by-hand", "Aborted")["status"]["error"]["message"] == "it will never start"
    assert is_tombstone(space.read(JOBS, "by-hand"))
    assert space.pods_of("by-hand") == []


def test_a_job_that_others_hold_back_starts_when_they_let_it_go(space: Space) -> None:
    """As a queueing system would: the run is Queued until the Job is resumed."""
    space.offer(spec=workflow(suspend=True))
    space.plan("daily")
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily"))
    space.until(LAUNCH_PLAN_EXECUTIONS, "by-hand", lambda obj: "jobRef" in obj.get("status", {}))
    space.edit(JOBS, "by-hand", spec={"suspend": False})
    assert space.ended("by-hand")["status"]["outputs"] == OUTPUTS


def test_a_job_in_somebody_elses_queue_bears_its_label_is_left_alone_and_has_a_place_under_the_limit(
    space: Space,
) -> None:
    """As Kueue's, which suspends what bears its label, and resumes it when there is quota."""
    space.offer(spec=workflow(suspend=True))
    space.plan("daily", labels={"kueue.x-k8s.io/queue-name": "team"}, concurrency={"max": 1, "behavior": "Queue"})
    for name in ("first", "second"):
        space.create(LAUNCH_PLAN_EXECUTIONS, name, run_of("daily"))
        space.in_phase(name, "Queued")
    space.until(LAUNCH_PLAN_EXECUTIONS, "first", lambda obj: "jobRef" in obj["status"])
    edited = space.edit(LAUNCH_PLANS, "daily", spec={"history": {"succeeded": 3}})["metadata"]["generation"]
    space.until(LAUNCH_PLANS, "daily", lambda obj: obj["status"]["observedGeneration"] == edited)
    (job,) = space.all(JOBS)
    assert (job["metadata"]["name"], job["spec"]["suspend"]) == ("first", True)
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team"
    assert "kueue.x-k8s.io/queue-name" not in job["spec"]["template"]["metadata"]["labels"]
    space.edit(JOBS, "first", spec={"suspend": False})
    space.ended("first")
    space.until(LAUNCH_PLAN_EXECUTIONS, "second", lambda obj: "jobRef" in obj["status"])
    assert space.read(JOBS, "second")["spec"]["suspend"]


def test_a_run_that_has_ended_cannot_be_terminated(space: Space) -> None:
    """A Warning event, and nothing else changes."""
    space.offer()
    space.plan("daily")
    before = space.run("by-hand", run_of("daily"))
    terminate(space, "by-hand")
    assert "already ended as Succeeded" in space.warned(before, "TerminateIgnored")
    after = space.read(LAUNCH_PLAN_EXECUTIONS, "by-hand")
    for field in ("phase", "outputs", "completionTime", "jobRef"):
        assert after["status"][field] == before["status"][field]
    assert after["status"]["observedGeneration"] == after["metadata"]["generation"]
    assert [each["type"] for each in space.read(JOBS, "by-hand")["status"]["conditions"]][-1] == "Complete"


def test_a_wish_to_terminate_cannot_be_taken_back(space: Space) -> None:
    """The API server refuses it."""
    held_run(space)
    terminate(space, "by-hand")
    for change in ({"terminate": None}, {"terminate": {"cause": "another"}}, {"inputs": {"city": "Rome"}}):
        reply = space.ask("PATCH", LAUNCH_PLAN_EXECUTIONS, "by-hand", {"spec": change})
        assert reply.status == 422
        assert "cannot change once created" in reply.body["message"]
    space.ended("by-hand", "Aborted")


def test_a_job_deleted_by_hand_is_never_made_again(space: Space) -> None:
    """The run is Aborted for the reason JobDeleted, and stays so however often it is looked at."""
    held_run(space)
    space.delete(JOBS, "by-hand")
    aborted = space.ended("by-hand", "Aborted")
    assert aborted["status"]["error"]["code"] == "JobDeleted"
    touch(space, "by-hand")
    assert is_tombstone(space.read(JOBS, "by-hand"))
    assert space.read(LAUNCH_PLAN_EXECUTIONS, "by-hand")["status"] | {"counted": True} == aborted["status"] | {
        "counted": True
    }


def test_a_foreign_job_of_the_runs_name_is_left_untouched(space: Space) -> None:
    """The run is Rejected, and neither takes the Job over nor reads outputs from it."""
    space.offer()
    space.plan("daily")
    foreign = space.create(JOBS, "by-hand", template({"hold": "true"}))
    rejected = space.run("by-hand", run_of("daily"), "Rejected")
    assert rejected["status"]["error"]["code"] == "JobNameTaken"
    assert "'by-hand'" in rejected["status"]["error"]["message"]
    assert space.warned(rejected, "JobNameTaken")
    job = space.read(JOBS, "by-hand")
    assert (job["metadata"]["uid"], job["spec"]) == (foreign["metadata"]["uid"], foreign["spec"])
    assert "ownerReferences" not in job["metadata"]


def test_a_foreign_job_that_bears_our_label_is_left_untouched(space: Space) -> None:
    """A label is no ownership: the same for a Job that our watch sees."""
    space.offer()
    space.plan("daily")
    labels = {"app.kubernetes.io/managed-by": "launchplan-operator", "launchplan.dev/plan": "daily"}
    foreign = space.create(JOBS, "by-hand", template({"hold": "true"}), labels=labels)
    rejected = space.run("by-hand", run_of("daily"), "Rejected")
    assert rejected["status"]["error"]["code"] == "JobNameTaken"
    assert space.read(JOBS, "by-hand")["metadata"]["uid"] == foreign["metadata"]["uid"]


def test_a_deleted_execution_takes_its_job_with_it(space: Space) -> None:
    """The garbage collector ends the run; nothing is made again."""
    held_run(space)
    space.delete(LAUNCH_PLAN_EXECUTIONS, "by-hand")
    space.gone(JOBS, "by-hand", COLLECTION)
    eventually(lambda: space.pods_of("by-hand"), lambda pods: not pods)
    assert space.find(LAUNCH_PLAN_EXECUTIONS, "by-hand") is None


def test_a_run_outlives_its_deleted_plan(space: Space) -> None:
    """What the plan scheduled goes, what a person started ends as it would have."""
    held_run(space)
    space.delete(LAUNCH_PLANS, "daily")
    space.gone(CRON_JOBS, "daily", COLLECTION)
    space.release(space.running_pod("by-hand"))
    assert space.ended("by-hand")["status"]["outputs"] == OUTPUTS
    assert space.find(PODS, space.pods_of("by-hand")[0]["metadata"]["name"]) is not None


def test_a_run_keeps_what_it_was_accepted_with(space: Space) -> None:
    """Neither another plan nor another workflow changes a run that has a Job."""
    before = held_run(space)
    space.edit(LAUNCH_PLANS, "daily", spec={"defaultInputs": {"city": "Rome"}})
    space.until(LAUNCH_PLANS, "daily", lambda obj: obj["status"]["observedGeneration"] == 2)
    space.release(space.running_pod("by-hand"))
    after = space.ended("by-hand")
    for field in ("inputs", "launchPlanVersion", "workflow", "jobRef"):
        assert after["status"][field] == before["status"][field]
    space.create(LAUNCH_PLAN_EXECUTIONS, "again", run_of("daily"))
    again = space.in_phase("again", "Running")
    assert again["status"]["inputs"]["city"] == "Rome"
