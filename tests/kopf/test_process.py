"""The whole process: kopf is a part of it, and neither outlives the other."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLANS, LEASES
from localcluster.operated import ROOT, free_port, is_ready
from tests.fake import FakeApi, Fault
from tests.fake.server import kubeconfig, serve
from tests.kopf.watched import KINDS

_PATIENCE = 30.0
_ELECTED = {"LAUNCHPLAN_OPERATOR_LEADER_ELECTION": "true"}
_LEASE = LEASES.path("default", "launchplan-operator")


@asynccontextmanager
async def running(api: FakeApi, directory: Path, more: dict[str, str] | None = None) -> AsyncIterator[Process]:
    """Run the operator's process beside the fake, until it watches all kinds."""
    path = directory / "kubeconfig"
    async with serve(api) as url:
        path.write_text(json.dumps(kubeconfig(url)))
        settings = {"KUBECONFIG": str(path), "LAUNCHPLAN_OPERATOR_HEALTH_PORT": "0"} | (more or {})
        settings["PYTHONPATH"] = str(ROOT / "operator")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "launchplan_operator",
            "run",
            env={"PATH": os.environ["PATH"]} | settings,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await asyncio.wait_for(watches_open(api), _PATIENCE)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def watches_open(api: FakeApi) -> None:
    """Wait until each of our kinds is watched."""
    await until(lambda: all(map(api.store.watches, KINDS)))


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


def holder(api: FakeApi) -> str:
    """Return who holds the Lease."""
    found: str = api.do("GET", _LEASE)["spec"]["holderIdentity"]
    return found


def hold(api: FakeApi, identity: str) -> None:
    """Hold the Lease as somebody else."""
    metadata = {"name": "launchplan-operator"}
    spec = {"holderIdentity": identity, "leaseDurationSeconds": 15}
    body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}
    api.do("POST", LEASES.path("default"), body)


async def end(process: Process) -> tuple[int | None, str]:
    """Wait until the process ends; returns its exit code and its log."""
    _, log = await asyncio.wait_for(process.communicate(), _PATIENCE)
    return process.returncode, log.decode()


async def test_asked_to_end_it_ends_in_order(tmp_path: Path) -> None:
    """Kopf takes the signals for itself; the process ends all the same, and nothing failed."""
    api = FakeApi()
    async with running(api, tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        code, log = await end(process)
    assert code == 0
    assert api.writes() == []
    assert "Traceback" not in log


async def test_when_kopf_fails_the_process_ends(tmp_path: Path) -> None:
    """An operator that no longer sees its plans must not go on as if it did."""
    api = FakeApi()
    async with running(api, tmp_path) as process:
        api.store.watches(LAUNCH_PLANS)[0].push("ERROR", {"kind": "Status", "code": 500, "message": "no"})
        code, log = await end(process)
    assert code == 1
    assert "our own kinds cannot be followed, the process ends: Error in the watch-stream" in log
    assert "Traceback" not in log


async def test_an_elected_operator_lets_go_of_its_lease_at_its_end(tmp_path: Path) -> None:
    """It writes nothing else; its exit code is that of an orderly end."""
    api = FakeApi()
    async with running(api, tmp_path, _ELECTED) as process:
        assert "_" in holder(api)
        process.send_signal(signal.SIGTERM)
        await until(lambda: holder(api) == "")
        began = time.monotonic()
        code, log = await end(process)
    assert code == 0
    # kopf by itself would take five seconds to end.
    assert time.monotonic() - began < 4
    assert holder(api) == ""
    assert {write.partition(" default/")[0] for write in api.writes()} == {"create leases", "update leases"}
    assert "Traceback" not in log


async def test_an_operator_whose_lease_is_stolen_ends_with_one_plain_line(tmp_path: Path) -> None:
    """Whoever starts it again sees that it failed, and why."""
    api = FakeApi()
    async with running(api, tmp_path, _ELECTED) as process:
        api.do("PATCH", _LEASE, {"spec": {"holderIdentity": "thief"}})
        began = time.monotonic()
        code, log = await end(process)
    assert code == 1
    assert time.monotonic() - began < 5
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line["message"] for line in lines if line["level"] != "info"] == [
        "leadership is lost, the process ends: thief holds the Lease"
    ]
    assert not any("error" in line for line in lines)
    assert holder(api) == "thief"


async def test_an_operator_that_stands_by_is_ready_and_ends_in_order(tmp_path: Path) -> None:
    """Its caches are warm, and kopf watches for it."""
    api, port = FakeApi(), free_port()
    hold(api, "another")
    async with running(api, tmp_path, _ELECTED | {"LAUNCHPLAN_OPERATOR_HEALTH_PORT": str(port)}) as process:
        assert await asyncio.to_thread(is_ready, port)
        process.send_signal(signal.SIGTERM)
        code, log = await end(process)
    assert code == 0
    assert api.writes() == []
    assert holder(api) == "another"
    assert "standing by: another holds the Lease" in log


@pytest.mark.parametrize("faults", [{"get"}, {"create"}], ids=["may not look", "may not claim"])
async def test_an_operator_without_the_right_to_its_lease_says_so(faults: set[str], tmp_path: Path) -> None:
    """It stands by until somebody gives it that right."""
    api = FakeApi()
    api.faults = lambda call: Fault(403, message="no") if call.kind == LEASES and call.verb in faults else None
    async with running(api, tmp_path, _ELECTED) as process:
        await until(lambda: api.count(target="leases") > 1)
        process.send_signal(signal.SIGTERM)
        code, log = await end(process)
    assert code == 0
    assert log.count("cannot claim the Lease: ") == 1
