"""What a tool that syncs from Git would see as drift: nothing that the operator writes, however it was applied."""

import json

import pytest

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from localcluster.places import LocalClusterError
from tests.cluster.support import ENDED, EVERY_MINUTE, NEVER, Object, Space, phase_of, plan, run_of, workflow

SERVER_SIDE = ("--server-side", "--field-manager=argocd-controller")
APPLIES = [pytest.param((), id="client-side"), pytest.param(SERVER_SIDE, id="server-side")]


def manifests(namespace: str) -> list[Object]:
    """Return a workflow, plans that each engine keeps, one that is refused, a run, and a reference with a run through it."""
    limited = {"max": 2, "behavior": "Queue"}
    specs = [
        (WORKFLOW_DEFINITIONS, "report", workflow()),
        (LAUNCH_PLANS, "nightly", plan(schedule=NEVER)),
        (LAUNCH_PLANS, "limited", plan(schedule=EVERY_MINUTE | {"engine": "Operator"}, concurrency=limited)),
        (LAUNCH_PLANS, "bare", plan(schedule={"fixedRate": {"value": 7, "unit": "Hour"}}, suspend=True)),
        (LAUNCH_PLANS, "wrong", plan(defaultInputs={"city": 7})),
        (LAUNCH_PLAN_EXECUTIONS, "once", run_of("nightly")),
        (REFERENCE_LAUNCH_PLANS, "theirs", {"namespace": namespace, "name": "nightly"}),
        (LAUNCH_PLAN_EXECUTIONS, "through", run_of("theirs", "ReferenceLaunchPlan")),
    ]
    return [
        {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, "spec": spec}
        for kind, name, spec in specs
    ]


@pytest.mark.parametrize("how", APPLIES)
def test_nothing_that_the_operator_writes_is_drift(space: Space, how: tuple[str, ...]) -> None:
    """Once all has come to rest, the same manifests differ from nothing, and applying them again changes nothing."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests(space.namespace)})
    space.kubectl("apply", *how, "-f", "-", stdin=text)
    space.ready(LAUNCH_PLANS, "nightly", "Active")
    space.ready(LAUNCH_PLANS, "limited", "Active")
    space.ready(LAUNCH_PLANS, "bare", "Suspended")
    space.stalled(LAUNCH_PLANS, "wrong", "TypeMismatch")
    space.ready(REFERENCE_LAUNCH_PLANS, "theirs", "Resolved")
    for name in ("once", "through"):
        space.until(LAUNCH_PLAN_EXECUTIONS, name, lambda run: phase_of(run) in ENDED)
    # `kubectl diff` ends with 1, and raises here, where it finds a difference.
    assert space.kubectl("diff", *how, "-f", "-", stdin=text) == ""
    before = {each["metadata"]["name"]: each["metadata"]["generation"] for each in space.all(LAUNCH_PLANS)}
    space.kubectl("apply", *how, "-f", "-", stdin=text)
    assert {each["metadata"]["name"]: each["metadata"]["generation"] for each in space.all(LAUNCH_PLANS)} == before


@pytest.mark.parametrize("how", APPLIES)
def test_a_difference_would_be_seen(space: Space, how: tuple[str, ...]) -> None:
    """The look of the other test can fail."""
    space.kubectl("apply", *how, "-f", "-", stdin=json.dumps(manifests(space.namespace)[0]))
    text = json.dumps(manifests(space.namespace)[0] | {"spec": workflow(backoffLimit=3)})
    with pytest.raises(LocalClusterError, match="exit"):
        space.kubectl("diff", *how, "-f", "-", stdin=text)


def test_a_plan_heals_whose_workflow_came_after_it(space: Space) -> None:
    """Whatever order a tool applies them in, with the run first: all is Ready, and the run has run."""
    found = manifests(space.namespace)
    for place in (5, 1, 0):
        space.apply(found[place])
    space.ready(WORKFLOW_DEFINITIONS, "report", "Valid")
    space.ready(LAUNCH_PLANS, "nightly", "Active")
    space.ended("once")


def test_a_reference_heals_whose_plan_came_after_it(space: Space) -> None:
    """The run first of all, then the reference, then what it refers to."""
    found = manifests(space.namespace)
    for place in (7, 6, 1, 0):
        space.apply(found[place])
    space.ready(REFERENCE_LAUNCH_PLANS, "theirs", "Resolved")
    space.ended("through")


def test_a_hook_runs_at_each_sync(space: Space) -> None:
    """It is deleted and made again under its name at once, while the Job of the last one is still there."""
    space.offer()
    space.plan("nightly")
    first = space.run("migrate", run_of("nightly"))
    for _ in range(2):
        space.delete(LAUNCH_PLAN_EXECUTIONS, "migrate")
        space.gone(LAUNCH_PLAN_EXECUTIONS, "migrate")
        again = space.run("migrate", run_of("nightly"), seconds=60.0)
        assert again["metadata"]["uid"] != first["metadata"]["uid"]
        assert again["status"]["jobRef"]["uid"] != first["status"]["jobRef"]["uid"]
        first = again
