"""The whole process: kopf is a part of it, and neither outlives the other."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from launchplan_operator.api.kinds import LAUNCH_PLANS
from tests.fake import FakeApi
from tests.fake.server import kubeconfig, serve
from tests.kopf.watched import KINDS

_PATIENCE = 30.0


@asynccontextmanager
async def running(api: FakeApi, directory: Path) -> AsyncIterator[Process]:
    """Run the operator's process beside the fake, until it watches all kinds."""
    path = directory / "kubeconfig"
    async with serve(api) as url:
        path.write_text(json.dumps(kubeconfig(url)))
        settings = {"KUBECONFIG": str(path), "LAUNCHPLAN_OPERATOR_HEALTH_PORT": "0"}
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
    while True:
        if all(map(api.store.watches, KINDS)):
            return
        await asyncio.sleep(0.05)


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
    assert "Error in the watch-stream" in log
