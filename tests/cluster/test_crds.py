"""The CRDs on a real API server: what it takes, what it refuses, and in which words."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.model import Model
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.schedule import read_schedule
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from localcluster.places import LocalClusterError

Object = dict[str, Any]
Kubectl = Callable[..., str]

CRDS = Path(__file__).parents[2] / "crds"
MODELS: dict[str, type[Model]] = {
    "LaunchPlan": LaunchPlanSpec,
    "LaunchPlanExecution": LaunchPlanExecutionSpec,
    "ReferenceLaunchPlan": ReferenceLaunchPlanSpec,
    "WorkflowDefinition": WorkflowDefinitionSpec,
}
WORKFLOW: Object = {
    "interface": {
        "inputs": [{"name": "city", "type": "string", "default": None}, {"name": "days", "type": "integer"}],
        "outputs": [{"name": "report", "type": "string"}],
    },
    "job": {"template": {"spec": {"containers": [{"name": "main", "image": "x"}]}}},
}
PLAN: Object = {"workflowRef": {"name": "hello"}}
EXECUTION: Object = {"launchPlanRef": {"name": "hello"}, "inputs": {"a": 1, "b": [1, {"c": 2}], "n": None}}
CRON: Object = {"cron": "*/5 * * * *"}
LATER = "2026-11-22T10:00:00Z"


@pytest.fixture(scope="module", autouse=True)
def crds(cluster: LocalCluster, operator: OperatorProcess) -> Iterator[None]:
    """The committed CRDs, applied as a user applies them, and nobody who writes to what a test wrote."""
    operator.stop()
    cluster.kubectl("apply", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    yield
    operator.start()
    operator.await_ready()


def manifest(kind: str, spec: Object, name: str = "x", **metadata: Any) -> str:
    """Return an object as JSON text."""
    made = {"apiVersion": "launchplan.dev/v1alpha1", "kind": kind, "metadata": {"name": name} | metadata, "spec": spec}
    return json.dumps(made)


@pytest.fixture
def apply(kubectl: Kubectl, namespace: str) -> Callable[..., Object]:
    """Applies an object in the test's namespace and returns it as stored; the server's refusal is raised."""

    def applied(kind: str, spec: Object, name: str = "x", *, verb: str = "apply", **metadata: Any) -> Object:
        text = manifest(kind, spec, name, **metadata)
        stored: Object = json.loads(kubectl(verb, "-n", namespace, "-o", "json", "-f", "-", stdin=text))
        return stored

    return applied


def test_the_api_server_finds_nothing_to_complain_about(kubectl: Kubectl) -> None:
    """Accepted, established, structural, and nothing pending."""
    found = json.loads(kubectl("get", "crd", "-o", "json"))["items"]
    conditions = {
        crd["metadata"]["name"]: {(c["type"], c["status"]) for c in crd["status"]["conditions"]}
        for crd in found
        if crd["spec"]["group"] == "launchplan.dev"
    }
    assert conditions == {
        f"{plural}.launchplan.dev": {("NamesAccepted", "True"), ("Established", "True")}
        for plural in ("launchplans", "launchplanexecutions", "referencelaunchplans", "workflowdefinitions")
    }


def test_of_a_status_the_server_notes_only_who_wrote_it(kubectl: Kubectl, apply: Callable[..., Object]) -> None:
    """To keep and to compare the owner of each field at each write would cost it a third of the write."""
    namespace = apply("LaunchPlan", PLAN)["metadata"]["namespace"]
    condition = {"type": "Ready", "status": "True", "reason": "Ready", "message": "m", "lastTransitionTime": LATER}
    body = json.dumps({"status": {"observedGeneration": 1, "running": 2, "conditions": [condition]}})
    kubectl("patch", "lp", "x", "-n", namespace, "--subresource=status", "--type=merge", "-p", body)
    stored = json.loads(kubectl("get", "lp", "x", "-n", namespace, "-o", "json", "--show-managed-fields"))
    notes = [each["fieldsV1"] for each in stored["metadata"]["managedFields"] if each.get("subresource") == "status"]
    assert notes == [{"f:status": {}}]


def test_client_side_apply_works_twice(kubectl: Kubectl) -> None:
    """The second time the annotation of the first is compared, and nothing changes."""
    answers = kubectl("apply", "-f", str(CRDS)).strip().splitlines()
    assert len(answers) == 4
    assert all(answer.endswith("unchanged") for answer in answers)


def labelled(keys: int) -> Object:
    """Return a plan with many labels of the longest kind."""
    return PLAN | {"labels": {f"{'p' * 60}.{'q' * 60}/{'k' * 58}{n:05}": "v" * 63 for n in range(keys)}}


SECRET: Object = {"name": "s", "key": "k"}
SETTINGS: Object = {
    "env": [{"name": "MODE", "value": "a\nb"}, {"name": "EMPTY", "value": ""}],
    "identity": {"serviceAccountName": "sa", "secrets": [SECRET | {"env": "A"}, SECRET | {"file": "a"}]},
    "interruptible": False,
    "maxParallelism": 0,
    "rawOutputDataConfig": {"outputLocationPrefix": "s3://bucket"},
}
ALLOW: Object = {
    "serviceAccounts": ["*"],
    "secrets": ["a"],
    "env": ["A_*"],
    "podLabels": ["x"],
    "podAnnotations": ["y"],
}
PLACEMENT: Object = {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "a", "tolerationSeconds": 3, "later": None}]}

TIMING: Object = {
    "kickoffTimeInput": "day",
    "kickoffTimeOffset": "-1h30m",
    "startTime": "2026-01-01T00:00:00Z",
    "endTime": "2026-01-01T00:00:01Z",
    "jitter": "1ms",
    "startingDeadline": "2562047h",
    "catchUp": {"policy": "All", "window": "1ms", "max": 1000},
}
#: What no CronJob keeps.
OPERATORS: Object = {name: value for name, value in TIMING.items() if name not in {"catchUp", "kickoffTimeOffset"}}

GOOD = [
    ("WorkflowDefinition", "a workflow with inputs and outputs", WORKFLOW),
    ("WorkflowDefinition", "a workflow with nothing but a job", {"job": {"any": {"thing": None}}}),
    ("LaunchPlan", "a plan with nothing but a workflow", PLAN),
    ("LaunchPlan", "a cron text", PLAN | {"schedule": CRON}),
    ("LaunchPlan", "a bad cron text and zone, which the status will tell", PLAN | {"schedule": {"cron": "x", "timeZone": "x"}}),
    ("LaunchPlan", "a fixed rate", PLAN | {"schedule": {"fixedRate": {"value": 7, "unit": "Minute"}}}),
    ("LaunchPlan", "a schedule that only the operator keeps", PLAN | {"schedule": CRON | TIMING}),
    ("LaunchPlan", "a kickoff time that is not moved", PLAN | {"schedule": CRON | {"kickoffTimeInput": "day"}}),
    ("LaunchPlan", "a rate for the operator", PLAN | {"schedule": {"engine": "Operator", "fixedRate": {"value": 100_000, "unit": "Day"}}}),
    ("LaunchPlan", "a CronJob with catch-up", PLAN | {"schedule": CRON | {"engine": "CronJob", "catchUp": {"policy": "None"}}}),
    ("LaunchPlan", "a queue", PLAN | {"schedule": CRON, "concurrency": {"max": 500, "behavior": "Queue", "queue": {"max": 10_000, "expireAfter": "1h"}}}),
    ("LaunchPlan", "inputs of any JSON", PLAN | {"defaultInputs": {"n": None, "f": 1.5, "d": {"e": [None]}}}),
    ("LaunchPlan", "as many labels as there may be", labelled(32)),
    ("LaunchPlan", "a time-out in fractions that come to whole seconds", PLAN | {"timeout": "1.5m500ms.5s"}),
    ("LaunchPlan", "a plan with all settings", PLAN | SETTINGS),
    ("LaunchPlanExecution", "a run with all settings", EXECUTION | SETTINGS),
    ("WorkflowDefinition", "a workflow that allows much", WORKFLOW | {"allow": ALLOW, "interruptible": PLACEMENT}),
    ("LaunchPlanExecution", "a run of a plan", EXECUTION),
    ("LaunchPlanExecution", "a run of a workflow", {"launchPlanRef": {"kind": "WorkflowDefinition", "name": "hello"}}),
    ("LaunchPlanExecution", "a run that is terminated at once", EXECUTION | {"terminate": {"cause": "never mind"}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "spec"), [pytest.param(kind, spec, id=case) for kind, case, spec in GOOD])
def test_what_the_server_takes_the_model_takes(kind: str, spec: Object, apply: Callable[..., Object]) -> None:
    """What is stored has every value that was sent, and is parsed."""
    name = "a" * (63 if kind == "LaunchPlanExecution" else 52)
    # A client-side apply would leave out every null before the server sees it.
    stored = apply(kind, spec, name, verb="create")
    assert_holds(stored["spec"], spec)
    assert isinstance(parse_spec(MODELS[kind], stored), MODELS[kind])


def assert_holds(stored: Any, sent: Any) -> None:
    """Fail if a value that was sent, a null among them, is not in what is stored; defaults may be added."""
    if isinstance(sent, dict):
        assert set(sent) <= set(stored)
        for key, value in sent.items():
            assert_holds(stored[key], value)
    elif isinstance(sent, list):
        assert len(stored) == len(sent)
        for one, other in zip(stored, sent, strict=True):
            assert_holds(one, other)
    else:
        assert stored == sent


BAD = [
    ("LaunchPlan", "no workflow", {}, "spec.workflowRef: Required value"),
    ("LaunchPlan", "a workflow name that no object can have", {"workflowRef": {"name": "Hello"}}, "spec.workflowRef.name"),
    ("LaunchPlan", "cron and rate", PLAN | {"schedule": CRON | {"fixedRate": {"value": 1, "unit": "Day"}}},
     "spec.schedule: Invalid value: found both of cron and fixedRate, expected exactly one"),
    ("LaunchPlan", "neither cron nor rate", PLAN | {"schedule": {"timeZone": "UTC"}},
     "spec.schedule: Invalid value: found neither of cron and fixedRate, expected exactly one"),
    ("LaunchPlan", "an engine that does not exist", PLAN | {"schedule": CRON | {"engine": "Quartz"}},
     'spec.schedule.engine: Unsupported value: "Quartz": supported values: "Auto", "CronJob", "Operator"'),
    *(("LaunchPlan", f"a CronJob and {name}", PLAN | {"schedule": CRON | {"engine": "CronJob", name: value}},
       f"spec.schedule: Invalid value: the CronJob engine cannot keep {name}: expected engine Auto or Operator")
      for name, value in OPERATORS.items()),
    ("LaunchPlan", "a CronJob and a limit", PLAN | {"schedule": CRON | {"engine": "CronJob"}, "concurrency": {"max": 1}},
     "spec: Invalid value: the CronJob engine knows no limit: expected engine Auto or Operator, or no concurrency"),
    ("LaunchPlan", "an end before the start",
     PLAN | {"schedule": CRON | {"startTime": "2026-01-02T00:00:00Z", "endTime": "2026-01-01T00:00:00Z"}},
     "spec.schedule: Invalid value: expected startTime before endTime"),
    ("LaunchPlan", "an end at the start",
     PLAN | {"schedule": CRON | {"startTime": "2026-01-02T00:00:00Z", "endTime": "2026-01-02T01:00:00+01:00"}},
     "spec.schedule: Invalid value: expected startTime before endTime"),
    ("LaunchPlan", "a start that is no time", PLAN | {"schedule": CRON | {"startTime": "tomorrow"}}, "spec.schedule.startTime"),
    ("LaunchPlan", "an offset without an input", PLAN | {"schedule": CRON | {"kickoffTimeOffset": "1h"}},
     "spec.schedule: Invalid value: kickoffTimeOffset moves the value of an input: expected kickoffTimeInput beside it"),
    ("LaunchPlan", "an offset beyond 292 years", PLAN | {"schedule": CRON | {"kickoffTimeInput": "day", "kickoffTimeOffset": "-9999999h"}},
     "spec.schedule.kickoffTimeOffset: Invalid value"),
    ("LaunchPlan", "an offset in days", PLAN | {"schedule": CRON | {"kickoffTimeInput": "day", "kickoffTimeOffset": "1d"}},
     "spec.schedule.kickoffTimeOffset: Invalid value"),
    ("LaunchPlan", "a kickoff input of no name", PLAN | {"schedule": CRON | {"kickoffTimeInput": "a-b"}},
     "spec.schedule.kickoffTimeInput: Invalid value"),
    ("LaunchPlan", "a jitter of nothing", PLAN | {"schedule": CRON | {"jitter": "0s"}},
     'spec.schedule.jitter: Invalid value: "0s": expected a duration of a millisecond at least'),
    ("LaunchPlan", "a negative deadline", PLAN | {"schedule": CRON | {"startingDeadline": "-1s"}},
     "spec.schedule.startingDeadline: Invalid value"),
    ("LaunchPlan", "a catch-up of none", PLAN | {"schedule": CRON | {"catchUp": {"max": 0}}}, "spec.schedule.catchUp.max"),
    ("LaunchPlan", "a catch-up of too many", PLAN | {"schedule": CRON | {"catchUp": {"max": 1001}}}, "spec.schedule.catchUp.max"),
    ("LaunchPlan", "a catch-up policy that does not exist", PLAN | {"schedule": CRON | {"catchUp": {"policy": "Some"}}},
     'spec.schedule.catchUp.policy: Unsupported value: "Some": supported values: "None", "Latest", "All"'),
    ("LaunchPlan", "a catch-up in no time", PLAN | {"schedule": CRON | {"catchUp": {"window": "0s"}}},
     'spec.schedule.catchUp.window: Invalid value: "0s": expected a duration of a millisecond at least'),
    ("LaunchPlan", "a limit of none", PLAN | {"concurrency": {"max": 0}}, "spec.concurrency.max: Invalid value: 0"),
    ("LaunchPlan", "a limit beyond all seats", PLAN | {"concurrency": {"max": 501}}, "spec.concurrency.max: Invalid value: 501"),
    ("LaunchPlan", "a limit without a number", PLAN | {"concurrency": {"behavior": "Skip"}}, "spec.concurrency.max: Required value"),
    ("LaunchPlan", "a queue without queueing", PLAN | {"concurrency": {"max": 1, "queue": {"max": 5}}},
     "spec.concurrency: Invalid value: queue is for behavior Queue only"),
    ("LaunchPlan", "a queue of none", PLAN | {"concurrency": {"max": 1, "behavior": "Queue", "queue": {"max": 0}}},
     "spec.concurrency.queue.max: Invalid value: 0"),
    ("LaunchPlan", "a cron text longer than any", PLAN | {"schedule": {"cron": "*" * 257}}, "spec.schedule.cron: Too long"),
    ("LaunchPlan", "a unit in small letters", PLAN | {"schedule": {"fixedRate": {"value": 1, "unit": "day"}}},
     'spec.schedule.fixedRate.unit: Unsupported value: "day"'),
    ("LaunchPlan", "a rate of nothing", PLAN | {"schedule": {"fixedRate": {"value": 0, "unit": "Day"}}},
     "spec.schedule.fixedRate.value"),
    ("LaunchPlan", "a label key with a blank", PLAN | {"labels": {"a b": "c"}},
     "spec.labels: Invalid value: found the key a b: expected a name of letters, digits"),
    ("LaunchPlan", "a label of the operator's own", PLAN | {"labels": {"launchplan.dev/plan": "c"}},
     "spec.labels: Invalid value: found the key launchplan.dev/plan: keys of launchplan.dev are the operator's own"),
    ("LaunchPlan", "an annotation of the operator's own", PLAN | {"annotations": {"inputs.launchplan.dev/a": "c"}},
     "spec.annotations: Invalid value: found the key inputs.launchplan.dev/a"),
    ("LaunchPlan", "a label value with a blank", PLAN | {"labels": {"a": "b c"}}, "spec.labels.a: Invalid value"),
    ("LaunchPlan", "too many labels", labelled(33), "spec.labels: Too many: 33"),
    ("LaunchPlan", "too many inputs", PLAN | {"fixedInputs": {f"i{n}": n for n in range(101)}}, "spec.fixedInputs: Too many"),
    ("LaunchPlan", "a duration without a unit", PLAN | {"timeout": "90"}, "spec.timeout: Invalid value"),
    ("LaunchPlan", "half a second", PLAN | {"timeout": "500ms"}, 'spec.timeout: Invalid value: "500ms": expected whole seconds'),
    ("LaunchPlan", "a second and a half", PLAN | {"timeout": "1.5s"}, 'spec.timeout: Invalid value: "1.5s": expected whole'),
    ("LaunchPlan", "a duration beyond 292 years", PLAN | {"timeout": "9999999h"}, "spec.timeout: Invalid value"),
    ("LaunchPlan", "a negative number of retries", PLAN | {"retries": -1}, "spec.retries: Invalid value: -1"),
    ("LaunchPlan", "history without end", PLAN | {"history": {"failed": 1001}}, "spec.history.failed"),
    ("LaunchPlan", "a variable of the operator's own", PLAN | {"env": [{"name": "LP_INPUT_A"}]},
     'spec.env[0].name: Invalid value: "LP_INPUT_A": names that begin with LP_INPUT_ or LAUNCHPLAN_'),
    ("LaunchPlan", "a secret in the place of the operator's own",
     PLAN | {"identity": {"secrets": [SECRET | {"env": "LAUNCHPLAN_NAME"}]}},
     'spec.identity.secrets[0].env: Invalid value: "LAUNCHPLAN_NAME": names'),
    ("LaunchPlan", "a variable twice", PLAN | {"env": [{"name": "A"}] * 2}, "spec.env[1]: Duplicate value"),
    ("LaunchPlan", "a variable with a NUL", PLAN | {"env": [{"name": "A", "value": "\0"}]}, "spec.env[0].value: Invalid value"),
    ("LaunchPlan", "a secret that goes nowhere", PLAN | {"identity": {"secrets": [SECRET]}},
     "spec.identity.secrets[0]: Invalid value: expected exactly one of env and file"),
    ("LaunchPlan", "two secrets in one place", PLAN | {"identity": {"secrets": [SECRET | {"file": "a"}] * 2}},
     "spec.identity.secrets: Invalid value: expected another env or file for each secret"),
    ("LaunchPlanExecution", "a prefix with a blank", EXECUTION | {"rawOutputDataConfig": {"outputLocationPrefix": "a b"}},
     "spec.rawOutputDataConfig.outputLocationPrefix: Invalid value"),
    ("WorkflowDefinition", "no job", {"interface": {}}, "spec.job: Required value"),
    ("WorkflowDefinition", "an input name that no environment can hold",
     WORKFLOW | {"interface": {"inputs": [{"name": "a-b", "type": "string"}]}}, "spec.interface.inputs[0].name"),
    ("WorkflowDefinition", "two inputs of one name",
     WORKFLOW | {"interface": {"inputs": [{"name": "a", "type": "string"}] * 2}}, "spec.interface.inputs[1]: Duplicate value"),
    ("WorkflowDefinition", "an input without a type", WORKFLOW | {"interface": {"inputs": [{"name": "a"}]}},
     "spec.interface.inputs[0].type: Required value"),
    ("LaunchPlanExecution", "nothing to run", {"inputs": {}}, "spec.launchPlanRef: Required value"),
    ("LaunchPlanExecution", "a kind that cannot run", {"launchPlanRef": {"kind": "Job", "name": "x"}},
     'spec.launchPlanRef.kind: Unsupported value: "Job"'),
    ("LaunchPlanExecution", "a termination without a cause", EXECUTION | {"terminate": {}},
     "spec.terminate.cause: Required value"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "spec", "words"), [pytest.param(kind, spec, words, id=case) for kind, case, spec, words in BAD]
)
def test_what_the_server_refuses_it_refuses_in_good_words(
    kind: str, spec: Object, words: str, apply: Callable[..., Object]
) -> None:
    """The refusal names the field and says what was expected; the operator finds the same in what was stored before."""
    with pytest.raises(LocalClusterError) as refusal:
        apply(kind, spec)
    assert words in str(refusal.value)
    if "Duplicate" not in words:
        assert found_offline(kind, spec)


def found_offline(kind: str, spec: Object) -> tuple[Finding, ...]:
    """Return what the operator finds wrong with a spec by itself."""
    read = parse_spec(MODELS[kind], {"spec": spec})
    if isinstance(read, tuple):
        return read
    assert isinstance(read, LaunchPlanSpec)
    timetable = read_schedule(read.schedule) if read.schedule else ()
    alone = (each for each in validate_plan(PlanView(read, WorkflowView("hello"))) if not each.transient)
    return (*alone, *(timetable if isinstance(timetable, tuple) else ()))


REFERENCES: dict[str, list[Object]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "references" / "specs.yaml").read_text(encoding="utf-8")
)


def whole(row: Object) -> Object:
    """Return the spec of a row about references; a plan's row says whom it allows."""
    spec: Object = row["spec"]
    return PLAN | {"allowReferencesFrom": spec} if row["kind"] == "LaunchPlan" else spec


