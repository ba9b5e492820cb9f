"""Errors that explain themselves: what `kubectl describe` shows of each mistake, and that its command mends it.

`UPDATE=1` writes the files below docs/generated/reasons, which the reference quotes.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.conftest import MakeSpace
from tests.cluster.describing import describe
from tests.cluster.mistakes import CASES, Case
from tests.cluster.support import Object, Space, condition, phase_of, reason_of, standing

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "docs" / "generated" / "reasons"
SPOKEN = ". To mend it, for example: "
_CREATED = re.compile(r"lpx/(\S+) created")

Shell = Callable[[str, str], str]


@pytest.fixture(scope="session")
def shell(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Runs a command as a person would, whose editor is a sed script."""
    programs = tmp_path_factory.mktemp("bin")
    (programs / "kubectl").symlink_to(cluster.program("kubectl"))
    _write_script(programs / "kubectl-launchplan", f'exec {sys.executable} -m launchplan_operator.cli "$@"')
    _write_script(programs / "editor", 'exec sed -i "$EDITS" "$1"')
    environment = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECONFIG": str(cluster.kubeconfig),
        "KUBE_EDITOR": str(programs / "editor"),
    }

    def run(command: str, edits: str) -> str:
        words = ["bash", "-e", "-c", command]
        done = subprocess.run(words, env=environment | {"EDITS": edits}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


def _write_script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


@dataclass(frozen=True, slots=True)
class Play:
    """What a case showed: the description, the words of its mistake, and the object once it was mended."""

    shown: str
    message: str
    mended: Object


def play(case: Case, space: Space, shell: Shell) -> Play:
    """Make the mistake, look at it, run the command that it names, and wait for what that mends."""
    case.cause(space)
    wrong = space.until(case.kind, case.name, lambda obj: _is_told(obj, case.reason))
    told = condition(wrong, "Stalled" if standing(wrong)["Stalled"] == "True" else "Reconciling")["message"]
    message, _, command = told.partition(SPOKEN)
    shown = describe(space, case.kind, case.name)
    if case.before is not None:
        case.before(space)
    output = shell(command, case.edits)
    if case.after is not None:
        case.after(space)
    created = _CREATED.search(output)
    kind, name = (LAUNCH_PLAN_EXECUTIONS, created[1]) if created else (case.kind, case.name)
    mended = space.until(kind, name, lambda obj: _is_ready(obj) or phase_of(obj) == "Rejected", 45.0)
    return Play(shown, message, mended)


def _is_told(obj: Object, reason: str) -> bool:
    return reason_of(obj) == reason and standing(obj)["Ready"] == "False"


def _is_ready(obj: Object) -> bool:
    return reason_of(obj) is not None and standing(obj)["Ready"] == "True"


@pytest.fixture(scope="module")
def slow_plays(
    cluster: LocalCluster, new_space: MakeSpace, operator: OperatorProcess, shell: Shell
) -> Iterator[dict[str, Future[Play]]]:
    """The cases that are mended only when the operator asks again, each half minute; they go on beside all others."""
    assert operator.is_ready()
    slow = [case for case in CASES if case.slow]

    def in_background(case: Case) -> Play:
        with closing(cluster.api()) as api:
            return play(case, replace(new_space(), api=api), shell)

    with ThreadPoolExecutor(len(slow)) as pool:
        yield {case.file: pool.submit(in_background, case) for case in slow}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_a_mistake_says_what_mends_it(
    case: Case, space: Space, shell: Shell, slow_plays: dict[str, Future[Play]]
) -> None:
    """The description is the golden one, names path, found and expected, and its command makes Ready true."""
    seen = slow_plays[case.file].result() if case.slow else play(case, space, shell)
    golden = GOLDEN / f"{case.file}.txt"
    if os.environ.get("UPDATE") == "1":
        golden.write_text(seen.shown, encoding="utf-8")
    assert seen.shown == golden.read_text(encoding="utf-8")
    assert [word for word in case.words if word not in seen.message] == [], seen.message
    assert standing(seen.mended) == {"Ready": "True", "Reconciling": "False", "Stalled": "False"}, seen.mended["status"]


def test_no_golden_is_left_over() -> None:
    """A case that goes takes its file with it."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {case.file for case in CASES}
