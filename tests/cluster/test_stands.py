"""How objects of the real operator stand, in the eyes of kstatus; what they look like is Argo CD's testdata.

`UPDATE=1` writes the files below gitops/argocd/resource_customizations.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
import yaml

from docs.argocd import SCRIPTS
from launchplan_operator.api.kinds import GROUP
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.conftest import MakeSpace
from tests.cluster.engines import Engine, kstatus
from tests.cluster.stands import STANDS, Stand, without_chance
from tests.cluster.support import Object, Space

Seen = dict[Stand, Future[Object]]
_AT_ONCE = 8


@pytest.fixture(scope="module")
def seen(cluster: LocalCluster, new_space: MakeSpace, operator: OperatorProcess) -> Iterator[Seen]:
    """All come about beside each other."""
    assert operator.is_ready()

    def look(stand: Stand, space: Space) -> Object:
        with closing(cluster.api()) as api:
            return stand.bring_about(replace(space, api=api))

    spaces = {stand: new_space() for stand in STANDS}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {stand: pool.submit(look, stand, spaces[stand]) for stand in STANDS}


@pytest.fixture(scope="module")
def judge() -> Engine:
    """The code by which Helm waits."""
    return kstatus()


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: f"{stand.kind.kind}-{stand.file}")
def test_kstatus_reads_an_object_as_it_stands(stand: Stand, seen: Seen, judge: Engine) -> None:
    """Current where nothing is left to be waited for, Failed where waiting mends nothing, else InProgress."""
    (answer,) = judge.ask([seen[stand].result()])
    assert answer["status"] == stand.kstatus, answer["message"]


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: f"{stand.kind.kind}-{stand.file}")
def test_the_testdata_is_what_the_operator_wrote(stand: Stand, seen: Seen) -> None:
    """But for instants, uids and the namespace."""
    shown = without_chance(seen[stand].result())
    golden = SCRIPTS / GROUP / stand.kind.kind / "testdata" / f"{stand.file}.yaml"
    if os.environ.get("UPDATE") == "1":
        golden.write_text(yaml.safe_dump(shown, width=120), encoding="utf-8")
    assert shown == yaml.safe_load(golden.read_text(encoding="utf-8"))


def test_no_testdata_is_left_over() -> None:
    """A stand that goes takes its file with it."""
    expected = {(stand.kind.kind, stand.file) for stand in STANDS}
    assert {(path.parts[-3], path.stem) for path in (SCRIPTS / GROUP).glob("*/testdata/*.yaml")} == expected
