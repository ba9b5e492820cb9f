"""A chart of somebody's that holds plans: `helm install --wait` waits until they are ready, and fails on a stalled one."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from localcluster.places import LocalClusterError
from tests.cluster.charted import Charted
from tests.cluster.support import NEVER, Object, Space, plan, reason_of, run_of, workflow

_TIMEOUT = 90
_UNKNOWN_TYPE = [{"name": "days", "type": "number"}]


@pytest.fixture(scope="module")
def served(charted: Charted) -> Iterator[Charted]:
    """The chart installed, and an operator that works under it."""
    charted.clear()
    charted.install()
    charted.operate()
    yield charted
    charted.end_operators()


@pytest.fixture
def space(served: Charted) -> Iterator[Space]:
    """A fresh namespace."""
    with served.space() as fresh:
        yield fresh


def chart_of(directory: Path, *manifests: tuple[Kind, str, Object]) -> Path:
    """Write a chart with these objects."""
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text("{apiVersion: v2, name: team, version: 1.0.0}")
    for number, (kind, name, spec) in enumerate(manifests):
        manifest = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, "spec": spec}
        (directory / "templates" / f"{number}.yaml").write_text(json.dumps(manifest))
    return directory


def install(served: Charted, space: Space, chart: Path) -> str:
    """Install a chart and wait for its objects."""
    wait = ("--wait", f"--timeout={_TIMEOUT}s", "--namespace", space.namespace)
    return served.helm("install", "team", str(chart), *wait)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"schedule": NEVER}, "Active", id="an active one"),
        pytest.param({"schedule": NEVER, "suspend": True}, "Suspended", id="a suspended one"),
        pytest.param({"autoActivate": False}, "Inactive", id="an inactive one"),
    ],
)
def test_helm_waits_until_a_plan_is_ready(
    served: Charted, space: Space, tmp_path: Path, spec: Object, reason: str
) -> None:
    """Plan and workflow come in any order, and are ready when helm returns."""
    objects = (LAUNCH_PLANS, "daily", plan(**spec)), (WORKFLOW_DEFINITIONS, "report", workflow())
    assert "STATUS: deployed" in install(served, space, chart_of(tmp_path / "team", *objects))
    assert reason_of(space.read(LAUNCH_PLANS, "daily")) == reason
    assert reason_of(space.read(WORKFLOW_DEFINITIONS, "report")) == "Valid"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        pytest.param((LAUNCH_PLANS, "daily", plan(defaultInputs={"city": 7})), "daily", id="a plan that is stalled"),
        pytest.param(
            (REFERENCE_LAUNCH_PLANS, "theirs", {"namespace": "elsewhere", "name": "daily", "inputs": _UNKNOWN_TYPE}),
            "theirs",
            id="a reference that is stalled",
        ),
        pytest.param((LAUNCH_PLAN_EXECUTIONS, "once", run_of("daily", inputs={"x": 1})), "once", id="a rejected run"),
    ],
)
def test_helm_fails_on_what_waiting_does_not_mend(
    served: Charted, space: Space, tmp_path: Path, broken: tuple[Kind, str, Object], told: str
) -> None:
    """It names the object, and does not wait until its time is over."""
    base: tuple[tuple[Kind, str, Object], ...] = ((WORKFLOW_DEFINITIONS, "report", workflow()),)
    if broken[0] is LAUNCH_PLAN_EXECUTIONS:
        base = (*base, (LAUNCH_PLANS, "daily", plan()))
    began = time.monotonic()
    with pytest.raises(LocalClusterError, match=told):
        install(served, space, chart_of(tmp_path / "team", *base, broken))
    assert time.monotonic() - began < _TIMEOUT / 2