@pytest.mark.parametrize("row", [pytest.param(row, id=row["case"]) for row in REFERENCES["taken"]])
def test_the_server_takes_what_the_models_take_of_references(row: Object, apply: Callable[..., Object]) -> None:
    """The same rows as the models', and all of it is stored."""
    assert_holds(apply(row["kind"], whole(row), verb="create")["spec"], whole(row))


@pytest.mark.parametrize("row", [pytest.param(row, id=row["case"]) for row in REFERENCES["refused"]])
def test_the_server_refuses_what_the_models_refuse_of_references(row: Object, apply: Callable[..., Object]) -> None:
    """At the same place, or in the same words."""
    with pytest.raises(LocalClusterError) as refusal:
        apply(row["kind"], whole(row))
    assert row["words"] in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "spec", "longest"),
    [
        ("LaunchPlan", PLAN, 52),
        ("WorkflowDefinition", WORKFLOW, 52),
        ("LaunchPlanExecution", EXECUTION, 63),
        ("ReferenceLaunchPlan", {"namespace": "b", "name": "x"}, 52),
    ],
)
def test_a_name_too_long_is_refused(kind: str, spec: Object, longest: int, apply: Callable[..., Object]) -> None:
    """The names of Jobs are made from it, and they end at 63 characters."""
    with pytest.raises(LocalClusterError, match=f"metadata.name: Invalid value: expected at most {longest} characters"):
        apply(kind, spec, "a" * (longest + 1))


