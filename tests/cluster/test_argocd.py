"""Argo CD's own engine runs our health checks and actions: on their testdata, and on objects of the real control plane."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.argocd import SCRIPTS
from launchplan_operator.api.kinds import GROUP, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, VERSION, Kind
from tests.cluster.engines import ArgoCD, argo_cd
from tests.cluster.support import NEVER, Object, Space, run_of, workflow

KINDS = sorted(path.parent for path in SCRIPTS.glob("*/*/health.lua"))


def read(path: Path) -> Any:
    """Return what a file says."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def told(name: str, group: str) -> list[Any]:
    """Return the tests that stand in the files of a name, each with where it stands."""
    return list(_told(name, group))


def _told(name: str, group: str) -> Iterator[Any]:
    for kind in KINDS:
        for file in kind.rglob(name):
            for test in read(file)[group]:
                label = "-".join((kind.name, test.get("action", ""), Path(test["inputPath"]).stem))
                yield pytest.param(file.parent, test, id=label)


@pytest.fixture(scope="module")
def argo() -> ArgoCD:
    """Argo CD with our scripts in its ConfigMap."""
    return argo_cd()


@pytest.mark.parametrize(("place", "test"), told("health_test.yaml", "tests"))
def test_a_health_check_says_how_an_object_is(place: Path, test: Object, argo: ArgoCD) -> None:
    """As Argo CD's own tests of health checks have it."""
    assert argo.ask(read(place / test["inputPath"]), "health") == test["healthStatus"]


@pytest.mark.parametrize(("place", "test"), told("action_test.yaml", "discoveryTests"))
def test_what_has_no_sense_now_is_disabled(place: Path, test: Object, argo: ArgoCD) -> None:
    """As Argo CD's own tests of discovery have it, and no action beyond."""
    found = argo.ask(read(place / test["inputPath"]), "discover")
    assert sorted(found, key=lambda each: each["name"]) == sorted(test["result"], key=lambda each: each["name"])


@pytest.mark.parametrize(("place", "test"), told("action_test.yaml", "actionTests"))
def test_an_action_makes_or_patches_an_object(place: Path, test: Object, argo: ArgoCD) -> None:
    """As Argo CD's own tests of actions have it, but for the instant in a new name."""
    given, expected = read(place / test["inputPath"]), read(place / test["expectedOutputPath"])
    operation, made = argo.act(given, test["action"])
    if operation == "create":
        made["metadata"]["name"] = _without_instant(made["metadata"]["name"], expected["metadata"]["name"])
    assert made == expected
    assert operation == ("create" if expected["kind"] != given["kind"] else "patch")


def _without_instant(name: str, example: str) -> str:
    plan, _, instant = name.rpartition("-")
    assert len(instant) == len(example.rpartition("-")[2])
    assert instant.isdigit()
    return f"{plan}-{example.rpartition('-')[2]}"


def test_each_action_is_tried() -> None:
    """A script without a test would go unnoticed."""
    for kind in KINDS:
        scripts = {path.parent.name for path in kind.glob("actions/*/action.lua")}
        tried = {test["action"] for file in kind.rglob("action_test.yaml") for test in read(file)["actionTests"]}
        assert tried == scripts


def act(space: Space, argo: ArgoCD, kind: Kind, name: str, action: str) -> str:
    """Do what Argo CD does when somebody chooses an action; returns the name of what it made or changed."""
    live = space.read(kind, name)
    enabled = {each["name"] for each in argo.ask(live, "discover") if not each["disabled"]}
    assert action in enabled
    operation, obj = argo.act(live, action)
    if operation == "create":
        space.kubectl("create", "-f", "-", stdin=json.dumps(obj))
    else:
        space.kubectl("replace", "-f", "-", stdin=json.dumps(obj))
    return str(obj["metadata"]["name"])


def health(space: Space, argo: ArgoCD, kind: Kind, name: str) -> str:
    """Return what Argo CD shows of an object."""
    return str(argo.ask(space.read(kind, name), "health")["status"])


def test_the_switches_of_a_plan_do_what_they_say(space: Space, argo: ArgoCD) -> None:
    """Each on the plan as the last one left it; the plan is Healthy throughout."""
    space.offer()
    space.plan("daily", schedule=NEVER)
    steps = {"suspend": "Suspended", "resume": "Active", "deactivate": "Inactive", "activate": "Active"}
    for action, reason in steps.items():
        act(space, argo, LAUNCH_PLANS, "daily", action)
        space.ready(LAUNCH_PLANS, "daily", reason)
        assert health(space, argo, LAUNCH_PLANS, "daily") == "Healthy"


def test_a_run_from_argo_cd_runs_and_can_be_terminated(space: Space, argo: ArgoCD) -> None:
    """The API server takes its name under the policies, and the operator takes it for a run by hand."""
    space.offer(spec=workflow({"hold": "true"}))
    space.plan("daily")
    name = act(space, argo, LAUNCH_PLANS, "daily", "run")
    run = space.in_phase(name, "Running")
    assert (run["apiVersion"], run["status"]["origin"]) == (f"{GROUP}/{VERSION}", {"type": "Manual"})
    assert health(space, argo, LAUNCH_PLAN_EXECUTIONS, name) == "Progressing"
    act(space, argo, LAUNCH_PLAN_EXECUTIONS, name, "terminate")
    space.ended(name, "Aborted")
    assert health(space, argo, LAUNCH_PLAN_EXECUTIONS, name) == "Degraded"


def test_a_plan_that_a_run_would_lack_an_input_of_offers_none(space: Space, argo: ArgoCD) -> None:
    """From Argo CD no input can be given."""
    space.offer()
    space.plan("daily", defaultInputs={})
    (run,) = (each for each in argo.ask(space.read(LAUNCH_PLANS, "daily"), "discover") if each["name"] == "run")
    assert run["disabled"]
    space.run("by-hand", run_of("daily", inputs={"city": "Rome"}))
