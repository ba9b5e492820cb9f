"""Every example does what its page says, by its own commands; the stub ends a pod when its script would."""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.conftest import MakeSpace
from tests.cluster.examples import ENDS, EXAMPLES, follow, programs_for
from tests.cluster.support import Object, Space
from tests.node.pages import ROOT

_SLEEP = re.compile(r"sleep (\d+)")
_WORDS = re.compile(r"printf '(\{[^']*\})' > /dev/termination-log")


def told_to_the_stub(text: str) -> str:
    """Return manifests in which the pods of a script that sleeps last as long, and say what a script would say."""
    manifests = list(yaml.safe_load_all(text))
    for manifest in manifests:
        if manifest["kind"] == "WorkflowDefinition" and (told := told_of(script_of(manifest))):
            manifest["spec"]["job"]["template"]["metadata"] = {"annotations": told}
    return yaml.safe_dump_all(manifests, sort_keys=False)


def told_of(script: str) -> dict[str, str]:
    """Return the stub's annotations for a script."""
    found = {"duration": _SLEEP.search(script), "message": _WORDS.search(script)}
    return {f"stub.localcluster/{name}": match[1] for name, match in found.items() if match}


def script_of(manifest: Object) -> str:
    """Return the commands of a manifest's containers as one text."""
    job = manifest.get("spec", {}).get("job", {})
    containers = job.get("template", {}).get("spec", {}).get("containers", ())
    return "\n".join(word for each in containers for word in (*each.get("command", ()), *each.get("args", ())))


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
    environment = programs_for(cluster, tmp_path_factory.mktemp("bin"))

    def followed_in(example: Path, space: Space) -> Space:
        follow(example, cluster, space.namespace, environment, checkout)
        return space

    with ThreadPoolExecutor(4) as pool:
        yield {example: pool.submit(followed_in, example, new_space()) for example in EXAMPLES}


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
