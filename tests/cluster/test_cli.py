"""The command line as people use it: `kubectl launchplan …`, a plugin under the real kubectl, on the real API server."""

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from localcluster.cluster import LocalCluster
from localcluster.operated import ROOT
from tests.cluster.support import NEVER, OUTPUTS, Space, plan, run_of, template, workflow

_NAME = "kubectl-launchplan"
#: What a person needs who starts runs and looks at them, and nothing more.
_STARTER_RULES = [
    {"apiGroups": ["launchplan.dev"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["launchplan.dev"], "resources": ["launchplanexecutions"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a kubeconfig whose context is in a namespace."""

    environment: dict[str, str]

    def types(self, *words: str, stdin: str | None = None) -> Ended:
        """Call `kubectl launchplan` and wait."""
        with self.begins(*words, stdin=subprocess.PIPE) as process:
            out, err = process.communicate(stdin, timeout=60)
        assert "Traceback" not in err
        return Ended(process.returncode, out, err)

    def begins(self, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Call `kubectl launchplan`."""
        command = ["kubectl", "launchplan", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdin=stdin, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture
def plugin(cluster: LocalCluster, tmp_path: Path) -> dict[str, str]:
    """An environment in which kubectl finds the plugin: the one that is installed, else one for this test."""
    programs = [str(Path(cluster.program("kubectl")).parent), str(Path(sys.executable).parent)]
    if not (Path(sys.executable).parent / _NAME).exists():
        script = tmp_path / "bin" / _NAME
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m launchplan_operator.cli "$@"\n')
        script.chmod(0o755)
        programs.append(str(script.parent))
    path = os.pathsep.join([*programs, os.environ["PATH"]])
    return {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "operator")}


@pytest.fixture
def person(cluster: LocalCluster, space: Space, plugin: dict[str, str], tmp_path: Path) -> Person:
    """An administrator."""
    return Person(plugin | {"KUBECONFIG": str(in_namespace(cluster, space, tmp_path / "admin"))})


@pytest.fixture
def starter(cluster: LocalCluster, space: Space, plugin: dict[str, str], tmp_path: Path) -> Person:
    """Somebody who may start runs and look at them."""
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "starter"}}
    subject = {"kind": "ServiceAccount", "name": "starter", "namespace": space.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "starter"}
    role = rbac | {"kind": "Role", "rules": _STARTER_RULES}
    binding = rbac | {"kind": "RoleBinding", "subjects": [subject], "roleRef": reference}
    space.kubectl("create", "serviceaccount", "starter")
    space.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, binding]}))
    token = space.kubectl("create", "token", "starter").strip()
    path = in_namespace(cluster, space, tmp_path / "starter", {"token": token})
    return Person(plugin | {"KUBECONFIG": str(path)})


def in_namespace(cluster: LocalCluster, space: Space, path: Path, user: dict[str, str] | None = None) -> Path:
    """Write a kubeconfig whose context is in the space's namespace, for an administrator or another user."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = space.namespace
    if user is not None:
        config["users"][0]["user"] = user
    path.write_text(json.dumps(config))
    return path


def offered(space: Space, **spec: Any) -> str:
    """Create a workflow and an active plan, and return the plan's first version."""
    space.offer()
    space.create(LAUNCH_PLANS, "weather", plan(**spec))
    found = space.ready(LAUNCH_PLANS, "weather", "Active")
    return str(found["status"]["activeVersion"])


def created(ended: Ended) -> str:
    """Return the name of the run that a command created."""
    assert ended.code == 0, ended.err
    return ended.out.split()[0].removeprefix("lpx/")


def test_a_plan_from_its_first_run_to_its_roll_back(space: Space, person: Person) -> None:
    """Run, change, compare, roll back, run again: each step is what the cluster says."""
    first = offered(space, schedule=NEVER)
    ended = person.types("run", "weather", "--input", "days=3", "--wait", "-o", "json")
    run = json.loads(ended.out)
    assert ended.code == 0, ended.err
    assert run["status"]["inputs"] == {"city": "Oslo", "days": 3}
    assert run["status"]["outputs"] == OUTPUTS
    space.edit(LAUNCH_PLANS, "weather", spec={"defaultInputs": {"city": "Rome"}})
    second = str(
        space.until(LAUNCH_PLANS, "weather", lambda obj: obj["status"]["activeVersion"] != first)["status"][
            "activeVersion"
        ]
    )
    assert person.types("versions", "weather", first, second).out == 'spec.defaultInputs.city: "Oslo" → "Rome"\n'
    rows = json.loads(person.types("versions", "weather", "-o", "json").out)
    assert [(row["version"], row["active"], "created" in row) for row in rows] == [
        (first, False, True),
        (second, True, True),
    ]
    assert person.types("activate", "weather", "--version", first).code == 0
    space.until(LAUNCH_PLANS, "weather", lambda obj: obj["status"]["activeVersion"] == first)
    again = json.loads(person.types("run", "weather", "--wait", "-o", "json").out)
    assert again["status"]["launchPlanVersion"] == first
    assert again["status"]["inputs"]["city"] == "Oslo"
    named = json.loads(person.types("run", "weather", "--version", second, "--wait", "-o", "json").out)
    assert named["status"]["inputs"]["city"] == "Rome"
    names = [
        item["metadata"]["name"] for item in json.loads(person.types("list", "weather", "-o", "json").out)["items"]
    ]
    assert sorted(names) == sorted(each["metadata"]["name"] for each in (run, again, named))
    assert f"{first} is active, {second} is the latest" in person.types("describe", "weather").out