RUNS: Object = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "plans" / "executions.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    "row", [pytest.param(RUNS["given"] | row, id=row["id"]) for part in ("cases", "overruled") for row in RUNS[part]]
)
def test_the_server_takes_and_refuses_runs_as_the_cases_say(row: Object, apply: Callable[..., Object]) -> None:
    """What becomes a finding otherwise is refused here already, at the same place."""
    if row["expect"] == "accept":
        assert apply("LaunchPlanExecution", row["spec"], row["name"], verb="create")["metadata"]["name"] == row["name"]
        return
    place = row["expect"][0] if isinstance(row["expect"], list) else row["expect"]
    with pytest.raises(LocalClusterError) as refusal:
        apply("LaunchPlanExecution", row["spec"], row["name"], verb="create")
    assert place.split()[1] in str(refusal.value)


def test_a_run_without_a_name_gets_one_where_it_asks_for_it(kubectl: Kubectl, namespace: str) -> None:
    """By generateName, as anywhere in Kubernetes."""
    made = json.loads(manifest("LaunchPlanExecution", EXECUTION)) | {"metadata": {"generateName": "hello-"}}
    assert kubectl("create", "-n", namespace, "-o", "name", "-f", "-", stdin=json.dumps(made)).startswith(
        "launchplanexecution.launchplan.dev/hello-"
    )


