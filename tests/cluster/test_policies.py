"""What the API server says at apply, by the chart's policies."""

import subprocess

import pytest
import yaml

from launchplan_operator.api.kinds import LAUNCH_PLANS
from localcluster.cluster import LocalCluster
from tests.cluster.support import NEVER, Object, Space, eventually, plan

WARNING = (
    "has a schedule, but nothing will run on it until spec.autoActivate is true or spec.activeVersion names a version"
)


def warnings_of(cluster: LocalCluster, space: Space, spec: Object) -> str:
    """Apply a plan as a person does, and return what kubectl wrote beside its result."""
    manifest = {
        "apiVersion": LAUNCH_PLANS.api_version,
        "kind": LAUNCH_PLANS.kind,
        "metadata": {"name": "daily"},
        "spec": spec,
    }
    command = [cluster.program("kubectl"), "--kubeconfig", str(cluster.kubeconfig), "-n", space.namespace]
    run = subprocess.run(
        [*command, "apply", "-f", "-"], input=yaml.safe_dump(manifest), capture_output=True, text=True, check=True
    )
    return run.stderr


def test_a_plan_that_will_not_run_on_its_schedule_is_warned_of_at_apply(cluster: LocalCluster, space: Space) -> None:
    """It is applied all the same; the server begins to apply a policy some moments after it got it."""
    inactive = plan(schedule=NEVER, autoActivate=False)
    seen = eventually(lambda: warnings_of(cluster, space, inactive), lambda text: WARNING in text, 30)
    assert "LaunchPlan daily" in seen
    assert space.read(LAUNCH_PLANS, "daily")["spec"]["autoActivate"] is False


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(plan(schedule=NEVER), id="one that activates itself"),
        pytest.param(plan(schedule=NEVER, autoActivate=False, activeVersion="v1"), id="one that names its version"),
        pytest.param(plan(autoActivate=False), id="one without a schedule"),
    ],
)
def test_other_plans_are_not_warned_of(cluster: LocalCluster, space: Space, spec: Object) -> None:
    """While the policy is at work."""
    other = plan(schedule=NEVER, autoActivate=False)
    eventually(lambda: warnings_of(cluster, space, other), lambda text: WARNING in text, 30)
    assert WARNING not in warnings_of(cluster, space, spec)