def test_switches_reach_the_operator(space: Space, person: Person) -> None:
    """Its next status says so."""
    offered(space, schedule=NEVER)
    for command, reason in (
        ("suspend", "Suspended"),
        ("resume", "Active"),
        ("deactivate", "Inactive"),
        ("activate", "Active"),
    ):
        assert person.types(command, "weather").code == 0
        space.ready(LAUNCH_PLANS, "weather", reason)
        assert reason in person.types("describe", "weather").out


@pytest.mark.parametrize(
    ("told", "spec", "phase", "code"),
    [
        pytest.param({"exit-code": "7", "message": "no rain"}, {}, "Failed", 3, id="it fails"),
        pytest.param({"hold": "true"}, {"timeout": "1s"}, "TimedOut", 4, id="it takes too long"),
    ],
)
def test_the_exit_code_is_the_outcome(
    space: Space, person: Person, told: dict[str, str], spec: dict[str, Any], phase: str, code: int
) -> None:
    """And why it ended so is told."""
    space.offer(spec=workflow(told))
    space.create(LAUNCH_PLANS, "weather", plan(**spec))
    space.ready(LAUNCH_PLANS, "weather", "Active")
    ended = person.types("run", "weather", "--wait")
    assert ended.code == code, ended.err
    assert phase in ended.out
    assert ("no rain" in ended.out) == (phase == "Failed")


def test_a_run_is_terminated_while_somebody_waits(space: Space, person: Person) -> None:
    """The cause reaches who waits; the same run can be run once more."""
    space.offer(spec=workflow({"hold": "true"}))
    space.create(LAUNCH_PLANS, "weather", plan())
    space.ready(LAUNCH_PLANS, "weather", "Active")
    name = created(person.types("run", "lp/weather", "--input", "days=9"))
    space.in_phase(name, "Running")
    waiting = person.begins("wait", name)
    assert person.types("wait", name, "--timeout", "200ms").code == 124
    assert person.types("terminate", name, "--cause", "enough rain").code == 0
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, "Aborted" in out, "enough rain" in out) == (5, True, True), err
    late = person.types("terminate", name, "--cause", "x")
    assert (late.code, "has ended already: Aborted" in late.err) == (1, True)
    again = created(person.types("relaunch", name))
    spec = space.read(LAUNCH_PLAN_EXECUTIONS, again)["spec"]
    assert (spec["relaunchOf"], spec["inputs"]) == (name, {"days": 9})
    assert spec["launchPlanRef"]["version"] == space.read(LAUNCH_PLAN_EXECUTIONS, name)["status"]["launchPlanVersion"]
    assert "terminate" not in spec


def test_what_the_operator_rejects_has_a_code_of_its_own(space: Space, person: Person) -> None:
    """A run that another tool created wrongly."""
    offered(space)
    space.create(LAUNCH_PLAN_EXECUTIONS, "wrong", run_of("weather", inputs={"cite": "Oslo"}))
    ended = person.types("wait", "wrong")
    assert (ended.code, "UnexpectedInput" in ended.out) == (6, True)


def test_a_deleted_run_ends_the_wait(space: Space, person: Person) -> None:
    """With a code of its own."""
    space.offer(spec=workflow({"hold": "true"}))
    space.create(LAUNCH_PLAN_EXECUTIONS, "gone", run_of("report", "WorkflowDefinition", inputs={"city": "x"}))
    space.in_phase("gone", "Running")
    with person.begins("wait", "gone") as waiting:
        assert waiting.stderr is not None
        assert "Running" in waiting.stderr.readline()
        space.delete(LAUNCH_PLAN_EXECUTIONS, "gone")
        waiting.communicate(timeout=60)
    assert waiting.returncode == 7


def test_mistakes_create_nothing(space: Space, person: Person) -> None:
    """Neither by a run nor by a dry one; a good dry run is checked by the server and creates nothing either."""
    offered(space)
    ended = person.types("run", "weather", "--input", "cty=Oslo", "--input", "days=x")
    assert (ended.code, ended.out) == (1, "")
    assert "UnexpectedInput: spec.inputs.cty" in ended.err
    assert "did you mean 'city'?" in ended.err
    assert "TypeMismatch: spec.inputs.days: input 'days': expected integer, found the text 'x'" in ended.err
    dry = person.types("run", "weather", "--dry-run")
    assert yaml.safe_load(dry.out)["kind"] == "LaunchPlanExecution"
    assert space.names(LAUNCH_PLAN_EXECUTIONS) == set()
    space.kubectl("create", "-f", "-", stdin=dry.out)
    ended = person.types("run", "wether")
    assert (ended.code, "did you mean weather?" in ended.err) == (1, True)