CHANGES = [
    pytest.param({"launchPlanRef": {"name": "other"}}, id="another plan"),
    pytest.param({"launchPlanRef": {"name": "hello", "kind": "WorkflowDefinition"}}, id="another kind"),
    pytest.param({"inputs": {"a": 2, "b": [1, {"c": 2}]}}, id="another input"),
    pytest.param({"inputs": {"a": 1, "b": [1, {"c": 3}]}}, id="another value deep in an input"),
    pytest.param({"labels": {"a": "b"}}, id="labels"),
    pytest.param({"annotations": {"a": "b"}}, id="annotations"),
    pytest.param({"timeout": "1m"}, id="a time-out"),
]
IMMUTABLE = "the spec cannot change once created, but for terminate"


@pytest.mark.parametrize("change", CHANGES)
def test_an_execution_cannot_change(change: Object, apply: Callable[..., Object]) -> None:
    """Not even in what CEL cannot see by itself: the values of inputs."""
    apply("LaunchPlanExecution", EXECUTION)
    with pytest.raises(LocalClusterError, match=IMMUTABLE):
        apply("LaunchPlanExecution", EXECUTION | change)


@pytest.mark.parametrize("change", [change for change in CHANGES if "input" not in str(change.id)])
def test_an_execution_cannot_change_together_with_its_termination(change: Object, apply: Callable[..., Object]) -> None:
    """What CEL sees stays as it was, also in the one update that may add something."""
    apply("LaunchPlanExecution", EXECUTION)
    with pytest.raises(LocalClusterError, match=IMMUTABLE):
        apply("LaunchPlanExecution", EXECUTION | change | {"terminate": {"cause": "enough"}})


