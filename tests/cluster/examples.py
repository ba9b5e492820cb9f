"""The pages of the examples: how they are followed, and how all stands when that is done."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from launchplan_operator.api.kinds import CRON_JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS
from localcluster.cluster import LocalCluster
from tests.cluster.support import Object, Space, condition, controller_uid, phase_of, reason_of
from tests.node.pages import ROOT, blocks

EXAMPLES = sorted(page.parent for page in (ROOT / "examples").glob("*/README.md"))


#: What pages make beside the namespace in which they are followed.
NAMESPACES = ("maps-production", "shop-production", "flights-production", "trips-production")


def runs_of(space: Space, plan: str) -> list[Object]:
    """Return the runs of a plan, by name."""
    found = [run for run in space.all(LAUNCH_PLAN_EXECUTIONS) if run["spec"]["launchPlanRef"]["name"] == plan]
    return sorted(found, key=lambda run: str(run["metadata"]["name"]))


def typed_inputs(space: Space) -> None:
    """Each value is of its type, and what is optional may be absent."""
    (run,) = runs_of(space, "thumbnail")
    expected = {"source": "s3://pictures/cat.png", "width": 128, "format": "png", "quality": 0.8}
    assert run["status"]["inputs"] == expected | {"tags": ["small", "square"], "patience": "90s"}


def fixed_inputs(space: Space) -> None:
    """The caller's, the plan's default, and what is fixed."""
    (norway,), (trial,) = runs_of(space, "invoice-norway"), runs_of(space, "invoice-trial")
    assert norway["status"]["inputs"] == {"customer": "Ada", "currency": "NOK", "dryRun": False}
    assert trial["status"]["inputs"] == {"customer": "nobody", "currency": "USD", "dryRun": True}


def kickoff_time(space: Space) -> None:
    """The operator keeps the time, as no CronJob can tell it to an input."""
    assert space.read(LAUNCH_PLANS, "export-yesterday")["status"]["schedule"]["engine"] == "Operator"
    assert len(runs_of(space, "export-yesterday")) == 1


def queue(space: Space) -> None:
    """All four ran, two at most at a time."""
    spans = [(run["status"]["startTime"], run["status"]["completionTime"]) for run in runs_of(space, "import")]
    assert len(spans) == 4
    # Times are whole seconds: a run that starts in the second in which another one ended is not beside it.
    assert max(sum(start <= moment < end for start, end in spans) for moment, _ in spans) <= 2


def replaced(space: Space) -> None:
    """The older run says by which one it was replaced."""
    older = space.read(LAUNCH_PLAN_EXECUTIONS, "of-yesterday")
    assert condition(older, "Ready")["reason"] == "Replaced"
    assert "of-today" in condition(older, "Ready")["message"]


def versions(space: Space) -> None:
    """Each run by the version that it asked for, with that one's inputs."""
    told = {run["status"]["launchPlanVersion"]: run["status"]["inputs"] for run in runs_of(space, "price")}
    assert told == {"v1": {"factor": 1.1}, "v2": {"factor": 1.2}}


def catch_up(space: Space) -> None:
    """Each is active, and the operator keeps its time."""
    for name in ("every-reading", "latest-reading", "fresh-reading"):
        assert space.read(LAUNCH_PLANS, name)["status"]["schedule"]["engine"] == "Operator"


def identity(space: Space) -> None:
    """One is permitted, the other is not."""
    assert reason_of(space.read(LAUNCH_PLANS, "upload-as-default")) == "NotPermitted"
    assert [phase_of(run) for run in runs_of(space, "upload-test")] == ["Succeeded"]


def gitops(space: Space) -> None:
    """The overlays add to the base."""
    (run,) = runs_of(space, "digest")
    assert run["status"]["inputs"] == {"audience": "testers", "limit": 10}
    plan = space.read(LAUNCH_PLANS, "digest")
    assert plan["spec"]["defaultInputs"] == {"audience": "everybody", "limit": 50}
    assert plan["spec"]["suspend"] is False


def from_a_cronjob(space: Space) -> None:
    """With a limit the operator keeps the time, and the CronJob is gone."""
    assert space.find(CRON_JOBS, "backup") is None or controller_uid(space.read(CRON_JOBS, "backup")) is not None
    plan = space.read(LAUNCH_PLANS, "backup")
    assert plan["status"]["schedule"]["engine"] == "Operator"
    assert space.events(plan, "CronJobAdopted")


def references(space: Space) -> None:
    """The shop's runs have the outputs of those beside the plan, and no value of it; the other plan says who asked."""
    shop, maps = (replace(space, namespace=f"{project}-production") for project in ("shop", "maps"))
    run = shop.read(LAUNCH_PLAN_EXECUTIONS, "to-bergen")["status"]
    assert (run["phase"], run["inputs"]) == ("Succeeded", {"start": "Oslo", "goal": "Bergen"})
    assert run["outputs"] == {"kilometres": 463.5, "map": "s3://maps/route.png"}
    remote = maps.read(LAUNCH_PLAN_EXECUTIONS, run["remote"]["name"])
    assert remote["status"]["origin"]["requester"]["execution"] == "to-bergen"
    assert remote["status"]["inputs"]["licence"] == "of-the-maps-team"
    assert [phase_of(each) for each in runs_of(shop, "delivery")] == ["Succeeded"] * 2
    resolved = shop.read(REFERENCE_LAUNCH_PLANS, "delivery")["status"]["resolved"]
    assert (resolved["version"], resolved["fixed"], resolved["namespace"]) == ("v1", ["licence"], "maps-production")
    assert "resolved" not in shop.read(REFERENCE_LAUNCH_PLANS, "delivery-of-tomorrow")["status"]
    asked = maps.read(LAUNCH_PLANS, "route-of-tomorrow")["status"]["references"]
    assert asked["from"] == [{"namespace": "shop-production", "name": "delivery-of-tomorrow", "allowed": False}]


ENDS: dict[str, Callable[[Space], None]] = {
    "04-typed-inputs": typed_inputs,
    "05-fixed-inputs": fixed_inputs,
    "06-kickoff-time": kickoff_time,
    "07-queue": queue,
    "08-replace": replaced,
    "09-versions": versions,
    "10-catch-up": catch_up,
    "11-identity-and-secrets": identity,
    "12-gitops": gitops,
    "13-from-a-cronjob": from_a_cronjob,
    "14-references": references,
}


def programs_for(cluster: LocalCluster, directory: Path) -> dict[str, str]:
    """Put kubectl and its plugin into a directory; returns the environment of somebody who has them."""
    (directory / "kubectl").symlink_to(cluster.program("kubectl"))
    plugin = directory / "kubectl-launchplan"
    plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m launchplan_operator.cli "$@"\n', encoding="utf-8")
    plugin.chmod(0o755)
    return os.environ | {"PATH": f"{directory}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "operator")}


def follow(
    example: Path, cluster: LocalCluster, namespace: str, environment: Mapping[str, str], checkout: Path
) -> None:
    """Run each command of an example's page, in a checkout and a namespace; none may fail."""
    kubeconfig = Path(environment["PATH"].partition(":")[0]) / f"{example.name}.kubeconfig"
    kubeconfig.write_text(cluster.kubeconfig.read_text())
    cluster.kubectl("config", "set-context", "--current", f"--namespace={namespace}", f"--kubeconfig={kubeconfig}")
    for block in blocks(example / "README.md"):
        run = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", block.text],
            cwd=checkout,
            env={**environment, "KUBECONFIG": str(kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{block.text}\n{run.stdout}{run.stderr}"