def test_next_and_resolve_ask_the_cluster(space: Space, person: Person) -> None:
    """As a run would."""
    offered(space, schedule={"cron": "0 2 * * *", "timeZone": "Europe/Oslo"}, fixedInputs={"days": 2})
    ended = person.types("next", "weather", "--after", "2026-01-01T00:00:00Z", "--count", "1", "-o", "json")
    assert json.loads(ended.out)["times"] == ["2026-01-01T01:00:00Z"]
    ended = person.types("resolve", "--plan", "weather", "--input", "city=Rome", "-o", "json")
    assert json.loads(ended.out) == {"inputs": {"city": "Rome", "days": 2}}
    ended = person.types("__complete", "run", "weather", "--input", "")
    assert ended.out == "city=\tstring\n:4\n"


def test_clones_live_on_their_own(space: Space, person: Person) -> None:
    """A plan of a workflow, both copied."""
    offered(space)
    assert person.types("clone", "wfd/report", "report-2", "--set", "interface.inputs.days.default=2").code == 0
    words = ("--set", "workflowRef.name=report-2", "--set", "defaultInputs.city=Rome")
    assert person.types("clone", "weather", "weather-2", *words).code == 0
    space.ready(LAUNCH_PLANS, "weather-2", "Active")
    run = json.loads(person.types("run", "weather-2", "--wait", "-o", "json").out)
    assert run["status"]["inputs"] == {"city": "Rome", "days": 2}
    taken = person.types("clone", "weather", "weather-2")
    assert (taken.code, "found a LaunchPlan 'weather-2' already" in taken.err) == (1, True)


def test_few_rights_are_enough_to_start_and_to_look(space: Space, starter: Person) -> None:
    """What is not allowed is named, in one sentence."""
    first = offered(space)
    ended = starter.types("run", "weather", "--version", first, "--input", "days=2", "--wait")
    assert ended.code == 0, ended.err
    for looks in (("list",), ("list", "--plans"), ("describe", "weather"), ("versions", "weather")):
        seen = starter.types(*looks)
        assert (seen.code, first in seen.out) == (0, True), seen.err
    space.edit(LAUNCH_PLANS, "weather", spec={"defaultInputs": {"city": "Rome"}})
    space.until(LAUNCH_PLANS, "weather", lambda obj: obj["status"]["activeVersion"] != first)
    old = starter.types("run", "weather", "--version", first)
    assert (old.code, "checked against the newest version" in old.err) == (0, True)
    for missing, words in {
        'cannot patch resource "launchplans"': ("suspend", "weather"),
        'cannot list resource "launchplanexecutions"': ("list", "-A"),
        'cannot list resource "pods"': ("logs", created(old)),
        'cannot get resource "launchplans"': ("run", "weather", "-n", "default"),
    }.items():
        refused = starter.types(*words)
        assert (refused.code, refused.out, missing in refused.err) == (2, "", True), refused.err
        assert len(refused.err.splitlines()) == 1


def test_a_run_without_a_pod_has_no_log(space: Space, person: Person) -> None:
    """The stub's node keeps no logs; that there is none is told, as is a pod that does not start."""
    space.offer(spec={"job": template({"hold": "true"})})
    name = created(person.types("run", "wfd/report"))
    space.running_pod(name)
    ended = person.types("logs", name)
    assert (ended.code, ended.out) == (1, "")
    assert "there is no log of pod" in ended.err


def test_a_look_at_the_cluster_is_cheap(space: Space, person: Person) -> None:
    """It takes less of the processor than four times kubectl's own look and a start of Python, the best of five each.

    They are measured in turns: how much of the processor the same work takes depends on what else runs beside it.
    """
    offered(space)
    looks = [["list"], ["list", "--plans"], ["describe", "weather"], ["__complete", "run", ""]]
    floor = [["kubectl", "get", "launchplans"], [sys.executable, "-c", "import http.client, json, ssl"]]
    commands = floor + [["kubectl", "launchplan", *words] for words in looks]
    rounds = [[cpu_seconds(person, command) for command in commands] for _ in range(5)]
    kubectl, python, *took = [min(seconds) for seconds in zip(*rounds, strict=True)]
    assert max(took) < 4 * (kubectl + python), (kubectl, python, took)


def cpu_seconds(person: Person, command: list[str]) -> float:
    """Return what a command took of the processor: other than the clock it does not count what else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=person.environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_young_schedule_knows_no_older_slots(space: Space, person: Person) -> None:
    """It says from when on they are known; a slot that comes meanwhile is told."""
    offered(space, schedule={"cron": "* * * * *"})
    since = space.read(LAUNCH_PLANS, "weather")["status"]["schedule"]["since"]
    ended = person.types("describe", "weather")
    assert f"The schedule counts since {since}" in ended.out
    slots = json.loads(person.types("describe", "weather", "-o", "json").out)["slots"]
    assert all(slot["slot"] > since for slot in slots)
