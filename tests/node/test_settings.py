"""Run settings in real containers: what the example asks for, and what it gets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.node.support import Space

EXAMPLE = Path(__file__).parents[2] / "examples" / "03-settings"


@pytest.fixture(scope="module")
def publishing(space: Space) -> Iterator[Space]:
    """A namespace with the example in it, and with what it refers to."""
    space.kubectl("create", "serviceaccount", "publisher")
    space.kubectl(
        "create", "secret", "generic", "publishing", "--from-literal=token=0123456789", "--from-literal=ca=trusted"
    )
    space.kubectl("apply", "-f", str(EXAMPLE / "workflow.yaml"), "-f", str(EXAMPLE / "plan.yaml"))
    space.kubectl("wait", "lp/publish-news", "--for=condition=Ready", "--timeout=30s")
    yield space
    space.kubectl("delete", "lp/publish-news")


def pod_of(space: Space, run: str) -> Any:
    """Return the pod of a run."""
    (pod,) = json.loads(space.kubectl("get", "pods", "-l", f"job-name={run}", "-o", "json"))["items"]
    return pod


def lines(space: Space, run: str) -> list[str]:
    """Return what the container of a run wrote, once it has ended well."""
    status = space.ended(run)
    assert status["phase"] == "Succeeded", status
    return space.log(run).splitlines()


def expected(space: Space, run: str, level: str) -> list[str]:
    """Return what the container must have written."""
    return [
        "topic: news",
        f"log level: {level}",
        "token: 10 characters",
        "certificate: trusted",
        "at once: 2",
        f"large outputs: s3://bucket/published/{space.name}/{run}",
    ]


def test_a_slots_job_gets_the_plans_settings(publishing: Space) -> None:
    """The CronJob's template is one for all its runs, and yet each learns its own address."""
    publishing.kubectl("create", "job", "--from=cronjob/publish-news", "publish-extra")
    assert lines(publishing, "publish-extra") == expected(publishing, "publish-extra", "info, news")
    pod = pod_of(publishing, "publish-extra")
    assert pod["spec"]["serviceAccountName"] == "publisher"
    assert {"key": "example.com/spot", "operator": "Exists"} in pod["spec"]["tolerations"]
    assert pod["metadata"]["labels"]["team"] == "press"
    assert "cost-centre" not in pod["metadata"]["labels"]
    job = publishing.get("job/publish-extra")
    assert job["metadata"]["labels"]["cost-centre"] == "4711"
    assert job["spec"]["activeDeadlineSeconds"] == 600


def test_a_runs_settings_take_the_place_of_its_plans(publishing: Space) -> None:
    """Those that it sets, each as a whole."""
    name = publishing.kubectl("create", "-f", str(EXAMPLE / "run.yaml"), "-o", "name").strip().rpartition("/")[2]
    assert lines(publishing, name) == expected(publishing, name, "debug")
    pod = pod_of(publishing, name)
    assert pod["spec"]["serviceAccountName"] == "publisher"
    assert "example.com/spot" not in [each.get("key") for each in pod["spec"]["tolerations"]]
    assert publishing.get(f"job/{name}")["spec"]["activeDeadlineSeconds"] == 60
