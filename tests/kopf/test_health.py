"""What the probes and `/metrics` answer: by a real operator, really stopped, and by a watch that really hangs."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from pathlib import Path

import aiohttp
import kopf
import pytest

from launchplan_operator import app, frame
from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.kube.prerequisites import Prerequisites
from launchplan_operator.observe.health import serve_health
from launchplan_operator.observe.metrics import Metrics
from launchplan_operator.observe.watches import Watches
from localcluster.operated import ROOT, free_port
from tests.fake import FakeApi, Fault
from tests.fake.server import kubeconfig
from tests.fake.virtual import seeded
from tests.kopf.test_process import running
from tests.kopf.watched import KINDS, Watched, make, watching

#: Seconds that a probe of Kubernetes waits for an answer.
_PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answered."""

    status: int
    text: str


async def ask(port: int, path: str) -> Answer | None:
    """Ask as a probe does; None if no answer comes in time."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_PROBE_SECONDS)) as session,
            session.get(f"http://127.0.0.1:{port}{path}") as response,
        ):
            return Answer(response.status, await response.text())
    except (TimeoutError, aiohttp.ClientError):
        return None


async def awaited(port: int, path: str, status: int) -> Answer:
    """Wait until a path answers with a status."""
    async with asyncio.timeout(30):
        while True:
            answer = await ask(port, path)
            if answer is not None and answer.status == status:
                return answer
            await asyncio.sleep(0.1)


async def test_a_process_that_is_stopped_is_not_alive(tmp_path: Path) -> None:
    """Its loop turns no more, so that nothing answers; once it goes on it is alive again."""
    api, port = FakeApi(), free_port()
    async with running(api, tmp_path, {"LAUNCHPLAN_OPERATOR_HEALTH_PORT": str(port)}) as process:
        assert await ask(port, "/livez") == await ask(port, "/readyz") == Answer(200, "ok\n")
        os.kill(process.pid, signal.SIGSTOP)
        assert await ask(port, "/livez") is None
        os.kill(process.pid, signal.SIGCONT)
        await awaited(port, "/livez", 200)
        shown = await awaited(port, "/metrics", 200)
    assert 'launchplan_watch_staleness_seconds{kind="launchplans"}' in shown.text
    assert 'launchplan_watch_staleness_seconds{kind="jobs"}' in shown.text
    assert "process_resident_memory_bytes" in shown.text


async def test_an_operator_that_cannot_begin_is_alive_and_not_ready(tmp_path: Path) -> None:
    """To start it anew would not help."""
    port = free_port()
    config = tmp_path / "kubeconfig"
    config.write_text(json.dumps(kubeconfig(f"http://127.0.0.1:{free_port()}")))
    settings = {"KUBECONFIG": str(config), "LAUNCHPLAN_OPERATOR_HEALTH_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "launchplan_operator",
        "run",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "operator")} | settings,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        answer = await awaited(port, "/readyz", 503)
        assert await ask(port, "/livez") == Answer(200, "ok\n")
    finally:
        process.terminate()
        code = await asyncio.wait_for(process.wait(), 20)
    assert "cannot be reached" in answer.text or "not looked at yet" in answer.text
    assert code == 0


@asynccontextmanager
async def probed(watched: Watched, watches: Watches) -> AsyncIterator[int]:
    """Serve the probes of an operator whose caches are filled."""
    port = free_port()
    needs = Prerequisites(watched.operator.context.client._transport, "", namespaces=(), rng=seeded(1))
    needs.obstacle = ""
    # Here kopf alone is at work: there is no list to wait for.
    operator = replace(watched.operator, reflectors=())
    assert operator.metrics.watches is watches
    end = await serve_health(port, app._health(operator, needs))
    try:
        yield port
    finally:
        await end()


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let kopf wait for ever for a line of a watch: whatever else would make it hang, this does."""
    settings = frame.kopf_settings

    def waiting() -> kopf.OperatorSettings:
        made = settings()
        made.watching.inactivity_timeout = 3600
        return made

    monkeypatch.setattr(app, "kopf_settings", waiting)


async def test_a_watch_that_hangs_is_not_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says nothing more, not even by a bookmark, and kopf asks nothing more; any line of it mends that."""
    patient(monkeypatch)
    watches = Watches(stuck_after=1.0)
    monkeypatch.setattr(app, "Metrics", partial(Metrics, watches=watches))
    api = FakeApi()
    async with watching(api, tmp_path) as watched, probed(watched, watches) as port:
        assert await ask(port, "/livez") == Answer(200, "ok\n")
        answer = await awaited(port, "/livez", HTTPStatus.SERVICE_UNAVAILABLE)
        assert answer.text == (
            "stuck, and heard nothing for minutes: the watch of launchplanexecutions, launchplans, "
            "referencelaunchplans, workflowdefinitions\n"
        )
        # It is as ready as before: what it knows is old, but no other replica is asked.
        assert await ask(port, "/readyz") == Answer(200, "ok\n")
        assert min(watches.staleness().values()) > 1.0
        make(api, LAUNCH_PLANS, "news")
        await watched.settled()
        assert "launchplans" not in watches.stuck()
        assert watches.staleness()["launchplans"] < 1.0


async def test_bookmarks_are_signs_of_life(tmp_path: Path) -> None:
    """Nothing changes, and still the watches are known to be open."""
    api = FakeApi()
    async with watching(api, tmp_path) as watched:
        watches = watched.operator.metrics.watches
        await asyncio.sleep(0.5)
        assert set(watches.staleness()) == {kind.plural for kind in KINDS}
        assert min(watches.staleness().values()) > 0.4
        api.send_bookmarks()
        await watched.until(lambda: max(watches.staleness().values()) < 0.3)


async def test_a_watch_that_is_refused_is_stale_and_not_stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kopf asks again and again, and a process that is started anew would not be told more."""
    watches = Watches(stuck_after=4.0)
    monkeypatch.setattr(app, "Metrics", partial(Metrics, watches=watches))
    api = FakeApi()
    async with watching(api, tmp_path) as watched:
        api.faults = lambda call: Fault(503, message="no") if call.verb == "watch" else None
        api.break_watches()
        await watched.until(lambda: min(watches.staleness().values()) > 5.0)
        assert watches.stuck() == ()
