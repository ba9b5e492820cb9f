"""Every example does what its page says, by its own commands; the stub ends a pod when its script would."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from launchplan_operator.api.kinds import CRON_JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.conftest import MakeSpace
from tests.cluster.support import Object, Space, condition, controller_uid, phase_of, reason_of
from tests.node.pages import ROOT, blocks

EXAMPLES = sorted(page.parent for page in (ROOT / "examples").glob("*/README.md"))
_SLEEP = re.compile(r"sleep (\d+)")


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
}


def told_to_the_stub(text: str) -> str:
    """Return manifests in which the pods of a script that sleeps last as long."""
    manifests = list(yaml.safe_load_all(text))
    for manifest in manifests:
        sleeps = _SLEEP.search(json_of(manifest))
        if manifest["kind"] == "WorkflowDefinition" and sleeps:
            metadata = {"annotations": {"stub.localcluster/duration": sleeps[1]}}
            manifest["spec"]["job"]["template"]["metadata"] = metadata
    return yaml.safe_dump_all(manifests, sort_keys=False)


def json_of(manifest: Object) -> str:
    """Return the commands of a manifest's containers as one text."""
    return str(manifest.get("spec", {}).get("job", ""))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples for the stub."""
    directory = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "examples", directory / "examples")
    for path in directory.glob("examples/*/workflow.yaml"):
        path.write_text(told_to_the_stub(path.read_text(encoding="utf-8")), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def followed(
    cluster: LocalCluster,
    new_space: MakeSpace,
    operator: OperatorProcess,
    checkout: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[Path, Future[Space]]]:
    """Somebody follows each page, all beside each other."""
    assert operator.is_ready()
    programs = tmp_path_factory.mktemp("bin")
    (programs / "kubectl").symlink_to(cluster.program("kubectl"))
    plugin = programs / "kubectl-launchplan"
    plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m launchplan_operator.cli "$@"\n', encoding="utf-8")
    plugin.chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "operator")}

    def follow(example: Path, space: Space) -> Space:
        kubeconfig = programs / f"{example.name}.kubeconfig"
        kubeconfig.write_text(cluster.kubeconfig.read_text())
        use = ("config", "set-context", "--current", f"--namespace={space.namespace}", f"--kubeconfig={kubeconfig}")
        cluster.kubectl(*use)
        for block in blocks(example / "README.md"):
            words = ["bash", "-e", "-o", "pipefail", "-c", block.text]
            run = subprocess.run(
                words,
                cwd=checkout,
                env=environment | {"KUBECONFIG": str(kubeconfig)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert run.returncode == 0, f"{block.text}\n{run.stdout}{run.stderr}"
        return space

    with ThreadPoolExecutor(4) as pool:
        yield {example: pool.submit(follow, example, new_space()) for example in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_does_what_its_page_says(
    example: Path, followed: dict[Path, Future[Space]], cluster: LocalCluster
) -> None:
    """No command fails, and all stands as the page promises."""
    space = followed[example].result()
    with closing(cluster.api()) as api:
        ENDS[example.name](replace(space, api=api))


def test_every_example_has_a_page_and_an_end() -> None:
    """But for the first three, whose runs are watched on the real node."""
    named = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir() and path.name[:2] > "03"}
    assert named == {example.name for example in EXAMPLES} == set(ENDS)