def test_an_execution_is_terminated_once(apply: Callable[..., Object]) -> None:
    """The wish can be added; then it can neither change nor be taken back. Labels of the object stay free."""
    ended = EXECUTION | {"terminate": {"cause": "enough"}}
    apply("LaunchPlanExecution", EXECUTION)
    assert apply("LaunchPlanExecution", ended, labels={"a": "b"})["spec"]["terminate"] == {"cause": "enough"}
    for other in (EXECUTION | {"terminate": {"cause": "more"}}, EXECUTION):
        with pytest.raises(LocalClusterError, match=IMMUTABLE):
            apply("LaunchPlanExecution", other)


def test_a_whole_number_is_stored_as_one(apply: Callable[..., Object]) -> None:
    """JSON has one kind of number: the server writes 3.0 as 3, which is why a whole float is an integer to us."""
    stored = apply("LaunchPlan", PLAN | {"defaultInputs": {"a": 3.0, "b": 8.888888e18, "c": 2**63 - 1, "d": 0.1}})
    values = stored["spec"]["defaultInputs"]
    assert json.dumps(values) == '{"a": 3, "b": 8888888000000000000, "c": 9223372036854775807, "d": 0.1}'


def test_executions_are_selected_by_fields(kubectl: Kubectl, namespace: str, apply: Callable[..., Object]) -> None:
    """By plan and by phase, on the server."""
    for name, plan in (("one", "hello"), ("two", "other")):
        apply("LaunchPlanExecution", {"launchPlanRef": {"name": plan}}, name)
    patch = '{"status": {"phase": "Running"}}'
    kubectl("patch", "lpx", "two", "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
    for selector, expected in (("spec.launchPlanRef.name=hello", "one"), ("status.phase=Running", "two")):
        found = kubectl("get", "lpx", "-n", namespace, "-o", "name", f"--field-selector={selector}").strip()
        assert found == f"launchplanexecution.launchplan.dev/{expected}"


def test_a_plan_reads_like_a_dashboard(kubectl: Kubectl, namespace: str, apply: Callable[..., Object]) -> None:
    """The columns hold what the status says; the next time stays an instant."""
    apply("LaunchPlan", PLAN, "hourly")
    status = {
        "activeVersion": "v1",
        "schedule": {"engine": "CronJob", "text": "0 * * * * UTC", "nextTimes": ["2026-01-31T09:00:00Z"]},
        "lastExecution": {"name": "hourly-1", "phase": "Failed"},
        "running": 0,
        "concurrency": {"planUid": "u", "queued": 2},
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Active",
                "message": "m",
                "lastTransitionTime": "2026-01-31T08:00:00Z",
            }
        ],
    }
    patch = json.dumps({"status": status})
    kubectl("patch", "lp", "hourly", "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
    heads, row = kubectl("get", "lp", "-n", namespace).splitlines()
    assert heads.split() == ["NAME", "ACTIVE", "SCHEDULE", "NEXT", "LAST", "RUNNING", "QUEUED", "READY", "AGE"]
    assert row.startswith(
        "hourly   v1       0 * * * * UTC   2026-01-31T09:00:00Z   Failed   0         2        True    "
    )


def test_the_category_lists_every_kind(kubectl: Kubectl, namespace: str, apply: Callable[..., Object]) -> None:
    """`kubectl get launchplan-all` shows plans, workflows, references and runs."""
    specs = {"WorkflowDefinition": WORKFLOW, "LaunchPlan": PLAN, "LaunchPlanExecution": EXECUTION}
    for kind, spec in (specs | {"ReferenceLaunchPlan": {"namespace": "b", "name": "x"}}).items():
        apply(kind, spec)
    found = set(kubectl("get", "launchplan-all", "-n", namespace, "-o", "name").split())
    kinds = ("workflowdefinition", "launchplan", "referencelaunchplan", "launchplanexecution")
    assert found == {f"{kind}.launchplan.dev/x" for kind in kinds}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("lp.spec.schedule.cron", "exactly as a CronJob reads them"),
        ("lpx.spec.terminate", "it cannot be taken back"),
        ("rlp.spec.version", "whichever is active when a run is asked for"),
        ("lp.spec.allowReferencesFrom.from", "Same: the plan's namespace alone"),
        ("wfd.spec.interface.inputs.default", "without it, the input is required"),
    ],
)
def test_kubectl_explains_a_field(field: str, words: str, kubectl: Kubectl) -> None:
    """The models' own descriptions."""
    assert words in " ".join(kubectl("explain", field).split())
