"""Two operators on one cluster: one works, and whatever happens to it, the other takes its place."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LEASES
from localcluster.cluster import LocalCluster
from localcluster.operated import SYSTEM_NAMESPACE, OperatorProcess, free_port
from tests.cluster.audit import Audit
from tests.cluster.support import Object, Space, eventually, phase_of, run_of, workflow

_LEASE = LEASES.path(SYSTEM_NAMESPACE, "launchplan-operator")
#: The longest in which another serves after a crash, and after an orderly end.
_AFTER_CRASH, _AFTER_END = 20.0, 3.0

MakeSpace = Callable[[], Space]


@dataclass(frozen=True, slots=True)
class Replicas:
    """Two operators and a namespace that they serve.

    Attributes:
        leader: leads.
        other: stands by.
    """

    leader: OperatorProcess
    other: OperatorProcess
    space: Space

    def lease(self) -> Object:
        """Return what the Lease says, and nothing if there is none."""
        spec: Object = self.space.send("GET", _LEASE).body.get("spec") or {}
        return spec

    def holder(self) -> str:
        """Return who holds the Lease."""
        return str(self.lease().get("holderIdentity") or "")


@pytest.fixture(scope="module", autouse=True)
def _alone(operator: OperatorProcess) -> Iterator[None]:
    """No operator but those of this file."""
    operator.stop()
    yield
    operator.start()
    operator.await_ready()


@pytest.fixture
def replicas(operator: OperatorProcess, new_space: MakeSpace, tmp_path: Path) -> Iterator[Replicas]:
    """Two operators that serve a plan already."""
    leader, other = (
        OperatorProcess(operator.kubeconfig, tmp_path / f"{name}.log", free_port()) for name in ("leader", "other")
    )
    space = new_space()
    made = Replicas(leader, other, space)
    try:
        leader.start()
        leader.await_ready()
        eventually(made.holder, bool)
        other.start()
        other.await_ready()
        space.offer(spec=workflow({"message": '{"rows": 1}'}))
        space.plan("daily")
        yield made
    finally:
        for process in (leader, other):
            process.stop()


def run(space: Space, name: str) -> None:
    """Ask for a run of the plan."""
    space.create(LAUNCH_PLAN_EXECUTIONS, name, run_of("daily"))


def seconds_until_accepted(space: Space, name: str, began: float) -> float:
    """Wait until an operator has seen a run; return how long after `began`."""
    space.until(LAUNCH_PLAN_EXECUTIONS, name, lambda obj: phase_of(obj) is not None, 60)
    return time.monotonic() - began


def messages(operator: OperatorProcess, *levels: str) -> list[str]:
    """Return what an operator logged at some levels; a line that is no log line is shown as it is."""
    lines = operator.log.read_text().splitlines()
    read = [json.loads(line) if line.startswith("{") else {"level": "none", "message": line} for line in lines]
    return [str(line["message"]) for line in read if line["level"] in (*levels, "none")]


def test_two_cost_no_more_than_one(replicas: Replicas, cluster: LocalCluster) -> None:
    """The one that stands by is ready and writes nothing: no write is made twice, none meets another's."""
    space = replicas.space
    assert replicas.other.is_ready()
    audit = Audit(cluster.audit_log).from_now()
    run(space, "one")
    space.ended("one")
    eventually(lambda: space.read(LAUNCH_PLAN_EXECUTIONS, "one")["status"].get("counted"), bool)
    writes = audit.writes(space.namespace)
    assert writes["create", "jobs"] == 1
    assert writes["patch", "launchplanexecutions/status"] == 1
    assert writes["update", "launchplans/status"] <= 2
    assert writes["update", "launchplanexecutions/status"] <= 3
    # What earlier tests left in namespaces that are going is refused there, as it must be.
    own = {space.namespace, SYSTEM_NAMESPACE}
    assert {r.status for r in audit.requests() if r.is_write and r.namespace in own} <= {200, 201}
    assert messages(replicas.other, "info")[-1].startswith("standing by: ")


def test_killed_the_leader_is_replaced_within_twenty_seconds(replicas: Replicas) -> None:
    """What is asked for meanwhile is done then, and the one that was killed waits in its turn."""
    space, first = replicas.space, replicas.holder()
    replicas.leader.kill()
    began = time.monotonic()
    run(space, "meanwhile")
    assert seconds_until_accepted(space, "meanwhile", began) < _AFTER_CRASH
    space.ended("meanwhile")
    second = replicas.holder()
    assert second not in ("", first)
    replicas.leader.start()
    replicas.leader.await_ready()
    run(space, "after")
    space.ended("after")
    assert replicas.holder() == second
    assert replicas.lease()["leaseTransitions"] >= 1


def test_told_to_end_the_leader_is_replaced_at_once(replicas: Replicas) -> None:
    """From the signal on, not from its end."""
    space, first = replicas.space, replicas.holder()
    began = time.monotonic()
    replicas.leader.terminate()
    run(space, "next")
    assert seconds_until_accepted(space, "next", began) < _AFTER_END
    assert replicas.holder() not in ("", first)
    assert replicas.leader.wait(10) == 0
    assert messages(replicas.leader, "warning", "error") == []
    space.ended("next")


def test_a_leader_whose_lease_is_stolen_ends_with_one_plain_line(replicas: Replicas) -> None:
    """Whoever stole it: nobody else writes until the time of that Lease is over."""
    space = replicas.space
    stolen = {"holderIdentity": "thief", "leaseDurationSeconds": 10}
    assert space.send("PATCH", _LEASE, {"spec": stolen}).ok
    assert replicas.leader.wait(10) == 1
    assert messages(replicas.leader, "warning", "error") == [
        "leadership is lost, the process ends: thief holds the Lease"
    ]
    assert replicas.holder() == "thief"
    run(space, "late")
    began = time.monotonic()
    assert seconds_until_accepted(space, "late", began) < _AFTER_CRASH
    assert replicas.holder() not in ("", "thief")


def test_a_deleted_lease_costs_no_leadership(replicas: Replicas) -> None:
    """A person who tidies up disturbs nothing."""
    space, first = replicas.space, replicas.holder()
    assert space.send("DELETE", _LEASE).ok
    eventually(replicas.holder, bool)
    assert replicas.holder() == first
    run(space, "on")
    space.ended("on")
    assert messages(replicas.leader, "error") == []
